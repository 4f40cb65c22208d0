// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/relay.h"
#include "base/error.h"
#include "base/status.h"
#include "client/attach.h"
#include "runner/view.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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

	signal(SIGPIPE, SIG_IGN);
	if (!status)
		status = attach_follow(session);
	/* Without its runner, it was killed: where that can be told, it is. */
	_exit(status < 0 ? STATUS_SIGNAL + SIGKILL : status);
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

/* What is wrong is written to the pipe, whose end alone says that nothing is. */
static noreturn void relay_all(int pipe, int (*begin)(void *data, struct session **session),
			       void *data, const char *path, const json_t *config)
{
	struct session *session;
	int console = -1;
	int result;

	result = begin(data, &session);
	if (!result && path) {
		console = console_send(path);
		result = console < 0 ? -1 : 0;
	}
	if (!result)
		result = view_enter(config);
	if (result) {
		if (write(pipe, error_text(), strlen(error_text())) < 0)
			warn("%s", error_text());
		_exit(STATUS_RUN_FAILURE);
	}
	prctl(PR_SET_PDEATHSIG, 0);
	close(pipe);
	relay_main(session, console);
}

int relay_run(int (*begin)(void *data, struct session **session), void *data, const char *console,
	      const json_t *config)
{
	const pid_t parent = getpid();
	char text[1024] = "";
	size_t length = 0;
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return fail_errno("can't start the relay");
	pid = fork();
	if (pid < 0)
		return fail_errno("can't start the relay");
	if (!pid) {
		close(ends[0]);
		/* When who waits for this is killed, nobody knows of it. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(STATUS_RUN_FAILURE);
		relay_all(ends[1], begin, data, console, config);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(ends[0]);
	if (!length && !waitpid(pid, NULL, WNOHANG))
		return pid;
	waitpid(pid, NULL, 0);
	return fail("%s", length ? text : "the relay has ended unexpectedly");
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
