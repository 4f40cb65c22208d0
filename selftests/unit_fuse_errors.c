// SPDX-License-Identifier: GPL-2.0-only
/* What answers a guest's requests for files when virtiofsd is gone, also to a hostile driver. */
#include "../ctl/base/error.c"
#include "../ctl/base/thread.c"
#include "../ctl/machine/fuse_errors.c"
#include "../ctl/machine/queue.c"
#include "kselftest_harness.h"

#define SIZE		8
#define MEMORY		0x10000
#define TABLE		0x0000
#define AVAIL		0x1000
#define USED		0x2000
#define REQUEST		0x3000
#define ANSWER		0x4000
#define INDIRECT	0x5000
#define HIGH		0x8000		/* where the second region begins */
#define UNIQUE		0x1122334455667788ULL

/* Memory as the guest sees it: the second half is somewhere else, as behind the hole. */
unsigned int memory_regions(const struct memory *memory,
			    struct memory_region regions[MEMORY_REGIONS_MAX])
{
	regions[0] = (struct memory_region){ .guest_addr = 0, .bytes = HIGH, .offset = 0 };
	regions[1] = (struct memory_region){
		.guest_addr = 0x100000000,
		.bytes = memory->size - HIGH,
		.offset = HIGH,
	};
	return 2;
}

FIXTURE(errors)
{
	struct memory memory;
	struct queue queue;
	struct vring_desc *table;
	struct vring_avail *avail;
	struct vring_used *used;
};

FIXTURE_SETUP(errors)
{
	self->memory = (struct memory){ .base = calloc(1, MEMORY), .size = MEMORY };
	self->table = (void *)(self->memory.base + TABLE);
	self->avail = (void *)(self->memory.base + AVAIL);
	self->used = (void *)(self->memory.base + USED);
	self->queue = (struct queue){
		.memory = &self->memory,
		.at = {
			.size = SIZE,
			.desc = (uintptr_t)self->table,
			.avail = (uintptr_t)self->avail,
			.used = (uintptr_t)self->used,
		},
	};
}

FIXTURE_TEARDOWN(errors)
{
	free(self->memory.base);
}

static void describe(struct vring_desc *desc, uint64_t addr, uint32_t len, uint16_t flags,
		     uint16_t next)
{
	*desc = (struct vring_desc){ addr, len, flags, next };
}

/* A request of two descriptors at @table, whose answer has room for @room bytes. */
static void make_request(struct memory *memory, struct vring_desc *table, uint32_t room)
{
	struct fuse_in_header *in = (void *)(memory->base + REQUEST);

	in->unique = UNIQUE;
	memset(memory->base + ANSWER, 0xee, 64);
	describe(&table[0], REQUEST, sizeof(*in), VRING_DESC_F_NEXT, 1);
	describe(&table[1], ANSWER, room, VRING_DESC_F_WRITE, 0);
}

static void offer(struct vring_avail *avail, uint16_t head)
{
	avail->ring[avail->idx % SIZE] = head;
	avail->idx++;
}

#define EXPECT_ANSWERED() do { \
	const struct fuse_out_header *out = (void *)(self->memory.base + ANSWER); \
	EXPECT_EQ(sizeof(*out), self->used->ring[(self->used->idx - 1) % SIZE].len); \
	EXPECT_EQ(sizeof(*out), out->len); \
	EXPECT_EQ(-EIO, out->error); \
	EXPECT_EQ(UNIQUE, out->unique); \
} while (0)

/* Given back, without a byte written. */
#define EXPECT_UNANSWERED() do { \
	EXPECT_EQ(0, self->used->ring[(self->used->idx - 1) % SIZE].len); \
	EXPECT_EQ(0xee, self->memory.base[ANSWER]); \
} while (0)

TEST_F(errors, request_gets_eio)
{
	EXPECT_FALSE(fuse_errors_serve(&self->queue));
	EXPECT_EQ(0, self->used->idx);
	make_request(&self->memory, self->table, 64);
	offer(self->avail, 0);
	EXPECT_TRUE(fuse_errors_serve(&self->queue));
	EXPECT_EQ(1, self->used->idx);
	EXPECT_EQ(0, self->used->ring[0].id);
	EXPECT_ANSWERED();
	/* Not beyond the answer; and the next one is to be kicked for. */
	EXPECT_EQ(0xee, self->memory.base[ANSWER + sizeof(struct fuse_out_header)]);
	EXPECT_EQ(1, (uint16_t)self->used->ring[SIZE].id);
	EXPECT_FALSE(fuse_errors_serve(&self->queue));
}

/* What the backend has used before it ended isn't answered once more. */
TEST_F(errors, goes_on_where_the_backend_ended)
{
	self->used->idx = 65535;
	self->avail->idx = 65535;
	queue_init(&self->queue, &self->memory, &self->queue.at);
	make_request(&self->memory, self->table, 64);
	for (int i = 0; i < SIZE; i++)
		offer(self->avail, 0);
	EXPECT_TRUE(fuse_errors_serve(&self->queue));
	EXPECT_EQ(SIZE - 1, self->used->idx);
	EXPECT_ANSWERED();
}

TEST_F(errors, indirect)
{
	struct vring_desc *indirect = (void *)(self->memory.base + INDIRECT);

	make_request(&self->memory, indirect, 64);
	describe(&self->table[3], INDIRECT, 2 * sizeof(*indirect), VRING_DESC_F_INDIRECT, 0);
	offer(self->avail, 3);
	EXPECT_TRUE(fuse_errors_serve(&self->queue));
	EXPECT_EQ(3, self->used->ring[0].id);
	EXPECT_ANSWERED();
}

TEST_F(errors, memory_behind_the_hole)
{
	struct fuse_out_header *out = (void *)(self->memory.base + HIGH);

	make_request(&self->memory, self->table, 64);
	self->table[1].addr = 0x100000000;
	offer(self->avail, 0);
	EXPECT_TRUE(fuse_errors_serve(&self->queue));
	EXPECT_EQ(UNIQUE, out->unique);
}

TEST_F(errors, no_answer_wanted)
{
	make_request(&self->memory, self->table, 64);
	self->table[0].flags = 0;
	offer(self->avail, 0);
	EXPECT_TRUE(fuse_errors_serve(&self->queue));
	EXPECT_UNANSWERED();
}

/* All of it comes back, and nothing outside the guest's memory is touched: ASan sees to that. */
TEST_F(errors, hostile)
{
	static const struct {
		unsigned int index;
		struct vring_desc desc;
	} cases[] = {
		{ 1, { ANSWER, 15, VRING_DESC_F_WRITE, 0 } },
		{ 1, { HIGH - 15, 16, VRING_DESC_F_WRITE, 0 } },
		{ 1, { 0x100000000 + HIGH, 64, VRING_DESC_F_WRITE, 0 } },
		{ 1, { -8ULL, 64, VRING_DESC_F_WRITE, 0 } },
		{ 1, { ANSWER, 64, VRING_DESC_F_NEXT, 0 } },		/* a circle */
		{ 0, { REQUEST, 39, VRING_DESC_F_NEXT, 1 } },
		{ 0, { MEMORY, 40, VRING_DESC_F_NEXT, 1 } },
		{ 0, { REQUEST, 40, VRING_DESC_F_NEXT, SIZE } },
		{ 0, { INDIRECT, 7, VRING_DESC_F_INDIRECT, 0 } },
		{ 0, { INDIRECT, ~0U, VRING_DESC_F_INDIRECT, 0 } },
		{ 0, { HIGH - 16, 32, VRING_DESC_F_INDIRECT, 0 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_request(&self->memory, self->table, 64);
		self->table[cases[i].index] = cases[i].desc;
		offer(self->avail, 0);
		EXPECT_TRUE(fuse_errors_serve(&self->queue));
		EXPECT_EQ(i + 1, self->used->idx);
		EXPECT_UNANSWERED();
	}
	offer(self->avail, SIZE);
	EXPECT_TRUE(fuse_errors_serve(&self->queue));
	EXPECT_EQ(SIZE, self->used->ring[(self->used->idx - 1) % SIZE].id);
}

TEST_HARNESS_MAIN
