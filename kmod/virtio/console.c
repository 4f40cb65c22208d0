// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console device: virtio 1.2, section 5.3, with one port. What the guest says on it goes into
 * the stream of the console's UART, so that the console has one text. What the guest is to hear
 * comes from there too, once a driver has set the device up to receive.
 *
 * Sending is served in the vCPU's thread: it is a copy, and a driver waits for it. Receiving begins
 * with a write to a descriptor, by any process; so a worker serves it.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/virtio_byteorder.h>
#include <uapi/linux/virtio_console.h>
#include <uapi/linux/virtio_ids.h>

#include "../stream.h"
#include "device.h"

/* Linux fills the receive queue with as many pages. */
#define QUEUE_MAX	16

/* What is copied from or to guest memory at a time. */
#define CHUNK		256

enum { RECEIVE, TRANSMIT, NR_QUEUES };

/**
 * struct bulkhead_hvc - a console device
 * @dev: what it shares with other devices
 * @stream: the console's
 * @listener: hears what is written to it
 * @work: serves the receive queue
 */
struct bulkhead_hvc {
	struct bulkhead_virtio dev;
	struct bulkhead_stream *stream;
	struct bulkhead_stream_listener listener;
	struct bulkhead_work work;
};

static struct bulkhead_hvc *hvc_of(struct bulkhead_virtio *dev)
{
	return container_of(dev, struct bulkhead_hvc, dev);
}

/* Gives the guest what there is to hear, or waits for it with the request left in the queue. */
static ssize_t hvc_receive(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
			   const struct bulkhead_chain *chain)
{
	u8 chunk[CHUNK];
	u64 done = 0;
	ssize_t ret;
	u32 n;

	if (!chain->in_bytes)
		return -EINVAL;
	while (done < chain->in_bytes) {
		n = bulkhead_stream_read(hvc_of(dev)->stream, chunk,
					 min_t(u64, chain->in_bytes - done, sizeof(chunk)));
		if (!n)
			break;
		ret = bulkhead_chain_write(dev->part, chain, done, chunk, n);
		if (ret < 0)
			return ret;
		done += n;
		atomic64_add(n, &dev->count.bytes);
	}
	if (!done)
		return -EAGAIN;
	return done;
}

static ssize_t hvc_transmit(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
			    const struct bulkhead_chain *chain)
{
	u8 chunk[CHUNK];
	u64 done = 0;
	ssize_t n;

	/* A request may say the same page over and over, for gigabytes. */
	while (!bulkhead_part_is_stopped(dev->part) && !fatal_signal_pending(current)) {
		n = bulkhead_chain_read(dev->part, chain, done, chunk, sizeof(chunk));
		if (n <= 0)
			return n;
		bulkhead_stream_write(hvc_of(dev)->stream, chunk, n);
		done += n;
		atomic64_add(n, &dev->count.bytes);
		cond_resched();
	}
	return 0;
}

static void hvc_work(struct bulkhead_work *work)
{
	struct bulkhead_hvc *hvc = container_of(work, struct bulkhead_hvc, work);

	bulkhead_virtio_serve(&hvc->dev, RECEIVE, hvc_receive);
}

static void hvc_kick(struct bulkhead_virtio *dev, unsigned int index)
{
	bulkhead_virtio_serve(dev, index, index == RECEIVE ? hvc_receive : hvc_transmit);
}

static void hvc_input(struct bulkhead_stream_listener *listener)
{
	struct bulkhead_hvc *hvc = container_of(listener, struct bulkhead_hvc, listener);

	bulkhead_work_queue(hvc->dev.part, &hvc->work);
}

static void hvc_resize(struct bulkhead_stream_listener *listener, const struct winsize *size)
{
	struct bulkhead_hvc *hvc = container_of(listener, struct bulkhead_hvc, listener);
	const struct virtio_console_config config = {
		.cols = __cpu_to_virtio16(true, size->ws_col),
		.rows = __cpu_to_virtio16(true, size->ws_row),
	};

	bulkhead_virtio_config_set(&hvc->dev, 0, &config,
				   offsetof(struct virtio_console_config, max_nr_ports));
}

/* What is written here is said without a queue, even before the driver is ready; 5.3.4. */
static void hvc_config_write(struct bulkhead_virtio *dev, u32 offset, const void *data, u32 len)
{
	if (offset != offsetof(struct virtio_console_config, emerg_wr) || !len)
		return;
	bulkhead_stream_write(hvc_of(dev)->stream, data, 1);
	atomic64_inc(&dev->count.bytes);
}

static void hvc_start(struct bulkhead_virtio *dev)
{
	struct bulkhead_hvc *hvc = hvc_of(dev);

	/* Linux looks at the size when it is told of a change, and not before. */
	bulkhead_stream_tell_size(hvc->stream);
	if (READ_ONCE(dev->queues[RECEIVE].ready))
		bulkhead_stream_divert(hvc->stream, true);
}

static void hvc_reset(struct bulkhead_virtio *dev)
{
	bulkhead_stream_divert(hvc_of(dev)->stream, false);
}

static void hvc_free(struct bulkhead_virtio *dev)
{
	bulkhead_virtio_destroy(dev);
	kfree(hvc_of(dev));
}

static const struct bulkhead_virtio_ops hvc_ops = {
	.id = VIRTIO_ID_CONSOLE,
	.kick = hvc_kick,
	.config_write = hvc_config_write,
	.start = hvc_start,
	.reset = hvc_reset,
	.free = hvc_free,
};

/**
 * bulkhead_hvc_create - BULKHEAD_HVC_CREATE
 * @part: the partition
 * @uarg: its argument
 *
 * Return: the device's slot, or an error as documented there.
 */
int bulkhead_hvc_create(struct bulkhead_part *part, const void __user *uarg)
{
	const struct virtio_console_config config = {
		.max_nr_ports = __cpu_to_virtio32(true, 1),
	};
	struct bulkhead_hvc_create args;
	struct bulkhead_stream *stream;
	struct bulkhead_hvc *hvc;
	int ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.reserved)
		return -EINVAL;
	stream = bulkhead_uart_stream(part, BULKHEAD_UART_CONSOLE);
	if (!stream)
		return -ENXIO;

	hvc = kzalloc(sizeof(*hvc), GFP_KERNEL_ACCOUNT);
	if (!hvc)
		return -ENOMEM;
	hvc->stream = stream;
	hvc->listener.input = hvc_input;
	hvc->listener.resize = hvc_resize;
	bulkhead_work_init(&hvc->work, hvc_work);
	ret = bulkhead_virtio_init(&hvc->dev, part, &hvc_ops, NR_QUEUES, QUEUE_MAX,
				   BIT_ULL(VIRTIO_CONSOLE_F_SIZE) |
				   BIT_ULL(VIRTIO_CONSOLE_F_EMERG_WRITE), &config, sizeof(config));
	if (ret)
		goto free_hvc;
	ret = bulkhead_stream_listen(stream, &hvc->listener);
	if (ret)
		goto free_hvc;
	ret = bulkhead_virtio_add(&hvc->dev, args.irq_fd);
	if (ret < 0)
		goto unlisten;
	return ret;

unlisten:
	bulkhead_stream_unlisten(stream);
free_hvc:
	hvc_free(&hvc->dev);
	return ret;
}
