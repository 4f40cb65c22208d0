// SPDX-License-Identifier: GPL-2.0-only
#include "runner/agent.h"
#include "base/error.h"
#include "base/timeout.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* More than a guest's processes connect at once. */
#define BACKLOG		128

#define TICKET_MS	10000

void agent_init(struct agent *agent, int listener)
{
	*agent = (struct agent){ .listener = listener };
	connection_init(&agent->connection, -1);
}

int agent_listen_vsock(struct agent *agent, unsigned int *port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = VMADDR_PORT_ANY,
	};
	socklen_t length = sizeof(addr);

	agent_init(agent, socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (agent->listener < 0 ||
	    bind(agent->listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(agent->listener, BACKLOG) ||
	    getsockname(agent->listener, (struct sockaddr *)&addr, &length))
		return fail("can't listen for the agent on AF_VSOCK: %s; modprobe vhost_vsock",
			    strerror(errno));
	*port = addr.svm_port;
	return 0;
}

int agent_listen_unix(struct agent *agent, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	agent_init(agent, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (agent->listener < 0 ||
	    bind(agent->listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(agent->listener, BACKLOG))
		return fail_errno("%s: can't listen for the agent", path);
	return 0;
}

int agent_ticket(uint64_t *ticket)
{
	do {
		if (getrandom(ticket, sizeof(*ticket), 0) != sizeof(*ticket))
			return fail_errno("no random numbers");
	} while (!*ticket);
	return 0;
}

int agent_put(struct agent *agent, enum frame_type type, uint32_t id, const void *head,
	      size_t head_length, const void *tail, size_t tail_length)
{
	if (!connection_put(&agent->connection, type, id, head, head_length, tail, tail_length))
		return 0;
	return fail("the agent doesn't take what it is asked for");
}

static void drop_newcomer(struct agent *agent, unsigned int i)
{
	agent->newcomers[i] = agent->newcomers[--agent->n_newcomers];
}

/* The one that has waited longest makes room. */
static void add_newcomer(struct agent *agent, int fd)
{
	if (agent->n_newcomers == NEWCOMERS_MAX) {
		unsigned int oldest = 0;

		for (unsigned int i = 1; i < NEWCOMERS_MAX; i++)
			if (agent->newcomers[i].since < agent->newcomers[oldest].since)
				oldest = i;
		close(agent->newcomers[oldest].fd);
		drop_newcomer(agent, oldest);
	}
	agent->newcomers[agent->n_newcomers++] = (struct newcomer){
		.fd = fd,
		.since = timeout_clock(),
	};
}

static void accept_all(struct agent *agent)
{
	union {
		struct sockaddr_vm vm;
		struct sockaddr_storage any;
	} peer;
	int fd;

	for (;;) {
		socklen_t length = sizeof(peer);

		fd = accept4(agent->listener, (struct sockaddr *)&peer, &length,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		/* Other guests of this host can connect, too. */
		if (agent->cid && peer.vm.svm_cid != agent->cid)
			close(fd);
		else if (agent->connection.fd < 0)
			connection_init(&agent->connection, fd);
		else
			add_newcomer(agent, fd);
	}
}

/* Returns false if the newcomer is none any more. */
static bool take_ticket(struct newcomer *newcomer, const struct agent_ops *ops, void *data)
{
	ssize_t n = read(newcomer->fd, newcomer->ticket + newcomer->have,
			 sizeof(newcomer->ticket) - newcomer->have);
	uint64_t ticket;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		close(newcomer->fd);
		return false;
	}
	newcomer->have += n;
	if (newcomer->have < sizeof(ticket))
		return true;
	memcpy(&ticket, newcomer->ticket, sizeof(ticket));
	ops->stream(data, ticket, newcomer->fd);
	return false;
}

static void look_at_newcomers(struct agent *agent, const struct agent_ops *ops, void *data)
{
	uint64_t now = timeout_clock();

	for (unsigned int i = agent->n_newcomers; i--;) {
		struct newcomer *newcomer = &agent->newcomers[i];

		if (!take_ticket(newcomer, ops, data)) {
			drop_newcomer(agent, i);
		} else if (now - newcomer->since > TICKET_MS) {
			close(newcomer->fd);
			drop_newcomer(agent, i);
		}
	}
}

static int broken(const char *what)
{
	return fail("the agent broke its protocol (%s); reinstall bulkhead", what);
}

static int take_hello(struct agent *agent, const struct frame *frame, const struct agent_ops *ops,
		      void *data)
{
	struct frame_hello hello;

	if (frame->type != FRAME_HELLO)
		return broken("no HELLO");
	memcpy(&hello, frame->data, sizeof(hello));
	if (hello.version != PROTOCOL_VERSION)
		return broken("version");
	agent->greeted = true;
	ops->greeted(data);
	return 0;
}

static int take_frames(struct agent *agent, const struct agent_ops *ops, void *data)
{
	int n = connection_fill(&agent->connection);
	struct frame frame;

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return fail("the agent is gone");
	while ((n = connection_next(&agent->connection, &frame)) > 0)
		if (agent->greeted ? ops->frame(data, &frame) :
				     take_hello(agent, &frame, ops, data))
			return -1;
	return n < 0 ? broken("malformed frame") : 0;
}

unsigned int agent_poll(const struct agent *agent, struct pollfd fds[AGENT_POLL_MAX])
{
	const struct connection *connection = &agent->connection;
	unsigned int n = 0;

	fds[n++] = (struct pollfd){ .fd = agent->listener, .events = POLLIN };
	fds[n++] = (struct pollfd){
		.fd = connection->fd,
		.events = POLLIN | (connection_has_output(connection) ? POLLOUT : 0),
	};
	for (unsigned int i = 0; i < agent->n_newcomers; i++)
		fds[n++] = (struct pollfd){ .fd = agent->newcomers[i].fd, .events = POLLIN };
	return n;
}

int agent_polled(struct agent *agent, const struct pollfd *fds, const struct agent_ops *ops,
		 void *data)
{
	if (fds[0].revents)
		accept_all(agent);
	/* Streams before frames: what a reply tells of has its streams by then, as a rule. */
	look_at_newcomers(agent, ops, data);
	if (agent->connection.fd >= 0 && fds[1].revents && take_frames(agent, ops, data))
		return -1;
	if (agent->connection.fd >= 0 && connection_flush(&agent->connection))
		return fail("the agent is gone");
	return 0;
}

void agent_close(struct agent *agent)
{
	for (unsigned int i = 0; i < agent->n_newcomers; i++)
		close(agent->newcomers[i].fd);
	agent->n_newcomers = 0;
	connection_close(&agent->connection);
	if (agent->listener >= 0)
		close(agent->listener);
}
