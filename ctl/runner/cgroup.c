// SPDX-License-Identifier: GPL-2.0-only
/* Documentation/admin-guide/cgroup-v2.rst */
#include "runner/cgroup.h"
#include "runner/scope.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUPS		"/sys/fs/cgroup"

/* cpu.weight for linux.resources.cpu.shares, 2 to 262144, as runc and crun have it. */
#define SHARES_MIN	2
#define SHARES_RANGE	262142
#define WEIGHT_RANGE	9999

/* A second in all. */
#define REMOVE_TRIES	100
#define REMOVE_USEC	10000

static char entered[PATH_MAX];	/* empty if none was */
static char before[PATH_MAX];

static int write_text(const char *path, const char *text)
{
	int fd cleanup_close = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int write_to(const char *cgroup, const char *file, const char *text)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	if (write_text(path, text))
		return fail_errno("%s: can't write '%s'", path, text);
	return 0;
}

/* One by one: a host may have, or delegate, but some of them. What is needed fails when used. */
static void enable_controllers(const char *cgroup)
{
	static const char *const controllers[] = { "+cpu", "+cpuset", "+io", "+memory", "+pids" };

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		write_to(cgroup, "cgroup.subtree_control", controllers[i]);
}

/* Makes the folder and those above it, each of which hands its controllers on. */
static int make(char *path)
{
	for (char *slash = path + strlen(CGROUPS); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return fail_errno("%s", path);
		enable_controllers(path);
		*slash = '/';
	}
	if (mkdir(path, 0755) && errno != EEXIST)
		return fail_errno("%s", path);
	return 0;
}

static int set_limits(const char *cgroup, const struct limits *limits, uint64_t memory)
{
	char text[64];

	snprintf(text, sizeof(text), "%lu", memory);
	if (memory && write_to(cgroup, "memory.max", text))
		return -1;
	snprintf(text, sizeof(text), "%lu %lu", limits->quota, limits->period);
	if (limits->quota && write_to(cgroup, "cpu.max", text))
		return -1;
	snprintf(text, sizeof(text), "%lu",
		 1 + (limits->shares - SHARES_MIN) * WEIGHT_RANGE / SHARES_RANGE);
	if (limits->shares >= SHARES_MIN && write_to(cgroup, "cpu.weight", text))
		return -1;
	if (limits->cpus && write_to(cgroup, "cpuset.cpus", limits->cpus))
		return -1;
	if (limits->mems && write_to(cgroup, "cpuset.mems", limits->mems))
		return -1;
	return 0;
}

int cgroup_find(const char *process, char path[PATH_MAX])
{
	char line[PATH_MAX] = "";
	char name[64];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%s/cgroup", process);
	file = fopen(name, "re");
	while (file && fgets(line, sizeof(line), file) && strncmp(line, "0::", 3))
		;
	if (file)
		fclose(file);
	if (strncmp(line, "0::", 3))
		return fail("this host has no cgroups of version 2; boot it with them");
	line[strcspn(line, "\n")] = 0;
	if (snprintf(path, PATH_MAX, CGROUPS "%s", line + 3) >= PATH_MAX)
		return fail("%s: too long a path", line + 3);
	return 0;
}

static int check_path(const char *path)
{
	struct statfs fs;

	if (statfs(CGROUPS, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		return fail(CGROUPS ": no cgroups of version 2; boot the host with them");
	if (scope_is(path))
		return cgroup_find("self", before);
	if (path[0] != '/' || !path[1] || strstr(path, "/..") ||
	    strlen(path) >= PATH_MAX - sizeof(CGROUPS))
		return fail("linux.cgroupsPath: %s: not an absolute path of a cgroup", path);
	return cgroup_find("self", before);
}

static int note(const char *record)
{
	FILE *file = fopen(record, "we");

	if (!file || fprintf(file, "%s\n", entered) < 0 || fclose(file))
		return fail_errno("%s", record);
	return 0;
}

/* systemd moves this process at once; its scopes have all devices that their slice has. */
static int create_scope(const struct limits *limits, uint64_t memory, const char *record)
{
	if (scope_enter(limits, memory) || cgroup_find("self", entered))
		return -1;
	/* What systemd has no property for. */
	return note(record) || set_limits(entered, limits, memory) ? -1 : 0;
}

static int create_path(const struct limits *limits, uint64_t memory, const char *record)
{
	snprintf(entered, sizeof(entered), CGROUPS "%s", limits->cgroups_path);
	return note(record) || make(entered) || set_limits(entered, limits, memory) ? -1 : 0;
}

int cgroup_create(const struct limits *limits, uint64_t memory, const char *record)
{
	int result = check_path(limits->cgroups_path);

	if (!result)
		result = scope_is(limits->cgroups_path) ? create_scope(limits, memory, record) :
							  create_path(limits, memory, record);
	return result ? error_prefix("the container's cgroup") : 0;
}

int cgroup_join(void)
{
	return write_to(entered, "cgroup.procs", "0") ? error_prefix("the container's cgroup") : 0;
}

int cgroup_update(const struct limits *limits)
{
	return set_limits(entered, limits, 0) ? error_prefix("the container's cgroup") : 0;
}

/* What was killed in it may take a moment to end. */
static void remove_cgroup(const char *path)
{
	for (int i = 0; i < REMOVE_TRIES && rmdir(path) && errno == EBUSY; i++)
		usleep(REMOVE_USEC);
}

void cgroup_leave(void)
{
	if (!entered[0] || write_to(before, "cgroup.procs", "0"))
		return;
	remove_cgroup(entered);
	entered[0] = 0;
}

static uint64_t read_number(const char *cgroup, const char *name, const char *format)
{
	char path[PATH_MAX + 64];
	uint64_t number;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	file = fopen(path, "re");
	if (!file || fscanf(file, format, &number) != 1)
		number = UINT64_MAX;
	if (file)
		fclose(file);
	return number;
}

void cgroup_get_usage(int pid, struct cgroup_usage *usage)
{
	char path[PATH_MAX], process[16];

	*usage = (struct cgroup_usage){ UINT64_MAX, UINT64_MAX, UINT64_MAX };
	snprintf(process, sizeof(process), "%d", pid);
	if (cgroup_find(process, path))
		return;
	usage->memory = read_number(path, "memory.current", "%lu");
	usage->memory_limit = read_number(path, "memory.max", "%lu");
	usage->cpu_usec = read_number(path, "cpu.stat", "usage_usec %lu");
}

void cgroup_sweep(const char *record)
{
	char path[PATH_MAX];
	FILE *file = fopen(record, "re");

	if (!file)
		return;
	if (fgets(path, sizeof(path), file)) {
		path[strcspn(path, "\n")] = 0;
		/* Nothing else than what this program makes is removed. */
		if (!strncmp(path, CGROUPS "/", strlen(CGROUPS "/")))
			remove_cgroup(path);
	}
	fclose(file);
}
