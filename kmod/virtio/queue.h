/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Split virtqueues, the device's side: virtio 1.2, section 2.7. Knows neither devices nor
 * transports. Also compiled in user space, for its unit tests and its fuzzer; guest memory is then
 * what they say it is.
 */
#ifndef BULKHEAD_QUEUE_H
#define BULKHEAD_QUEUE_H

#ifdef __KERNEL__
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uio.h>
#else
#include "queue_user.h"
#endif

struct bulkhead_part;

/* Entries of a queue. */
#define BULKHEAD_QUEUE_MAX	1024

/* A buffer in guest memory, as the driver gives it: it may lie anywhere. */
struct bulkhead_segment {
	u64 addr;
	u32 len;
};

/**
 * struct bulkhead_chain - a request in a queue
 * @head: index of its first descriptor
 * @nr_out: number of buffers that the device reads
 * @nr_in: number of buffers that the device writes
 * @out_bytes: of the former together
 * @in_bytes: of the latter together
 * @segs: the buffers, those to read first; the queue's, valid until the next request
 */
struct bulkhead_chain {
	u16 head;
	u16 nr_out;
	u16 nr_in;
	u64 out_bytes;
	u64 in_bytes;
	const struct bulkhead_segment *segs;
};

/**
 * struct bulkhead_queue - a split virtqueue
 * @lock: the caller's: all functions but bulkhead_queue_is_valid() want it held
 * @ready: the driver has enabled it; cleared without @lock, so that who holds that leaves
 * @indirect: VIRTIO_F_RING_INDIRECT_DESC was negotiated
 * @event_idx: VIRTIO_F_RING_EVENT_IDX was negotiated
 * @size: entries, a power of two
 * @desc: guest physical address of the descriptor table
 * @avail: of the available ring
 * @used: of the used ring
 * @next: of the available ring, the index of the next request, not modulo @size
 * @used_idx: of the used ring, likewise
 * @signalled: @used_idx when the driver was last considered for an interrupt
 * @segs: room for @size buffers
 */
struct bulkhead_queue {
	struct mutex lock;		/* everything */
	bool ready;
	bool indirect;
	bool event_idx;
	u16 size;
	u64 desc;
	u64 avail;
	u64 used;
	u16 next;
	u16 used_idx;
	u16 signalled;
	struct bulkhead_segment *segs;
};

bool bulkhead_queue_is_valid(struct bulkhead_part *part, u16 size, u64 desc, u64 avail, u64 used);
int bulkhead_queue_pop(struct bulkhead_part *part, struct bulkhead_queue *queue,
		       struct bulkhead_chain *chain);
void bulkhead_queue_unpop(struct bulkhead_queue *queue);
int bulkhead_queue_push(struct bulkhead_part *part, struct bulkhead_queue *queue, u16 head,
			u32 written);
int bulkhead_queue_wants_interrupt(struct bulkhead_part *part, struct bulkhead_queue *queue);
int bulkhead_queue_kicks_disable(struct bulkhead_part *part, struct bulkhead_queue *queue);
int bulkhead_queue_kicks_enable(struct bulkhead_part *part, struct bulkhead_queue *queue);

/* chain.c */
ssize_t bulkhead_chain_read(struct bulkhead_part *part, const struct bulkhead_chain *chain,
			    u64 offset, void *to, size_t len);
ssize_t bulkhead_chain_write(struct bulkhead_part *part, const struct bulkhead_chain *chain,
			     u64 offset, const void *from, size_t len);
int bulkhead_chain_iov(struct bulkhead_part *part, const struct bulkhead_chain *chain, bool in,
		       u64 offset, u64 len, struct iovec *iov, unsigned int max);

#endif
