#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# containerd with bulkhead as its runtime: by its own client, ctr, and by Kubernetes' interface. Each
# test is also done with crun, so that it is known what containerd makes of a runtime.
# shellcheck disable=SC2016	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

load_network_modules
declare -A binary=(
	[crun]=/usr/bin/crun
	[process]=/usr/local/bin/bulkhead-process
	[partition]=/usr/local/bin/bulkhead
)
image=localhost/box:1
export CONTAINERD_ADDRESS=$tmp/containerd.sock

# On a file system that can be the upper one of containers.
mkdir containerd cni data logs
mount -t tmpfs tmpfs containerd
"$selftests/oci_image.py" rootfs $image sleep 1000000 >image.tar
protoc --python_out=. -I "$selftests" cri.proto
export PYTHONPATH=$PYTHONPATH:$tmp

cat >config.toml <<-END
	version = 2
	root = "$tmp/containerd/root"
	state = "$tmp/containerd/state"
	disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
	  "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
	[grpc]
	  address = "$CONTAINERD_ADDRESS"
	[plugins."io.containerd.grpc.v1.cri"]
	  sandbox_image = "$image"
	  disable_apparmor = true
	  [plugins."io.containerd.grpc.v1.cri".cni]
	    bin_dir = "/usr/lib/cni"
	    conf_dir = "$tmp/cni"
END

# The handler that docs/kubernetes.md has, and one for each mode.
handlers() {
	sed -n '/^```toml containerd/,/^```$/{//!p}' "$selftests/../docs/kubernetes.md"
	for mode in "${!binary[@]}"; do
		cat <<-END
			[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.$mode]
			  runtime_type = "io.containerd.runc.v2"
			  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.$mode.options]
			    BinaryName = "${binary[$mode]}"
		END
	done
}
handlers >>config.toml

cat >cni/10-pods.conflist <<-END
	{ "cniVersion": "0.4.0", "name": "pods", "plugins": [
	  { "type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": true,
	    "ipam": { "type": "host-local", "dataDir": "$tmp/addresses",
	      "ranges": [[{ "subnet": "10.137.99.0/24" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
	  { "type": "portmap", "capabilities": { "portMappings": true } } ] }
END

# The shims of this containerd, or of one of its containers.
shims() {
	pgrep -f "^/usr/bin/containerd-shim-runc-v2 .*-id ${1-.*} -address $CONTAINERD_ADDRESS"
}

no_shims() {
	! shims >/dev/null
}

start_containerd() {
	containerd --config config.toml >>containerd.log 2>&1 &
	daemon=$!
	wait_until eval 'ctr version >version 2>&1'
}

stop_containerd() {
	kill "$daemon" && exits 0 "$daemon"
}

# Whatever is left in the end.
clean_up() {
	local pid
	for pid in $daemon $(shims); do kill -9 "$pid"; done
	cd /
	umount -R "$tmp/containerd"
	rm -rf "$tmp"
} 2>/dev/null
daemon=
trap clean_up EXIT

import() {
	start_containerd || return
	local namespace
	for namespace in default k8s.io; do
		ctr --namespace $namespace images import image.tar >out 2>&1 || { cat out; return 1; }
	done
	ctr images list -q | grep -qx $image
}

# run OPTION... -- COMMAND...: a container of the image
run() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	ctr run --rm --runc-binary "${binary[$mode]}" "${options[@]}" $image "run-$mode" "$@"
}

# ctr tells nobody that its input ends, but for what it executes in a container.
output_and_status() {
	echo input | run -- sh -c 'read -r line; echo "$line"; echo err >&2; exit 7' >out 2>err
	local status=$?
	says out input && says err err && [ $status -eq 7 ] && status_is 0 run -- true
}

kernel() {
	run -- uname -r >out 2>err || { cat err; return 1; }
	if [ "$mode" = partition ]; then ! says out "$(uname -r)"; else says out "$(uname -r)"; fi
}

# Nothing is left to be removed then.
command_not_found() {
	status_is 1 run -- nonesuch && grep -q nonesuch err && says <(ctr containers list -q) ""
}

# ctr makes no namespace of control groups.
limits() {
	run --memory-limit $((64 << 20)) --mount type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro -- \
		sh -c 'cat "/sys/fs/cgroup$(cut -d : -f 3 /proc/self/cgroup)/memory.max"' >out 2>err &&
		says out $((64 << 20))
}

directory_and_environment() {
	run --cwd /tmp --env A=1 --read-only -- sh -c 'pwd; echo $A; touch /x 2>&1' >out 2>err
	says out $'/tmp\n1\ntouch: /x: Read-only file system'
}

# A partition has no network of the host's to share; the message comes by way of the shim.
host_network() {
	if [ "$mode" = partition ]; then
		status_is 1 run --net-host -- true && grep -q network err
	else
		run --net-host -- ls /sys/class/net >out 2>err && grep -qx pods0 out
	fi
}

# ctr tells the terminal's size once the container runs.
terminal() {
	python3 - "${binary[$mode]}" $image "run-$mode" <<-'END'
		import sys
		from terminal import *
		t = Terminal("run", "--rm", "--tty", "--runc-binary", *sys.argv[1:], "sh", program="ctr",
			     rows=33, columns=101)
		t.type(b"until [ \"$(stty size)\" = '33 101' ]; do usleep 10000; done 2>/dev/null\n")
		check_shell(t)
		t.type(b"exit 7\n")
		t.end(7)
	END
}

# has_state NAME STATE: as containerd has it
has_state() {
	[ "$(ctr tasks list | awk -v name="$1" '$1 == name { print $3 }')" = "$2" ]
}

# Tests that follow in a mode go on with this container; its name is that of the mode.
start() {
	mkdir -p "data/$mode"
	ctr events >"$mode.events" 2>&1 &
	events=$!
	ctr run --detach --runc-binary "${binary[$mode]}" \
		--mount "type=bind,src=$tmp/data/$mode,dst=/data,options=rbind:rw" $image "$mode" sh -c '
		trap "exit 9" TERM
		i=0
		while :; do i=$((i + 1)); echo $i >/data/count; usleep 200000; done' >out 2>err </dev/null &&
		says out "" && has_state "$mode" RUNNING && wait_until test -s "data/$mode/count"
}

# in_it OPTION... -- COMMAND...
in_it() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	ctr tasks exec --exec-id "$RANDOM" "${options[@]}" "$mode" "$@"
}

execute() {
	echo input | in_it -- sh -c 'cat; echo out; echo err >&2; exit 5' >out 2>err
	local status=$?
	says out $'input\nout' && says err err && [ $status -eq 5 ] || return
	in_it --user 5:6 --cwd /tmp -- sh -c 'id -u; id -g; pwd' >out 2>err && says out $'5\n6\n/tmp'
}

execute_many() {
	local i pids=()
	for i in {1..5}; do
		ctr tasks exec --exec-id "many-$i" "$mode" sh -c "head -c 100000 /dev/zero; exit $i" \
			>"out$i" 2>"err$i" </dev/null &
		pids+=($!)
	done
	for i in {1..5}; do
		exits "$i" "${pids[i - 1]}" && [ "$(wc -c <"out$i")" -eq 100000 ] || return
	done
}

execute_on_a_terminal() {
	python3 - "$mode" <<-'END'
		import sys
		from terminal import *
		t = Terminal("tasks", "exec", "--tty", "--exec-id", "terminal", sys.argv[1], "sh", program="ctr",
			     rows=33, columns=101)
		t.type(b"until [ \"$(stty size)\" = '33 101' ]; do usleep 10000; done 2>/dev/null\n")
		check_shell(t)
		t.type(b"exit 7\n")
		t.end(7)
	END
}

kill_what_was_executed() {
	ctr tasks exec --exec-id victim "$mode" sh -c 'echo ready; exec sleep 1000' >out 2>err </dev/null &
	wait_until grep -q ready out && ctr tasks kill --exec-id victim --signal SIGKILL "$mode" && exits 137 $!
}

processes_of_it() {
	ctr tasks ps "$mode" >out && sed 1d out | grep -Eq '^[0-9]+ '
}

metrics() {
	ctr tasks metrics "$mode" >out && awk '$1 == "memory.usage" && $2 > 0 { memory = 1 }
		$1 == "cpu.usage_usec" && $2 > 0 { cpu = 1 } END { exit !(memory && cpu) }' out && return
	cat out
	return 1
}

counts_beyond() {
	local count
	count=$(cat "data/$mode/count") && [ "${count:-0}" -gt "$1" ]
}

pause_and_resume() {
	local count
	ctr tasks pause "$mode" && has_state "$mode" PAUSED || return
	count=$(cat "data/$mode/count")
	sleep 1
	[ "$(cat "data/$mode/count")" = "$count" ] && ctr tasks resume "$mode" &&
		has_state "$mode" RUNNING && wait_until counts_beyond "$count"
}

# Shim and container go on without it.
daemon_starts_anew() {
	stop_containerd && exits 1 "$events" && start_containerd || return
	ctr events >>"$mode.events" 2>&1 &
	events=$!
	has_state "$mode" RUNNING && in_it -- cat /proc/1/comm >out 2>err && says out sh
}

stop() {
	ctr tasks kill --signal SIGTERM "$mode" && wait_until has_state "$mode" STOPPED || return
	ctr tasks delete "$mode" >out 2>err
	grep -q 'code 9' err || { cat out err; return 1; }
	ctr containers delete "$mode" && says <(ctr tasks list -q) "" && wait_until no_shims
}

events_of_it() {
	local event
	for event in create start exec-added exec-started exit paused resumed delete; do
		wait_until grep -q "/tasks/$event {.*\"$mode\"" "$mode.events" || return
	done
	kill "$events"
}

is_gone() {
	[ ! "$(ctr tasks list -q)" ] || has_state "$1" STOPPED
}

# It is containerd then that has the runtime remove the container.
shim_dies() {
	ctr run --detach --runc-binary "${binary[$mode]}" $image "orphan-$mode" </dev/null >out 2>err &&
		kill -9 "$(shims "orphan-$mode")" && wait_until is_gone "orphan-$mode" || return
	ctr tasks delete --force "orphan-$mode" >out 2>&1
	ctr containers delete "orphan-$mode" && wait_until is_alone && [ ! "$(pgrep -x sleep)" ]
}

# in_cri: runs Python that is read. It has a client in "cri", the name of a handler, and what to make
# pods and containers of; kept() hands names on to later tests.
in_cri() {
	{
		cat <<-END
			import os
			from cri import *
			from terminal import wait_until
			cri, handler = Runtime("$CONTAINERD_ADDRESS"), "$mode"
			sandbox = {"metadata": {"name": "pod", "uid": "uid-$mode", "namespace": "default"},
			           "hostname": "pod-$mode", "log_directory": "$tmp/logs/$mode",
			           "dns_config": {"servers": ["192.0.2.53"]}, "linux": {"cgroup_parent": "/pods"}}
			box = {"image": "$image"}
			def kept(name, value=None):
			    if value:
			        open("$mode." + name, "w").write(value)
			    return open("$mode." + name).read()
		END
		cat
	} >script.py
	mkdir -p "logs/$mode"
	python3 script.py 2>err && return
	tail -n 12 err | sed 's/^/# /'
	return 1
}

# It takes containerd some seconds to find the network's configuration.
config_is_loaded() {
	mode=bulkhead
	in_cri <<-'END' && ctr plugins list | grep -Eq '^io.containerd.grpc.v1 +cri +.* ok *$'
		wait_until(lambda: all(c.status for c in cri.Status().status.conditions))
		runtimes = cri.config()["containerd"]["runtimes"]
		for name, path in {"crun": "/usr/bin/crun", "process": "/usr/local/bin/bulkhead-process",
		                   "bulkhead": "/usr/local/bin/bulkhead"}.items():
		    assert runtimes[name]["runtimeType"] == "io.containerd.runc.v2", runtimes
		    assert runtimes[name]["options"]["BinaryName"] == path, runtimes
		assert runtimes["bulkhead"]["PodAnnotations"] == ["bulkhead.*"], runtimes
		assert runtimes["bulkhead"]["ContainerAnnotations"] == ["bulkhead.*"], runtimes
	END
}

pod_starts() {
	in_cri <<-'END'
		pod = kept("pod", cri.RunPodSandbox(config=sandbox, runtime_handler=handler).pod_sandbox_id)
		status = cri.PodSandboxStatus(pod_sandbox_id=pod).status
		assert status.state == READY and status.runtime_handler == handler, status
		kept("address", status.network.ip)
	END
}

container_in_pod_starts() {
	in_cri <<-'END'
		script = '''trap "exit 9" TERM; echo "$A"; echo err >&2; cat /data/file; uname -r >/data/kernel
		while :; do nc -l -p 80 -e echo hello; done &
		while :; do usleep 100000; done'''
		os.makedirs("data/pod", exist_ok=True)
		open("data/pod/file", "w").write("data\n")
		container = kept("container", cri.run(
		    kept("pod"), sandbox, "box", ["sh", "-c", script], image=box, envs=[{"key": "A", "value": "a"}],
		    mounts=[{"container_path": "/data", "host_path": os.path.abspath("data/pod")}],
		    linux={"resources": {"memory_limit_in_bytes": 64 << 20},
		           "security_context": {"namespace_options": {"pid": "CONTAINER"}}}))
		assert cri.status(container).state == RUNNING
		log = f"logs/{handler}/box.log"
		wait_until(lambda: open(log).read().count("\n") == 3)
		lines = sorted(line.split(" ", 1)[1] for line in open(log).read().splitlines())
		assert lines == ["stderr F err", "stdout F a", "stdout F data"], lines
		wait_until(lambda: os.path.getsize("data/pod/kernel"))
		same = open("data/pod/kernel").read().strip() == os.uname().release
		assert same == (handler != "partition"), handler
	END
}

exec_in_pod() {
	in_cri <<-'END'
		container = kept("container")
		done = cri.execute(container, "sh", "-c", "echo out; echo err >&2; exit 5")
		assert done == (5, "out\n", "err\n"), done
		done = cri.execute(container, "sh", "-c", "hostname; cat /etc/resolv.conf; ip -4 addr show eth0")
		assert done[0] == 0 and "pod-" + handler in done[1] and "192.0.2.53" in done[1], done
		assert kept("address") + "/24" in done[1], (kept("address"), done)
	END
}

# Containers of a pod are on one network, and have each their own processes.
second_container_in_pod() {
	in_cri <<-'END'
		container = cri.run(kept("pod"), sandbox, "other", ["sh", "-c", "nc 127.0.0.1 80; ps | wc -l; exit 3"],
		                    image=box)
		wait_until(lambda: cri.status(container).state == EXITED)
		assert cri.status(container).exit_code == 3, cri.status(container)
		lines = [line.split()[-1] for line in open(f"logs/{handler}/other.log")]
		assert lines[0] == "hello" and int(lines[1]) < 6, lines
		cri.RemoveContainer(container_id=container)
	END
}

stats_and_update() {
	in_cri <<-'END'
		container = kept("container")
		stats = cri.ContainerStats(container_id=container).stats
		assert stats.memory.working_set_bytes.value > 0, stats
		assert stats.cpu.usage_core_nano_seconds.value > 0, stats
		cri.UpdateContainerResources(container_id=container, linux={"memory_limit_in_bytes": 48 << 20})
		done = cri.execute(container, "cat", "/sys/fs/cgroup/memory.max")
		assert done[1] == f"{48 << 20}\n", done
	END
}

# It reaches the host, and the host it.
pod_is_on_the_network() {
	in_cri <<-'END'
		import socket
		done = cri.execute(kept("container"), "ping", "-c", "1", "10.137.99.1")
		assert done[0] == 0, done
		def hello():
		    try:
		        return socket.create_connection((kept("address"), 80), 5).recv(99) == b"hello\n"
		    except OSError:
		        return False
		wait_until(hello)
	END
}

pod_ends() {
	in_cri <<-'END' && says <(ctr --namespace k8s.io containers list -q) "" && wait_until no_shims
		container, pod = kept("container"), kept("pod")
		cri.StopContainer(container_id=container, timeout=200)
		status = cri.status(container)
		assert status.state == EXITED and status.exit_code == 9, status
		cri.RemoveContainer(container_id=container)
		cri.StopPodSandbox(pod_sandbox_id=pod)
		assert cri.PodSandboxStatus(pod_sandbox_id=pod).status.state == NOT_READY
		cri.RemovePodSandbox(pod_sandbox_id=pod)
	END
}

# A pod whose annotations say what else it wants of the handler.
pod_with_annotations() {
	mode=bulkhead
	in_cri <<-'END'
		sandbox["annotations"] = {"bulkhead.isolation": "process"}
		pod = cri.RunPodSandbox(config=sandbox, runtime_handler=handler).pod_sandbox_id
		container = cri.run(pod, sandbox, "box", ["uname", "-r"], image=box)
		wait_until(lambda: cri.status(container).state == EXITED)
		said = open(f"logs/{handler}/box.log").read().split()[-1]
		cri.StopPodSandbox(pod_sandbox_id=pod)
		cri.RemovePodSandbox(pod_sandbox_id=pod)
		assert said == os.uname().release, said
	END
}

# Those in the document are for Kubernetes to take; a misspelt one isn't.
manifests() {
	local document=$selftests/../docs/kubernetes.md
	"$selftests/manifests.py" "$document" >out && says out $'RuntimeClass\nPod' &&
		! "$selftests/manifests.py" <(sed 's/podFixed/podfixed/' "$document") >out 2>&1 &&
		grep -q podfixed out
}

end() {
	stop_containerd && wait_until no_shims || return
	umount -R containerd
	ip link delete pods0
}

in_all() {
	local mode
	for mode in ${MODES-crun process partition}; do
		printf "${mode}_%s " "$@"
	done
}

# shellcheck disable=SC2046
run_tests import \
	$(in_all output_and_status kernel command_not_found limits directory_and_environment terminal) \
	$(in_all start execute execute_many execute_on_a_terminal kill_what_was_executed processes_of_it \
		metrics pause_and_resume daemon_starts_anew stop events_of_it shim_dies) \
	config_is_loaded \
	$(in_all pod_starts container_in_pod_starts exec_in_pod second_container_in_pod stats_and_update \
		pod_is_on_the_network host_network pod_ends) \
	pod_with_annotations manifests \
	end \
	nothing_left
