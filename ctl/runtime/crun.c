// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/crun.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "runtime/globals.h"
#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What crun gets at most before the command. */
#define GLOBALS_MAX	10

int crun_execute(void)
{
	const char **argv cleanup_free = NULL;
	size_t n = 0, own = 0;

	while (globals.argv[own])
		own++;
	argv = calloc(GLOBALS_MAX + own + 1, sizeof(*argv));
	if (!argv)
		return fail_errno("crun");
	argv[n++] = "crun";
	argv[n++] = "--root";
	argv[n++] = globals.root;
	if (globals.log) {
		argv[n++] = "--log";
		argv[n++] = globals.log;
	}
	if (globals.log_json) {
		argv[n++] = "--log-format";
		argv[n++] = "json";
	}
	if (globals.systemd_cgroup)
		argv[n++] = "--systemd-cgroup";
	for (size_t i = 0; i < own; i++)
		argv[n++] = globals.argv[i];
	execvp("crun", (char *const *)argv);
	return fail_errno(errno == ENOENT ? "crun; install it" : "crun");
}

json_t *crun_state(const char *id)
{
	json_t *state;
	int ends[2];
	FILE *from;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return NULL;
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		execlp("crun", "crun", "--root", globals.root, "state", id, NULL);
		_exit(STATUS_NOT_FOUND);
	}
	close(ends[1]);
	from = fdopen(ends[0], "r");
	state = from ? json_loadf(from, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (from)
		fclose(from);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return state;
}

int crun_take_over(const char *id)
{
	return state_is_crun(id) ? crun_execute() : 0;
}
