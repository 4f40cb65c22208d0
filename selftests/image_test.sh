#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest image: what is in it, and when bulkhead run builds it.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

images=/var/lib/bulkhead
release=$(cd /boot && echo vmlinuz-*-cloud-amd64)
release=${release#vmlinuz-}
image=$images/$release.cpio
modules=/lib/modules/$release
run=(bulkhead run --rootfs rootfs)

says() {
	[ "$(cat "$1")" = "$2" ] || { echo "# $1 has: $(head -c 2000 "$1")"; false; }
}

# load [OPTION...]: what a run does before it needs the module, which isn't there. Its last is the
# image.
load() {
	"${run[@]}" "$@" -- true </dev/null >out 2>err
	[ $? -eq 125 ] && says out "" && [ "$(wc -l <err)" -eq 1 ] && grep -q 'modprobe bulkhead' err &&
		return
	sed 's/^/# /' out err
	return 1
}

load_fails() {
	"${run[@]}" -- true </dev/null >out 2>err
	[ $? -eq 125 ] && says out "" && [ "$(wc -l <err)" -eq 1 ] &&
		grep -q "^bulkhead: run: .*$1" err && return
	sed 's/^/# /' out err
	return 1
}

identity() {
	stat -c '%i %.9Z' "$image"
}

# builds_anew REASON: the next run, and that one alone
builds_anew() {
	local before after
	before=$(identity)
	load && after=$(identity) && [ "$before" != "$after" ] && load && [ "$(identity)" = "$after" ] &&
		return
	echo "# not built once: $1"
	return 1
}

# Two that find nothing; a guest of each runs.
two_first_runs() {
	local i pids=()
	rm -rf $images
	for i in 1 2; do
		"${run[@]}" -- echo "$i" </dev/null >"out$i" 2>"err$i" &
		pids+=($!)
	done
	for i in 1 2; do
		wait "${pids[i - 1]}" && says "out$i" $i && says "err$i" "" || return
	done
	[ "$(cd $images && echo *)" = "$release.cpio $release.inputs lock" ] &&
		[ "$(stat -c '%a %u' $images)" = '700 0' ]
}

without_the_module() {
	rmmod bulkhead && load
}

not_built_again() {
	local before
	before=$(identity)
	load && [ "$(identity)" = "$before" ]
}

contents() {
	local file
	cpio --quiet -t <"$image" >names || return
	for file in usr/bin/crun lib64/ld-linux-x86-64.so.2 modules/order modules/virtiofs.ko \
		modules/virtio_net.ko modules/overlay.ko; do
		grep -qx $file names || { echo "# lacks $file"; return 1; }
	done
	[ "$(tail -n 1 names)" = agent ] &&
		cpio --quiet -tv --numeric-uid-gid <"$image" | awk '$3 || $4 { exit 1 }'
}

order() {
	rm -rf tree
	mkdir tree && (cd tree && cpio --quiet -id <"$image") || return
	[ "$(cut -d ' ' -f 2 tree/modules/order | sort)" = "$(cd tree/modules && echo *.ko | tr ' ' '\n' | sort)" ] &&
		grep -qx '0 virtio_mmio.ko' tree/modules/order &&
		grep -qx '0 overlay.ko' tree/modules/order &&
		grep -qx '1 net_failover.ko' tree/modules/order &&
		grep -qx '4 virtio-rng.ko' tree/modules/order &&
		[ "$(grep -n 'virtio_ring.ko' tree/modules/order | cut -d : -f 1)" -lt \
			"$(grep -n 'virtio.ko' tree/modules/order | cut -d : -f 1)" ]
}

# Nothing but what is in the image; it wants /proc.
crun_runs() {
	mkdir -p tree/proc && mount -t proc proc tree/proc || return
	chroot tree /usr/bin/crun --version >out 2>err
	umount tree/proc
	grep -q '^crun version' out || { sed 's/^/# /' err; false; }
}

same_inputs_same_bytes() {
	cp "$image" first && rm "$image" && load && cmp first "$image"
}

built_anew() {
	local file
	for file in /usr/local/lib/bulkhead/agent /usr/bin/crun "$modules/kernel/fs/fuse/fuse.ko"; do
		touch "$file"
		builds_anew "$file changed" || return
	done
}

# missing FILE MESSAGE: without it, a run fails with the message, and the image stays as it is.
missing() {
	local status=0 before
	before=$(cksum <"$image")
	mv "$1" away
	load_fails "$2" || status=1
	mv away "$1"
	[ $status -eq 0 ] && [ "$(cksum <"$image")" = "$before" ] && [ ! -e $images/tmp ]
}

something_is_missing() {
	rm "$images/$release.inputs"
	missing /usr/bin/crun 'no /usr/bin/crun.*install crun' &&
		missing /usr/bin/cpio 'cpio is missing; install cpio' &&
		missing /usr/sbin/modprobe 'modprobe is missing; install kmod' &&
		missing /usr/local/lib/bulkhead/agent 'install bulkhead' &&
		missing /usr/local/lib/bulkhead/make-image 'install bulkhead' &&
		missing "$modules/modules.dep" "run depmod $release" &&
		missing "$(realpath /lib/x86_64-linux-gnu/libyajl.so.2)" 'libraries; install crun anew' &&
		load
}

no_space() {
	local status=0
	mount -t tmpfs -o size=2M tmpfs $images || return
	load_fails 'No space left on device' || status=1
	[ "$(cd $images && echo *)" = lock ] || { ls -l $images; status=1; }
	umount $images
	return $status
}

not_for_others() {
	setpriv --reuid 1000 --regid 1000 --clear-groups bulkhead run --rootfs / -- true </dev/null >out 2>err
	[ $? -eq 125 ] && grep -q 'run it as root' err && return
	sed 's/^/# /' err
	return 1
}

# It isn't known whose modules to take.
kernel_without_release() {
	# The boot header has the place of the version at 0x20e, and the kernel says it by itself.
	sed 's/Linux version /linux version /' "/boot/vmlinuz-$release" >kernel &&
		printf '\0\0' | dd of=kernel bs=1 seek=$((0x20e)) conv=notrunc status=none || return
	load --kernel kernel && cpio --quiet -t <$images/none.cpio >names || return
	grep -qx usr/bin/crun names && [ "$(tail -n 1 names)" = agent ] && ! grep -q modules names
}

# A kernel that got its modules later, and has them compressed.
modules_appear() {
	local dir=base/lib/modules/1.0 file=$modules/kernel/fs/overlayfs/overlay.ko status=0
	mkdir -p $dir && xz --check=crc32 <"$file" >$dir/overlay.ko.xz &&
		: >$dir/modules.order && : >$dir/modules.builtin && depmod -b base 1.0 &&
		mv $dir /lib/modules/none || return
	load --kernel kernel && rm -rf tree && mkdir tree &&
		(cd tree && cpio --quiet -id <$images/none.cpio) && cmp tree/modules/overlay.ko "$file" || status=1
	rm -r /lib/modules/none
	return $status
}

progress_on_a_terminal() {
	rm $images/*.inputs
	script -qec "${run[*]} -- true" /dev/null </dev/null >out
	grep -q "building the guest image for $release" out || { cat out; return 1; }
	script -qec "${run[*]} -- true" /dev/null </dev/null >out
	! grep -q building out
}

with_the_module() {
	modprobe bulkhead && "${run[@]}" -- echo text </dev/null >out 2>err && says out text && says err ""
}

run_tests \
	two_first_runs \
	without_the_module \
	not_built_again \
	contents \
	order \
	crun_runs \
	same_inputs_same_bytes \
	built_anew \
	something_is_missing \
	no_space \
	not_for_others \
	kernel_without_release \
	modules_appear \
	progress_on_a_terminal \
	with_the_module
