#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command line of an OCI runtime: what podman, containerd and others do with a bundle, step by
# step. In process isolation crun is at work, so that each test shows what is the same.
# shellcheck disable=SC2016	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

# bundle NAME [PATH=JSON...] -- COMMAND...
bundle() {
	local name=$1
	shift
	python3 "$selftests/bundle.py" "$name" rootfs "$@"
}

# oci COMMAND...: in the mode of the test
oci() {
	bulkhead --root "$tmp/state" --isolation "$mode" "$@"
}

# field ID NAME: of its state
field() {
	oci state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1]))' "$2"
}

is_in_state() {
	[ "$(field "$1" status)" = "$2" ]
}

# refuses MESSAGE COMMAND...
refuses() {
	local message=$1 status=0
	shift
	oci "$@" >out 2>err </dev/null || status=$?
	[ $status -ne 0 ] && [ ! -s out ] && grep -q "$message" err && return
	echo "# status $status, not \"$message\": $*"
	sed 's/^/# /' out err
	return 1
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# As conmon does: pipes for the streams, a file for the number, and it waits for that process.
step_by_step() {
	local id=steps-$mode pid
	bundle "$id" annotations.my:key='"my value"' -- \
		sh -c 'echo out; echo err >&2; read -r line; echo "$line"; exit 7'
	mkfifo "$id/in" && exec 7<>"$id/in" || return
	oci create --bundle "$id" --pid-file "$tmp/$id/pid" "$id" <&7 >"$id/out" 2>"$id/err" || return
	pid=$(cat "$id/pid")
	is_in_state "$id" created && [ "$(field "$id" pid)" = "$pid" ] && kill -0 "$pid" &&
		[ "$(field "$id" bundle)" = "$(realpath "$id")" ] &&
		[ "$(field "$id" id)" = "$id" ] && field "$id" annotations | grep -q 'my value' &&
		[ ! -s "$id/out" ] || return
	oci start "$id" && wait_until grep -q out "$id/out" && is_in_state "$id" running &&
		refuses 'not in .*stopped. state' delete "$id" && echo typed >&7 && wait_until is_gone "$pid" && exec 7>&- &&
		says "$id/out" $'out\ntyped' && says "$id/err" err &&
		is_in_state "$id" stopped && [ "$(field "$id" pid)" = 0 ] &&
		oci delete "$id" && refuses "does not exist\|No such file" state "$id"
}

# The process whose number is in the file ends as the container does: a subreaper gets its status.
exit_status() {
	local id=status-$mode
	bundle "$id" -- sh -c 'sleep 1; exit 42'
	python3 - "$id" bulkhead --root "$tmp/state" --isolation "$mode" <<-'END'
		import ctypes, os, subprocess, sys
		id, *runtime = sys.argv[1:]
		ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)		# PR_SET_CHILD_SUBREAPER
		run = lambda *args: subprocess.run(runtime + list(args), check=True,
		                                   stdin=subprocess.DEVNULL)
		run("create", "--bundle", id, "--pid-file", os.path.realpath(id) + "/pid", id)
		pid = int(open(id + "/pid").read())
		run("start", id)
		_, status = os.waitpid(pid, 0)
		run("delete", id)
		assert os.waitstatus_to_exitcode(status) == 42, status
	END
}

kill_and_delete() {
	local id=kill-$mode
	bundle "$id" -- sh -c 'trap "echo got TERM" TERM; echo ready; while :; do sleep 0.1; done'
	oci create --bundle "$id" "$id" >"$id/out" 2>&1 </dev/null && oci start "$id" &&
		wait_until grep -q ready "$id/out" || return
	oci kill "$id" TERM && wait_until grep -q 'got TERM' "$id/out" && is_in_state "$id" running &&
		oci kill "$id" KILL && wait_until is_in_state "$id" stopped || return
	refuses "not running\|No such process" kill "$id" TERM
	oci delete "$id" || return
	# And by force.
	oci create --bundle "$id" "$id" >"$id/out" 2>&1 </dev/null && oci start "$id" &&
		oci delete --force "$id" && refuses "does not exist\|No such file" state "$id" &&
		oci delete --force "$id" && status_is 1 oci delete "$id"
}

# One that was never started.
delete_created() {
	local id=created-$mode
	bundle "$id" -- true
	oci create --bundle "$id" "$id" </dev/null >out 2>&1 && refuses 'exist' create --bundle "$id" "$id" &&
		oci kill "$id" KILL && wait_until is_in_state "$id" stopped && oci delete "$id" || return
	oci create --bundle "$id" "$id" </dev/null >out 2>&1 && oci delete --force "$id"
}

run_and_exec() {
	local id=run-$mode pid
	bundle "$id" -- sh -c 'echo from run; exit 3'
	status_is 3 oci run --bundle "$id" "$id" && says out 'from run' &&
		refuses "does not exist\|No such file" state "$id" || return
	bundle "$id" process.env.+='"GREETING=hello"' -- sleep 1000
	oci run --detach --bundle "$id" --pid-file "$tmp/$id/pid" "$id" >out 2>&1 </dev/null &&
		is_in_state "$id" running || return
	echo input | oci exec "$id" sh -c 'cat; echo $GREETING; id -u; exit 5' >out
	[ $? -eq 5 ] && says out $'input\nhello\n0' || return
	oci exec --user 1000:100 --cwd /tmp --env MORE=1 "$id" /bin/sh -c '/bin/id -u; /bin/id -g; pwd; echo $MORE' \
		>out && says out $'1000\n100\n/tmp\n1' || return
	refuses 'nonesuch' exec "$id" nonesuch
	# As podman does it.
	python3 - "$id" <<-'END'
		import json, sys
		process = json.load(open(sys.argv[1] + "/config.json"))["process"]
		process["args"] = ["sh", "-c", "cat; echo $GREETING >&2; exit 9"]
		process["env"].append("GREETING=bye")
		json.dump(process, open(sys.argv[1] + "/process.json", "w"))
	END
	echo text | oci exec --process "$id/process.json" --detach --pid-file "$tmp/$id/pid" "$id" \
		>out 2>err && pid=$(cat "$id/pid") && wait_until is_gone "$pid" &&
		says out text && says err bye || return
	oci ps --format json "$id" | python3 -c 'import json, sys; assert len(json.load(sys.stdin)) == 1' &&
		oci list --format json >out && grep -q "\"$id\"" out && oci list -q >out &&
		grep -qx "$id" out && oci delete --force "$id"
}

pause_and_update() {
	local id=pause-$mode
	bundle "$id" -- sleep 1000
	oci run --detach --bundle "$id" "$id" >out 2>&1 </dev/null || return
	oci pause "$id" && is_in_state "$id" paused && oci resume "$id" && is_in_state "$id" running &&
		oci update --pids-limit 77 "$id" &&
		[ "$(oci exec "$id" cat /sys/fs/cgroup/pids.max)" = 77 ] &&
		echo '{"memory": {"limit": 134217728}}' >"$id/resources" &&
		oci update --resources "$tmp/$id/resources" "$id" &&
		[ "$(oci exec "$id" cat /sys/fs/cgroup/memory.max)" = 134217728 ] &&
		echo '{"memory": {"limit": 125829120}}' | oci update --resources - "$id" &&
		[ "$(oci exec "$id" cat /sys/fs/cgroup/memory.max)" = 125829120 ] || return
	if [ "$mode" = partition ]; then
		refuses 'larger than the partition' update --memory 4294967296 "$id" || return
		oci events --stats "$id" >out && grep -q '"type":"stats"' out || return
	fi
	oci delete --force "$id"
}

# Who listens on the socket has the container's terminal.
terminal() {
	local id=terminal-$mode
	bundle "$id" process.terminal=true -- sh -c 'stty size; read -r line; echo "got $line"; exit 4'
	refuses 'use --console-socket' run --detach --bundle "$id" "$id" || return
	python3 - "$id" bulkhead --root "$tmp/state" --isolation "$mode" <<-'END'
		import fcntl, os, struct, subprocess, sys, termios
		from terminal import ConsoleSocket
		id, *runtime = sys.argv[1:]
		path = os.path.realpath(id) + "/console"
		console = ConsoleSocket(path)
		subprocess.run(runtime + ["create", "--bundle", id, "--console-socket", path, id],
		               check=True, stdin=subprocess.DEVNULL)
		master = console.accept()
		fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
		subprocess.run(runtime + ["start", id], check=True)
		text = b""
		def until(what):
		    global text
		    while what not in text:
		        text += os.read(master, 1000)
		try:
		    until(b"33 77\r\n")
		    os.write(master, b"hello\n")
		    until(b"got hello\r\n")
		    while True:
		        if not os.read(master, 1000):
		            break
		except OSError:		# its end
		    pass
		assert b"got hello" in text, text
	END
	local status=$?
	[ $status -eq 0 ] && wait_until is_in_state "$id" stopped && oci delete "$id"
}

# Who gets the terminal of a command sets its size at once, or a while later.
exec_terminal() {
	local id=exec-terminal-$mode
	bundle "$id" -- sleep 1000
	oci run --detach --bundle "$id" "$id" >out 2>&1 </dev/null || return
	python3 - "$id" bulkhead --root "$tmp/state" --isolation "$mode" <<-'END'
		import fcntl, os, struct, subprocess, sys, termios, time
		from terminal import ConsoleSocket
		id, *runtime = sys.argv[1:]
		path = os.path.realpath(id) + "/console"
		console = ConsoleSocket(path)
		for delay in 0, 0.5:
		    script = "until [ \"$(stty size)\" = '33 77' ]; do usleep 10000; done; echo sized; exit 6"
		    command = subprocess.Popen(runtime + ["exec", "--tty", "--console-socket", path, id,
		                                          "sh", "-c", script], stdin=subprocess.DEVNULL)
		    master = console.accept()
		    time.sleep(delay)
		    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
		    text = b""
		    while b"sized\r\n" not in text:
		        text += os.read(master, 1000)
		    assert command.wait() == 6
		    os.close(master)
	END
	local status=$?
	oci delete --force "$id" && [ $status -eq 0 ]
}

json_log() {
	local id=log-$mode
	bundle "$id" -- nonesuch
	refuses '' --log "$tmp/log" --log-format json create --bundle "$id" "$id"
	rm -f log
	oci --log "$tmp/log" --log-format json create --bundle "$id" "$id" </dev/null >out 2>err &&
		return 1
	python3 -c '
import json
error = json.load(open("log"))
assert error["level"] == "error" and "nonesuch" in error["msg"], error' &&
		refuses 'exist' state "$id"
}

is_settled() {
	[ ! -e /run/bulkhead/killed ] || is_in_state killed created 2>/dev/null
}

# Nobody has the number of a container that create has not come to say.
killed_create() {
	local id=killed create tries=0
	mode=partition
	bundle "$id" -- true
	for delay in 0.3 1 3; do
		oci create --bundle "$id" "$id" >out 2>&1 </dev/null &
		create=$!
		sleep $delay
		kill -9 $create
		wait $create 2>/dev/null
		wait_until is_settled && oci delete --force "$id" && tries=$((tries + 1))
	done
	[ $tries -eq 3 ] && wait_until is_alone
}

# Annotations come before the runtime's flag, that before the program's name; as far as is allowed.
isolation() {
	local root=$tmp/isolation
	bundle annotated annotations.bulkhead:isolation='"process"' -- uname -r
	bundle plain -- uname -r
	status_is 0 bulkhead --root "$root" --isolation partition run --bundle annotated a &&
		says out "$(uname -r)" &&
		status_is 0 bulkhead-process --root "$root" run --bundle plain b && says out "$(uname -r)" &&
		status_is 0 bulkhead-process --root "$root" --isolation partition run --bundle plain c &&
		! grep -qx "$(uname -r)" out || return
	bundle big annotations.bulkhead:memory='"320M"' annotations.bulkhead:cpus='"2"' -- nproc
	status_is 0 bulkhead --root "$root" run --bundle big d && says out 2 || return
	bundle bad annotations.bulkhead:kernel='"/etc/shadow"' -- true
	fails 125 'annotations: bulkhead.kernel: /etc/shadow: not allowed' \
		bulkhead --root "$root" run --bundle bad e || return
	bundle bad annotations.bulkhead:append='"x"' -- true
	fails 125 'annotations: bulkhead.append: not allowed' \
		bulkhead --root "$root" run --bundle bad e || return
	echo 'annotations = memory' >/etc/bulkhead.conf
	fails 125 'annotations: bulkhead.isolation: not allowed' \
		bulkhead --root "$root" run --bundle annotated a
	local status=$?
	echo 'isolation = process' >/etc/bulkhead.conf
	status_is 0 bulkhead --root "$root" run --bundle plain f && says out "$(uname -r)" || status=1
	rm /etc/bulkhead.conf
	return $status
}

# The administrator's defaults are for who has no limits of its own.
default_limits() {
	local status=0
	mode=partition
	bundle none -- cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max
	bundle own linux.resources.memory.limit=134217728 \
		linux.resources.cpu='{"quota": 150000, "period": 100000}' \
		-- cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max
	printf '%s\n' 'memory = 64M' 'cpus = 0.5' >/etc/bulkhead.conf
	status_is 0 oci run --bundle none a && says out $'67108864\n50000 100000' &&
		status_is 0 oci run --bundle own b && says out $'134217728\n150000 100000' &&
		status_is 0 bulkhead run --bundle own && says out $'134217728\n150000 100000' || status=1
	rm /etc/bulkhead.conf
	return $status
}

# The runner is killed: what is left goes with delete.
killed_runner() {
	local id=runner
	mode=partition
	bundle $id -- sleep 1000
	oci run --detach --bundle $id --pid-file "$tmp/$id/pid" $id >out 2>&1 </dev/null &&
		kill -9 "$(cat $id/pid)" && wait_until is_in_state $id stopped && oci delete $id &&
		[ ! -e /run/bulkhead/$id ]
}

# Engines copy files through the mount namespace of the process whose number they were given.
view() {
	local id=view pid
	mode=partition
	mkdir -p mnt && echo volume >mnt/file && mkdir -p rootfs/vol rootfs/memory &&
		ln -sfn / rootfs/escape
	bundle $id mounts.+='{"destination": "/vol", "type": "bind", "source": "'"$tmp"'/mnt", "options": ["bind", "ro"]}' \
		mounts.+='{"destination": "/escape/etc", "type": "bind", "source": "'"$tmp"'/mnt", "options": ["bind"]}' \
		mounts.+='{"destination": "/memory", "type": "tmpfs", "source": "tmpfs"}' \
		-- sleep 1000
	oci run --detach --bundle $id --pid-file "$tmp/$id/pid" $id >out 2>&1 </dev/null || { cat out; return 1; }
	pid=$(cat $id/pid)
	nsenter --target "$pid" --mount busybox sh -c '
		ls / /vol; cat /etc/file; echo new >/new; echo no >/vol/file; echo no >/memory/file' \
		>out 2>err
	[ "$(grep -c 'Read-only' err)" = 2 ] && grep -qx vol out && grep -qx volume out && ! grep -qx boot out &&
		says rootfs/new new && says mnt/file volume && [ ! -e /etc/file ] &&
		[ "$(oci exec $id cat /new)" = new ] && oci delete --force $id && rm rootfs/new rootfs/escape
}

# Where systemd gives out cgroups. In the test VM there is none: what stands in for its bus does with
# the call what systemd does.
scope() {
	local id=scope pid
	mode=partition
	mkdir -p bus && cat >bus/busctl <<-'END'
		#!/bin/bash
		echo "$*" >"${0%/*}/call"
		[[ $* =~ ^call\ org.freedesktop.systemd1\ .*\ StartTransientUnit\ 'ssa(sv)a(sa(sv))'\ ([^ ]*.scope)\ fail\ .*Slice\ s\ ([^ ]*)\ .*PIDs\ au\ 1\ ([0-9]*)\ .*0$ ]] || exit 1
		group=/sys/fs/cgroup/${BASH_REMATCH[2]}/${BASH_REMATCH[1]}
		mkdir -p "$group"
		for controller in cpu memory pids; do
			echo +$controller >/sys/fs/cgroup/cgroup.subtree_control
			echo +$controller >"${group%/*}/cgroup.subtree_control"
		done
		(sleep 0.5; echo "${BASH_REMATCH[3]}" >"$group/cgroup.procs") &
	END
	chmod +x bus/busctl
	bundle $id linux.cgroupsPath='"test.slice:crio:name"' \
		linux.resources.memory.limit=134217728 linux.resources.cpu='{"quota": 50000, "period": 100000}' \
		-- sleep 1000
	PATH=$tmp/bus:$PATH oci --systemd-cgroup run --detach --bundle $id --pid-file "$tmp/$id/pid" $id \
		>out 2>&1 </dev/null || { cat out; return 1; }
	pid=$(cat $id/pid)
	grep -qx '0::/test.slice/crio-name.scope' "/proc/$pid/cgroup" &&
		grep -q 'MemoryMax t [0-9]* CPUQuotaPerSecUSec t 500000 0$' bus/call &&
		grep -q 'Delegate b true' bus/call && oci delete --force $id || return
	rmdir /sys/fs/cgroup/test.slice
	refuses 'systemd makes no scope\|no busctl' --systemd-cgroup create --bundle $id $id
}

# The first container of a pod, and in $namespaces what others have in common with it.
start_infra() {
	local pid type
	mode=partition
	bundle infra hostname='"pod"' -- sleep 1000
	oci create --bundle infra --pid-file "$tmp/infra/pid" infra </dev/null >out 2>&1 &&
		oci start infra && pid=$(cat infra/pid) || return
	namespaces='[{"type": "mount"}, {"type": "pid"}, {"type": "cgroup"}'
	for type in ipc uts net; do
		namespaces+=", {\"type\": \"${type/%net/network}\", \"path\": \"/proc/$pid/ns/$type\"}"
	done
	namespaces+=]
}

# Containers that share namespaces are in one partition, and end with the first one.
pod() {
	local pid
	start_infra || return
	mkdir -p volume && echo volume >volume/file
	bundle one hostname='"pod"' linux.namespaces="$namespaces" linux.resources.pids.limit=55 \
		mounts.+='{"destination": "/mnt", "type": "bind", "source": "'"$tmp"'/volume",
			"options": ["bind"]}' -- sh -c \
		'hostname; cat /proc/sys/kernel/random/boot_id /mnt/file; read -r line; echo "$line"; exit 5'
	bundle two hostname='"pod"' linux.namespaces="$namespaces" -- sh -c 'nc -l -p 7 -e echo hello'
	mkfifo one/in && exec 7<>one/in || return
	oci create --bundle one --pid-file "$tmp/one/pid" one <&7 >one/out 2>one/err &&
		oci create --bundle two --pid-file "$tmp/two/pid" two </dev/null >two/out 2>&1 &&
		is_in_state one created && [ "$(field one pid)" = "$(cat one/pid)" ] &&
		oci start one && oci start two && wait_until grep -q volume one/out || return
	[ "$(bulkhead list --json | grep -c '"id"')" -eq 1 ] &&
		[ "$(sed -n 1p one/out)" = pod ] && is_in_state two running &&
		[ "$(sed -n 2p one/out)" = "$(oci exec infra cat /proc/sys/kernel/random/boot_id)" ] &&
		[ "$(oci exec one cat /sys/fs/cgroup/pids.max)" = 55 ] &&
		[ "$(oci exec one hostname)" = pod ] &&
		wait_until eval '[ "$(oci exec one nc 127.0.0.1 7 </dev/null)" = hello ]' &&
		wait_until is_in_state two stopped && oci delete two || return
	pid=$(cat one/pid)
	echo typed >&7 && wait_until is_gone "$pid" && exec 7>&- &&
		[ "$(tail -n 1 one/out)" = typed ] && is_in_state one stopped && oci delete one &&
		is_in_state infra running || return
	# Some that end at once.
	bundle quick hostname='"pod"' linux.namespaces="$namespaces" -- true
	for _ in 1 2 3 4 5; do
		oci create --bundle quick quick </dev/null >out 2>&1 && oci start quick &&
			wait_until is_in_state quick stopped && oci delete quick || return
	done
	# One is killed, one ends with the pod.
	oci create --bundle one one </dev/null >out 2>&1 && oci delete --force one &&
		oci create --bundle two --pid-file "$tmp/two/pid" two </dev/null >out 2>&1 &&
		oci start two && oci kill infra KILL && wait_until is_in_state two stopped &&
		wait_until is_gone "$(cat two/pid)" && oci delete two && oci delete infra
}

# Descriptors of virtiofsd's, which has one for each file that a guest knows of.
files_of_server() {
	pgrep -x virtiofsd | xargs -I{} find /proc/{}/fd | wc -l
}

has_files() {
	[ "$(files_of_server)" -le "$1" ]
}

# What joins a pod right after another has left it has its own root, not that of the other, of which
# nothing is kept.
successors() {
	local files
	start_infra || return
	oci exec infra true && files=$(files_of_server) || return
	cp -r rootfs other && echo other >other/etc/whose
	bundle one hostname='"pod"' linux.namespaces="$namespaces" -- nonesuch
	bundle two hostname='"pod"' linux.namespaces="$namespaces" root.path="\"$tmp/other\"" -- \
		cat /etc/whose
	for _ in 1 2 3 4 5; do
		refuses nonesuch create --bundle one one &&
			oci create --bundle two two </dev/null >two/out 2>&1 && oci start two &&
			wait_until is_in_state two stopped && oci delete two && says two/out other || return
	done
	wait_until has_files "$files" || { echo "# $(files_of_server) instead of $files"; return 1; }
	oci delete --force infra
}

# The id of a container may be what is the number of another's partition, or begin its id.
ids() {
	local long number status=0
	mode=partition
	long=$(printf 'abcdef%.0s' {1..10})0123
	bundle one -- sleep 1000
	oci run --detach --bundle one "$long" >out 2>&1 </dev/null || { cat out; return 1; }
	number=$(bulkhead show --json "$long" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
	for id in "$number" "${long:0:12}"; do
		oci create --bundle one "$id" >out 2>&1 </dev/null && oci start "$id" &&
			oci kill "$id" KILL && wait_until is_in_state "$id" stopped &&
			refuses 'not running' kill "$id" KILL && refuses 'not running' update --pids-limit 7 "$id" &&
			refuses "$id: no such container" exec "$id" true &&
			refuses "$id: no such container" pause "$id" &&
			oci delete --force "$id" && is_in_state "$long" running || status=1
	done
	# An id that has 12 digits in common with others is one's own until it is gone.
	oci exec "${long:0:12}" true && oci delete --force "$long" && return $status
}

# As CRI-O has them: namespaces of a pod are made before its first container, and have files;
# annotations say what is of which pod.
pinned_pod() {
	local name namespaces other=()
	local script='for type in ipc uts; do readlink /proc/self/ns/$type; done'
	mode=partition
	touch pinned.ipc pinned.uts pinned.net pinned.host
	unshare --ipc="$tmp/pinned.ipc" --uts="$tmp/pinned.uts" --net="$tmp/pinned.net" true &&
		mount --bind /proc/self/ns/ipc pinned.host || return
	for name in ipc host; do
		namespaces='[{"type": "mount"}, {"type": "pid"},'
		namespaces+="{\"type\": \"network\", \"path\": \"$tmp/pinned.net\"},"
		namespaces+="{\"type\": \"ipc\", \"path\": \"$tmp/pinned.$name\"},"
		namespaces+="{\"type\": \"uts\", \"path\": \"$tmp/pinned.uts\"}]"
		bundle sandbox-$name hostname='"pod"' linux.namespaces="$namespaces" \
			annotations.io:kubernetes:cri-o:ContainerType='"sandbox"' -- sleep 1000
		[ $name = ipc ] && other=(linux.namespaces="$namespaces")
	done
	bundle pinned "${other[@]}" -- true
	refuses 'ipc: .*pinned.ipc: neither' create --bundle pinned pinned &&
		refuses 'ipc: .*pinned.host: neither' create --bundle sandbox-host sandbox-host || return
	bundle pinned "${other[@]}" hostname='"pod"' \
		annotations.io:kubernetes:cri-o:ContainerType='"container"' \
		annotations.io:kubernetes:cri-o:SandboxID='"sandbox-ipc"' -- \
		sh -c "hostname; $script"
	oci run --detach --bundle sandbox-ipc sandbox-ipc </dev/null >out 2>&1 &&
		oci exec sandbox-ipc sh -c "$script" >namespaces &&
		oci run --detach --bundle pinned pinned </dev/null >pinned/out 2>&1 &&
		wait_until is_in_state pinned stopped && says pinned/out "pod
$(cat namespaces)" && oci delete pinned && oci delete --force sandbox-ipc &&
		umount pinned.{ipc,uts,net,host}
}

ended() {
	[ ! "$(ls "$tmp/state")" ] && nothing_left
}

# Who has asked for it was killed, and knows nothing of it: it has removed the bundle.
forgotten() {
	mode=partition
	bundle forgotten -- sleep 1000
	oci create --bundle forgotten forgotten </dev/null >out 2>&1 && rm -r forgotten &&
		wait_until is_alone && wait_until test ! -e "$tmp/state/forgotten"
}

# shellcheck disable=SC2046
run_tests \
	$(in_modes step_by_step exit_status kill_and_delete delete_created run_and_exec \
		pause_and_update terminal exec_terminal json_log) \
	killed_create \
	isolation \
	default_limits \
	killed_runner \
	forgotten \
	view \
	scope \
	pod successors pinned_pod \
	ids \
	ended
