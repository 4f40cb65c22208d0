// SPDX-License-Identifier: GPL-2.0-only
/* Split virtqueues, compiled in user space: the rules of virtio 1.2, section 2.7. Needs no VM. */
#include "../kmod/virtio/chain.c"
#include "../kmod/virtio/queue.c"
#include "kselftest_harness.h"
#include "queue_memory.h"

#define LOW		0x20000ULL
#define HIGH		0x4000ULL
#define DESC		0x1000ULL
#define AVAIL		0x6000ULL
#define USED		0x8000ULL
#define TABLE		0xc000ULL
#define BUFFERS		0x10000ULL

#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT

FIXTURE(queue) {
	struct bulkhead_part part;
	struct bulkhead_queue queue;
	struct bulkhead_chain chain;
};

static void resize(struct bulkhead_queue *queue, u16 size)
{
	free(queue->segs);
	queue->size = size;
	queue->segs = calloc(size, sizeof(*queue->segs));
}

FIXTURE_SETUP(queue)
{
	memory_create(&self->part, LOW, HIGH);
	self->queue = (struct bulkhead_queue){
		.ready = true, .indirect = true, .desc = DESC, .avail = AVAIL, .used = USED,
	};
	resize(&self->queue, 8);
}

FIXTURE_TEARDOWN(queue)
{
	free(self->queue.segs);
	memory_destroy(&self->part);
}

static void put16(struct bulkhead_part *part, u64 addr, u16 value)
{
	bulkhead_mem_write16(part, addr, htole16(value));
}

static u16 get16(struct bulkhead_part *part, u64 addr)
{
	__le16 value = 0;

	bulkhead_mem_read16(part, addr, &value);
	return le16toh(value);
}

static void put_desc(struct bulkhead_part *part, u64 table, u32 i, u64 addr, u32 len, u16 flags,
		     u16 next)
{
	const struct desc desc = { htole64(addr), htole32(len), htole16(flags), htole16(next) };

	bulkhead_mem_write(part, table + i * sizeof(desc), &desc, sizeof(desc));
}

/* The driver makes @head available. */
static void offer(struct bulkhead_part *part, const struct bulkhead_queue *queue, u16 head)
{
	u16 idx = get16(part, queue->avail + 2);

	put16(part, queue->avail + 4 + 2 * (idx % queue->size), head);
	put16(part, queue->avail + 2, idx + 1);
}

/* What becomes of a request that begins at descriptor 0. */
#define POP_FIRST() ({ \
	offer(&self->part, &self->queue, 0); \
	bulkhead_queue_pop(&self->part, &self->queue, &self->chain); \
})
#define DESC_SET(i, ...) put_desc(&self->part, DESC, i, __VA_ARGS__)
#define TABLE_SET(i, ...) put_desc(&self->part, TABLE, i, __VA_ARGS__)

TEST_F(queue, is_valid)
{
	struct bulkhead_part *part = &self->part;
	u32 size;

	for (size = 0; size <= 0xffff; size++)
		ASSERT_EQ(size && size <= 1024 && !(size & (size - 1)),
			  bulkhead_queue_is_valid(part, size, DESC, AVAIL, USED));

	EXPECT_TRUE(bulkhead_queue_is_valid(part, 8, 0, 0, 0));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, DESC + 8, AVAIL, USED));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, DESC, AVAIL + 1, USED));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, DESC, AVAIL, USED + 2));
	EXPECT_TRUE(bulkhead_queue_is_valid(part, 8, DESC + 16, AVAIL + 2, USED + 4));

	/* Up to the last byte of memory: the event's two bytes count. */
	EXPECT_TRUE(bulkhead_queue_is_valid(part, 8, LOW - 8 * 16, AVAIL, USED));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, LOW - 8 * 16 + 16, AVAIL, USED));
	EXPECT_TRUE(bulkhead_queue_is_valid(part, 8, DESC, LOW - 22, USED));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, DESC, LOW - 20, USED));
	EXPECT_TRUE(bulkhead_queue_is_valid(part, 8, DESC, AVAIL, LOW - 72));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, DESC, AVAIL, LOW - 68));
	EXPECT_TRUE(bulkhead_queue_is_valid(part, 8, HIGH_ADDR, HIGH_ADDR, HIGH_ADDR));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, HIGH_ADDR - 16, AVAIL, USED));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, -16ULL, AVAIL, USED));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, DESC, -2ULL, USED));
	EXPECT_FALSE(bulkhead_queue_is_valid(part, 8, DESC, AVAIL, -4ULL));
}

TEST_F(queue, empty)
{
	EXPECT_EQ(0, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
	EXPECT_EQ(0, self->queue.next);
}

TEST_F(queue, direct)
{
	DESC_SET(0, BUFFERS, 10, NEXT, 5);
	DESC_SET(5, BUFFERS + 100, 20, NEXT, 3);
	DESC_SET(3, BUFFERS + 200, 30, NEXT | WRITE, 7);
	DESC_SET(7, BUFFERS + 300, 40, WRITE, 0);
	ASSERT_EQ(1, POP_FIRST());
	EXPECT_EQ(0, self->chain.head);
	EXPECT_EQ(2, self->chain.nr_out);
	EXPECT_EQ(2, self->chain.nr_in);
	EXPECT_EQ(30, self->chain.out_bytes);
	EXPECT_EQ(70, self->chain.in_bytes);
	EXPECT_EQ(BUFFERS + 100, self->chain.segs[1].addr);
	EXPECT_EQ(40, self->chain.segs[3].len);
	EXPECT_EQ(0, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
}

/* Of the indices, the ring's entry and each descriptor, one read. */
TEST_F(queue, reads_once)
{
	DESC_SET(0, BUFFERS, 10, NEXT, 5);
	DESC_SET(5, TABLE, 32, INDIRECT, 0);
	TABLE_SET(0, BUFFERS, 10, NEXT | WRITE, 1);
	TABLE_SET(1, BUFFERS, 10, WRITE, 0);
	offer(&self->part, &self->queue, 0);
	self->part.reads = 0;
	ASSERT_EQ(1, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
	EXPECT_EQ(2 + 4, self->part.reads);
}

TEST_F(queue, unpop)
{
	DESC_SET(0, BUFFERS, 10, 0, 0);
	ASSERT_EQ(1, POP_FIRST());
	bulkhead_queue_unpop(&self->queue);
	ASSERT_EQ(1, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
	EXPECT_EQ(10, self->chain.out_bytes);
	EXPECT_EQ(0, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
}

/* 2.7.4.2 */
TEST_F(queue, readable_after_writable)
{
	DESC_SET(0, BUFFERS, 10, NEXT | WRITE, 1);
	DESC_SET(1, BUFFERS, 10, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

TEST_F(queue, head_out_of_range)
{
	offer(&self->part, &self->queue, 8);
	EXPECT_EQ(-EINVAL, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
	put16(&self->part, AVAIL + 4, 0xffff);
	EXPECT_EQ(-EINVAL, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
}

TEST_F(queue, next_out_of_range)
{
	DESC_SET(0, BUFFERS, 10, NEXT, 8);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

/* Without NEXT, what the field says doesn't matter. */
TEST_F(queue, next_without_next)
{
	DESC_SET(0, BUFFERS, 10, 0, 0xffff);
	EXPECT_EQ(1, POP_FIRST());
}

TEST_F(queue, loop_of_one)
{
	DESC_SET(0, BUFFERS, 10, NEXT, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

TEST_F(queue, loop_of_two)
{
	DESC_SET(0, BUFFERS, 10, NEXT, 1);
	DESC_SET(1, BUFFERS, 10, NEXT, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

TEST_F(queue, loop_in_table)
{
	DESC_SET(0, TABLE, 32, INDIRECT, 0);
	TABLE_SET(0, BUFFERS, 10, NEXT, 1);
	TABLE_SET(1, BUFFERS, 10, NEXT, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

/* As many buffers as the queue has entries, wherever they are, and no more; 2.7.5.3.1. */
TEST_F(queue, length_of_chain)
{
	int i;

	for (i = 0; i < 8; i++)
		DESC_SET(i, BUFFERS, 10, i < 7 ? NEXT : 0, i + 1);
	EXPECT_EQ(1, POP_FIRST());
	EXPECT_EQ(8, self->chain.nr_out);

	DESC_SET(0, TABLE, 9 * 16, INDIRECT, 0);
	for (i = 0; i < 9; i++)
		TABLE_SET(i, BUFFERS, 10, i < 7 ? NEXT : 0, i + 1);
	EXPECT_EQ(1, POP_FIRST());
	EXPECT_EQ(8, self->chain.nr_out);
	for (i = 0; i < 9; i++)
		TABLE_SET(i, BUFFERS, 10, i < 8 ? NEXT : 0, i + 1);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

TEST_F(queue, indirect_after_direct)
{
	/* WRITE has no meaning where a table is referred to; 2.7.5.3.2. */
	DESC_SET(0, BUFFERS, 10, NEXT, 1);
	DESC_SET(1, TABLE, 16, INDIRECT | WRITE, 0);
	TABLE_SET(0, BUFFERS + 10, 20, 0, 0);
	ASSERT_EQ(1, POP_FIRST());
	EXPECT_EQ(2, self->chain.nr_out);
	EXPECT_EQ(30, self->chain.out_bytes);
}

TEST_F(queue, indirect_not_negotiated)
{
	self->queue.indirect = false;
	DESC_SET(0, TABLE, 16, INDIRECT, 0);
	TABLE_SET(0, BUFFERS, 10, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

TEST_F(queue, indirect_in_indirect)
{
	DESC_SET(0, TABLE, 32, INDIRECT, 0);
	TABLE_SET(0, BUFFERS, 10, NEXT, 1);
	TABLE_SET(1, TABLE + 32, 16, INDIRECT, 0);
	TABLE_SET(2, BUFFERS, 10, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

TEST_F(queue, indirect_with_next)
{
	DESC_SET(0, TABLE, 16, INDIRECT | NEXT, 1);
	DESC_SET(1, BUFFERS, 10, 0, 0);
	TABLE_SET(0, BUFFERS, 10, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

TEST_F(queue, table_of_odd_length)
{
	static const u32 lengths[] = { 0, 1, 15, 17, 31, 0xfffffff1, 0xffffffff };
	unsigned int i;

	TABLE_SET(0, BUFFERS, 10, 0, 0);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		DESC_SET(0, TABLE, lengths[i], INDIRECT, 0);
		EXPECT_EQ(-EINVAL, POP_FIRST());
	}
}

/* A table may lie at any address, and be longer than memory as long as nothing follows it there. */
TEST_F(queue, table_address)
{
	put_desc(&self->part, TABLE + 3, 0, BUFFERS, 10, 0, 0);
	DESC_SET(0, TABLE + 3, 16, INDIRECT, 0);
	EXPECT_EQ(1, POP_FIRST());
	put_desc(&self->part, LOW - 16, 0, BUFFERS, 10, 0, 0);
	DESC_SET(0, LOW - 16, 0xfffffff0, INDIRECT, 0);
	EXPECT_EQ(1, POP_FIRST());
	/* Memory ends in the middle of a descriptor, or before it. */
	DESC_SET(0, LOW - 15, 16, INDIRECT, 0);
	EXPECT_EQ(-EFAULT, POP_FIRST());
	DESC_SET(0, LOW, 16, INDIRECT, 0);
	EXPECT_EQ(-EFAULT, POP_FIRST());
	put_desc(&self->part, LOW - 16, 0, BUFFERS, 10, NEXT, 1);
	DESC_SET(0, LOW - 16, 32, INDIRECT, 0);
	EXPECT_EQ(-EFAULT, POP_FIRST());
	/* Beyond all addresses. */
	DESC_SET(0, -16ULL, 32, INDIRECT, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
	DESC_SET(0, -16ULL, 16, INDIRECT, 0);
	EXPECT_GT(0, POP_FIRST());
}

TEST_F(queue, next_out_of_table)
{
	DESC_SET(0, TABLE, 32, INDIRECT, 0);
	TABLE_SET(0, BUFFERS, 10, NEXT, 2);
	TABLE_SET(2, BUFFERS, 10, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

TEST_F(queue, empty_buffer)
{
	DESC_SET(0, BUFFERS, 10, NEXT, 1);
	DESC_SET(1, BUFFERS, 0, WRITE, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

/* A buffer must not wrap around; where there is memory is seen when it is followed. */
TEST_F(queue, buffer_addresses)
{
	char copy[9];

	DESC_SET(0, -10ULL, 11, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
	DESC_SET(0, -1ULL, 0xffffffff, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
	DESC_SET(0, -10ULL, 9, 0, 0);
	ASSERT_EQ(1, POP_FIRST());
	EXPECT_EQ(-EFAULT, bulkhead_chain_read(&self->part, &self->chain, 0, copy, 9));
}

/* 2.7.5.2 */
TEST_F(queue, total_of_2_to_the_32)
{
	DESC_SET(0, BUFFERS, 0xffffffff, NEXT, 1);
	DESC_SET(1, BUFFERS, 1, WRITE, 0);
	ASSERT_EQ(1, POP_FIRST());
	EXPECT_EQ(0xffffffff, self->chain.out_bytes);
	EXPECT_EQ(1, self->chain.in_bytes);
	DESC_SET(1, BUFFERS, 2, WRITE, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
	DESC_SET(1, BUFFERS, 0xffffffff, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
}

/* At most as many requests wait as there are entries: all other indices are wrong. */
TEST_F(queue, available_index)
{
	u32 idx;

	DESC_SET(0, BUFFERS, 10, 0, 0);
	for (idx = 0; idx <= 0xffff; idx++) {
		self->queue.next = 0xfffc;
		put16(&self->part, AVAIL + 2, idx);
		ASSERT_EQ(idx == 0xfffc ? 0 : idx > 0xfffc || idx <= 4 ? 1 : -EINVAL,
			  bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
	}
}

TEST_F(queue, index_runs_backwards)
{
	DESC_SET(0, BUFFERS, 10, 0, 0);
	ASSERT_EQ(1, POP_FIRST());
	ASSERT_EQ(1, POP_FIRST());
	put16(&self->part, AVAIL + 2, 1);
	EXPECT_EQ(-EINVAL, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
}

/* After an error the request is still there: nothing was taken. */
TEST_F(queue, error_takes_nothing)
{
	DESC_SET(0, BUFFERS, 0, 0, 0);
	EXPECT_EQ(-EINVAL, POP_FIRST());
	EXPECT_EQ(0, self->queue.next);
}

/* Requests go through the smallest and the largest queue, so often that the indices wrap. */
static void pass_through(struct __test_metadata *_metadata, struct bulkhead_part *part,
			 struct bulkhead_queue *queue)
{
	struct bulkhead_chain chain;
	u32 i, k;

	for (i = 0; i < queue->size; i++)
		put_desc(part, DESC, i, BUFFERS, i + 1, WRITE, 0);
	for (i = 0; i < 0x10000 + 2U * queue->size; i += queue->size) {
		for (k = 0; k < queue->size; k++)
			offer(part, queue, k);
		for (k = 0; k < queue->size; k++) {
			const u64 elem = USED + 4 + 8 * k;

			ASSERT_EQ(1, bulkhead_queue_pop(part, queue, &chain));
			ASSERT_EQ(k, chain.head);
			ASSERT_EQ(k + 1, chain.in_bytes);
			ASSERT_EQ(0, bulkhead_queue_push(part, queue, k, i + k));
			ASSERT_EQ((u16)(i + k + 1), get16(part, USED + 2));
			ASSERT_EQ(k, get16(part, elem));
			ASSERT_EQ((i + k) & 0xffff, get16(part, elem + 4));
			ASSERT_EQ((i + k) >> 16, get16(part, elem + 6));
		}
		ASSERT_EQ(0, bulkhead_queue_pop(part, queue, &chain));
	}
}

TEST_F(queue, one_entry)
{
	resize(&self->queue, 1);
	pass_through(_metadata, &self->part, &self->queue);
}

TEST_F(queue, most_entries)
{
	resize(&self->queue, 1024);
	pass_through(_metadata, &self->part, &self->queue);
}

TEST_F(queue, rings_outside_memory)
{
	self->queue.used = LOW - 12;
	EXPECT_EQ(0, bulkhead_queue_push(&self->part, &self->queue, 0, 0));
	EXPECT_EQ(-EFAULT, bulkhead_queue_push(&self->part, &self->queue, 0, 0));
	self->queue.event_idx = true;
	EXPECT_EQ(-EFAULT, bulkhead_queue_kicks_enable(&self->part, &self->queue));
	self->queue.avail = LOW;
	EXPECT_EQ(-EFAULT, bulkhead_queue_wants_interrupt(&self->part, &self->queue));
	EXPECT_EQ(-EFAULT, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
	self->queue.avail = LOW - 4;
	put16(&self->part, LOW - 2, 1);
	EXPECT_EQ(-EFAULT, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
}

TEST_F(queue, interrupt_by_flag)
{
	EXPECT_EQ(0, bulkhead_queue_wants_interrupt(&self->part, &self->queue));
	bulkhead_queue_push(&self->part, &self->queue, 0, 0);
	EXPECT_EQ(1, bulkhead_queue_wants_interrupt(&self->part, &self->queue));
	/* That was it for this one. */
	EXPECT_EQ(0, bulkhead_queue_wants_interrupt(&self->part, &self->queue));
	put16(&self->part, AVAIL, VRING_AVAIL_F_NO_INTERRUPT);
	bulkhead_queue_push(&self->part, &self->queue, 0, 0);
	EXPECT_EQ(0, bulkhead_queue_wants_interrupt(&self->part, &self->queue));
	put16(&self->part, AVAIL, 0xffff & ~VRING_AVAIL_F_NO_INTERRUPT);
	bulkhead_queue_push(&self->part, &self->queue, 0, 0);
	EXPECT_EQ(1, bulkhead_queue_wants_interrupt(&self->part, &self->queue));
}

/* Against the definition: the event is the index of one of the entries that were used. */
TEST_F(queue, interrupt_by_event)
{
	u32 old, count, i;
	u16 event;
	bool due;

	self->queue.event_idx = true;
	/* The flag has no meaning then. */
	put16(&self->part, AVAIL, VRING_AVAIL_F_NO_INTERRUPT);
	for (old = 0xfff0; old < 0x10010; old++) {
		for (count = 0; count <= 9; count++) {
			for (event = 0xffe0; event != 0x20; event++) {
				due = false;
				for (i = 0; i < count; i++)
					due |= (u16)(old + i) == event;
				self->queue.signalled = old;
				self->queue.used_idx = old + count;
				put16(&self->part, AVAIL + 4 + 2 * 8, event);
				ASSERT_EQ(due, bulkhead_queue_wants_interrupt(&self->part,
									      &self->queue));
			}
		}
	}
}

TEST_F(queue, kicks_by_flag)
{
	DESC_SET(0, BUFFERS, 10, 0, 0);
	EXPECT_EQ(0, bulkhead_queue_kicks_disable(&self->part, &self->queue));
	EXPECT_EQ(VRING_USED_F_NO_NOTIFY, get16(&self->part, USED));
	EXPECT_EQ(0, bulkhead_queue_kicks_enable(&self->part, &self->queue));
	EXPECT_EQ(0, get16(&self->part, USED));
	/* What came before that was perhaps not kicked for. */
	offer(&self->part, &self->queue, 0);
	EXPECT_EQ(1, bulkhead_queue_kicks_enable(&self->part, &self->queue));
	put16(&self->part, AVAIL + 2, 9);
	EXPECT_EQ(-EINVAL, bulkhead_queue_kicks_enable(&self->part, &self->queue));
}

TEST_F(queue, kicks_by_event)
{
	const u64 event = USED + 4 + 8 * 8;

	self->queue.event_idx = true;
	self->queue.next = 0xffff;
	put16(&self->part, AVAIL + 2, 0xffff);
	EXPECT_EQ(0, bulkhead_queue_kicks_disable(&self->part, &self->queue));
	EXPECT_EQ(0, get16(&self->part, USED));
	EXPECT_EQ(0, bulkhead_queue_kicks_enable(&self->part, &self->queue));
	EXPECT_EQ(0xffff, get16(&self->part, event));
	put16(&self->part, AVAIL + 2, 1);
	EXPECT_EQ(2, bulkhead_queue_kicks_enable(&self->part, &self->queue));
}

/* Three buffers to read, of 3, 1 and 4 bytes, and three to write. */
#define SEGS	3
static const u32 seg_lens[SEGS] = { 3, 1, 4 };

static void make_chain(struct bulkhead_part *part, struct bulkhead_queue *queue)
{
	int i;

	for (i = 0; i < 2 * SEGS; i++)
		put_desc(part, DESC, i, BUFFERS + 16 * i, seg_lens[i % SEGS],
			 (i < SEGS ? 0 : WRITE) | (i < 2 * SEGS - 1 ? NEXT : 0), i + 1);
	offer(part, queue, 0);
	bulkhead_mem_write(part, BUFFERS, "abc", 3);
	bulkhead_mem_write(part, BUFFERS + 16, "d", 1);
	bulkhead_mem_write(part, BUFFERS + 32, "efgh", 4);
}

/* Where the byte @i of what is written lies. */
static u8 *written(struct bulkhead_part *part, u32 i)
{
	u64 addr = BUFFERS + 48 + (i < 3 ? i : i < 4 ? 16 : 32 + i - 4);

	return bulkhead_mem_user(part, addr, 1);
}

TEST_F(queue, chain_as_bytes)
{
	static const char text[] = "abcdefgh";
	u32 offset, len, want, i;
	char copy[16];

	make_chain(&self->part, &self->queue);
	ASSERT_EQ(1, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
	for (offset = 0; offset < 12; offset++) {
		for (len = 0; len < 12; len++) {
			want = offset >= 8 ? 0 : len < 8 - offset ? len : 8 - offset;
			memset(copy, '-', sizeof(copy));
			ASSERT_EQ(want, bulkhead_chain_read(&self->part, &self->chain, offset,
							    copy, len));
			ASSERT_EQ(0, memcmp(copy, text + (want ? offset : 0), want));
			ASSERT_EQ('-', copy[want]);

			memset(bulkhead_mem_user(&self->part, BUFFERS + 48, 48), '-', 48);
			ASSERT_EQ(want, bulkhead_chain_write(&self->part, &self->chain, offset,
							     "ABCDEFGHIJKL", len));
			for (i = 0; i < 8; i++)
				ASSERT_EQ(i < offset || i >= offset + want ? '-' :
					  'A' + (int)(i - offset), *written(&self->part, i));
		}
	}
	EXPECT_EQ(0, bulkhead_chain_read(&self->part, &self->chain, 1ULL << 40, copy, 1));
}

TEST_F(queue, chain_as_iov)
{
	struct iovec iov[SEGS];
	u32 offset, len, want, sum;
	int n, i, in;
	u8 *byte;

	make_chain(&self->part, &self->queue);
	ASSERT_EQ(1, bulkhead_queue_pop(&self->part, &self->queue, &self->chain));
	for (in = 0; in < 2; in++) {
		for (offset = 0; offset < 12; offset++) {
			for (len = 0; len < 12; len++) {
				want = offset >= 8 ? 0 : len < 8 - offset ? len : 8 - offset;
				n = bulkhead_chain_iov(&self->part, &self->chain, in, offset, len,
						       iov, SEGS);
				ASSERT_LE(0, n);
				for (i = 0, sum = 0; i < n; sum += iov[i++].iov_len) {
					byte = written(&self->part, offset + sum) - (in ? 0 : 48);
					ASSERT_EQ(byte, iov[i].iov_base);
				}
				ASSERT_EQ(want, sum);
			}
		}
	}
	EXPECT_EQ(-E2BIG, bulkhead_chain_iov(&self->part, &self->chain, true, 0, 8, iov, 2));
	EXPECT_EQ(2, bulkhead_chain_iov(&self->part, &self->chain, true, 0, 4, iov, 2));
	EXPECT_EQ(2, bulkhead_chain_iov(&self->part, &self->chain, true, 3, 8, iov, 2));
}

/* A buffer has to lie in one region, all of it. */
TEST_F(queue, chain_outside_memory)
{
	char copy[32];
	struct iovec iov[4];

	DESC_SET(0, LOW - 4, 4, NEXT, 1);
	DESC_SET(1, LOW - 4, 5, NEXT, 2);
	DESC_SET(2, HIGH_ADDR + HIGH - 4, 4, NEXT | WRITE, 3);
	DESC_SET(3, HIGH_ADDR - 1, 2, WRITE, 0);
	ASSERT_EQ(1, POP_FIRST());
	EXPECT_EQ(4, bulkhead_chain_read(&self->part, &self->chain, 0, copy, 4));
	EXPECT_EQ(-EFAULT, bulkhead_chain_read(&self->part, &self->chain, 0, copy, 32));
	EXPECT_EQ(4, bulkhead_chain_write(&self->part, &self->chain, 0, copy, 4));
	EXPECT_EQ(-EFAULT, bulkhead_chain_write(&self->part, &self->chain, 0, copy, 5));
	EXPECT_EQ(1, bulkhead_chain_iov(&self->part, &self->chain, false, 0, 4, iov, 4));
	EXPECT_EQ(-EFAULT, bulkhead_chain_iov(&self->part, &self->chain, false, 0, 9, iov, 4));
	EXPECT_EQ(-EFAULT, bulkhead_chain_iov(&self->part, &self->chain, true, 0, 6, iov, 4));
}

TEST_HARNESS_MAIN
