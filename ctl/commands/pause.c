// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead pause, bulkhead resume */
#include "base/cleanup.h"
#include "client/client.h"
#include "commands/command.h"
#include "commands/each.h"
#include "runtime/state.h"

#include <stdlib.h>

static int ask(const char *container, enum frame_type request)
{
	void *answer cleanup_free = NULL;
	int socket cleanup_close = state_connect(container);
	size_t length;

	if (socket < 0)
		return -1;
	answer = client_ask(socket, request, NULL, 0, &length);
	return answer ? 0 : -1;
}

static int pause_container(const char *container)
{
	return ask(container, FRAME_PAUSE);
}

static int resume_container(const char *container)
{
	return ask(container, FRAME_RESUME);
}

int cmd_pause(const struct command *command, int argc, char **argv)
{
	return each_container(command, argc, argv, pause_container);
}

int cmd_resume(const struct command *command, int argc, char **argv)
{
	return each_container(command, argc, argv, resume_container);
}
