// SPDX-License-Identifier: GPL-2.0-only
/* What the container's control group knows: Documentation/admin-guide/cgroup-v2.rst. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUPS		"/sys/fs/cgroup"
#define USEC_PER_SEC	1000000ULL

/* Of a process' command line, as much as fits a wide terminal. */
#define COMMAND_MAX	256

char *cgroup_find(pid_t pid)
{
	char path[64];
	char *line = NULL;
	char *cgroup = NULL;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	while (file && !cgroup && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		/* The hierarchy of version 2. */
		if (!strncmp(line, "0::", 3))
			cgroup = strdup(line + 3);
	}
	free(line);
	if (file)
		fclose(file);
	return cgroup;
}

static FILE *open_file(const char *cgroup, const char *name)
{
	char path[PATH_MAX];

	if (!cgroup)
		return NULL;
	snprintf(path, sizeof(path), CGROUPS "%s/%s", cgroup, name);
	return fopen(path, "re");
}

/* The number that a file is; "max" and an absent file are UINT64_MAX. */
static uint64_t read_number(const char *cgroup, const char *name)
{
	FILE *file = open_file(cgroup, name);
	uint64_t number;

	if (!file || fscanf(file, "%lu", &number) != 1)
		number = UINT64_MAX;
	if (file)
		fclose(file);
	return number;
}

/* The number behind @key in a file of such pairs. */
static uint64_t read_key(const char *cgroup, const char *name, const char *key)
{
	FILE *file = open_file(cgroup, name);
	uint64_t number, found = UINT64_MAX;
	char have[64];

	while (file && fscanf(file, "%63s %lu", have, &number) == 2)
		if (!strcmp(have, key))
			found = number;
	if (file)
		fclose(file);
	return found;
}

void cgroup_stats(const char *cgroup, struct frame_stats *stats)
{
	*stats = (struct frame_stats){
		.memory = read_number(cgroup, "memory.current"),
		.memory_peak = read_number(cgroup, "memory.peak"),
		.memory_limit = read_number(cgroup, "memory.max"),
		.cpu_usec = read_key(cgroup, "cpu.stat", "usage_usec"),
		.cpu_user_usec = read_key(cgroup, "cpu.stat", "user_usec"),
		.cpu_system_usec = read_key(cgroup, "cpu.stat", "system_usec"),
		.cpu_throttled_usec = read_key(cgroup, "cpu.stat", "throttled_usec"),
		.processes = read_number(cgroup, "pids.current"),
		.processes_limit = read_number(cgroup, "pids.max"),
		.oom_kills = read_key(cgroup, "memory.events", "oom_kill"),
	};
}

/* The last number in a line of /proc/PID/status: as the innermost namespace has it. */
static uint32_t last_number(const char *line)
{
	const char *last = strrchr(line, '\t');

	return last ? strtoul(last, NULL, 10) : 0;
}

static pid_t read_status(pid_t pid, struct frame_process *process)
{
	char path[64], line[256];
	pid_t parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "NSpid:", 6))
			process->pid = last_number(line);
		else if (!strncmp(line, "PPid:", 5))
			parent = last_number(line);
		else if (!strncmp(line, "Uid:", 4))
			process->uid = strtoul(line + 4, NULL, 10);
		else if (!strncmp(line, "VmRSS:", 6))
			process->memory = strtoull(line + 6, NULL, 10) * 1024;
	}
	if (file)
		fclose(file);
	return parent;
}

static uint64_t read_cpu(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64], line[1024] = "";
	const char *rest;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* Behind the name, which may have any character; proc_pid_stat(5). */
	rest = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (rest)
		sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		       &system);
	fclose(file);
	return (user + system) * USEC_PER_SEC / sysconf(_SC_CLK_TCK);
}

/* Its arguments, or its name if it has none. */
static size_t read_command(pid_t pid, char command[COMMAND_MAX])
{
	static const char *const names[] = { "cmdline", "comm" };
	ssize_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && n <= 0; i++) {
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		n = read(fd, command, COMMAND_MAX);
		close(fd);
		while (n > 0 && (!command[n - 1] || command[n - 1] == '\n'))
			n--;
	}
	return n > 0 ? n : 0;
}

static void write_process(FILE *to, pid_t pid)
{
	struct frame_process process = { 0 }, parent = { 0 };
	char command[COMMAND_MAX];
	pid_t parent_pid = read_status(pid, &process);

	/* It has ended meanwhile. */
	if (!process.pid)
		return;
	/* The parent of the first one is the agent's child, or none of the container's. */
	if (process.pid != 1 && parent_pid)
		read_status(parent_pid, &parent);
	process.parent = parent.pid;
	process.cpu_usec = read_cpu(pid);
	process.command_length = read_command(pid, command);
	fwrite(&process, sizeof(process), 1, to);
	fwrite(command, process.command_length, 1, to);
}

/* Those that are killed may have groups of their own below it; the kernel finds them all. */
static int kill_all(const char *cgroup)
{
	char path[PATH_MAX];
	int error, fd;

	snprintf(path, sizeof(path), CGROUPS "%s/cgroup.kill", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	error = write(fd, "1", 1) == 1 ? 0 : errno;
	close(fd);
	return error;
}

int cgroup_signal(const char *cgroup, int number)
{
	FILE *pids;
	int pid;

	if (number == SIGKILL)
		return kill_all(cgroup);
	pids = open_file(cgroup, "cgroup.procs");
	if (!pids)
		return errno;
	/* One that ends meanwhile needs no signal. */
	while (fscanf(pids, "%d", &pid) == 1)
		kill(pid, number);
	fclose(pids);
	return 0;
}

void *cgroup_processes(const char *cgroup, size_t *length)
{
	FILE *pids = open_file(cgroup, "cgroup.procs");
	char *data = NULL;
	FILE *to = open_memstream(&data, length);
	int pid;

	while (to && pids && fscanf(pids, "%d", &pid) == 1 &&
	       ftell(to) < FRAME_DATA_MAX - 4 * COMMAND_MAX)
		write_process(to, pid);
	if (pids)
		fclose(pids);
	if (to && fclose(to)) {
		free(data);
		return NULL;
	}
	return data;
}
