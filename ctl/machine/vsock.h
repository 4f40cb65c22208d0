/* SPDX-License-Identifier: GPL-2.0-only */
/* AF_VSOCK between host and guest: the socket device, served by vhost in the host's kernel. */
#ifndef BULKHEAD_VSOCK_H
#define BULKHEAD_VSOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/external.h"
#include "machine/memory.h"
#include "machine/vhost.h"

struct vsock {
	struct external external;
	struct vhost vhost;
};

/*
 * Gives the partition @id a socket device. Returns 0, or -1 with an error; without vhost-vsock on
 * this host it is 0, there is no device, and an error says why.
 */
int vsock_create(struct vsock *vsock, int partition, uint32_t id, const struct memory *memory);

static inline bool vsock_exists(const struct vsock *vsock)
{
	return vsock->external.fd >= 0;
}

/* Serves the device, if there is one, until the partition ends. @vsock must stay where it is. */
int vsock_start(struct vsock *vsock);

#endif
