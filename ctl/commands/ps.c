// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead ps */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/size.h"
#include "base/status.h"
#include "base/utf8.h"
#include "client/client.h"
#include "commands/command.h"
#include "control/part.h"
#include "runtime/crun.h"
#include "runtime/state.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NSEC_PER_USEC	1000

/* As callers of an OCI runtime read it. */
static bool pids_only;

/* Arguments are separated by blanks here, and none of them plays with the terminal. */
static void print_command(const char *command, size_t length)
{
	for (size_t i = 0; i < length; i++)
		putchar(!command[i] ? ' ' : isprint((unsigned char)command[i]) ? command[i] : '?');
	putchar('\n');
}

static int print_process(const struct frame_process *process, const char *command, json_t *array)
{
	char cpu[PART_UPTIME_TEXT], memory[SIZE_TEXT];
	json_t *args;

	if (pids_only)
		return json_array_append_new(array, json_integer(process->pid)) ?
		       fail("can't make JSON") : 0;
	if (!array) {
		printf("%-8u %-8u %-8u %-8s %-8s ", process->pid, process->parent, process->uid,
		       part_uptime_text(process->cpu_usec * NSEC_PER_USEC, cpu),
		       size_format(process->memory, memory));
		print_command(command, process->command_length);
		return 0;
	}
	args = json_array();
	for (size_t i = 0; i < process->command_length;) {
		char *text cleanup_free = NULL;
		size_t length = strnlen(command + i, process->command_length - i);

		text = utf8_sanitize(command + i, length);
		json_array_append_new(args, text ? json_string(text) : NULL);
		i += length + 1;
	}
	return json_array_append_new(array, json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}",
		"pid", (json_int_t)process->pid, "ppid", (json_int_t)process->parent,
		"uid", (json_int_t)process->uid, "cpu-usec", (json_int_t)process->cpu_usec,
		"memory", (json_int_t)process->memory, "command", args)) ?
		fail("can't make JSON") : 0;
}

/* What comes may be a guest's, and is checked piece by piece. */
static int print_all(const char *data, size_t length, json_t *array)
{
	struct frame_process process;

	while (length) {
		if (length < sizeof(process))
			return fail("malformed list of processes");
		memcpy(&process, data, sizeof(process));
		data += sizeof(process);
		length -= sizeof(process);
		if (process.command_length > length)
			return fail("malformed list of processes");
		if (print_process(&process, data, array))
			return -1;
		data += process.command_length;
		length -= process.command_length;
	}
	return 0;
}

static int ps(const char *container, bool json)
{
	void *answer cleanup_free = NULL;
	int socket cleanup_close = state_connect(container);
	json_t *array = json ? json_array() : NULL;
	size_t length;

	if (socket < 0)
		return -1;
	answer = client_ask(socket, FRAME_PS, NULL, 0, &length);
	if (!answer)
		return error_prefix("%s", container);
	if (!json)
		printf("%-8s %-8s %-8s %-8s %-8s %s\n", "PID", "PPID", "UID", "CPU", "MEMORY",
		       "COMMAND");
	if (print_all(answer, length, array)) {
		json_decref(array);
		return error_prefix("%s", container);
	}
	return json ? part_print_json(array, JSON_INDENT(2)) : 0;
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, bool *json)
{
	static const struct option known[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "f:", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == 'j') {
			*json = true;
		} else if (option != 'f') {
			return command_bad_option(command, argv);
		} else if (!strcmp(optarg, "json")) {
			pids_only = true;
			*json = true;
		} else if (strcmp(optarg, "table")) {
			return fail("--format: %s: neither table nor json", optarg);
		}
	}
	return command_check_arguments(command, argc, 1, 1);
}

int cmd_ps(const struct command *command, int argc, char **argv)
{
	bool json = false;
	int result = parse(command, argc, argv, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	result = crun_take_over(argv[optind]) ?: ps(argv[optind], json);
	return command_end(command, result, STATUS_FAILURE);
}
