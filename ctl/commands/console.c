// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead console */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "commands/command.h"
#include "control/netlink.h"
#include "machine/partition.h"
#include "terminal/console.h"
#include "terminal/signals.h"

#include <getopt.h>
#include <stdio.h>

struct attachment {
	const char *keys;
	bool no_input;
	char hint[64];
};

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv,
		 struct attachment *attachment)
{
	static const struct option options[] = {
		{ "detach-keys", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "no-stdin", no_argument, NULL, 'n' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			attachment->keys = optarg;
			break;
		case 'h':
			return COMMAND_HELP;
		case 'n':
			attachment->no_input = true;
			break;
		default:
			return command_bad_option(command, argv);
		}
	}
	return command_check_arguments(command, argc, 1, 1);
}

/* Returns an exit status, or -1 with an error. */
static int attach(const char *id_or_name, struct attachment *attachment, struct keys keys)
{
	int fd cleanup_close = -1;
	struct netlink *netlink cleanup_netlink = netlink_open();
	struct console console = { .input = !attachment->no_input, .keys = keys };
	struct part part;
	int result;

	if (!netlink || netlink_find(netlink, id_or_name, &part))
		return -1;
	fd = partition_open_console(part.id);
	if (fd < 0)
		return -1;
	console.fd = fd;
	console.signals = signals_open();
	if (console.signals < 0)
		return -1;
	if (keys.n) {
		snprintf(attachment->hint, sizeof(attachment->hint), "%s detaches",
			 attachment->keys);
		console.hint = attachment->hint;
	}
	result = console_connect(&console);
	if (!result && console.keys_typed)
		warn("%s: detached, it runs on", id_or_name);
	return result > 0 ? STATUS_SIGNAL + result : result;
}

int cmd_console(const struct command *command, int argc, char **argv)
{
	struct attachment attachment = { .keys = KEYS_DETACH };
	struct keys keys;
	int result = parse(command, argc, argv, &attachment);

	if (!result && keys_parse(attachment.keys, &keys))
		result = error_prefix("--detach-keys");
	if (result)
		return command_end(command, result, STATUS_USAGE);
	result = attach(argv[optind], &attachment, keys);
	return command_end(command, result, STATUS_FAILURE);
}
