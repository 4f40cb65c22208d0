#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# containerd with bulkhead as its runtime: by its own client, ctr, and by Kubernetes' interface. Containers
# are dear in emulation, so that one is looked at in many ways. MODES="crun process partition" does it all
# with crun itself as well, so that it is known what containerd makes of a runtime.
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

# The kernel that a container has said to have.
is_right_kernel() {
	if [ "$mode" = partition ]; then [ "$1" != "$(uname -r)" ]; else [ "$1" = "$(uname -r)" ]; fi
}

# ctr tells nobody that its input ends, but for what it executes in a container; and it makes no namespace
# of control groups.
run_once() {
	echo input | run --memory-limit $((64 << 20)) --cwd /tmp --env A=1 --read-only \
		--mount type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro -- sh -c '
		read -r line; echo "$line"; pwd; echo $A; touch /x 2>&1
		cat "/sys/fs/cgroup$(cut -d : -f 3 /proc/self/cgroup)/memory.max"
		uname -r >&2; exit 7' >out 2>err
	local status=$?
	says out $'input\n/tmp\n1\ntouch: /x: Read-only file system\n'$((64 << 20)) &&
		is_right_kernel "$(cat err)" && [ $status -eq 7 ] && return
	echo "# status $status"
	sed 's/^/# /' err
	return 1
}

# Nothing is left to be removed then.
command_not_found() {
	status_is 1 run -- nonesuch && grep -q nonesuch err && says <(ctr containers list -q) ""
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
		while :; do echo; usleep 200000; done >/data/count' >out 2>err </dev/null &&
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
	echo input | in_it --user 5:6 --cwd /tmp -- sh -c 'cat; id -u; id -g; pwd; echo err >&2; exit 5' \
		>out 2>err
	local status=$?
	says out $'input\n5\n6\n/tmp' && says err err && [ $status -eq 5 ]
}

execute_many() {
	local i pids=()
	for i in {1..3}; do
		ctr tasks exec --exec-id "many-$i" "$mode" sh -c "head -c 100000 /dev/zero; exit $i" \
			>"out$i" 2>"err$i" </dev/null &
		pids+=($!)
	done
	for i in {1..3}; do
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

processes_and_metrics() {
	ctr tasks ps "$mode" >out && sed 1d out | grep -Eq '^[0-9]+ ' || return
	ctr tasks metrics "$mode" >out && awk '$1 == "memory.usage" && $2 > 0 { memory = 1 }
		$1 == "cpu.usage_usec" && $2 > 0 { cpu = 1 } END { exit !(memory && cpu) }' out && return
	cat out
	return 1
}

# Each time that the container counts, its file grows.
count() {
	stat -c %s "data/$mode/count"
}

counts_beyond() {
	[ "$(count)" -gt "$1" ]
}

pause_and_resume() {
	local count
	ctr tasks pause "$mode" && has_state "$mode" PAUSED || return
	count=$(count)
	sleep 1
	[ "$(count)" = "$count" ] && ctr tasks resume "$mode" &&
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
	local event
	ctr tasks kill --signal SIGTERM "$mode" && wait_until has_state "$mode" STOPPED || return
	ctr tasks delete "$mode" >out 2>err
	grep -q 'code 9' err || { cat out err; return 1; }
	ctr containers delete "$mode" && says <(ctr tasks list -q) "" && wait_until no_shims || return
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
			import json, os, socket, subprocess
			from cri import *
			from terminal import wait_until
			cri, handler = Runtime("$CONTAINERD_ADDRESS"), "$mode"
			sandbox = {"metadata": {"name": "pod", "uid": "uid-$mode", "namespace": "default"},
			           "hostname": "pod-$mode", "log_directory": "$tmp/logs/$mode",
			           "dns_config": {"servers": ["192.0.2.53"]}, "linux": {"cgroup_parent": "/pods"}}
			box = {"image": "$image"}
			data = os.path.abspath("data/pod-" + handler)
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
		script = '''trap "exit 9" TERM; echo "$A"; echo err >&2; cat /data/file; uname -r >/data/kernel
		while :; do nc -l -p 80 -e echo hello; done &
		while :; do usleep 100000; done'''
		os.makedirs(data, exist_ok=True)
		open(data + "/file", "w").write("data\n")
		container = kept("container", cri.run(
		    pod, sandbox, "box", ["sh", "-c", script], image=box, envs=[{"key": "A", "value": "a"}],
		    mounts=[{"container_path": "/data", "host_path": data}],
		    linux={"resources": {"memory_limit_in_bytes": 64 << 20},
		           "security_context": {"namespace_options": {"pid": "CONTAINER"}}}))
		assert cri.status(container).state == RUNNING
		log = f"logs/{handler}/box.log"
		wait_until(lambda: open(log).read().count("\n") == 3)
		lines = sorted(line.split(" ", 1)[1] for line in open(log).read().splitlines())
		assert lines == ["stderr F err", "stdout F a", "stdout F data"], lines
		wait_until(lambda: os.path.exists(data + "/kernel") and os.path.getsize(data + "/kernel"))
		same = open(data + "/kernel").read().strip() == os.uname().release
		assert same == (handler != "partition"), handler
	END
}

# Its containers are on one network, have each their own processes, and one partition.
pod_works() {
	in_cri <<-'END'
		container, address = kept("container"), kept("address")
		script = "hostname; cat /etc/resolv.conf; ip -4 addr show eth0; echo err >&2; exit 5"
		done = cri.execute(container, "sh", "-c", script)
		assert done[0] == 5 and done[2] == "err\n" and "192.0.2.53" in done[1], done
		assert "pod-" + handler in done[1] and address + "/24" in done[1], (address, done)

		stats = cri.ContainerStats(container_id=container).stats
		assert stats.memory.working_set_bytes.value > 0, stats
		assert stats.cpu.usage_core_nano_seconds.value > 0, stats
		cri.UpdateContainerResources(container_id=container, linux={"memory_limit_in_bytes": 48 << 20})
		done = cri.execute(container, "sh", "-c", "cat /sys/fs/cgroup/memory.max; ping -c 1 10.137.99.1")
		assert done[0] == 0 and done[1].startswith(f"{48 << 20}\n"), done

		script = "nc 127.0.0.1 80; ps | wc -l; hostname; until [ -e /data/end ]; do usleep 100000; done; exit 3"
		other = cri.run(kept("pod"), sandbox, "other", ["sh", "-c", script], image=box,
		                mounts=[{"container_path": "/data", "host_path": data}])
		log = f"logs/{handler}/other.log"
		wait_until(lambda: open(log).read().count("\n") == 3)
		lines = [line.split()[-1] for line in open(log)]
		assert lines[0] == "hello" and int(lines[1]) < 6 and lines[2] == "pod-" + handler, lines
		listed = json.loads(subprocess.check_output(["bulkhead", "list", "--json"]))
		assert len([one for one in listed if "id" in one]) == (handler == "partition"), listed
		open(data + "/end", "w").close()
		wait_until(lambda: cri.status(other).state == EXITED)
		os.remove(data + "/end")
		assert cri.status(other).exit_code == 3, cri.status(other)
		cri.RemoveContainer(container_id=other)

		def hello():
		    try:
		        return socket.create_connection((address, 80), 5).recv(99) == b"hello\n"
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

# tests TEST...: their names in each mode. What is behind + isn't done in process isolation, where crun
# does it, but for all modes that MODES says.
tests() {
	local mode test
	for mode in ${MODES-process partition}; do
		for test; do
			[ "$mode${MODES+ is said}" = process ] && [ "$test" != "${test#+}" ] && continue
			echo "${mode}_${test#+}"
		done
	done
}

# shellcheck disable=SC2046
run_tests import \
	$(tests run_once command_not_found +terminal) \
	$(tests start execute +execute_many +execute_on_a_terminal +kill_what_was_executed \
		processes_and_metrics pause_and_resume +daemon_starts_anew stop +shim_dies) \
	config_is_loaded \
	$(tests pod_starts pod_works +host_network pod_ends) \
	pod_with_annotations manifests \
	end \
	nothing_left
