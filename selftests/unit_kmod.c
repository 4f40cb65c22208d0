// SPDX-License-Identifier: GPL-2.0-only
/* The module's arithmetic, compiled in user space: regions and rings. Needs no VM. */
#include "../kmod/region.h"
#include "../kmod/ring.h"
#include "kselftest_harness.h"

#define PAGE 4096ULL
#define END (1ULL << 40)

static bool fits(__u64 addr, __u64 bytes)
{
	return bulkhead_region_fits((struct bulkhead_region){ addr, bytes }, PAGE, END);
}

static bool overlaps(__u64 addr_a, __u64 bytes_a, __u64 addr_b, __u64 bytes_b)
{
	return bulkhead_region_overlaps((struct bulkhead_region){ addr_a, bytes_a },
					(struct bulkhead_region){ addr_b, bytes_b });
}

TEST(region_fits)
{
	EXPECT_TRUE(fits(0, PAGE));
	EXPECT_TRUE(fits(0, END));
	EXPECT_TRUE(fits(END - PAGE, PAGE));
	EXPECT_FALSE(fits(0, 0));
	EXPECT_FALSE(fits(PAGE, 0));
	EXPECT_FALSE(fits(1, PAGE));
	EXPECT_FALSE(fits(0, PAGE + 1));
	EXPECT_FALSE(fits(0, END + PAGE));
	EXPECT_FALSE(fits(END, PAGE));
	EXPECT_FALSE(fits(-PAGE, PAGE));
	EXPECT_FALSE(fits(-PAGE, 2 * PAGE));
	EXPECT_FALSE(fits(PAGE, -PAGE));
	EXPECT_FALSE(fits(PAGE, -2 * PAGE));
	/* The last page of all: its end is 2^64, which no __u64 holds. */
	EXPECT_FALSE(bulkhead_region_fits((struct bulkhead_region){ -PAGE, PAGE }, PAGE, -1ULL));
	EXPECT_TRUE(bulkhead_region_fits((struct bulkhead_region){ -2 * PAGE, PAGE }, PAGE, -1ULL));
}

/* Against the definition, byte by byte, for all regions within a small space. */
TEST(region_overlaps)
{
	__u64 a, b, i, j, k;
	bool shares;

	for (a = 0; a < 6; a++)
		for (i = 1; i < 6; i++)
			for (b = 0; b < 6; b++)
				for (j = 1; j < 6; j++) {
					shares = false;
					for (k = a; k < a + i; k++)
						shares |= k >= b && k < b + j;
					EXPECT_EQ(shares, overlaps(a, i, b, j));
				}
	EXPECT_TRUE(overlaps(-1ULL, 1, -2ULL, 2));
	EXPECT_FALSE(overlaps(-1ULL, 1, 0, 1));
}

FIXTURE(ring) {
	unsigned char data[8];
	struct bulkhead_ring ring;
};

FIXTURE_SETUP(ring)
{
	self->ring = (struct bulkhead_ring){ .data = self->data, .size = sizeof(self->data) };
}

FIXTURE_TEARDOWN(ring)
{
}

static void push(struct bulkhead_ring *ring, const char *text)
{
	for (; *text; text++)
		bulkhead_ring_push(ring, *text);
}

static const char *peek(const struct bulkhead_ring *ring, __u64 *pos, __u32 len)
{
	static char text[16];

	text[bulkhead_ring_peek(ring, pos, (unsigned char *)text, len)] = 0;
	return text;
}

TEST_F(ring, keeps_the_newest)
{
	__u64 pos = 0;

	EXPECT_STREQ("", peek(&self->ring, &pos, 8));
	push(&self->ring, "abc");
	EXPECT_EQ(3, bulkhead_ring_used(&self->ring));
	EXPECT_STREQ("ab", peek(&self->ring, &pos, 2));
	EXPECT_STREQ("c", peek(&self->ring, &pos, 8));
	EXPECT_STREQ("", peek(&self->ring, &pos, 8));
	push(&self->ring, "defghij");
	EXPECT_EQ(0, bulkhead_ring_free(&self->ring));
	EXPECT_STREQ("defghij", peek(&self->ring, &pos, 8));
	/* A reader that was away loses the oldest, and its position says how much. */
	pos = 0;
	EXPECT_STREQ("cdefghij", peek(&self->ring, &pos, 8));
	EXPECT_EQ(10, pos);
	pos = 11;
	EXPECT_STREQ("", peek(&self->ring, &pos, 8));
	EXPECT_EQ(11, pos);
}

/* Against a ring that is written byte by byte, with lengths up to more than it holds. */
TEST_F(ring, write)
{
	unsigned char data[8], text[24], a[8], b[8];
	struct bulkhead_ring other = { .data = data, .size = sizeof(data) };
	__u32 i, k, len;
	__u64 pos_a, pos_b;

	for (i = 0; i < 500; i++) {
		len = i % 21;
		for (k = 0; k < len; k++) {
			text[k] = i + k;
			bulkhead_ring_push(&other, text[k]);
		}
		bulkhead_ring_write(&self->ring, text, len);
		ASSERT_EQ(other.head, self->ring.head);
		ASSERT_EQ(other.tail, self->ring.tail);
		pos_a = 0;
		pos_b = 0;
		k = bulkhead_ring_peek(&self->ring, &pos_a, a, sizeof(a));
		ASSERT_EQ(k, bulkhead_ring_peek(&other, &pos_b, b, sizeof(b)));
		ASSERT_EQ(0, memcmp(a, b, k));
		for (k = 0; k < i % 5 && bulkhead_ring_used(&other); k++)
			ASSERT_EQ(bulkhead_ring_pop(&other), bulkhead_ring_pop(&self->ring));
	}
}

TEST_F(ring, first_in_first_out)
{
	int i, in = 0, out = 0;

	for (i = 0; i < 1000; i++) {
		while (bulkhead_ring_free(&self->ring) && in % 7 != i % 7)
			bulkhead_ring_push(&self->ring, in++);
		while (bulkhead_ring_used(&self->ring) && out % 5 != i % 5)
			EXPECT_EQ((unsigned char)out++, bulkhead_ring_pop(&self->ring));
	}
	EXPECT_LT(500, out);
}

/* Positions near the end of what a __u64 holds, and a ring that ends at its last byte. */
TEST_F(ring, far_positions)
{
	__u64 pos = 0;

	self->ring.head = (1ULL << 63) - 3;
	self->ring.tail = self->ring.head;
	push(&self->ring, "0123456789");
	EXPECT_STREQ("23456789", peek(&self->ring, &pos, 16));
	EXPECT_EQ((1ULL << 63) + 7, pos);
}

TEST_HARNESS_MAIN
