// SPDX-License-Identifier: GPL-2.0-only
/* Makes the guest's initramfs a place from which crun can start containers. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_ROOT	"/root"

struct mount_point {
	const char *path;
	const char *source;
	const char *type;
	unsigned long flags;
	const char *options;
};

#define NO_FILES	(MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* In this order: what lies in another comes after it. */
static const struct mount_point mount_points[] = {
	{ "/proc", "proc", "proc", NO_FILES, NULL },
	{ "/sys", "sysfs", "sysfs", NO_FILES, NULL },
	{ "/sys/fs/cgroup", "cgroup", "cgroup2", NO_FILES, NULL },
	{ "/dev/pts", "devpts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666,mode=0620,gid=5" },
	{ "/run", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755" },
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

/*
 * pivot_root(), by which crun enters a container, can't leave an initramfs' own root. But it can
 * leave a second mount of the same files, put over the first.
 */
static void leave_initramfs(void)
{
	make_dir(NEW_ROOT, 0755);
	if (mount("/", NEW_ROOT, NULL, MS_BIND | MS_REC, NULL) || chdir(NEW_ROOT) ||
	    mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("can't leave the initramfs: %m");
	/* Or else what crun unmounts in a container is unmounted here. */
	if (mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL))
		die("can't make mounts private: %m");
}

static void mount_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++) {
		const struct mount_point *m = &mount_points[i];

		make_dir(m->path, 0755);
		/* A kernel may be built without some of these; few containers need them all. */
		if (mount(m->source, m->path, m->type, m->flags, m->options))
			say("can't mount %s on %s: %m", m->type, m->path);
	}
}

/* What the host shares: the container's root, and its volumes. */
static void mount_share(void)
{
	make_dir("/run/bulkhead", 0755);
	make_dir("/run/bulkhead/namespaces", 0755);
	make_dir(SHARED_MEMORY, 01777);
	make_dir(SHARE_DIR, 0755);
	if (mount(SHARE_TAG, SHARE_DIR, "virtiofs", 0, NULL))
		die("can't mount what the host shares: %m");
}

void mounts_setup(void)
{
	umask(022);
	make_dir("/dev", 0755);
	if (!mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755"))
		open_console();
	leave_initramfs();
	mount_all();
	modules_load();
	unlink(AGENT_PATH);
	mount_share();
}

void mounts_forget(uint32_t tree)
{
	char path[sizeof(SHARE_DIR) + 16];

	snprintf(path, sizeof(path), SHARE_DIR "/%u", tree);
	/*
	 * If a name is to be made, the kernel asks the server for it, however fresh what it knows.
	 * A directory that is gone it drops, with all below it: files that the host has deleted,
	 * and couldn't free yet. A link to another file system isn't made.
	 */
	if (link("/", path) && errno != EXDEV)
		say("%s: still shared: %m", path);
}
