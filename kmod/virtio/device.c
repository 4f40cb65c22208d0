// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all virtio devices share: virtio 1.2, sections 2.1 to 2.6 and 3.1.
 *
 * Locks: dev->lock is taken outside queue->lock is taken outside dev->config_lock. A kick takes no
 * lock of the device's. Both mutexes may be held over I/O: a reset waits for the requests in hand,
 * after which nothing touches the queues. Who serves queues outside is waited for without a lock.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ids.h>
#include <uapi/linux/virtio_mmio.h>
#include <uapi/linux/virtio_net.h>
#include <uapi/linux/virtio_ring.h>

#include "device.h"

/* What the core does for every device. */
#define CORE_FEATURES	(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX))

/*
 * Requests that are given back before the driver is told. A batch spares interrupts; a driver that
 * waits for a slow backing can't wait for a long one.
 */
#define BATCH	16

/* Status bits that are the driver's; 2.1. */
#define DRIVER_STATUS	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK | \
			 VIRTIO_CONFIG_S_FAILED)

/**
 * bulkhead_virtio_init - initialize what a device shares with all others
 * @dev: the device, all zero
 * @part: whose it is
 * @ops: what kind it is
 * @nr_queues: number of queues
 * @queue_max: entries that a queue can have, a power of two up to BULKHEAD_QUEUE_MAX
 * @features: what the device offers besides what the core does; of an external one, all
 * @config: the configuration at first
 * @config_bytes: its length, up to BULKHEAD_VIRTIO_CONFIG_MAX
 *
 * Return: 0 or -ENOMEM. Undone by bulkhead_virtio_destroy(), also after an error.
 */
int bulkhead_virtio_init(struct bulkhead_virtio *dev, struct bulkhead_part *part,
			 const struct bulkhead_virtio_ops *ops, unsigned int nr_queues,
			 u16 queue_max, u64 features, const void *config, u32 config_bytes)
{
	unsigned int i;

	dev->part = part;
	dev->ops = ops;
	dev->features = features | (ops->external ? 0 : CORE_FEATURES);
	bulkhead_irq_init(&dev->irq);
	mutex_init(&dev->lock);
	dev->queue_max = queue_max;
	spin_lock_init(&dev->config_lock);
	memcpy(dev->config, config, config_bytes);
	dev->config_bytes = config_bytes;

	dev->setup = kcalloc(nr_queues, sizeof(*dev->setup), GFP_KERNEL_ACCOUNT);
	dev->queues = kcalloc(nr_queues, sizeof(*dev->queues), GFP_KERNEL_ACCOUNT);
	if (!dev->setup || !dev->queues)
		return -ENOMEM;
	dev->nr_queues = nr_queues;
	for (i = 0; i < nr_queues; i++)
		mutex_init(&dev->queues[i].lock);
	return 0;
}

/**
 * bulkhead_virtio_destroy - undo bulkhead_virtio_init()
 * @dev: the device; nobody uses it any more
 */
void bulkhead_virtio_destroy(struct bulkhead_virtio *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_queues; i++) {
		kvfree(dev->queues[i].segs);
		mutex_destroy(&dev->queues[i].lock);
	}
	kfree(dev->queues);
	kfree(dev->setup);
	mutex_destroy(&dev->lock);
}

/**
 * bulkhead_virtio_add - give a device to its partition
 * @dev: the device; initialized. On success it is freed by its operations, with the partition
 * @irq_fd: eventfd that becomes its interrupt
 *
 * Return: its slot, -EBUSY if the partition's state isn't "created", -ENOSPC if it has
 * BULKHEAD_VIRTIO_MAX devices, -EBADF or -EINVAL if @irq_fd is no eventfd, or another error of
 * KVM's.
 */
int bulkhead_virtio_add(struct bulkhead_virtio *dev, int irq_fd)
{
	struct bulkhead_part *part = dev->part;
	u32 slot;
	int ret;

	guard(mutex)(&part->lock);
	if (part->state != BULKHEAD_STATE_CREATED)
		return -EBUSY;
	slot = part->nr_virtio;
	if (slot == BULKHEAD_VIRTIO_MAX)
		return -ENOSPC;
	ret = bulkhead_irq_wire(&dev->irq, part, irq_fd, BULKHEAD_VIRTIO_PIN + slot);
	if (ret)
		return ret;
	dev->slot = slot;
	guard(mutex)(&part->state_lock);
	part->virtio[slot].dev = dev;
	part->nr_virtio++;
	return slot;
}

/**
 * bulkhead_virtio_is_ready - whether a driver drives the device
 * @dev: the device
 *
 * Return: whether DRIVER_OK is set and the device hasn't failed; without a lock, that of a moment.
 */
bool bulkhead_virtio_is_ready(const struct bulkhead_virtio *dev)
{
	return (READ_ONCE(dev->status) & VIRTIO_CONFIG_S_DRIVER_OK) && !READ_ONCE(dev->needs_reset);
}

/**
 * bulkhead_virtio_has - whether a feature was negotiated
 * @dev: the device; the caller serves a queue, or holds its lock
 * @feature: number of the feature's bit
 *
 * Return: whether it was.
 */
bool bulkhead_virtio_has(const struct bulkhead_virtio *dev, unsigned int feature)
{
	return dev->driver_features & BIT_ULL(feature);
}

static void interrupt(struct bulkhead_virtio *dev, int why)
{
	atomic_or(why, &dev->interrupts);
	atomic64_inc(&dev->count.interrupts);
	bulkhead_irq_raise(&dev->irq);
}

/**
 * bulkhead_virtio_fail - the device can't go on until it is reset
 * @dev: the device; its queues are left alone from here on
 */
void bulkhead_virtio_fail(struct bulkhead_virtio *dev)
{
	atomic64_inc(&dev->count.errors);
	WRITE_ONCE(dev->needs_reset, true);
	if (READ_ONCE(dev->status) & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(dev, VIRTIO_MMIO_INT_CONFIG);
}

/* Tells the driver of what was given back to it, if it wants to know. */
static int signal_driver(struct bulkhead_virtio *dev, struct bulkhead_queue *queue)
{
	int ret = bulkhead_queue_wants_interrupt(dev->part, queue);

	if (ret > 0)
		interrupt(dev, VIRTIO_MMIO_INT_VRING);
	return ret;
}

/* A driver that fills the queue as fast as it is served must not keep another from resetting it. */
static bool must_leave(const struct bulkhead_virtio *dev, const struct bulkhead_queue *queue)
{
	return !READ_ONCE(queue->ready) || !bulkhead_virtio_is_ready(dev) ||
	       bulkhead_part_is_stopped(dev->part) || fatal_signal_pending(current);
}

/* Serves the requests that wait. Returns 0 when there are no more, 1 to leave the rest. */
static int serve_pending(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
			 bulkhead_virtio_handle *handle)
{
	struct bulkhead_chain chain;
	unsigned int batch = 0;
	ssize_t written;
	int ret;

	while ((ret = bulkhead_queue_pop(dev->part, queue, &chain)) > 0) {
		written = handle(dev, queue, &chain);
		if (written == -EAGAIN) {
			bulkhead_queue_unpop(queue);
			return 1;
		}
		if (written < 0)
			return written;
		ret = bulkhead_queue_push(dev->part, queue, chain.head, written);
		if (ret)
			return ret;
		atomic64_inc(&dev->count.requests);
		if (!(++batch % BATCH)) {
			ret = signal_driver(dev, queue);
			if (ret < 0)
				return ret;
		}
		if (must_leave(dev, queue))
			return 1;
		cond_resched();
	}
	return ret;
}

/**
 * bulkhead_virtio_serve - serve a queue until it is empty
 * @dev: the device
 * @index: number of the queue; nothing happens if it isn't enabled
 * @handle: handles a request
 *
 * @handle runs with the queue's lock held, and may sleep. It returns the number of bytes that it
 * wrote to the request's buffers; or -EAGAIN to leave the request in the queue, and calls for
 * another serving when it can go on; or another error if the driver broke the rules, so that the
 * device needs a reset. A request that failed by the rules is for @handle to count, and so are
 * bytes.
 *
 * Context: a thread of the runner, in a handler or a worker; takes queue->lock.
 */
void bulkhead_virtio_serve(struct bulkhead_virtio *dev, unsigned int index,
			   bulkhead_virtio_handle *handle)
{
	struct bulkhead_queue *queue = &dev->queues[index];
	int ret;

	guard(mutex)(&queue->lock);
	if (!queue->ready || !bulkhead_virtio_is_ready(dev))
		return;

	do {
		ret = bulkhead_queue_kicks_disable(dev->part, queue);
		if (!ret)
			ret = serve_pending(dev, queue, handle);
		if (ret)
			break;
		ret = bulkhead_queue_kicks_enable(dev->part, queue);
	} while (ret > 0);

	if (ret >= 0)
		ret = signal_driver(dev, queue);
	if (ret < 0)
		bulkhead_virtio_fail(dev);
}

/**
 * bulkhead_virtio_config_set - change the device's configuration, and tell the driver
 * @dev: the device
 * @offset: first byte
 * @data: what is written
 * @len: bytes, within the configuration's length
 *
 * Context: any task.
 */
void bulkhead_virtio_config_set(struct bulkhead_virtio *dev, u32 offset, const void *data,
				u32 len)
{
	spin_lock(&dev->config_lock);
	memcpy(dev->config + offset, data, len);
	WRITE_ONCE(dev->generation, dev->generation + 1);
	spin_unlock(&dev->config_lock);
	if (bulkhead_virtio_is_ready(dev))
		interrupt(dev, VIRTIO_MMIO_INT_CONFIG);
}

/**
 * bulkhead_virtio_link_is_down - look at the link of a network device
 * @dev: the device, of any kind
 *
 * Context: any; a status that changes meanwhile is read as what it was or will be.
 * Return: whether its configuration says that its link is down (virtio 1.2, section 5.1.4).
 */
bool bulkhead_virtio_link_is_down(const struct bulkhead_virtio *dev)
{
	const size_t status = offsetof(struct virtio_net_config, status);

	/* In the status' first byte. */
	return dev->ops->id == VIRTIO_ID_NET && (dev->features & BIT_ULL(VIRTIO_NET_F_STATUS)) &&
	       dev->config_bytes > status &&
	       !(READ_ONCE(dev->config[status]) & VIRTIO_NET_S_LINK_UP);
}

/**
 * bulkhead_virtio_config_read - the driver reads the configuration
 * @dev: the device
 * @offset: first byte
 * @data: what is read
 * @len: bytes
 *
 * Return: 0 or -EINVAL if not all of it is configuration.
 */
int bulkhead_virtio_config_read(struct bulkhead_virtio *dev, u32 offset, void *data, u32 len)
{
	if (len > dev->config_bytes || offset > dev->config_bytes - len)
		return -EINVAL;
	spin_lock(&dev->config_lock);
	memcpy(data, dev->config + offset, len);
	spin_unlock(&dev->config_lock);
	return 0;
}

/**
 * bulkhead_virtio_config_write - the driver writes the configuration
 * @dev: the device
 * @offset: first byte
 * @data: what is written
 * @len: bytes
 *
 * Return: 0 or -EINVAL if not all of it is configuration that can be written.
 */
int bulkhead_virtio_config_write(struct bulkhead_virtio *dev, u32 offset, const void *data,
				 u32 len)
{
	if (len > dev->config_bytes || offset > dev->config_bytes - len || !dev->ops->config_write)
		return -EINVAL;
	guard(mutex)(&dev->lock);
	dev->ops->config_write(dev, offset, data, len);
	return 0;
}

/**
 * bulkhead_virtio_status - the device's status
 * @dev: the device
 *
 * Return: VIRTIO_CONFIG_S_* bits.
 */
u8 bulkhead_virtio_status(const struct bulkhead_virtio *dev)
{
	return READ_ONCE(dev->status) |
	       (READ_ONCE(dev->needs_reset) ? VIRTIO_CONFIG_S_NEEDS_RESET : 0);
}

/**
 * bulkhead_virtio_interrupts - why the device interrupted the driver
 * @dev: the device
 *
 * Return: VIRTIO_MMIO_INT_* bits that were not acknowledged. What serves an external device raises
 * its interrupt without a word to us: it can always be a used buffer.
 */
u32 bulkhead_virtio_interrupts(const struct bulkhead_virtio *dev)
{
	return atomic_read(&dev->interrupts) | (dev->ops->external ? VIRTIO_MMIO_INT_VRING : 0);
}

/* Who serves the queue sees that it is off, and leaves it after the request in hand. */
static void queue_off(struct bulkhead_queue *queue)
{
	WRITE_ONCE(queue->ready, false);
	guard(mutex)(&queue->lock);
}

/*
 * Once the queues are off and back, nobody serves them; what failed before can't fail again. The
 * status becomes zero when that is done. 2.4.
 *
 * Returns whether it is: the queues may not be back yet.
 */
static bool reset(struct bulkhead_virtio *dev)
{
	unsigned int i;

	lockdep_assert_held(&dev->lock);

	for (i = 0; i < dev->nr_queues; i++)
		queue_off(&dev->queues[i]);
	if (dev->ops->recall && !dev->ops->recall(dev))
		return false;
	if (dev->ops->reset)
		dev->ops->reset(dev);
	memset(dev->setup, 0, dev->nr_queues * sizeof(*dev->setup));
	dev->driver_features = 0;
	atomic_set(&dev->interrupts, 0);
	WRITE_ONCE(dev->needs_reset, false);
	WRITE_ONCE(dev->degraded, false);
	WRITE_ONCE(dev->status, 0);
	return true;
}

/*
 * Waits without a lock, so that meanwhile another vCPU may do to the device what it likes: all of
 * that is undone.
 */
static void reset_and_wait(struct bulkhead_virtio *dev)
{
	bool done;

	do {
		scoped_guard(mutex, &dev->lock)
			done = reset(dev);
	} while (!done && !dev->ops->await(dev));
}

static bool features_are_ok(const struct bulkhead_virtio *dev)
{
	return !(dev->driver_features & ~dev->features) &&
	       bulkhead_virtio_has(dev, VIRTIO_F_VERSION_1);
}

/**
 * bulkhead_virtio_status_write - the driver goes on with the device's initialization
 * @dev: the device
 * @value: the status that it wants; zero resets the device
 *
 * As sections 2.1.2 and 3.1.1 want it: no bit is ever cleared but by a reset, FEATURES_OK isn't set
 * if the features don't suit, and DRIVER_OK comes after it. What is against these rules counts as
 * an error and changes nothing.
 *
 * Context: a vCPU's thread; waits for requests that are being served.
 */
void bulkhead_virtio_status_write(struct bulkhead_virtio *dev, u8 value)
{
	u8 added;

	if (!value) {
		reset_and_wait(dev);
		return;
	}
	guard(mutex)(&dev->lock);

	added = value & ~dev->status & DRIVER_STATUS;
	if (dev->status & ~value)
		atomic64_inc(&dev->count.errors);
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && !features_are_ok(dev)) {
		atomic64_inc(&dev->count.errors);
		added &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	}
	if ((added & VIRTIO_CONFIG_S_DRIVER_OK) &&
	    !((dev->status | added) & VIRTIO_CONFIG_S_FEATURES_OK)) {
		atomic64_inc(&dev->count.errors);
		added &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	}
	WRITE_ONCE(dev->status, dev->status | added);
	if ((added & VIRTIO_CONFIG_S_DRIVER_OK) && dev->ops->start)
		dev->ops->start(dev);
}

/**
 * bulkhead_virtio_features_write - the driver accepts features
 * @dev: the device; locked
 * @mask: which bits are written
 * @value: their values; checked when the driver sets FEATURES_OK
 *
 * Return: 0 or -EBUSY once FEATURES_OK is set.
 */
int bulkhead_virtio_features_write(struct bulkhead_virtio *dev, u64 mask, u64 value)
{
	lockdep_assert_held(&dev->lock);

	if (dev->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return -EBUSY;
	dev->driver_features = (dev->driver_features & ~mask) | (value & mask);
	return 0;
}

/**
 * bulkhead_virtio_queue_enable - the driver enables a queue
 * @dev: the device; locked
 * @index: number of the queue; dev->setup says where it is
 *
 * Return: 0, -EBUSY if the queue is enabled, or features are not negotiated yet, or the driver is
 * ready already, -EINVAL if the queue is malformed, or -ENOMEM.
 */
int bulkhead_virtio_queue_enable(struct bulkhead_virtio *dev, unsigned int index)
{
	const struct bulkhead_virtio_setup *setup = &dev->setup[index];
	struct bulkhead_queue *queue = &dev->queues[index];

	lockdep_assert_held(&dev->lock);

	if ((dev->status & (VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)) !=
	    VIRTIO_CONFIG_S_FEATURES_OK)
		return -EBUSY;
	if (setup->size > dev->queue_max ||
	    !bulkhead_queue_is_valid(dev->part, setup->size, setup->desc, setup->avail,
				     setup->used))
		return -EINVAL;

	guard(mutex)(&queue->lock);
	if (queue->ready)
		return -EBUSY;
	if (queue->size != setup->size && !dev->ops->external) {
		kvfree(queue->segs);
		queue->size = 0;
		queue->segs = kvmalloc_array(setup->size, sizeof(*queue->segs),
					     GFP_KERNEL_ACCOUNT);
		if (!queue->segs)
			return -ENOMEM;
	}
	queue->size = setup->size;
	queue->desc = setup->desc;
	queue->avail = setup->avail;
	queue->used = setup->used;
	queue->next = 0;
	queue->used_idx = 0;
	queue->signalled = 0;
	queue->indirect = bulkhead_virtio_has(dev, VIRTIO_RING_F_INDIRECT_DESC);
	queue->event_idx = bulkhead_virtio_has(dev, VIRTIO_RING_F_EVENT_IDX);
	queue->ready = true;
	return 0;
}

/**
 * bulkhead_virtio_queue_disable - the driver disables a queue
 * @dev: the device; locked
 * @index: number of the queue
 *
 * Context: a vCPU's thread; waits for the requests in hand.
 * Return: 0, or -EBUSY if only a reset gets the queue back, from who serves it outside.
 */
int bulkhead_virtio_queue_disable(struct bulkhead_virtio *dev, unsigned int index)
{
	lockdep_assert_held(&dev->lock);

	if (dev->ops->external && (dev->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return -EBUSY;
	queue_off(&dev->queues[index]);
	return 0;
}

/**
 * bulkhead_virtio_kick - the driver has put requests in a queue
 * @dev: the device
 * @index: number of the queue, as the driver says
 *
 * Context: a vCPU's thread.
 */
void bulkhead_virtio_kick(struct bulkhead_virtio *dev, u32 index)
{
	if (index >= dev->nr_queues || !bulkhead_virtio_is_ready(dev)) {
		atomic64_inc(&dev->count.errors);
		return;
	}
	atomic64_inc(&dev->count.kicks);
	dev->ops->kick(dev, index);
}
