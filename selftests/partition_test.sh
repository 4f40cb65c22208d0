#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What only a partition has: a kernel of its own, which can fail in its own ways.
# shellcheck disable=SC2016	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

cp "$selftests/../build/selftests/container_tool" rootfs/usr/bin
release=$(cd /boot && echo vmlinuz-*-cloud-amd64)
release=${release#vmlinuz-}
run=(bulkhead run --rootfs rootfs)

# privileged COMMANDS: a bundle of a container that may do all to its kernel
privileged() {
	local all
	all=$(python3 -c 'import json
names = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER KILL SETUID SETGID NET_ADMIN SYS_MODULE SYS_RAWIO
	SYS_PTRACE SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME MKNOD SYSLOG""".split()
all = ["CAP_" + name for name in names]
print(json.dumps({"bounding": all, "effective": all, "permitted": all}))')
	"$selftests/bundle.py" bundle rootfs "process.capabilities=$all" linux.maskedPaths='[]' \
		linux.readonlyPaths='[]' linux.resources='{"devices": [{"allow": true, "access": "rwm"}]}' \
		-- sh -c "$1"
}

# Boots, runs and powers off: at its end, which the runner hears of next, none has reached it.
a_kernel_of_its_own() {
	local monitor
	bulkhead monitor --json >events &
	monitor=$!
	# It listens when it waits in recvmsg().
	wait_until grep -q '^47 ' /proc/$monitor/syscall || return
	"${run[@]}" --name quiet -- uname -r </dev/null >out 2>err || return
	wait_until grep -q stopped events
	kill $monitor
	wait $monitor 2>/dev/null
	says out "$release" && says err "" && [ "$release" != "$(uname -r)" ] && python3 - <<-END
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

# Its console is its own, and not the container's; the container's limit leaves room for its kernel.
console_and_memory() {
	"${run[@]}" --name talker --memory 128M --append loglevel=7 -- sh -c '
		echo output; cat /sys/fs/cgroup/memory.max; grep MemTotal /proc/meminfo; sleep 1000' \
		</dev/null >out 2>err &
	wait_until grep -q MemTotal out && wait_until eval 'bulkhead logs talker | grep -q "Linux version"' &&
		! bulkhead logs talker | grep -q output &&
		bulkhead logs --console --json talker | python3 -c '
import json, sys
log = json.load(sys.stdin)
assert "Linux version" in log["text"] and log["lost"] == 0, log' &&
		bulkhead kill talker && exits 137 $! && grep -q 'partition was killed' err &&
		[ "$(sed -n 2p out)" = 134217728 ] && awk '/MemTotal/ { exit !($2 > 160 * 1024) }' out
}

# A guest that panics, and one that resets, are no success, and say what happened.
panic() {
	privileged 'echo c >/proc/sysrq-trigger; sleep 1000' && status_is 125 bulkhead run --bundle bundle &&
		grep -qi panic err
}

reset() {
	privileged 'echo b >/proc/sysrq-trigger; sleep 1000' && status_is 125 bulkhead run --bundle bundle &&
		grep -qi reset err
}

# Its only CPU does something else for ever: it is given up.
agent_starves() {
	echo 'agent-timeout = 10' >/etc/bulkhead.conf
	privileged 'echo -1 >/proc/sys/kernel/sched_rt_runtime_us && echo begun && exec container_tool realtime' &&
		status_is 125 bulkhead run --bundle bundle
	local status=$?
	rm /etc/bulkhead.conf
	[ $status -eq 0 ] && says out begun && grep -q "agent hasn't answered for 10 seconds" err
}

# The server of the files is gone: what waits for one, and what comes, gets an error, and the
# administrator an event. What needs no file goes on.
files_are_gone() {
	local monitor pid
	echo text >rootfs/tmp/text
	bulkhead monitor >events &
	monitor=$!
	"${run[@]}" --name lost -- sh -c '
		exec 3</tmp/text; echo ready; until ! (: >/tmp/new); do :; done 2>/dev/null
		echo gone; trap "exit 7" TERM; while :; do :; done' </dev/null >out 2>err &
	pid=$!
	wait_until grep -q ready out && pkill -9 -x virtiofsd && wait_until grep -q gone out &&
		wait_until grep -q 'device-failed [0-9]* lost, device [0-9]*, fs' events &&
		bulkhead show lost | grep -q ' fs .* failed' &&
		! bulkhead exec lost cat /etc/text 2>said && grep -q 'Input/output error' said &&
		bulkhead stop --timeout 60 lost
	local status=$?
	kill $monitor
	wait $monitor 2>/dev/null
	[ $status -eq 0 ] && exits 7 $pid && grep -q 'virtiofsd has ended' err
}

# A kernel that doesn't come so far.
boot_hangs() {
	echo 'start-timeout = 3' >/etc/bulkhead.conf
	status_is 125 "${run[@]}" --append 'rdinit=/nonesuch root=/dev/nonesuch rootwait' -- true
	local status=$?
	rm /etc/bulkhead.conf
	[ $status -eq 0 ] && grep -q "hasn't booted within 3 seconds" err
}

# Without a limit, the guest's whole memory is a container's to fill.
memory_of_the_guest() {
	"${run[@]}" --name hungry -- sh -c 'container_tool memory 1000; echo "status $?"
		exec container_tool memory 1000' >out 2>err </dev/null
	[ $? -eq 137 ] && says out 'status 137' && grep -q 'out of memory' err && is_alone
}

# Ten at once, each with a status of its own; and nobody notices the end of another, killed one.
ten() {
	local i pids=()
	mkfifo go
	for i in {0..9}; do
		"${run[@]}" --name "one-$i" --memory 32M -i -- sh -c "echo $i; cat; exit $i" <go >"out$i" 2>"err$i" &
		pids+=($!)
	done
	exec 8>go
	for i in {0..9}; do
		wait_until test -s "out$i" || return
	done
	[ "$(bulkhead list --json | grep -c '"running"')" -eq 10 ] && bulkhead kill one-0 &&
		exits 137 "${pids[0]}" || return
	# The end of their input.
	exec 8>&-
	for i in {1..9}; do
		exits "$i" "${pids[i]}" && says "err$i" "" && says "out$i" "$i" || return
	done
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
	echo input | bulkhead run --initrd initrd --kernel "/boot/vmlinuz-$release" \
		--append "console=ttyS0 panic=-1" >out 2>err &&
		grep -q 'hello from Linux' out && grep -q 'got input' out && return
	tail -n 5 out err
	return 1
}

# The same kernel as an ELF file, as it is within the bzImage.
boot_vmlinux() {
	python3 - "/boot/vmlinuz-$release" <<-END | lz4 -dc >vmlinux || return
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
	a_kernel_of_its_own \
	console_and_memory \
	panic \
	reset \
	agent_starves \
	files_are_gone \
	boot_hangs \
	memory_of_the_guest \
	ten \
	boot_image \
	boot_vmlinux \
	nothing_left
