#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bulkhead run --cpus: a stock kernel brings all its CPUs up, and they work.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

# cpus N: the guest has N, says that each is a core, and has each run something.
cpus() {
	local n=$1
	# shellcheck disable=SC2016
	timeout 800 bulkhead run --cpus "$n" --memory 512M --rootfs rootfs -- sh -c '
		nproc
		cat /sys/devices/system/cpu/online
		grep -hc . /sys/devices/system/cpu/cpu0/topology/core_cpus_list
		cat /sys/devices/system/cpu/cpu*/topology/core_id | sort -un | wc -l
		cat /sys/devices/system/cpu/cpu*/topology/physical_package_id | sort -u
		# The CPU that reads its own state: the 39th field.
		for i in $(seq 0 $(($(nproc) - 1))); do
			taskset -c "$i" cut -d " " -f 39 /proc/self/stat
		done' >out 2>err </dev/null || { cat out err; return 1; }
	{
		echo "$n"
		[ "$n" -eq 1 ] && echo 0 || echo "0-$((n - 1))"
		echo 1
		echo "$n"
		echo 0
		seq 0 $((n - 1))
	} | diff - out && [ ! -s err ]
}

# A part of a processor is all of one CPU, a part of the time.
half() {
	bulkhead run --cpus 0.5 --rootfs rootfs -- sh -c 'nproc; cat /sys/fs/cgroup/cpu.max' >out 2>&1 </dev/null
	says out $'1\n50000 100000'
}

one() { cpus 1; }
two() { cpus 2; }
four() { cpus 4; }
thirty_two() { cpus 32; }

run_tests half one two four thirty_two
