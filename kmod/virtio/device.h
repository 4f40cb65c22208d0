/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all virtio devices share: virtio 1.2, section 2. A transport shows a device to the guest,
 * and a device says what happens when the driver kicks; neither knows the other's insides.
 */
#ifndef BULKHEAD_VIRTIO_DEVICE_H
#define BULKHEAD_VIRTIO_DEVICE_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "../bulkhead.h"
#include "queue.h"

struct bulkhead_virtio;

/* Bytes of configuration that a device can have. */
#define BULKHEAD_VIRTIO_CONFIG_MAX	256

/* Handles a request; see bulkhead_virtio_serve(). */
typedef ssize_t bulkhead_virtio_handle(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
				       const struct bulkhead_chain *chain);

/**
 * struct bulkhead_virtio_ops - a kind of device
 * @id: device id; virtio 1.2, section 5
 * @external: its queues are served outside the module, by who has the interrupt as well
 * @kick: the driver kicked the queue @index. In the vCPU's thread, no lock held; may sleep
 * @config_write: the driver wrote to the configuration, within its length; dev->lock held. NULL if
 *	the driver can't write any of it
 * @start: the driver is ready; dev->lock held. May be NULL
 * @reset: the driver reset the device, whose queues are off; dev->lock held. May be NULL
 * @recall: the driver resets the device, whose queues are off: call them back from who serves them
 *	outside. Returns whether they are back; dev->lock held. NULL unless @external
 * @await: wait until they are back. No lock held. Returns nonzero if the partition ends first. NULL
 *	unless @external
 * @stop: the partition stopped: wake who sleeps; part->state_lock held. May be NULL
 * @release: the partition is gone: let go of what is the host's. No thread of the runner is inside,
 *	and who has looked the partition up may still be. May be NULL
 * @free: free the device; nobody uses it any more
 */
struct bulkhead_virtio_ops {
	u32 id;
	bool external;
	void (*kick)(struct bulkhead_virtio *dev, unsigned int index);
	void (*config_write)(struct bulkhead_virtio *dev, u32 offset, const void *data, u32 len);
	void (*start)(struct bulkhead_virtio *dev);
	void (*reset)(struct bulkhead_virtio *dev);
	bool (*recall)(struct bulkhead_virtio *dev);
	int (*await)(struct bulkhead_virtio *dev);
	void (*stop)(struct bulkhead_virtio *dev);
	void (*release)(struct bulkhead_virtio *dev);
	void (*free)(struct bulkhead_virtio *dev);
};

/* What a driver says of a queue, before it enables it. */
struct bulkhead_virtio_setup {
	u32 size;
	u64 desc;
	u64 avail;
	u64 used;
};

/* Counted from the device's creation on, see the attribute set "device" in bulkhead.yaml. */
struct bulkhead_virtio_count {
	atomic64_t kicks;
	atomic64_t interrupts;
	atomic64_t requests;
	atomic64_t bytes;
	atomic64_t errors;
};

/**
 * struct bulkhead_virtio - one device
 * @part: whose it is
 * @ops: what kind it is
 * @slot: its number among the partition's devices
 * @features: what it offers
 * @count: counters
 * @irq: interrupt to the guest
 * @interrupts: why it was raised and not acknowledged, VIRTIO_MMIO_INT_*; no lock
 * @needs_reset: it has failed; cleared by reset once the queues are off
 * @degraded: its requests get errors; cleared likewise
 * @lock: protects what follows up to @queues; outside the locks of queues
 * @status: what the driver has done of its initialization, VIRTIO_CONFIG_S_*; written under @lock
 * @driver_features: what the driver accepted; constant once status has FEATURES_OK
 * @setup: of each queue, what the driver says of it
 * @queues: the queues, each with a lock of its own
 * @nr_queues: number of them
 * @queue_max: entries that a queue can have
 * @config_lock: protects what follows
 * @config: configuration space
 * @config_bytes: its length
 * @generation: changes with it
 */
struct bulkhead_virtio {
	struct bulkhead_part *part;
	const struct bulkhead_virtio_ops *ops;
	u32 slot;
	u64 features;
	struct bulkhead_virtio_count count;
	struct bulkhead_irq irq;
	atomic_t interrupts;
	bool needs_reset;
	bool degraded;

	struct mutex lock;		/* status and set-up */
	u8 status;
	u64 driver_features;
	struct bulkhead_virtio_setup *setup;
	struct bulkhead_queue *queues;
	unsigned int nr_queues;
	u16 queue_max;

	spinlock_t config_lock;		/* configuration */
	u8 config[BULKHEAD_VIRTIO_CONFIG_MAX];
	u32 config_bytes;
	u32 generation;
};

/* For devices */
int bulkhead_virtio_init(struct bulkhead_virtio *dev, struct bulkhead_part *part,
			 const struct bulkhead_virtio_ops *ops, unsigned int nr_queues,
			 u16 queue_max, u64 features, const void *config, u32 config_bytes);
void bulkhead_virtio_destroy(struct bulkhead_virtio *dev);
int bulkhead_virtio_add(struct bulkhead_virtio *dev, int irq_fd);
bool bulkhead_virtio_is_ready(const struct bulkhead_virtio *dev);
bool bulkhead_virtio_has(const struct bulkhead_virtio *dev, unsigned int feature);
void bulkhead_virtio_serve(struct bulkhead_virtio *dev, unsigned int index,
			   bulkhead_virtio_handle *handle);
void bulkhead_virtio_config_set(struct bulkhead_virtio *dev, u32 offset, const void *data,
				u32 len);
bool bulkhead_virtio_link_is_down(const struct bulkhead_virtio *dev);
void bulkhead_virtio_fail(struct bulkhead_virtio *dev);

/* For transports */
u8 bulkhead_virtio_status(const struct bulkhead_virtio *dev);
u32 bulkhead_virtio_interrupts(const struct bulkhead_virtio *dev);
void bulkhead_virtio_status_write(struct bulkhead_virtio *dev, u8 value);
int bulkhead_virtio_features_write(struct bulkhead_virtio *dev, u64 mask, u64 value);
int bulkhead_virtio_queue_enable(struct bulkhead_virtio *dev, unsigned int index);
int bulkhead_virtio_queue_disable(struct bulkhead_virtio *dev, unsigned int index);
void bulkhead_virtio_kick(struct bulkhead_virtio *dev, u32 index);
int bulkhead_virtio_config_read(struct bulkhead_virtio *dev, u32 offset, void *data, u32 len);
int bulkhead_virtio_config_write(struct bulkhead_virtio *dev, u32 offset, const void *data,
				 u32 len);

/* Whether it doesn't do what it is for any more, and the driver hasn't reset it. */
static inline bool bulkhead_virtio_has_failed(const struct bulkhead_virtio *dev)
{
	return READ_ONCE(dev->needs_reset) || READ_ONCE(dev->degraded);
}

#endif
