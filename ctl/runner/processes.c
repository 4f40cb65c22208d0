// SPDX-License-Identifier: GPL-2.0-only
#include "base/error.h"
#include "runner/private.h"
#include "runner/streams.h"

#include <stdlib.h>
#include <unistd.h>

struct process *processes_add(struct runner *runner, uint32_t id, struct client *client,
			      const struct frame_stdio *wanted)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process) {
		fail_errno("can't keep account of a process");
		return NULL;
	}
	process->id = id;
	process->client = client;
	process->stdio = *wanted;
	for (int i = 0; i < N_STREAMS; i++) {
		process->fds[i] = -1;
		if (process->stdio.tickets[i] && agent_ticket(&process->stdio.tickets[i])) {
			free(process);
			return NULL;
		}
	}
	if (client) {
		client->process = process;
		client->held = true;
	}
	process->next = runner->processes;
	runner->processes = process;
	return process;
}

/* No stream is waited for any more. */
static void release(struct process *process)
{
	if (process->client)
		process->client->held = false;
	for (int i = 0; i < N_STREAMS; i++) {
		if (process->fds[i] >= 0)
			close(process->fds[i]);
		process->fds[i] = -1;
		process->stdio.tickets[i] = 0;
	}
}

void processes_remove(struct runner *runner, struct process *process)
{
	struct process **at = &runner->processes;

	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	release(process);
	if (process->client)
		process->client->process = NULL;
	free(process);
}

struct process *processes_find(struct runner *runner, uint32_t id)
{
	struct process *process = runner->processes;

	while (process && process->id != id)
		process = process->next;
	return process;
}

void processes_forget_client(struct runner *runner, const struct client *client)
{
	for (struct process *process = runner->processes; process; process = process->next) {
		if (process->client != client)
			continue;
		process->client = NULL;
		release(process);
	}
}

static bool is_waiting(const struct process *process)
{
	for (int i = 0; i < N_STREAMS; i++)
		if (process->stdio.tickets[i])
			return true;
	return false;
}

/* Once all streams are there, they are the client's. Without one, they stay. */
static void hand_over(struct runner *runner, struct process *process)
{
	struct client *client = process->client;

	if (!client || is_waiting(process))
		return;
	if (streams_send(client->connection.fd, process->id, process->fds))
		client->gone = true;
	client->has_streams = true;
	release(process);
	if (process->exited)
		processes_remove(runner, process);
}

void processes_take_stream(struct runner *runner, uint64_t ticket, int fd)
{
	for (struct process *process = runner->processes; process; process = process->next) {
		for (int i = 0; i < N_STREAMS; i++) {
			if (process->stdio.tickets[i] != ticket)
				continue;
			process->stdio.tickets[i] = 0;
			process->fds[i] = fd;
			hand_over(runner, process);
			return;
		}
	}
	/* Not one of ours, or one that nobody waits for any more. */
	close(fd);
}

int processes_take_exit(struct runner *runner, uint32_t id, const struct frame_exited *exited)
{
	struct process *process = processes_find(runner, id);

	if (!process || process->exited)
		return fail("the agent broke its protocol (exit of process %u)", id);
	process->exited = true;
	if (process->client)
		clients_put(process->client, FRAME_EXITED, id, exited, sizeof(*exited), NULL, 0);
	/* Its streams may still be on their way. */
	if (!is_waiting(process) && process != runner->init)
		processes_remove(runner, process);
	return 0;
}
