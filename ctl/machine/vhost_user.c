// SPDX-License-Identifier: GPL-2.0-only
#include "machine/vhost_user.h"
#include "base/error.h"

#include <errno.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define VERSION			0x1
#define FLAG_REPLY		0x4
#define FLAG_NEED_REPLY		0x8

/* Feature bits that are the protocol's own, and what is wanted of the protocol's. */
#define F_PROTOCOL_FEATURES	30
#define PROTOCOL_F_REPLY_ACK	3

enum request {
	GET_FEATURES		= 1,
	SET_FEATURES		= 2,
	SET_OWNER		= 3,
	SET_MEM_TABLE		= 5,
	SET_VRING_NUM		= 8,
	SET_VRING_ADDR		= 9,
	SET_VRING_BASE		= 10,
	GET_VRING_BASE		= 11,
	SET_VRING_KICK		= 12,
	SET_VRING_CALL		= 13,
	GET_PROTOCOL_FEATURES	= 15,
	SET_PROTOCOL_FEATURES	= 16,
	SET_VRING_ENABLE	= 18,
};

struct header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;		/* of what follows */
};

struct region {
	uint64_t guest_addr;
	uint64_t bytes;
	uint64_t user_addr;
	uint64_t offset;
};

struct memory_table {
	uint32_t n;
	uint32_t padding;
	struct region regions[MEMORY_REGIONS_MAX];
};

union payload {
	uint64_t number;
	struct vhost_vring_state vring;
	struct vhost_vring_addr addr;
	struct memory_table memory;
};

/* The fields lie one behind the other: the header has no room for alignment. */
struct message {
	struct header header;
	union payload payload;
} __attribute__((packed));

/* Sends a request with the first @size bytes of @payload, and with @n_fds descriptors. */
static int send_request(const struct vhost_user *backend, enum request request, uint32_t flags,
			const void *payload, size_t size, const int *fds, size_t n_fds)
{
	char control[CMSG_SPACE(MEMORY_REGIONS_MAX * sizeof(int))] = { 0 };
	struct message message = { .header = { request, VERSION | flags, size } };
	struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message.header) + size };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (size)
		memcpy(&message.payload, payload, size);
	if (n_fds) {
		struct cmsghdr *cmsg = (struct cmsghdr *)control;

		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	}
	do {
		n = sendmsg(backend->socket, &header, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_errno("%s: can't send request %d", backend->name, request);
	if ((size_t)n != iov.iov_len)
		return fail("%s: request %d was sent in part", backend->name, request);
	return 0;
}

static int receive(const struct vhost_user *backend, enum request request, void *to, size_t size)
{
	ssize_t n;

	do {
		n = recv(backend->socket, to, size, MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return fail("%s: no answer to request %d within %u seconds", backend->name,
			    request, backend->timeout);
	if (n < 0)
		return fail_errno("%s: no answer to request %d", backend->name, request);
	if (!n)
		return fail("%s: has ended", backend->name);
	if ((size_t)n != size)
		return fail("%s: answered request %d in part", backend->name, request);
	return 0;
}

static int receive_reply(const struct vhost_user *backend, enum request request, void *payload,
			 size_t size)
{
	struct header header;

	if (receive(backend, request, &header, sizeof(header)))
		return -1;
	if (header.request != request || header.size != size ||
	    header.flags != (VERSION | FLAG_REPLY))
		return fail("%s: answered request %d with another, or malformed", backend->name,
			    request);
	return receive(backend, request, payload, size);
}

static int get(const struct vhost_user *backend, enum request request, uint64_t *number)
{
	if (send_request(backend, request, 0, NULL, 0, NULL, 0))
		return -1;
	return receive_reply(backend, request, number, sizeof(*number));
}

static int set(const struct vhost_user *backend, enum request request, const void *payload,
	       size_t size, const int *fds, size_t n_fds)
{
	uint64_t status;

	if (send_request(backend, request, FLAG_NEED_REPLY, payload, size, fds, n_fds) ||
	    receive_reply(backend, request, &status, sizeof(status)))
		return -1;
	if (status)
		return fail("%s: refuses request %d", backend->name, request);
	return 0;
}

static int set_number(const struct vhost_user *backend, enum request request, uint64_t number)
{
	return set(backend, request, &number, sizeof(number), NULL, 0);
}

static int set_memory(const struct vhost_user *backend)
{
	const struct memory *memory = backend->memory;
	struct memory_region regions[MEMORY_REGIONS_MAX];
	struct memory_table table = { .n = memory_regions(memory, regions) };
	int fds[MEMORY_REGIONS_MAX];

	for (unsigned int i = 0; i < table.n; i++) {
		table.regions[i] = (struct region){
			.guest_addr = regions[i].guest_addr,
			.bytes = regions[i].bytes,
			.user_addr = (uintptr_t)memory->base + regions[i].offset,
			.offset = regions[i].offset,
		};
		fds[i] = memory->fd;
	}
	return set(backend, SET_MEM_TABLE, &table,
		   offsetof(struct memory_table, regions[table.n]), fds, table.n);
}

/* Before REPLY_ACK is agreed on, a request that sets something isn't answered. */
static int negotiate(struct vhost_user *backend)
{
	const uint64_t wanted = 1ULL << PROTOCOL_F_REPLY_ACK;
	uint64_t offered;

	if (get(backend, GET_FEATURES, &backend->features))
		return -1;
	if (!(backend->features & 1ULL << F_PROTOCOL_FEATURES))
		return fail("%s: doesn't answer requests; update it", backend->name);
	if (get(backend, GET_PROTOCOL_FEATURES, &offered))
		return -1;
	if (!(offered & wanted))
		return fail("%s: doesn't answer requests; update it", backend->name);
	if (send_request(backend, SET_PROTOCOL_FEATURES, 0, &wanted, sizeof(wanted), NULL, 0))
		return -1;
	return set(backend, SET_OWNER, NULL, 0, NULL, 0);
}

int vhost_user_open(struct vhost_user *backend, int socket, const char *name,
		    const struct memory *memory, unsigned int timeout)
{
	const struct timeval time = { .tv_sec = timeout };

	*backend = (struct vhost_user){
		.socket = socket,
		.name = name,
		.memory = memory,
		.timeout = timeout,
	};
	if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) ||
	    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)))
		return fail_errno("%s: can't set a timeout", name);
	return negotiate(backend) || set_memory(backend) ? -1 : 0;
}

static int set_queue(const struct vhost_user *backend, const struct external *external,
		     const struct bulkhead_external_queue *queue, unsigned int index)
{
	const struct vhost_vring_state size = { .index = index, .num = queue->size };
	const struct vhost_vring_state base = { .index = index };
	const struct vhost_vring_state enable = { .index = index, .num = 1 };
	const struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = queue->desc,
		.avail_user_addr = queue->avail,
		.used_user_addr = queue->used,
	};
	const uint64_t number = index;

	return set(backend, SET_VRING_NUM, &size, sizeof(size), NULL, 0) ||
	       set(backend, SET_VRING_BASE, &base, sizeof(base), NULL, 0) ||
	       set(backend, SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0) ||
	       set(backend, SET_VRING_CALL, &number, sizeof(number), &external->irq, 1) ||
	       set(backend, SET_VRING_KICK, &number, sizeof(number), &external->kicks[index], 1) ||
	       set(backend, SET_VRING_ENABLE, &enable, sizeof(enable), NULL, 0) ? -1 : 0;
}

int vhost_user_start(struct vhost_user *backend, const struct external *external,
		     const struct bulkhead_external_get *state)
{
	for (unsigned int i = 0; i < external->queues; i++) {
		if (state->queue[i].size)
			continue;
		fail("%s: the guest's driver doesn't use queue %u", external->name, i);
		return 1;
	}
	if (set_number(backend, SET_FEATURES, state->features | 1ULL << F_PROTOCOL_FEATURES))
		return -1;
	for (unsigned int i = 0; i < external->queues; i++)
		if (set_queue(backend, external, &state->queue[i], i))
			return -1;
	return 0;
}

int vhost_user_stop(struct vhost_user *backend, const struct external *external)
{
	for (unsigned int i = 0; i < external->queues; i++) {
		struct vhost_vring_state vring = { .index = i };

		if (send_request(backend, GET_VRING_BASE, 0, &vring, sizeof(vring), NULL, 0) ||
		    receive_reply(backend, GET_VRING_BASE, &vring, sizeof(vring)))
			return -1;
	}
	return 0;
}

void vhost_user_close(struct vhost_user *backend)
{
	if (backend->socket >= 0)
		close(backend->socket);
	backend->socket = -1;
}
