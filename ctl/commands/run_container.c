// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead run of a container, in a partition or in process isolation. */
#include "base/error.h"
#include "base/status.h"
#include "client/attach.h"
#include "client/client.h"
#include "commands/run.h"
#include "terminal/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waits for it to have started. */
static int detach(const struct container *container, int front)
{
	struct connection connection;
	struct frame_reply reply;
	struct frame frame;
	int n;

	connection_init(&connection, front);
	n = client_next(&connection, &frame);
	if (n <= 0)
		return n ? -1 : fail("the runner has ended unexpectedly");
	memcpy(&reply, frame.data, sizeof(reply));
	if (reply.code == REPLY_DONE) {
		printf("%s\n", container->name);
		return 0;
	}
	warn("%.*s", (int)(frame.length - sizeof(reply)), (const char *)frame.data + sizeof(reply));
	return attach_status(reply.code);
}

int run_container(const struct run_options *options)
{
	struct container container = { 0 };
	struct attachment attachment = {
		.request = FRAME_START,
		.interactive = options->interactive,
	};
	json_t *process;
	pid_t runner;
	int status;

	if (run_set_container(options, &container))
		return -1;
	process = json_object_get(container.config, "process");
	attachment.command = json_string_value(json_array_get(json_object_get(process, "args"), 0));
	attachment.terminal = json_is_true(json_object_get(process, "terminal"));
	runner = runner_start(&container, &attachment.socket);
	if (runner < 0)
		return -1;
	/* The namespace is to end with its container. */
	if (container.network >= 0)
		close(container.network);
	if (container.detached)
		return detach(&container, attachment.socket);
	/* From here on, signals are the command's. Up to here they end this process. */
	attachment.signals = signals_open();
	status = attachment.signals < 0 ? -1 : attach(&attachment);
	/* When this process ends, nothing is left of the container, its name neither. */
	waitpid(runner, NULL, 0);
	return status;
}
