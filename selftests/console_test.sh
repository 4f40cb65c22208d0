#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bulkhead console and logs: a stock kernel says and hears things on hvc0.
# shellcheck disable=SC2094	# files are read while they are written
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

has() {
	grep -aq -- "$2" "$1"
}

state_is() {
	bulkhead show --json "$1" 2>/dev/null | grep -q "\"$2\""
}

# A guest that does what it is told on hvc0, one line each.
make_initrd() {
	local root=initramfs module
	mkdir -p $root/dev
	cp -a rootfs/bin rootfs/usr $root
	for module in virtio/virtio_ring virtio/virtio virtio/virtio_mmio char/virtio_console; do
		cp /lib/modules/*-cloud-amd64/kernel/drivers/$module.ko $root
	done
	cat >$root/init <<-'END'
		#!/bin/sh
		mount -t devtmpfs dev /dev
		for module in virtio_ring virtio virtio_mmio virtio_console; do
			insmod /$module.ko
		done
		i=0
		while [ ! -c /dev/hvc0 ] && [ $i -lt 600 ]; do
			sleep 0.1
			i=$((i + 1))
		done
		exec </dev/hvc0 >/dev/hvc0
		stty raw -echo
		echo guest is ready
		while read -r what how; do
			case $what in
			say) echo "guest says $how" ;;
			size) echo "size is $(stty size)" ;;
			sum) echo "sum is $(head -c "$how" | md5sum)" ;;
			flood) head -c "$how" /dev/zero | tr '\0' x; echo flooded ;;
			reset) reboot -f ;;
			esac
		done
	END
	chmod +x $root/init
	(cd $root && find . | cpio --quiet -o -H newc) >initrd
}

start_guest() {
	bulkhead run --name "$1" --initrd initrd </dev/null >"$1.out" 2>"$1.err" &
	guest=$!
	wait_until has "$1.out" 'guest is ready' || {
		tail -n 5 "$1.out" "$1.err"
		return 1
	}
}

# The test goes on with this one; all but the last leave it running.
guest_starts() {
	make_initrd && start_guest talker
}

# What was said before hvc0 was there, and on it.
logs_has_all() {
	bulkhead logs talker >out && has out 'Linux version' && has out 'guest is ready' &&
		bulkhead logs --json talker | grep -q 'guest is ready'
}

pipe() {
	{ echo say pipe; wait_until has out 'guest says pipe'; } |
		bulkhead console talker >out 2>err &
	wait_until has out 'guest says pipe' && has out 'guest is ready' && kill $! && { wait $!; :; } &&
		state_is talker running
}

# As much as no buffer on the way holds, every byte value.
stdin_is_binary() {
	local want
	head -c 100000 /dev/urandom >in
	want="sum is $(md5sum <in | cut -d ' ' -f 1)"
	{ echo sum 100000; cat in; wait_until has out "$want"; } | bulkhead console talker >out 2>err &
	wait_until has out "$want" && kill $! && { wait $!; :; }
}

# Each has all that is said while it looks.
many_readers() {
	local i pids=()
	for i in 1 2 3; do
		bulkhead logs --follow talker >out$i &
		pids+=($!)
	done
	bulkhead console --no-stdin talker >out4 </dev/null &
	pids+=($!)
	echo 'say everybody' | bulkhead console talker >out5 &
	pids+=($!)
	for i in 1 2 3 4 5; do
		wait_until has out$i 'guest says everybody' || return
	done
	kill "${pids[@]}"
	wait "${pids[@]}"
	cmp out1 out2 && cmp out1 out3 && cmp out1 out4
}

# Who doesn't read keeps nobody waiting. The oldest is lost, and it is known how much.
slow_reader() {
	local slow
	mkfifo slow
	bulkhead logs -f talker >slow 2>/dev/null &
	slow=$!
	exec 3<slow
	{ echo flood 300000; wait_until has out 'flooded'; } | bulkhead console talker >out 2>err &
	wait_until has out flooded && kill $! && { wait $!; :; }
	kill -TERM $slow
	exec 3<&-
	wait $slow
	bulkhead logs talker >out && [ "$(stat -c %s out)" -eq 65536 ] && has out flooded &&
		bulkhead logs --json talker | python3 -c '
import json, sys
assert json.load(sys.stdin)["lost"] > 200000'
}

terminal() {
	python3 - <<-'END' && state_is talker running
		from terminal import *
		t = Terminal("console", "talker", rows=33, columns=101)
		t.type(b"size\n")
		t.expect(b"size is 33 101")
		t.resize(44, 90)
		# It is told by and by; who asks, asks again.
		t.type(b"size\n")
		t.expect(b"size is")
		for i in range(100):
		    t.type(b"size\nsay size %d\n" % i)
		    t.expect(b"size is ")
		    found = t.text.startswith(b"44 90") or None
		    t.expect(b"guest says size %d" % i)
		    if found:
		        break
		assert found
		# No key but the two is for bulkhead: not ctrl-c, nor the first of the two alone.
		t.type(b"say \x03\x10\x1d\x1a\n")
		t.expect(b"guest says \x03\x10\x1d\x1a")
		t.type(b"\x10\x11")
		t.end(0)
		assert "talker: detached" in open("err").read()
	END
}

detach_keys() {
	python3 - <<-'END'
		from terminal import *
		t = Terminal("console", "--detach-keys", "ctrl-a,d", "talker")
		t.type(b"say \x10\x11\n")
		t.expect(b"guest says \x10\x11")
		t.type(b"\x01d")
		t.end(0)
		t = Terminal("console", "--detach-keys", "", "talker")
		t.type(b"say none\x10\x11\n")
		t.expect(b"guest says none\x10\x11")
		t.kill(signal.SIGTERM)
		t.end(128 + signal.SIGTERM)
	END
}

# The terminal is restored on the way out, and the partition doesn't notice.
signals() {
	python3 - <<-'END' && state_is talker running
		from terminal import *
		for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM:
		    t = Terminal("console", "talker")
		    t.kill(number)
		    t.end(128 + number)
		t = Terminal("console", "talker")
		t.kill(signal.SIGKILL)
		t.end(-signal.SIGKILL)
	END
}

# Stopped like a shell's job, it leaves the terminal as it was, and takes it again.
job_control() {
	python3 - <<-'END'
		from terminal import *
		t = Terminal("console", "talker")
		t.kill(signal.SIGTSTP)
		os.waitpid(t.pid, os.WUNTRACED)
		assert termios.tcgetattr(t.slave) == t.modes
		t.resize(20, 70)
		t.kill(signal.SIGCONT)
		wait_until(t.is_raw)
		t.type(b"say back\n")
		t.expect(b"guest says back")
		t.type(b"\x10\x11")
		t.end(0)
	END
}

# Who may open the device, but isn't the owner.
# A terminal that takes no more, as after ctrl-S, makes nobody deaf.
stuck_terminal() {
	python3 - <<-'END'
		from terminal import *
		t = Terminal("console", "talker")
		wait_until(lambda: t.pending() >= 4000)
		t.kill(signal.SIGTERM)
		assert os.waitstatus_to_exitcode(os.waitpid(t.pid, 0)[1]) == 128 + signal.SIGTERM
		assert termios.tcgetattr(t.slave) == t.modes
	END
}

stranger() {
	local id result=0
	id=$(bulkhead show --json talker | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
	chmod 666 /dev/bulkhead
	for command in console logs 'logs -f'; do
		# shellcheck disable=SC2086
		fails 1 "another user's" setpriv --reuid 12345 --regid 12345 --clear-groups \
			bulkhead $command "$id" || result=1
	done
	chmod 660 /dev/bulkhead
	return $result
}

bad_input() {
	fails 2 'ctrl-1' bulkhead console --detach-keys ctrl-1 talker &&
		fails 2 'no such option' bulkhead console --nonesuch talker &&
		fails 2 'argument is missing' bulkhead console --detach-keys &&
		fails 2 'which one' bulkhead console &&
		fails 2 'too many' bulkhead console talker talker &&
		fails 1 'nonesuch' bulkhead console nonesuch &&
		fails 2 'one of both' bulkhead logs --follow --json talker
}

# All who look see the end.
ends_with_the_partition() {
	local console logs
	bulkhead console --no-stdin talker >out 2>err </dev/null &
	console=$!
	bulkhead logs -f talker >out2 2>err2 &
	logs=$!
	wait_until has out flooded && wait_until has out2 flooded || return
	{ echo say last words; echo reset; } | bulkhead console talker >out3 2>err3 || return
	wait $console && wait $logs && wait "$guest" || return
	has out 'guest says last words' && cmp out out2 && cmp out out3
}

# The runner of a guest without a command: its own terminal, and the key that stops it.
run_terminal() {
	python3 - <<-'END'
		from terminal import *
		t = Terminal("run", "--name", "runner", "--initrd", "initrd", rows=31, columns=77)
		t.expect(b"guest is ready")
		t.type(b"size\n")
		t.expect(b"size is 31 77")
		t.type(b"\x1d")
		t.end(128 + signal.SIGTERM)
	END
}

run_tests \
	guest_starts \
	logs_has_all \
	pipe \
	stdin_is_binary \
	many_readers \
	terminal \
	detach_keys \
	signals \
	job_control \
	slow_reader \
	stuck_terminal \
	stranger \
	bad_input \
	ends_with_the_partition \
	run_terminal \
	nothing_left
