// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead kill */
#include "base/error.h"
#include "base/status.h"
#include "client/client.h"
#include "commands/command.h"
#include "commands/each.h"
#include "control/netlink.h"

#include <ctype.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SIGNALS_MAX	64

/* "15", "TERM" or "SIGTERM". Returns -1 with an error. */
static int parse_signal(const char *text)
{
	const char *name = strncmp(text, "SIG", 3) ? text : text + 3;

	if (isdigit((unsigned char)*text)) {
		char *end;
		unsigned long number = strtoul(text, &end, 10);

		if (!*end && number >= 1 && number <= SIGNALS_MAX)
			return number;
	}
	for (int i = 1; i < SIGRTMIN; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcmp(known, name))
			return i;
	}
	return fail("--signal: %s: no such signal; give a name such as TERM, or 1 to %d", text,
		    SIGNALS_MAX);
}

static int signal_number;

static int send_signal(const char *container)
{
	return client_signal(container, signal_number);
}

/* A partition dies with all that is in it. In process isolation, the container's process does. */
static int kill_at_once(const char *id_or_name)
{
	struct netlink *netlink cleanup_netlink = netlink_open();
	struct part part;

	if (netlink && !netlink_find(netlink, id_or_name, &part))
		return netlink_kill(netlink, part.id) ? error_prefix("%s", id_or_name) : 0;
	return client_signal(id_or_name, SIGKILL);
}

int cmd_kill(const struct command *command, int argc, char **argv)
{
	static const struct option known[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "signal", required_argument, NULL, 's' },
		{ }
	};
	bool json = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "s:", known, NULL)) != -1) {
		if (option == 'h') {
			command_print_help(command);
			return 0;
		}
		if (option == 'j')
			json = true;
		else if (option == 's')
			signal_number = parse_signal(optarg);
		else
			signal_number = command_bad_option(command, argv);
		if (signal_number < 0)
			goto usage;
	}
	if (!command_check_arguments(command, argc, 1, argc))
		return each_named(argc, argv, json, signal_number ? send_signal : kill_at_once);
usage:
	error_print();
	return STATUS_USAGE;
}
