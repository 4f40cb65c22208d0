/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver for virtio devices over MMIO, by the book: virtio 1.2, sections 3.1.1 and 4.2.3. */
#ifndef GUESTS_VIRTIO_H
#define GUESTS_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "machine.h"

#define BIT(n)		(1ULL << (n))

/* Queues of a device lie in memory from here on, buffers from there on. */
#define QUEUES_ADDR	0x100000UL
#define QUEUE_BYTES	0x10000UL
#define BUFFERS_ADDR	0x400000UL

struct queue {
	__u32 slot;
	__u32 index;
	__u16 size;
	__u16 seen;		/* of the used ring, not modulo size */
	bool event_idx;
	volatile struct vring_desc *desc;
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
};

static inline __u64 reg_addr(__u32 slot, __u32 reg)
{
	return BULKHEAD_VIRTIO_ADDR + slot * BULKHEAD_VIRTIO_BYTES + reg;
}

static inline __u32 reg_read(__u32 slot, __u32 reg)
{
	return mmio_read32(reg_addr(slot, reg));
}

static inline void reg_write(__u32 slot, __u32 reg, __u32 value)
{
	mmio_write32(reg_addr(slot, reg), value);
}

static inline __u32 status(__u32 slot)
{
	return reg_read(slot, VIRTIO_MMIO_STATUS);
}

static inline void status_add(__u32 slot, __u32 bits)
{
	reg_write(slot, VIRTIO_MMIO_STATUS, status(slot) | bits);
}

static inline void device_reset(__u32 slot)
{
	reg_write(slot, VIRTIO_MMIO_STATUS, 0);
	CHECK_EQ(0, status(slot));
}

static inline __u64 device_features(__u32 slot)
{
	__u64 features;

	reg_write(slot, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	features = (__u64)reg_read(slot, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	reg_write(slot, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return features | reg_read(slot, VIRTIO_MMIO_DEVICE_FEATURES);
}

static inline void driver_features(__u32 slot, __u64 features)
{
	reg_write(slot, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(slot, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	reg_write(slot, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(slot, VIRTIO_MMIO_DRIVER_FEATURES, features);
}

/* Resets the device and accepts @features, which it has to offer; 3.1.1, steps 1 to 6. */
static inline void device_negotiate(__u32 slot, __u64 features)
{
	CHECK_EQ(0x74726976, reg_read(slot, VIRTIO_MMIO_MAGIC_VALUE));
	CHECK_EQ(2, reg_read(slot, VIRTIO_MMIO_VERSION));
	device_reset(slot);
	status_add(slot, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	status_add(slot, VIRTIO_CONFIG_S_DRIVER);
	features |= BIT(VIRTIO_F_VERSION_1);
	CHECK_EQ(features, device_features(slot) & features);
	driver_features(slot, features);
	status_add(slot, VIRTIO_CONFIG_S_FEATURES_OK);
	CHECK(status(slot) & VIRTIO_CONFIG_S_FEATURES_OK);
}

static inline void device_go(__u32 slot)
{
	status_add(slot, VIRTIO_CONFIG_S_DRIVER_OK);
	CHECK_EQ(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK, status(slot));
}

static inline void queue_addresses(__u32 slot, __u64 desc, __u64 avail, __u64 used)
{
	reg_write(slot, VIRTIO_MMIO_QUEUE_DESC_LOW, desc);
	reg_write(slot, VIRTIO_MMIO_QUEUE_DESC_HIGH, desc >> 32);
	reg_write(slot, VIRTIO_MMIO_QUEUE_AVAIL_LOW, avail);
	reg_write(slot, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, avail >> 32);
	reg_write(slot, VIRTIO_MMIO_QUEUE_USED_LOW, used);
	reg_write(slot, VIRTIO_MMIO_QUEUE_USED_HIGH, used >> 32);
}

/* Lays an empty queue out, and tells the device of it without enabling it. */
static inline void queue_layout(struct queue *queue, __u32 slot, __u32 index, __u16 size,
				__u64 features)
{
	__u64 addr = QUEUES_ADDR + (slot * 8 + index) % 32 * QUEUE_BYTES;

	*queue = (struct queue){
		.slot = slot, .index = index, .size = size,
		.event_idx = features & BIT(VIRTIO_RING_F_EVENT_IDX),
		.desc = (struct vring_desc *)addr,
		.avail = (struct vring_avail *)(addr + 0x8000),
		.used = (struct vring_used *)(addr + 0xa000),
	};
	memset((void *)addr, 0, QUEUE_BYTES);
	reg_write(slot, VIRTIO_MMIO_QUEUE_SEL, index);
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
	CHECK(reg_read(slot, VIRTIO_MMIO_QUEUE_NUM_MAX) >= size);
	reg_write(slot, VIRTIO_MMIO_QUEUE_NUM, size);
	queue_addresses(slot, addr, addr + 0x8000, addr + 0xa000);
}

/* 4.2.3.2 */
static inline void queue_setup(struct queue *queue, __u32 slot, __u32 index, __u16 size,
			       __u64 features)
{
	queue_layout(queue, slot, index, size, features);
	reg_write(slot, VIRTIO_MMIO_QUEUE_READY, 1);
	CHECK_EQ(1, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
}

static inline volatile __u16 *used_event(const struct queue *queue)
{
	return &queue->avail->ring[queue->size];
}

static inline __u16 avail_event(const struct queue *queue)
{
	return *(volatile __virtio16 *)((__u64)queue->used->ring +
					queue->size * sizeof(struct vring_used_elem));
}

static inline void queue_desc(const struct queue *queue, __u16 i, __u64 addr, __u32 len,
			      __u16 flags, __u16 next)
{
	queue->desc[i].addr = addr;
	queue->desc[i].len = len;
	queue->desc[i].flags = flags;
	queue->desc[i].next = next;
}

/* Makes the chain that begins at @head available, without a kick. */
static inline void queue_offer(const struct queue *queue, __u16 head)
{
	queue->avail->ring[queue->avail->idx % queue->size] = head;
	barrier();
	queue->avail->idx++;
}

static inline void queue_notify(const struct queue *queue)
{
	reg_write(queue->slot, VIRTIO_MMIO_QUEUE_NOTIFY, queue->index);
}

/* Kicks for what became available since @old, if the device wants that. Returns whether. */
static inline bool queue_kick(const struct queue *queue, __u16 old)
{
	bool wanted;

	barrier();
	if (queue->event_idx)
		wanted = vring_need_event(avail_event(queue), queue->avail->idx, old);
	else
		wanted = !(queue->used->flags & VRING_USED_F_NO_NOTIFY);
	if (wanted)
		queue_notify(queue);
	return wanted;
}

/* The device doesn't answer while it serves the queue; what it gave back it has told by then. */
static inline void queue_sync(const struct queue *queue)
{
	reg_write(queue->slot, VIRTIO_MMIO_QUEUE_SEL, queue->index);
	CHECK_EQ(1, reg_read(queue->slot, VIRTIO_MMIO_QUEUE_READY));
}

/* Waits for the next chain that the device gives back. */
static inline struct vring_used_elem queue_wait(struct queue *queue)
{
	CHECK_SOON(queue->used->idx != queue->seen);
	barrier();
	return queue->used->ring[queue->seen++ % queue->size];
}

#endif
