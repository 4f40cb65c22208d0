#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Disks of a stock guest: what it writes, flushes and discards is in the backing, errors of the
# backing are its errors, and neither a kill nor a dying file system loses what was flushed.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

capabilities='["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN", "CAP_SYS_CHROOT"]'

# does COMMAND...: what the next container runs, whose processes may mount
does() {
	"$selftests/bundle.py" bundle rootfs \
		process.capabilities="{\"bounding\": $capabilities, \"effective\": $capabilities,
			\"permitted\": $capabilities}" -- "$@"
}

run=(bulkhead run --bundle bundle)

# add_program DIR FILE: with the libraries that it takes
add_program() {
	mkdir -p "$1/usr/bin"
	rm -f "$1/usr/bin/${2##*/}"
	cp -L "$2" "$1/usr/bin"
	ldd "$2" | grep -o '/[^ ]*' | xargs cp -L --parents -t "$1"
}

# guest OPTION...: with these disks
guest() {
	status_is 0 "${run[@]}" "$@"
}

# The $1th line of the guest's output.
line() {
	sed -n "$1p" out
}

is() {
	[ "$1" = "$2" ] || { echo "# \"$1\" instead of \"$2\""; false; }
}

# The end of a runner that was killed, its partition and its disks.
killed() {
	kill -9 "$1" && { wait "$1" 2>/dev/null; wait_until is_alone; }
}

# Whether a disk can be had; tells without a guest.
can_have() {
	! bulkhead run --kernel rootfs --disk "$1" 2>err && grep -q 'rootfs: not a regular file' err
}

blocks() {
	stat -c %b "$1"
}

# Three disks of one guest: a boot takes long in an emulated machine.
read_write_discard() {
	local before
	head -c 8M /dev/urandom >disk
	head -c 1M /dev/urandom >other
	head -c 16M /dev/urandom >third
	cp disk want
	cp third want_third
	before=$(blocks third)
	# shellcheck disable=SC2016
	does sh -ec '
		cd /sys/block
		cat vda/size vda/serial
		echo
		cat vda/ro vdb/ro vda/queue/write_cache
		ls vda/mq | wc -l
		md5sum </dev/vda
		md5sum </dev/vdb
		dd if=/dev/vdb of=/dev/vda bs=64k seek=32 conv=notrunc,fsync
		if dd if=/dev/zero of=/dev/vdb bs=512 count=1; then exit 9; fi
		/usr/bin/blkdiscard -o 1M -l 4M /dev/vdc
		/usr/bin/blkdiscard -z -o 8M -l 1M /dev/vdc' || return
	guest --cpus 2 --disk disk,serial=S-1,,2 --disk other,ro --disk third || return
	is "$(head -n 6 out | tr '\n' ' ')" "16384 S-1,2 0 1 write back 2 " &&
		is "$(line 7)" "$(md5sum <want)" && is "$(line 8)" "$(md5sum <other)" || return
	dd if=other of=want bs=64k seek=32 conv=notrunc 2>/dev/null
	dd if=/dev/zero of=want_third bs=1M seek=1 count=4 conv=notrunc 2>/dev/null
	dd if=/dev/zero of=want_third bs=1M seek=8 count=1 conv=notrunc 2>/dev/null
	cmp disk want && cmp third want_third && [ "$(blocks third)" -le $((before - 8192)) ]
}

# Of 4096 bytes a sector, with all that a block device can do.
block_device() {
	local dev
	head -c 8M /dev/urandom >disk
	cp disk want
	does sh -ec '
		cat /sys/block/vda/queue/logical_block_size /sys/block/vda/size
		md5sum </dev/vda
		dd if=/dev/zero of=/dev/vda bs=4096 seek=3 count=2 conv=notrunc,fsync
		/usr/bin/blkdiscard -o 1M -l 1M /dev/vda' || return
	dev=$(losetup --find --show --sector-size 4096 disk) || return
	guest --disk "$dev"
	local status=$?
	is "$(line 3)" "$(md5sum <want)" || status=1
	sync "$dev"
	losetup -d "$dev"
	dd if=/dev/zero of=want bs=4096 seek=3 count=2 conv=notrunc 2>/dev/null
	dd if=/dev/zero of=want bs=1M seek=1 count=1 conv=notrunc 2>/dev/null
	[ $status -eq 0 ] && is "$(head -n 2 out | tr '\n' ' ')" "4096 16384 " && cmp disk want
}

# A file system on the host and a partition don't share a block device.
mounted() {
	local dev status=1
	truncate -s 8M disk
	mkfs.ext4 -q disk
	mkdir -p mnt
	dev=$(losetup --find --show disk) || return
	if mount "$dev" mnt; then
		! can_have "$dev" && grep -q 'in use; it is mounted' err && can_have "$dev,ro"
		status=$?
		umount mnt
	fi
	[ $status -eq 0 ] && can_have "$dev"
	status=$?
	losetup -d "$dev"
	return $status
}

grown_and_shrunk() {
	local pid
	truncate -s 8M disk
	# shellcheck disable=SC2016
	does sh -c '
		was=
		while :; do
			is=$(cat /sys/block/vda/size)
			[ "$is" = "$was" ] || echo "$is"
			was=$is
			usleep 50000
		done' || return
	"${run[@]}" --name grows --disk disk >out 2>err </dev/null &
	pid=$!
	wait_until grep -qx 16384 out && truncate -s 12M disk && bulkhead rescan grows &&
		wait_until grep -qx 24576 out && truncate -s 4M disk &&
		bulkhead rescan --json grows | grep -q '"name": "grows"' &&
		wait_until grep -qx 8192 out
	local status=$?
	killed $pid && return $status
}

locked() {
	local pid
	truncate -s 1M disk
	ln -f disk link
	does sleep 1000 || return
	"${run[@]}" --name writer --disk disk >out 2>&1 </dev/null &
	pid=$!
	wait_until is_running writer || return
	! can_have disk && grep -q 'disk: in use by another' err && ! can_have link &&
		! can_have disk,ro && grep -q 'in use by a partition or program that writes' err
	local status=$?
	killed $pid && can_have disk || return
	"${run[@]}" --name reader --disk disk,ro >out 2>&1 </dev/null &
	pid=$!
	wait_until is_running reader && ! can_have disk && can_have disk,ro || status=1
	killed $pid && can_have disk && return $status
}

# A backing that is full, one that has lost its end, and one beyond the runner's own limit on files,
# whose signal would kill the runner: errors in the guest, where they are, and it goes on.
errors_of_the_backing() {
	local pid status=1
	# shellcheck disable=SC2016
	does sh -c '
		put() { dd if=/dev/zero bs=64k count=8 conv=notrunc,fsync "$@" 2>/dev/null; }
		get() { dd of=/dev/null bs=64k count=8 iflag=direct "$@" 2>/dev/null; }
		put of=/dev/vda || echo vda early
		put of=/dev/vda count=128 && echo vda written
		get if=/dev/vda || echo vda unreadable
		echo full
		while get if=/dev/vdb skip=100; do usleep 50000; done
		get if=/dev/vdb || echo vdb unreadable
		echo short
		while put of=/dev/vdc seek=100; do usleep 50000; done
		put of=/dev/vdc || echo vdc early
		echo limited
		sleep 1000' || return
	mkdir -p small
	mount -t tmpfs -o size=1M tmpfs small || return
	truncate -s 8M small/disk disk third
	"${run[@]}" --name errors --disk small/disk --disk disk --disk third >out 2>err </dev/null &
	pid=$!
	if wait_until grep -qx full out && truncate -s 1M disk &&
		wait_until grep -qx short out &&
		prlimit --pid "$(runner_of errors)" --fsize=4194304 && wait_until grep -qx limited out; then
		is "$(cat out)" $'full\nshort\nlimited' &&
			bulkhead show --json errors | python3 -c '
import json, sys
disks = [d for d in json.load(sys.stdin)["device"] if d["type"] == "block"]
assert len(disks) == 3 and all(d["errors"] > 0 for d in disks), disks'
		status=$?
	fi
	sed 's/^/# /' err
	killed $pid
	umount small && return $status
}

# A disk with a file system that holds fio, which has more libraries than fit in memory.
make_tools() {
	mkdir -p tools.d/{dev,proc,sys}
	add_program tools.d /usr/bin/fio
	mkfs.ext4 -q -O ^has_journal -d tools.d tools 256M >mkfs.out && rm -r tools.d
}

# Shell, in a guest: fio from the last disk.
# shellcheck disable=SC2016
with_fio='mount -t ext4 -o ro /dev/vdb /mnt
	for i in dev proc sys; do mount --rbind /$i /mnt/$i; done
	fio() {
		chroot /mnt /usr/bin/fio --filename=/dev/vda --direct=1 --ioengine=libaio \
			--iodepth=32 --bs=4k --rw=randwrite --verify=crc32c --verify_state_save=0 \
			--name=verify "$@"
	}
'

# What fio wrote, in random order and in all queues at once, is what it reads. And killed at any
# moment later, a disk of blocks that are well-formed stays one: none is torn. Each block says its
# place and its checksum.
fio_verify_and_kill() {
	local pid status=1
	make_tools || return
	truncate -s 4M disk
	does sh -ec "$with_fio
		fio --verify_fatal=1
		echo verified
		while :; do fio --do_verify=0 --randseed=\$RANDOM; echo round; done" ||
		return
	"${run[@]}" --memory 512M --cpus 2 --disk disk --disk tools,ro >out 2>err </dev/null &
	pid=$!
	# Alive, or it will never say so.
	wait_until eval "grep -qx round out || ! kill -0 $pid 2>/dev/null"
	sleep 0.$((RANDOM % 900 + 100))
	grep -qx verified out && kill -0 $pid && status=0
	[ $status -eq 0 ] || sed 's/^/# /' out err
	killed $pid
	fio --filename="$PWD/disk" --rw=read --bs=4k --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --name=verify >fio.out 2>&1 || {
		sed 's/^/# /' fio.out
		status=1
	}
	can_have disk && return $status
}

# Shell, in a guest: writes numbered blocks, and says so of each when it is flushed.
# shellcheck disable=SC2016
numbers='i=0
	while i=$((i + 1)); do
		printf "%4096d" $i |
			dd of=/dev/vda bs=4096 seek=$i conv=notrunc,fsync 2>/dev/null || break
		echo $i
	done
	echo failed'

# Whether each number that "out" has is in the disk $1, and there are $2 at least.
numbers_are_in() {
	python3 - "$1" "$2" <<-END
		import sys
		lines = open("out").read().split("\n")[:-1]
		told = [int(line) for line in lines if line != "failed"]
		assert len(told) >= int(sys.argv[2]), told
		disk = open(sys.argv[1], "rb")
		for number in told:
		    disk.seek(4096 * number)
		    assert disk.read(4096) == b"%4096d" % number, f"{number} of {len(told)}"
	END
}

has_lines() {
	[ "$(wc -l <out)" -ge "$1" ]
}

# The backing's file system goes down, as with the host's power, and keeps what was written to its
# device. The guest sees errors; after a new mount, all that was flushed is there.
flushed_before_a_crash() {
	local pid status=1
	does sh -c "$numbers" || return
	truncate -s 64M image
	mkfs.ext4 -q image
	mkdir -p mnt
	mount -o loop image mnt || return
	truncate -s 32M mnt/disk
	"${run[@]}" --disk mnt/disk >out 2>err </dev/null &
	pid=$!
	if wait_until has_lines 20; then
		# FS_IOC_SHUTDOWN, without flushing the log
		python3 -c '
import fcntl, os, struct
fcntl.ioctl(os.open("mnt", os.O_RDONLY), 0x8004587d, struct.pack("I", 2))'
		wait_until grep -qx failed out
		status=$?
	fi
	killed $pid
	umount mnt && mount -o loop image mnt && numbers_are_in mnt/disk 20 || status=1
	umount mnt
	return $status
}

can_unload() {
	nothing_left && rmmod bulkhead && modprobe bulkhead
}

# Not all hosts load them when they are needed.
modprobe -a loop ext4
mkdir rootfs/mnt
add_program rootfs /usr/sbin/blkdiscard
run_tests \
	read_write_discard \
	block_device \
	mounted \
	grown_and_shrunk \
	locked \
	errors_of_the_backing \
	fio_verify_and_kill \
	flushed_before_a_crash \
	can_unload
