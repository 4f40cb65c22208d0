// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead exec */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "client/attach.h"
#include "client/client.h"
#include "commands/command.h"
#include "runner/exec.h"
#include "runtime/crun.h"
#include "runtime/relay.h"
#include "runtime/state.h"
#include "terminal/signals.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

struct exec {
	const char *container;
	struct config_options options;
	const char **env;
	unsigned int n_env;
	const char **caps;
	unsigned int n_caps;
	const char *process;	/* a file with an OCI process, which says it all */
	const char *cgroup;	/* below the container's, or NULL */
	const char *console;	/* a socket that gets the terminal */
	const char *pid_file;
	bool interactive;
	bool detach;
};

static int add_option(struct exec *exec, int option, const char *value)
{
	switch (option) {
	case 'c':
		exec->caps[exec->n_caps++] = value;
		return 0;
	case 'C':
		exec->console = value;
		return 0;
	case 'd':
		exec->detach = true;
		return 0;
	case 'e':
		exec->env[exec->n_env++] = value;
		return 0;
	case 'g':
		exec->cgroup = value;
		return 0;
	case 'F':
		return strcmp(value, "0") ?
		       fail("--preserve-fds: a partition has no descriptors of the host's") : 0;
	case 'i':
		exec->interactive = true;
		return 0;
	case 'n':
		exec->options.no_new_privileges = true;
		return 0;
	case 'p':
		exec->process = value;
		return 0;
	case 'P':
		exec->pid_file = value;
		return 0;
	case 'R':
		return fail("%s: a partition has no such thing; leave it out", value);
	case 't':
		exec->options.terminal = true;
		return 0;
	case 'u':
		exec->options.user = value;
		return 0;
	default:
		exec->options.workdir = value;
		return 0;
	}
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, struct exec *exec)
{
	static const struct option known[] = {
		{ "apparmor", required_argument, NULL, 'R' },
		{ "cap", required_argument, NULL, 'c' },
		{ "cgroup", required_argument, NULL, 'g' },
		{ "console-socket", required_argument, NULL, 'C' },
		{ "cwd", required_argument, NULL, 'w' },
		{ "detach", no_argument, NULL, 'd' },
		{ "env", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "interactive", no_argument, NULL, 'i' },
		{ "no-new-privs", no_argument, NULL, 'n' },
		{ "pid-file", required_argument, NULL, 'P' },
		{ "preserve-fds", required_argument, NULL, 'F' },
		{ "process", required_argument, NULL, 'p' },
		{ "process-label", required_argument, NULL, 'R' },
		{ "tty", no_argument, NULL, 't' },
		{ "user", required_argument, NULL, 'u' },
		{ "workdir", required_argument, NULL, 'w' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+c:de:ip:tu:w:", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == '?')
			return command_bad_option(command, argv);
		/* Process isolation has them all, and its containers are looked for later. */
		if (add_option(exec, option, optarg))
			return -1;
	}
	if (argc - optind < 1 + !exec->process)
		return fail("%s; usage: bulkhead %s %s",
			    argc == optind ? "which container, and what" : "which command",
			    command->name, command->arguments);
	exec->container = argv[optind];
	exec->options.args = (const char *const *)argv + optind + 1;
	exec->options.env = exec->env;
	exec->options.caps = exec->caps;
	return 0;
}

static int set_streams(struct exec *exec)
{
	if (exec->process && exec_has_terminal(exec->process, &exec->options.terminal))
		return -1;
	/* Who has made it by create expects standard input to be passed on, as runc does it. */
	if (exec->process || state_exists(exec->container))
		exec->interactive = true;
	if (!exec->options.terminal || exec->console)
		return 0;
	if (exec->detach)
		return fail("--detach: give --console-socket, which is to get the terminal");
	return attach_check(true, exec->interactive);
}

static int ask(int socket, const struct exec *exec, const struct frame_stdio *stdio)
{
	char *text cleanup_free = exec->process ?
				  exec_load(exec->process, exec->cgroup) :
				  exec_write(&exec->options, exec->cgroup);
	struct connection connection;
	int result = 0;

	if (!text)
		return -1;
	/* Only what is sent goes through it: what comes is read by attach(). */
	connection_init(&connection, socket);
	if (connection_put(&connection, FRAME_EXEC, 0, stdio, sizeof(*stdio), text,
			   strlen(text)) ||
	    connection_flush(&connection))
		result = fail("the container's runner takes no request");
	connection.fd = -1;
	connection_close(&connection);
	return result;
}

/* The process that the number in --pid-file is of has the command's streams, and its status. */
static int run_relayed(const struct exec *exec, const struct attachment *attachment, int console)
{
	struct session *session;
	int code, relay, status;

	code = attach_begin(attachment, &session);
	if (code != REPLY_DONE) {
		error_print();
		return attach_status(code);
	}
	relay = relay_start(session, console);
	if (relay < 0 || relay_write_pid(exec->pid_file, relay))
		return -1;
	if (exec->detach)
		return 0;
	waitpid(relay, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNAL + WTERMSIG(status);
}

static int run(struct exec *exec)
{
	static struct attachment attachment = { .request = FRAME_EXEC };
	struct frame_stdio stdio;
	int console = -1;

	if (set_streams(exec))
		return -1;
	attachment.command = exec->options.args[0];
	attachment.terminal = exec->options.terminal;
	attachment.interactive = exec->interactive;
	attachment.relays = exec->detach;
	attachment.socket = state_connect(exec->container);
	if (attachment.socket < 0)
		return -1;
	attach_stdio(&stdio, attachment.terminal, attachment.interactive);
	if (exec->console && attachment.terminal) {
		console = console_send(exec->console);
		if (console < 0)
			return -1;
		console_wait_for_size(console, &stdio.size);
	}
	if (ask(attachment.socket, exec, &stdio))
		return -1;
	attachment.signals = signals_open();
	if (attachment.signals < 0)
		return -1;
	return exec->detach || exec->pid_file || exec->console ?
	       run_relayed(exec, &attachment, console) : attach(&attachment);
}

int cmd_exec(const struct command *command, int argc, char **argv)
{
	const char **env cleanup_free = calloc(argc + 1, sizeof(*env));
	const char **caps cleanup_free = calloc(argc + 1, sizeof(*caps));
	struct exec exec = { .env = env, .caps = caps };
	int result = env && caps ? parse(command, argc, argv, &exec) : fail_errno("exec");

	if (!result)
		result = crun_take_over(exec.container) ?: run(&exec);
	return command_end(command, result, STATUS_RUN_FAILURE);
}
