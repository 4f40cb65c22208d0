/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a measured program tells meter.c where work begins and ends. It writes a line and waits for
 * one in return, so that the counters are read between two instructions of its own.
 */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define MARK_BEGIN	"@begin"
#define MARK_END	"@end"

/* Waits for the answer on one of two descriptors; the second may be -1. */
static inline int mark_wait(int in, int other)
{
	struct pollfd fds[] = {
		{ .fd = in, .events = POLLIN },
		{ .fd = other, .events = POLLIN },
	};
	char c = '\0';

	while (c != '\n')
		if (poll(fds, 2, -1) < 0 || read(fds[0].revents ? in : other, &c, 1) != 1)
			return -1;
	return 0;
}

static inline int mark_begin(int out)
{
	return dprintf(out, MARK_BEGIN "\n") < 0 ? -1 : 0;
}

/* @count of what @name says have been done since mark_begin(). */
static inline int mark_end(int out, const char *name, unsigned long count)
{
	return dprintf(out, MARK_END " %s %lu\n", name, count) < 0 ? -1 : 0;
}

#endif
