#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Files of the host's in a container: its root and volumes are the file systems that they are on the
# host, in a partition as in process isolation.
# shellcheck disable=SC2016	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

cp "$selftests/../build/selftests/container_tool" rootfs/usr/bin
mkdir volume fixed inner
echo fixed >fixed/file
echo inner >inner/file
echo single >single
ln -s "$tmp/volume" link
ln -s "$tmp/single" volume/absolute
ln -s "../../../../../../../..$tmp/single" volume/relative

# Tests that follow in a mode go on with this container, which has what it takes to remount. Its
# network is the only thing of the host's that it could have, and hasn't.
start() {
	rm -rf volume/test
	mkdir volume/test
	bulkhead run --isolation "$mode" --detach --name "$mode" --volume volume:/volume \
		--volume "$tmp/fixed:/fixed:ro" --volume single:/etc/single --volume link:/a/b/linked:rw \
		--bundle bundle </dev/null >out && says out "$mode"
}

# inside COMMANDS: its output in out; succeeds if that says nothing wrong
inside() {
	bulkhead exec "$mode" sh -ec "$1" </dev/null >out 2>err && [ ! -s err ] && return
	sed 's/^/# /' out err
	return 1
}

tool() {
	inside "container_tool $1 /volume/test/$1 && container_tool $1 /root/$1 && rm -f /root/$1"
}

volumes() {
	inside 'cat /fixed/file /etc/single; ls -d /a/b/linked/test' &&
		says out $'fixed\nsingle\n/a/b/linked/test' &&
		inside 'echo more >>/etc/single; echo new >/volume/test/new' &&
		says single $'single\nmore' && says volume/test/new new && echo single >single
}

# What is done in the container is done on the host, by whom it was done.
changes_reach_the_host() {
	inside 'cd /volume/test; echo text >file; chmod 640 file; chown 5:6 file; ln file other; ln -s file link
		mkdir dir; mkfifo dir/fifo; mv other dir/moved; : >gone; rm gone
		touch -d "2020-02-03 04:05:06" file; chmod 4755 dir/moved' || return
	cd volume/test || return
	[ "$(cat file)" = text ] && [ "$(stat -c '%a %u %g %h' file)" = '4755 5 6 2' ] &&
		[ ./file -ef dir/moved ] && [ -p dir/fifo ] && [ "$(readlink link)" = file ] &&
		[ ! -e gone ] && [ "$(date -ur file +%F)" = 2020-02-03 ] 
	local status=$?
	[ $status -eq 0 ] || ls -lR
	cd "$tmp" && return $status
}

# can USER COMMAND...: whether a user of the container can
can() {
	bulkhead exec --user "$@" </dev/null >out 2>err
}

# Users are who they are on the host; a guest may believe for a second what it knew of a file.
owners() {
	! can 7:8 "$mode" touch /volume/test/theirs && grep -q denied err &&
		chmod 1777 volume/test && wait_until can 7:8 "$mode" touch /volume/test/theirs &&
		[ "$(stat -c '%u %g' volume/test/theirs)" = '7 8' ] || return
	echo secret >volume/test/secret
	chmod 600 volume/test/secret
	chown 9:10 volume/test/secret
	inside 'stat -c "%a %u %g" /volume/test/secret' && says out '600 9 10' &&
		! can 7 "$mode" cat /volume/test/secret && grep -q denied err &&
		can 9 "$mode" cat /volume/test/secret && says out secret
}

# Neither can be written to, nor made so, by root and with all capabilities.
read_only() {
	inside 'for command in "touch /fixed/new" "rm /fixed/file" "mv /fixed/file /fixed/other" \
			"chmod 600 /fixed/file" "mkdir /fixed/dir" "ln /fixed/file /fixed/link"; do
			if $command 2>/tmp/why; then echo "done: $command"; fi
			grep -q "Read-only file system" /tmp/why || { echo "$command:"; cat /tmp/why; }
		done
		mount -o remount,rw,bind /fixed 2>/dev/null || :
		mount -o remount,rw /fixed 2>/dev/null || :' && says out "" || return
	if [ "$mode" = partition ]; then
		inside 'touch /fixed/new 2>&1 || :; (echo >/fixed/file) 2>/dev/null || echo refused' &&
			grep -q 'Read-only' out && grep -q refused out || return
	fi
	[ "$(ls fixed)" = file ] && says fixed/file fixed
}

# What lies outside isn't there, whichever way is taken.
nothing_outside() {
	inside 'cat /volume/absolute /volume/relative 2>/dev/null || :; ls /volume/..; ls -a /' &&
		! grep -qE "single|fixed/|$(basename "$0")" out
}

locks() {
	tool locks
}

shared_mappings() {
	tool mapping && head -c 5005 volume/test/mapping | tail -c 5 >out && says out first
}

sparse_files() {
	tool sparse && [ "$(stat -c %s volume/test/sparse)" -eq 1073741824 ] &&
		[ "$(stat -c %b volume/test/sparse)" -lt 2048 ]
}

unlinked_files() {
	tool unlinked
}

extended_attributes() {
	tool xattrs && python3 -c '
import os
assert os.getxattr("volume/test/xattrs", "user.stays") == b"text"'
}

many_files() {
	inside 'container_tool files /volume/test/files 10000' && [ ! -e volume/test/files ]
}

bytes_are_the_same() {
	head -c 64M /dev/urandom >volume/data
	inside 'cp /volume/data /tmp/copy; sync; cp /tmp/copy /volume/test/back; sync' &&
		cmp volume/data rootfs/tmp/copy && cmp volume/data volume/test/back
	local status=$?
	rm -f rootfs/tmp/copy volume/test/back volume/data
	return $status
}

# What the host changes is seen soon, as files that appear and go are.
changes_of_the_host() {
	bulkhead exec "$mode" sh -c 'echo ready; until [ -e /volume/test/go ]; do usleep 50000; done
		cat /volume/test/go; while [ -e /volume/test/go ]; do usleep 50000; done; echo gone' \
		</dev/null >out 2>err &
	wait_until grep -q ready out && echo on >new && mv new volume/test/go &&
		wait_until grep -q on out && rm volume/test/go && exits 0 $! && says out $'ready\non\ngone'
}

# What is mounted within a volume is there as well.
mounts_within() {
	inside 'cat /volume/inner/file' && says out inner
}

# What the host sees meanwhile: nothing.
no_mounts_on_the_host() {
	[ "$(cut -d ' ' -f 5 /proc/self/mountinfo)" = "$mounts" ] && ! compgen -G '/tmp/bulkhead.*'
}

stop() {
	bulkhead kill "$mode" && wait_until is_alone
}

partition_server_ends_with_the_runner() {
	local status
	bulkhead run --rootfs rootfs -- sh -c 'echo ready; sleep 1000' </dev/null >out 2>err &
	wait_until grep -q ready out && pgrep virtiofsd >/dev/null &&
		kill -9 "$(bulkhead list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["runner"])')" &&
		exits 125 $!
	status=$?
	wait_until is_alone && ! pgrep virtiofsd && return $status
}

# What a busy machine gives no time to. Its limit is that of the guest.
partition_slow_server() {
	local status=1
	cp /usr/lib/qemu/virtiofsd server
	printf '%s\n' '#!/bin/sh' 'sleep 4' "exec $tmp/server \"\$@\"" >slow
	chmod +x slow
	mount --bind slow /usr/lib/qemu/virtiofsd
	echo 'start-timeout = 1' >/etc/bulkhead.conf
	fails 125 'virtiofsd: no answer to request 1 within 1 second' \
		bulkhead run --rootfs rootfs -- true && rm /etc/bulkhead.conf &&
		bulkhead run --rootfs rootfs -- true && status=0
	umount /usr/lib/qemu/virtiofsd
	rm -f /etc/bulkhead.conf
	wait_until is_alone && return $status
}

partition_fails_without_a_server() {
	mount --bind /dev/null /usr/lib/qemu/virtiofsd
	fails 125 'no virtiofsd.*install' bulkhead run --rootfs rootfs -- true
	local status=$?
	umount /usr/lib/qemu/virtiofsd
	return $status
}

refused() {
	fails 125 'volume nonesuch:/x: nonesuch: No such file' \
		bulkhead run --isolation "$mode" --volume nonesuch:/x --rootfs rootfs -- true &&
		fails 125 'volume volume: not SRC:DST' \
			bulkhead run --isolation "$mode" --volume volume --rootfs rootfs -- true &&
		fails 125 'volume volume:x: x: not an absolute path' \
			bulkhead run --isolation "$mode" --volume volume:x --rootfs rootfs -- true &&
		fails 125 'root can.t be a volume' \
			bulkhead run --isolation "$mode" --volume volume:/ --rootfs rootfs -- true &&
		fails 125 'not SRC:DST' \
			bulkhead run --isolation "$mode" --volume volume:/x:wr --rootfs rootfs -- true
}

mkdir volume/inner
mount --bind inner volume/inner
trap 'umount volume/inner; rm -rf "$tmp"' EXIT
mounts=$(cut -d ' ' -f 5 /proc/self/mountinfo)
before=$(traces)
capabilities='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETUID", "CAP_SETGID",
	"CAP_MKNOD", "CAP_SYS_ADMIN"]'
"$selftests/bundle.py" bundle rootfs "process.capabilities={\"bounding\": $capabilities,
	\"effective\": $capabilities, \"permitted\": $capabilities}" -- sleep 100000 || exit

# shellcheck disable=SC2046
run_tests $(in_modes \
	start \
	volumes \
	changes_reach_the_host \
	owners \
	read_only \
	nothing_outside \
	locks \
	shared_mappings \
	sparse_files \
	unlinked_files \
	extended_attributes \
	many_files \
	bytes_are_the_same \
	changes_of_the_host \
	mounts_within \
	no_mounts_on_the_host \
	stop \
	refused) \
	partition_server_ends_with_the_runner \
	partition_slow_server \
	partition_fails_without_a_server \
	nothing_left
