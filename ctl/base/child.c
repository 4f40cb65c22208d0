// SPDX-License-Identifier: GPL-2.0-only
#include "base/child.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/timeout.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns 1 if the child has ended, 0 if it hasn't in time, or -1 with an error. */
static int wait_end(pid_t child, int seconds)
{
	int pidfd cleanup_close = syscall(SYS_pidfd_open, child, 0);
	uint64_t end = timeout_clock() + seconds * 1000ULL;
	struct pollfd wanted = { .fd = pidfd, .events = POLLIN };
	int n;

	if (pidfd < 0)
		return fail_errno("can't wait for it");
	do {
		uint64_t now = timeout_clock();

		n = poll(&wanted, 1, !seconds ? -1 : now < end ? (int)(end - now) : 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? fail_errno("can't wait for it") : n;
}

int child_wait(pid_t child, int seconds)
{
	int ended = wait_end(child, seconds);
	int status;

	if (ended != 1) {
		/* The first kills what it started, too, but not a child that is yet to be one. */
		kill(-child, SIGKILL);
		kill(child, SIGKILL);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return fail_errno("can't wait for it");
	if (ended < 0)
		return -1;
	return ended ? status : fail("killed, it took longer than its timeout of %d s", seconds);
}
