// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split virtqueues, the device's side: virtio 1.2, section 2.7.
 *
 * What is in guest memory changes while it is looked at. Each field is read once, and every number
 * is checked before it is used as an index or a length. An address is checked when it is followed.
 */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <asm/barrier.h>

#include "../bulkhead.h"
#else
#include <errno.h>
#include <linux/virtio_ring.h>
#endif
#include "queue.h"

/* Virtio 1.2, sections 2.7.5, 2.7.6 and 2.7.8: offsets in the rings and sizes of their entries. */
#define RING_FLAGS	0
#define RING_IDX	2
#define RING_ENTRIES	4
#define AVAIL_ENTRY	2
#define USED_ENTRY	8
#define EVENT		2

/* A request can't be longer than this; 2.7.5.2. */
#define CHAIN_BYTES_MAX	0x100000000ULL

struct desc {
	__le64 addr;
	__le32 len;
	__le16 flags;
	__le16 next;
};

struct used_elem {
	__le32 id;
	__le32 len;
};

static u64 avail_bytes(u16 size)
{
	return RING_ENTRIES + (u64)AVAIL_ENTRY * size + EVENT;
}

static u64 used_bytes(u16 size)
{
	return RING_ENTRIES + (u64)USED_ENTRY * size + EVENT;
}

/**
 * bulkhead_queue_is_valid - check what a driver wants as a queue
 * @part: the partition
 * @size: entries
 * @desc: guest physical address of the descriptor table
 * @avail: of the available ring
 * @used: of the used ring
 *
 * Return: whether the size is a power of two up to BULKHEAD_QUEUE_MAX, and the addresses are
 * aligned as section 2.7 asks and lie in guest memory.
 */
bool bulkhead_queue_is_valid(struct bulkhead_part *part, u16 size, u64 desc, u64 avail, u64 used)
{
	return size && size <= BULKHEAD_QUEUE_MAX && !(size & (size - 1)) &&
	       !(desc & 15) && !(avail & 1) && !(used & 3) &&
	       bulkhead_mem_user(part, desc, sizeof(struct desc) * size) &&
	       bulkhead_mem_user(part, avail, avail_bytes(size)) &&
	       bulkhead_mem_user(part, used, used_bytes(size));
}

static int read16(struct bulkhead_part *part, u64 addr, u16 *value)
{
	__le16 le;
	int ret = bulkhead_mem_read16(part, addr, &le);

	*value = ret ? 0 : le16_to_cpu(le);
	return ret;
}

/* Number of requests that wait, at most as many as the queue has entries. */
static int pending(struct bulkhead_part *part, const struct bulkhead_queue *queue)
{
	u16 idx;
	int ret;

	ret = read16(part, queue->avail + RING_IDX, &idx);
	if (ret)
		return ret;
	idx -= queue->next;
	return idx <= queue->size ? idx : -EINVAL;
}

static int chain_add(struct bulkhead_queue *queue, struct bulkhead_chain *chain, u64 addr, u32 len,
		     bool in)
{
	unsigned int n = chain->nr_out + chain->nr_in;
	u64 end;

	/* What the device writes follows what it reads; 2.7.4.2. */
	if (n == queue->size || !len || (!in && chain->nr_in) ||
	    check_add_overflow(addr, (u64)len, &end) ||
	    chain->out_bytes + chain->in_bytes + len > CHAIN_BYTES_MAX)
		return -EINVAL;
	queue->segs[n] = (struct bulkhead_segment){ addr, len };
	if (in) {
		chain->nr_in++;
		chain->in_bytes += len;
	} else {
		chain->nr_out++;
		chain->out_bytes += len;
	}
	return 0;
}

/*
 * Follows a chain of descriptors. Each but the one that refers to an indirect table adds a buffer,
 * and there can't be more buffers than entries: so a loop ends.
 */
static int chain_walk(struct bulkhead_part *part, struct bulkhead_queue *queue,
		      struct bulkhead_chain *chain)
{
	u64 table = queue->desc;
	u32 entries = queue->size;
	u32 i = chain->head;
	bool indirect = false;
	struct desc desc;
	u16 flags;
	u32 len;
	int ret;

	for (;;) {
		if (i >= entries)
			return -EINVAL;
		ret = bulkhead_mem_read(part, table + i * sizeof(desc), &desc, sizeof(desc));
		if (ret)
			return ret;
		flags = le16_to_cpu(desc.flags);
		len = le32_to_cpu(desc.len);

		if (flags & VRING_DESC_F_INDIRECT) {
			if (!queue->indirect || indirect || (flags & VRING_DESC_F_NEXT) ||
			    !len || len % sizeof(desc))
				return -EINVAL;
			indirect = true;
			table = le64_to_cpu(desc.addr);
			entries = len / sizeof(desc);
			if (table > U64_MAX - len)
				return -EINVAL;
			i = 0;
			continue;
		}
		ret = chain_add(queue, chain, le64_to_cpu(desc.addr), len,
				flags & VRING_DESC_F_WRITE);
		if (ret)
			return ret;
		if (!(flags & VRING_DESC_F_NEXT))
			return 0;
		i = le16_to_cpu(desc.next);
	}
}

/**
 * bulkhead_queue_pop - take the next request
 * @part: the partition
 * @queue: the queue; ready
 * @chain: the request
 *
 * Return: 1, 0 if none waits, or a negative error if the driver broke the rules.
 */
int bulkhead_queue_pop(struct bulkhead_part *part, struct bulkhead_queue *queue,
		       struct bulkhead_chain *chain)
{
	u64 slot = queue->next & (queue->size - 1);
	int ret;

	ret = pending(part, queue);
	if (ret <= 0)
		return ret;
	/* The entry is read after the index that covers it. */
	virt_rmb();
	*chain = (struct bulkhead_chain){ .segs = queue->segs };
	ret = read16(part, queue->avail + RING_ENTRIES + AVAIL_ENTRY * slot, &chain->head);
	if (ret)
		return ret;
	ret = chain_walk(part, queue, chain);
	if (ret)
		return ret;
	queue->next++;
	return 1;
}

/**
 * bulkhead_queue_unpop - leave the request that was just taken in the queue
 * @queue: the queue
 */
void bulkhead_queue_unpop(struct bulkhead_queue *queue)
{
	queue->next--;
}

/**
 * bulkhead_queue_push - give a request back to the driver
 * @part: the partition
 * @queue: the queue
 * @head: index of its first descriptor
 * @written: bytes written to its buffers, from the first on
 *
 * Return: 0 or -EFAULT.
 */
int bulkhead_queue_push(struct bulkhead_part *part, struct bulkhead_queue *queue, u16 head,
			u32 written)
{
	struct used_elem elem = { cpu_to_le32(head), cpu_to_le32(written) };
	u64 slot = queue->used_idx & (queue->size - 1);
	int ret;

	ret = bulkhead_mem_write(part, queue->used + RING_ENTRIES + USED_ENTRY * slot, &elem,
				 sizeof(elem));
	if (ret)
		return ret;
	/* The driver sees what was written before the index that covers it. */
	virt_wmb();
	return bulkhead_mem_write16(part, queue->used + RING_IDX, cpu_to_le16(++queue->used_idx));
}

/**
 * bulkhead_queue_wants_interrupt - whether the driver wants to hear of what was given back
 * @part: the partition
 * @queue: the queue
 *
 * Covers all that was given back since the last call.
 *
 * Return: 1, 0, or a negative error.
 */
int bulkhead_queue_wants_interrupt(struct bulkhead_part *part, struct bulkhead_queue *queue)
{
	u16 old = queue->signalled, new = queue->used_idx, value;
	int ret;

	if (old == new)
		return 0;
	queue->signalled = new;
	/* The driver writes its wish, then looks at the index; we do the reverse. 2.7.7, 2.7.10. */
	virt_mb();
	if (queue->event_idx) {
		ret = read16(part, queue->avail + RING_ENTRIES + AVAIL_ENTRY * queue->size, &value);
		return ret ?: vring_need_event(value, new, old);
	}
	ret = read16(part, queue->avail + RING_FLAGS, &value);
	return ret ?: !(value & VRING_AVAIL_F_NO_INTERRUPT);
}

/**
 * bulkhead_queue_kicks_disable - tell the driver that it needs not kick
 * @part: the partition
 * @queue: the queue
 *
 * Return: 0 or -EFAULT.
 */
int bulkhead_queue_kicks_disable(struct bulkhead_part *part, struct bulkhead_queue *queue)
{
	/* With event index, the event that was asked for has passed. */
	if (queue->event_idx)
		return 0;
	return bulkhead_mem_write16(part, queue->used + RING_FLAGS,
				    cpu_to_le16(VRING_USED_F_NO_NOTIFY));
}

/**
 * bulkhead_queue_kicks_enable - ask the driver for a kick with its next request
 * @part: the partition
 * @queue: the queue
 *
 * Return: a positive number if there are requests that it may not kick for, 0 if not, or a negative
 * error.
 */
int bulkhead_queue_kicks_enable(struct bulkhead_part *part, struct bulkhead_queue *queue)
{
	int ret;

	if (queue->event_idx)
		ret = bulkhead_mem_write16(part, queue->used + RING_ENTRIES +
					   USED_ENTRY * queue->size, cpu_to_le16(queue->next));
	else
		ret = bulkhead_mem_write16(part, queue->used + RING_FLAGS, 0);
	if (ret)
		return ret;
	/* The driver adds a request, then looks whether to kick; we do the reverse. */
	virt_mb();
	return pending(part, queue);
}
