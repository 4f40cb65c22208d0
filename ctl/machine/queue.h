/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue of an external device that the runner itself serves: a split virtqueue, virtio 1.2,
 * section 2.7. What the driver puts in it is hostile: it is read once, and what isn't the guest's
 * memory is left out.
 */
#ifndef BULKHEAD_QUEUE_H
#define BULKHEAD_QUEUE_H

#include <linux/bulkhead.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "machine/memory.h"

struct queue {
	const struct memory *memory;
	struct bulkhead_external_queue at;
	uint16_t next;		/* in the ring of what is available */
	uint16_t used;		/* in the other */
};

/* Of a chain of buffers, as many are looked at in either direction. */
#define CHAIN_PARTS		4

/* What the driver wants done: what it says, and where it wants the answer. */
struct chain {
	uint16_t head;
	unsigned int n_in, n_out;
	struct iovec in[CHAIN_PARTS];	/* from the driver */
	struct iovec out[CHAIN_PARTS];	/* to it */
};

/* Goes on where whoever served it before ended. @at is that of a used queue. */
void queue_init(struct queue *queue, const struct memory *memory,
		const struct bulkhead_external_queue *at);

/*
 * Takes the next chain. Returns false if there is none; then a kick tells of the next. Each chain
 * that is taken is to be given back.
 */
bool queue_take(struct queue *queue, struct chain *chain);

/* Gives it back, with @bytes written to @chain->out. The driver isn't interrupted. */
void queue_give(struct queue *queue, const struct chain *chain, uint32_t bytes);

#endif
