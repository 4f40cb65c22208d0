// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead kill */
#include "command.h"
#include "error.h"
#include "netlink.h"
#include "part.h"

#include <limits.h>
#include <unistd.h>

/* Adds what was killed to @killed. */
static int kill_one(struct netlink *netlink, const char *id_or_name, json_t *killed)
{
	struct part part;
	json_t *object;

	if (netlink_find(netlink, id_or_name, &part))
		return -1;
	if (netlink_kill(netlink, part.id))
		return error_prefix("%s", id_or_name);
	object = json_object();
	json_object_set_new(object, "id", json_integer(part.id));
	if (part.name[0])
		json_object_set_new(object, "name", json_string(part.name));
	json_array_append_new(killed, object);
	return 0;
}

int cmd_kill(const struct command *command, int argc, char **argv)
{
	struct netlink *netlink cleanup_netlink = NULL;
	json_t *killed;
	int status;
	bool json;

	if (!command_parse(command, argc, argv, 1, INT_MAX, &json, &status))
		return status;
	netlink = netlink_open();
	if (!netlink) {
		error_print();
		return STATUS_FAILURE;
	}
	status = 0;
	killed = json_array();
	for (int i = optind; i < argc; i++) {
		if (kill_one(netlink, argv[i], killed)) {
			error_print();
			status = STATUS_FAILURE;
		}
	}
	if (!json) {
		json_decref(killed);
	} else if (part_print_json(killed, JSON_INDENT(2))) {
		error_print();
		status = STATUS_FAILURE;
	}
	return status;
}
