# SPDX-License-Identifier: GPL-2.0-only
#
# The table of the cases on stdin, which are lines as in run, by what the meter printed for each peer:
#
#   awk -f table.awk PEER.result... -

# What a case costs: what its second run, which does it more often, costs more than its first.
function cost(peer, name, field) {
	return (last[peer, name, field] - first[peer, name, field]) / more[peer, name]
}

# In millions from where a table would be of digits.
function show(x) {
	if (x >= 1e7)
		return sprintf("%.1f M", x / 1e6)
	return sprintf(x < 100 ? x < 10 ? "%.2f" : "%.1f" : "%.0f", x)
}

function both(peer, name, field) {
	return show(cost("bulkhead", name, field)) " / " show(cost(peer, name, field))
}

# Counted are those of guests that there still are: none, of a whole run.
function exits(peer, name) {
	if (!cost("bulkhead", name, 5) && !cost(peer, name, 5))
		return "-"
	return both(peer, name, 5)
}

BEGIN {
	FS = "\t"
	print "| instructions for a | peer | bulkhead | the peer | ratio | goal | elapsed | exits |"
	print "|---|---|--:|--:|--:|--:|--:|--:|"
}

FILENAME != "-" {
	sub(/.*\//, "", FILENAME)
	sub(/\.result$/, "", FILENAME)
	split($0, result, " ")
	name = result[1]
	if ((FILENAME, name) in count)
		more[FILENAME, name] = result[2] - count[FILENAME, name]
	count[FILENAME, name] = result[2]
	for (i = 3; i <= 5; i++) {
		first[FILENAME, name, i] = last[FILENAME, name, i]
		last[FILENAME, name, i] = result[i]
	}
	next
}

("bulkhead", $1) in more && ($2, $1) in more {
	own = cost("bulkhead", $1, 3)
	peer = cost($2, $1, 3)
	printf "| %s | %s | %s | %s | %.2f | %s | %s | %s |\n", $4, $2, show(own), show(peer),
		own / peer, $3, both($2, $1, 4), exits($2, $1)
	next
}

{ lacking = lacking " " $1 }

END {
	if (lacking)
		print "bench: without a result:" lacking >"/dev/stderr"
	exit lacking != ""
}
