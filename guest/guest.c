// SPDX-License-Identifier: GPL-2.0-only
/* The agent as PID 1 of a partition's guest. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORK_DIR	"/run/bulkhead/agent"

static unsigned int port;

/* Only the runner knows the port; it is on the command line that it gave the kernel. */
static unsigned int find_port(void)
{
	char line[4096] = "";
	const char *found;
	ssize_t n;
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n < 0)
		die("/proc/cmdline: %m");
	close(fd);
	found = strstr(line, PORT_PARAMETER);
	if (!found)
		die("no " PORT_PARAMETER " on the kernel's command line");
	return strtoul(found + strlen(PORT_PARAMETER), NULL, 10);
}

static int connect_vsock(void)
{
	const struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = port,
	};

	return connect_to((const struct sockaddr *)&addr, sizeof(addr));
}

const struct place *guest_enter(void)
{
	static struct place place = {
		.container = "container",
		.connect = connect_vsock,
		.button_pressed = button_pressed,
		.network = network_setup,
		.forget = mounts_forget,
		.end = power_off,
	};

	mounts_setup();
	network_enter();
	/* A guest without memory can do without anybody but the one who tells the runner so. */
	set_oom_score("-1000");
	if ((mkdir(WORK_DIR, 0700) && errno != EEXIST) || chdir(WORK_DIR))
		die(WORK_DIR ": %m");
	place.button = button_open();
	port = find_port();
	return &place;
}
