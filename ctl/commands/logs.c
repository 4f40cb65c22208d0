// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead logs */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "base/utf8.h"
#include "client/client.h"
#include "commands/command.h"
#include "control/netlink.h"
#include "control/part.h"
#include "machine/partition.h"
#include "terminal/console.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

struct options {
	const char *id_or_name;
	bool console;
	bool follow;
	bool json;
};

static int print_json(const char *name, const char *text, size_t length, uint64_t lost)
{
	char *valid cleanup_free = utf8_sanitize(text, length);

	if (!valid)
		return fail_errno("can't print JSON");
	return part_print_json(json_pack("{s:s, s:s, s:I}", "name", name, "text", valid, "lost",
					 (json_int_t)lost), JSON_INDENT(2));
}

static int print_text(const char *name, const char *text, size_t length, uint64_t lost, bool json)
{
	if (json)
		return print_json(name, text, length, lost);
	fwrite(text, 1, length, stdout);
	if (lost)
		warn("%s: the first %lu bytes of its text are no longer kept", name, lost);
	return 0;
}

static int print_console(int console, const struct options *options)
{
	char *text cleanup_free = NULL;
	uint64_t lost;
	size_t length;

	text = console_read_all(console, &length, &lost);
	return text ? print_text(options->id_or_name, text, length, lost, options->json) : -1;
}

static int follow_console(int fd)
{
	struct console console = { .fd = fd, .signals = -1 };

	return console_connect(&console);
}

static int console_logs(const struct options *options)
{
	struct netlink *netlink cleanup_netlink = netlink_open();
	int console cleanup_close = -1;
	struct part part;

	if (!netlink || netlink_find(netlink, options->id_or_name, &part))
		return -1;
	console = partition_open_console(part.id);
	if (console < 0)
		return -1;
	return options->follow ? follow_console(console) : print_console(console, options);
}

/* The text that the runner sends as it comes, up to the container's end. */
static int follow_output(struct connection *connection)
{
	struct frame frame;
	int n;

	fflush(stdout);
	while ((n = client_next(connection, &frame)) > 0) {
		if (frame.type != FRAME_OUTPUT)
			return fail("the container's runner sent something else");
		fwrite(frame.data, 1, frame.length, stdout);
		if (fflush(stdout))
			return fail_errno("standard output");
	}
	return n;
}

/* Returns 0, 1 if its output isn't kept, or -1 with an error. */
static int output_logs(const struct options *options)
{
	char *text cleanup_free = NULL;
	const uint32_t follow = options->follow;
	struct connection connection;
	int result, fd = client_connect(options->id_or_name);
	uint64_t lost;
	size_t length;

	if (fd < 0)
		return 1;
	connection_init(&connection, fd);
	text = client_ask_more(&connection, FRAME_LOGS, &follow, sizeof(follow), &length);
	if (!text || length < sizeof(lost)) {
		connection_close(&connection);
		return 1;
	}
	memcpy(&lost, text, sizeof(lost));
	result = print_text(options->id_or_name, text + sizeof(lost), length - sizeof(lost), lost,
			    options->json);
	if (!result && options->follow)
		result = follow_output(&connection);
	connection_close(&connection);
	return result;
}

static int logs(const struct options *options)
{
	int result = options->console ? 1 : output_logs(options);

	return result > 0 ? console_logs(options) : result;
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "console", no_argument, NULL, 'c' },
		{ "follow", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "f", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == 'c')
			options->console = true;
		else if (option == 'f')
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
	int result = parse(command, argc, argv, &options);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	options.id_or_name = argv[optind];
	return command_end(command, logs(&options), STATUS_FAILURE);
}
