// SPDX-License-Identifier: GPL-2.0-only
/* The socket by which a container says that it is ready, as by sd_notify(3). */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int notify_open(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = NOTIFY_DIR "/notify" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Whoever the container's processes are. */
	if (fd >= 0 && (!mkdir(NOTIFY_DIR, 0755) || errno == EEXIST) &&
	    !bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !chmod(addr.sun_path, 0777))
		return fd;
	say(NOTIFY_DIR ": %m");
	if (fd >= 0)
		close(fd);
	return -1;
}

bool notify_is_ready(int fd)
{
	char text[4096] = "\n";
	bool ready = false;
	ssize_t n;

	/* Descriptors that come along are dropped: who waits for that may go on. */
	while ((n = recv(fd, text + 1, sizeof(text) - 3, 0)) >= 0) {
		memcpy(text + 1 + n, "\n", 2);
		ready |= !!strstr(text, "\nREADY=1\n");
	}
	return ready;
}
