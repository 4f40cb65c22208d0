#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is done to a container that runs: bulkhead exec, ps, stats, logs, pause, kill, stop, wait.
# shellcheck disable=SC2016	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

cat >rootfs/etc/passwd <<-END
	root:x:0:0:root:/root:/bin/sh
	alice:x:1000:1000::/home/alice:/bin/sh
END
cat >rootfs/etc/group <<-END
	root:x:0:
	staff:x:50:alice
END
echo text >rootfs/etc/text
echo text >rootfs/etc/executable
chmod +x rootfs/etc/executable

# Tests that follow in a mode go on with this container; its name is that of the mode.
start() {
	bulkhead run --isolation "$mode" --detach --name "$mode" --env FROM=run --rootfs rootfs -- sh -c '
		trap "echo got USR1" USR1
		trap "echo bye; exit 9" TERM
		echo out; echo err >&2
		while :; do echo >>/tmp/count; usleep 200000; done' </dev/null >out 2>err &&
		says out "$mode" && says err "" && wait_until test -s rootfs/tmp/count || return
	bulkhead wait "$mode" >"$mode.waited" 2>&1 &
	waits=$!
	bulkhead logs --follow "$mode" >"$mode.followed" 2>&1 &
	follows=$!
}

# in_it OPTION... -- COMMAND...
in_it() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	bulkhead exec "${options[@]}" "$mode" "$@"
}

output_and_status() {
	echo input | in_it -- sh -c 'cat; echo out; echo err >&2; exit 255' >out 2>err
	local status=$?
	[ $status -eq 255 ] && says out out && says err err || return
	status_is 0 in_it -- true && status_is 1 in_it -- false && status_is 125 in_it -- sh -c 'exit 125'
}

not_found() {
	fails 127 nonesuch in_it -- nonesuch
}

# That a file is no program turns out when the kernel is to execute it; crun says so then.
not_executable() {
	local file
	for file in /etc /etc/text; do
		fails 126 $file in_it -- $file || return
	done
	status_is 126 in_it -- /etc/executable && [ ! -s out ] && grep -q 'Exec format error' err
}

killed_by_a_signal() {
	status_is 137 in_it -- sh -c 'kill -9 $$' && status_is 139 in_it -- sh -c 'kill -SEGV $$' &&
		says err ""
}

signals() {
	bulkhead exec "$mode" sh -c 'trap "echo got USR1" USR1; trap "echo got TERM; exit 3" TERM
		sleep 1000 & echo ready; while :; do wait; done' >out 2>err </dev/null &
	wait_until grep -q ready out && kill -USR1 $! && wait_until grep -q USR1 out && kill $! &&
		exits 3 $! && says out $'ready\ngot USR1\ngot TERM' && says err "" || return
	# One that isn't trapped.
	bulkhead exec "$mode" sh -c 'echo ready; exec sleep 1000' >out 2>err </dev/null &
	wait_until grep -q ready out && kill -INT $! && exits 130 $! && says err ""
}

data() {
	head -c 64M /dev/urandom >in
	in_it --interactive -- cat <in >out 2>err && cmp in out && says err "" &&
		head -c 1M in | in_it -i -- sh -c 'wc -c; echo after' >out && says out $'1048576\nafter'
}

# Who runs it reads no more of what it says: that is its end, too.
broken_pipe() {
	in_it -- sh -c 'yes; echo "status $?" >/tmp/yes' </dev/null | head -n 1000 >out
	[ "$(wc -l <out)" -eq 1000 ] && wait_until test -s rootfs/tmp/yes
}

options() {
	HERE=inherited in_it --user alice --env A=1 --env HERE --env NOWHERE --workdir /tmp -- sh -c '
		id; hostname; pwd; echo "$A $HERE ${NOWHERE-none} $FROM"' </dev/null >out 2>err &&
		says err "" && says out "uid=1000(alice) gid=1000 groups=50(staff)
$mode
/tmp
1 inherited none run" || return
	in_it --user 5:6 -- id -G </dev/null >out 2>&1 && says out 6 &&
		in_it --user 5:staff -- sh -c 'id -u; id -g' </dev/null >out 2>&1 && says out $'5\n50'
}

# The namespaces and the control group of the container.
where_the_container_is() {
	in_it -- sh -c 'for i in cgroup ipc mnt net pid uts; do
		[ "$(readlink /proc/1/ns/$i)" = "$(readlink /proc/self/ns/$i)" ] || echo "other $i"; done
		cat /proc/self/cgroup; ls /proc 2>/dev/null | grep -c "^[0-9]"; grep ^CapEff /proc/self/status' >out 2>&1
	grep -q 'CapEff:.00000000a80425fb' out && ! grep -q other out && grep -qx 0::/ out &&
		[ "$(sed -n 2p out)" -lt 10 ] && return
	sed 's/^/# /' out
	return 1
}

terminal() {
	python3 - "$mode" <<-'END'
		import sys
		from terminal import *
		t = Terminal("exec", "-it", sys.argv[1], "sh", rows=33, columns=101)
		check_shell(t)
		t.type(b"exit 7\n")
		t.end(7)
		# Whose terminal is gone is hung up, like any.
		t = Terminal("exec", "-it", sys.argv[1], "sh", "-c",
			     "trap 'echo hung up >/tmp/hup; exit' HUP; echo re''ady; while :; do usleep 10000; done")
		t.expect(b"ready")
		t.kill(signal.SIGKILL)
		t.end(-signal.SIGKILL)
		wait_until(lambda: os.path.exists("rootfs/tmp/hup"))
		os.unlink("rootfs/tmp/hup")
	END
}

# Twenty at once, each with its own input, output and status.
many() {
	local i pids=()
	for i in {1..20}; do
		head -c 10000 /dev/urandom >"in$i"
		bulkhead exec -i "$mode" sh -c "cat; echo $i >&2; exit $i" <"in$i" >"out$i" 2>"err$i" &
		pids+=($!)
	done
	for i in {1..20}; do
		exits "$i" "${pids[i - 1]}" && cmp "in$i" "out$i" && says "err$i" "$i" || return
	done
}

logs() {
	bulkhead logs "$mode" >out 2>err && grep -qx out out && grep -qx err out && says err "" &&
		bulkhead logs --json "$mode" | python3 -c '
import json, sys
log = json.load(sys.stdin)
assert sorted(log["text"].split()) == ["err", "out"] and log["lost"] == 0, log'
}

kill_with_a_signal() {
	bulkhead kill --signal USR1 "$mode" && wait_until grep -qx 'got USR1' "$mode.followed" &&
		bulkhead kill -s SIGUSR1 --json "$mode" | grep -q "\"$mode\""
}

ps() {
	bulkhead ps "$mode" >out && grep -Eq '^1 +0 +0 .* sh -c' out || return
	bulkhead ps --json "$mode" | python3 -c '
import json, sys
first = next(p for p in json.load(sys.stdin) if p["pid"] == 1)
assert first["ppid"] == 0 and first["uid"] == 0 and first["memory"] > 0, first
assert first["command"][:2] == ["sh", "-c"] and first["cpu-usec"] > 0, first'
}

# stat_of NAME: what the container's control group counts
stat_of() {
	bulkhead stats --json "$mode" | python3 -c '
import json, sys
print(json.load(sys.stdin)[0]["container"][sys.argv[1]])' "$1"
}

stats() {
	bulkhead stats "$mode" >out && grep -Eq "^$mode +container +[0-9]" out || return
	bulkhead stats --json | python3 -c '
import json, sys
stats, = json.load(sys.stdin)
container = stats["container"]
assert stats["name"] == sys.argv[1] and container["memory-limit"] is None, stats
assert container["memory"] > 0 and container["processes"] > 0 and container["cpu-usec"] > 0, stats
assert ("partition" in stats) == (sys.argv[1] == "partition"), stats
assert "partition" not in stats or stats["partition"]["host-memory"] > 2 ** 20, stats' "$mode"
}

# It counts by the size of a file.
counted() {
	stat -c %s rootfs/tmp/count
}

counts_beyond() {
	[ "$(counted)" -gt "$1" ]
}

# Its clock stands still, for the while that is looked; and goes on.
pause_and_resume() {
	local count cpu
	bulkhead pause "$mode" || return
	count=$(counted) cpu=$(stat_of cpu-usec)
	sleep 1
	[ "$(counted)" = "$count" ] && [ "$(stat_of cpu-usec)" = "$cpu" ] || return
	bulkhead resume --json "$mode" | grep -q "\"$mode\"" && wait_until counts_beyond "$count"
}

name_taken() {
	local other
	for other in process partition; do
		fails 125 "$mode: there is a container of that name; choose another" \
			bulkhead run --isolation $other --name "$mode" --rootfs rootfs -- true || return
	done
}

list() {
	bulkhead list >out && grep -Eq " $mode +running +root " out || return
	bulkhead list --json | python3 -c '
import json, sys
one, = json.load(sys.stdin)
assert one["name"] == sys.argv[1] and one["state"] == "running" and one["runner"] > 1, one
assert (one.get("isolation") == "process") == (sys.argv[1] == "process"), one' "$mode"
}

stop() {
	bulkhead stop --timeout 300 --json "$mode" >out 2>err && says err "" && python3 - "$mode" <<-'END' &&
		import json, sys
		stopped, = json.load(open("out"))
		assert stopped["name"] == sys.argv[1] and not stopped["killed"], stopped
	END
		exits 0 "$waits" && says "$mode.waited" 9 && exits 0 "$follows" &&
		[ "$(tail -n 1 "$mode.followed")" = bye ] && wait_until is_alone
}

# One that ignores it, named by nobody.
disobedient() {
	local name
	name=$(bulkhead run --isolation "$mode" -d --rootfs rootfs -- \
		sh -c 'trap "" TERM; echo ready; while :; do sleep 1; done') &&
		wait_until eval "bulkhead logs $name | grep -q ready" || return
	bulkhead wait --json "$name" >waited &
	wait_until grep -q unix_stream /proc/$!/wchan && bulkhead stop --timeout 1 "$name" >out 2>err &&
		says out "" && grep -q "$name: .*killed" err && exits 0 $! &&
		grep -q '"exit-status": 137' waited
}

# What can't be asked of a container that isn't there.
unknown() {
	local command
	for command in ps stats pause resume wait stop kill logs; do
		fails 1 'nonesuch: no such' bulkhead $command nonesuch || return
	done
	fails 125 'nonesuch: no such' bulkhead exec nonesuch true &&
		fails 1 'nonesuch: no such' bulkhead kill --signal USR1 nonesuch
}

usage() {
	fails 125 'which container' bulkhead exec && fails 125 'which command' bulkhead exec name &&
		fails 125 'terminal' bulkhead exec -it name true &&
		fails 125 'no such option' bulkhead exec --nonesuch name true &&
		fails 2 'signal: NONE' bulkhead kill --signal NONE name &&
		fails 2 'signal: 65' bulkhead kill --signal 65 name &&
		fails 2 'which one' bulkhead ps && fails 2 'too many' bulkhead ps a b &&
		fails 2 'which one' bulkhead wait && fails 2 'which one' bulkhead pause
}

# shellcheck disable=SC2046
run_tests $(in_modes \
	start \
	output_and_status \
	not_found \
	not_executable \
	killed_by_a_signal \
	signals \
	data \
	broken_pipe \
	options \
	where_the_container_is \
	terminal \
	many \
	logs \
	kill_with_a_signal \
	ps \
	stats \
	pause_and_resume \
	name_taken \
	list \
	stop \
	disobedient) \
	unknown \
	usage \
	nothing_left
