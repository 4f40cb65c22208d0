// SPDX-License-Identifier: GPL-2.0-only
#include "oci/support.h"
#include "oci/field.h"
#include "oci/mount.h"
#include "base/error.h"
#include "util.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define LEAVE_OUT	"leave it out"
#define NO_DEVICES	"the host's devices aren't in a partition"
#define NO_LISTENER	"a listener on the host can't be reached from a partition"
#define NO_SELINUX	"a partition has no SELinux"
#define NOT_MAPPED	"ids aren't mapped on the way into a partition"
#define NOT_SHARED	"mounts in a partition can't show on the host"

/* Fields that have to be missing or empty. */
static const struct {
	const char *path;
	json_type type;
	const char *why;
} refused_fields[] = {
	{ "process.selinuxLabel", JSON_STRING, NO_SELINUX },
	{ "linux.mountLabel", JSON_STRING, NO_SELINUX },
	{ "linux.seccomp.listenerPath", JSON_STRING, NO_LISTENER },
	{ "linux.netDevices", JSON_OBJECT, NO_DEVICES },
	{ "linux.resources.rdma", JSON_OBJECT, NO_DEVICES },
	{ "linux.resources.network.classID", JSON_INTEGER,
	  "the host doesn't see a partition's packets by container" },
	{ "linux.resources.network.priorities", JSON_ARRAY,
	  "the host's interfaces aren't in a partition" },
	{ "linux.resources.blockIO.weightDevice", JSON_ARRAY, NO_DEVICES },
	{ "linux.resources.blockIO.throttleReadBpsDevice", JSON_ARRAY, NO_DEVICES },
	{ "linux.resources.blockIO.throttleWriteBpsDevice", JSON_ARRAY, NO_DEVICES },
	{ "linux.resources.blockIO.throttleReadIOPSDevice", JSON_ARRAY, NO_DEVICES },
	{ "linux.resources.blockIO.throttleWriteIOPSDevice", JSON_ARRAY, NO_DEVICES },
};

/* Names in objects whose names have dots, with the same meaning as fields above. */
static const struct {
	const char *path;
	const char *name;
	const char *why;
} refused_names[] = {
	{ "linux.resources.unified", "io.max", NO_DEVICES },
	{ "linux.resources.unified", "io.latency", NO_DEVICES },
	{ "linux.resources.unified", "rdma.max", NO_DEVICES },
	{ "annotations", "run.oci.seccomp.receiver", NO_LISTENER },
};

static const char *const needed_namespaces[] = { "pid", "ipc", "uts", "mount", "network" };

/* What crun makes in any container, by the kernel's numbers. */
static const struct {
	json_int_t major;
	json_int_t minor;
} devices[] = {
	{ 1, 3 },	/* null */
	{ 1, 5 },	/* zero */
	{ 1, 7 },	/* full */
	{ 1, 8 },	/* random */
	{ 1, 9 },	/* urandom */
	{ 5, 0 },	/* tty */
	{ 5, 1 },	/* console */
	{ 5, 2 },	/* ptmx */
};

static const char *const mount_types[] = {
	"bind", "proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "ramfs",
	"hugetlbfs",
};

static bool is_mount_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(mount_types); i++)
		if (!strcmp(mount_types[i], type))
			return true;
	return false;
}

/* The end of each error here: error_prefix() says what is refused. */
static int refuse(const char *why, const char *remedy)
{
	return fail("%s; %s, or use --isolation=process", why, remedy);
}

static bool is_empty(const json_t *value)
{
	return (json_is_string(value) && !json_string_length(value)) ||
	       (json_is_array(value) && !json_array_size(value)) ||
	       (json_is_object(value) && !json_object_size(value));
}

static int check_fields(const json_t *config)
{
	json_t *value;

	for (size_t i = 0; i < ARRAY_SIZE(refused_fields); i++) {
		const char *path = refused_fields[i].path;

		if (field_find(config, path, refused_fields[i].type, &value))
			return -1;
		if (!value || is_empty(value))
			continue;
		refuse(refused_fields[i].why, LEAVE_OUT);
		return error_prefix("%s", path);
	}
	/* Empty, it still asks for a group of the host's. */
	if (field_find(config, "linux.intelRdt", JSON_OBJECT, &value))
		return -1;
	if (!value)
		return 0;
	refuse("the host's caches aren't a partition's", LEAVE_OUT);
	return error_prefix("linux.intelRdt");
}

static int check_names(const json_t *config)
{
	json_t *object;

	for (size_t i = 0; i < ARRAY_SIZE(refused_names); i++) {
		if (field_find(config, refused_names[i].path, JSON_OBJECT, &object))
			return -1;
		if (!json_object_get(object, refused_names[i].name))
			continue;
		refuse(refused_names[i].why, LEAVE_OUT);
		return error_prefix("%s: %s", refused_names[i].path, refused_names[i].name);
	}
	return 0;
}

/*
 * What engines give to every container, to keep it from the host's files: which a partition's
 * kernel hasn't.
 */
static bool is_default_profile(const char *profile)
{
	static const char *const prefixes[] = {
		"containers-default-", "cri-containerd.apparmor.d", "crio-default",
		"docker-default",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(profile, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static int check_apparmor(const json_t *config)
{
	const char *profile;

	if (field_find_text(config, "process.apparmorProfile", &profile))
		return -1;
	if (!profile || !*profile || !strcmp(profile, "unconfined") ||
	    is_default_profile(profile))
		return 0;
	refuse("a partition has no AppArmor", "use \"unconfined\"");
	return error_prefix("process.apparmorProfile: %s", profile);
}

static bool is_shared(const char *propagation)
{
	return !strcmp(propagation, "shared") || !strcmp(propagation, "rshared");
}

static int check_propagation(const json_t *config)
{
	const char *propagation;

	if (field_find_text(config, "linux.rootfsPropagation", &propagation))
		return -1;
	if (!propagation || !is_shared(propagation))
		return 0;
	refuse(NOT_SHARED, "use \"private\"");
	return error_prefix("linux.rootfsPropagation: %s", propagation);
}

/*
 * CRI-O makes these for a pod before the pod's first container, which a partition makes for itself.
 * Where the pod is to share the host's, the path is of that one.
 */
static bool is_made_for_pod(const json_t *config, const char *type, const char *path)
{
	json_t *annotations = json_object_get(config, "annotations");
	const char *kind = json_string_value(json_object_get(annotations,
							     "io.kubernetes.cri-o.ContainerType"));
	const char *own = !strcmp(type, "ipc") ? "/proc/self/ns/ipc" :
			  !strcmp(type, "uts") ? "/proc/self/ns/uts" : NULL;
	struct stat made, host;

	return kind && !strcmp(kind, "sandbox") && own && !stat(path, &made) &&
	       !stat(own, &host) && made.st_dev == host.st_dev && made.st_ino != host.st_ino;
}

static int check_namespace(const json_t *config, const json_t *entry, const json_t *joins,
			   const char **type)
{
	const char *path;

	if (!json_is_object(entry))
		return fail("not an object");
	if (field_find_text(entry, "type", type) || field_find_text(entry, "path", &path))
		return -1;
	if (!*type)
		return fail("type: missing");
	/* The one that it takes the place of. */
	if (!path || !strcmp(*type, "network") || json_object_get(joins, *type) ||
	    is_made_for_pod(config, *type, path))
		return 0;
	refuse("neither of a container in a partition, nor one that it can share",
	       "leave its path out");
	return error_prefix("%s: %s", *type, path);
}

static int check_namespaces(const json_t *config, const json_t *joins)
{
	bool found[ARRAY_SIZE(needed_namespaces)] = {};
	json_t *array, *entry;
	const char *type;
	size_t i;

	if (field_find(config, "linux.namespaces", JSON_ARRAY, &array))
		return -1;
	json_array_foreach(array, i, entry) {
		if (check_namespace(config, entry, joins, &type))
			return error_prefix("linux.namespaces");
		for (size_t j = 0; j < ARRAY_SIZE(needed_namespaces); j++)
			found[j] |= !strcmp(type, needed_namespaces[j]);
	}
	for (i = 0; i < ARRAY_SIZE(needed_namespaces); i++) {
		if (found[i])
			continue;
		refuse("missing, and a partition can't share the host's", "add it");
		return error_prefix("linux.namespaces: %s", needed_namespaces[i]);
	}
	return 0;
}

static bool is_in_partition(json_int_t major, json_int_t minor)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].major == major && devices[i].minor == minor)
			return true;
	return false;
}

static int check_device(const json_t *device)
{
	json_int_t major = -1, minor = -1;
	const char *path, *type;

	if (!json_is_object(device))
		return fail("not an object");
	if (field_find_text(device, "path", &path) || field_find_text(device, "type", &type) ||
	    field_find_integer(device, "major", -1, UINT32_MAX, &major) ||
	    field_find_integer(device, "minor", -1, UINT32_MAX, &minor))
		return -1;
	if (!path || !type)
		return fail("%s: missing", path ? "type" : "path");
	if ((!strcmp(type, "c") || !strcmp(type, "u")) && is_in_partition(major, minor))
		return 0;
	refuse(NO_DEVICES, LEAVE_OUT);
	return error_prefix("%s (%s %lld:%lld)", path, type, major, minor);
}

static int check_devices(const json_t *config)
{
	json_t *array, *device;
	size_t i;

	if (field_find(config, "linux.devices", JSON_ARRAY, &array))
		return -1;
	json_array_foreach(array, i, device)
		if (check_device(device))
			return error_prefix("linux.devices");
	return 0;
}

static int check_option(const char *option)
{
	if (is_shared(option))
		refuse(NOT_SHARED, "use \"rprivate\"");
	else if (!strncmp(option, "idmap", strlen("idmap")) ||
		 !strncmp(option, "ridmap", strlen("ridmap")))
		refuse(NOT_MAPPED, LEAVE_OUT);
	else
		return 0;
	return error_prefix("%s", option);
}

static int check_mappings(const json_t *mount, const char *field)
{
	json_t *mappings;

	if (field_find(mount, field, JSON_ARRAY, &mappings))
		return -1;
	if (!json_array_size(mappings))
		return 0;
	refuse(NOT_MAPPED, LEAVE_OUT);
	return error_prefix("%s", field);
}

static int check_mount(const json_t *mount, const struct mount_traits *traits)
{
	json_t *option;
	size_t i;

	/* What is bound may say any type: "none" is usual. */
	if (!traits->is_bind && !is_mount_type(traits->type)) {
		refuse("not mounted in a partition", "mount it on the host and bind it");
		return error_prefix("type \"%s\"", traits->type);
	}
	json_array_foreach(traits->options, i, option)
		if (check_option(json_string_value(option)))
			return -1;
	return check_mappings(mount, "uidMappings") ?: check_mappings(mount, "gidMappings");
}

static int check_mounts(const json_t *config)
{
	struct mount_traits traits;
	json_t *array, *mount;
	size_t i;

	if (field_find(config, "mounts", JSON_ARRAY, &array))
		return -1;
	json_array_foreach(array, i, mount) {
		if (mount_inspect(mount, &traits))
			return error_prefix("mounts[%zu]", i);
		if (check_mount(mount, &traits))
			return error_prefix("mounts: %s", traits.destination);
	}
	return 0;
}

int support_check(const json_t *config, const json_t *joins)
{
	if (check_namespaces(config, joins) || check_fields(config) || check_names(config) ||
	    check_apparmor(config) || check_propagation(config) || check_devices(config))
		return -1;
	return check_mounts(config);
}
