// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead kill */
#include "base/error.h"
#include "base/status.h"
#include "client/client.h"
#include "commands/command.h"
#include "commands/each.h"
#include "control/netlink.h"
#include "runtime/crun.h"
#include "runtime/life.h"
#include "runtime/state.h"

#include <ctype.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SIGNALS_MAX	64

static struct {
	int signal;		/* 0 is to stop at once */
	bool all;
	bool regex;
} wanted;

/* "15", "TERM" or "SIGTERM". Returns 0 if it is none. */
static int find_signal(const char *text)
{
	const char *name = strncmp(text, "SIG", 3) ? text : text + 3;

	if (isdigit((unsigned char)*text)) {
		char *end;
		unsigned long number = strtoul(text, &end, 10);

		return !*end && number >= 1 && number <= SIGNALS_MAX ? number : 0;
	}
	for (int i = 1; i < SIGRTMIN; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcmp(known, name))
			return i;
	}
	return 0;
}

static int set_signal(const char *text)
{
	wanted.signal = find_signal(text);
	return wanted.signal ? 0 :
	       fail("--signal: %s: no such signal; give a name such as TERM, or 1 to %d", text,
		    SIGNALS_MAX);
}

/* A partition dies with all that is in it. In process isolation, the container's process does. */
static int kill_at_once(const char *id_or_name)
{
	struct netlink *netlink cleanup_netlink = netlink_open();
	struct part part;

	if (netlink && !netlink_find(netlink, id_or_name, &part))
		return netlink_kill(netlink, part.id) ? error_prefix("%s", id_or_name) : 0;
	return client_signal(id_or_name, SIGKILL, false);
}

/* One that create made is to be treated as any OCI runtime would. */
static int kill_one(const char *id_or_name)
{
	if (state_exists(id_or_name))
		return life_kill(id_or_name, wanted.signal ?: SIGTERM, wanted.all);
	return wanted.signal ? client_signal(id_or_name, wanted.signal, wanted.all) :
			       kill_at_once(id_or_name);
}

static int kill_match(const char *id, void *data)
{
	(void)data;
	return kill_one(id);
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, bool *json)
{
	static const struct option known[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "regex", no_argument, NULL, 'r' },
		{ "signal", required_argument, NULL, 's' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "ars:", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == 'j')
			*json = true;
		else if (option == 'a')
			wanted.all = true;
		else if (option == 'r')
			wanted.regex = true;
		else if (option != 's')
			return command_bad_option(command, argv);
		else if (set_signal(optarg))
			return -1;
	}
	return command_check_arguments(command, argc, 1, argc);
}

int cmd_kill(const struct command *command, int argc, char **argv)
{
	bool json = false;
	int result = parse(command, argc, argv, &json);

	if (!result && !wanted.regex)
		result = crun_take_over(argv[optind]);
	if (result)
		return command_end(command, result, STATUS_USAGE);
	/* "ID SIGNAL", as runc and crun have it. */
	if (argc - optind == 2 && !wanted.signal && find_signal(argv[argc - 1]))
		wanted.signal = find_signal(argv[--argc]);
	if (wanted.all && !wanted.signal)
		wanted.signal = SIGTERM;
	if (!wanted.regex)
		return each_named(argc, argv, json, kill_one);
	result = life_each_match(argv[optind], kill_match, NULL);
	return command_end(command, result, STATUS_FAILURE);
}
