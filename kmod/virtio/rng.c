// SPDX-License-Identifier: GPL-2.0-only
/* The entropy device: virtio 1.2, section 5.4. */
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <uapi/linux/virtio_ids.h>

#include "device.h"

#define QUEUE_MAX	16

/* Bytes of a request that are filled at most; a driver has to do with fewer than it asks for. */
#define CHUNK		256

struct bulkhead_rng {
	struct bulkhead_virtio dev;
	struct bulkhead_work work;
};

static ssize_t rng_handle(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
			  const struct bulkhead_chain *chain)
{
	u8 chunk[CHUNK];
	size_t len = min_t(u64, chain->in_bytes, sizeof(chunk));
	ssize_t ret;

	if (!len)
		return -EINVAL;
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

static void rng_kick(struct bulkhead_virtio *dev, unsigned int index)
{
	struct bulkhead_rng *rng = container_of(dev, struct bulkhead_rng, dev);

	bulkhead_work_queue(dev->part, &rng->work);
}

static void rng_free(struct bulkhead_virtio *dev)
{
	struct bulkhead_rng *rng = container_of(dev, struct bulkhead_rng, dev);

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
	ret = bulkhead_virtio_init(&rng->dev, part, &rng_ops, 1, QUEUE_MAX, 0, NULL, 0);
	if (!ret)
		ret = bulkhead_virtio_add(&rng->dev, args.irq_fd);
	if (ret < 0)
		rng_free(&rng->dev);
	return ret;
}
