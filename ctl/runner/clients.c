// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands that want something of the container. Their frames are as hostile as any: what is
 * malformed ends their connection, and nothing else.
 */
#include "base/error.h"
#include "net/counters.h"
#include "oci/field.h"
#include "runner/directory.h"
#include "runner/exec.h"
#include "runner/place.h"
#include "runner/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG		64

int clients_listen(struct runner *runner)
{
	const struct sockaddr_un addr = {
		.sun_family = AF_UNIX,
		.sun_path = DIRECTORY_CONTROL,
	};

	runner->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (runner->control < 0 ||
	    bind(runner->control, (const struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(runner->control, BACKLOG))
		return fail_errno("can't listen for commands");
	return 0;
}

struct client *clients_add(struct runner *runner, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		fail_errno("can't keep account of a command");
		return NULL;
	}
	connection_init(&client->connection, fd);
	client->next = runner->clients;
	runner->clients = client;
	return client;
}

void clients_put(struct client *client, enum frame_type type, uint32_t id, const void *head,
		 size_t head_length, const void *tail, size_t tail_length)
{
	if (connection_put(&client->connection, type, id, head, head_length, tail, tail_length))
		client->gone = true;
}

void clients_reply(struct client *client, enum frame_type request, uint32_t id,
		   enum reply_code code, const char *text)
{
	const struct frame_reply reply = { .request = request, .code = code };

	clients_put(client, FRAME_REPLY, id, &reply, sizeof(reply), text, strlen(text));
}

static void reply_error(struct client *client, const struct frame *frame)
{
	clients_reply(client, frame->type, frame->id, REPLY_FAILED, error_text());
}

/* The process object that the container's and the command's wishes make. */
static char *make_process(const struct runner *runner, const struct frame *frame,
			  const struct frame_stdio *stdio)
{
	json_t *process = exec_read((const char *)frame->data + sizeof(*stdio),
				    frame->length - sizeof(*stdio), runner->container->config,
				    stdio->flags & STDIO_TERMINAL);
	char *text;

	/* As of the container itself, see guest_config(). */
	if (process && runner->container->partition) {
		field_delete(process, "apparmorProfile");
		field_delete(process, "selinuxLabel");
	}
	text = process ? json_dumps(process, JSON_COMPACT) : NULL;

	if (process && !text)
		fail("no memory for the command");
	json_decref(process);
	return text;
}

static void take_exec(struct runner *runner, struct client *client, const struct frame *frame)
{
	struct process *process;
	struct frame_stdio stdio;
	char *text;

	memcpy(&stdio, frame->data, sizeof(stdio));
	if (client->process) {
		clients_reply(client, FRAME_EXEC, frame->id, REPLY_FAILED,
			      "there is a process of this command already");
		return;
	}
	text = make_process(runner, frame, &stdio);
	if (!text) {
		reply_error(client, frame);
		return;
	}
	process = processes_add(runner, runner->next_process++, client, &stdio);
	if (!process)
		reply_error(client, frame);
	else if (requests_put(runner, FRAME_EXEC, process->id, client, frame->id, &process->stdio,
			      sizeof(process->stdio), text, strlen(text)))
		reply_error(client, frame);
	free(text);
}

static void take_logs(struct runner *runner, struct client *client, const struct frame *frame)
{
	const struct frame_reply reply = { .request = FRAME_LOGS, .code = REPLY_DONE };
	const struct log *log = &runner->log;
	uint32_t follow;
	char *data;

	memcpy(&follow, frame->data, sizeof(follow));
	if (!runner->container->logged) {
		clients_reply(client, FRAME_LOGS, frame->id, REPLY_GONE,
			      "its output isn't kept: it goes to who has started it");
		return;
	}
	data = malloc(sizeof(log->lost) + log->length);
	if (!data) {
		clients_reply(client, FRAME_LOGS, frame->id, REPLY_FAILED, "no memory");
		return;
	}
	memcpy(data, &log->lost, sizeof(log->lost));
	log_copy(log, data + sizeof(log->lost));
	clients_put(client, FRAME_REPLY, frame->id, &reply, sizeof(reply), data,
		    sizeof(log->lost) + log->length);
	client->follows = follow;
	free(data);
}

static void take_counters(struct runner *runner, struct client *client, const struct frame *frame)
{
	const struct frame_reply reply = { .request = FRAME_COUNTERS, .code = REPLY_DONE };
	struct frame_counters *counters = NULL;
	size_t n = 0;

	/* A namespace that the container doesn't share has loopback alone. */
	if (runner->container->network >= 0) {
		counters = counters_read(runner->container->network, &n);
		if (!counters) {
			reply_error(client, frame);
			return;
		}
	}
	clients_put(client, FRAME_REPLY, frame->id, &reply, sizeof(reply), counters,
		    n * sizeof(*counters));
	free(counters);
}

static enum container_state find_state(const struct runner *runner)
{
	switch (runner->state) {
	case RUNNER_BOOTING:
	case RUNNER_CREATING:
		return CONTAINER_CREATING;
	case RUNNER_CREATED:
		return CONTAINER_CREATED;
	case RUNNER_RUNNING:
		return runner->paused ? CONTAINER_PAUSED : CONTAINER_RUNNING;
	default:
		return CONTAINER_STOPPED;
	}
}

static void take_state(const struct runner *runner, struct client *client,
		       const struct frame *frame)
{
	const struct frame_reply reply = { .request = FRAME_STATE, .code = REPLY_DONE };
	const struct frame_state state = { .state = find_state(runner) };

	clients_put(client, FRAME_REPLY, frame->id, &reply, sizeof(reply), &state, sizeof(state));
}

static void take_wait(struct client *client, const struct frame *frame)
{
	client->waits = true;
	client->wait_id = frame->id;
}

/* What is the agent's to do. Returns -1 if it isn't a request at all. */
static int pass_on(struct runner *runner, struct client *client, const struct frame *frame)
{
	uint32_t id;

	switch (frame->type) {
	case FRAME_SIGNAL:
	case FRAME_RESIZE:
		id = client->process ? client->process->id : PROCESS_INIT;
		break;
	case FRAME_PAUSE:
	case FRAME_RESUME:
	case FRAME_STATS:
	case FRAME_PS:
		id = requests_id(runner);
		break;
	default:
		return -1;
	}
	if (requests_put(runner, frame->type, id, client, frame->id, frame->data, frame->length,
			 NULL, 0))
		reply_error(client, frame);
	return 0;
}

/* One that a command is to start has its process, and whatever applies to a process. */
static bool is_there(const struct runner *runner)
{
	return runner->state == RUNNER_RUNNING ||
	       (runner->state == RUNNER_CREATED && runner->container->stepwise);
}

/* Both sides apply them: the host to what the partition takes, the guest to its container. */
static void take_update(struct runner *runner, struct client *client, const struct frame *frame)
{
	json_t *resources = json_loadb(frame->data, frame->length, JSON_REJECT_DUPLICATES, NULL);
	char *text = NULL;

	if (!json_is_object(resources))
		fail("malformed resources");
	else if (!place_update(runner, resources))
		text = json_dumps(resources, JSON_COMPACT);
	if (!text || requests_put(runner, FRAME_UPDATE, requests_id(runner), client, frame->id,
				  text, strlen(text), NULL, 0))
		reply_error(client, frame);
	json_decref(resources);
	free(text);
}

static void take_start(struct runner *runner, struct client *client, const struct frame *frame)
{
	if (runner->state != RUNNER_CREATED || runner->starter)
		clients_reply(client, FRAME_START, frame->id, REPLY_FAILED,
			      "the container is started already");
	else if (requests_put(runner, FRAME_START, PROCESS_INIT, NULL, 0, NULL, 0, NULL, 0))
		reply_error(client, frame);
	else
		runner->starter = client;
}

static int take_frame(struct runner *runner, struct client *client, const struct frame *frame)
{
	if (frame->type == FRAME_WAIT) {
		take_wait(client, frame);
	} else if (frame->type == FRAME_STATE) {
		take_state(runner, client, frame);
	} else if (frame->type == FRAME_LOGS) {
		take_logs(runner, client, frame);
	} else if (!is_there(runner)) {
		clients_reply(client, frame->type, frame->id, REPLY_GONE,
			      runner->state < RUNNER_RUNNING ? "the container hasn't started yet" :
							       "the container has ended");
	} else if (frame->type == FRAME_UPDATE) {
		take_update(runner, client, frame);
	} else if (frame->type == FRAME_START) {
		take_start(runner, client, frame);
	} else if (frame->type == FRAME_COUNTERS) {
		take_counters(runner, client, frame);
	} else if (frame->type == FRAME_EXEC) {
		take_exec(runner, client, frame);
	} else {
		return pass_on(runner, client, frame);
	}
	return 0;
}

static void take_frames(struct runner *runner, struct client *client)
{
	int n = connection_fill(&client->connection);
	struct frame frame;

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		client->gone = true;
		return;
	}
	while ((n = connection_next(&client->connection, &frame)) > 0)
		if (take_frame(runner, client, &frame))
			n = -EPROTO;
	if (n < 0)
		client->gone = true;
}

size_t clients_count(const struct runner *runner)
{
	size_t n = 0;

	for (const struct client *client = runner->clients; client; client = client->next)
		n++;
	return n;
}

size_t clients_poll(const struct runner *runner, struct pollfd *fds)
{
	size_t n = 0;

	fds[n++] = (struct pollfd){ .fd = runner->control, .events = POLLIN };
	for (const struct client *client = runner->clients; client; client = client->next) {
		bool sends = !client->held && connection_has_output(&client->connection);

		fds[n++] = (struct pollfd){
			.fd = client->connection.fd,
			.events = POLLIN | (sends ? POLLOUT : 0),
		};
	}
	return n;
}

void clients_polled(struct runner *runner, const struct pollfd *fds)
{
	int fd;

	/* Those that were polled: new ones come before them in the list. */
	for (struct client *client = runner->clients; client; client = client->next)
		if ((++fds)->revents)
			take_frames(runner, client);
	while ((fd = accept4(runner->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		clients_add(runner, fd);
}

static void forget(struct runner *runner, struct client *client)
{
	requests_forget_client(runner, client);
	processes_forget_client(runner, client);
	if (runner->front == client)
		runner->front = NULL;
	if (runner->starter == client)
		runner->starter = NULL;
	connection_close(&client->connection);
	free(client);
}

void clients_flush(struct runner *runner)
{
	struct client **at = &runner->clients;

	while (*at) {
		struct client *client = *at;

		if (!client->held && connection_flush(&client->connection))
			client->gone = true;
		if (!client->gone) {
			at = &client->next;
			continue;
		}
		*at = client->next;
		forget(runner, client);
	}
}

void clients_log(struct runner *runner, const char *text, size_t length)
{
	log_add(&runner->log, text, length);
	for (struct client *client = runner->clients; client; client = client->next)
		if (client->follows)
			clients_put(client, FRAME_OUTPUT, 0, text, length, NULL, 0);
}

void clients_tell_exited(struct runner *runner)
{
	const struct frame_reply reply = { .request = FRAME_WAIT, .code = REPLY_DONE };

	for (struct client *client = runner->clients; client; client = client->next)
		if (client->waits)
			clients_put(client, FRAME_REPLY, client->wait_id, &reply, sizeof(reply),
				    &runner->exited, sizeof(runner->exited));
}
