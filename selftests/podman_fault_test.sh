#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# podman with containers in partitions, when a process that is at work is killed with SIGKILL, when
# there is no room, and with many containers at once. Whatever podman says of that, "podman rm -fa"
# is to leave nothing of them: no partition, mount, link, control group, process or folder.
#
# MANY containers run at once, 10 by default. Of them AT_ONCE are being started, or removed, 10 by
# default: podman gives each 240 seconds, in which a host that is emulated starts no 50.
# ONLY=PATTERN: tests that match it.
# shellcheck disable=SC2016,SC2154	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"
# shellcheck source=selftests/podman.sh
source "$selftests/podman.sh"
mode=${MODE:-partition}
deadline=90
state=/run/bulkhead-oci
[ "$mode" != crun ] || state=/run/crun

# A hook for each of these waits while there is the file hold-STAGE, and says so.
mkdir hooks
cat >hook <<END
#!/bin/sh
[ -e $tmp/hold-\$1 ] || exit 0
: >$tmp/holding
while [ -e $tmp/hold-\$1 ]; do sleep 0.1; done
END
chmod +x hook
for stage in createRuntime poststart poststop; do
	cat >"hooks/$stage.json" <<-END
		{ "version": "1.0.0", "when": { "always": true }, "stages": ["$stage"],
		  "hook": { "path": "$tmp/hook", "args": ["hook", "$stage"] } }
	END
done

podman() {
	command podman --runtime "${runtimes[$mode]}" --hooks-dir "$tmp/hooks" "$@"
}

# All that a container may leave.
all_traces() {
	traces_of_podman | grep -Fvx "$tmp/full"
	find /run/bulkhead $state /run/netns -mindepth 1 ! -name .lock 2>/dev/null
}

is_clean() {
	is_alone && [ "$(all_traces)" = "$before_all" ]
}

# Removes all there is, also if something else went wrong before.
leaves_nothing() {
	local status=0 id
	rm -f hold-* holding
	timeout 300 podman pod rm -fa >out 2>&1 || status=$?
	timeout 300 podman rm -fa >>out 2>&1 || status=$?
	[ $status -eq 0 ] || { echo "# podman rm -fa: status $status"; sed 's/^/# /' out; }
	# Without conmon, podman may remove a container and not tell the runtime, which finds that
	# out when it makes or deletes another.
	[ "$mode" = crun ] || bulkhead delete --force nonesuch
	[ ! "$(podman ps -aq)" ] && wait_until is_clean && [ $status -eq 0 ] && return
	diff <(echo "$before_all") <(all_traces) | sed 's/^/# /'
	bulkhead list | sed 's/^/# /'
	# The next test is to begin with as little as this one.
	for id in $(bulkhead list --quiet); do
		bulkhead delete --force "$id"
	done
	wait_until is_clean || before_all=$(all_traces)
	return 1
}

# make [OPTION...]: the container $id, which isn't started
make() {
	rm -f hold-* holding
	id=$(podman create --volume data:/data "$@" busybox sh -c "
		trap 'exit 0' TERM; while :; do sleep 0.1; done")
}

# The same in a pod, whose partition is there.
make_member() {
	podman pod create --name pod --network faults >out && free_devices pod &&
		podman pod start pod >out && make --pod pod
}

# The process that runs "bulkhead COMMAND" for the container, and not those that it has forked.
command_process() {
	pgrep -of "^[^ ]*${runtimes[$mode]} .*\<$1 .*$id"
}

# It leads a session, as its cleaner does, and has the command line of what has started it, which is
# older.
runner_process() {
	local pid runner=
	for pid in $(pgrep -f "^[^ ]*${runtimes[$mode]} .*\<create .*$id"); do
		[ "$(ps -o sid=,comm= -p "$pid" | tr -d ' ')" != "${pid}bulkhead" ] || runner=$pid
	done
	echo "$runner"
}

# kills WHAT: the process of that name that is at work for the container
kills() {
	local pid
	case $1 in
	podman) pid=$client ;;
	conmon) pid=$(pgrep -of "conmon .* -c $id") ;;
	runner) pid=$(runner_process) ;;
	*) pid=$(command_process "$1") ;;
	esac
	if [ "$pid" ] && kill -9 "$pid"; then
		# Or else the shell tells of it.
		[ "$1" != podman ] || wait "$client" 2>/dev/null
		return 0
	fi
	echo "# there is no process: $1"
	pgrep -a 'bulkhead|conmon|podman' | sed 's/^/# /'
	return 1
}

in_phase() {
	case $1 in
	taken) [ -e "$state/$id" ] ;;
	directory) [ -e "/run/bulkhead/$id" ] ;;
	partition) ! is_alone ;;
	*) [ -e holding ] ;;
	esac
}

# Goes on in the background, as $client.
begin() {
	(exec podman --runtime "${runtimes[$mode]}" --hooks-dir "$tmp/hooks" "$@" \
		>begun 2>&1 </dev/null) &
	client=$!
}

# Polls more often than wait_until does.
until_phase() {
	local end=$((SECONDS + deadline))
	until in_phase "$1"; do
		[ $SECONDS -lt $end ] || { echo "# no such phase: $1"; return 1; }
	done
}

# killed_in PHASE WHAT [OPTION...]: while the container is being created and started
killed_in() {
	make "${@:3}" && kills_in "$@"
}

# Of a pod.
member_killed_in() {
	make_member || { leaves_nothing; return 1; }
	kills_in "$@"
}

kills_in() {
	local status=0
	case $1 in
	createRuntime | poststart) touch "hold-$1" ;;
	esac
	begin start "$id"
	until_phase "$1" && kills "$2" || status=1
	rm -f hold-*
	wait "$client" 2>/dev/null
	[ $status -eq 0 ] || sed 's/^/# /' begun
	leaves_nothing && return $status
}

# At a moment that nobody has chosen, once the runtime was called: podman 4.3 that is killed between
# its first mount and that leaves the mount, and "podman rm -fa" fails, with crun as well.
killed_sometime() {
	local ms=$((RANDOM % 6000)) status=0
	make --network faults || { leaves_nothing; return 1; }
	begin start "$id"
	until_phase taken || status=1
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	# It may be too late, or too early.
	echo "# after $ms ms"
	kills "$1" >/dev/null 2>&1
	wait "$client" 2>/dev/null
	leaves_nothing && return $status
}

# Kills a process that stands for the container or has a part in it.
kills_running() {
	local pid status=0
	case $1 in
	conmon) pid=$(podman inspect -f '{{.State.ConmonPid}}' "$id") ;;
	runner) pid=$(podman inspect -f '{{.State.Pid}}' "$id") ;;
	virtiofsd) pid=$(pgrep -ox virtiofsd) ;;
	relay) pid=$(pgrep -nf "^[^ ]*${runtimes[$mode]} .*\<create .*$id") ;;
	esac
	kill -9 "$pid" || status=1
	# podman is told of its end.
	if [ "$1" = runner ]; then
		[ "$(timeout 60 podman wait "$id")" = 137 ] || status=1
	fi
	leaves_nothing && return $status
}

# killed_running WHAT
killed_running() {
	make --network faults && podman start "$id" >out && kills_running "$@"
}

# runner is the member's relay, which is all that the host has of it.
member_killed_running() {
	make_member && podman start "$id" >out && kills_running "$@"
}

# The end of a pod's runner is that of all its containers.
pod_killed() {
	local status=0
	make_member && podman start "$id" >out && kill -9 "$(podman inspect -f '{{.State.Pid}}' \
		"$(podman pod inspect -f '{{.InfraContainerID}}' pod)")" || status=1
	[ "$(timeout 60 podman wait "$id")" = 137 ] || status=1
	leaves_nothing && return $status
}

exec_works() {
	[ "$(timeout 120 podman exec "$id" echo works)" = works ]
}

# Whatever is killed of a command in it, the container goes on.
killed_exec() {
	local what pid status=0
	make --network faults && podman start "$id" >out || return
	for what in podman conmon exec; do
		begin exec "$id" sh -c ': >/data/begun; sleep 1000'
		wait_until test -e "$data/begun" || status=1
		rm -f "$data/begun"
		case $what in
		podman) pid=$client ;;
		conmon) pid=$(pgrep -nf "conmon .* -c $id") ;;
		exec) pid=$(pgrep -nf "^[^ ]*${runtimes[$mode]} .*\<exec .*$id") ;;
		esac
		kill -9 "$pid" || status=1
		exec_works || { echo "# after $what"; status=1; }
		wait "$client" 2>/dev/null
	done
	leaves_nothing && return $status
}

# While it runs a hook of the container's end.
podman_killed_deleting() {
	local status=0
	make --network faults && podman start "$id" >out || return
	touch hold-poststop
	begin rm --force --time 0 "$id"
	until_phase hook && kills podman || status=1
	rm -f hold-*
	leaves_nothing && return $status
}

# As podman has it run, at some moment.
delete_killed() {
	make --network faults && podman start "$id" >out || return
	(exec bulkhead delete --force "$id" >out 2>&1) &
	client=$!
	sleep "0.$((RANDOM % 10))"
	kill -9 $client 2>/dev/null
	wait $client 2>/dev/null
	leaves_nothing
}

# in_full ARG...: podman, whose runtime keeps its state where there is no room
in_full() {
	command podman --runtime bulkhead --runtime-flag "root=$tmp/full" "$@"
}

# podman run fails by that, and the runtime keeps nothing.
says_full() {
	in_full run --name full --network faults busybox true >out 2>err
	grep -q 'bulkhead.*No space left on device' err &&
		[ ! "$(find full -mindepth 1 ! -name fill)" ] && return
	sed 's/^/# /' err
	find full | sed 's/^/# /'
	return 1
}

fill() {
	head -c 1M /dev/zero >"$1" 2>/dev/null
}

full_root() {
	local status=0
	mkdir -p full
	# No room for a file, then none for a folder.
	mount -t tmpfs -o size=16k full full
	fill full/fill
	says_full || status=1
	leaves_nothing || status=1
	# And while the container runs, whose end takes none.
	rm full/fill
	in_full run -d --name full busybox sleep 1000 >out || status=1
	fill full/fill
	[ "$(in_full exec full echo works)" = works ] || status=1
	in_full rm --force --time 0 full >out || status=1
	[ "$(ls full)" = fill ] || { find full | sed 's/^/# /'; status=1; }
	umount full
	mount -t tmpfs -o nr_inodes=2 full full && touch full/fill
	says_full || status=1
	leaves_nothing || status=1
	umount full
	return $status
}

# Where runners keep what is theirs.
full_run() {
	local status=0
	mkdir -p full
	mount -t tmpfs -o size=16k full /run/bulkhead
	fill /run/bulkhead/.fill
	says_full || status=1
	umount /run/bulkhead
	leaves_nothing && return $status
}

# at_once ARG...: podman, in the background, once there is room among the AT_ONCE
at_once() {
	[ "$(jobs -rp | wc -l)" -lt "${AT_ONCE:-10}" ] || wait -n
	podman "$@" </dev/null &
}

many_at_once() {
	local i n=${MANY:-10} start=$SECONDS running
	# An emulated host is no measure of whether a guest is alive.
	printf '%s\n' 'start-timeout = 600' 'agent-timeout = 600' >/etc/bulkhead.conf
	for ((i = 0; i < n; i++)); do
		at_once run -d --network faults --memory 64m busybox sleep 10000 >"many-$i" 2>&1
	done
	wait
	running=$(podman ps -q | wc -l)
	echo "# $running of $n run after $((SECONDS - start)) s"
	[ "$running" -eq "$n" ] || sed 's/^/# /' many-*
	start=$SECONDS
	for i in $(podman ps -aq); do
		at_once rm --force --time 0 "$i" >out 2>&1
	done
	wait
	echo "# removed after $((SECONDS - start)) s"
	rm /etc/bulkhead.conf
	leaves_nothing && [ "$running" -eq "$n" ]
}

tar -C rootfs -cf busybox.tar .
podman import --quiet busybox.tar busybox >out && podman network create faults >out &&
	podman volume create data >out &&
	data=$(podman volume inspect -f '{{.Mountpoint}}' data) || exit 1
# What the first one makes that stays, as folders.
podman run --rm --network faults busybox true || exit 1
before_all=$(all_traces)

tests=()
for phase in taken directory partition createRuntime; do
	for what in podman conmon create runner; do
		# There is none yet.
		[ $phase-$what = taken-runner ] ||
			tests+=("killed_in $phase $what --network faults")
	done
done
# Without a network, nobody cleans up behind the runner.
for what in create runner; do
	tests+=("killed_in createRuntime $what")
done
for what in podman conmon start runner; do
	tests+=("killed_in poststart $what --network faults")
done
for what in podman conmon create runner create; do
	tests+=("killed_sometime $what")
done
for what in conmon runner virtiofsd relay; do
	tests+=("killed_running $what")
done
for phase in taken directory; do
	for what in podman conmon create; do
		tests+=("member_killed_in $phase $what")
	done
done
tests+=('member_killed_running conmon' 'member_killed_running runner' pod_killed)
tests+=(killed_exec podman_killed_deleting delete_killed full_root full_run
	many_at_once)

chosen=()
for t in "${tests[@]}"; do
	[[ ! $t =~ ${ONLY-} ]] || chosen+=("$t")
done
ktap_print_header
ktap_set_plan ${#chosen[@]}
for t in "${chosen[@]}"; do
	start=$SECONDS
	# shellcheck disable=SC2086	# of words
	ktap_test_result "$t" $t
	echo "# seconds: $((SECONDS - start))"
done
ktap_finished
