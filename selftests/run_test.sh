#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bulkhead run: a stock kernel runs a command, and the command doesn't notice.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

run=(bulkhead run --rootfs rootfs)

says() {
	[ "$(cat "$1")" = "$2" ] || { echo "# $1 has: $(head -c 2000 "$1")"; false; }
}

status_is() {
	local want=$1 got=0
	shift
	"$@" >out 2>err </dev/null || got=$?
	[ $got -eq "$want" ] || { echo "# status $got instead of $want: $*"; cat out err; false; }
}

output_and_nothing_else() {
	"${run[@]}" -- sh -c 'echo out; echo err >&2' >out 2>err </dev/null && says out out && says err err
}

output_of_a_kernel_of_its_own() {
	"${run[@]}" -- uname -r >out 2>err </dev/null && says err "" &&
		! grep -qx "$(uname -r)" out && grep -qx "$(cd /boot && echo vmlinuz-*-cloud-amd64 |
		sed s/vmlinuz-//)" out
}

# Every byte value, more than any buffer on the way holds, both ways; and its end.
stdin_and_stdout_are_binary() {
	head -c 70000 /dev/urandom >in
	"${run[@]}" -- cat <in >out 2>err && cmp in out && says err ""
}

stdin_ends() {
	"${run[@]}" -- wc -c </dev/null >out && says out 0
}

# An interrupt comes through although nobody reads what was sent before.
signal_overtakes_stdin() {
	local status=0
	# What is sent here never ends.
	"${run[@]}" --name unread -- sh -c 'trap "exit 9" INT; echo ready; while :; do sleep 1; done' \
		</dev/zero >out &
	wait_until grep -q ready out && kill -INT $! && { wait $! || status=$?; [ $status -eq 9 ]; }
}

output_before_exit_is_whole() {
	"${run[@]}" -- sh -c 'head -c 100000 /dev/zero; echo end >&2; exit 5' >out 2>err </dev/null
	[ $? -eq 5 ] && [ "$(stat -c %s out)" -eq 100000 ] && says err end
}

statuses() {
	status_is 0 "${run[@]}" -- true && status_is 1 "${run[@]}" -- false &&
		status_is 255 "${run[@]}" -- sh -c 'exit 255' &&
		status_is 125 "${run[@]}" -- sh -c 'exit 125'
}

status_127_not_found() {
	status_is 127 "${run[@]}" -- nonesuch && grep -q nonesuch err &&
		status_is 127 "${run[@]}" -- /bin/none/such
}

status_126_not_executable() {
	echo text >rootfs/etc/text
	status_is 126 "${run[@]}" -- /etc && status_is 126 "${run[@]}" -- /etc/text && grep -q /etc/text err
}

status_128_and_signal() {
	# shellcheck disable=SC2016
	status_is 137 "${run[@]}" -- sh -c 'kill -9 $$' && status_is 139 "${run[@]}" -- sh -c 'kill -SEGV $$'
}

# signal_reaches SIGNAL STATUS TRAP
signal_reaches() {
	local status=0
	"${run[@]}" --name signalled -- sh -c "$3 echo ready; while :; do sleep 1; done" >out </dev/null &
	wait_until grep -q ready out && kill "-$1" $! || return
	wait $! || status=$?
	[ $status -eq "$2" ] || { echo "# $1: status $status instead of $2"; false; }
}

sigterm_is_trapped() {
	signal_reaches TERM 3 'trap "echo got; exit 3" TERM;' && grep -qx got out
}

sigint_kills() {
	signal_reaches INT 130 ""
}

sigkill_leaves_nothing() {
	local processes
	"${run[@]}" --name killed -- sleep 1000 </dev/null >out 2>&1 &
	wait_until is_running killed && kill -9 $! || return
	wait $! 2>/dev/null
	wait_until is_alone || return
	processes=$(pgrep -x bulkhead | grep -vx $$ || :)
	[ -z "$processes" ] || { echo "# left: $processes"; false; }
}

two_at_once() {
	local i status pids=()
	for i in 1 2; do
		head -c 20000 /dev/urandom >"in$i"
		"${run[@]}" --name "twin$i" -- sh -c "echo $i; cat; exit $i" \
			< <(cat "in$i"; wait_until test -e both) >"out$i" 2>"err$i" &
		pids+=($!)
	done
	wait_until is_running twin1 && wait_until is_running twin2 || return
	bulkhead list >out && grep -q twin1 out && grep -q twin2 out || return
	touch both
	for i in 1 2; do
		status=0
		wait "${pids[i - 1]}" || status=$?
		says "err$i" "" || return
		[ $status -eq $i ] || { echo "# status of $i: $status"; return 1; }
		{ echo $i; cat "in$i"; } | cmp - "out$i" || return
	done
}

# Of two, one is killed: the other doesn't notice.
two_and_one_is_killed() {
	local status=0 pid
	# shellcheck disable=SC2016
	"${run[@]}" --name survivor -- sh -c 'echo ready; read line; echo "$line"' \
		< <(wait_until test -e marker; echo on) >out &
	pid=$!
	"${run[@]}" --name victim -- sleep 1000 </dev/null >victims 2>&1 &
	wait_until is_running victim && wait_until grep -q ready out &&
		bulkhead kill victim || return
	wait $! || status=$?
	touch marker
	[ $status -eq 137 ] && wait $pid && says out $'ready\non'
}

# memory_is SIZE MIB
memory_is() {
	"${run[@]}" --memory "$1" -- sh -c 'grep MemTotal /proc/meminfo' >out 2>err </dev/null || return
	awk -v mib="$2" '{ exit !($2 > mib * 1024 * 0.6 && $2 <= mib * 1024) }' out || {
		echo "# $1: $(cat out)"
		false
	}
}

memory_sizes() {
	memory_is 128M 128 && memory_is 2G 2048
}

# Boots, runs and powers off: at its end, which the runner hears of next, none has reached it.
no_exit_reaches_the_runner() {
	local monitor
	bulkhead monitor --json >events &
	monitor=$!
	# It listens when it waits in recvmsg().
	wait_until grep -q '^47 ' /proc/$monitor/syscall || return
	"${run[@]}" --name quiet -- true </dev/null || return
	wait_until grep -q stopped events
	kill $monitor
	wait $monitor 2>/dev/null
	python3 - <<-END
		import json
		events = [json.loads(line) for line in open("events")]
		assert [e["event"] for e in events] == ["created", "running", "stopped"], events
		last = events[-1]
		assert last["name"] == "quiet" and last["state"] == "stopped", last
		assert last["reason"] == "poweroff" and last["exit-status"] == 0, last
		exits = last["exits"]
		assert exits["runner"] == 0 and exits["io"] > 100, exits
		assert exits["total"] >= exits["io"] + exits["mmio"] + exits["halt"], exits
		print("# exits:", exits)
	END
}

# A guest that panics, and one that resets, are no success, and say what happened.
panic() {
	status_is 125 "${run[@]}" -- sh -c 'echo c >/proc/sysrq-trigger' && grep -qi panic err
}

reset() {
	status_is 125 "${run[@]}" -- reboot -f && grep -qi reset err
}

inside_a_container() {
	"${run[@]}" -- sh -c 'mount; ls /dev /proc/self/fd; echo $$; id -u; hostname; ls -a /' \
		>out 2>err </dev/null || return
	for what in '^proc on /proc' '^sysfs on /sys' ' on /dev ' '/dev/pts' '/dev/shm' cgroup2 \
		'^null$' '^urandom$' '^stdin$' '^0$'; do
		grep -q -- "$what" out || { echo "# lacks $what"; cat out; return 1; }
	done
	! grep -q '^.bulkhead' out
}

logs() {
	bulkhead run --name talker --append loglevel=7 --rootfs rootfs -- sleep 1000 </dev/null &
	wait_until is_running talker || return
	wait_until sh -c 'bulkhead logs talker | grep -q "Linux version"' &&
		bulkhead logs --json talker | python3 -c '
import json, sys
log = json.load(sys.stdin)
assert "Linux version" in log["text"] and log["lost"] == 0, log' &&
		bulkhead kill talker
	wait $!
	[ $? -eq 137 ]
}

# Any Linux image, with its console on the standard streams.
boot_image() {
	local root=initramfs
	mkdir -p $root
	cp -a rootfs/bin rootfs/usr $root
	cat >$root/init <<-'END'
		#!/bin/sh
		echo "hello from $(uname -s)"
		read line
		echo "got $line"
		reboot -f
	END
	chmod +x $root/init
	(cd $root && find . | cpio --quiet -o -H newc) >initrd
	echo input | bulkhead run --initrd initrd --kernel /boot/vmlinuz-*-cloud-amd64 \
		--append "console=ttyS0 panic=-1" >out 2>err &&
		grep -q 'hello from Linux' out && grep -q 'got input' out && return
	tail -n 5 out err
	return 1
}

# The same kernel as an ELF file, as it is within the bzImage.
boot_vmlinux() {
	python3 - /boot/vmlinuz-*-cloud-amd64 <<-END | lz4 -dc >vmlinux || return
		import struct, sys
		image = open(sys.argv[1], "rb").read()
		setup = image[0x1f1] or 4
		offset, length = struct.unpack_from("<II", image, 0x248)
		start = (setup + 1) * 512 + offset
		# Behind it stands its length.
		sys.stdout.buffer.write(image[start:start + length - 4])
	END
	"${run[@]}" --kernel vmlinux -- uname -s >out 2>err </dev/null && says out Linux && says err ""
}

run_tests \
	output_and_nothing_else \
	output_of_a_kernel_of_its_own \
	stdin_and_stdout_are_binary \
	stdin_ends \
	signal_overtakes_stdin \
	output_before_exit_is_whole \
	statuses \
	status_127_not_found \
	status_126_not_executable \
	status_128_and_signal \
	sigterm_is_trapped \
	sigint_kills \
	sigkill_leaves_nothing \
	two_at_once \
	two_and_one_is_killed \
	memory_sizes \
	no_exit_reaches_the_runner \
	panic \
	reset \
	inside_a_container \
	logs \
	boot_image \
	boot_vmlinux \
	is_alone
