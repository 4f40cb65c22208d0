// SPDX-License-Identifier: GPL-2.0-only
/* org.freedesktop.systemd1(5), StartTransientUnit; systemd.resource-control(5) */
#include "runner/scope.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "runner/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define USEC_PER_SEC	1000000ULL

#define DEFAULT_SLICE	"system.slice"

#define CALL_SECONDS	60

/* The job is queued when the call returns; 10 seconds in all. */
#define ENTER_TRIES	1000
#define ENTER_USEC	10000

#define NAME_ROOM	256
#define NUMBER_ROOM	24

struct scope {
	char slice[NAME_ROOM];
	char unit[NAME_ROOM + sizeof("-.scope") + NAME_ROOM];
};

/* What busctl is called with. */
struct call {
	const char *args[48];
	size_t n;
};

bool scope_is(const char *path)
{
	const char *first = strchr(path, ':');

	return *path != '/' && first && strchr(first + 1, ':');
}

static int parse(const char *path, struct scope *scope)
{
	const char *prefix = strchr(path, ':') + 1;
	const char *name = strchr(prefix, ':') + 1;
	int slice = prefix - 1 - path, length = name - 1 - prefix;

	if (slice >= NAME_ROOM || length >= NAME_ROOM || strlen(name) >= NAME_ROOM || !*name ||
	    strchr(path, '/'))
		return fail("linux.cgroupsPath: %s: not SLICE:PREFIX:NAME", path);
	snprintf(scope->slice, sizeof(scope->slice), "%.*s", slice, path);
	if (!slice)
		strcpy(scope->slice, DEFAULT_SLICE);
	snprintf(scope->unit, sizeof(scope->unit), "%.*s%s%s.scope", length, prefix,
		 length ? "-" : "", name);
	return 0;
}

static void add(struct call *call, const char *arg)
{
	call->args[call->n++] = arg;
}

static void add_property(struct call *call, const char *name, const char *type, const char *value)
{
	add(call, name);
	add(call, type);
	add(call, value);
}

static int run(struct call *call)
{
	int null cleanup_close = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return fail_errno("busctl");
	if (!pid) {
		setsid();
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execvp(call->args[0], (char *const *)call->args);
		_exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE);
	}
	status = child_wait(pid, CALL_SECONDS);
	if (status < 0)
		return error_prefix("busctl");
	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NOT_FOUND)
		return fail("no busctl; is systemd there? or else use --cgroup-manager=cgroupfs");
	return status ? fail("systemd makes no scope; see journalctl -u init.scope") : 0;
}

/* The job takes a moment. */
static int wait_for(const struct scope *scope)
{
	char path[PATH_MAX];

	for (int i = 0; i < ENTER_TRIES; i++) {
		if (cgroup_find("self", path))
			return -1;
		if (strstr(path, scope->unit))
			return 0;
		usleep(ENTER_USEC);
	}
	return fail("systemd has made no %s within 10 s", scope->unit);
}

int scope_enter(const struct limits *limits, uint64_t memory)
{
	char pid[NUMBER_ROOM], max[NUMBER_ROOM], quota[NUMBER_ROOM], count[NUMBER_ROOM];
	struct scope scope;
	struct call call = { .n = 0 };
	unsigned int properties = 4;

	if (parse(limits->cgroups_path, &scope))
		return -1;
	snprintf(pid, sizeof(pid), "%d", getpid());
	snprintf(max, sizeof(max), "%lu", memory);
	snprintf(quota, sizeof(quota), "%llu",
		 (unsigned long long)(limits->quota * USEC_PER_SEC / limits->period));
	properties += !!memory + !!limits->quota;
	snprintf(count, sizeof(count), "%u", properties);

	add(&call, "busctl");
	add(&call, "call");
	add(&call, "org.freedesktop.systemd1");
	add(&call, "/org/freedesktop/systemd1");
	add(&call, "org.freedesktop.systemd1.Manager");
	add(&call, "StartTransientUnit");
	add(&call, "ssa(sv)a(sa(sv))");
	add(&call, scope.unit);
	add(&call, "fail");
	add(&call, count);
	add_property(&call, "Slice", "s", scope.slice);
	add_property(&call, "Delegate", "b", "true");
	add_property(&call, "DefaultDependencies", "b", "false");
	add_property(&call, "PIDs", "au", "1");
	add(&call, pid);
	if (memory)
		add_property(&call, "MemoryMax", "t", max);
	if (limits->quota)
		add_property(&call, "CPUQuotaPerSecUSec", "t", quota);
	add(&call, "0");
	return run(&call) || wait_for(&scope) ? -1 : 0;
}
