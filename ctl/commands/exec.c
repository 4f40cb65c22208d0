// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead exec */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "client/attach.h"
#include "client/client.h"
#include "commands/command.h"
#include "runner/exec.h"
#include "terminal/signals.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct exec {
	const char *container;
	struct config_options options;
	const char **env;
	unsigned int n_env;
	bool interactive;
};

/* Returns 0, -1 with an error, or 1 if help was asked for. */
static int parse(const struct command *command, int argc, char **argv, struct exec *exec)
{
	static const struct option known[] = {
		{ "env", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "interactive", no_argument, NULL, 'i' },
		{ "tty", no_argument, NULL, 't' },
		{ "user", required_argument, NULL, 'u' },
		{ "workdir", required_argument, NULL, 'w' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+e:itu:w:", known, NULL)) != -1) {
		switch (option) {
		case 'e':
			exec->env[exec->n_env++] = optarg;
			break;
		case 'h':
			return 1;
		case 'i':
			exec->interactive = true;
			break;
		case 't':
			exec->options.terminal = true;
			break;
		case 'u':
			exec->options.user = optarg;
			break;
		case 'w':
			exec->options.workdir = optarg;
			break;
		default:
			return command_bad_option(command, argv);
		}
	}
	if (argc - optind < 2)
		return fail("%s; usage: bulkhead %s %s",
			    argc == optind ? "which container, and what" : "which command",
			    command->name, command->arguments);
	exec->container = argv[optind];
	exec->options.args = (const char *const *)argv + optind + 1;
	exec->options.env = exec->env;
	return attach_check(exec->options.terminal, exec->interactive);
}

static int ask(int socket, const struct exec *exec, const struct frame_stdio *stdio)
{
	char *text cleanup_free = exec_write(&exec->options);
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

static int run(const struct exec *exec)
{
	struct attachment attachment = {
		.request = FRAME_EXEC,
		.command = exec->options.args[0],
		.terminal = exec->options.terminal,
		.interactive = exec->interactive,
	};
	struct frame_stdio stdio;

	attachment.socket = client_connect(exec->container);
	if (attachment.socket < 0)
		return -1;
	attach_stdio(&stdio, attachment.terminal, attachment.interactive);
	if (ask(attachment.socket, exec, &stdio))
		return -1;
	attachment.signals = signals_open();
	return attachment.signals < 0 ? -1 : attach(&attachment);
}

int cmd_exec(const struct command *command, int argc, char **argv)
{
	const char **env cleanup_free = calloc(argc + 1, sizeof(*env));
	struct exec exec = { .env = env };
	int status = env ? parse(command, argc, argv, &exec) : fail_errno("exec");

	if (status > 0) {
		command_print_help(command);
		return 0;
	}
	if (!status)
		status = run(&exec);
	if (status >= 0)
		return status;
	error_print();
	return STATUS_RUN_FAILURE;
}
