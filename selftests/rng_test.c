// SPDX-License-Identifier: GPL-2.0-only
/* The entropy device: what it gives, and that it gives no more than it may. */
#include "request.h"
#include "virtio.h"

#define BATCH		32
#define CHUNK		256

FIXTURE(rng)
{
	struct guest guest;
	struct virtio virtio;
};

FIXTURE_SETUP(rng)
{
	struct bulkhead_rng_create args = {
		.size = sizeof(args), .irq_fd = eventfd(0, EFD_CLOEXEC),
	};
	struct guest *g = &self->guest;

	ASSERT_TRUE(guest_create(g, "", guest_driver, guest_driver_end));
	ASSERT_EQ(0, ioctl(g->part, BULKHEAD_RNG_CREATE, &args));
	close(args.irq_fd);
	ASSERT_TRUE(virtio_start(g, 1));
	ASSERT_TRUE(virtio_open(&self->virtio, g, 0, 0, 1));
}

FIXTURE_TEARDOWN(rng)
{
	guest_destroy(&self->guest);
}

static long ask(struct virtio *v, __u64 addr, __u32 len)
{
	const struct segment segment = { addr, len };

	virtio_add(v, 0, &segment, 0, 1);
	virtio_kick(v, 0);
	return virtio_wait(v, 0);
}

TEST_F(rng, gives_random_numbers)
{
	char *first = self->guest.ram + VIRTIO_BUFFERS, *second = first + 4096, zero[64] = { };

	EXPECT_EQ(4, virtio_read(&self->virtio, VIRTIO_MMIO_DEVICE_ID));
	EXPECT_EQ(64, ask(&self->virtio, VIRTIO_BUFFERS, 64));
	EXPECT_EQ(64, ask(&self->virtio, VIRTIO_BUFFERS + 4096, 64));
	EXPECT_NE(0, memcmp(first, zero, 64));
	EXPECT_NE(0, memcmp(first, second, 64));
	EXPECT_EQ(0, memcmp(first + 64, zero, 64));
	EXPECT_EQ(1, ask(&self->virtio, VIRTIO_BUFFERS, 1));
	/* Not all of it, maybe, but something. */
	EXPECT_LT(0, ask(&self->virtio, VIRTIO_BUFFERS, 1 << 20));
}

TEST_F(rng, hostile)
{
	const struct segment out = { VIRTIO_BUFFERS, 64 };

	EXPECT_EQ(-1, ask(&self->virtio, GUEST_MEMORY, 64));
	ASSERT_TRUE(virtio_open(&self->virtio, &self->guest, 0, 0, 1));
	EXPECT_EQ(-1, ask(&self->virtio, GUEST_MEMORY - 1, 2));
	ASSERT_TRUE(virtio_open(&self->virtio, &self->guest, 0, 0, 1));
	virtio_add(&self->virtio, 0, &out, 1, 0);
	virtio_kick(&self->virtio, 0);
	EXPECT_EQ(-1, virtio_wait(&self->virtio, 0));
}

static void add_batch(struct virtio *v)
{
	const struct segment segment = { VIRTIO_BUFFERS, CHUNK };
	int i;

	for (i = 0; i < BATCH; i++)
		virtio_add(v, 0, &segment, 0, 1);
	virtio_kick(v, 0);
}

/* However often it asks, a guest gets no more than it may, and no request is lost. */
TEST_F(rng, is_limited)
{
	double start = seconds(), may;
	long got = 0, n;
	int i;

	while (got < 2 * BULKHEAD_RNG_BURST) {
		add_batch(&self->virtio);
		for (i = 0; i < BATCH; i++) {
			n = virtio_wait(&self->virtio, 0);
			ASSERT_EQ(CHUNK, n);
			got += n;
			may = BULKHEAD_RNG_BURST + (seconds() - start) * BULKHEAD_RNG_RATE;
			ASSERT_LE(got, (long)may + 1);
			virtio_kick(&self->virtio, 0);
		}
	}
	/* A reset changes nothing about it, and requests that wait then are gone. */
	add_batch(&self->virtio);
	ASSERT_TRUE(virtio_open(&self->virtio, &self->guest, 0, 0, 1));
	add_batch(&self->virtio);
	for (i = 0; i < BATCH; i++)
		ASSERT_EQ(CHUNK, virtio_wait(&self->virtio, 0));
	/* What waits now waits in vain: the partition goes. */
	add_batch(&self->virtio);
	add_batch(&self->virtio);
}

TEST_HARNESS_MAIN
