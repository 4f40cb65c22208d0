// SPDX-License-Identifier: GPL-2.0-only
#include "runner/cleaner.h"
#include "base/error.h"
#include "runner/directory.h"
#include "runner/runner.h"
#include "takeover/takeover.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int descriptor = -1;
static pid_t cleaner;

/* Of what the runner has open, a client's socket above all is to end with the runner. */
static void close_but(const int *keep, size_t n)
{
	unsigned int from = STDERR_FILENO + 1, next;

	do {
		next = ~0U;
		for (size_t i = 0; i < n; i++)
			if (keep[i] >= (int)from && (unsigned int)keep[i] < next)
				next = keep[i];
		if (next > from)
			syscall(SYS_close_range, from, next - 1, 0);
		from = next + 1;
	} while (from);
}

static void clean(const struct container *container)
{
	if (container->partition)
		takeover_sweep(container->network);
	directory_sweep(container->name);
}

static noreturn void cleaner_main(const struct container *container, int lock, int runner)
{
	const int keep[] = { lock, runner, container->network };
	char done;
	ssize_t n;

	/* As a name, for who looks for processes. */
	prctl(PR_SET_NAME, "bulkhead-clean");
	setsid();
	/* Who ends all there is ends the runner, too. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	close_but(keep, ARRAY_SIZE(keep));
	if (chdir("/"))
		_exit(1);
	do
		n = read(runner, &done, sizeof(done));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		clean(container);
	_exit(0);
}

int cleaner_start(const struct container *container, int lock)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return fail_errno("can't start the cleaner");
	cleaner = fork();
	if (cleaner < 0)
		return fail_errno("can't start the cleaner");
	if (!cleaner) {
		close(ends[1]);
		cleaner_main(container, lock, ends[0]);
	}
	close(ends[0]);
	descriptor = ends[1];
	return 0;
}

int cleaner_descriptor(void)
{
	return descriptor;
}

void cleaner_end(void)
{
	char done = 0;

	if (descriptor < 0)
		return;
	/* If it isn't there, there is nothing to be done either. */
	if (write(descriptor, &done, sizeof(done)) == sizeof(done))
		waitpid(cleaner, NULL, 0);
	close(descriptor);
	descriptor = -1;
}
