// SPDX-License-Identifier: GPL-2.0-only
#include "oci/guest.h"
#include "oci/field.h"
#include "oci/mount.h"
#include "oci/namespaces.h"
#include "oci/support.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "protocol.h"
#include "util.h"

#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The groups of who calls the runtime are to be the container's, as podman says it. */
#define KEEP_GROUPS	"run.oci.keep_original_groups"

/* Done by the host, or, for security modules, empty: a name that says none is one all the same. */
static const char *const dropped[] = {
	"hooks.prestart", "hooks.createRuntime", "hooks.poststart", "hooks.poststop",
	"linux.resources.cpu.cpus", "linux.resources.cpu.mems",
	"process.apparmorProfile", "process.selinuxLabel", "linux.mountLabel",
};

void tree_release(struct tree *tree)
{
	free(tree->root.source);
	for (unsigned int i = 0; i < tree->n_volumes; i++)
		free(tree->volumes[i].source);
	free(tree->volumes);
	*tree = (struct tree){};
}

static int add_volume(struct tree *tree, const char *source, const struct mount_traits *traits)
{
	struct bind *grown = reallocarray(tree->volumes, tree->n_volumes + 1, sizeof(*grown));
	struct bind bind = {
		.source = strdup(source),
		.read_only = traits->read_only,
		.is_recursive = traits->is_recursive,
	};

	if (grown)
		tree->volumes = grown;
	if (!grown || !bind.source) {
		free(bind.source);
		return fail("out of memory");
	}
	tree->volumes[tree->n_volumes++] = bind;
	return 0;
}

static int redirect_bind(json_t *mount, const struct mount_traits *traits, struct tree *tree)
{
	const char *source;

	if (field_find_text(mount, "source", &source))
		return -1;
	if (!source || *source != '/')
		return fail("source: not an absolute path");
	if (add_volume(tree, source, traits))
		return -1;
	return field_set(mount, "source", json_sprintf(SHARE_VOLUMES "/%u", tree->number,
						       tree->n_volumes - 1));
}

/*
 * Memory that processes share has to be of their own kernel: what engines make on the host, and
 * bind to /dev/shm, is made anew in the guest.
 */
static bool is_shared_memory(const json_t *mount, const struct mount_traits *traits,
			     struct statfs *host)
{
	const char *source = json_string_value(json_object_get(mount, "source"));

	return traits->is_bind && !strcmp(traits->destination, "/dev/shm") && source &&
	       !statfs(source, host) && host->f_type == TMPFS_MAGIC;
}

static int replace_shared_memory(json_t *mount, const struct statfs *host, const json_t *joins)
{
	/* That of others is where their namespace of IPC is. */
	if (json_object_get(joins, "ipc"))
		return field_set(mount, "source", field_text(SHARED_MEMORY));
	return field_set(mount, "type", field_text("tmpfs")) ||
	       field_set(mount, "source", field_text("shm")) ||
	       field_set(mount, "options",
			 json_pack("[s, s, s, s, o]", "nosuid", "nodev", "noexec", "mode=1777",
				   json_sprintf("size=%llu", (unsigned long long)host->f_blocks *
						host->f_bsize))) ? -1 : 0;
}

static int redirect_mount(json_t *mount, struct tree *tree, const json_t *joins)
{
	struct mount_traits traits;
	struct statfs host;

	if (mount_inspect(mount, &traits))
		return -1;
	if (is_shared_memory(mount, &traits, &host))
		return replace_shared_memory(mount, &host, joins);
	return traits.is_bind ? redirect_bind(mount, &traits, tree) : 0;
}

static int redirect_mounts(json_t *config, struct tree *tree, const json_t *joins)
{
	json_t *mounts, *mount;
	size_t i;

	if (field_find(config, "mounts", JSON_ARRAY, &mounts))
		return -1;
	json_array_foreach(mounts, i, mount)
		if (redirect_mount(mount, tree, joins))
			return error_prefix("mounts[%zu]", i);
	return 0;
}

/*
 * The kernel lets a user namespace mount sysfs only if the network namespace is its own, too. The
 * partition's isn't: so the container gets one that is mounted already.
 */
static int replace_sysfs(json_t *config)
{
	json_t *user, *mounts, *mount, *options;
	const char *path;
	size_t i;

	if (namespaces_find(config, "user", &user, &path))
		return -1;
	if (!user)
		return 0;
	if (field_find(config, "mounts", JSON_ARRAY, &mounts))
		return -1;
	json_array_foreach(mounts, i, mount) {
		const char *type = json_string_value(json_object_get(mount, "type"));

		if (!type || strcmp(type, "sysfs"))
			continue;
		if (field_set(mount, "type", field_text("bind")) ||
		    field_set(mount, "source", field_text(NETWORK_SYSFS)) ||
		    field_make_array(mount, "options", &options) ||
		    field_append(options, field_text("bind")))
			return -1;
	}
	return 0;
}

/*
 * The partition is the network namespace. The entry stays, with the path of the one that crun is
 * in already, since crun allows a "net." sysctl only where such an entry is.
 */
static int join_network(json_t *config)
{
	json_t *entry;
	const char *path;

	if (namespaces_find(config, "network", &entry, &path))
		return -1;
	return field_set(entry, "path", field_text("/proc/self/ns/net"));
}

/* Namespaces of containers that are there already; what else has a path is the partition's own. */
static int join_others(json_t *config, const json_t *joins)
{
	json_t *namespaces, *entry;
	size_t i;

	if (field_find(config, "linux.namespaces", JSON_ARRAY, &namespaces))
		return -1;
	json_array_foreach(namespaces, i, entry) {
		const char *type = json_string_value(json_object_get(entry, "type"));
		const json_t *number = json_object_get(joins, type);

		if (!strcmp(type, "network"))
			continue;
		if (!number)
			field_delete(entry, "path");
		else if (field_set(entry, "path",
				   json_sprintf(NAMESPACES "/%s",
						(unsigned int)json_integer_value(number), type)))
			return -1;
	}
	return 0;
}

/* crun would keep the agent's groups, of which there are none: those of the host's, by number. */
static int keep_groups(json_t *config)
{
	gid_t *groups cleanup_free = NULL;
	json_t *annotations = json_object_get(config, "annotations");
	const char *keep = json_string_value(json_object_get(annotations, KEEP_GROUPS));
	int n = keep && strcmp(keep, "0") ? getgroups(0, NULL) : 0;
	json_t *array;

	if (!n)
		return 0;
	groups = calloc(n, sizeof(*groups));
	n = groups ? getgroups(n, groups) : -1;
	if (n < 0)
		return fail_errno("the groups of the caller");
	json_object_del(annotations, KEEP_GROUPS);
	array = json_array();
	for (int i = 0; i < n; i++)
		if (field_append(array, json_integer(groups[i]))) {
			json_decref(array);
			return -1;
		}
	return field_set(config, "process.user.additionalGids", array);
}

/* The processors and nodes of the host again, as files of its cgroup. */
static void drop_cpuset(json_t *config)
{
	json_t *unified, *value;
	const char *name;
	void *next;

	if (field_find(config, "linux.resources.unified", JSON_OBJECT, &unified))
		return;
	json_object_foreach_safe(unified, next, name, value)
		if (!strncmp(name, "cpuset.", strlen("cpuset.")))
			json_object_del(unified, name);
}

static int convert(json_t *config, struct tree *tree, const json_t *joins)
{
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		field_delete(config, dropped[i]);
	drop_cpuset(config);
	if (keep_groups(config) || join_network(config) || redirect_mounts(config, tree, joins) ||
	    replace_sysfs(config) ||
	    field_set(config, "root.path", json_sprintf(SHARE_ROOT, tree->number)))
		return -1;
	return field_set(config, "linux.cgroupsPath",
			 json_sprintf("/container.%u", tree->number));
}

/* The config's own root, before it becomes the guest's. */
static int add_root(const json_t *config, struct tree *tree)
{
	const char *root;

	if (field_find_text(config, "root.path", &root))
		return -1;
	tree->root = (struct bind){ .source = strdup(root ?: ""), .is_recursive = true };
	return tree->root.source ? 0 : fail("out of memory");
}

/* The number of a disk as Linux has it in its name: a to z, then aa and so on. */
static void disk_letters(unsigned int i, char letters[8])
{
	char *end = letters + 7;

	*end = 0;
	for (i++; i; i = (i - 1) / 26)
		*--end = 'a' + (i - 1) % 26;
	memmove(letters, end, strlen(end) + 1);
}

/* Its number among devices is known to the guest alone: so its node is bound, not made. */
static int add_disk(json_t *mounts, unsigned int i)
{
	char letters[8], path[16];

	disk_letters(i, letters);
	snprintf(path, sizeof(path), "/dev/vd%s", letters);
	return field_append(mounts, json_pack("{s:s, s:s, s:s, s:[s]}", "destination", path,
					      "source", path, "type", "bind", "options", "bind"));
}

int guest_add_disks(json_t *config, unsigned int n)
{
	json_t *mounts, *devices;

	if (!n)
		return 0;
	if (field_make_array(config, "mounts", &mounts) ||
	    field_make_array(config, "linux.resources.devices", &devices))
		return -1;
	for (unsigned int i = 0; i < n; i++)
		if (add_disk(mounts, i))
			return -1;
	/* The guest has no other block devices than the disks that were given to it. */
	return field_append(devices, json_pack("{s:b, s:s, s:s}", "allow", 1, "type", "b",
					       "access", "rwm"));
}

int guest_add_notify(json_t *config, const char *socket)
{
	json_t *mounts, *env;

	if (field_make_array(config, "mounts", &mounts) ||
	    field_make_array(config, "process.env", &env) ||
	    field_append(env, json_sprintf("NOTIFY_SOCKET=%s/notify", socket)))
		return -1;
	return field_append(mounts, json_pack("{s:s, s:s, s:s, s:[s]}", "destination", socket,
					      "source", NOTIFY_DIR, "type", "bind", "options",
					      "bind"));
}

json_t *guest_config(const json_t *config, unsigned int number, const json_t *joins,
		     struct tree *tree)
{
	json_t *copy;

	*tree = (struct tree){ .number = number };
	if (support_check(config, joins))
		return NULL;
	copy = json_deep_copy(config);
	if (!copy) {
		fail("out of memory");
		return NULL;
	}
	if (!add_root(config, tree) && !convert(copy, tree, joins) && !join_others(copy, joins))
		return copy;
	tree_release(tree);
	json_decref(copy);
	return NULL;
}
