// SPDX-License-Identifier: GPL-2.0-only
/* events: what a container uses, as runc prints it. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "base/timeout.h"
#include "client/client.h"
#include "commands/command.h"
#include "commands/interfaces.h"
#include "control/part.h"
#include "runtime/state.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_INTERVAL	5	/* seconds */
#define NSEC_PER_USEC		1000

struct events {
	const char *id;
	bool once;
	unsigned int interval;	/* seconds */
};

/* A figure that there isn't, or no limit, is 0 here. */
static json_t *number(uint64_t value)
{
	return json_integer(value == UINT64_MAX ? 0 : value);
}

static json_t *nanoseconds(uint64_t usec)
{
	return json_integer(usec == UINT64_MAX ? 0 : usec * NSEC_PER_USEC);
}

static json_t *make_cpu(const struct frame_stats *stats)
{
	return json_pack("{s:{s:o, s:o, s:o}, s:{s:o}}", "usage",
			 "total", nanoseconds(stats->cpu_usec),
			 "kernel", nanoseconds(stats->cpu_system_usec),
			 "user", nanoseconds(stats->cpu_user_usec), "throttling",
			 "throttledTime", nanoseconds(stats->cpu_throttled_usec));
}

static json_t *make_memory(const struct frame_stats *stats)
{
	return json_pack("{s:{s:o, s:o, s:o, s:o}}", "usage", "usage", number(stats->memory),
			 "max", number(stats->memory_peak), "limit", number(stats->memory_limit),
			 "failcnt", number(stats->oom_kills));
}

static json_t *make(const char *id, const struct frame_stats *stats, json_t *interfaces)
{
	return json_pack("{s:s, s:s, s:{s:o, s:o, s:{s:o, s:o}, s:o}}",
			 "type", "stats", "id", id, "data", "cpu", make_cpu(stats),
			 "memory", make_memory(stats), "pids", "current", number(stats->processes),
			 "limit", number(stats->processes_limit), "network_interfaces", interfaces);
}

static int print(const struct events *events, int socket)
{
	struct frame_counters *counters cleanup_free = NULL;
	void *answer cleanup_free = NULL;
	struct frame_stats stats;
	size_t length, n;

	answer = client_ask(socket, FRAME_STATS, NULL, 0, &length);
	if (!answer)
		return -1;
	if (length != sizeof(stats))
		return fail("malformed statistics");
	memcpy(&stats, answer, length);
	counters = interfaces_get(socket, &n);
	if (!counters)
		return -1;
	return part_print_json(make(events->id, &stats, interfaces_to_json(counters, n)),
			       JSON_COMPACT) ?: fflush(stdout);
}

static int run(const struct events *events)
{
	int runner;

	if (state_ask(events->id, &runner) == CONTAINER_STOPPED)
		return fail("container not running");
	for (;;) {
		int socket cleanup_close = client_connect_named(events->id);

		/* Its end is that of the events. */
		if (socket < 0)
			return 0;
		if (print(events, socket))
			return state_ask(events->id, &runner) == CONTAINER_STOPPED ? 0 : -1;
		if (events->once)
			return 0;
		sleep(events->interval);
	}
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, struct events *events)
{
	static const struct option known[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "interval", required_argument, NULL, 'i' },
		{ "stats", no_argument, NULL, 's' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == 's') {
			events->once = true;
		} else if (option == 'i') {
			/* "5s" is as runc has it. */
			if (*optarg && optarg[strlen(optarg) - 1] == 's')
				optarg[strlen(optarg) - 1] = 0;
			if (timeout_parse(optarg, &events->interval))
				return -1;
		} else {
			return command_bad_option(command, argv);
		}
	}
	if (command_check_arguments(command, argc, 1, 1))
		return -1;
	events->id = argv[optind];
	return 0;
}

int cmd_events(const struct command *command, int argc, char **argv)
{
	struct events events = { .interval = DEFAULT_INTERVAL };
	int result = parse(command, argc, argv, &events) ?: run(&events);

	return command_end(command, result, STATUS_FAILURE);
}
