// SPDX-License-Identifier: GPL-2.0-only
/* What the agent does alike in a guest and on the host. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int connect_to(const struct sockaddr *addr, socklen_t length)
{
	int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd >= 0 && !connect(fd, addr, length))
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	return -error;
}

void set_oom_score(const char *score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, score, strlen(score)) < 0)
		say("/proc/self/oom_score_adj: can't write %s: %m", score);
	if (fd >= 0)
		close(fd);
}
