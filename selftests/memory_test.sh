#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A stock guest's memory: what it gives back is the host's again, and what it gets is its own.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

# A guest gives a page to its balloon only when it has filled it with zeroes (init_on_alloc), and so
# has the host allocate it first. Under emulation that is some MiB a second, hence small sizes, and
# long timeouts.
memory=256	# of a partition whose container has no limit
timeout=800

# field NAME ATTRIBUTE: a number that is known of a partition
field() {
	bulkhead show --json "$1" 2>/dev/null | sed -n "s/^  \"$2\": \([0-9]*\).*/\1/p" | grep .
}

# reported NAME STATISTIC: what the guest last said of its memory
reported() {
	bulkhead show --json "$1" 2>/dev/null |
		sed -n "/^  \"balloon\": {/,/^  }/s/^    \"$2\": \([0-9]*\).*/\1/p" | grep .
}

# held NAME: MiB that guest memory takes on the host
held() {
	local fd runner
	runner=$(field "$1" runner) || return
	for fd in "/proc/$runner/fd"/*; do
		[[ $(readlink "$fd") = /memfd:bulkhead-guest* ]] || continue
		echo $(($(stat -Lc %b "$fd") / 2048))
		return
	done
	return 1
}

holds_at_most() {
	local mib
	mib=$(held "$1") && [ "$mib" -le "$2" ]
}

holds_at_least() {
	local mib
	mib=$(held "$1") && [ "$mib" -ge "$2" ]
}

has_free_at_most() {
	local bytes
	bytes=$(reported "$1" free) && [ "$bytes" -le "$2" ]
}

has_driver() {
	reported "$1" total >/dev/null
}

# bundle COMMAND...: with files in memory, and devices that other containers haven't
bundle() {
	"$selftests/bundle.py" bundle rootfs mounts.+='{"destination": "/tmp", "type": "tmpfs",
			"source": "tmpfs", "options": ["size=80%"]}' \
		linux.resources='{"devices": [{"allow": true, "access": "rwm"}]}' \
		process.capabilities='{"bounding": ["CAP_MKNOD"], "effective": ["CAP_MKNOD"],
			"permitted": ["CAP_MKNOD"]}' -- "$@"
}

# begin NAME SCRIPT: a guest that runs SCRIPT, with a pipe to it on descriptor 8
begin() {
	mkfifo "$1.in"
	bundle sh -c "$2" || return
	bulkhead run --name "$1" --interactive --bundle bundle \
		<"$1.in" >"$1.out" 2>"$1.err" &
	exec 8>"$1.in"
	wait_until grep -q ready "$1.out" && wait_until has_driver "$1"
}

# end NAME: succeeds if the runner says that the partition was killed
end() {
	local status
	bulkhead kill "$1"
	wait $!
	status=$?
	exec 8>&-
	rm -f "$1.in"
	[ $status -eq 137 ] || { echo "# $1: exit status $status"; false; }
}

# A guest that makes a file in its memory and removes it, as it is told.
# shellcheck disable=SC2016
keeper='echo ready; while read -r command mib; do
	case $command in
	keep) dd if=/dev/zero of=/tmp/file bs=1M count=$mib 2>/dev/null; echo "kept $mib" ;;
	drop) rm /tmp/file; echo dropped ;;
	esac
done'

# Nobody asks the guest for it: it reports what is free, and keeps it.
free_pages_are_reported() {
	local before
	begin reporter "$keeper" || return
	echo keep 80 >&8
	wait_until grep -q 'kept 80' reporter.out && wait_until holds_at_least reporter 80 || return
	before=$(held reporter)
	echo drop >&8
	wait_until holds_at_most reporter $((before - 60)) &&
		[ "$(field reporter memory-actual)" = $((memory << 20)) ] && end reporter
}

# prints TEXT COMMAND...: on standard output, and nothing else
prints() {
	local want=$1 got
	shift
	got=$("$@" 2>err) || { echo "# failed: $*"; sed 's/^/# /' err; return 1; }
	[ "$got" = "$want" ] || { echo "# $got instead of $want: $*"; false; }
}

inflates_and_deflates() {
	begin balloon "$keeper" || return
	prints 160M bulkhead set --timeout $timeout balloon memory 160M || return
	wait_until holds_at_most balloon 160 || { echo "# holds $(held balloon)"; return 1; }
	wait_until has_free_at_most balloon $((160 << 20)) || return
	[ "$(field balloon memory-target)" = $((160 << 20)) ] &&
		[ "$(field balloon memory-actual)" = $((160 << 20)) ] &&
		[ "$(field balloon memory)" = $((memory << 20)) ] || return
	# And back: what it could hold before, it can hold again.
	bulkhead set --json --timeout $timeout balloon memory ${memory}M | python3 -c '
import json, sys
got = json.load(sys.stdin)
assert got["name"] == "balloon" and got["memory-actual"] == got["memory"] == 256 << 20, got' ||
		return
	echo keep 120 >&8
	wait_until grep -q 'kept 120' balloon.out && wait_until holds_at_least balloon 120 || return
	end balloon
}

# What the guest needs it doesn't give, and it lives on.
falls_short() {
	local status=0
	begin needy "$keeper" || return
	echo keep 120 >&8
	wait_until grep -q 'kept 120' needy.out || return
	bulkhead set --timeout 15 needy memory 64M >out 2>err || status=$?
	if [ $status -ne 1 ] || ! grep -q 'set: needy: the guest has .* not 64M' err ||
		! grep -q '^[0-9.]*M$' out; then
		echo "# $status"
		sed 's/^/# /' out err
		return 1
	fi
	prints ${memory}M bulkhead set --timeout $timeout needy memory ${memory}M || return
	echo drop >&8
	wait_until grep -q dropped needy.out && end needy
}

refused() {
	local size
	begin strict 'echo ready; read -r _' || return
	for size in 0 1M 15M 257M 2G; do
		bulkhead set strict memory $size 2>err && return 1
		grep -qE 'memory(-target)?.* (from 16777216 to 268435456|needs)' err || {
			sed 's/^/# /' err
			return 1
		}
	done
	bulkhead set strict memory 200000001 2>err && return 1
	grep -q 'multiple of 4096' err &&
		[ "$(field strict memory-target)" = $((memory << 20)) ] && end strict
}

killed_meanwhile() {
	local set
	begin victim "$keeper" || return
	bulkhead set --timeout 100 victim memory 64M >out 2>err &
	set=$!
	sleep 0.3
	bulkhead kill victim
	wait $set
	[ $? -le 1 ] || return
	exec 8>&-
	rm -f victim.in
	wait_until is_alone
}

entropy() {
	bundle sh -c 'cat /sys/class/misc/hw_random/rng_current
		mknod /dev/hwrng c 10 183
		head -c 10000 /dev/hwrng | wc -c' || return
	bulkhead run --bundle bundle >out 2>err </dev/null
	grep -q virtio_rng out && grep -qx 10000 out && return
	sed 's/^/# /' out err
	return 1
}

run_tests free_pages_are_reported inflates_and_deflates falls_short refused killed_meanwhile entropy
