// SPDX-License-Identifier: GPL-2.0-only
#include "commands/each.h"
#include "base/error.h"
#include "base/status.h"
#include "control/part.h"
#include "runtime/crun.h"

#include <limits.h>
#include <unistd.h>

/* Adds the partition to @done if it worked. */
static int act_on(struct netlink *netlink, const char *id_or_name,
		  int (*act)(struct netlink *netlink, uint32_t id), json_t *done)
{
	struct part part;
	json_t *object;

	if (netlink_find(netlink, id_or_name, &part))
		return -1;
	if (act(netlink, part.id))
		return error_prefix("%s", id_or_name);
	object = json_object();
	json_object_set_new(object, "id", json_integer(part.id));
	if (part.name[0])
		json_object_set_new(object, "name", json_string(part.name));
	json_array_append_new(done, object);
	return 0;
}

/* Releases @done. */
static int print_done(json_t *done, bool json)
{
	if (!json) {
		json_decref(done);
		return 0;
	}
	if (!part_print_json(done, JSON_INDENT(2)))
		return 0;
	error_print();
	return -1;
}

int each_partition(const struct command *command, int argc, char **argv,
		   int (*act)(struct netlink *netlink, uint32_t id))
{
	struct netlink *netlink cleanup_netlink = NULL;
	json_t *done;
	bool json;
	int status = command_parse(command, argc, argv, 1, INT_MAX, &json);

	if (status)
		return command_end(command, status, STATUS_USAGE);
	netlink = netlink_open();
	if (!netlink)
		return command_end(command, -1, STATUS_FAILURE);
	done = json_array();
	for (int i = optind; i < argc; i++) {
		if (act_on(netlink, argv[i], act, done)) {
			error_print();
			status = STATUS_FAILURE;
		}
	}
	return print_done(done, json) ? STATUS_FAILURE : status;
}

int each_named(int argc, char **argv, bool json, int (*act)(const char *name))
{
	json_t *done = json_array();
	int status = 0;

	for (int i = optind; i < argc; i++) {
		if (act(argv[i])) {
			error_print();
			status = STATUS_FAILURE;
		} else {
			json_array_append_new(done, json_pack("{s:s}", "name", argv[i]));
		}
	}
	return print_done(done, json) ? STATUS_FAILURE : status;
}

int each_container(const struct command *command, int argc, char **argv,
		   int (*act)(const char *container))
{
	bool json;
	int result = command_parse(command, argc, argv, 1, INT_MAX, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	result = crun_take_over(argv[optind]) ?: each_named(argc, argv, json, act);
	return command_end(command, result, STATUS_FAILURE);
}
