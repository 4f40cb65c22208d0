// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead logs */
#include "cleanup.h"
#include "command.h"
#include "console.h"
#include "error.h"
#include "netlink.h"
#include "part.h"
#include "partition.h"
#include "utf8.h"

#include <stdio.h>
#include <unistd.h>

static int print_json(const struct part *part, const char *text, size_t length, uint64_t lost)
{
	char *valid cleanup_free = utf8_sanitize(text, length);
	json_t *object;

	if (!valid)
		return fail_errno("can't print JSON");
	object = json_object();
	json_object_set_new(object, "id", json_integer(part->id));
	if (part->name[0])
		json_object_set_new(object, "name", json_string(part->name));
	json_object_set_new(object, "text", json_string(valid));
	json_object_set_new(object, "lost", json_integer(lost));
	return part_print_json(object, JSON_INDENT(2));
}

static int logs(const char *id_or_name, bool json)
{
	char *text cleanup_free = NULL;
	struct netlink *netlink cleanup_netlink = netlink_open();
	struct part part;
	uint64_t lost;
	size_t length;
	int console;

	if (!netlink || netlink_find(netlink, id_or_name, &part))
		return -1;
	console = partition_open_console(part.id);
	if (console < 0)
		return -1;
	text = console_read_all(console, &length, &lost);
	close(console);
	if (!text)
		return -1;
	if (json)
		return print_json(&part, text, length, lost);
	fwrite(text, 1, length, stdout);
	if (lost)
		warn("%s: the first %lu bytes of its text are no longer kept", id_or_name,
		     lost);
	return 0;
}

int cmd_logs(const struct command *command, int argc, char **argv)
{
	int status;
	bool json;

	if (!command_parse(command, argc, argv, 1, 1, &json, &status))
		return status;
	if (!logs(argv[optind], json))
		return 0;
	error_print();
	return STATUS_FAILURE;
}
