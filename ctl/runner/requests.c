// SPDX-License-Identifier: GPL-2.0-only
#include "base/error.h"
#include "runner/private.h"

#include <stdlib.h>
#include <string.h>

int requests_put(struct runner *runner, enum frame_type type, uint32_t id, struct client *client,
		 uint32_t client_id, const void *head, size_t head_length, const void *tail,
		 size_t tail_length)
{
	struct request *request = malloc(sizeof(*request));

	if (!request)
		return fail_errno("can't ask the agent");
	*request = (struct request){
		.next = runner->requests,
		.type = type,
		.id = id,
		.own = !client,
		.client = client,
		.client_id = client_id,
	};
	if (agent_put(&runner->agent, type, id, head, head_length, tail, tail_length)) {
		free(request);
		return -1;
	}
	runner->requests = request;
	return 0;
}

uint32_t requests_id(struct runner *runner)
{
	return WITHIN(runner->next_id++);
}

static struct request *take(struct runner *runner, enum frame_type type, uint32_t id)
{
	struct request **at = &runner->requests;
	struct request **found = NULL;

	/* The oldest of them, which is the last in the list: the agent answers in order. */
	for (; *at; at = &(*at)->next)
		if ((*at)->type == type && (*at)->id == id)
			found = at;
	if (!found)
		return NULL;

	struct request *request = *found;

	*found = request->next;
	return request;
}

/* What the agent says may be a guest's: no more than text that a terminal can show. */
static char *copy_text(const char *text, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy)
		return NULL;
	for (size_t i = 0; i < length; i++)
		copy[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
	copy[length] = 0;
	return copy;
}

int requests_take_reply(struct runner *runner, const struct frame *frame)
{
	struct frame_reply reply;
	const char *data = (const char *)frame->data + sizeof(reply);
	size_t length = frame->length - sizeof(reply);
	struct request *request;
	char *text = NULL;
	int result = 0;

	memcpy(&reply, frame->data, sizeof(reply));
	request = take(runner, reply.request, frame->id);
	if (!request || reply.code >= N_REPLY_CODES)
		return fail("the agent broke its protocol (reply out of turn)");
	if (reply.code != REPLY_DONE) {
		text = copy_text(data, length);
		data = text;
		length = text ? strlen(text) : 0;
	}
	if (CONTAINER_OF(frame->id))
		members_replied(runner, reply.request, frame->id, reply.code);
	else if (reply.code == REPLY_DONE && (reply.request == FRAME_PAUSE ||
					      reply.request == FRAME_RESUME))
		runner->paused = reply.request == FRAME_PAUSE;
	if (request->own && !CONTAINER_OF(frame->id))
		result = runner_replied(runner, reply.request, reply.code, text ?: "");
	else if (request->client)
		clients_put(request->client, FRAME_REPLY, request->client_id, &reply,
			    sizeof(reply), data, length);
	if ((reply.request == FRAME_EXEC || (reply.request == FRAME_CREATE && request->client)) &&
	    reply.code != REPLY_DONE) {
		struct process *process = processes_find(runner, frame->id);

		if (process)
			processes_remove(runner, process);
	}
	free(text);
	free(request);
	return result;
}

void requests_forget_client(struct runner *runner, const struct client *client)
{
	for (struct request *request = runner->requests; request; request = request->next)
		if (request->client == client)
			request->client = NULL;
}
