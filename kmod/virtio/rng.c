// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entropy device: virtio 1.2, section 5.4. What it gives is limited in time, so that a guest
 * that asks for ever doesn't keep the host busy: a request beyond the limit waits in the queue.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <uapi/linux/virtio_ids.h>

#include "device.h"

#define QUEUE_MAX	64

/* Bytes of a request that are filled at most; a driver has to do with fewer than it asks for. */
#define CHUNK		256

/* How long requests wait once there is nothing left to give: until it is worth to go on. */
#define PAUSE		(HZ / 16)

/**
 * struct bulkhead_rng - an entropy device
 * @dev: the device
 * @work: serves the queue
 * @timer: queues @work when requests have waited long enough
 * @budget: bytes that may be given at once; under the queue's lock
 * @refilled: when something was last added to @budget; likewise
 */
struct bulkhead_rng {
	struct bulkhead_virtio dev;
	struct bulkhead_work work;
	struct timer_list timer;
	u32 budget;
	ktime_t refilled;
};

static struct bulkhead_rng *to_rng(struct bulkhead_virtio *dev)
{
	return container_of(dev, struct bulkhead_rng, dev);
}

/* Whether @bytes may be given now; they are taken then. */
static bool budget_take(struct bulkhead_rng *rng, u32 bytes)
{
	ktime_t now = ktime_get();
	/* In longer than this, it is full anyhow. */
	u64 elapsed = min_t(u64, ktime_to_ns(ktime_sub(now, rng->refilled)),
			    (u64)NSEC_PER_SEC * BULKHEAD_RNG_BURST / BULKHEAD_RNG_RATE);
	u64 added = div_u64(elapsed * BULKHEAD_RNG_RATE, NSEC_PER_SEC);

	/* Shorter times add up. */
	if (added) {
		rng->budget = min_t(u64, rng->budget + added, BULKHEAD_RNG_BURST);
		rng->refilled = now;
	}
	if (rng->budget < bytes)
		return false;
	rng->budget -= bytes;
	return true;
}

static ssize_t rng_handle(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
			  const struct bulkhead_chain *chain)
{
	struct bulkhead_rng *rng = to_rng(dev);
	u8 chunk[CHUNK];
	size_t len = min_t(u64, chain->in_bytes, sizeof(chunk));
	ssize_t ret;

	lockdep_assert_held(&queue->lock);

	if (!len)
		return -EINVAL;
	if (!budget_take(rng, len)) {
		/* Kicks don't put it off. */
		if (!timer_pending(&rng->timer))
			mod_timer(&rng->timer, jiffies + PAUSE);
		return -EAGAIN;
	}
	get_random_bytes(chunk, len);
	ret = bulkhead_chain_write(dev->part, chain, 0, chunk, len);
	memzero_explicit(chunk, sizeof(chunk));
	if (ret > 0)
		atomic64_add(ret, &dev->count.bytes);
	return ret;
}

static void rng_work(struct bulkhead_work *work)
{
	struct bulkhead_rng *rng = container_of(work, struct bulkhead_rng, work);

	bulkhead_virtio_serve(&rng->dev, 0, rng_handle);
}

static void rng_timer(struct timer_list *timer)
{
	struct bulkhead_rng *rng = container_of(timer, struct bulkhead_rng, timer);

	bulkhead_work_queue(rng->dev.part, &rng->work);
}

static void rng_kick(struct bulkhead_virtio *dev, unsigned int index)
{
	bulkhead_work_queue(dev->part, &to_rng(dev)->work);
}

static void rng_free(struct bulkhead_virtio *dev)
{
	struct bulkhead_rng *rng = to_rng(dev);

	timer_shutdown_sync(&rng->timer);
	bulkhead_virtio_destroy(dev);
	kfree(rng);
}

static const struct bulkhead_virtio_ops rng_ops = {
	.id = VIRTIO_ID_RNG,
	.kick = rng_kick,
	.free = rng_free,
};

/**
 * bulkhead_rng_create - BULKHEAD_RNG_CREATE
 * @part: the partition
 * @uarg: its argument
 *
 * Return: the device's slot, or an error as documented there.
 */
int bulkhead_rng_create(struct bulkhead_part *part, const void __user *uarg)
{
	struct bulkhead_rng_create args;
	struct bulkhead_rng *rng;
	int ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.reserved)
		return -EINVAL;

	rng = kzalloc(sizeof(*rng), GFP_KERNEL_ACCOUNT);
	if (!rng)
		return -ENOMEM;
	bulkhead_work_init(&rng->work, rng_work);
	timer_setup(&rng->timer, rng_timer, 0);
	rng->budget = BULKHEAD_RNG_BURST;
	rng->refilled = ktime_get();
	ret = bulkhead_virtio_init(&rng->dev, part, &rng_ops, 1, QUEUE_MAX, 0, NULL, 0);
	if (!ret)
		ret = bulkhead_virtio_add(&rng->dev, args.irq_fd);
	if (ret < 0)
		rng_free(&rng->dev);
	return ret;
}
