// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent's loop: takes the runner's requests, and answers them. It never waits for anything but
 * in poll(), and to connect to the runner.
 */
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static struct {
	struct connection connection;
	const struct place *place;
	bool ending;		/* the first container is to be deleted */
	bool has_network;
	int status;		/* of the first container, -1 before it has exited */
	int notify;		/* on which the container may say that it is ready, or -1 */
	int signals;		/* signalfd for SIGCHLD */
} agent = { .status = -1, .notify = -1 };

static void vsay(const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	dprintf(STDERR_FILENO, "bulkhead-agent: %s\n", text);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	if (!agent.place)
		power_off(-1);
	agent.place->end(-1);
}

static void put(enum frame_type type, uint32_t id, const void *head, size_t head_length,
		const void *tail, size_t tail_length)
{
	if (connection_put(&agent.connection, type, id, head, head_length, tail, tail_length))
		die("the runner doesn't take what it is told");
}

static void reply_data(enum frame_type request, uint32_t id, const void *data, size_t length)
{
	const struct frame_reply reply = { .request = request, .code = REPLY_DONE };

	put(FRAME_REPLY, id, &reply, sizeof(reply), data, length);
}

/* What a reply means for the container. */
static void take_step(enum frame_type request, uint32_t id, enum reply_code code)
{
	struct container *container = container_find(id);

	if (!container)
		return;
	if (request == FRAME_CREATE && code == REPLY_DONE) {
		container->step = CREATED;
		container_show_namespaces(container);
	} else if (request == FRAME_CREATE || request == FRAME_DELETE) {
		container_remove(container);
	} else if (request == FRAME_START && code == REPLY_DONE && container->step == CREATED) {
		container->step = STARTED;
	}
}

static void reply(enum frame_type request, uint32_t id, enum reply_code code, const char *text);

/* Removes the container, unless crun is at work for it: then, once that is answered. */
static void delete_if_due(uint32_t id)
{
	struct container *container = container_find(id);
	struct frame frame = { .type = FRAME_DELETE };
	char text[TEXT_MAX] = "";
	enum reply_code code;

	if (!container || !container->deletes || container->control.request)
		return;
	frame.id = container->delete_id;
	container->deletes = false;
	code = process_run_crun(&frame, text);
	if (code != REPLY_DONE)
		reply(FRAME_DELETE, frame.id, code, text);
}

static void reply(enum frame_type request, uint32_t id, enum reply_code code, const char *text)
{
	const struct frame_reply reply = { .request = request, .code = code };

	take_step(request, id, code);
	put(FRAME_REPLY, id, &reply, sizeof(reply), text, code == REPLY_DONE ? 0 : strlen(text));
	delete_if_due(id);
}

static void exited(uint32_t id, const struct frame_exited *exited)
{
	put(FRAME_EXITED, id, exited, sizeof(*exited), NULL, 0);
	if (!WITHIN(id))
		container_find(id)->step = EXITED;
	if (id == PROCESS_INIT(0))
		agent.status = exited->status;
}

static void take_stats(const struct frame *frame)
{
	struct frame_stats stats;

	cgroup_stats(container_find(frame->id)->cgroup, &stats);
	reply_data(FRAME_STATS, frame->id, &stats, sizeof(stats));
}

static void take_ps(const struct frame *frame)
{
	size_t length;
	void *data = cgroup_processes(container_find(frame->id)->cgroup, &length);

	if (data)
		reply_data(FRAME_PS, frame->id, data, length);
	else
		reply(FRAME_PS, frame->id, REPLY_FAILED, "no memory in the guest");
	free(data);
}

static bool has_begun(const struct container *container)
{
	return container && (container->step == CREATED || container->step == STARTED);
}

/* In which states a request is legal; those that aren't here are in any. */
static bool is_legal(const struct frame *frame)
{
	const struct container *container = container_find(frame->id);

	switch (frame->type) {
	case FRAME_NETWORK:
		return !containers.list;
	case FRAME_CREATE:
		return !container;
	case FRAME_START:
		return container && container->step == CREATED;
	case FRAME_DELETE:
		return container && container->step != CREATING;
	case FRAME_EXEC:
	case FRAME_PAUSE:
	case FRAME_RESUME:
	case FRAME_UPDATE:
	case FRAME_STATS:
	case FRAME_PS:
		return has_begun(container);
	default:
		return true;
	}
}

/* A request whose reply comes when crun has ended. */
static void take_request(const struct frame *frame)
{
	struct frame_stdio stdio;
	char text[TEXT_MAX] = "";
	enum reply_code code;

	if (frame->type == FRAME_CREATE && !container_add(frame->id, agent.place->container))
		die("no memory for a container");
	if (frame->type == FRAME_CREATE) {
		memcpy(&stdio, frame->data, sizeof(stdio));
		if (stdio.flags & STDIO_NOTIFY && agent.notify < 0)
			agent.notify = notify_open();
	}
	if (frame->type == FRAME_CREATE || frame->type == FRAME_EXEC)
		code = process_create(agent.place, frame, text);
	else
		code = process_run_crun(frame, text);
	if (code != REPLY_DONE)
		reply(frame->type, frame->id, code, text);
}

/* A container that ends at once does so before crun has ended that started it. */
static void take_delete(const struct frame *frame)
{
	struct container *container = container_find(frame->id);

	container->deletes = true;
	container->delete_id = frame->id;
	delete_if_due(frame->id);
}

static void take_network(const struct frame *frame)
{
	char text[TEXT_MAX] = "";

	if (!agent.place->network || agent.has_network)
		die("malformed frame: NETWORK");
	agent.has_network = true;
	reply(FRAME_NETWORK, frame->id, agent.place->network(frame, text), text);
}

static void take_forget(const struct frame *frame)
{
	uint32_t tree;

	if (!agent.place->forget)
		die("malformed frame: FORGET");
	memcpy(&tree, frame->data, sizeof(tree));
	agent.place->forget(tree);
	reply_data(FRAME_FORGET, frame->id, NULL, 0);
}

static void take_signal(const struct frame *frame)
{
	struct frame_signal wanted;

	memcpy(&wanted, frame->data, sizeof(wanted));
	if (wanted.number < 1 || wanted.number > 64 || wanted.flags & ~SIGNAL_ALL)
		die("malformed frame: signal %u", wanted.number);
	reply(FRAME_SIGNAL, frame->id, process_signal(frame->id, &wanted), "can't be signalled");
}

static void take_size(const struct frame *frame)
{
	struct frame_size size;

	memcpy(&size, frame->data, sizeof(size));
	reply(FRAME_RESIZE, frame->id, process_resize(frame->id, &size), "has ended");
}

static void take_frame(const struct frame *frame)
{
	if (!is_legal(frame)) {
		reply(frame->type, frame->id, REPLY_GONE, "the container isn't running");
		return;
	}
	switch (frame->type) {
	case FRAME_NETWORK:
		take_network(frame);
		break;
	case FRAME_CREATE:
		if (WITHIN(frame->id) || CONTAINER_OF(frame->id) >= CONTAINERS_MAX)
			die("malformed frame: CREATE of process %u", frame->id);
		take_request(frame);
		break;
	case FRAME_EXEC:
		if (!WITHIN(frame->id))
			die("malformed frame: EXEC of process %u", frame->id);
		take_request(frame);
		break;
	case FRAME_START:
	case FRAME_PAUSE:
	case FRAME_RESUME:
	case FRAME_UPDATE:
		take_request(frame);
		break;
	case FRAME_DELETE:
		if (CONTAINER_OF(frame->id))
			take_delete(frame);
		else
			agent.ending = true;
		break;
	case FRAME_SIGNAL:
		take_signal(frame);
		break;
	case FRAME_RESIZE:
		take_size(frame);
		break;
	case FRAME_STATS:
		take_stats(frame);
		break;
	case FRAME_PS:
		take_ps(frame);
		break;
	case FRAME_FORGET:
		take_forget(frame);
		break;
	case FRAME_PING:
		reply_data(FRAME_PING, frame->id, NULL, 0);
		break;
	default:
		die("frame of type %d out of turn", frame->type);
	}
}

static void take_frames(void)
{
	struct frame frame;
	int n = connection_fill(&agent.connection);

	if (n == -EAGAIN || n == -EINTR)
		return;
	/* The runner is gone, and with it whoever the container was for. */
	if (n <= 0)
		agent.place->end(-1);
	while ((n = connection_next(&agent.connection, &frame)) > 0)
		take_frame(&frame);
	if (n < 0)
		die("malformed frame");
}

static void take_children(void)
{
	struct signalfd_siginfo info;

	/* Signals of one kind merge: one may stand for many children. */
	while (read(agent.signals, &info, sizeof(info)) > 0)
		;
	process_reap();
}

/* Whoever presses the button wants what a container is stopped with. */
static void take_button(void)
{
	const struct frame_signal stop = { .number = SIGTERM };

	if (agent.place->button_pressed(agent.place->button) &&
	    process_signal(PROCESS_INIT(0), &stop) != REPLY_DONE)
		agent.place->end(128 + SIGTERM);
}

static void wait_for_something(void)
{
	enum { CONNECTION, SIGNALS, BUTTON, NOTIFY, N };
	struct pollfd *fds = calloc(N + process_poll_max(), sizeof(*fds));
	size_t n;

	if (!fds)
		die("no memory to wait for something");
	fds[CONNECTION] = (struct pollfd){ .fd = agent.connection.fd, .events = POLLIN };
	fds[SIGNALS] = (struct pollfd){ .fd = agent.signals, .events = POLLIN };
	fds[BUTTON] = (struct pollfd){ .fd = agent.place->button, .events = POLLIN };
	fds[NOTIFY] = (struct pollfd){ .fd = agent.notify, .events = POLLIN };
	if (connection_has_output(&agent.connection))
		fds[CONNECTION].events |= POLLOUT;
	n = N + process_poll(&fds[N]);
	if (poll(fds, n, -1) < 0 && errno != EINTR)
		die("poll: %m");
	process_polled(&fds[N]);
	/* Before its end, if that comes with it. */
	if (fds[NOTIFY].revents && notify_is_ready(agent.notify))
		put(FRAME_READY, PROCESS_INIT(0), NULL, 0, NULL, 0);
	if (fds[SIGNALS].revents)
		take_children();
	if (fds[BUTTON].revents & POLLIN)
		take_button();
	if (fds[CONNECTION].revents & (POLLIN | POLLHUP | POLLERR))
		take_frames();
	free(fds);
}

int main(int argc, char **argv)
{
	static const struct process_ops ops = { .reply = reply, .exited = exited };
	const struct frame_hello hello = { .version = PROTOCOL_VERSION };
	sigset_t child;
	int fd;

	if (getpid() == 1) {
		agent.place = guest_enter();
	} else if (argc == 2) {
		agent.place = host_enter(argv[1]);
	} else {
		dprintf(STDERR_FILENO, "bulkhead-agent: is started by bulkhead run\n");
		return 2;
	}

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	agent.signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	if (agent.signals < 0)
		die("signalfd: %m");
	fd = agent.place->connect();
	if (fd < 0)
		die("can't reach the runner: %s", strerror(-fd));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	connection_init(&agent.connection, fd);
	process_init(&ops);
	put(FRAME_HELLO, 0, &hello, sizeof(hello), NULL, 0);

	for (;;) {
		int error = connection_flush(&agent.connection);

		if (error)
			die("can't answer the runner: %s", strerror(-error));
		if (agent.ending)
			agent.place->end(agent.status);
		wait_for_something();
	}
}
