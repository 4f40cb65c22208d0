#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The root directory that a partition shares with the host: what one writes, the other reads, and
# its server is there as long as the partition, and no longer.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

run=(bulkhead run --rootfs rootfs)

# in_guest COMMANDS: its output in out
in_guest() {
	"${run[@]}" -- sh -c "$1" </dev/null >out 2>err && [ ! -s err ] && return
	cat out err
	return 1
}

no_server() {
	! pgrep virtiofsd >/dev/null
}

writes_reach_the_host() {
	in_guest 'cd /root && echo text >file && chmod 640 file && chown 5:6 file && ln file other &&
		ln -s file link && mkdir dir && mkfifo dir/fifo && mv other dir/moved && : >gone && rm gone' || return
	[ "$(cat rootfs/root/file)" = text ] &&
		[ "$(stat -c '%a %u %g %h' rootfs/root/file)" = '640 5 6 2' ] &&
		[ rootfs/root/file -ef rootfs/root/dir/moved ] && [ -p rootfs/root/dir/fifo ] &&
		[ "$(readlink rootfs/root/link)" = file ] && [ ! -e rootfs/root/gone ]
}

writes_of_the_host_reach_the_guest() {
	# shellcheck disable=SC2016
	"${run[@]}" -- sh -c 'echo ready; until [ -e /tmp/go ]; do sleep 0.1; done; cat /tmp/go' \
		</dev/null >out 2>err &
	wait_until grep -q ready out && echo on >new && mv new rootfs/tmp/go && wait $! && grep -qx on out
}

# 64 MiB, there and back.
bytes_are_the_same() {
	head -c 64M /dev/urandom >rootfs/tmp/data
	in_guest 'cp /tmp/data /tmp/copy && sync' && cmp rootfs/tmp/data rootfs/tmp/copy &&
		rm rootfs/tmp/data rootfs/tmp/copy
}

thousand_files() {
	# shellcheck disable=SC2016
	in_guest 'mkdir /tmp/many && cd /tmp/many && i=0 && while [ $i -lt 1000 ]; do echo $i >$i; i=$((i + 1)); done &&
		ls | wc -l && cat * | wc -l && rm 1*' &&
		[ "$(cat out)" = $'1000\n1000' ] && [ "$(find rootfs/tmp/many -type f | wc -l)" -eq 889 ] &&
		[ "$(cat rootfs/tmp/many/999)" = 999 ]
}

# What lies outside the root isn't there, whichever way is taken.
nothing_outside() {
	echo secret >secret
	ln -s "$tmp/secret" rootfs/tmp/absolute
	ln -s "../../../../../../..$tmp/secret" rootfs/tmp/relative
	# shellcheck disable=SC2016
	in_guest 'for i in absolute relative; do [ ! -e /tmp/$i ] || echo seen; done; cd /; ls ..; ls /' || return
	! grep -qE "seen|secret|$(basename "$0")" out
}

# What the host's other programs would see of a server.
traces() {
	cut -d ' ' -f 5 /proc/self/mountinfo
	compgen -G '/tmp/bulkhead.*'
	compgen -G '/run/bulkhead/*'
}

server_ends_with_the_partition() {
	local before
	before=$(traces)
	"${run[@]}" --name shared -- sh -c 'echo ready; sleep 1000' </dev/null >out 2>err &
	wait_until grep -q ready out && ! no_server && [ "$(traces)" = "$before" ] &&
		bulkhead kill shared || return
	wait $!
	wait_until no_server
}

server_ends_with_the_runner() {
	"${run[@]}" -- sh -c 'echo ready; sleep 1000' </dev/null >out 2>err &
	wait_until grep -q ready out && kill -9 $! || return
	wait $! 2>/dev/null
	wait_until is_alone && wait_until no_server
}

fails_without_a_server() {
	local status=0
	mount --bind /dev/null /usr/lib/qemu/virtiofsd
	"${run[@]}" -- true </dev/null >out 2>err || status=$?
	umount /usr/lib/qemu/virtiofsd
	[ $status -eq 125 ] && grep -q 'no virtiofsd.*install' err && is_alone
}

run_tests \
	writes_reach_the_host \
	writes_of_the_host_reach_the_guest \
	bytes_are_the_same \
	thousand_files \
	nothing_outside \
	server_ends_with_the_partition \
	server_ends_with_the_runner \
	fails_without_a_server \
	is_alone
