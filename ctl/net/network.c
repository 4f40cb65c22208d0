// SPDX-License-Identifier: GPL-2.0-only
#include "net/network.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "net/cni.h"
#include "net/conflist.h"
#include "net/names.h"
#include "net/namespace.h"
#include "net/publish.h"
#include "oci/field.h"
#include "oci/mount.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files of the container's directory. */
#define RECORD		"network"
#define NAMESPACE	"netns"

static void path_of(char path[PATH_MAX], const char *directory, const char *file)
{
	snprintf(path, PATH_MAX, "%s/%s", directory, file);
}

static int add_ports(struct network *network, const char *const *ports)
{
	network->ports = json_array();
	for (; ports && *ports; ports++)
		if (field_append(network->ports, publish_parse(*ports)))
			return error_prefix("--publish");
	return 0;
}

int network_choose(struct network *network, const char *name, const char *const *ports)
{
	if (add_ports(network, ports))
		return -1;
	network->list = conflist_find(CONFLIST_DIRECTORY, name ?: CONFLIST_DEFAULT);
	if (!network->list)
		return error_prefix("--net");
	if (json_array_size(network->ports) && !conflist_can(network->list, "portMappings"))
		return fail("--publish: no plugin of the network can; add portmap to its list");
	return 0;
}

/*
 * By a mount, it has a path as long as it takes to undo the connection, whoever is killed
 * meanwhile. And one can enter it to look at it.
 */
static int mount_namespace(int namespace, const char *directory, char path[PATH_MAX])
{
	int fd cleanup_close = -1;
	char source[64];

	path_of(path, directory, NAMESPACE);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", namespace);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	if (fd < 0 || mount(source, path, NULL, MS_BIND, NULL))
		return fail_errno("%s", path);
	return 0;
}

/* In one step: whoever reads it, reads one of two whole files. */
static int keep(const json_t *connection, void *data)
{
	char path[PATH_MAX], temporary[PATH_MAX];

	path_of(path, data, RECORD);
	path_of(temporary, data, RECORD ".new");
	if (json_dump_file(connection, temporary, JSON_COMPACT) || rename(temporary, path))
		return fail_errno("%s", path);
	return 0;
}

static bool has_mount(const json_t *config, const char *destination)
{
	json_t *mounts = json_object_get(config, "mounts"), *mount;
	size_t i;

	json_array_foreach(mounts, i, mount) {
		struct mount_traits traits;

		if (!mount_inspect(mount, &traits) && !strcmp(traits.destination, destination))
			return true;
	}
	return false;
}

static int add_mount(json_t *config, const char *source, const char *destination)
{
	json_t *mounts;

	if (field_make_array(config, "mounts", &mounts))
		return -1;
	return field_append(mounts, json_pack("{s:s, s:s, s:s, s:[s,s,s]}", "destination",
					      destination, "type", "bind", "source", source,
					      "options", "bind", "rprivate", "rw"));
}

static void write_hosts(FILE *file, const json_t *result, const json_t *config)
{
	const char *hostname = json_string_value(json_object_get(config, "hostname"));

	names_write_hosts(file, result, hostname ?: "localhost");
}

static void write_resolver(FILE *file, const json_t *result, const json_t *config)
{
	(void)config;
	names_write_resolver(file, result, names_host_resolver());
}

static const struct {
	const char *name;
	const char *destination;
	void (*write)(FILE *file, const json_t *result, const json_t *config);
} files[] = {
	{ "hosts", "/etc/hosts", write_hosts },
	{ "resolv.conf", "/etc/resolv.conf", write_resolver },
};

static int add_files(const json_t *result, const char *directory, json_t *config)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[PATH_MAX];
		FILE *file;

		if (has_mount(config, files[i].destination))
			continue;
		path_of(path, directory, files[i].name);
		file = fopen(path, "we");
		if (!file)
			return fail_errno("%s", path);
		files[i].write(file, result, config);
		if (fchmod(fileno(file), 0644) || fclose(file))
			return fail_errno("%s", path);
		if (add_mount(config, path, files[i].destination))
			return -1;
	}
	return 0;
}

static int connect_namespace(json_t *connection, int namespace, const char *directory,
			     json_t *config)
{
	json_t *list = json_object_get(connection, "list");
	char path[PATH_MAX];

	if (mount_namespace(namespace, directory, path) ||
	    cni_add(connection, path, keep, (void *)directory))
		return error_prefix("network %s", json_string_value(json_object_get(list, "name")));
	return add_files(json_object_get(connection, "result"), directory, config);
}

int network_enter(const struct network *network, int namespace, const char *directory,
		  const char *id, json_t *config)
{
	json_t *connection;
	int result;

	if (!network->list)
		return 0;
	if (publish_reserve(network->ports))
		return error_prefix("--publish");
	connection = cni_make(id, network->list, network->ports);
	if (!connection)
		return -1;
	result = connect_namespace(connection, namespace, directory, config);
	json_decref(connection);
	return result;
}

static bool is_namespace(const char *path)
{
	int fd = namespace_open(path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void network_leave(const char *directory)
{
	char path[PATH_MAX], namespace[PATH_MAX];
	json_t *connection;

	path_of(path, directory, RECORD);
	path_of(namespace, directory, NAMESPACE);
	connection = json_load_file(path, 0, NULL);
	/* A mount in a mount namespace that is gone is gone, too. */
	if (connection)
		cni_delete(connection, is_namespace(namespace) ? namespace : NULL);
	json_decref(connection);
	umount2(namespace, MNT_DETACH);
	unlink(path);
}
