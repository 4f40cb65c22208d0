// SPDX-License-Identifier: GPL-2.0-only
/* https://www.cni.dev/docs/spec/, section 1 */
#include "net/conflist.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "oci/field.h"
#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX		".conflist"

/* Those with the form of result that cni.c reads. */
static const char *const versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };

/*
 * Addresses in ranges that nobody else has by default. They are leased below /run, where a reboot
 * ends leases as it ends containers.
 */
static json_t *make_default(void)
{
	json_t *ranges = json_pack("[[{s:s}]]", "subnet", "10.137.71.0/24");
	json_t *bridge, *list;

	/* A host may have been booted without IPv6. */
	if (!access("/proc/net/if_inet6", F_OK))
		json_array_append_new(ranges, json_pack("[{s:s}]", "subnet",
							"fd5b:6b84:6ead:1::/64"));
	bridge = json_pack("{s:s, s:s, s:b, s:b, s:b, s:{s:s, s:s, s:o}}", "type", "bridge",
			   "bridge", "bulkhead0", "isDefaultGateway", 1, "ipMasq", 1,
			   "hairpinMode", 1, "ipam", "type", "host-local", "dataDir",
			   "/run/cni/networks", "ranges", ranges);
	list = json_pack("{s:s, s:s, s:[o, {s:s, s:s}, {s:s, s:{s:b}}]}", "cniVersion", "1.0.0",
			 "name", CONFLIST_DEFAULT, "plugins", bridge,
			 "type", "firewall", "ingressPolicy", "same-bridge",
			 "type", "portmap", "capabilities", "portMappings", 1);
	if (!list)
		fail("out of memory");
	return list;
}

static int check_plugin(const json_t *plugin)
{
	json_t *capabilities;
	const char *type;

	if (!json_is_object(plugin))
		return fail("not an object");
	if (field_find_text(plugin, "type", &type) ||
	    field_find(plugin, "capabilities", JSON_OBJECT, &capabilities))
		return -1;
	if (!type)
		return fail("type: missing");
	/* It is a program's name. */
	return *type && !strchr(type, '/') ? 0 : fail("type: %s: not a plugin's name", type);
}

static int check_list(const json_t *list)
{
	json_t *version, *plugins, *plugin;
	bool known = false;
	size_t i;

	if (field_need(list, "cniVersion", JSON_STRING, &version) ||
	    field_need(list, "plugins", JSON_ARRAY, &plugins))
		return -1;
	for (i = 0; i < ARRAY_SIZE(versions); i++)
		known |= !strcmp(json_string_value(version), versions[i]);
	if (!known)
		return fail("cniVersion: %s: unknown; this is for 0.3.0 to 1.1.0",
			    json_string_value(version));
	if (!json_array_size(plugins))
		return fail("plugins: empty");
	json_array_foreach(plugins, i, plugin)
		if (check_plugin(plugin))
			return error_prefix("plugins[%zu]", i);
	return 0;
}

/* Returns a new object, or NULL: with an error in *@result, or if the file's list is another. */
static json_t *read_list(const char *path, const char *name, int *result)
{
	json_error_t error;
	json_t *list = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	const char *own = json_string_value(json_object_get(list, "name"));

	/* It may be that of another network. */
	if (!list)
		warn("%s:%d: %s", path, error.line, error.text);
	if (!own || strcmp(own, name)) {
		json_decref(list);
		return NULL;
	}
	if (!check_list(list))
		return list;
	*result = error_prefix("%s", path);
	json_decref(list);
	return NULL;
}

static int is_list(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, SUFFIX);
}

json_t *conflist_find(const char *directory, const char *name)
{
	struct dirent **entries = NULL;
	int n = scandir(directory, &entries, is_list, alphasort);
	json_t *list = NULL;
	int result = 0;

	if (n < 0 && errno != ENOENT) {
		fail_errno("%s", directory);
		return NULL;
	}
	for (int i = 0; i < n; i++) {
		char *path cleanup_free = NULL;

		if (!list && !result && asprintf(&path, "%s/%s", directory,
						 entries[i]->d_name) >= 0)
			list = read_list(path, name, &result);
		free(entries[i]);
	}
	free(entries);
	if (list || result)
		return list;
	if (!strcmp(name, CONFLIST_DEFAULT))
		return make_default();
	fail("%s: no such network; %s/*" SUFFIX " have none of that name", name, directory);
	return NULL;
}

bool conflist_can(const json_t *list, const char *capability)
{
	json_t *plugin;
	size_t i;

	json_array_foreach(json_object_get(list, "plugins"), i, plugin) {
		json_t *own = json_object_get(plugin, "capabilities");

		if (json_is_true(json_object_get(own, capability)))
			return true;
	}
	return false;
}
