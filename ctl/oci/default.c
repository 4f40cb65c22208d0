// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a config that comes from no bundle has. Devices are denied, but for those that crun makes in
 * any container and allows by itself. HOME is left to crun, which finds it for the user.
 */
#include "oci/config.h"
#include "oci/field.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "util.h"

#include <stdlib.h>
#include <sys/stat.h>

#define OPTIONS_MAX	8

struct default_mount {
	const char *destination;
	const char *type;
	const char *source;
	const char *options[OPTIONS_MAX];
};

static const char *const capabilities[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
	"CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE", NULL
};

static const struct default_mount mounts[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts", "devpts", "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm",
	  { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

static const char *const namespaces[] = { "pid", "ipc", "uts", "mount", "cgroup", "network" };

static const char *const masked_paths[] = {
	"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
	"/sys/firmware", NULL
};

static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL
};

static int add_process(json_t *config)
{
	static const char *const args[] = { "sh", NULL };
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};

	if (field_set(config, "process.terminal", json_false()) ||
	    field_set(config, "process.user.uid", json_integer(0)) ||
	    field_set(config, "process.user.gid", json_integer(0)) ||
	    field_set(config, "process.args", field_texts(args)) ||
	    field_set(config, "process.env", field_texts(env)) ||
	    field_set(config, "process.cwd", field_text("/")) ||
	    field_set(config, "process.capabilities.bounding", field_texts(capabilities)) ||
	    field_set(config, "process.capabilities.effective", field_texts(capabilities)) ||
	    field_set(config, "process.capabilities.permitted", field_texts(capabilities)))
		return -1;
	return field_set(config, "process.noNewPrivileges", json_false());
}

static int add_root(json_t *config, const char *rootfs)
{
	char *path cleanup_free = realpath(rootfs, NULL);
	struct stat root;

	if (!path || stat(path, &root))
		return fail_errno("%s", rootfs);
	if (!S_ISDIR(root.st_mode))
		return fail("%s: not a directory", rootfs);
	return field_set(config, "root.path", field_text(path));
}

static int add_mount(json_t *array, const struct default_mount *mount)
{
	json_t *entry = json_object();

	if (!field_set(entry, "destination", field_text(mount->destination)) &&
	    !field_set(entry, "type", field_text(mount->type)) &&
	    !field_set(entry, "source", field_text(mount->source)) &&
	    !field_set(entry, "options", field_texts(mount->options)))
		return field_append(array, entry);
	json_decref(entry);
	return -1;
}

static int add_mounts(json_t *config)
{
	json_t *array = json_array();

	if (field_set(config, "mounts", array))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		if (add_mount(array, &mounts[i]))
			return -1;
	return 0;
}

static int add_namespaces(json_t *config)
{
	json_t *array = json_array();

	if (field_set(config, "linux.namespaces", array))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (field_append(array, json_pack("{s:s}", "type", namespaces[i])))
			return -1;
	return 0;
}

static int add_linux(json_t *config)
{
	if (add_namespaces(config) ||
	    field_set(config, "linux.resources.devices",
		      json_pack("[{s:b, s:s}]", "allow", 0, "access", "rwm")) ||
	    field_set(config, "linux.maskedPaths", field_texts(masked_paths)))
		return -1;
	return field_set(config, "linux.readonlyPaths", field_texts(readonly_paths));
}

json_t *config_make(const char *rootfs)
{
	json_t *config = json_object();

	if (!field_set(config, "ociVersion", field_text(CONFIG_OCI_VERSION)) &&
	    !add_process(config) &&
	    !add_root(config, rootfs) && !add_mounts(config) && !add_linux(config))
		return config;
	json_decref(config);
	return NULL;
}
