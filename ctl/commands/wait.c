// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead wait */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "client/client.h"
#include "commands/command.h"
#include "control/part.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Adds to @array, or prints the status. */
static int wait_for(const char *container, json_t *array)
{
	void *answer cleanup_free = NULL;
	int socket cleanup_close = client_connect(container);
	struct frame_exited exited;
	size_t length;

	if (socket < 0)
		return -1;
	answer = client_ask(socket, FRAME_WAIT, NULL, 0, &length);
	if (!answer)
		return error_prefix("%s", container);
	if (length != sizeof(exited))
		return fail("%s: its runner answered something else", container);
	memcpy(&exited, answer, length);
	if (!array)
		printf("%u\n", exited.status);
	else
		json_array_append_new(array, json_pack("{s:s, s:i, s:b}", "name", container,
						       "exit-status", (int)exited.status, "oom",
						       (int)(exited.flags & EXITED_OOM)));
	return 0;
}

int cmd_wait(const struct command *command, int argc, char **argv)
{
	json_t *array;
	bool json;
	int result = command_parse(command, argc, argv, 1, INT_MAX, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	array = json ? json_array() : NULL;
	for (int i = optind; i < argc; i++) {
		if (wait_for(argv[i], array)) {
			error_print();
			result = STATUS_FAILURE;
		}
		fflush(stdout);
	}
	if (array && part_print_json(array, JSON_INDENT(2))) {
		error_print();
		result = STATUS_FAILURE;
	}
	return result;
}
