// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/life.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "base/timeout.h"
#include "client/client.h"
#include "commands/command.h"
#include "control/netlink.h"
#include "machine/partition.h"
#include "oci/config.h"
#include "oci/hooks.h"
#include "runner/directory.h"
#include "runtime/crun.h"
#include "runtime/state.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How long a runner may take to clean up behind a container that has ended. */
#define ENDING_MS	15000

int life_start(const char *id)
{
	void *answer cleanup_free = NULL;
	int socket cleanup_close = -1;
	size_t length;

	if (!state_exists(id))
		return -1;
	socket = client_connect_named(id);
	if (socket < 0)
		return fail("container `%s` has stopped; delete it", id);
	answer = client_ask(socket, FRAME_START, NULL, 0, &length);
	return answer ? 0 : -1;
}

int life_kill(const char *id, int signal, bool all)
{
	int socket cleanup_close = client_connect_named(id);
	struct frame_state state;

	if (socket < 0 || client_state(socket, &state) || state.state == CONTAINER_STOPPED)
		return fail("container not running");
	return client_send_signal(socket, signal, all);
}

/* Returns whether the runner has ended, after a while at most. */
static bool has_ended(int runner)
{
	struct pollfd end = { .events = POLLIN };
	bool ended;

	end.fd = syscall(SYS_pidfd_open, runner, 0);
	if (end.fd < 0)
		return errno == ESRCH;
	ended = poll(&end, 1, ENDING_MS) > 0;
	close(end.fd);
	return ended;
}

/* The partition that it runs. Returns false if that is none. */
static bool kill_partition_of(int runner)
{
	struct netlink *netlink cleanup_netlink = netlink_open();
	struct part *parts cleanup_free = NULL;
	size_t n;

	if (!netlink || netlink_list(netlink, &parts, &n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (parts[i].runner == (uint32_t)runner)
			return !netlink_kill(netlink, parts[i].id);
	return false;
}

/* The partition first: its runner then does what is to be done at its end. */
static void kill_runner(int runner)
{
	if (!kill_partition_of(runner))
		kill(runner, SIGKILL);
	if (has_ended(runner))
		return;
	kill(runner, SIGKILL);
	has_ended(runner);
}

static void run_hooks(const char *id, const json_t *state)
{
	const char *bundle = json_string_value(json_object_get(state, "bundle"));
	json_t *config = bundle ? config_load(bundle, NULL) : NULL;
	json_t *now = config ? hooks_state(id, bundle, "stopped", 0) : NULL;

	/* A bundle that has vanished has no hooks. */
	if (now && hooks_run(config, "poststop", now))
		warn("%s", error_text());
	json_decref(now);
	json_decref(config);
}

/* The runner of a pod removes one of its containers after that has ended. */
static void wait_for_runner(const char *id)
{
	uint64_t end = timeout_clock() + ENDING_MS;
	int runner;

	do {
		state_ask(id, &runner);
	} while (runner && timeout_clock() < end && !usleep(20000));
}

int life_delete(const char *id, bool force)
{
	enum container_state now;
	json_t *state;
	int runner;

	/* One that was killed together with its create may have left a directory. */
	if (force && !state_is_taken(id)) {
		if (!partition_check_name(id))
			directory_sweep_stale(id);
		state_sweep();
		return 0;
	}
	state = state_load(id);
	if (!state && !force)
		return -1;
	now = state_ask(id, &runner);
	/* One that was created and not started has nothing to lose. */
	if (!force && now != CONTAINER_STOPPED && now != CONTAINER_CREATED) {
		json_decref(state);
		return fail("the container `%s` is not in 'stopped' state; stop it, or use --force",
			    id);
	}
	if (runner && (now != CONTAINER_STOPPED || !has_ended(runner)))
		kill_runner(runner);
	wait_for_runner(id);
	directory_sweep_stale(id);
	if (state)
		run_hooks(id, state);
	json_decref(state);
	state_remove(id);
	state_sweep();
	return 0;
}

struct match {
	regex_t regex;
	int (*act)(const char *id, void *data);
	void *data;
	bool has_crun;
};

static int act_on_match(const char *id, void *data)
{
	struct match *match = data;

	if (regexec(&match->regex, id, 0, NULL, 0))
		return 0;
	if (state_is_crun(id)) {
		match->has_crun = true;
		return 0;
	}
	return match->act(id, match->data);
}

int life_each_match(const char *pattern, int (*act)(const char *id, void *data), void *data)
{
	struct match match = { .act = act, .data = data };
	int result;

	if (regcomp(&match.regex, pattern, REG_EXTENDED | REG_NOSUB))
		return fail("--regex: %s: not a regular expression", pattern);
	result = state_each(act_on_match, &match);
	regfree(&match.regex);
	/* crun looks for its own. */
	return result ?: match.has_crun ? crun_execute() : 0;
}

static int delete_match(const char *id, void *data)
{
	return life_delete(id, *(bool *)data);
}

int cmd_start(const struct command *command, int argc, char **argv)
{
	bool json;
	int result = command_parse(command, argc, argv, 1, 1, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	result = crun_take_over(argv[optind]) ?: life_start(argv[optind]);
	return command_end(command, result, STATUS_FAILURE);
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse_delete(const struct command *command, int argc, char **argv, bool *force,
			bool *regex)
{
	static const struct option known[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "regex", no_argument, NULL, 'r' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "fr", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == 'f')
			*force = true;
		else if (option == 'r')
			*regex = true;
		else
			return command_bad_option(command, argv);
	}
	return command_check_arguments(command, argc, 1, 1);
}

int cmd_delete(const struct command *command, int argc, char **argv)
{
	bool force = false, regex = false;
	int result = parse_delete(command, argc, argv, &force, &regex);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	result = regex ? life_each_match(argv[optind], delete_match, &force) :
			 crun_take_over(argv[optind]) ?: life_delete(argv[optind], force);
	return command_end(command, result, STATUS_FAILURE);
}
