// SPDX-License-Identifier: GPL-2.0-only
/* Leaves the initramfs for the root that the host shares, and makes it what a container expects. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOSTNAME	"bulkhead"
#define NEW_ROOT	"/root"

struct mount_point {
	const char *path;
	const char *type;
	unsigned long flags;
	const char *options;
};

/* In this order: /dev comes before what lies in it. */
static const struct mount_point mount_points[] = {
	{ "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "/dev", "devtmpfs", MS_NOSUID, "mode=0755" },
	{ "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666,mode=0620,gid=5" },
	{ "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777" },
	{ "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
};

static const char *const device_links[][2] = {
	{ "/proc/self/fd", "/dev/fd" },
	{ "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" },
	{ "/proc/self/fd/2", "/dev/stderr" },
};

/* chmod() too: the umask doesn't apply to it. */
static void make_dir(const char *path, mode_t mode)
{
	if (!mkdir(path, mode))
		chmod(path, mode);
}

/*
 * The kernel opens /dev/console for PID 1, if the initramfs has one; this one has none. With /dev
 * mounted it is there, unless the kernel has no console at all.
 */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		die("/dev/null: %m");
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		say("no loopback interface: %m");
		return;
	}
	request.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		say("can't raise the loopback interface: %m");
	close(fd);
}

/* What it takes to load modules, and to say what is wrong, before there is a root. */
static void prepare(void)
{
	make_dir("/dev", 0755);
	make_dir("/sys", 0755);
	make_dir(NEW_ROOT, 0755);
	if (!mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		open_console();
	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		say("can't mount sysfs: %m");
	modules_load();
	unlink(AGENT_PATH);
}

static void enter_root(void)
{
	if (mount(ROOT_TAG, NEW_ROOT, "virtiofs", 0, NULL))
		die("can't mount the root that the host shares: %m");
	/* An initramfs can't be unmounted, nor left by pivot_root(): the root is put over it. */
	if (chdir(NEW_ROOT) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("can't enter the root that the host shares: %m");
}

void root_setup(void)
{
	umask(022);
	prepare();
	enter_root();
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++) {
		const struct mount_point *m = &mount_points[i];

		make_dir(m->path, 0755);
		/* A kernel may be built without some of these; a command rarely needs them all. */
		if (mount(m->type, m->path, m->type, m->flags, m->options))
			say("can't mount %s on %s: %m", m->type, m->path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(device_links); i++)
		if (symlink(device_links[i][0], device_links[i][1]) && errno != EEXIST)
			say("%s: %m", device_links[i][1]);
	make_dir("/run", 0755);
	make_dir("/tmp", 01777);
	if (sethostname(HOSTNAME, strlen(HOSTNAME)))
		say("can't set the host name: %m");
	raise_loopback();
}
