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
	uint64_t features;
};

/*
 * Opens the backend @path and shows it the guest's memory. Returns 0, -1 with an error, or 1 with
 * an error and nothing done if this host has no such backend, or not for this user.
 */
int vhost_open(struct vhost *vhost, const char *path, const struct memory *memory);

/*
 * Makes external->failed, by which backends say that what is in a queue of the device can't be
 * right. Returns 0, or -1 with an error.
 */
int vhost_watch(struct external *external);

/* Forgets what they said; they have been stopped. */
void vhost_clear_failure(const struct external *external);

/*
 * Gives it @n of the device's queues, from @first on, as its own queues from 0 on, without starting
 * it. The device is watched.
 */
int vhost_set_queues(const struct vhost *vhost, const struct external *external,
		     const struct bulkhead_external_get *state, unsigned int first, unsigned int n);

void vhost_close(struct vhost *vhost);

#endif
