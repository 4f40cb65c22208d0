// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead stop */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "base/timeout.h"
#include "client/client.h"
#include "commands/command.h"
#include "control/netlink.h"
#include "control/part.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#define DEFAULT_TIMEOUT	10

/* An event can be lost; then the state tells, looked at this often. */
#define LOOK_MS		1000

/* A partition that was named. */
struct target {
	const char *name;	/* as given */
	struct part part;
	bool waiting;		/* its button is pressed, and it hasn't stopped */
	bool stopped;
	bool killed;
};

struct stop {
	struct netlink *netlink;
	struct netlink *events;
	struct target *targets;
	int n;
	int status;
	unsigned int timeout;	/* seconds */
};

static void failed(struct stop *stop)
{
	error_print();
	stop->status = STATUS_FAILURE;
}

/* In process isolation there is no button, but the same signal. */
static int stop_container(const char *name, unsigned int timeout, bool *killed)
{
	void *answer cleanup_free = NULL;
	int socket cleanup_close = client_connect(name);
	const struct timeval patience = { .tv_sec = timeout ?: 1 };
	size_t length;

	if (socket < 0 || client_signal(name, SIGTERM, false))
		return -1;
	setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	answer = client_ask(socket, FRAME_WAIT, NULL, 0, &length);
	*killed = !answer;
	if (answer)
		return 0;
	warn("%s: has not stopped within %u s, killed", name, timeout);
	return client_signal(name, SIGKILL, false);
}

static void press(struct stop *stop, struct target *target)
{
	if (!stop->netlink || netlink_find(stop->netlink, target->name, &target->part)) {
		if (!stop_container(target->name, stop->timeout, &target->killed))
			target->stopped = true;
		else
			failed(stop);
	} else if (netlink_stop(stop->netlink, target->part.id)) {
		error_prefix("%s", target->name);
		failed(stop);
	} else {
		target->waiting = true;
	}
}

/* Looks at those that are waited for. Returns how many there still are, or -1 with an error. */
static int look(struct stop *stop)
{
	int waiting = 0;

	for (int i = 0; i < stop->n; i++) {
		struct target *target = &stop->targets[i];
		struct part part;

		if (!target->waiting)
			continue;
		if (netlink_get(stop->netlink, target->part.id, &part)) {
			if (errno != ENODEV)
				return -1;
			target->stopped = true;
		} else {
			target->stopped = part.state == BULKHEAD_STATE_STOPPED;
		}
		target->waiting = !target->stopped;
		waiting += target->waiting;
	}
	return waiting;
}

static int wait_for_all(struct stop *stop)
{
	uint64_t end = timeout_clock() + stop->timeout * 1000ULL;
	int waiting;

	while ((waiting = look(stop)) > 0) {
		uint64_t now = timeout_clock();

		if (now >= end)
			return 0;
		if (netlink_wait(stop->events, end - now < LOOK_MS ? end - now : LOOK_MS))
			return -1;
	}
	return waiting;
}

static void kill_rest(struct stop *stop)
{
	for (int i = 0; i < stop->n; i++) {
		struct target *target = &stop->targets[i];

		if (!target->waiting)
			continue;
		/* One that stopped just now needs no killing. */
		if (!netlink_kill(stop->netlink, target->part.id)) {
			target->killed = true;
			warn("%s: has not stopped within %u s, killed", target->name,
			     stop->timeout);
		} else if (errno != EBUSY && errno != ENODEV) {
			error_prefix("%s", target->name);
			failed(stop);
			continue;
		}
		target->stopped = true;
	}
}

static const char *target_name(const struct target *target)
{
	return target->part.id ? target->part.name : target->name;
}

static int print_json(const struct stop *stop)
{
	json_t *array = json_array();

	for (int i = 0; i < stop->n; i++) {
		const struct target *target = &stop->targets[i];
		json_t *object = json_object();

		if (target->stopped) {
			if (target->part.id)
				json_object_set_new(object, "id", json_integer(target->part.id));
			if (target->part.name[0] || !target->part.id)
				json_object_set_new(object, "name",
						    json_string(target_name(target)));
			json_object_set_new(object, "killed", json_boolean(target->killed));
			json_array_append(array, object);
		}
		json_decref(object);
	}
	return part_print_json(array, JSON_INDENT(2));
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, unsigned int *timeout,
		 bool *json)
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
		if (option == 'j')
			*json = true;
		else if (option != 't')
			return command_bad_option(command, argv);
		else if (timeout_parse(optarg, timeout))
			return -1;
	}
	if (optind == argc)
		return fail("which one; usage: bulkhead %s %s", command->name, command->arguments);
	return 0;
}

int cmd_stop(const struct command *command, int argc, char **argv)
{
	struct netlink *netlink cleanup_netlink = NULL;
	struct netlink *events cleanup_netlink = NULL;
	struct target *targets cleanup_free = NULL;
	unsigned int timeout = DEFAULT_TIMEOUT;
	struct stop stop = { 0 };
	bool json = false;
	int result = parse(command, argc, argv, &timeout, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	targets = calloc(argc - optind, sizeof(*targets));
	if (!targets)
		fail_errno("stop");
	/* Without the module there are no partitions, but there may be other containers. */
	netlink = targets ? netlink_open() : NULL;
	events = netlink ? netlink_open() : NULL;
	/* Before the button: so no stop goes unnoticed. */
	if (!targets || (netlink && (!events || netlink_subscribe(events))))
		return command_end(command, -1, STATUS_FAILURE);
	stop.netlink = netlink;
	stop.events = events;
	stop.targets = targets;
	stop.timeout = timeout;
	for (int i = optind; i < argc; i++) {
		targets[stop.n].name = argv[i];
		press(&stop, &targets[stop.n++]);
	}
	if (wait_for_all(&stop))
		failed(&stop);
	else
		kill_rest(&stop);
	if (json && print_json(&stop))
		failed(&stop);
	return stop.status;
}
