/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend of a virtio-fs device when the real one is gone: each request gets EIO. Linux' driver
 * pays no attention to DEVICE_NEEDS_RESET, and a request without an answer can't even be killed.
 */
#ifndef BULKHEAD_FUSE_ERRORS_H
#define BULKHEAD_FUSE_ERRORS_H

#include <linux/bulkhead.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/external.h"
#include "machine/memory.h"

struct fuse_errors {
	const struct external *external;
	const struct memory *memory;
	struct bulkhead_external_get state;
	uint16_t next[BULKHEAD_EXTERNAL_QUEUES_MAX];	/* in the ring of what is available */
	int stop;		/* an eventfd */
	bool running;
	pthread_t thread;
};

/*
 * Takes the queues of @state, which the gone backend has served in their order: what isn't used is
 * to be answered. @errors must stay where it is. Returns 0, or -1 with an error.
 */
int fuse_errors_start(struct fuse_errors *errors, const struct external *external,
		      const struct bulkhead_external_get *state, const struct memory *memory);

/* Lets go of the queues. */
void fuse_errors_stop(struct fuse_errors *errors);

/* Answers what is in queue @index. Returns whether there was something. */
bool fuse_errors_serve(struct fuse_errors *errors, unsigned int index);

#endif
