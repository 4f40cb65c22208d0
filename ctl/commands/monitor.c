// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead monitor */
#include "base/error.h"
#include "base/size.h"
#include "base/status.h"
#include "commands/command.h"
#include "control/netlink.h"
#include "control/part.h"

#include <linux/virtio_ids.h>
#include <stdio.h>

static const char *event_name(unsigned int command)
{
	switch (command) {
	case BULKHEAD_CMD_PART_CREATED:
		return "created";
	case BULKHEAD_CMD_PART_RUNNING:
		return "running";
	case BULKHEAD_CMD_PART_STOPPED:
		return "stopped";
	case BULKHEAD_CMD_PART_CHANGED:
		return "changed";
	case BULKHEAD_CMD_PART_DEVICE_FAILED:
		return "device-failed";
	case BULKHEAD_CMD_PART_DEVICE_CHANGED:
		return "device-changed";
	default:
		return "unknown";
	}
}

/* Ends the monitor when nobody can read it any more. */
static int flush(void)
{
	return fflush(stdout) ? fail_errno("standard output") : 0;
}

static int print_json(unsigned int command, const struct part *part)
{
	json_t *object = part_to_json(part);

	json_object_set_new(object, "event", json_string(event_name(command)));
	if (part_print_json(object, JSON_COMPACT))
		return -1;
	return flush();
}

static void print_failed(const struct part *part)
{
	for (unsigned int i = 0; i < part->n_devices; i++)
		if (part->devices[i].failed)
			printf(", device %u, %s", part->devices[i].slot,
			       part_device_name(part->devices[i].type));
}

static void print_links(const struct part *part)
{
	for (unsigned int i = 0; i < part->n_devices; i++)
		if (part->devices[i].type == VIRTIO_ID_NET)
			printf(", device %u, link %s", part->devices[i].slot,
			       part->devices[i].link_down ? "down" : "up");
}

static int print_line(unsigned int command, const struct part *part)
{
	char target[SIZE_TEXT], actual[SIZE_TEXT], name[PART_SHORT_NAME];

	printf("%s %u", event_name(command), part->id);
	if (part->name[0])
		printf(" %s", part_short_name(part->name, name));
	if (command == BULKHEAD_CMD_PART_CHANGED)
		printf(", memory target %s, actual %s", size_format(part->memory_target, target),
		       size_format(part->memory_actual, actual));
	if (command == BULKHEAD_CMD_PART_DEVICE_FAILED)
		print_failed(part);
	if (command == BULKHEAD_CMD_PART_DEVICE_CHANGED)
		print_links(part);
	if (part->has_reason)
		printf(", reason %s", part_reason_name(part->reason));
	if (part->has_exit_status)
		printf(", exit status %u", part->exit_status);
	putchar('\n');
	return flush();
}

int cmd_monitor(const struct command *command, int argc, char **argv)
{
	struct netlink *netlink cleanup_netlink = NULL;
	bool json;
	int result = command_parse(command, argc, argv, 0, 0, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	netlink = netlink_open();
	result = netlink ? netlink_monitor(netlink, json ? print_json : print_line) : -1;
	return command_end(command, result, STATUS_FAILURE);
}
