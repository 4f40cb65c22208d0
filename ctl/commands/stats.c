// SPDX-License-Identifier: GPL-2.0-only
/*
 * bulkhead stats: what a container uses as its own control group counts it, in a partition the
 * guest's; and what the partition uses of the host.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/size.h"
#include "base/status.h"
#include "client/client.h"
#include "commands/command.h"
#include "commands/interfaces.h"
#include "control/netlink.h"
#include "control/part.h"
#include "runner/cgroup.h"
#include "runner/directory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NSEC_PER_USEC	1000

struct stats {
	struct frame_stats container;
	struct frame_counters *interfaces;
	size_t n_interfaces;
	bool has_partition;
	struct part part;
	struct cgroup_usage host;
};

static int get(const char *name, struct stats *stats)
{
	int socket cleanup_close = client_connect(name);
	struct netlink *netlink cleanup_netlink = NULL;
	void *answer cleanup_free = NULL;
	size_t length;

	if (socket < 0)
		return -1;
	answer = client_ask(socket, FRAME_STATS, NULL, 0, &length);
	if (!answer)
		return error_prefix("%s", name);
	if (length != sizeof(stats->container))
		return fail("%s: malformed statistics", name);
	memcpy(&stats->container, answer, length);
	stats->interfaces = interfaces_get(socket, &stats->n_interfaces);
	if (!stats->interfaces)
		return error_prefix("%s", name);
	netlink = netlink_open();
	stats->has_partition = netlink && !netlink_find(netlink, name, &stats->part);
	if (stats->has_partition)
		cgroup_get_usage(stats->part.runner, &stats->host);
	return 0;
}

static const char *text_or_dash(uint64_t value, char text[SIZE_TEXT], bool is_size)
{
	if (value == UINT64_MAX)
		return "-";
	if (is_size)
		return size_format(value, text);
	snprintf(text, SIZE_TEXT, "%lu", value);
	return text;
}

static const char *cpu_text(uint64_t usec, char text[PART_UPTIME_TEXT])
{
	return usec == UINT64_MAX ? "-" : part_uptime_text(usec * NSEC_PER_USEC, text);
}

static void print_row(const char *name, const char *of, uint64_t cpu_usec, uint64_t memory,
		      uint64_t limit, uint64_t processes, uint64_t exits)
{
	char cpu[PART_UPTIME_TEXT], used[SIZE_TEXT], max[SIZE_TEXT], n[SIZE_TEXT], out[SIZE_TEXT];
	char text[PART_SHORT_NAME];

	printf("%-20s %-10s %-8s %-8s %-8s %-10s %s\n", part_short_name(name, text), of,
	       cpu_text(cpu_usec, cpu),
	       text_or_dash(memory, used, true), text_or_dash(limit, max, true),
	       text_or_dash(processes, n, false), text_or_dash(exits, out, false));
}

static void print_stats(const char *name, const struct stats *stats)
{
	const struct frame_stats *container = &stats->container;

	print_row(name, "container", container->cpu_usec, container->memory,
		  container->memory_limit, container->processes, UINT64_MAX);
	if (stats->has_partition)
		print_row(name, "partition", stats->host.cpu_usec, stats->host.memory,
			  stats->host.memory_limit, UINT64_MAX,
			  stats->part.exits[BULKHEAD_A_EXITS_TOTAL]);
}

static void set(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, value == UINT64_MAX ? json_null() : json_integer(value));
}

static json_t *to_json(const char *name, const struct stats *stats)
{
	const struct frame_stats *from = &stats->container;
	json_t *object = json_object();
	json_t *container = json_object();

	json_object_set_new(object, "name", json_string(name));
	set(container, "memory", from->memory);
	set(container, "memory-peak", from->memory_peak);
	set(container, "memory-limit", from->memory_limit);
	set(container, "cpu-usec", from->cpu_usec);
	set(container, "cpu-user-usec", from->cpu_user_usec);
	set(container, "cpu-system-usec", from->cpu_system_usec);
	set(container, "cpu-throttled-usec", from->cpu_throttled_usec);
	set(container, "processes", from->processes);
	set(container, "processes-limit", from->processes_limit);
	set(container, "oom-kills", from->oom_kills);
	json_object_set_new(object, "container", container);
	json_object_set_new(object, "interfaces",
			    interfaces_to_json(stats->interfaces, stats->n_interfaces));
	if (stats->has_partition) {
		json_t *partition = part_to_json(&stats->part);

		set(partition, "host-memory", stats->host.memory);
		set(partition, "host-memory-limit", stats->host.memory_limit);
		set(partition, "host-cpu-usec", stats->host.cpu_usec);
		json_object_set_new(object, "partition", partition);
	}
	return object;
}

struct printer {
	json_t *array;		/* NULL for tables */
	bool has_head;
	FILE *interfaces;	/* the second table, which is kept until the first is complete */
	char *text;		/* what it has */
	size_t length;
};

static void print_head(struct printer *printer)
{
	if (printer->array || printer->has_head)
		return;
	printf("%-20s %-10s %-8s %-8s %-8s %-10s %s\n", "NAME", "OF", "CPU", "MEMORY", "LIMIT",
	       "PROCESSES", "EXITS");
	printer->has_head = true;
}

static int print_one(const char *name, void *data)
{
	struct printer *printer = data;
	struct stats stats = { 0 };

	if (get(name, &stats))
		return -1;
	print_head(printer);
	if (printer->array) {
		json_array_append_new(printer->array, to_json(name, &stats));
	} else {
		print_stats(name, &stats);
		interfaces_print(printer->interfaces, name, stats.interfaces, stats.n_interfaces);
	}
	free(stats.interfaces);
	return 0;
}

static void print_interfaces(struct printer *printer)
{
	fflush(printer->interfaces);
	if (!printer->length)
		return;
	putchar('\n');
	interfaces_print_head(stdout);
	fputs(printer->text, stdout);
}

static int print_named(int argc, char **argv, struct printer *printer)
{
	for (int i = optind; i < argc; i++)
		if (print_one(argv[i], printer))
			return -1;
	return 0;
}

int cmd_stats(const struct command *command, int argc, char **argv)
{
	struct printer printer = { 0 };
	bool json;
	int result = command_parse(command, argc, argv, 0, INT_MAX, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	printer.array = json ? json_array() : NULL;
	printer.interfaces = open_memstream(&printer.text, &printer.length);
	if (!printer.interfaces) {
		warn("stats: no memory");
		return STATUS_FAILURE;
	}
	if (optind < argc)
		result = print_named(argc, argv, &printer);
	else
		result = directory_each(print_one, &printer);
	if (!result)
		print_head(&printer);
	print_interfaces(&printer);
	if (json && !result)
		result = part_print_json(printer.array, JSON_INDENT(2));
	else
		json_decref(printer.array);
	return command_end(command, result, STATUS_FAILURE);
}
