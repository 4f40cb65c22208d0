// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead list, bulkhead show */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/size.h"
#include "base/status.h"
#include "client/client.h"
#include "commands/command.h"
#include "commands/interfaces.h"
#include "control/netlink.h"
#include "control/part.h"
#include "runner/directory.h"
#include "runtime/globals.h"
#include "runtime/report.h"

#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OWNER_TEXT	33

static const char *owner_text(uint32_t owner, char text[OWNER_TEXT])
{
	const struct passwd *user = getpwuid(owner);

	if (user)
		snprintf(text, OWNER_TEXT, "%s", user->pw_name);
	else
		snprintf(text, OWNER_TEXT, "%u", owner);
	return text;
}

static void print_table(const struct part *parts, size_t n)
{
	char state[PART_STATE_TEXT], owner[OWNER_TEXT], memory[SIZE_TEXT];
	char uptime[PART_UPTIME_TEXT], name[PART_SHORT_NAME];

	printf("%-6s %-20s %-22s %-10s %-8s %-7s %-5s %s\n", "ID", "NAME", "STATE", "OWNER",
	       "RUNNER", "MEMORY", "VCPUS", "UPTIME");
	for (size_t i = 0; i < n; i++) {
		const struct part *part = &parts[i];

		printf("%-6u %-20s %-22s %-10s %-8u %-7s %-5u %s\n",
		       part->id, part_short_name(part->name, name), part_state_text(part, state),
		       owner_text(part->owner, owner), part->runner,
		       size_format(part->memory, memory), part->vcpus,
		       part_uptime_text(part->uptime, uptime));
	}
}

/* Those in process isolation, or in another's partition: the kernel knows of none of theirs. */
struct others {
	const struct part *parts;
	size_t n;
	json_t *array;		/* NULL for a table */
};

static bool has_partition(const struct others *others, const char *name)
{
	for (size_t i = 0; i < others->n; i++)
		if (!strcmp(others->parts[i].name, name))
			return true;
	return false;
}

static int add_other(const char *name, void *data)
{
	int fd cleanup_close = -1;
	const struct others *others = data;
	struct ucred runner = { 0 };
	socklen_t room = sizeof(runner);
	struct frame_state state;
	char owner[OWNER_TEXT], text[PART_SHORT_NAME];

	if (has_partition(others, name))
		return 0;
	fd = client_connect_named(name);
	/* It has ended meanwhile. */
	if (fd < 0 || client_state(fd, &state) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &runner, &room))
		return 0;
	if (others->array)
		return json_array_append_new(others->array, json_pack("{s:s, s:s, s:s, s:i, s:i}",
			"name", name, "isolation", state.number ? "partition" : "process",
			"state", "running", "owner", (int)runner.uid, "runner", (int)runner.pid));
	printf("%-6s %-20s %-22s %-10s %-8d %-7s %-5s %s\n", "-", part_short_name(name, text),
	       "running", owner_text(runner.uid, owner), runner.pid, "-", "-", "-");
	return 0;
}

static int find_any(const char *name, void *data)
{
	(void)name;
	(void)data;
	return 1;
}

static int list(bool json)
{
	struct netlink *netlink cleanup_netlink = netlink_open();
	struct part *parts cleanup_free = NULL;
	struct others others = { 0 };

	/* Without the module there are no partitions, but there may be other containers. */
	if (netlink ? netlink_list(netlink, &parts, &others.n) : !directory_each(find_any, NULL))
		return -1;
	others.parts = parts;
	if (!json) {
		print_table(parts, others.n);
		return directory_each(add_other, &others);
	}
	others.array = json_array();
	for (size_t i = 0; i < others.n; i++)
		json_array_append_new(others.array, part_to_json(&parts[i]));
	if (directory_each(add_other, &others))
		return fail("can't make JSON");
	return part_print_json(others.array, JSON_INDENT(2));
}

static void print_devices(const struct part *part)
{
	if (!part->n_devices)
		return;
	printf("devices        ");
	for (int i = BULKHEAD_A_DEVICE_KICKS; i <= BULKHEAD_A_DEVICE_ERRORS; i++)
		printf(" %10s", part_device_count_name(i));
	putchar('\n');
	for (unsigned int i = 0; i < part->n_devices; i++) {
		const struct part_device *device = &part->devices[i];

		printf("  %-2u %-10s", device->slot, part_device_name(device->type));
		for (int j = BULKHEAD_A_DEVICE_KICKS; j <= BULKHEAD_A_DEVICE_ERRORS; j++)
			printf(" %10lu", device->counts[j]);
		printf("%s%s\n", device->failed ? " failed" : "",
		       device->link_down ? " link down" : "");
	}
}

static void print_stats(const struct part *part)
{
	char size[SIZE_TEXT], age[PART_UPTIME_TEXT];

	printf("balloon, reported %s ago\n",
	       part_uptime_text(part->stats[BULKHEAD_A_BALLOON_AGE], age));
	for (unsigned int i = 1; i < BULKHEAD_A_BALLOON_AGE; i++) {
		if (!(part->stats_present & 1U << i))
			continue;
		if (part_stats_is_size(i))
			size_format(part->stats[i], size);
		else
			snprintf(size, sizeof(size), "%lu", part->stats[i]);
		printf("  %-19s %s\n", part_stats_name(i), size);
	}
}

static void print_part(const struct part *part)
{
	char owner[OWNER_TEXT], memory[SIZE_TEXT], uptime[PART_UPTIME_TEXT];

	printf("id           %u\n", part->id);
	printf("name         %s\n", part->name[0] ? part->name : "-");
	printf("state        %s\n", part_state_name(part->state));
	if (part->has_reason)
		printf("reason       %s\n", part_reason_name(part->reason));
	if (part->has_exit_status)
		printf("exit status  %u\n", part->exit_status);
	printf("owner        %s\n", owner_text(part->owner, owner));
	printf("runner       %u\n", part->runner);
	printf("memory       %s\n", size_format(part->memory, memory));
	if (part->has_balloon) {
		printf("  target     %s\n", size_format(part->memory_target, memory));
		printf("  actual     %s\n", size_format(part->memory_actual, memory));
	}
	printf("vcpus        %u\n", part->vcpus);
	printf("cid          %u\n", part->cid);
	printf("uptime       %s\n", part_uptime_text(part->uptime, uptime));
	printf("exits\n");
	for (unsigned int i = 1; i <= BULKHEAD_A_EXITS_MAX; i++)
		printf("  %-10s %lu\n", part_exits_name(i), part->exits[i]);
	print_devices(part);
	if (part->stats_present)
		print_stats(part);
}

static int show(const char *id_or_name, bool json)
{
	struct netlink *netlink cleanup_netlink = netlink_open();
	struct frame_counters *counters cleanup_free = NULL;
	int socket cleanup_close = -1;
	struct part part;
	json_t *object;
	size_t n = 0;

	if (!netlink || netlink_find(netlink, id_or_name, &part))
		return -1;
	/* A partition need not have a container in it. */
	socket = client_connect(part.name);
	if (socket >= 0)
		counters = interfaces_get(socket, &n);
	if (json) {
		object = part_to_json(&part);
		if (counters)
			json_object_set_new(object, "interfaces",
					    interfaces_to_json(counters, n));
		return part_print_json(object, JSON_INDENT(2));
	}
	print_part(&part);
	if (counters && n) {
		interfaces_print_head(stdout);
		interfaces_print(stdout, part.name, counters, n);
	}
	return 0;
}

struct options {
	const char *format;
	bool json;
	bool quiet;
};

/* What is asked as of an OCI runtime is answered as by one. */
static int list_as_runtime(const char *format, bool quiet)
{
	if (format && strcmp(format, "json") && strcmp(format, "table"))
		return fail("--format: %s: neither table nor json", format);
	return report_list(format && !strcmp(format, "json"), quiet);
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "f:q", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == 'f')
			options->format = optarg;
		else if (option == 'j')
			options->json = true;
		else if (option == 'q')
			options->quiet = true;
		else
			return command_bad_option(command, argv);
	}
	return command_check_arguments(command, argc, 0, 0);
}

int cmd_list(const struct command *command, int argc, char **argv)
{
	struct options options = { 0 };
	int result = parse(command, argc, argv, &options);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	result = options.format || options.quiet || globals.has_root ?
		 list_as_runtime(options.format, options.quiet) : list(options.json);
	return command_end(command, result, STATUS_FAILURE);
}

int cmd_show(const struct command *command, int argc, char **argv)
{
	bool json;
	int result = command_parse(command, argc, argv, 1, 1, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	return command_end(command, show(argv[optind], json), STATUS_FAILURE);
}
