/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_COMMAND_H
#define BULKHEAD_COMMAND_H

#include <stdbool.h>

struct command {
	const char *name;
	/* Gets its own name as argv[0]. Returns an exit status, having printed errors. */
	int (*function)(const struct command *command, int argc, char **argv);
	const char *arguments;
	const char *description;
	const char *options;	/* their help */
};

int cmd_run(const struct command *command, int argc, char **argv);
int cmd_exec(const struct command *command, int argc, char **argv);
int cmd_ps(const struct command *command, int argc, char **argv);
int cmd_stats(const struct command *command, int argc, char **argv);
int cmd_pause(const struct command *command, int argc, char **argv);
int cmd_resume(const struct command *command, int argc, char **argv);
int cmd_wait(const struct command *command, int argc, char **argv);
int cmd_list(const struct command *command, int argc, char **argv);
int cmd_show(const struct command *command, int argc, char **argv);
int cmd_stop(const struct command *command, int argc, char **argv);
int cmd_kill(const struct command *command, int argc, char **argv);
int cmd_rescan(const struct command *command, int argc, char **argv);
int cmd_set(const struct command *command, int argc, char **argv);
int cmd_console(const struct command *command, int argc, char **argv);
int cmd_logs(const struct command *command, int argc, char **argv);
int cmd_create(const struct command *command, int argc, char **argv);
int cmd_start(const struct command *command, int argc, char **argv);
int cmd_state(const struct command *command, int argc, char **argv);
int cmd_delete(const struct command *command, int argc, char **argv);
int cmd_update(const struct command *command, int argc, char **argv);
int cmd_events(const struct command *command, int argc, char **argv);
int cmd_features(const struct command *command, int argc, char **argv);
int cmd_spec(const struct command *command, int argc, char **argv);
int cmd_monitor(const struct command *command, int argc, char **argv);

/* What parsing options results in if help was asked for; no exit status. */
#define COMMAND_HELP	256

/*
 * Ends a command with @result: COMMAND_HELP, -1 with an error, or an exit status. Prints the help
 * or the error. Returns the exit status, which is @failure for an error.
 */
int command_end(const struct command *command, int result, int failure);

/* The error that getopt_long() found, after it returned '?' or ':'. Returns -1. */
int command_bad_option(const struct command *command, char **argv);

/* Checks that there are @min to @max arguments from @optind on. Returns 0, or -1 with an error. */
int command_check_arguments(const struct command *command, int argc, int min, int max);

/*
 * Reads the options of a command that has only --json. Its arguments are from @optind on, @min to
 * @max. Returns 0, COMMAND_HELP, or -1 with an error.
 */
int command_parse(const struct command *command, int argc, char **argv, int min, int max,
		  bool *json);

#endif
