/* SPDX-License-Identifier: GPL-2.0-only */
/* Backends in the host's kernel: linux/vhost.h. */
#ifndef BULKHEAD_VHOST_H
#define BULKHEAD_VHOST_H

#include <linux/bulkhead.h>
#include <stdint.h>

#include "machine/external.h"
#include "machine/memory.h"

struct vhost {
	int fd;
	int failed;		/* an eventfd: what is in a queue can't be right */
	uint64_t features;
};

/*
 * Opens the backend @path and shows it the guest's memory. Returns 0, -1 with an error, or 1 with
 * an error and nothing done if this host has no such backend, or not for this user.
 */
int vhost_open(struct vhost *vhost, const char *path, const struct memory *memory);

/* Gives it the first @queues of the device's queues, without starting it. */
int vhost_set_queues(const struct vhost *vhost, const struct external *external,
		     const struct bulkhead_external_get *state, unsigned int queues);

/* Forgets what it said of the queues; it has been stopped. */
void vhost_clear_failure(const struct vhost *vhost);

void vhost_close(struct vhost *vhost);

#endif
