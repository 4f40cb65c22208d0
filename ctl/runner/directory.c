// SPDX-License-Identifier: GPL-2.0-only
#include "runner/directory.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "net/network.h"
#include "runner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK		"lock"
#define BASE_LOCK	DIRECTORY_BASE "/.lock"

static void path_of(char path[PATH_MAX], const char *name, const char *file)
{
	snprintf(path, PATH_MAX, DIRECTORY_BASE "/%.*s/%s", NAME_MAX, name, file);
}

/* Returns a descriptor that has the lock, or -1 if somebody else has, or nobody can. */
static int lock(const char *path, int operation)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0 && flock(fd, operation)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_stale(const char *name)
{
	char path[PATH_MAX];
	int fd;

	path_of(path, name, LOCK);
	fd = lock(path, LOCK_SH | LOCK_NB);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* What runs on of a container whose runner and agent were killed. */
static void delete_container(const char *name)
{
	char root[PATH_MAX];
	pid_t pid;

	path_of(root, name, "crun");
	if (access(root, F_OK))
		return;
	pid = fork();
	if (!pid) {
		execlp("crun", "crun", "--root", root, "delete", "--force", name, NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void remove_tree(const char *name)
{
	char path[PATH_MAX];
	char *const paths[] = { path, NULL };
	FTSENT *entry;
	FTS *tree;

	path_of(path, name, "");
	tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info != FTS_D)
			remove(entry->fts_accpath);
	if (tree)
		fts_close(tree);
}

void directory_sweep(const char *name)
{
	char path[PATH_MAX];

	delete_container(name);
	path_of(path, name, DIRECTORY_CGROUP);
	cgroup_sweep(path);
	path_of(path, name, "");
	network_leave(path);
	remove_tree(name);
}

/* Calls @look for each directory. Returns what it does, once that isn't 0. */
static int each(int (*look)(const char *name, void *data), void *data)
{
	DIR *base = opendir(DIRECTORY_BASE);
	struct dirent *entry;
	int result = 0;

	while (base && !result && (entry = readdir(base)))
		if (entry->d_name[0] != '.')
			result = look(entry->d_name, data);
	if (base)
		closedir(base);
	return result;
}

void directory_sweep_stale(const char *name)
{
	char path[PATH_MAX];

	path_of(path, name, "");
	if (!access(path, F_OK) && is_stale(name))
		directory_sweep(name);
}

static int sweep(const char *name, void *data)
{
	(void)data;
	directory_sweep_stale(name);
	return 0;
}

int directory_make(const char *name)
{
	int base cleanup_close = -1;
	char path[PATH_MAX];
	int fd;

	if (geteuid())
		return fail("containers take root, for their mounts and cgroups; run it as root");
	if (mkdir(DIRECTORY_BASE, 0755) && errno != EEXIST)
		return fail_errno(DIRECTORY_BASE);
	/* Nobody sweeps a directory that isn't locked yet. */
	base = lock(BASE_LOCK, LOCK_EX);
	if (base < 0)
		return fail_errno(BASE_LOCK);
	each(sweep, NULL);
	path_of(path, name, "");
	if (mkdir(path, 0700)) {
		if (errno == EEXIST)
			return fail("%s: there is a container of that name; choose another", name);
		return fail_errno("%s", path);
	}
	path_of(path, name, LOCK);
	/* Whoever looks whether it is stale has the lock for a moment. */
	fd = lock(path, LOCK_EX);
	return fd < 0 ? fail_errno("%s", path) : fd;
}

int directory_create(const char *name)
{
	int fd = directory_make(name);
	char path[PATH_MAX];

	path_of(path, name, "");
	if (fd >= 0 && chdir(path)) {
		close(fd);
		return fail_errno("%s", path);
	}
	return fd;
}

void directory_remove(const char *name)
{
	remove_tree(name);
}

struct search {
	int (*found)(const char *name, void *data);
	void *data;
};

static int look_for_living(const char *name, void *data)
{
	const struct search *search = data;

	return is_stale(name) ? 0 : search->found(name, search->data);
}

int directory_each(int (*found)(const char *name, void *data), void *data)
{
	struct search search = { found, data };

	return each(look_for_living, &search);
}
