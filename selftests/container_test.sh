#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bulkhead run: a container is the same in a partition as in process isolation, to who is in it, and
# to who has started it.
# shellcheck disable=SC2016	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

cp "$selftests/../build/selftests/container_tool" rootfs/usr/bin
cat >rootfs/etc/passwd <<-END
	root:x:0:0:root:/root:/bin/sh
	alice:x:1000:1000::/home/alice:/bin/sh
END
cat >rootfs/etc/group <<-END
	root:x:0:
	alice:x:1000:
	staff:x:50:alice
	other:x:51:bob
END
echo text >rootfs/etc/text
echo text >rootfs/etc/executable
chmod +x rootfs/etc/executable

# Followed by the mode. No function: $! is to be its process.
run=(bulkhead run --isolation)

# bundle [PATH=JSON...] -- ARG...: makes one in the folder "bundle"
bundle() {
	"$selftests/bundle.py" bundle rootfs "$@"
}

# Output is all of it, apart, and nothing else; and input that nobody asked for isn't read.
output_and_status() {
	echo input | "${run[@]}" "$mode" --rootfs rootfs -- sh -c 'cat; echo out; echo err >&2; exit 255' >out 2>err
	local status=$?
	[ $status -eq 255 ] && says out out && says err err
}

not_found() {
	fails 127 nonesuch "${run[@]}" "$mode" --rootfs rootfs -- nonesuch
}

# That a file is no program turns out when the kernel is to execute it; crun says so then.
not_executable() {
	local file
	for file in /etc /etc/text; do
		fails 126 $file "${run[@]}" "$mode" --rootfs rootfs -- $file || return
	done
	status_is 126 "${run[@]}" "$mode" --rootfs rootfs -- /etc/executable && [ ! -s out ] && grep -q 'Exec format error' err
}

# The signals that are passed on, and one that can't be.
signals() {
	local i
	"${run[@]}" "$mode" --name signalled --rootfs rootfs -- sh -c '
		for i in HUP INT QUIT USR1 USR2; do trap "echo got $i" $i; done
		trap "echo got TERM; exit 3" TERM
		sleep 1000 &
		echo ready
		while :; do wait; done' >out 2>err </dev/null &
	wait_until grep -q ready out || return
	for i in HUP INT QUIT USR1 USR2 TERM; do
		kill -$i $! && wait_until grep -qx "got $i" out || return
	done
	exits 3 $! && says err ""
}

killed() {
	"${run[@]}" "$mode" --name killed --rootfs rootfs -- sh -c 'echo ready; sleep 1000' >out 2>err </dev/null &
	wait_until grep -q ready out && bulkhead kill --signal KILL killed && exits 137 $! && says err ""
}

# More than any buffer holds, every byte value, both ways at once; and the end of it.
data() {
	head -c 64M /dev/urandom >in
	"${run[@]}" "$mode" --interactive --rootfs rootfs -- cat <in >out 2>err && cmp in out && says err ""
}

terminal() {
	python3 - "$mode" <<-'END'
		import sys
		from terminal import *
		t = Terminal("run", "--isolation", sys.argv[1], "-it", "--rootfs", "rootfs", "--", "sh",
			     rows=20, columns=50, later=(33, 101))
		check_shell(t)
		t.type(b"exit 7\n")
		t.end(7)
	END
}

# What options say of the container's process.
options() {
	HERE=inherited "${run[@]}" "$mode" --name named --user alice --env A=1 --env HERE --env NOWHERE \
		--workdir /tmp --read-only --rootfs rootfs -- sh -c '
			id; hostname; pwd; echo "$A $HERE ${NOWHERE-none} $HOME"
			touch /tmp/file; ls -d /tmp/file' </dev/null >out 2>&1
	local status=$?
	[ $status -eq 1 ] && says out 'uid=1000(alice) gid=1000(alice) groups=50(staff)
named
/tmp
1 inherited none /home/alice
touch: /tmp/file: Read-only file system
ls: /tmp/file: No such file or directory'
}

# What a bundle's config says.
config() {
	local nofile='[{"type": "RLIMIT_NOFILE", "soft": 123, "hard": 456}]'
	bundle root.readonly=true hostname='"host"' \
		process.user='{"uid": 7, "gid": 8, "additionalGids": [9, 50]}' process.cwd='"/etc"' \
		process.env='["PATH=/bin", "X=y z"]' process.rlimits="$nofile" \
		process.capabilities='{"bounding": ["CAP_CHOWN", "CAP_KILL"]}' \
		linux.sysctl='{"kernel.shmmax": "123456", "net.ipv4.ip_forward": "1"}' \
		linux.seccomp='{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir",
			"mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}' \
		linux.maskedPaths='["/proc/keys", "/etc/text", "/sys/firmware"]' \
		linux.readonlyPaths='["/proc/sys", "/mnt/fixed"]' \
		mounts.+='{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs",
			"options": ["mode=1777", "size=1m", "noexec"]}' \
		-- sh -c '
			id -u; id -g; id -G; hostname; pwd; echo "$X"
			ulimit -n; ulimit -Hn
			grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status
			cat /proc/sys/kernel/shmmax /proc/sys/net/ipv4/ip_forward
			mkdir /mnt/dir
			wc -c </proc/keys; wc -c </etc/text; ls /sys/firmware
			touch /tmp/file
			df -k /mnt | sed -n "s/^tmpfs *\([0-9]*\).*/\1/p"
			grep -o " /mnt [^ ]*" /proc/mounts
			ls /proc/self/fd; ls /sys/class/net; ls /dev' || return
	"${run[@]}" "$mode" --bundle bundle </dev/null >out 2>&1
	says out '7
8
8 9 50
host
/etc
y z
123
456
CapEff:	0000000000000000
CapBnd:	0000000000000021
NoNewPrivs:	1
Seccomp:	2
123456
1
mkdir: can'\''t create directory '\''/mnt/dir'\'': Operation not permitted
0
0
touch: /tmp/file: Read-only file system
1024
 /mnt tmpfs
0
1
2
3
lo
core
fd
full
mqueue
null
ptmx
pts
random
shm
stderr
stdin
stdout
tty
urandom
zero'
}

# That of root, as far as they are kept, and what it can't change.
root() {
	rm -f rootfs/tmp/owned
	bundle process.capabilities='{"bounding": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"],
			"permitted": ["CAP_CHOWN"]}' -- sh -c '
		grep ^CapEff: /proc/self/status
		touch /tmp/owned && chown 5:6 /tmp/owned && stat -c "%u %g" /tmp/owned
		mount -t tmpfs none /tmp 2>/dev/null || echo no mount
		hostname other 2>/dev/null || echo no hostname
		echo 1 2>/dev/null >/proc/sys/vm/drop_caches || echo no sysctl
		echo c 2>/dev/null >/proc/sysrq-trigger || echo no sysrq
		mknod /tmp/null c 1 3 2>/dev/null || echo no device' || return
	"${run[@]}" "$mode" --bundle bundle </dev/null >out 2>&1
	says out 'CapEff:	0000000000000001
5 6
no mount
no hostname
no sysctl
no sysrq
no device' && [ "$(stat -c '%u %g' rootfs/tmp/owned)" = '5 6' ]
}

# Each runs where the specification says, with the container's state as input.
hooks() {
	local hook
	rm -f marks rootfs/marks
	for hook in createRuntime poststart poststop; do
		printf '#!/bin/sh\necho %s >>%s/marks; cat >%s/state.%s\n' $hook "$tmp" "$tmp" $hook >$hook
	done
	printf '#!/bin/sh\necho "$0 $1" >>/marks\n' >rootfs/usr/bin/hook
	chmod +x createRuntime poststart poststop rootfs/usr/bin/hook
	bundle hooks='{"createRuntime": [{"path": "'"$tmp"'/createRuntime"}],
			"poststart": [{"path": "'"$tmp"'/poststart"}],
			"poststop": [{"path": "'"$tmp"'/poststop"}],
			"startContainer": [{"path": "/usr/bin/hook", "args": ["hook", "in"]}]}' \
		-- sh -c 'cat /marks; echo run' || return
	"${run[@]}" "$mode" --name hooked --bundle bundle </dev/null >out 2>err
	wait_until grep -q poststop marks || return
	says err "" && says out $'/usr/bin/hook in\nrun' &&
		says marks $'createRuntime\npoststart\npoststop' &&
		python3 - <<-END
			import json
			for hook in "createRuntime", "poststart", "poststop":
			    state = json.load(open("state." + hook))
			    assert state["id"] == "hooked" and state["ociVersion"], state
			    wanted = {"createRuntime": ("creating", "created"), "poststart": ("running",),
				      "poststop": ("stopped",)}[hook]
			    assert state["status"] in wanted, state
		END
}

# A hook of the host that fails is the container's failure, before it has begun.
hook_fails() {
	bundle hooks='{"createRuntime": [{"path": "/bin/false"}]}' -- echo begun || return
	status_is 125 "${run[@]}" "$mode" --bundle bundle && [ ! -s out ] && [ -s err ]
}

# Beyond its limit it is killed, and that is said to who runs it, and to who waits for it.
out_of_memory() {
	local runner wait
	mkfifo go
	"${run[@]}" "$mode" --name hungry --memory 32M --interactive --rootfs rootfs -- sh -c '
		echo ready; read -r _; container_tool memory 200; echo "status $?"
		exec container_tool memory 200' <go >out 2>err &
	runner=$!
	exec 8>go
	wait_until grep -q ready out || return
	bulkhead wait --json hungry >waited &
	wait=$!
	wait_until grep -q unix_stream /proc/$wait/wchan || return
	echo >&8
	exits 137 $runner && exits 0 $wait && says out $'ready\nstatus 137' &&
		grep -q 'out of memory.*--memory' err && python3 -c '
import json
assert json.load(open("waited")) == [{"name": "hungry", "exit-status": 137, "oom": True}]'
	local status=$?
	exec 8>&-
	rm go
	return $status
}

# Who has started it is killed, and it ends.
# Who reads slowly what a command in it has said doesn't lose it when the container ends.
output_is_read_late() {
	rm -f rootfs/tmp/go
	"${run[@]}" "$mode" --name late --detach --rootfs rootfs -- \
		sh -c 'until [ -e /tmp/go ]; do usleep 50000; done' >out && grep -qx late out || return
	bulkhead exec late sh -c 'head -c 100000 /dev/zero; touch /tmp/go' </dev/null |
		{ wait_until eval '! bulkhead ps late >/dev/null 2>&1'; wc -c >out; }
	says out 100000 && nothing_left
}

run_killed() {
	"${run[@]}" "$mode" --name orphan --rootfs rootfs -- sh -c 'echo ready; sleep 1000' >out 2>err </dev/null &
	wait_until grep -q ready out && kill -9 $! || return
	wait $! 2>/dev/null
	nothing_left
}

# Its runner is; what that has left is removed by the next one.
runner_killed() {
	local runner
	"${run[@]}" "$mode" --name orphan --rootfs rootfs -- sh -c 'echo ready; sleep 1000' >out 2>err </dev/null &
	wait_until grep -q ready out && runner=$(runner_of orphan) && kill -9 "$runner" &&
		exits 125 $! && grep -q 'runner is gone' err || return
	wait_until is_alone && "${run[@]}" process --name orphan --rootfs rootfs -- true &&
		nothing_left
}

# And its agent, which on the host is a process like others.
process_agent_killed() {
	"${run[@]}" process --name orphan --rootfs rootfs -- sh -c 'echo ready; sleep 1000' \
		>out 2>err </dev/null &
	wait_until grep -q ready out && kill -9 "$(pgrep -x agent)" && exits 125 $! && [ -s err ] || return
	"${run[@]}" process --name orphan --rootfs rootfs -- true && nothing_left
}

# A default of the administrator's, which an option overrides.
defaults() {
	printf '# comment\n\n isolation =  process\nmemory = 64M\n' >/etc/bulkhead.conf
	bulkhead run --rootfs rootfs -- sh -c 'uname -r; cat /sys/fs/cgroup/memory.max' </dev/null >out 2>err
	rm /etc/bulkhead.conf
	says err "" && says out "$(uname -r)"$'\n67108864'
}

# shellcheck disable=SC2046
run_tests $(in_modes \
	output_and_status \
	not_found \
	not_executable \
	signals \
	killed \
	data \
	terminal \
	options \
	config \
	root \
	hooks \
	hook_fails \
	out_of_memory \
	output_is_read_late \
	run_killed \
	runner_killed) \
	process_agent_killed \
	defaults \
	nothing_left
