// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead logs */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "base/utf8.h"
#include "commands/command.h"
#include "control/netlink.h"
#include "control/part.h"
#include "machine/partition.h"
#include "terminal/console.h"

#include <getopt.h>
#include <stdio.h>

struct options {
	bool follow;
	bool json;
};

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

static int print_text(const struct part *part, int console, bool json)
{
	char *text cleanup_free = NULL;
	uint64_t lost;
	size_t length;

	text = console_read_all(console, &length, &lost);
	if (!text)
		return -1;
	if (json)
		return print_json(part, text, length, lost);
	fwrite(text, 1, length, stdout);
	if (lost)
		warn("%u: the first %lu bytes of its text are no longer kept", part->id, lost);
	return 0;
}

static int follow(int fd)
{
	struct console console = { .fd = fd, .signals = -1 };

	return console_connect(&console);
}

static int logs(const char *id_or_name, const struct options *options)
{
	struct netlink *netlink cleanup_netlink = netlink_open();
	int console cleanup_close = -1;
	struct part part;

	if (!netlink || netlink_find(netlink, id_or_name, &part))
		return -1;
	console = partition_open_console(part.id);
	if (console < 0)
		return -1;
	return options->follow ? follow(console) : print_text(&part, console, options->json);
}

/* Returns 0, -1 with an error, or 1 if help was asked for. */
static int parse(const struct command *command, int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "f", known, NULL)) != -1) {
		if (option == 'h')
			return 1;
		if (option == 'f')
			options->follow = true;
		else if (option == 'j')
			options->json = true;
		else
			return command_bad_option(command, argv);
	}
	if (options->follow && options->json)
		return fail("--follow: what goes on is no JSON; give one of both");
	return command_check_arguments(command, argc, 1, 1);
}

int cmd_logs(const struct command *command, int argc, char **argv)
{
	struct options options = { 0 };
	int status = parse(command, argc, argv, &options);

	if (status > 0) {
		command_print_help(command);
		return 0;
	}
	if (status) {
		error_print();
		return STATUS_USAGE;
	}
	if (!logs(argv[optind], &options))
		return 0;
	error_print();
	return STATUS_FAILURE;
}
