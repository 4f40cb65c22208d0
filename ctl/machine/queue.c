// SPDX-License-Identifier: GPL-2.0-only
#include "machine/queue.h"

#include <linux/virtio_ring.h>
#include <string.h>

void queue_init(struct queue *queue, const struct memory *memory,
		const struct bulkhead_external_queue *at)
{
	const struct vring_used *used = (void *)(uintptr_t)at->used;

	*queue = (struct queue){
		.memory = memory,
		.at = *at,
		.next = used->idx,
		.used = used->idx,
	};
}

/* A descriptor's memory, or NULL if it isn't the guest's. */
static void *find(const struct memory *memory, uint64_t addr, uint64_t bytes)
{
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned int n = memory_regions(memory, regions);

	for (unsigned int i = 0; i < n; i++) {
		uint64_t offset = addr - regions[i].guest_addr;

		if (addr >= regions[i].guest_addr && offset < regions[i].bytes &&
		    bytes <= regions[i].bytes - offset)
			return memory->base + regions[i].offset + offset;
	}
	return NULL;
}

static void add(const struct memory *memory, const struct vring_desc *desc, struct chain *chain)
{
	bool is_out = desc->flags & VRING_DESC_F_WRITE;
	struct iovec *parts = is_out ? chain->out : chain->in;
	unsigned int *n = is_out ? &chain->n_out : &chain->n_in;
	void *base = find(memory, desc->addr, desc->len);

	if (base && *n < CHAIN_PARTS)
		parts[(*n)++] = (struct iovec){ .iov_base = base, .iov_len = desc->len };
}

/* Takes a chain out of a table of @n descriptors; returns that which tells of another table. */
static struct vring_desc walk(const struct memory *memory, const struct vring_desc *table,
			      unsigned int n, unsigned int index, struct chain *chain)
{
	struct vring_desc desc = { 0 };

	/* A chain that is longer than its table is a circle. */
	for (unsigned int i = 0; i < n && index < n; i++) {
		memcpy(&desc, &table[index], sizeof(desc));
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return desc;
		add(memory, &desc, chain);
		if (!(desc.flags & VRING_DESC_F_NEXT))
			break;
		index = desc.next;
	}
	return (struct vring_desc){ 0 };
}

bool queue_take(struct queue *queue, struct chain *chain)
{
	const struct vring_desc *table = (const void *)(uintptr_t)queue->at.desc;
	struct vring_avail *avail = (void *)(uintptr_t)queue->at.avail;
	struct vring_used *used = (void *)(uintptr_t)queue->at.used;
	uint16_t *avail_event = (uint16_t *)&used->ring[queue->at.size];
	struct vring_desc more;

	/* Every kick is wanted: those who ask before they kick look at one of these. */
	__atomic_store_n(&used->flags, 0, __ATOMIC_RELAXED);
	__atomic_store_n(avail_event, queue->next, __ATOMIC_SEQ_CST);
	if (queue->next == __atomic_load_n(&avail->idx, __ATOMIC_SEQ_CST))
		return false;

	*chain = (struct chain){
		.head = __atomic_load_n(&avail->ring[queue->next % queue->at.size],
					__ATOMIC_RELAXED),
	};
	queue->next++;
	more = walk(queue->memory, table, queue->at.size, chain->head, chain);
	if (!more.len)
		return true;
	table = find(queue->memory, more.addr, more.len);
	if (table)
		walk(queue->memory, table, more.len / sizeof(more), 0, chain);
	return true;
}

void queue_give(struct queue *queue, const struct chain *chain, uint32_t bytes)
{
	struct vring_used *used = (void *)(uintptr_t)queue->at.used;

	used->ring[queue->used++ % queue->at.size] = (struct vring_used_elem){
		.id = chain->head,
		.len = bytes,
	};
	__atomic_store_n(&used->idx, queue->used, __ATOMIC_RELEASE);
}
