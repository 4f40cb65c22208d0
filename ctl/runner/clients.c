// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands that want something of the container. Their frames are as hostile as any: what is
 * malformed ends their connection, and nothing else.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "net/counters.h"
#include "oci/field.h"
#include "runner/directory.h"
#include "runner/exec.h"
#include "runner/place.h"
#include "runner/private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG		64

int clients_listen(const char *name)
{
	int directory cleanup_close = -1;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char path[PATH_MAX];

	/* The path of a long name has no room in an address. */
	snprintf(path, sizeof(path), DIRECTORY_BASE "/%s", name);
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" DIRECTORY_CONTROL,
		 directory);
	if (fd >= 0 && directory >= 0 && !bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) &&
	    !listen(fd, BACKLOG))
		return fd;
	fail_errno("can't listen for commands");
	if (fd >= 0)
		close(fd);
	return -1;
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

/* Where the ids begin of what the client's container has. */
static uint32_t base_of(const struct client *client)
{
	return PROCESS_INIT(client->member ? client->member->number : 0);
}

/*
 * The process object that the container's and the command's wishes make, behind the control group
 * that it is to be in.
 */
static char *make_process(const struct runner *runner, const struct client *client,
			  const struct frame *frame, const struct frame_stdio *stdio)
{
	char *cgroup cleanup_free = NULL;
	const json_t *config = client->member ? client->member->config : runner->container->config;
	json_t *process = exec_read((const char *)frame->data + sizeof(*stdio),
				    frame->length - sizeof(*stdio), config,
				    stdio->flags & STDIO_TERMINAL, &cgroup);
	char *object cleanup_free = NULL;
	char *text = NULL;

	/* As of the container itself, see guest_config(). */
	if (process && runner->container->partition) {
		field_delete(process, "apparmorProfile");
		field_delete(process, "selinuxLabel");
	}
	object = process ? json_dumps(process, JSON_COMPACT) : NULL;
	if (object && asprintf(&text, "%s%s", cgroup, object) < 0)
		text = NULL;
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
	text = make_process(runner, client, frame, &stdio);
	if (!text) {
		reply_error(client, frame);
		return;
	}
	process = processes_add(runner, base_of(client) + WITHIN(runner->next_process++), client,
				&stdio);
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
	if (!runner->container->logged || client->member) {
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

static enum container_state find_state(const struct runner *runner, const struct client *client)
{
	if (client->member)
		return client->member->state;
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
	struct frame_state state = {
		.state = find_state(runner, client),
		.pid = client->member ? client->member->pid : getpid(),
		.number = client->member ? client->member->number : 0,
	};
	struct stat network;

	if (runner->container->network >= 0 && !fstat(runner->container->network, &network)) {
		state.network[0] = network.st_dev;
		state.network[1] = network.st_ino;
	}
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
		id = client->process ? client->process->id : base_of(client);
		break;
	case FRAME_PAUSE:
	case FRAME_RESUME:
	case FRAME_STATS:
	case FRAME_PS:
		id = base_of(client) + requests_id(runner);
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
static bool is_there(const struct runner *runner, const struct client *client)
{
	enum container_state state = find_state(runner, client);

	return state == CONTAINER_RUNNING || state == CONTAINER_PAUSED ||
	       (state == CONTAINER_CREATED && (client->member || runner->container->stepwise));
}

/* Both sides apply them: the host to what the partition takes, the guest to its container. */
static void take_update(struct runner *runner, struct client *client, const struct frame *frame)
{
	json_t *resources = json_loadb(frame->data, frame->length, JSON_REJECT_DUPLICATES, NULL);
	char *text = NULL;

	if (!json_is_object(resources))
		fail("malformed resources");
	else if (!place_update(runner, resources, client->member))
		text = json_dumps(resources, JSON_COMPACT);
	if (!text || requests_put(runner, FRAME_UPDATE, base_of(client) + requests_id(runner),
				  client, frame->id, text, strlen(text), NULL, 0))
		reply_error(client, frame);
	json_decref(resources);
	free(text);
}

/* The first container's start is the runner's own: it has hooks to run. */
static void take_start(struct runner *runner, struct client *client, const struct frame *frame)
{
	bool own = !client->member;

	if (find_state(runner, client) != CONTAINER_CREATED || (own && runner->starter))
		clients_reply(client, FRAME_START, frame->id, REPLY_FAILED,
			      "the container is started already");
	else if (requests_put(runner, FRAME_START, base_of(client), own ? NULL : client, frame->id,
			      NULL, 0, NULL, 0))
		reply_error(client, frame);
	else if (own)
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
	} else if (!is_there(runner, client)) {
		clients_reply(client, frame->type, frame->id, REPLY_GONE,
			      find_state(runner, client) < CONTAINER_RUNNING ?
			      "the container hasn't started yet" : "the container has ended");
	} else if (frame->type == FRAME_JOIN) {
		members_take_join(runner, client, frame);
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

size_t clients_poll_max(const struct runner *runner)
{
	size_t n = 1;

	for (const struct member *member = runner->members; member; member = member->next)
		n++;
	for (const struct client *client = runner->clients; client; client = client->next)
		n++;
	return n;
}

size_t clients_poll(const struct runner *runner, struct pollfd *fds)
{
	size_t n = 0;

	fds[n++] = (struct pollfd){ .fd = runner->control, .events = POLLIN };
	for (const struct member *member = runner->members; member; member = member->next)
		fds[n++] = (struct pollfd){ .fd = member->control, .events = POLLIN };
	for (const struct client *client = runner->clients; client; client = client->next) {
		bool sends = !client->held && connection_has_output(&client->connection);

		fds[n++] = (struct pollfd){
			.fd = client->connection.fd,
			.events = POLLIN | (sends ? POLLOUT : 0),
		};
	}
	return n;
}

static void accept_all(struct runner *runner, int listener, struct member *member)
{
	struct client *client;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		client = clients_add(runner, fd);
		if (client)
			client->member = member;
	}
}

void clients_polled(struct runner *runner, const struct pollfd *fds)
{
	/* Those that were polled, none of whom is freed here: new ones come first in the lists. */
	struct client *clients = runner->clients;
	struct member *members = runner->members;

	if ((fds++)->revents)
		accept_all(runner, runner->control, NULL);
	for (struct member *member = members; member; member = member->next)
		if ((fds++)->revents)
			accept_all(runner, member->control, member);
	for (struct client *client = clients; client; client = client->next)
		if ((fds++)->revents)
			take_frames(runner, client);
}

static void forget(struct runner *runner, struct client *client)
{
	requests_forget_client(runner, client);
	processes_forget_client(runner, client);
	if (runner->front == client)
		runner->front = NULL;
	if (runner->starter == client)
		runner->starter = NULL;
	if (client->member && client->member->front == client)
		members_lost(runner, client->member);
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

void clients_forget_member(struct runner *runner, const struct member *member)
{
	for (struct client *client = runner->clients; client; client = client->next) {
		if (client->member != member)
			continue;
		client->member = NULL;
		client->gone = true;
	}
}

void clients_tell_exited(struct runner *runner)
{
	const struct frame_reply reply = { .request = FRAME_WAIT, .code = REPLY_DONE };

	for (struct client *client = runner->clients; client; client = client->next)
		if (client->waits)
			clients_put(client, FRAME_REPLY, client->wait_id, &reply, sizeof(reply),
				    &runner->exited, sizeof(runner->exited));
}
