# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# What scripts that run podman share, besides shell.sh. All that podman keeps is in $tmp/podman, and
# none of its containers has a network unless it asks for one.

# Of the runtimes: a stand-in, crun say, shows what the scripts are worth.
runtime=${RUNTIME:-/usr/local/bin/bulkhead}

# Overlay file systems want another one below than that of the test VM's root.
mkdir podman
mount -t tmpfs podman podman || exit 1
trap 'umount -l "$tmp/podman"; rm -rf "$tmp"' EXIT

cat >podman/containers.conf <<-END
	[containers]
	log_driver = "k8s-file"
	netns = "none"
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	tmp_dir = "$tmp/podman/tmp"
	runtime_supports_json = ["crun", "bulkhead", "bulkhead-process"]
	[engine.runtimes]
	bulkhead = ["$runtime"]
	bulkhead-process = ["${RUNTIME:-/usr/local/bin/bulkhead-process}"]
	[network]
	network_config_dir = "$tmp/podman/networks"
END
cat >podman/storage.conf <<-END
	[storage]
	driver = "overlay"
	graphroot = "$tmp/podman/storage"
	runroot = "$tmp/podman/run"
END
export CONTAINERS_CONF=$tmp/podman/containers.conf CONTAINERS_STORAGE_CONF=$tmp/podman/storage.conf
load_network_modules

# The runtime of a mode.
declare -A runtimes=([crun]=crun [partition]=bulkhead [process]=bulkhead-process)

# In the mode that is at hand.
podman() {
	command podman --runtime "${runtimes[$mode]}" "$@"
}

# podman 4.3 lets a pod's control group refuse all devices, mknod as well, if it isn't systemd's.
# The runtime makes one that doesn't.
free_devices() {
	rmdir "/sys/fs/cgroup/$(podman pod inspect -f '{{.CgroupPath}}' "$1")"
}

# What containers may leave behind: mounts, links, control groups, processes. What belongs to podman
# itself, to bulkhead or to the kernel, for all of them, isn't counted.
traces_of_podman() {
	cut -d ' ' -f 5 /proc/self/mountinfo | grep -vE '/(storage/overlay|netns)$'
	ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/link \1/'
	find /sys/fs/cgroup -type d | grep -vE '/(libpod_parent(/conmon)?|podman_probe|bulkhead)$'
	ps -e -o pid=,ppid=,args= | awk '$2 != 2 { $1 = $2 = ""; print }' |
		grep -E '(bulkhead|virtiofsd|crun|conmon|podman|catatonit|aardvark)' |
		grep -vE '_test\.sh|^ *\[podman_'
}
