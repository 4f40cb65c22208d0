#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bulkhead stop of a guest without an agent: the power button.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"
release=$(cd /boot && echo vmlinuz-*-cloud-amd64 | sed s/vmlinuz-//)

# A stock kernel with an init of its own. Its power button is an input device; poweroff is S5.
stock_guest_powers_off() {
	local root=initramfs
	mkdir -p $root
	cp -a rootfs/bin rootfs/usr $root
	cp "/lib/modules/$release/kernel/drivers/acpi/button.ko" \
		"/lib/modules/$release/kernel/drivers/input/evdev.ko" $root
	cat >$root/init <<-'END'
		#!/bin/sh
		mkdir -p /dev /proc
		mount -t devtmpfs devtmpfs /dev
		insmod /button.ko
		insmod /evdev.ko
		echo waiting
		# The first event, of 24 bytes, is the key.
		dd if=/dev/input/event0 of=/dev/null bs=24 count=1
		echo pressed
		poweroff -f
	END
	chmod +x $root/init
	(cd $root && find . | cpio --quiet -o -H newc) >initrd
	bulkhead run --name stock --initrd initrd >out 2>err </dev/null &
	wait_until grep -q waiting out && bulkhead stop --timeout 300 stock >stopped 2>said &&
		exits 0 $! && grep -q pressed out && [ ! -s said ]
}

wrong_usage() {
	fails 2 'stop: .*which one' bulkhead stop && fails 2 'stop: .*timeout' bulkhead stop --timeout soon x &&
		fails 2 'stop: .*timeout' bulkhead stop --timeout -1 x &&
		fails 1 'stop: .*nonesuch' bulkhead stop nonesuch
}

run_tests stock_guest_powers_off wrong_usage nothing_left
