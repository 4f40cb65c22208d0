// SPDX-License-Identifier: GPL-2.0-only
/*
 * How children of the agent end: runs of crun, processes of the container, which crun has left, and
 * whatever else has lost its parent.
 */
#include "container.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* The name that the kernel has for a process, also once it has ended and isn't waited for. */
static void read_comm(pid_t pid, char comm[COMM_MAX])
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(comm, COMM_MAX, file))
		comm[0] = 0;
	if (file)
		fclose(file);
}

/*
 * What waitpid() said, as an exit status. A process that ends as the crun that it was made as has
 * executed nothing: there is something wrong with the file, which crun finds out that late.
 */
static uint32_t exit_status(int status, const char *comm)
{
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	if (WEXITSTATUS(status) == 1 && containers.comm[0] && !strcmp(comm, containers.comm))
		return 126;
	return WEXITSTATUS(status);
}

static void end_process(struct process *process, uint32_t status)
{
	const struct container *container = process->container;
	struct frame_exited exited = { .status = status };
	struct frame_stats stats;

	process->pid = 0;
	process->exited = true;
	if (process == container->init && container->cgroup) {
		cgroup_stats(container->cgroup, &stats);
		if (stats.oom_kills && stats.oom_kills != UINT64_MAX)
			exited.flags = EXITED_OOM;
	}
	containers.ops->exited(process->id, &exited);
	process_move(process);
}

static void forget_orphans(void)
{
	while (containers.orphans) {
		struct orphan *orphan = containers.orphans;

		containers.orphans = orphan->next;
		free(orphan);
	}
}

/* Whether @pid has ended already; with which status. */
static bool take_orphan(pid_t pid, int *status)
{
	for (struct orphan *orphan = containers.orphans; orphan; orphan = orphan->next) {
		if (orphan->pid != pid)
			continue;
		*status = orphan->status;
		return true;
	}
	return false;
}

static pid_t read_pid(const struct process *process)
{
	char name[NAME_ROOM];
	FILE *file;
	int pid;

	process_file_name(name, "pid", process);
	file = fopen(name, "re");
	if (!file || fscanf(file, "%d", &pid) != 1)
		pid = 0;
	if (file)
		fclose(file);
	return pid;
}

/* crun has made a process, or has not. */
static void end_creation(struct process *process, enum reply_code code, const char *text)
{
	struct container *container = process->container;
	enum frame_type request = process->request;
	uint32_t id = process->id;
	int status;

	process->request = 0;
	containers.creating--;
	if (code == REPLY_DONE) {
		/* The terminal may still lie in the socket. */
		if (process->console >= 0)
			process_take_terminal(process);
		process->pid = read_pid(process);
		if (!process->pid) {
			code = REPLY_FAILED;
			text = "crun has made no process";
		}
	}
	process_remove_files(process);
	if (code == REPLY_DONE && process == container->init) {
		container->cgroup = cgroup_find(process->pid);
		read_comm(process->pid, containers.comm);
	}
	/* A process that wasn't made goes first: the reply may end its container. */
	if (code != REPLY_DONE)
		process_free(process);
	containers.ops->reply(request, id, code, text);
	if (code == REPLY_DONE && take_orphan(process->pid, &status))
		end_process(process, status);
	if (!containers.creating)
		forget_orphans();
}

/* Calls @is with each process, and with what stands for the container, until it is the one. */
static struct process *search(bool (*is)(const struct process *process, pid_t pid), pid_t pid)
{
	for (struct container *container = containers.list; container;
	     container = container->next) {
		if (is(&container->control, pid))
			return &container->control;
		for (struct process *process = container->processes; process;
		     process = process->next)
			if (is(process, pid))
				return process;
	}
	return NULL;
}

static bool is_of_crun(const struct process *process, pid_t pid)
{
	return process->crun.pid == pid;
}

static bool is_itself(const struct process *process, pid_t pid)
{
	return process->pid == pid;
}

/* It may be that of a process that crun has made, and hasn't said so yet. */
static void add_orphan(pid_t pid, uint32_t status)
{
	struct orphan *orphan;

	if (!containers.creating)
		return;
	orphan = malloc(sizeof(*orphan));
	if (!orphan)
		die("no memory for a child's end");
	*orphan = (struct orphan){ containers.orphans, pid, status };
	containers.orphans = orphan;
}

static void end_child(pid_t pid, const char *comm, int status)
{
	struct process *process = search(is_of_crun, pid);
	enum reply_code code;
	char text[TEXT_MAX];

	if (!process) {
		process = search(is_itself, pid);
		if (process)
			end_process(process, exit_status(status, comm));
		else
			add_orphan(pid, exit_status(status, comm));
		return;
	}
	code = crun_end(&process->crun, status, text);
	if (!process->container) {
		enum frame_type request = process->request;

		process->request = 0;
		containers.ops->reply(request, process->id, code, text);
	} else {
		end_creation(process, code, text);
	}
}

void process_reap(void)
{
	siginfo_t info;

	for (;;) {
		char comm[COMM_MAX];
		int status;

		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
			return;
		read_comm(info.si_pid, comm);
		if (waitpid(info.si_pid, &status, WNOHANG) == info.si_pid)
			end_child(info.si_pid, comm, status);
	}
}
