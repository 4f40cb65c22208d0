#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bulkhead stop: the power button, and what becomes of guests that don't obey it.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"
release=$(cd /boot && echo vmlinuz-*-cloud-amd64 | sed s/vmlinuz-//)

# exits STATUS PID
exits() {
	local got=0
	wait "$2" || got=$?
	[ $got -eq "$1" ] || { echo "# status $got instead of $1"; cat out err; false; }
}

# The command gets SIGTERM, and its status is the runner's.
command_is_terminated() {
	bulkhead run --name obedient --rootfs rootfs -- \
		sh -c 'trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 1; done' \
		>out 2>err </dev/null &
	wait_until grep -q ready out && bulkhead stop --timeout 300 --json obedient >stopped 2>said &&
		exits 7 $! && grep -qx bye out && [ ! -s said ] && python3 - <<-END
		import json
		stopped = json.load(open("stopped"))
		assert [(s["name"], s["killed"]) for s in stopped] == [("obedient", False)], stopped
		END
}

# One that ignores it is killed, and that is said; so is one without an agent.
disobedient_is_killed() {
	bulkhead run --name stubborn --rootfs rootfs -- \
		sh -c 'trap "" TERM; echo ready; while :; do sleep 1; done' >out 2>err </dev/null &
	wait_until grep -q ready out && bulkhead stop --timeout 1 stubborn >stopped 2>said &&
		exits 137 $! && [ ! -s stopped ] && grep -q 'stubborn: .*killed' said
}

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

# fails STATUS MESSAGE COMMAND...: it does, with a message that has MESSAGE in it.
fails() {
	local want=$1 message=$2 got=0
	shift 2
	"$@" >out 2>err </dev/null || got=$?
	[ $got -eq "$want" ] && grep -q "^bulkhead: stop: .*$message" err && return
	echo "# status $got: $*"
	cat err
	return 1
}

wrong_usage() {
	fails 2 'which one' bulkhead stop && fails 2 'timeout' bulkhead stop --timeout soon x &&
		fails 2 'timeout' bulkhead stop --timeout -1 x &&
		fails 1 'nonesuch' bulkhead stop nonesuch
}

nothing_left() {
	wait_until [ "$(bulkhead list --json)" = '[]' ]
}

run_tests command_is_terminated disobedient_is_killed stock_guest_powers_off wrong_usage nothing_left
