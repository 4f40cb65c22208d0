#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The controller with bad input: what is wrong is said on standard error, and nothing is left behind.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"
kernel=$(echo /boot/vmlinuz-*-cloud-amd64)

# fails STATUS MESSAGE COMMAND...: it does, with a message that has MESSAGE in it, and only there.
fails() {
	local want=$1 message=$2 got=0
	shift 2
	"$@" >out 2>err </dev/null || got=$?
	[ $got -eq "$want" ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] &&
		grep -q "^bulkhead: .*$message" err && return
	echo "# status $got: $*"
	sed 's/^/# /' out err
	return 1
}

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
	run_fails 'need.*--memory' --memory 16M --rootfs rootfs -- true &&
		run_fails 'memory' --memory 0 --rootfs rootfs -- true &&
		run_fails 'memory.*page' --memory 128000001 --rootfs rootfs -- true &&
		run_fails 'memory' --memory lots --rootfs rootfs -- true &&
		run_fails 'memory' --memory -1M --rootfs rootfs -- true &&
		run_fails 'memory' --memory 99999999999999999999G --rootfs rootfs -- true &&
		run_fails 'memory' --memory $((total * 2))K --rootfs rootfs -- true
}

cpus_wrong() {
	run_fails 'cpus' --cpus 0 --rootfs rootfs -- true &&
		run_fails 'cpus' --cpus 1000 --rootfs rootfs -- true &&
		run_fails 'cpus' --cpus two --rootfs rootfs -- true
}

name_wrong() {
	run_fails 'name' --name 'a b' --rootfs rootfs -- true &&
		run_fails 'name' --name "$(printf 'a%.0s' {1..64})" --rootfs rootfs -- true
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
	bulkhead help >out && for command in run list show set stop kill rescan console logs monitor; do
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

nothing_left() {
	[ "$(bulkhead list --json)" = '[]' ] && ! pgrep -x bulkhead
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
	usage \
	set_wrong \
	unknown_partition \
	full_output \
	help_lists_all \
	json_is_json \
	stranger \
	nothing_left
