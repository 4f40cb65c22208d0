/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bounded byte stream. Positions count bytes since its beginning and never wrap; what is kept is
 * from tail to head. Also compiled in user space, for its unit tests. The caller locks.
 */
#ifndef BULKHEAD_RING_H
#define BULKHEAD_RING_H

#ifdef __KERNEL__
#include <linux/string.h>
#include <linux/types.h>
#else
#include <string.h>
#include <linux/types.h>
#endif

struct bulkhead_ring {
	unsigned char *data;
	__u32 size;	/* a power of two */
	__u64 head;
	__u64 tail;
};

static inline __u32 bulkhead_ring_used(const struct bulkhead_ring *ring)
{
	return ring->head - ring->tail;
}

static inline __u32 bulkhead_ring_free(const struct bulkhead_ring *ring)
{
	return ring->size - bulkhead_ring_used(ring);
}

/* Append a byte; in a full ring the oldest gives way. */
static inline void bulkhead_ring_push(struct bulkhead_ring *ring, unsigned char byte)
{
	if (!bulkhead_ring_free(ring))
		ring->tail++;
	ring->data[ring->head++ & (ring->size - 1)] = byte;
}

/* Append @len bytes; what doesn't fit lets the oldest give way. */
static inline void bulkhead_ring_write(struct bulkhead_ring *ring, const unsigned char *from,
				       __u32 len)
{
	__u32 start, part;

	if (len > ring->size) {
		ring->head += len - ring->size;
		from += len - ring->size;
		len = ring->size;
	}
	start = ring->head & (ring->size - 1);
	part = ring->size - start;
	if (part > len)
		part = len;
	memcpy(ring->data + start, from, part);
	memcpy(ring->data, from + part, len - part);
	ring->head += len;
	if (ring->head - ring->tail > ring->size)
		ring->tail = ring->head - ring->size;
}

/* Remove the oldest byte of a ring that isn't empty. */
static inline unsigned char bulkhead_ring_pop(struct bulkhead_ring *ring)
{
	return ring->data[ring->tail++ & (ring->size - 1)];
}

/*
 * Copy up to @len bytes from position *@pos, or from the oldest kept if that is later, and move
 * *@pos behind them. Return their number; zero if nothing was ever written at *@pos.
 */
static inline __u32 bulkhead_ring_peek(const struct bulkhead_ring *ring, __u64 *pos,
				       unsigned char *to, __u32 len)
{
	__u32 start, part;

	if (*pos >= ring->head)
		return 0;
	if (*pos < ring->tail)
		*pos = ring->tail;

	if (len > ring->head - *pos)
		len = ring->head - *pos;
	start = *pos & (ring->size - 1);
	part = ring->size - start;
	if (part > len)
		part = len;
	memcpy(to, ring->data + start, part);
	memcpy(to + part, ring->data, len - part);
	*pos += len;
	return len;
}

#endif
