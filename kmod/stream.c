// SPDX-License-Identifier: GPL-2.0-only
/*
 * The streams of a partition's devices, and the descriptors that read and write them. A stream that
 * isn't lossless never waits and forgets its oldest text. In a lossless one the guest waits while
 * nobody reads.
 */
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bulkhead.h"
#include "stream.h"

/* What a guest can be sent ahead of its reading it. */
#define RX_RING		4096

/* What is copied from or to user space at a time. */
#define CHUNK		256

static void wake(struct bulkhead_stream *stream)
{
	if (wq_has_sleeper(&stream->wait))
		wake_up_interruptible_all(&stream->wait);
}

/**
 * bulkhead_stream_send - take a byte from the guest
 * @stream: the stream; its lock is held
 * @byte: the byte. In a full ring the oldest gives way, unless the stream is lossless: then this
 *	one is lost
 */
void bulkhead_stream_send(struct bulkhead_stream *stream, u8 byte)
{
	lockdep_assert_held(&stream->lock);

	if (!stream->lossless || bulkhead_ring_free(&stream->tx)) {
		bulkhead_ring_push(&stream->tx, byte);
		wake(stream);
	}
}

/**
 * bulkhead_stream_receive - give a byte to the guest
 * @stream: the stream, in which there is one; its lock is held
 *
 * Return: the byte.
 */
u8 bulkhead_stream_receive(struct bulkhead_stream *stream)
{
	u8 byte;

	lockdep_assert_held(&stream->lock);

	byte = bulkhead_ring_pop(&stream->rx);
	wake(stream);
	return byte;
}

static bool is_readable(struct bulkhead_stream *stream, u64 pos)
{
	bool readable;

	spin_lock(&stream->lock);
	readable = pos < stream->tx.head;
	spin_unlock(&stream->lock);
	return readable || bulkhead_part_is_stopped(stream->part);
}

static bool is_writable(struct bulkhead_stream *stream)
{
	bool writable;

	spin_lock(&stream->lock);
	writable = bulkhead_ring_free(&stream->rx);
	spin_unlock(&stream->lock);
	return writable || bulkhead_part_is_stopped(stream->part);
}

/* Takes up to a chunk of what the guest sent; of a lossless stream it is gone then. */
static u32 take(struct bulkhead_stream *stream, u64 *pos, u8 *chunk, u32 len)
{
	spin_lock(&stream->lock);
	if (stream->lossless)
		*pos = stream->tx.tail;
	len = bulkhead_ring_peek(&stream->tx, pos, chunk, len);
	if (stream->lossless) {
		stream->tx.tail = *pos;
		stream->update(stream);
	}
	spin_unlock(&stream->lock);
	return len;
}

static ssize_t stream_read(struct file *file, char __user *to, size_t len, loff_t *ppos)
{
	struct bulkhead_stream *stream = file->private_data;
	u64 pos = *ppos;
	u8 chunk[CHUNK];
	size_t done = 0;
	u32 n;

	if (!len)
		return 0;
	if (mutex_lock_interruptible(&stream->read_lock))
		return -ERESTARTSYS;

	while (done < len) {
		n = take(stream, &pos, chunk, min_t(size_t, len - done, CHUNK));
		if (n) {
			if (copy_to_user(to + done, chunk, n)) {
				mutex_unlock(&stream->read_lock);
				return -EFAULT;
			}
			done += n;
			continue;
		}
		if (done || bulkhead_part_is_stopped(stream->part))
			break;
		mutex_unlock(&stream->read_lock);
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(stream->wait, is_readable(stream, pos)) ||
		    mutex_lock_interruptible(&stream->read_lock))
			return -ERESTARTSYS;
	}
	mutex_unlock(&stream->read_lock);
	*ppos = pos;
	return done;
}

static u32 give(struct bulkhead_stream *stream, const u8 *chunk, u32 len)
{
	u32 n;

	spin_lock(&stream->lock);
	for (n = 0; n < len && bulkhead_ring_free(&stream->rx); n++)
		bulkhead_ring_push(&stream->rx, chunk[n]);
	stream->update(stream);
	spin_unlock(&stream->lock);
	return n;
}

static ssize_t stream_write(struct file *file, const char __user *from, size_t len, loff_t *ppos)
{
	struct bulkhead_stream *stream = file->private_data;
	u8 chunk[CHUNK];
	size_t done = 0;
	u32 n, wanted;

	while (done < len) {
		if (bulkhead_part_is_stopped(stream->part))
			return done ?: -EPIPE;
		wanted = min_t(size_t, len - done, CHUNK);
		if (copy_from_user(chunk, from + done, wanted))
			return done ?: -EFAULT;
		n = give(stream, chunk, wanted);
		done += n;
		if (n == wanted)
			continue;
		if (file->f_flags & O_NONBLOCK)
			return done ?: -EAGAIN;
		if (wait_event_interruptible(stream->wait, is_writable(stream)))
			return done ?: -ERESTARTSYS;
	}
	return done;
}

static __poll_t stream_poll(struct file *file, poll_table *table)
{
	struct bulkhead_stream *stream = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &stream->wait, table);
	if (is_readable(stream, file->f_pos))
		events |= EPOLLIN | EPOLLRDNORM;
	if (is_writable(stream))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (bulkhead_part_is_stopped(stream->part))
		events |= EPOLLHUP;
	return events;
}

static loff_t stream_llseek(struct file *file, loff_t offset, int whence)
{
	struct bulkhead_stream *stream = file->private_data;
	u64 head;

	spin_lock(&stream->lock);
	head = stream->tx.head;
	spin_unlock(&stream->lock);
	return generic_file_llseek_size(file, offset, whence, S64_MAX, head);
}

static int user_release(struct inode *inode, struct file *file)
{
	struct bulkhead_stream *stream = file->private_data;

	/* There is none if the descriptor was cancelled. */
	if (stream)
		bulkhead_part_user_put(stream->part);
	return 0;
}

static int other_release(struct inode *inode, struct file *file)
{
	struct bulkhead_stream *stream = file->private_data;

	bulkhead_part_put(stream->part);
	return 0;
}

/* The runner's descriptor keeps the partition alive, */
static const struct file_operations user_fops = {
	.owner = THIS_MODULE,
	.read = stream_read,
	.write = stream_write,
	.poll = stream_poll,
	.llseek = stream_llseek,
	.release = user_release,
};

/* and that of anybody else doesn't. */
static const struct file_operations other_fops = {
	.owner = THIS_MODULE,
	.read = stream_read,
	.write = stream_write,
	.poll = stream_poll,
	.llseek = stream_llseek,
	.release = other_release,
};

static int ring_init(struct bulkhead_ring *ring, u32 size)
{
	ring->size = size;
	ring->data = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	return ring->data ? 0 : -ENOMEM;
}

/**
 * bulkhead_stream_init - make a stream
 * @stream: its memory, zeroed
 * @part: whose it is
 * @lossless: its kind
 * @update: the device's, see there
 *
 * Return: 0 or -ENOMEM; bulkhead_stream_destroy() is due either way.
 */
int bulkhead_stream_init(struct bulkhead_stream *stream, struct bulkhead_part *part, bool lossless,
			 void (*update)(struct bulkhead_stream *stream))
{
	stream->part = part;
	stream->lossless = lossless;
	stream->update = update;
	mutex_init(&stream->read_lock);
	init_waitqueue_head(&stream->wait);
	spin_lock_init(&stream->lock);
	return ring_init(&stream->tx, BULKHEAD_UART_RING) ?: ring_init(&stream->rx, RX_RING);
}

/**
 * bulkhead_stream_destroy - undo bulkhead_stream_init()
 * @stream: the stream; no descriptor refers to it
 */
void bulkhead_stream_destroy(struct bulkhead_stream *stream)
{
	kvfree(stream->rx.data);
	kvfree(stream->tx.data);
	mutex_destroy(&stream->read_lock);
}

/**
 * bulkhead_stream_stop - wake who sleeps on a stream, because the partition has stopped
 * @stream: the stream
 */
void bulkhead_stream_stop(struct bulkhead_stream *stream)
{
	wake_up_interruptible_all(&stream->wait);
}

/**
 * bulkhead_stream_reserve - make a descriptor for the runner, without publishing it
 * @filep: its file
 *
 * Return: the descriptor, to be given to bulkhead_stream_install() or bulkhead_fd_cancel(), or an
 * error.
 */
int bulkhead_stream_reserve(struct file **filep)
{
	return bulkhead_fd_reserve("[bulkhead-uart]", &user_fops, NULL, filep);
}

/**
 * bulkhead_stream_install - publish a descriptor of the runner's
 * @stream: the stream; the caller is in an ioctl on a descriptor of its partition
 * @fd: the descriptor
 * @file: its file
 */
void bulkhead_stream_install(struct bulkhead_stream *stream, int fd, struct file *file)
{
	bulkhead_part_user_get(stream->part);
	file->private_data = stream;
	fd_install(fd, file);
}

/**
 * bulkhead_stream_open - make a descriptor for somebody who isn't the runner
 * @stream: the stream; on success the descriptor takes over the caller's reference to its partition
 *
 * Return: the descriptor, or an error of making it.
 */
int bulkhead_stream_open(struct bulkhead_stream *stream)
{
	struct file *file;
	int fd;

	fd = bulkhead_fd_reserve("[bulkhead-uart]", &other_fops, stream, &file);
	if (fd >= 0)
		fd_install(fd, file);
	return fd;
}
