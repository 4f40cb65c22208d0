// SPDX-License-Identifier: GPL-2.0-only
#include "client/client.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "control/netlink.h"
#include "runner/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *name)
{
	int directory cleanup_close = -1;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[PATH_MAX];
	int fd, error;

	if (strchr(name, '/') ||
	    snprintf(path, sizeof(path), DIRECTORY_BASE "/%s", name) >= (int)sizeof(path)) {
		errno = ENOENT;
		return -1;
	}
	/* The path of a long name has no room in an address. */
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = directory < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" DIRECTORY_CONTROL,
		 directory);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	error = errno;
	close(fd);
	/* Nobody listens in a directory that a killed runner left. */
	errno = error == ECONNREFUSED ? ENOENT : error;
	return -1;
}

int client_connect_named(const char *name)
{
	int fd = connect_to(name);

	if (fd >= 0)
		return fd;
	if (errno == EACCES)
		return fail("%s: another user's container; be root", name);
	errno = ENOENT;
	return fail("%s: no such container; see bulkhead list", name);
}

int client_connect(const char *id_or_name)
{
	struct netlink *netlink cleanup_netlink = NULL;
	int fd = client_connect_named(id_or_name);
	struct part part;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	netlink = netlink_open();
	if (!netlink || netlink_find(netlink, id_or_name, &part)) {
		errno = ENOENT;
		return fail("%s: no such container; see bulkhead list", id_or_name);
	}
	fd = connect_to(part.name);
	if (fd >= 0)
		return fd;
	errno = ENOENT;
	return fail("%s: a partition without a container, started with --kernel or --initrd alone",
		    id_or_name);
}

int client_next(struct connection *connection, struct frame *frame)
{
	int n;

	while (!(n = connection_next(connection, frame))) {
		n = connection_fill(connection);
		if (n == -EINTR)
			continue;
		if (n == 0)
			return 0;
		if (n < 0) {
			errno = -n;
			return fail_errno("can't hear from the container's runner");
		}
	}
	return n > 0 ? 1 : fail("the container's runner sent a malformed frame");
}

void *client_ask_more(struct connection *connection, enum frame_type request, const void *data,
		      size_t data_length, size_t *length)
{
	struct frame_reply reply;
	struct frame frame;
	const char *rest;
	void *copy;
	int n;

	if (connection_put(connection, request, 0, data, data_length, NULL, 0) ||
	    connection_flush(connection)) {
		fail("can't ask the container's runner");
		return NULL;
	}
	n = client_next(connection, &frame);
	if (n <= 0) {
		if (!n)
			fail("the container ended meanwhile");
		return NULL;
	}
	memcpy(&reply, frame.data, sizeof(reply));
	if (frame.type != FRAME_REPLY || reply.request != request) {
		fail("the container's runner answered something else");
		return NULL;
	}
	rest = (const char *)frame.data + sizeof(reply);
	*length = frame.length - sizeof(reply);
	if (reply.code != REPLY_DONE) {
		fail("%.*s", (int)*length, rest);
		return NULL;
	}
	copy = malloc(*length + 1);
	if (copy)
		memcpy(copy, rest, *length);
	else
		fail_errno("no memory for the answer");
	return copy;
}

void *client_ask(int socket, enum frame_type request, const void *data, size_t data_length,
		 size_t *length)
{
	struct connection connection;
	void *answer;

	connection_init(&connection, dup(socket));
	answer = client_ask_more(&connection, request, data, data_length, length);
	connection_close(&connection);
	return answer;
}

int client_send_signal(int socket, int number, bool all)
{
	void *answer cleanup_free = NULL;
	const struct frame_signal data = { number, all ? SIGNAL_ALL : 0 };
	size_t length;

	answer = client_ask(socket, FRAME_SIGNAL, &data, sizeof(data), &length);
	return answer ? 0 : -1;
}

int client_signal(const char *id_or_name, int number, bool all)
{
	int socket cleanup_close = -1;

	socket = client_connect(id_or_name);
	if (socket < 0)
		return -1;
	return client_send_signal(socket, number, all) ? error_prefix("%s", id_or_name) : 0;
}

int client_state(int socket, struct frame_state *state)
{
	void *answer cleanup_free = NULL;
	size_t length;

	answer = client_ask(socket, FRAME_STATE, NULL, 0, &length);
	if (!answer)
		return -1;
	if (length != sizeof(*state))
		return fail("the container's runner answered something else");
	memcpy(state, answer, length);
	return 0;
}
