// SPDX-License-Identifier: GPL-2.0-only
#include "net/namespace.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define GIVE_ONE	"give one such as /run/netns/NAME or /proc/PID/ns/net"

static const struct {
	int type;
	const char *name;
} types[] = {
	{ CLONE_NEWCGROUP, "cgroup" },
	{ CLONE_NEWIPC, "ipc" },
	{ CLONE_NEWNS, "mount" },
	{ CLONE_NEWPID, "pid" },
	{ CLONE_NEWUSER, "user" },
	{ CLONE_NEWUTS, "uts" },
};

static const char *name_of(int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "another";
}

static int check_type(int fd, const char *path)
{
	struct statfs fs;
	int type;

	/* Devices are asked for nothing: the number of this request may mean something to them. */
	if (fstatfs(fd, &fs) || fs.f_type != NSFS_MAGIC)
		return fail("%s: not a namespace; " GIVE_ONE, path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type != CLONE_NEWNET)
		return fail("%s: of type %s, not network; " GIVE_ONE, path, name_of(type));
	return 0;
}

int namespace_open(const char *path)
{
	/* Without O_NONBLOCK a FIFO would wait here for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return fail("%s: there is no such namespace; " GIVE_ONE, path);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return fail("%s: not allowed to open it; run it as root", path);
	if (fd < 0)
		return fail_errno("%s", path);
	if (!check_type(fd, path))
		return fd;
	close(fd);
	return -1;
}

static int open_current(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fail_errno("/proc/thread-self/ns/net") : fd;
}

/* It was possible before, and what would run on elsewhere would do harm there. */
static void go_back(int fd)
{
	if (setns(fd, CLONE_NEWNET))
		abort();
}

static int start_loopback(void)
{
	int fd cleanup_close = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) ? fail_errno("lo") : 0;
}

bool namespace_is_own(int fd)
{
	struct stat own, other;

	return !stat("/proc/self/ns/net", &own) && !fstat(fd, &other) &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

int namespace_create(void)
{
	int before cleanup_close = open_current();
	int fd;

	if (before < 0)
		return -1;
	if (unshare(CLONE_NEWNET))
		return fail_errno("can't make a network namespace");
	fd = open_current();
	if (fd >= 0 && start_loopback()) {
		close(fd);
		fd = -1;
	}
	go_back(before);
	return fd < 0 ? error_prefix("can't make a network namespace") : fd;
}

int namespace_run(int fd, int (*function)(void *data), void *data)
{
	int before cleanup_close = open_current();
	int result;

	if (before < 0)
		return -1;
	if (setns(fd, CLONE_NEWNET))
		return fail_errno("can't enter the network namespace");
	result = function(data);
	go_back(before);
	return result;
}
