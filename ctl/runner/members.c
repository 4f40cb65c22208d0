// SPDX-License-Identifier: GPL-2.0-only
/*
 * Further containers in the runner's partition, as those of a pod. A process on the host, the
 * front, has the streams of each and stands for it: each ends with the other.
 */
#include "base/error.h"
#include "oci/field.h"
#include "oci/guest.h"
#include "runner/cgroup.h"
#include "runner/directory.h"
#include "runner/join.h"
#include "runner/private.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct member *find(const struct runner *runner, uint32_t id)
{
	struct member *member = runner->members;

	while (member && member->number != CONTAINER_OF(id))
		member = member->next;
	return member;
}

static unsigned int free_number(const struct runner *runner)
{
	unsigned int number = 1;

	while (number < CONTAINERS_MAX && find(runner, PROCESS_INIT(number)))
		number++;
	return number;
}

static void unshare_tree(struct runner *runner, const struct tree *tree)
{
	const uint32_t number = tree->number;

	share_remove(&runner->machine.share, tree);
	if (requests_put(runner, FRAME_FORGET, requests_id(runner), NULL, 0, &number,
			 sizeof(number), NULL, 0))
		warn("%s", error_text());
}

static void remove_member(struct runner *runner, struct member *member)
{
	struct member **at = &runner->members;
	char record[DIRECTORY_PATH + BULKHEAD_NAME_MAX];

	while (*at && *at != member)
		at = &(*at)->next;
	if (*at)
		*at = member->next;
	clients_forget_member(runner, member);
	if (member->tree.root.source)
		unshare_tree(runner, &member->tree);
	tree_release(&member->tree);
	if (member->control >= 0)
		close(member->control);
	if (member->lock >= 0) {
		snprintf(record, sizeof(record), DIRECTORY_BASE "/%s/" DIRECTORY_CGROUP,
			 member->name);
		cgroup_sweep(record);
		directory_remove(member->name);
		close(member->lock);
	}
	json_decref(member->config);
	free(member->name);
	free(member);
}

static struct member *add_member(struct runner *runner, struct client *client)
{
	struct member *member = calloc(1, sizeof(*member));
	struct ucred peer = { 0 };
	socklen_t room = sizeof(peer);

	if (!member) {
		fail_errno("no memory for a container");
		return NULL;
	}
	getsockopt(client->connection.fd, SOL_SOCKET, SO_PEERCRED, &peer, &room);
	member->number = free_number(runner);
	member->state = CONTAINER_CREATING;
	member->front = client;
	member->pid = peer.pid;
	member->control = -1;
	member->lock = -1;
	member->next = runner->members;
	runner->members = member;
	client->member = member;
	return member;
}

/* Makes on the host what it takes, and the config for the agent. */
static json_t *prepare(struct runner *runner, struct member *member, const json_t *joins)
{
	json_t *config;

	if (member->number == CONTAINERS_MAX) {
		fail("%d containers are in the partition already, as many as can be",
		     CONTAINERS_MAX);
		return NULL;
	}
	member->lock = directory_make(member->name);
	if (member->lock < 0)
		return NULL;
	member->control = clients_listen(member->name);
	if (member->control < 0)
		return NULL;
	config = guest_config(member->config, runner->next_tree++, joins, &member->tree);
	if (config && share_add(&runner->machine.share, &member->tree)) {
		json_decref(config);
		return NULL;
	}
	return config;
}

static int create(struct runner *runner, struct member *member, const json_t *joins,
		  const struct frame_stdio *stdio, uint32_t client_id)
{
	json_t *config = prepare(runner, member, joins);
	char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	uint32_t id = PROCESS_INIT(member->number);
	struct process *process;
	int result = -1;

	if (config && !text)
		fail("no memory for the container's configuration");
	process = text ? processes_add(runner, id, member->front, stdio) : NULL;
	if (process)
		result = requests_put(runner, FRAME_CREATE, id, member->front, client_id,
				      &process->stdio, sizeof(process->stdio), text, strlen(text));
	if (process && result)
		processes_remove(runner, process);
	json_decref(config);
	free(text);
	return result;
}

void members_take_join(struct runner *runner, struct client *client, const struct frame *frame)
{
	struct frame_stdio stdio;
	struct member *member;
	json_t *joins = NULL;

	memcpy(&stdio, frame->data, sizeof(stdio));
	if (!runner->container->partition || client->member || client->process) {
		clients_reply(client, FRAME_CREATE, frame->id, REPLY_FAILED,
			      "there is no partition that could be joined");
		return;
	}
	member = add_member(runner, client);
	if (member && !join_read((const char *)frame->data + sizeof(stdio),
				 frame->length - sizeof(stdio), &member->name, &member->config,
				 &joins) &&
	    !create(runner, member, joins, &stdio, frame->id)) {
		json_decref(joins);
		return;
	}
	json_decref(joins);
	clients_reply(client, FRAME_CREATE, frame->id, REPLY_FAILED, error_text());
	if (member) {
		client->member = NULL;
		remove_member(runner, member);
	}
}

/* Once nobody reads what it has said any more. */
static void delete(struct runner *runner, struct member *member)
{
	if (member->deleting || member->front || member->state != CONTAINER_STOPPED)
		return;
	member->deleting = true;
	if (requests_put(runner, FRAME_DELETE, PROCESS_INIT(member->number), NULL, 0, NULL, 0, NULL,
			 0))
		warn("%s", error_text());
}

void members_replied(struct runner *runner, enum frame_type request, uint32_t id,
		     enum reply_code code)
{
	struct member *member = find(runner, id);

	if (!member)
		return;
	if (request == FRAME_DELETE || (request == FRAME_CREATE && code != REPLY_DONE)) {
		/* The reply is still to go to its front. */
		if (member->front)
			member->front->member = NULL;
		remove_member(runner, member);
		return;
	}
	if (code != REPLY_DONE)
		return;
	if (request == FRAME_CREATE) {
		member->state = CONTAINER_CREATED;
		/* It has gone meanwhile. */
		if (!member->front)
			members_lost(runner, member);
	} else if (request == FRAME_START && member->state == CONTAINER_CREATED) {
		member->state = CONTAINER_RUNNING;
		if (member->front)
			clients_reply(member->front, FRAME_START, 0, REPLY_DONE, "");
	} else if (request == FRAME_PAUSE && member->state == CONTAINER_RUNNING) {
		member->state = CONTAINER_PAUSED;
	} else if (request == FRAME_RESUME && member->state == CONTAINER_PAUSED) {
		member->state = CONTAINER_RUNNING;
	}
}

void members_exited(struct runner *runner, uint32_t id)
{
	struct member *member = find(runner, id);

	if (!member)
		return;
	member->state = CONTAINER_STOPPED;
	delete(runner, member);
}

void members_lost(struct runner *runner, struct member *member)
{
	const struct frame_signal kill = { .number = SIGKILL };

	member->front = NULL;
	if (member->state == CONTAINER_STOPPED)
		delete(runner, member);
	else if (member->state != CONTAINER_CREATING &&
		 requests_put(runner, FRAME_SIGNAL, PROCESS_INIT(member->number), NULL, 0, &kill,
			      sizeof(kill), NULL, 0))
		warn("%s", error_text());
}

void members_end(struct runner *runner)
{
	while (runner->members) {
		/* Its front is in its cgroup, and ends now. */
		if (runner->members->front)
			shutdown(runner->members->front->connection.fd, SHUT_RDWR);
		/* What it is to see of the host ends with virtiofsd. */
		tree_release(&runner->members->tree);
		remove_member(runner, runner->members);
	}
}
