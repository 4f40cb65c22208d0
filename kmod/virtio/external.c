// SPDX-License-Identifier: GPL-2.0-only
/*
 * External devices: virtio devices whose queues a backend outside the module serves, vhost in the
 * host's kernel or a vhost-user process. The transport and the driver's set-up are answered here,
 * the queues are handed over through the runner. Their life is told in docs/interface.md.
 *
 * A reset waits for the backend, in the thread of the vCPU that wrote it and inside of KVM's SRCU.
 * It can't wait for ever, nor for itself:
 *
 *   It holds no lock of ours. What ends it (BULKHEAD_EXTERNAL_RELEASE or _FAIL, the end of the
 *   descriptor, the partition's stop) takes ext->lock alone or part->state_lock, and nobody sleeps
 *   under these. So the runner needs nothing that a waiting vCPU holds, and may even be in this
 *   ioctl with other vCPUs waiting for other devices.
 *   Who waits for KVM's SRCU, waits for this vCPU. That is KVM itself in an ioctl on its files,
 *   which only we can make, under part->lock: the runner's ioctls here don't take that lock.
 *   A signal that kills the runner ends it, and the runner's end is the partition's.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/wait.h>

#include "device.h"

/*
 * Of the features that concern all devices (24 to 49), those that change nothing but what is in the
 * rings: the others are between the driver and the transport, which is ours.
 */
#define FEATURES	(GENMASK_ULL(23, 0) | GENMASK_ULL(63, 50) | BIT_ULL(VIRTIO_F_VERSION_1) | \
			 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | BIT_ULL(VIRTIO_RING_F_EVENT_IDX))

/**
 * struct external - an external device
 * @dev: the device
 * @ops: its operations, with its id
 * @kicks: of each queue, what a kick signals
 * @wait: the vCPU that resets the device, and who polls the descriptor
 * @lock: protects what follows; inside of dev->lock
 * @state: who has the queues
 * @news: @state has changed since the runner asked for it
 * @closed: the runner's descriptor is closed: there is no backend any more
 * @features: those that were negotiated, unless the state is idle
 * @queues: what was handed over, unless the state is idle
 */
struct external {
	struct bulkhead_virtio dev;
	struct bulkhead_virtio_ops ops;
	struct eventfd_ctx *kicks[BULKHEAD_EXTERNAL_QUEUES_MAX];
	wait_queue_head_t wait;

	spinlock_t lock;		/* hand-over */
	enum bulkhead_external_state state;
	bool news;
	bool closed;
	u64 features;
	struct bulkhead_external_queue queues[BULKHEAD_EXTERNAL_QUEUES_MAX];
};

static struct external *to_external(struct bulkhead_virtio *dev)
{
	return container_of(dev, struct external, dev);
}

static void wake(struct external *ext)
{
	if (wq_has_sleeper(&ext->wait))
		wake_up_all(&ext->wait);
}

static void state_set(struct external *ext, enum bulkhead_external_state state)
{
	lockdep_assert_held(&ext->lock);
	WRITE_ONCE(ext->state, state);
	WRITE_ONCE(ext->news, true);
}

static void external_kick(struct bulkhead_virtio *dev, unsigned int index)
{
	eventfd_signal(to_external(dev)->kicks[index]);
}

/* Where the runner sees part of a queue; NULL unless all of it is in one region of memory. */
static u64 user_addr(struct external *ext, u64 addr, size_t bytes)
{
	return (unsigned long)bulkhead_mem_user(ext->dev.part, addr, bytes);
}

/* Virtio 1.2, 2.7: each ring has a header of two fields and a trailer of one. */
static int queue_describe(struct external *ext, unsigned int index,
			  struct bulkhead_external_queue *out)
{
	const struct bulkhead_queue *queue = &ext->dev.queues[index];
	const size_t size = queue->size;

	lockdep_assert_held(&ext->dev.lock);

	*out = (struct bulkhead_external_queue){};
	if (!queue->ready)
		return 0;
	out->size = size;
	out->guest_desc = queue->desc;
	out->guest_avail = queue->avail;
	out->guest_used = queue->used;
	out->desc = user_addr(ext, queue->desc, size * sizeof(struct vring_desc));
	out->avail = user_addr(ext, queue->avail, (3 + size) * sizeof(u16));
	out->used = user_addr(ext, queue->used,
			      3 * sizeof(u16) + size * sizeof(struct vring_used_elem));
	return out->desc && out->avail && out->used ? 0 : -EFAULT;
}

/* The driver is ready: the queues are the backend's until it lets them go, and don't change. */
static void external_start(struct bulkhead_virtio *dev)
{
	struct external *ext = to_external(dev);
	unsigned int i;
	int ret = 0;

	spin_lock(&ext->lock);
	for (i = 0; i < dev->nr_queues && !ret; i++)
		ret = queue_describe(ext, i, &ext->queues[i]);
	if (ext->closed)
		ret = -ENODEV;
	if (!ret) {
		ext->features = dev->driver_features;
		state_set(ext, BULKHEAD_EXTERNAL_READY);
	}
	spin_unlock(&ext->lock);
	if (ret)
		bulkhead_virtio_fail(dev);
	else
		wake(ext);
}

/* The driver resets the device. Returns whether the queues are back. */
static bool external_recall(struct bulkhead_virtio *dev)
{
	struct external *ext = to_external(dev);
	bool back;

	spin_lock(&ext->lock);
	if (ext->state == BULKHEAD_EXTERNAL_READY)
		state_set(ext, BULKHEAD_EXTERNAL_RESET);
	back = ext->state == BULKHEAD_EXTERNAL_IDLE;
	spin_unlock(&ext->lock);
	if (!back)
		wake(ext);
	return back;
}

static bool is_back(const struct external *ext)
{
	return READ_ONCE(ext->state) == BULKHEAD_EXTERNAL_IDLE ||
	       bulkhead_part_is_stopped(ext->dev.part);
}

/* Why this can't deadlock, stands at the top. */
static int external_await(struct bulkhead_virtio *dev)
{
	struct external *ext = to_external(dev);

	if (wait_event_killable(ext->wait, is_back(ext)))
		return -EINTR;
	return bulkhead_part_is_stopped(dev->part) ? -ENODEV : 0;
}

static void external_stop(struct bulkhead_virtio *dev)
{
	wake_up_all(&to_external(dev)->wait);
}

static void external_free(struct bulkhead_virtio *dev)
{
	struct external *ext = to_external(dev);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ext->kicks); i++)
		if (ext->kicks[i])
			eventfd_ctx_put(ext->kicks[i]);
	bulkhead_virtio_destroy(dev);
	kfree(ext);
}

/* ---- the runner's descriptor ---- */

static int external_get(struct external *ext, struct bulkhead_external_get __user *uarg)
{
	struct bulkhead_external_get *args __free(kfree) = kzalloc(sizeof(*args), GFP_KERNEL);
	int ret;

	if (!args)
		return -ENOMEM;
	ret = bulkhead_runner_arg_in(ext->dev.part, args, sizeof(*args), uarg);
	if (ret)
		return ret;
	/* All else is what is asked for. */
	if (memchr_inv(&args->state, 0, sizeof(*args) - offsetof(typeof(*args), state)))
		return -EINVAL;

	spin_lock(&ext->lock);
	args->state = ext->state;
	args->queues = ext->dev.nr_queues;
	if (ext->state != BULKHEAD_EXTERNAL_IDLE) {
		args->features = ext->features;
		memcpy(args->queue, ext->queues, sizeof(args->queue));
	}
	WRITE_ONCE(ext->news, false);
	spin_unlock(&ext->lock);
	return copy_to_user(uarg, args, sizeof(*args)) ? -EFAULT : 0;
}

static int external_release_queues(struct external *ext, const void __user *uarg)
{
	struct bulkhead_external_release args;
	int ret;

	ret = bulkhead_runner_arg_in(ext->dev.part, &args, sizeof(args), uarg);
	if (ret)
		return ret;

	spin_lock(&ext->lock);
	if (ext->state == BULKHEAD_EXTERNAL_RESET)
		WRITE_ONCE(ext->state, BULKHEAD_EXTERNAL_IDLE);
	else
		ret = -EBUSY;
	spin_unlock(&ext->lock);
	if (!ret)
		wake(ext);
	return ret;
}

/*
 * Marked as failed before the queues count as back: a reset, which waits for these, clears the
 * mark. Under the lock, so that it can't come after that reset.
 */
static int fail(struct external *ext)
{
	int ret = 0;

	spin_lock(&ext->lock);
	if (ext->state == BULKHEAD_EXTERNAL_IDLE)
		ret = -EBUSY;
	else
		bulkhead_virtio_fail(&ext->dev);
	WRITE_ONCE(ext->state, BULKHEAD_EXTERNAL_IDLE);
	spin_unlock(&ext->lock);
	wake(ext);
	return ret;
}

/* The runner has another backend: who has the queues doesn't change. */
static int replace(struct external *ext)
{
	int ret = 0;

	spin_lock(&ext->lock);
	if (ext->state == BULKHEAD_EXTERNAL_READY)
		WRITE_ONCE(ext->dev.degraded, true);
	else
		ret = -EBUSY;
	spin_unlock(&ext->lock);
	return ret;
}

static int external_fail(struct external *ext, const void __user *uarg)
{
	struct bulkhead_external_fail args;
	int ret;

	ret = bulkhead_runner_flags_in(ext->dev.part, &args, sizeof(args),
				       BULKHEAD_EXTERNAL_FAIL_REPLACED, uarg);
	if (!ret)
		ret = args.flags & BULKHEAD_EXTERNAL_FAIL_REPLACED ? replace(ext) : fail(ext);
	if (!ret) {
		guard(mutex)(&ext->dev.part->state_lock);
		bulkhead_netlink_notify(ext->dev.part, BULKHEAD_CMD_PART_DEVICE_FAILED);
	}
	return ret;
}

static int external_config_set(struct external *ext, const void __user *uarg)
{
	struct bulkhead_external_config_set args;
	u8 data[BULKHEAD_VIRTIO_CONFIG_MAX];
	int ret;

	ret = bulkhead_runner_arg_in(ext->dev.part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (!args.bytes || args.bytes > ext->dev.config_bytes ||
	    args.offset > ext->dev.config_bytes - args.bytes)
		return -EINVAL;
	if (copy_from_user(data, u64_to_user_ptr(args.data), args.bytes))
		return -EFAULT;
	bulkhead_virtio_config_set(&ext->dev, args.offset, data, args.bytes);
	guard(mutex)(&ext->dev.part->state_lock);
	bulkhead_netlink_notify(ext->dev.part, BULKHEAD_CMD_PART_DEVICE_CHANGED);
	return 0;
}

static long external_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case BULKHEAD_EXTERNAL_GET:
		return external_get(file->private_data, uarg);
	case BULKHEAD_EXTERNAL_RELEASE:
		return external_release_queues(file->private_data, uarg);
	case BULKHEAD_EXTERNAL_FAIL:
		return external_fail(file->private_data, uarg);
	case BULKHEAD_EXTERNAL_CONFIG_SET:
		return external_config_set(file->private_data, uarg);
	default:
		return -ENOTTY;
	}
}

static __poll_t external_poll(struct file *file, poll_table *table)
{
	struct external *ext = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &ext->wait, table);
	if (READ_ONCE(ext->news))
		events |= EPOLLIN | EPOLLRDNORM;
	if (bulkhead_part_is_stopped(ext->dev.part))
		events |= EPOLLHUP;
	return events;
}

/* Without the descriptor there is nobody to hand queues to, and nobody to get them back from. */
static int external_close(struct inode *inode, struct file *file)
{
	struct external *ext = file->private_data;
	struct bulkhead_part *part;

	/* There is none if the descriptor was cancelled. */
	if (!ext)
		return 0;
	part = ext->dev.part;
	spin_lock(&ext->lock);
	ext->closed = true;
	spin_unlock(&ext->lock);
	fail(ext);
	bulkhead_part_user_put(part);
	return 0;
}

static const struct file_operations external_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = external_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = external_poll,
	.release = external_close,
	.llseek = noop_llseek,
};

static int kicks_init(struct external *ext, const s32 __user *fds, unsigned int count)
{
	s32 fd[BULKHEAD_EXTERNAL_QUEUES_MAX];
	struct eventfd_ctx *ctx;
	unsigned int i;

	if (copy_from_user(fd, fds, count * sizeof(*fd)))
		return -EFAULT;
	for (i = 0; i < count; i++) {
		ctx = eventfd_ctx_fdget(fd[i]);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
		ext->kicks[i] = ctx;
	}
	return 0;
}

static struct external *external_alloc(struct bulkhead_part *part,
				       const struct bulkhead_external_create *args)
{
	static const struct bulkhead_virtio_ops ops = {
		.external = true,
		.kick = external_kick,
		.start = external_start,
		.recall = external_recall,
		.await = external_await,
		.stop = external_stop,
		.free = external_free,
	};
	u8 config[BULKHEAD_VIRTIO_CONFIG_MAX];
	struct external *ext;
	int ret;

	if (copy_from_user(config, u64_to_user_ptr(args->config), args->config_bytes))
		return ERR_PTR(-EFAULT);
	ext = kzalloc(sizeof(*ext), GFP_KERNEL_ACCOUNT);
	if (!ext)
		return ERR_PTR(-ENOMEM);
	ext->ops = ops;
	ext->ops.id = args->device;
	init_waitqueue_head(&ext->wait);
	spin_lock_init(&ext->lock);
	ret = bulkhead_virtio_init(&ext->dev, part, &ext->ops, args->queues, args->queue_max,
				   args->features & FEATURES, config, args->config_bytes);
	if (!ret)
		ret = kicks_init(ext, u64_to_user_ptr(args->kick_fds), args->queues);
	if (ret) {
		external_free(&ext->dev);
		return ERR_PTR(ret);
	}
	return ext;
}

/**
 * bulkhead_external_create - BULKHEAD_EXTERNAL_CREATE
 * @part: the partition
 * @uarg: its argument
 *
 * Return: an external device descriptor, or an error as documented there.
 */
int bulkhead_external_create(struct bulkhead_part *part, const void __user *uarg)
{
	struct bulkhead_external_create args;
	struct external *ext;
	struct file *file;
	int fd, ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.reserved || !args.device ||
	    !args.queues || args.queues > BULKHEAD_EXTERNAL_QUEUES_MAX ||
	    args.queue_max > BULKHEAD_QUEUE_MAX || !is_power_of_2(args.queue_max) ||
	    args.config_bytes > BULKHEAD_VIRTIO_CONFIG_MAX ||
	    !(args.features & BIT_ULL(VIRTIO_F_VERSION_1)))
		return -EINVAL;

	fd = bulkhead_fd_reserve("[bulkhead-external]", &external_fops, NULL, &file);
	if (fd < 0)
		return fd;
	ext = external_alloc(part, &args);
	if (IS_ERR(ext)) {
		ret = PTR_ERR(ext);
		goto cancel_fd;
	}
	ret = bulkhead_virtio_add(&ext->dev, args.irq_fd);
	if (ret < 0)
		goto free_ext;

	bulkhead_part_user_get(part);
	file->private_data = ext;
	fd_install(fd, file);
	return fd;

free_ext:
	external_free(&ext->dev);
cancel_fd:
	bulkhead_fd_cancel(fd, file);
	return ret;
}
