/* SPDX-License-Identifier: GPL-2.0-only */
/* A good request to a device, whichever it is: a device is a row in a table. */
#ifndef GUESTS_GOOD_H
#define GUESTS_GOOD_H

#include "virtio.h"

#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT

/**
 * struct device - a good request to a device
 * @id: of the device
 * @queue: where it goes
 * @out: lengths of the buffers that the device reads, up to a zero
 * @in: of those that it writes
 * @data: which buffer has no format
 * @prepare: fills the first buffer; NULL if any bytes will do
 */
struct device {
	__u32 id;
	__u32 queue;
	__u32 out[4];
	__u32 in[4];
	__u32 data;
	void (*prepare)(void *buffer);
};

/* Virtio 1.2, 5.5.6: page frame numbers. */
static inline void balloon_prepare(void *buffer)
{
	*(__u32 *)buffer = 0xf00000 >> 12;
}

static const struct device devices[] = {
	{ .id = VIRTIO_ID_RNG, .in = { 64 } },
	{ .id = VIRTIO_ID_CONSOLE, .queue = 1, .out = { 8 } },
	{ .id = VIRTIO_ID_BALLOON, .out = { 4 }, .prepare = balloon_prepare },
	/* 5.2.6: a read of the first sector is all zeroes. */
	{ .id = VIRTIO_ID_BLOCK, .out = { 16 }, .in = { 512, 1 }, .data = 1 },
};

/* The device that is driven. */
static const struct device *dev;

static inline const struct device *device_find(__u32 id)
{
	const struct device *found;

	for (found = devices; found->id != id; found++)
		CHECK(found + 1 < devices + sizeof(devices) / sizeof(devices[0]));
	return found;
}

static inline __u64 buffer_addr(__u32 i)
{
	return BUFFERS_ADDR + i * 0x1000;
}

/* The good request, as a chain that begins at descriptor 0, with its data at @data. */
static inline void good_chain(struct queue *queue, __u64 data)
{
	__u32 n = 0, i;

	for (i = 0; dev->out[i]; i++, n++)
		queue_desc(queue, n, n == dev->data ? data : buffer_addr(n), dev->out[i], NEXT,
			   n + 1);
	for (i = 0; dev->in[i]; i++, n++)
		queue_desc(queue, n, n == dev->data ? data : buffer_addr(n), dev->in[i],
			   NEXT | WRITE, n + 1);
	queue->desc[n - 1].flags &= ~NEXT;
	memset((void *)BUFFERS_ADDR, 0, 0x4000);
	if (dev->prepare)
		dev->prepare((void *)BUFFERS_ADDR);
}

static inline void good_request(struct queue *queue)
{
	good_chain(queue, buffer_addr(dev->data));
	queue_offer(queue, 0);
	queue_notify(queue);
	CHECK_EQ(0, queue_wait(queue).id);
}

#endif
