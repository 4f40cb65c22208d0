// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead set */
#include "base/error.h"
#include "base/size.h"
#include "base/status.h"
#include "base/timeout.h"
#include "commands/command.h"
#include "control/netlink.h"
#include "control/part.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT		30

/* How often the guest is looked at. */
#define STEP_MS		100

struct set {
	const char *id_or_name;
	uint64_t memory;
	unsigned int timeout;	/* seconds */
	bool json;
};

/* On a terminal, one line that is written over and over. */
static void show_progress(const struct part *part)
{
	char actual[SIZE_TEXT], target[SIZE_TEXT];

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[Kmemory %s, to be %s",
			size_format(part->memory_actual, actual),
			size_format(part->memory_target, target));
}

static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static int print_result(const struct set *set, const struct part *part)
{
	char actual[SIZE_TEXT];
	json_t *object;

	if (!set->json) {
		printf("%s\n", size_format(part->memory_actual, actual));
		return 0;
	}
	object = json_object();
	json_object_set_new(object, "id", json_integer(part->id));
	if (part->name[0])
		json_object_set_new(object, "name", json_string(part->name));
	json_object_set_new(object, "memory", json_integer(part->memory));
	json_object_set_new(object, "memory-target", json_integer(part->memory_target));
	json_object_set_new(object, "memory-actual", json_integer(part->memory_actual));
	return part_print_json(object, JSON_INDENT(2));
}

/* Waits for the guest to have what it is to have, or for the timeout. */
static int wait_for_guest(struct netlink *netlink, const struct set *set, struct part *part)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	uint64_t end = timeout_clock() + set->timeout * 1000ULL;
	uint32_t id = part->id;

	for (;;) {
		if (netlink_get(netlink, id, part))
			return -1;
		if (part->state != BULKHEAD_STATE_RUNNING)
			return fail("it has stopped meanwhile");
		/* Somebody else may have set another. */
		if (part->memory_actual == part->memory_target || timeout_clock() >= end)
			return 0;
		show_progress(part);
		nanosleep(&step, NULL);
	}
}

static int set_memory(struct netlink *netlink, const struct set *set, struct part *part)
{
	char actual[SIZE_TEXT], target[SIZE_TEXT];
	int result;

	if (netlink_set_memory(netlink, part->id, set->memory))
		return -1;
	result = wait_for_guest(netlink, set, part);
	clear_progress();
	if (result || print_result(set, part))
		return -1;
	if (part->memory_actual == set->memory)
		return 0;
	if (part->memory_target != set->memory)
		return fail("it was set to %s meanwhile", size_format(part->memory_target, target));
	return fail("the guest has %s after %u seconds, not %s; it goes on trying",
		    size_format(part->memory_actual, actual), set->timeout,
		    size_format(part->memory_target, target));
}

static int set(const struct set *set)
{
	struct netlink *netlink cleanup_netlink = netlink_open();
	struct part part;

	if (!netlink || netlink_find(netlink, set->id_or_name, &part))
		return -1;
	if (set_memory(netlink, set, &part))
		return error_prefix("%s", set->id_or_name);
	return 0;
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, struct set *set)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "timeout", required_argument, NULL, 't' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		else if (option == 'j')
			set->json = true;
		else if (option != 't')
			return command_bad_option(command, argv);
		else if (timeout_parse(optarg, &set->timeout))
			return -1;
	}
	if (argc - optind != 3)
		return fail("%s; usage: bulkhead %s %s",
			    argc - optind < 3 ? "which one, and what" : "too many arguments",
			    command->name, command->arguments);
	set->id_or_name = argv[optind];
	if (strcmp(argv[optind + 1], "memory"))
		return fail("%s: can't be set; memory can", argv[optind + 1]);
	if (size_parse(argv[optind + 2], &set->memory))
		return error_prefix("memory");
	if (!set->memory)
		return fail("memory: a guest needs some");
	return 0;
}

int cmd_set(const struct command *command, int argc, char **argv)
{
	struct set arguments = { .timeout = DEFAULT_TIMEOUT };
	int result = parse(command, argc, argv, &arguments);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	return command_end(command, set(&arguments), STATUS_FAILURE);
}
