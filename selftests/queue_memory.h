/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest memory in user space: two regions, and nothing between and around them. */
#ifndef SELFTESTS_QUEUE_MEMORY_H
#define SELFTESTS_QUEUE_MEMORY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../kmod/virtio/queue.h"

#define HIGH_ADDR	0x100000000ULL

struct bulkhead_part {
	struct {
		u64 addr;
		u64 bytes;
		u8 *data;
	} mems[2];
	unsigned int reads;
	/* What another vCPU does after each read, or NULL. */
	void (*interfere)(struct bulkhead_part *part);
	u64 seed;
};

/* On the heap, so that what goes beyond is noticed. */
static inline void memory_create(struct bulkhead_part *part, u64 low, u64 high)
{
	*part = (struct bulkhead_part){
		.mems = { { 0, low, calloc(1, low) }, { HIGH_ADDR, high, calloc(1, high) } },
	};
}

static inline void memory_destroy(struct bulkhead_part *part)
{
	free(part->mems[0].data);
	free(part->mems[1].data);
}

void *bulkhead_mem_user(struct bulkhead_part *part, u64 addr, u64 len)
{
	u64 offset;
	int i;

	for (i = 0; i < 2; i++) {
		offset = addr - part->mems[i].addr;
		if (offset < part->mems[i].bytes && len <= part->mems[i].bytes - offset)
			return part->mems[i].data + offset;
	}
	return NULL;
}

int bulkhead_mem_read(struct bulkhead_part *part, u64 addr, void *to, size_t len)
{
	const void *from = bulkhead_mem_user(part, addr, len);

	if (!from)
		return -EFAULT;
	memcpy(to, from, len);
	part->reads++;
	if (part->interfere)
		part->interfere(part);
	return 0;
}

int bulkhead_mem_write(struct bulkhead_part *part, u64 addr, const void *from, size_t len)
{
	void *to = bulkhead_mem_user(part, addr, len);

	if (!to)
		return -EFAULT;
	memcpy(to, from, len);
	return 0;
}

int bulkhead_mem_read16(struct bulkhead_part *part, u64 addr, __le16 *value)
{
	return bulkhead_mem_read(part, addr, value, sizeof(*value));
}

int bulkhead_mem_write16(struct bulkhead_part *part, u64 addr, __le16 value)
{
	return bulkhead_mem_write(part, addr, &value, sizeof(value));
}

#endif
