#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# podman's features, with crun and with bulkhead as its runtime, by partitions and by processes.
#
# A feature is a function, which does the same in each mode of $mode. What it finds is compared with
# what it found with crun, where it also has to succeed; the table of docs/podman.md says what comes
# of it. With RUNTIME=/usr/bin/crun, that is in bulkhead's place, and all is to be equal. With
# ONLY=PATTERN, only features that match it are tried, which may want others that come before.
# shellcheck disable=SC2016,SC2154,SC2317	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"
# shellcheck source=selftests/podman.sh
source "$selftests/podman.sh"

declare -A numbers=([crun]=1 [partition]=2 [process]=3) report

# What may differ: names and numbers of the mode, identifiers, how a runtime words an error, times.
normalize() {
	sed -E "s/\b(10\.8|808)$number/\1N/g; s/\b$mode-/MODE-/g
		s/\b([0-9a-f]{63,64}|[0-9a-f]{11,12})\b/ID/g; s/podman[0-9]{6,}/TEMPORARY/g
		s/^Error: .*(: OCI [a-z ]+)$/Error\1/
		s/^(Error: OCI [a-z ]*): .*/\1/; s/^time=\"[^\"]*\"/time/
		/failed to connect to syslog/d; /creationTimestamp/d"
}

# gives STATUS ARG...: podman does. Its output is in out and err, and noted.
gives() {
	local want=$1 got=0
	shift
	podman "$@" >out 2>err <"${input:-/dev/null}" || got=$?
	cat err >>"$mode.errors"
	{ cat out; echo "status $got"; } | normalize
	normalize <err
	[ $got -eq "$want" ] || { echo "instead of $want: podman $*"; false; }
}

# prints TEXT ARG...: podman does, and nothing else.
prints() {
	local text=$1
	shift
	gives 0 "$@" || return
	[ "$(normalize <out)" = "$text" ] || { echo "instead of \"$text\""; false; }
}

# keeps FILE ARG...: podman goes on, in the background, and says things to the file
keeps() {
	local file=$1
	shift
	(exec podman --runtime "${runtimes[$mode]}" "$@" >"$file" 2>&1 </dev/null) &
}

# The container's report, by sections.
read_report() {
	local section='' line
	while IFS= read -r line; do
		case $line in
		'== '*) section=${line#== } ;;
		*) report[$mode-$section]+=$line$'\n' ;;
		esac
	done < <(normalize)
}

# reports SECTION LINE...: a section of the report has these lines, and maybe more
reports() {
	local text=${report[$mode-$1]-} line
	printf '%s' "$text"
	for line in "${@:2}"; do
		[[ $'\n'$text = *$'\n'$line$'\n'* ]] || { echo "not there: $line"; return 1; }
	done
}

# What a container tells of itself.
cat >rootfs/bin/report <<'END'
section() { echo "== $1"; }
exec 2>&1
section hostname; hostname
section env; env | sort
section workdir; pwd
section user; id
section arguments; echo "$# $*"
section init; cat /proc/1/comm
section tmpfs; grep ' /scratch ' /proc/mounts | grep -o '^tmpfs\|\<noexec\|size=[0-9]*k'
echo text >/scratch/file && cat /scratch/file
section volume-rw; cat /rw/file; echo guest >/rw/file && cat /rw/file
section volume-ro; cat /ro/file; touch /ro/file
section volume-named; echo guest >/named/file && cat /named/file
section mount; cat /mounted/file; touch /mounted/file
section capabilities; grep ^Cap /proc/self/status
section seccomp; grep '^Seccomp:' /proc/self/status; mkdir /etc/refused 2>&1 | sed 's/:.*:/:/'
section no-new-privileges; grep ^NoNewPrivs /proc/self/status
section ulimit; ulimit -n; ulimit -c
section memory; cat /sys/fs/cgroup/memory.max
section cpus; cat /sys/fs/cgroup/cpu.max
section pids; cat /sys/fs/cgroup/pids.max
section hosts; cat /etc/hosts
section resolv; cat /etc/resolv.conf
section devices; ls /dev
section mounts; awk '{ print $2 }' /proc/mounts | sort
section namespaces; readlink /proc/self/ns/* | sed 's/:.*//'; cat /proc/self/cgroup
section address; ip -4 -o addr show eth0 | grep -o 'inet [0-9./]*'
section read-only; touch /file
section end
END

# And one that goes on afterwards.
cat >rootfs/bin/serve <<'END'
report "$@"
trap "echo got USR1" USR1
trap "echo bye; exit 9" TERM
hostname >/www/name
httpd -h /www
echo ready; echo ready too >&2
touch /rw/ready
sleep 100000 &
while :; do wait $!; done
END
chmod +x rootfs/bin/{report,serve}
mkdir rootfs/www
printf 'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n' >rootfs/etc/passwd
printf 'root:x:0:\nstaff:x:50:alice\n' >rootfs/etc/group
echo text >rootfs/etc/text
cat >seccomp.json <<'END'
{ "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 }] }
END
printf 'FROM_FILE=file\n' >env-file
tar -C rootfs -cf busybox.tar .

# The container that most of the following is asked of.
run_detached() {
	local folder
	for folder in rw ro mounted; do
		mkdir -p "$folder-$mode"
		echo host >"$folder-$mode/file"
	done
	gives 0 network create --opt isolate=true --subnet "10.8$number.1.0/24" "$mode-one" &&
		gives 0 run -d --name "$mode-box" --hostname box --env A=1 --env-file env-file \
		--workdir /root --tmpfs /scratch:size=1m,noexec --volume "$tmp/rw-$mode:/rw" \
		--volume "$tmp/ro-$mode:/ro:ro" --volume "$mode-volume:/named" \
		--mount "type=bind,source=$tmp/mounted-$mode,target=/mounted,readonly" \
		--cap-add SYS_PTRACE --cap-drop CHOWN --security-opt seccomp=seccomp.json \
		--security-opt no-new-privileges --ulimit nofile=1000:2000 --memory 64m --cpus 0.9 \
		--pids-limit 100 --init --network "$mode-one" --publish "808$number:80" \
		--add-host there:10.1.2.3 --dns 10.9.9.9 --health-cmd 'test -e /rw/healthy' \
		--health-interval disable busybox serve one 'two three' &&
		wait_until test -e "rw-$mode/ready" &&
		prints running inspect -f '{{.State.Status}}' "$mode-box" &&
		podman logs "$mode-box" >out 2>&1 && read_report <out
}

volume_is_the_hosts() {
	reports volume-rw host guest && says "rw-$mode/file" guest
}

named_volume() {
	local path
	path=$(podman volume inspect -f '{{.Mountpoint}}' "$mode-volume") &&
		reports volume-named guest && says "$path/file" guest
}

publish() {
	gives 0 port "$mode-box" && busybox wget -qO - "http://127.0.0.1:808$number/name"
}

healthcheck() {
	gives 1 healthcheck run "$mode-box" || return
	touch "rw-$mode/healthy"
	sleep 1
	gives 0 healthcheck run "$mode-box" &&
		prints 'healthy 0' inspect "$mode-box" -f \
			'{{.State.Health.Status}} {{.State.Health.FailingStreak}}'
}

exec_() {
	gives 3 exec --env B=2 --workdir /tmp "$mode-box" sh -c '
		pwd; echo $A $B; echo err >&2; exit 3' &&
		head -c 1M /dev/urandom >in && podman exec -i "$mode-box" cat <in >out && cmp in out
}

exec_user() {
	prints 'uid=1000(alice) gid=1000 groups=50(staff)' exec --user alice "$mode-box" id
}

exec_tty() {
	gives 0 exec -t "$mode-box" sh -c 'test -t 1 && tty'
}

exec_terminal() {
	python3 - "$mode" "${runtimes[$mode]}" <<-'PYTHON'
		import sys
		from terminal import *
		mode, runtime = sys.argv[1:]
		t = Terminal("--runtime", runtime, "exec", "-it", f"{mode}-box", "sh",
			     rows=33, columns=101, program="podman")
		t.type(b"until [ \"$(stty size)\" = '33 101' ]; do usleep 10000; done; tty\n")
		t.expect(b"/dev/pts/")
		t.resize(44, 90)
		t.type(b"until [ \"$(stty size)\" = '44 90' ]; do usleep 10000; done; echo re''sized\n")
		t.expect(b"resized")
		t.type(b"exit 7\n")
		t.end(7)
	PYTHON
}

exec_detached() {
	touch "rw-$mode/counting"
	gives 0 exec -d "$mode-box" sh -c 'i=0; while [ -e /rw/counting ]; do
		i=$((i + 1)); echo $i >/rw/new; mv /rw/new /rw/count; usleep 200000; done' &&
		wait_until test -s "rw-$mode/count"
}

counts_beyond() {
	[ "$(cat "rw-$mode/count")" -gt "$1" ]
}

# What exec_detached started stands still meanwhile.
pause_and_unpause() {
	local count
	gives 0 pause "$mode-box" && prints paused inspect -f '{{.State.Status}}' "$mode-box" ||
		return
	count=$(cat "rw-$mode/count")
	sleep 1
	[ "$(cat "rw-$mode/count")" = "$count" ] && gives 0 unpause "$mode-box" &&
		wait_until counts_beyond "$count" && rm "rw-$mode/counting"
}

logs() {
	gives 0 logs --tail 2 "$mode-box" && says out ready && says err 'ready too'
}

# signal_arrives FILE: the container is sent one, and what it says to that is in the file
signal_arrives() {
	podman kill -s USR1 "$mode-box" >out && sleep 0.2 && grep -qx 'got USR1' "$1"
}

logs_follow() {
	local status
	keeps followed logs --follow "$mode-box"
	wait_until grep -q 'ready too' followed && wait_until signal_arrives followed
	status=$?
	kill $!
	wait $!
	return $status
}

attach() {
	local status
	keeps attached attach --no-stdin --sig-proxy=false "$mode-box"
	wait_until signal_arrives attached >/dev/null
	status=$?
	kill $!
	wait $!
	return $status
}

# Into the container, and nowhere else.
cp_running() {
	echo text >copied
	gives 0 cp copied "$mode-box:/tmp" && [ ! -e /tmp/copied ] &&
		gives 0 cp copied "$mode-box:/rw" && says "rw-$mode/copied" text &&
		prints $'text\ntext' exec "$mode-box" cat /tmp/copied /rw/copied &&
		gives 0 cp "$mode-box:/www" www && says www/name box
	local status=$?
	rm -rf /tmp/copied www
	return $status
}

# Either it is there or podman says that it isn't.
cp_to_tmpfs() {
	gives 0 cp copied "$mode-box:/scratch" &&
		prints text exec "$mode-box" cat /scratch/copied
}

cp_stopped() {
	echo text >new
	gives 0 cp new "$mode-box:/etc/new" && gives 0 cp "$mode-box:/etc/new" out &&
		says out text && gives 0 cp "$mode-box:/www/name" out && says out box
}

top() {
	gives 0 top "$mode-box" user comm && grep -q podman-init out
}

# By what is in the container: none of podman's business.
top_ps() {
	gives 0 exec "$mode-box" sh -c 'ps -o comm | sort -u' && grep -qx podman-init out
}

stats() {
	gives 0 stats --no-stream --format '{{.Name}}' "$mode-box" &&
		podman stats --no-stream --format json "$mode-box" >out && python3 - <<-'PYTHON'
		import json
		stats, = json.load(open("out"))
		print(sorted(stats), stats["mem_usage"].split("/")[1])
		for key in "pids", "cpu_time":
		    assert stats[key] not in ("0", "--"), stats
	PYTHON
}

inspect() {
	gives 0 inspect "$mode-box" -f '{{.State.Status}} {{.State.Running}} {{.State.OciVersion}}
		{{.Path}} {{.Args}} {{.Driver}} {{.EffectiveCaps}} {{.Config.Labels}}
		{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' &&
		prints 'true true' inspect "$mode-box" -f \
			'{{gt .State.Pid 1}} {{gt .State.ConmonPid 1}}'
}

rename() {
	gives 0 rename "$mode-box" "$mode-other" && gives 0 exec "$mode-other" true &&
		gives 0 rename "$mode-other" "$mode-box"
}

update() {
	gives 0 update --memory 48m --cpus 0.8 "$mode-box" &&
		prints $'50331648\n80000 100000' exec "$mode-box" \
			sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max'
}

update_more() {
	gives 0 update --memory 1g "$mode-box" &&
		prints 1073741824 exec "$mode-box" cat /sys/fs/cgroup/memory.max &&
		gives 0 update --memory 48m "$mode-box"
}

# The client is on the box's network, the stranger isn't.
names_of_containers() {
	gives 0 run --rm --network "$mode-one" busybox sh -c "
		wget -qO - http://$mode-box/name &&
		nslookup -type=a $mode-box | grep -o '10.8[0-9.]*$'"
}

other_network() {
	gives 0 network create --opt isolate=true --subnet "10.8$number.2.0/24" "$mode-two" &&
		gives 0 run --rm --network "$mode-two" busybox sh -c "
		ip route | grep -c default
		timeout 3 wget -qO - http://$mode-box/name && echo reached
		timeout 3 wget -qO - http://10.8$number.1.2/name && echo reached; true" &&
		! grep -q reached out
}

killed_for_memory() {
	gives 137 exec "$mode-box" tail /dev/zero
}

stop() {
	keeps waited wait "$mode-box"
	gives 0 stop --time 300 "$mode-box" && prints 'exited 9' inspect "$mode-box" \
		-f '{{.State.Status}} {{.State.ExitCode}}' && exits 0 $! && says waited 9 &&
		prints bye logs --tail 1 "$mode-box"
}

diff_() {
	gives 0 diff "$mode-box" && grep -q '^A /www/name$' out
}

export_() {
	podman export -o out.tar "$mode-box" && tar -tf out.tar | sort >out && normalize <out &&
		grep -qx www/name out
}

commit() {
	gives 0 commit --change LABEL=x=y "$mode-box" "$mode-image" &&
		prints y image inspect -f '{{.Labels.x}}' "$mode-image"
}

# Of the image that was committed.
build() {
	local path
	mkdir -p context
	cat >context/Containerfile <<-END
		FROM $mode-image
		COPY file /copied
		RUN cat /copied /www/name >/built; id; exit \$(wc -l </copied)
		USER alice
	END
	echo -n copied >context/file
	gives 0 build --tag "$mode-built" context && path=$(podman image mount "$mode-built") &&
		says "$path/built" copiedbox &&
		prints alice image inspect -f '{{.User}}' "$mode-built" &&
		gives 0 image unmount "$mode-built"
}

rm_() {
	gives 0 rm --volumes "$mode-box" && gives 1 container exists "$mode-box"
}

# What a stopped container said is there after it was restarted, and more.
start_attached() {
	gives 0 create -i --name "$mode-cat" --user alice --read-only --entrypoint '["sh", "-c"]' \
		busybox 'id; touch /file; cat; exit 5' &&
		echo input >in && input=in gives 5 start --attach --interactive "$mode-cat" &&
		says out $'uid=1000(alice) gid=1000 groups=50(staff),1000\ninput' &&
		gives 0 rm "$mode-cat"
}

run_rm() {
	gives 3 run --rm --name "$mode-rm" --tty busybox sh -c 'test -t 1 && tty; exit 3' &&
		gives 1 container exists "$mode-rm"
}

# A shell on a terminal, from which one detaches, and to which one attaches again.
run_terminal() {
	python3 - "$mode" "${runtimes[$mode]}" <<-'PYTHON' &&
		import sys
		from terminal import *
		mode, runtime = sys.argv[1:]
		t = Terminal("--runtime", runtime, "run", "-it", "--name", f"{mode}-terminal",
			     "busybox", "sh", rows=33, columns=101, program="podman")
		t.type(b"until [ \"$(stty size)\" = '33 101' ]; do usleep 10000; done\n")
		check_shell(t)
		t.type_each(b"\x10\x11")
		t.end(0)
		t = Terminal("--runtime", runtime, "attach", f"{mode}-terminal", program="podman")
		t.type(b"echo atta''ched\n")
		t.expect(b"attached")
		t.type_each(b"\x10\x11")
		t.end(0)
	PYTHON
		prints running inspect -f '{{.State.Status}}' "$mode-terminal"
}

killed() {
	gives 0 kill --signal KILL "$mode-terminal" && prints 137 wait "$mode-terminal" &&
		gives 0 rm "$mode-terminal"
}

status_125() {
	gives 125 run --rm --nonesuch busybox true && gives 125 run --rm --volume /nonesuch:/x \
		busybox true
}

status_126() {
	gives 126 run --rm busybox /etc
}

status_127() {
	gives 127 run --rm busybox nonesuch
}

exec_status_126() {
	gives 126 exec "$mode-box" /etc/text
}

exec_status_127() {
	gives 127 exec "$mode-box" nonesuch
}

exec_killed() {
	gives 137 exec "$mode-box" sh -c 'kill -9 $$'
}

restarted() {
	local state
	state=$(podman inspect "$mode-restart" -f '{{.State.Status}} {{.RestartCount}}') &&
		[ "$state" = 'exited 2' ]
}

restart() {
	mkdir -p "starts-$mode"
	gives 0 run -d --name "$mode-restart" --restart on-failure:2 \
		--volume "$tmp/starts-$mode:/starts" busybox sh -c 'echo start >>/starts/log; exit 4' &&
		wait_until restarted && says "starts-$mode/log" $'start\nstart\nstart' &&
		prints 4 inspect "$mode-restart" -f '{{.State.ExitCode}}' &&
		gives 0 rm "$mode-restart"
}

# refused ARG...: podman run with these options, which is nothing to be had in a partition
runs() {
	gives 0 run --rm "$@" busybox true
}

joins_network() {
	prints 'inet 10.8N.1.2/24' run --rm --network "container:$mode-box" busybox \
		sh -c "ip -4 -o addr show eth0 | grep -o 'inet [0-9./]*'"
}

pid_of_other() {
	gives 0 run --rm --pid "container:$mode-box" busybox grep -l podman-init /proc/1/comm
}

ipc_of_other() {
	gives 0 run --rm --ipc "container:$mode-box" busybox true
}

# Two containers that have the network in common, and a volume.
pod() {
	local text="wget -qO - http://127.0.0.1:8000/text; hostname"
	mkdir -p pod-volume
	echo in the pod >pod-volume/text
	gives 0 pod create --name "$mode-pod" --hostname in-pod && free_devices "$mode-pod" &&
		gives 0 run -d --pod "$mode-pod" --stop-signal KILL \
		--name "$mode-server" --volume "$tmp/pod-volume:/www" busybox \
		httpd -f -p 127.0.0.1:8000 -h /www &&
		prints $'in the pod\nin-pod' run --rm --pod "$mode-pod" busybox \
			sh -c "until $text; do usleep 100000; done 2>/dev/null" &&
		gives 0 pod inspect "$mode-pod" -f '{{.State}} {{.NumContainers}}'
}

pod_stop() {
	gives 0 pod stop --time 300 "$mode-pod" &&
		prints Exited pod inspect -f '{{.State}}' "$mode-pod"
}

generate_kube() {
	gives 0 generate kube "$mode-pod" && sed "s/$mode-pod/$mode-played/" out >"$mode.yaml" &&
		gives 0 pod rm -f "$mode-pod"
}

play_kube() {
	gives 0 play kube --start=false "$mode.yaml" && free_devices "$mode-played" &&
		gives 0 pod start "$mode-played" &&
		prints 'in the pod' exec "$mode-played-$mode-server" \
			wget -qO - http://127.0.0.1:8000/text &&
		gives 0 play kube --down "$mode.yaml"
}

is_clean() {
	[ "$(traces_of_podman)" = "$before_podman" ]
}

nothing_is_left() {
	local deadline=60
	podman pod rm -fa >/dev/null
	podman rm -fa >/dev/null
	podman network prune -f >/dev/null
	wait_until is_clean && return
	diff <(echo "$before_podman") <(traces_of_podman)
	return 1
}

# A feature, what tests it, and whether process isolation is of interest.
features=(
	'`run -d`' run_detached
	'command and arguments' "reports arguments '2 one two three'"
	'`--hostname`' 'reports hostname box'
	'`--env`' 'reports env A=1'
	'`--env-file`' 'reports env FROM_FILE=file'
	'`--workdir`' 'reports workdir /root'
	'`--init`' 'reports init podman-init'
	'`--tmpfs`' "reports tmpfs tmpfs noexec size=1024k text"
	'`--volume`' volume_is_the_hosts
	'`--volume ...:ro`' "reports volume-ro host 'touch: /ro/file: Read-only file system'"
	'`--volume NAME:...`' named_volume
	'`--mount type=bind,readonly`'
	"reports mount host 'touch: /mounted/file: Read-only file system'"
	'`--cap-add`, `--cap-drop`' "reports capabilities $'CapEff:\t00000000a80c25fa'"
	'`--security-opt seccomp=FILE`'
	"reports seccomp $'Seccomp:\t2' 'mkdir: Operation not permitted'"
	'`--security-opt no-new-privileges`' "reports no-new-privileges $'NoNewPrivs:\t1'"
	'`--ulimit`' 'reports ulimit 1000'
	'`--memory`' 'reports memory 67108864'
	'`--cpus`' "reports cpus '90000 100000'"
	'`--pids-limit`' 'reports pids 100'
	'`--add-host`' "reports hosts $'10.1.2.3\tthere'"
	'`--dns`' "reports resolv 'nameserver 10.9.9.9'"
	'`/dev`' 'reports devices urandom'
	'mounts' 'reports mounts /etc/hosts'
	'namespaces and control group' 'reports namespaces 0::/'
	'`--network` of bridges' "reports address 'inet 10.8N.1.2/24'"
	'`--publish`' publish
	'`inspect`' inspect
	'`exec`, `exec -i`' exec_
	'`exec --user`' exec_user
	'`exec -t`' exec_tty
	'`exec -it`, on a terminal' exec_terminal
	'`exec -d`' exec_detached
	'`exec`, exit status 126' exec_status_126
	'`exec`, exit status 127' exec_status_127
	'`exec`, killed by a signal' exec_killed
	'`pause`, `unpause`' pause_and_unpause
	'`healthcheck run`' healthcheck
	'`logs`' logs
	'`logs -f`, `kill -s`' logs_follow
	'`attach`' attach
	'`cp`, while it runs' cp_running
	'`cp` into a tmpfs, while it runs' cp_to_tmpfs
	'`top`' top
	'`exec ... ps`' top_ps
	'`stats --no-stream`' stats
	'`rename`' rename
	'`update`, less' update
	'`update`, more memory than the partition has' update_more
	'names of containers' names_of_containers
	'no way to other networks' other_network
	'`--network container:`' joins_network
	'`--pid container:`' pid_of_other
	'`--ipc container:`' ipc_of_other
	'`--network host`' 'runs --network host'
	'`--pid host`' 'runs --pid host'
	'`--ipc host`' 'runs --ipc host'
	'`--device`' 'runs --device /dev/kmsg'
	'`--privileged`' 'runs --privileged'
	'`exec`, out of memory' killed_for_memory
	'`stop`, `wait`, exit status' stop
	'`diff`' diff_
	'`export`' export_
	'`cp`, when stopped' cp_stopped
	'`commit`' commit
	'`build`, `RUN` and `COPY`' build
	'`rm`, `--volumes`' rm_
	'`create`, `start -ai`, `--user`, `--entrypoint`, `--read-only`' start_attached
	'`run --rm`, `-t` to a pipe, exit status' run_rm
	'`run -it`, on a terminal; detached and attached' run_terminal
	'`kill -s KILL`, exit status 137' killed
	'`run`, exit status 125' status_125
	'`run`, exit status 126' status_126
	'`run`, exit status 127' status_127
	'`--restart on-failure:2`' restart
	'`pod create`, two containers' pod
	'`pod stop`' pod_stop
	'`generate kube`' generate_kube
	'`play kube`' play_kube
	'`rm -fa`: nothing is left' nothing_is_left
)

# In process isolation crun gets the command line as it is: these are to show that it does.
process_too=" run_detached reports volume_is_the_hosts exec_ exec_tty exec_terminal \
exec_detached exec_status_127 pause_and_unpause attach cp_running top stats update stop run_rm \
nothing_is_left "

# Prints what is to be in the table for the feature, in $mode.
cell() {
	local refusal
	if [ "$mode" = crun ]; then
		if [ "$1" -eq 0 ]; then echo works; else echo fails; fi
	elif [ "$1" -eq 0 ] && cmp -s crun.record "$mode.record"; then
		echo equal
	else
		refusal=$(sed -nE '/^(Error: )?(OCI [a-z ]*: )?bulkhead(-process)?: /{
			s///; s/: OCI [a-z ]*$//; s/ \(c [0-9:]*\)//; p; q}' "$mode.errors")
		echo "${refusal:+refused: }${refusal:-differs}"
	fi
}

# feature NAME COMMAND: in all modes
feature() {
	local name=$1 command=$2 row="| $1 |" times='' other start=$SECONDS
	rm -f ./*.record ./*.errors
	for mode in "${modes[@]}"; do
		if [ "$mode" = process ] && [[ $process_too != *" ${command%% *} "* ]]; then
			row+=' |'
			continue
		fi
		number=${numbers[$mode]}
		: >"$mode.errors"
		eval "$command" >"$mode.record" 2>&1
		row+=" $(cell $?) |"
		times+=" $((SECONDS - start))"
		start=$SECONDS
	done
	table+=("$row")
	echo "# $name: seconds:$times"
	grep -Fqx "$row" documented && return
	echo "# documented: $(grep -F "| $name |" documented)"
	echo "# here:       $row"
	for other in "${modes[@]:1}"; do
		[ -e "$other.record" ] || continue
		cmp -s crun.record "$other.record" && continue
		diff crun.record "$other.record" | head -n 50 | sed "s/^/# $other: /"
		sed "s/^/# $other said: /" "$other.errors"
	done
	[[ $row = *"| works |"* ]] || sed 's/^/# crun: /' crun.record crun.errors
	return 1
}

if [ "${ONLY-}" ]; then
	all=("${features[@]}") features=()
	for ((i = 0; i < ${#all[@]}; i += 2)); do
		[[ ! ${all[i]} =~ $ONLY ]] || features+=("${all[@]:i:2}")
	done
fi

# The table's rows, as they are to be.
expected() {
	local i
	if [ ! "${RUNTIME-}" ]; then
		sed -n '/^| feature |/,/^$/p' "$selftests/../docs/podman.md"
		return
	fi
	for ((i = 0; i < ${#features[@]}; i += 2)); do
		echo "| ${features[i]} | works | equal |"
	done
}

if [ "${RUNTIME-}" ]; then modes=(crun partition); else modes=(crun partition process); fi
expected >documented
mode=crun
# Images have a PATH. If one has none, podman run gives its containers one, and play kube doesn't.
podman import --quiet --change \
	ENV=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	busybox.tar busybox >out || exit 1
before_podman=$(traces_of_podman)
table=()
ktap_print_header
ktap_set_plan $((${#features[@]} / 2))
for ((i = 0; i < ${#features[@]}; i += 2)); do
	if feature "${features[i]}" "${features[i + 1]}"; then
		ktap_test_pass "${features[i]}"
	else
		ktap_test_fail "${features[i]}"
	fi
done
printf '# %s\n' "${table[@]}"
ktap_finished
