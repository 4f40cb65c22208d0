// SPDX-License-Identifier: GPL-2.0-only
/* The guest's end of a network: an address for its interface, and the program of ../net.c. */
#include "bench.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define INTERFACE	"eth0"
#define PROGRAM		"/net"

static void set_address(int fd, unsigned long what, const char *text)
{
	struct ifreq request = { .ifr_name = INTERFACE };
	struct sockaddr_in address = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		die("%s: not an address", text);
	memcpy(&request.ifr_addr, &address, sizeof(address));
	if (ioctl(fd, what, &request))
		die(INTERFACE ": can't set %s: %m", text);
}

void net_serve(const char *address)
{
	struct ifreq request = { .ifr_name = INTERFACE, .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int status;
	pid_t pid;

	set_address(fd, SIOCSIFADDR, address);
	set_address(fd, SIOCSIFNETMASK, "255.255.255.0");
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		die(INTERFACE ": %m");
	pid = fork();
	if (!pid) {
		execl(PROGRAM, PROGRAM, "serve", NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die(PROGRAM ": failed");
}
