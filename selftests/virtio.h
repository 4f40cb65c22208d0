/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio driver for tests. The guest only reads and writes registers, as it is told through a
 * mailbox in its memory; the queues, which lie there as well, are the test's to fill. Nothing is
 * checked: a test may send what it likes.
 */
#ifndef SELFTESTS_VIRTIO_H
#define SELFTESTS_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <time.h>

#include "guest.h"

/* What the guest is told: an operation, which it clears when it is done; an address; a value. */
#define MAILBOX_READ	1
#define MAILBOX_WRITE	2

struct mailbox {
	__u32 op;
	__u32 value;
	__u64 addr;
};

PROGRAM(driver,
	"mov $" STRING(GUEST_DATA) ", %ebx\n"
	"1: pause\nmov (%rbx), %eax\ntest %eax, %eax\njz 1b\n"
	"mov 8(%rbx), %rcx\n"
	"cmp $1, %eax\njne 2f\n"
	"mov (%rcx), %edx\nmov %edx, 4(%rbx)\njmp 3f\n"
	"2: mov 4(%rbx), %edx\nmov %edx, (%rcx)\n"
	"3: movl $0, (%rbx)\njmp 1b\n");

/* Seconds until something that must happen is taken not to happen. */
#define DEADLINE	100

#define VIRTIO_QUEUES	8
#define VIRTIO_ENTRIES	64

/* Where queues lie, 64 KiB each, and what is free for buffers. */
#define VIRTIO_RINGS	0x100000
#define VIRTIO_BUFFERS	0x400000

struct segment {
	__u64 addr;
	__u32 len;
};

struct virtio_queue {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	__u16 free;		/* the next descriptor; they are used in turn */
	__u16 seen;		/* of the used ring */
};

/* A device, and a guest that drives it. */
struct virtio {
	struct guest *guest;
	__u64 window;
	unsigned int nr_queues;
	struct virtio_queue queues[VIRTIO_QUEUES];
};

static inline double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static inline void *virtio_vcpu(void *arg)
{
	struct bulkhead_vcpu_run run;
	struct guest *g = arg;

	vcpu_run(g->vcpu, &run);
	return NULL;
}

static inline void *virtio_worker(void *arg)
{
	struct bulkhead_worker_run run = { .size = sizeof(run) };
	struct guest *g = arg;

	ioctl(g->part, BULKHEAD_WORKER_RUN, &run);
	return NULL;
}

/* Runs the guest, which is to be guest_driver, with @workers. They end with the process. */
static inline bool virtio_start(struct guest *g, unsigned int workers)
{
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < workers; i++)
		if (pthread_create(&thread, NULL, virtio_worker, g))
			return false;
	return !pthread_create(&thread, NULL, virtio_vcpu, g);
}

static inline __u32 mailbox_send(struct guest *g, __u32 op, __u64 addr, __u32 value)
{
	volatile struct mailbox *mailbox = (void *)(g->ram + GUEST_DATA);
	double end = seconds() + DEADLINE;

	mailbox->addr = addr;
	mailbox->value = value;
	__sync_synchronize();
	mailbox->op = op;
	while (mailbox->op)
		if (seconds() > end)
			abort();
	return mailbox->value;
}

static inline __u32 virtio_read(struct virtio *v, unsigned int reg)
{
	return mailbox_send(v->guest, MAILBOX_READ, v->window + reg, 0);
}

static inline void virtio_write(struct virtio *v, unsigned int reg, __u32 value)
{
	mailbox_send(v->guest, MAILBOX_WRITE, v->window + reg, value);
}

static inline __u64 virtio_features(struct virtio *v)
{
	__u64 features;

	virtio_write(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	features = (__u64)virtio_read(v, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	virtio_write(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return features | virtio_read(v, VIRTIO_MMIO_DEVICE_FEATURES);
}

static inline void virtio_addr_write(struct virtio *v, unsigned int low, __u64 addr)
{
	virtio_write(v, low, addr);
	virtio_write(v, low + 4, addr >> 32);
}

static inline void virtio_queue_setup(struct virtio *v, unsigned int index)
{
	struct virtio_queue *queue = &v->queues[index];
	__u64 addr = VIRTIO_RINGS + index * 0x10000;

	memset(v->guest->ram + addr, 0, 0x10000);
	*queue = (struct virtio_queue){
		.desc = (void *)(v->guest->ram + addr),
		.avail = (void *)(v->guest->ram + addr + 0x4000),
		.used = (void *)(v->guest->ram + addr + 0x8000),
	};
	virtio_write(v, VIRTIO_MMIO_QUEUE_SEL, index);
	virtio_write(v, VIRTIO_MMIO_QUEUE_NUM, VIRTIO_ENTRIES);
	virtio_addr_write(v, VIRTIO_MMIO_QUEUE_DESC_LOW, addr);
	virtio_addr_write(v, VIRTIO_MMIO_QUEUE_AVAIL_LOW, addr + 0x4000);
	virtio_addr_write(v, VIRTIO_MMIO_QUEUE_USED_LOW, addr + 0x8000);
	virtio_write(v, VIRTIO_MMIO_QUEUE_READY, 1);
}

/* Resets the device in @slot and initializes it, with @features of those that it has. */
static inline bool virtio_open(struct virtio *v, struct guest *g, unsigned int slot,
			       __u64 features, unsigned int nr_queues)
{
	unsigned int i;
	__u32 status;

	*v = (struct virtio){
		.guest = g, .nr_queues = nr_queues,
		.window = BULKHEAD_VIRTIO_ADDR + (__u64)slot * BULKHEAD_VIRTIO_BYTES,
	};
	virtio_write(v, VIRTIO_MMIO_STATUS, 0);
	status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
	virtio_write(v, VIRTIO_MMIO_STATUS, status);
	features = (virtio_features(v) & features) | 1ULL << VIRTIO_F_VERSION_1;
	virtio_write(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	virtio_write(v, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	virtio_write(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	virtio_write(v, VIRTIO_MMIO_DRIVER_FEATURES, features);
	status |= VIRTIO_CONFIG_S_FEATURES_OK;
	virtio_write(v, VIRTIO_MMIO_STATUS, status);
	for (i = 0; i < nr_queues; i++)
		virtio_queue_setup(v, i);
	status |= VIRTIO_CONFIG_S_DRIVER_OK;
	virtio_write(v, VIRTIO_MMIO_STATUS, status);
	return virtio_read(v, VIRTIO_MMIO_STATUS) == status;
}

/* Makes a request of @nr_out buffers to read and @nr_in to write available. Returns its head. */
static inline __u16 virtio_add(struct virtio *v, unsigned int index, const struct segment *segs,
			       unsigned int nr_out, unsigned int nr_in)
{
	struct virtio_queue *queue = &v->queues[index];
	__u16 head = queue->free;
	unsigned int i;

	for (i = 0; i < nr_out + nr_in; i++) {
		__u16 next = (queue->free + 1) % VIRTIO_ENTRIES;

		queue->desc[queue->free] = (struct vring_desc){
			.addr = segs[i].addr, .len = segs[i].len, .next = next,
			.flags = (i >= nr_out ? VRING_DESC_F_WRITE : 0) |
				 (i + 1 < nr_out + nr_in ? VRING_DESC_F_NEXT : 0),
		};
		queue->free = next;
	}
	queue->avail->ring[queue->avail->idx % VIRTIO_ENTRIES] = head;
	__sync_synchronize();
	queue->avail->idx++;
	return head;
}

static inline void virtio_kick(struct virtio *v, unsigned int index)
{
	virtio_write(v, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

/* Waits for a request. Returns the bytes written to it, or -1 if the device needs a reset. */
static inline long virtio_wait(struct virtio *v, unsigned int index)
{
	struct virtio_queue *queue = &v->queues[index];
	volatile __u16 *idx = &queue->used->idx;
	double end = seconds() + DEADLINE;

	while (*idx == queue->seen) {
		if (seconds() > end)
			abort();
		if (virtio_read(v, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET)
			return -1;
	}
	__sync_synchronize();
	return queue->used->ring[queue->seen++ % VIRTIO_ENTRIES].len;
}

#endif
