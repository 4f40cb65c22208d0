// SPDX-License-Identifier: GPL-2.0-only
/* A stream on its way between the runner and a process. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct pump *pump_create(int from, int to)
{
	struct pump *pump = malloc(sizeof(*pump));

	if (!pump) {
		close(from);
		close(to);
		return NULL;
	}
	pump->from = from;
	pump->to = to;
	pump->start = 0;
	pump->end = 0;
	fcntl(from, F_SETFL, O_NONBLOCK);
	fcntl(to, F_SETFL, O_NONBLOCK);
	return pump;
}

void pump_free(struct pump *pump)
{
	if (!pump)
		return;
	close_fd(&pump->from);
	close_fd(&pump->to);
	free(pump);
}

/* Returns whether to go on: something came. */
static bool take(struct pump *pump, bool last)
{
	ssize_t n = read(pump->from, pump->data, sizeof(pump->data));

	if (n > 0) {
		pump->start = 0;
		pump->end = n;
		return true;
	}
	/* The end of a terminal is EIO. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR) || (errno == EAGAIN && last))
		close_fd(&pump->from);
	return false;
}

static bool give(struct pump *pump)
{
	ssize_t n = write(pump->to, pump->data + pump->start, pump->end - pump->start);

	if (n > 0) {
		pump->start += n;
		return true;
	}
	if (errno != EAGAIN && errno != EINTR)
		close_fd(&pump->to);
	return false;
}

bool pump_move(struct pump *pump, bool last)
{
	while (pump->to >= 0) {
		if (pump->start < pump->end) {
			if (!give(pump))
				break;
		} else if (pump->from < 0) {
			close_fd(&pump->to);
		} else if (!take(pump, last) && pump->from >= 0) {
			break;
		}
	}
	return pump->to >= 0;
}

void pump_poll(const struct pump *pump, struct pollfd fds[2])
{
	bool full = pump->start < pump->end;

	fds[0] = (struct pollfd){ .fd = full ? -1 : pump->from, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = pump->to, .events = full ? POLLOUT : 0 };
	/* Of a socket that takes output, nothing ever comes but the news that nobody reads it. */
	fds[1].events |= POLLRDHUP;
}

void pump_polled(struct pump *pump, const struct pollfd fds[2])
{
	if (fds[1].revents & (POLLERR | POLLHUP | POLLRDHUP))
		close_fd(&pump->to);
}

void pump_close_input(struct pump *pump)
{
	close_fd(&pump->from);
	pump->start = pump->end;
}
