// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/relay.h"
#include "base/error.h"
#include "base/status.h"
#include "client/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The terminal is this process' own, which so learns of its size and end. */
static int take_console(int console)
{
	if (setsid() < 0 || ioctl(console, TIOCSCTTY, 0))
		return fail_errno("can't take the terminal");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(console, fd) < 0)
			return fail_errno("can't take the terminal");
	close(console);
	return 0;
}

static noreturn void relay_main(struct session *session, int console)
{
	int status = console >= 0 ? take_console(console) : 0;

	if (!status)
		status = attach_follow(session);
	if (status < 0)
		error_print();
	_exit(status < 0 ? STATUS_RUN_FAILURE : status);
}

int relay_start(struct session *session, int console)
{
	int pid = fork();

	if (pid < 0)
		return fail_errno("can't start the relay");
	if (!pid)
		relay_main(session, console);
	return pid;
}

int relay_write_pid(const char *path, int pid)
{
	FILE *file;

	if (!path)
		return 0;
	file = fopen(path, "we");
	if (!file || fprintf(file, "%d", pid) < 0 || fclose(file))
		return fail_errno("--pid-file: %s", path);
	return 0;
}
