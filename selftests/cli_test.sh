#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The controller with bad input: what is wrong is said on standard error, and nothing is left behind.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"
kernel=$(echo /boot/vmlinuz-*-cloud-amd64)

run_fails() {
	local message=$1
	shift
	fails 125 "$message" bulkhead run "$@"
}

kernel_missing() {
	run_fails 'run: nonesuch: No such file' --kernel nonesuch --rootfs rootfs -- true
}

not_a_kernel() {
	head -c 100000 /dev/zero >zero
	run_fails 'not a Linux kernel image' --kernel zero --rootfs rootfs -- true &&
		run_fails 'not a Linux kernel image' --kernel /bin/busybox --rootfs rootfs -- true &&
		run_fails 'rootfs' --kernel rootfs --rootfs rootfs -- true &&
		: >empty && run_fails 'empty' --kernel empty --rootfs rootfs -- true
}

kernel_truncated() {
	local bytes
	for bytes in 100 600 1024 20000 1000000; do
		head -c $bytes "$kernel" >short
		run_fails short --kernel short --rootfs rootfs -- true || return
	done
}

rootfs_missing() {
	run_fails 'nonesuch: No such file' --rootfs nonesuch -- true &&
		run_fails 'zero.*irectory' --rootfs zero -- true &&
		run_fails 'no command' --rootfs rootfs &&
		run_fails 'nothing to run'
}

memory_wrong() {
	local total
	total=$(awk '/MemTotal/ { print $2 }' /proc/meminfo)
	run_fails 'memory' --memory 0 --rootfs rootfs -- true &&
		run_fails 'memory.*page' --memory 128000001 --rootfs rootfs -- true &&
		run_fails 'memory' --memory lots --rootfs rootfs -- true &&
		run_fails 'memory' --memory -1M --rootfs rootfs -- true &&
		run_fails 'memory' --memory 99999999999999999999G --rootfs rootfs -- true &&
		run_fails 'memory' --memory $((total * 2))K --rootfs rootfs -- true
}

cpus_wrong() {
	run_fails 'cpus.*none' --cpus 0.0 --rootfs rootfs -- true &&
		run_fails 'cpus.*not a number' --cpus 1,5 --rootfs rootfs -- true &&
		run_fails 'cpus' --cpus 0 --rootfs rootfs -- true &&
		run_fails 'cpus' --cpus 1000 --rootfs rootfs -- true &&
		run_fails 'cpus' --cpus two --rootfs rootfs -- true
}

name_wrong() {
	run_fails 'name' --name 'a b' --rootfs rootfs -- true &&
		run_fails 'name' --name "$(printf 'a%.0s' {1..128})" --rootfs rootfs -- true
}

disk_wrong() {
	mkdir -p ro
	truncate -s 1M disk
	: >empty
	truncate -s 513 odd
	run_fails 'disk: nonesuch: No such file' --disk nonesuch --rootfs rootfs -- true &&
		run_fails 'rootfs: a directory' --disk rootfs --rootfs rootfs -- true &&
		run_fails 'null: neither a file nor' --disk /dev/null --rootfs rootfs -- true &&
		run_fails 'empty: empty' --disk empty --rootfs rootfs -- true &&
		run_fails 'odd: 513 bytes' --disk odd --rootfs rootfs -- true &&
		run_fails 'disk: "nonesuch": no such option' --disk disk,nonesuch --rootfs rootfs -- true &&
		run_fails 'serial=.*too long' --disk disk,serial=123456789012345678901 --rootfs rootfs -- true &&
		run_fails 'ASCII' --disk disk,serial=ä --rootfs rootfs -- true &&
		run_fails 'no path' --disk ,ro --rootfs rootfs -- true &&
		run_fails 'disk: in use' --disk disk --disk disk --rootfs rootfs -- true || return
	mount --bind . ro && mount -o remount,bind,ro ro || return
	run_fails 'ro/disk: Read-only file system; .*add ,ro' --disk ro/disk --rootfs rootfs -- true
	local status=$?
	umount ro
	return $status
}

disks_too_many() {
	local disks=()
	for _ in {1..17}; do disks+=(--disk "disk,ro"); done
	run_fails 'disk: too many' "${disks[@]}" --rootfs rootfs -- true
}

# Of a container, and of a partition; and what doesn't go together.
options_wrong() {
	run_fails 'isolation: none: neither' --isolation none --rootfs rootfs -- true &&
		run_fails 'rootfs: a bundle has one' --bundle bundle --rootfs rootfs -- true &&
		run_fails 'initrd: a container has its own' --initrd zero --rootfs rootfs -- true &&
		run_fails 'interactive: nobody is there' --detach -i --rootfs rootfs -- true &&
		run_fails 'standard input isn.t a terminal' -it --rootfs rootfs -- true &&
		run_fails 'disk: of partitions' --isolation process --disk "$kernel,ro" --rootfs rootfs -- true &&
		run_fails 'kernel: of partitions' --isolation process --kernel "$kernel" --rootfs rootfs -- true &&
		run_fails 'append: of partitions' --isolation process --append quiet --rootfs rootfs -- true &&
		run_fails 'true: a command needs a root' --kernel "$kernel" -- true || return
	for option in --detach --interactive --tty --env=A --volume=a:/b --user=5 --workdir=/ --read-only; do
		run_fails "${option%=*}: for containers" "$option" --kernel "$kernel" || return
	done
	for isolation in process partition; do
		run_fails 'user.*nonesuch' --isolation $isolation --user nonesuch --rootfs rootfs -- true &&
			run_fails 'tmp: not an absolute path' --isolation $isolation --workdir tmp --rootfs rootfs -- true ||
			return
	done
}

bundle() {
	"$selftests/bundle.py" bundle rootfs "$@" -- true
}

# config_fails MESSAGE PATH=JSON...: in either mode
config_fails() {
	local message=$1
	shift
	bundle "$@" && run_fails "$message" --bundle bundle &&
		run_fails "$message" --isolation process --bundle bundle
}

config_wrong() {
	rm -rf bundle
	run_fails 'bundle: No such file' --bundle bundle && mkdir bundle &&
		run_fails 'config.json: No such file' --bundle bundle &&
		echo '{"process": ' >bundle/config.json && run_fails 'config.json:2: ' --bundle bundle &&
		config_fails 'config.json: ociVersion: 2.0.0: unknown' ociVersion='"2.0.0"' &&
		config_fails 'config.json: process: .*object' process=5 &&
		config_fails 'process: args: empty' process.args='[]' &&
		config_fails 'process: cwd: tmp: not an absolute' process.cwd='"tmp"' &&
		config_fails 'process: user.uid' process.user.uid=-1 &&
		config_fails 'root.path: .*nonesuch: No such file' root.path='"nonesuch"' &&
		config_fails 'mounts.0.' mounts='[{"type": "tmpfs"}]' &&
		config_fails 'resources.memory.limit' linux.resources.memory.limit='"lots"'
}

# refused MESSAGE PATH=JSON...: in a partition, by the name of what it can't have. The unit tests
# know all that there is.
refused() {
	local message=$1
	shift
	bundle "$@" && run_fails "$message, or use --isolation=process" --bundle bundle
}

refused_in_partitions() {
	refused 'devices: /dev/sda (b 8:0): .*' \
			linux.devices='[{"path": "/dev/sda", "type": "b", "major": 8, "minor": 0}]' &&
		refused 'namespaces: pid: /proc/1/ns/pid: .*' linux.namespaces.0.path='"/proc/1/ns/pid"' &&
		refused 'namespaces: pid: missing.*' linux.namespaces='[{"type": "mount"}]' &&
		refused 'rootfsPropagation: rshared: .*' linux.rootfsPropagation='"rshared"' &&
		refused 'mounts: /x: rshared: .*' mounts.+='{"destination": "/x", "type": "bind",
			"source": "/tmp", "options": ["bind", "rshared"]}' &&
		refused 'mounts: /x: idmap: .*' mounts.+='{"destination": "/x", "type": "bind",
			"source": "/tmp", "options": ["bind", "idmap"]}' &&
		refused 'mounts: /x: type "nfs": .*' \
			mounts.+='{"destination": "/x", "type": "nfs", "source": "host:/x"}' &&
		refused 'apparmorProfile: mine: .*' process.apparmorProfile='"mine"' &&
		refused 'seccomp.listenerPath: .*' linux.seccomp.listenerPath='"/run/socket"' &&
		refused 'unified: io.max: .*' linux.resources.unified.io:max='"8:0 rbps=1"'
}

# conf_fails MESSAGE LINE: a line of the administrator's, with those of before
conf_fails() {
	printf '# defaults\n\n%s\n' "$2" >/etc/bulkhead.conf
	run_fails "/etc/bulkhead.conf:3: $1" --rootfs rootfs -- true
	local status=$?
	rm /etc/bulkhead.conf
	return $status
}

conf_wrong() {
	conf_fails 'nonesuch: no such key' 'nonesuch = 5' && conf_fails 'memory: no .=' 'memory' &&
		conf_fails '.*memory: lots' 'memory = lots' && conf_fails '.*isolation: vm' 'isolation = vm' &&
		conf_fails '.*soon' 'agent-timeout = soon' && conf_fails '.*cpus: 0' 'cpus=0'
}

usage() {
	run_fails 'no such option' --nonesuch &&
		fails 2 'no such command' bulkhead nonesuch &&
		fails 2 'no such option' bulkhead list --nonesuch &&
		fails 2 'which one' bulkhead show &&
		fails 2 'which one' bulkhead kill
}

set_wrong() {
	fails 2 'which one' bulkhead set &&
		fails 2 'which one' bulkhead set 1 memory &&
		fails 2 'too many' bulkhead set 1 memory 1G 2G &&
		fails 2 'speed: can.t be set; memory can' bulkhead set 1 speed 1G &&
		fails 2 'memory: lots: not a size' bulkhead set 1 memory lots &&
		fails 2 'memory: .*needs' bulkhead set 1 memory 0 &&
		fails 2 'memory: -1M' bulkhead set -- 1 memory -1M &&
		fails 2 'timeout: soon' bulkhead set --timeout soon 1 memory 1G &&
		fails 2 'timeout: 99999999' bulkhead set --timeout 99999999 1 memory 1G &&
		fails 1 'nonesuch' bulkhead set nonesuch memory 1G &&
		fails 1 2147483647 bulkhead set 2147483647 memory 1G
}

unknown_partition() {
	local command
	for command in show kill rescan console logs; do
		fails 1 2147483647 bulkhead $command 2147483647 &&
			fails 1 nonesuch bulkhead $command nonesuch || return
	done
}

full_output() {
	! bulkhead help >/dev/full 2>err && grep -q 'No space' err
}

help_lists_all() {
	local command
	bulkhead help >out && for command in run exec ps stats pause resume wait list show set stop kill rescan \
		console logs monitor; do
		grep -q "^  $command " out && bulkhead $command --help | grep -q "^Usage: bulkhead $command" ||
			return
	done
}

json_is_json() {
	bulkhead list --json | python3 -c 'import json, sys; assert json.load(sys.stdin) == []'
}

# Nobody may open the device but root and its group.
stranger() {
	local user=(setpriv --reuid 12345 --regid 12345 --clear-groups)
	fails 125 'Permission denied' "${user[@]}" bulkhead run --rootfs rootfs -- true &&
		[ "$("${user[@]}" bulkhead list --json)" = '[]' ]
}

run_tests \
	kernel_missing \
	not_a_kernel \
	kernel_truncated \
	rootfs_missing \
	memory_wrong \
	cpus_wrong \
	name_wrong \
	disk_wrong \
	disks_too_many \
	options_wrong \
	config_wrong \
	refused_in_partitions \
	conf_wrong \
	usage \
	set_wrong \
	unknown_partition \
	full_output \
	help_lists_all \
	json_is_json \
	stranger \
	nothing_left
