#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module itself: what it links, how it is found, loaded and unloaded.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

# plain MODULE: its file, decompressed
plain() {
	local file
	file=$(modinfo -n "$1") || return
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$1.ko"
}

# Of all that kvm.ko and its like export, two functions may be linked.
links_no_kvm() {
	local module
	plain bulkhead || return
	nm -u bulkhead.ko | awk '{ print $2 }' | sort >linked
	for module in kvm kvm_amd kvm_intel; do
		plain $module || return
		nm $module.ko | sed -n 's/.* __ksymtab_//p'
	done | sort >exported
	[ "$(wc -l <exported)" -gt 100 ] && grep -qx __kmalloc_noprof linked || return
	! comm -12 linked exported | grep -vxE 'kvm_(get|put)_kvm'
}

# modprobe loaded what it takes, and knows the module by its device.
found_by_device() {
	[ -d /sys/module/kvm_amd ] || [ -d /sys/module/kvm_intel ] || return
	modinfo -F softdep bulkhead | grep -q 'pre: kvm-amd kvm-intel' &&
		modinfo -F alias bulkhead | grep -qx 'devname:bulkhead' &&
		modinfo -F alias bulkhead | grep -qx 'char-major-10-246' &&
		grep -q '^bulkhead bulkhead c10:246$' "/lib/modules/$(uname -r)/modules.devname"
}

device() {
	[ "$(stat -c '%a %t:%T' /dev/bulkhead)" = '660 a:f6' ] || { stat /dev/bulkhead; false; }
}

unload_is_refused() {
	bulkhead run --name holder --rootfs rootfs -- sleep 1000 </dev/null >out 2>&1 &
	until bulkhead show holder >/dev/null 2>&1; do
		kill -0 $! 2>/dev/null || { cat out; return 1; }
		sleep 0.1
	done
	rmmod bulkhead 2>err && return 1
	grep -q 'in use' err && bulkhead kill holder
	wait $!
	[ $? -eq 137 ]
}

unload_and_load() {
	rmmod bulkhead && [ ! -e /dev/bulkhead ] || return
	bulkhead list 2>err && return 1
	grep -q 'modprobe bulkhead' err && modprobe bulkhead && [ "$(bulkhead list --json)" = '[]' ]
}

# Containers on the host's kernel don't take the module.
process_isolation_without_it() {
	local container=(bulkhead run --isolation process --name hosted --rootfs rootfs --detach) status
	rmmod bulkhead && "${container[@]}" -- sleep 1000 >out && grep -qx hosted out &&
		bulkhead list | grep -q ' hosted .*running' && bulkhead exec hosted true &&
		bulkhead stop --timeout 0 hosted 2>err && wait_until eval '! bulkhead list >/dev/null 2>err' &&
		grep -q 'modprobe bulkhead' err
	status=$?
	modprobe bulkhead
	return $status
}

run_tests links_no_kvm found_by_device device unload_is_refused unload_and_load process_isolation_without_it
