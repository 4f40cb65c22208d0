/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend of a virtio-fs device when the real one is gone: each request gets EIO. Linux' driver
 * pays no attention to DEVICE_NEEDS_RESET, and a request without an answer can't even be killed.
 */
#ifndef BULKHEAD_FUSE_ERRORS_H
#define BULKHEAD_FUSE_ERRORS_H

#include <pthread.h>
#include <stdbool.h>

#include "machine/external.h"
#include "machine/queue.h"

struct fuse_errors {
	const struct external *external;
	struct queue queues[BULKHEAD_EXTERNAL_QUEUES_MAX];
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

/* Answers what is in a queue. Returns whether there was something. */
bool fuse_errors_serve(struct queue *queue);

#endif
