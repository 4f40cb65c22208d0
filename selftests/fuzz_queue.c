// SPDX-License-Identifier: GPL-2.0-only
/*
 * A target for libFuzzer: split virtqueues in guest memory that the fuzzer wrote. Each input is
 * gone through twice, the second time with memory that changes between any two reads. The first
 * byte is the logarithm of the queue's size, the second the features, from the third on it is
 * memory: available ring, descriptors, used ring, and what the descriptors refer to.
 */
#include <assert.h>

#include "../kmod/virtio/chain.c"
#include "../kmod/virtio/queue.c"
#include "queue_memory.h"

#define LOW	0x6000ULL
#define HIGH	0x1000ULL

/* What the driver may have enabled. */
#define FEATURE_INDIRECT	1
#define FEATURE_EVENT_IDX	2

/* xorshift64 */
static u64 next_random(struct bulkhead_part *part)
{
	part->seed ^= part->seed << 13;
	part->seed ^= part->seed >> 7;
	part->seed ^= part->seed << 17;
	return part->seed;
}

/* Another vCPU writes: mostly little, near what was written before. */
static void write_somewhere(struct bulkhead_part *part)
{
	static const u16 values[] = { 0, 1, 2, 3, 4, 16, 0x7fff, 0x8000, 0xfffe, 0xffff };
	u64 random = next_random(part);
	u16 offset = random % (random & 0x10000 ? 64 : LOW - 2);

	if (random & 0xe0000)
		return;
	bulkhead_mem_write16(part, offset, values[(random >> 32) % (sizeof(values) / 2)]);
}

static void check_chain(struct bulkhead_part *part, const struct bulkhead_queue *queue,
			const struct bulkhead_chain *chain)
{
	u64 sums[2] = { };
	struct iovec iov[4];
	u8 copy[64] = { };
	ssize_t done;
	int i, n, in;

	assert(chain->head < queue->size);
	assert(chain->nr_out + chain->nr_in <= queue->size);
	assert(chain->nr_out + chain->nr_in > 0);
	for (i = 0; i < chain->nr_out + chain->nr_in; i++) {
		assert(chain->segs[i].len);
		assert(chain->segs[i].addr + chain->segs[i].len > chain->segs[i].addr);
		sums[i >= chain->nr_out] += chain->segs[i].len;
	}
	assert(sums[0] == chain->out_bytes && sums[1] == chain->in_bytes);
	assert(sums[0] + sums[1] <= 1ULL << 32);

	done = bulkhead_chain_read(part, chain, next_random(part) % 64, copy, sizeof(copy));
	assert(done == -EFAULT || (done >= 0 && done <= (ssize_t)sizeof(copy)));
	done = bulkhead_chain_write(part, chain, next_random(part) % 64, copy, sizeof(copy));
	assert(done == -EFAULT || (done >= 0 && done <= (ssize_t)sizeof(copy)));
	for (in = 0; in < 2; in++) {
		n = bulkhead_chain_iov(part, chain, in, 0, sums[in], iov, 4);
		assert(n == -EFAULT || n == -E2BIG || (n >= 0 && n <= 4));
		for (i = 0; i < n; i++)
			sums[in] -= iov[i].iov_len;
		assert(n < 0 || !sums[in]);
	}
}

/* As a device serves its queue. */
static void serve(struct bulkhead_part *part, struct bulkhead_queue *queue)
{
	struct bulkhead_chain chain;
	int i, ret;

	for (i = 0; i < 4 * queue->size + 4; i++) {
		bulkhead_queue_kicks_disable(part, queue);
		ret = bulkhead_queue_pop(part, queue, &chain);
		if (ret <= 0)
			break;
		assert(ret == 1);
		check_chain(part, queue, &chain);
		assert(!bulkhead_queue_push(part, queue, chain.head, chain.in_bytes));
		ret = bulkhead_queue_wants_interrupt(part, queue);
		assert(ret == 0 || ret == 1);
		ret = bulkhead_queue_kicks_enable(part, queue);
		assert(ret <= queue->size);
		if (ret < 0)
			break;
	}
}

static void run(const u8 *data, size_t size, void (*interfere)(struct bulkhead_part *part))
{
	struct bulkhead_queue queue = { .ready = true };
	struct bulkhead_part part;

	memory_create(&part, LOW, HIGH);
	memcpy(part.mems[0].data, data + 2, size - 2 < LOW ? size - 2 : LOW);
	part.seed = 88172645463325252ULL ^ data[0] ^ (u64)data[1] << 8 ^ (u64)size << 16;

	queue.size = 1 << data[0] % 11;
	queue.indirect = data[1] & FEATURE_INDIRECT;
	queue.event_idx = data[1] & FEATURE_EVENT_IDX;
	queue.desc = (avail_bytes(queue.size) + 15) & ~15ULL;
	/* At the end, so that what comes first in the input is what counts. */
	queue.used = (LOW - used_bytes(queue.size)) & ~3ULL;
	queue.segs = malloc(queue.size * sizeof(*queue.segs));
	if (bulkhead_queue_is_valid(&part, queue.size, queue.desc, queue.avail, queue.used)) {
		part.interfere = interfere;
		serve(&part, &queue);
	}
	free(queue.segs);
	memory_destroy(&part);
}

/* The Makefile gives it the name that libFuzzer calls. */
int fuzz_one(const u8 *data, size_t size)
{
	if (size < 2)
		return 0;
	run(data, size, NULL);
	run(data, size, write_somewhere);
	return 0;
}
