// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/crun.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "runtime/globals.h"
#include "runtime/state.h"

#include <errno.h>
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

int crun_take_over(const char *id)
{
	return state_is_crun(id) ? crun_execute() : 0;
}
