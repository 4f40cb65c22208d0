#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guest kernels: each container's is chosen when it is created, and its image has no part in that.
# shellcheck disable=SC2016	# variables are those of the shell in the container
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

cache=${BULKHEAD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead}
default=$(basename /boot/vmlinuz-*-cloud-amd64)
default=${default#vmlinuz-}
# The newest is there for make check-engines.
mapfile -t folders < <(ls -d "$cache"/{kernels,newest}/usr/lib/modules/* 2>/dev/null)
releases=("${folders[@]##*/}")

# QEMU's emulation of SVM lets a guest set XCR0 without an exit. So KVM tells it of a state of another
# size, without which newer kernels don't boot.
echo 'append = noxsave' >/etc/bulkhead.conf
trap 'rm -rf "$tmp" /etc/bulkhead.conf' EXIT

# install_kernel RELEASE: on a host these come by apt install
install_kernel() {
	local folder image
	for folder in "${folders[@]}"; do
		[ "${folder##*/}" != "$1" ] || break
	done
	image=$folder/vmlinuz
	[ -e "$image" ] || image=$folder/../../../../boot/vmlinuz-$1
	cp "$image" "/boot/vmlinuz-$1" && ln -s "$folder" "/lib/modules/$1"
}

remove_kernel() {
	rm -f "/boot/vmlinuz-$1" "/lib/modules/$1"
}

# bundle NAME RELEASE
bundle() {
	python3 "$selftests/bundle.py" "$1" rootfs annotations.bulkhead:kernel="\"/boot/vmlinuz-$2\"" \
		mounts.+='{"destination": "/mnt", "type": "bind", "source": "'"$tmp"'/volume",
			"options": ["bind"]}' -- sh -c 'uname -r >/mnt/$(uname -r); exec sleep 1000'
}

# The distribution's older one, the host's version and a newer one, of the same root at the same time.
side_by_side() {
	local release
	[ ${#releases[@]} -ge 1 ] && mkdir volume || return
	for release in "${releases[@]}"; do install_kernel "$release" || return; done
	for release in "$default" "${releases[@]}"; do
		bundle "bundle-$release" "$release" &&
			status_is 0 bulkhead --root "$tmp/state" run --detach --bundle "bundle-$release" \
				"on-${release%%[-+]*}" || return
		echo "# guest kernel $release"
	done
	for release in "$default" "${releases[@]}"; do
		wait_until grep -qsx "$release" "volume/$release" &&
			[ "$(bulkhead exec "on-${release%%[-+]*}" uname -r)" = "$release" ] || return
	done
	[ "$(bulkhead list --json | grep -c '"running"')" -eq $((1 + ${#releases[@]})) ]
}

# What runs needs its kernel's file no more, and what is run next gets the newest that there is.
replaced() {
	local sorted=("$default" "${releases[@]}")
	status_is 0 bulkhead run --rootfs rootfs -- uname -r && says out "${releases[-1]}" || return
	remove_kernel "${releases[-1]}"
	[ "$(bulkhead exec "on-${releases[-1]%%[-+]*}" uname -r)" = "${releases[-1]}" ] &&
		status_is 0 bulkhead run --rootfs rootfs -- uname -r && says out "${sorted[-2]}" &&
		fails 125 "vmlinuz-${releases[-1]}" bulkhead --root "$tmp/state" run --bundle \
			"bundle-${releases[-1]}" gone
}

ended() {
	local release
	for release in "$default" "${releases[@]}"; do
		bulkhead --root "$tmp/state" delete --force "on-${release%%[-+]*}" || return
	done
	# What runs after this test finds the kernels that it expects.
	for release in "${releases[@]}"; do remove_kernel "$release"; done
	nothing_left
}

run_tests side_by_side replaced ended
