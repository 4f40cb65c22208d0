// SPDX-License-Identifier: GPL-2.0-only
#include "base/cleanup.h"
#include "base/error.h"
#include "runtime/relay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How long who gets a terminal may take to set its size. */
#define SIZE_MS		100

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path) >=
	    (int)sizeof(addr.sun_path))
		return fail("--console-socket: %s: too long for a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	fail_errno("--console-socket: %s", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* With the terminal's name, which callers may print. */
static int send_master(int socket, int master, char *name)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = name, .iov_len = strlen(name) };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &master, sizeof(int));
	return sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ?
	       fail_errno("can't send the terminal to --console-socket") : 0;
}

int console_send(const char *path)
{
	int socket cleanup_close = connect_to(path);
	int console, master cleanup_close = -1;
	char name[64];

	if (socket < 0)
		return -1;
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, name, sizeof(name)))
		return fail_errno("can't make a terminal");
	console = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console < 0)
		return fail_errno("%s", name);
	if (!send_master(socket, master, name))
		return console;
	close(console);
	return -1;
}

void console_wait_for_size(int console, struct frame_size *size)
{
	struct winsize window;

	for (int i = 0; i < SIZE_MS; i++) {
		if (ioctl(console, TIOCGWINSZ, &window))
			return;
		*size = (struct frame_size){ window.ws_row, window.ws_col };
		if (size->rows && size->columns)
			return;
		usleep(1000);
	}
}
