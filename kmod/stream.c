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

/**
 * bulkhead_stream_write - take bytes from the guest
 * @stream: the stream, which isn't lossless
 * @from: the bytes
 * @len: their number. In a full ring the oldest give way
 */
void bulkhead_stream_write(struct bulkhead_stream *stream, const u8 *from, u32 len)
{
	spin_lock(&stream->lock);
	bulkhead_ring_write(&stream->tx, from, len);
	wake(stream);
	spin_unlock(&stream->lock);
}

/**
 * bulkhead_stream_read - give bytes to the guest, through the listener
 * @stream: the stream
 * @to: where they go
 * @len: how many at most
 *
 * Return: their number; zero also if they aren't for the listener.
 */
u32 bulkhead_stream_read(struct bulkhead_stream *stream, u8 *to, u32 len)
{
	u32 n = 0;

	spin_lock(&stream->lock);
	if (stream->diverted)
		n = bulkhead_ring_peek(&stream->rx, &stream->rx.tail, to, len);
	if (n)
		wake(stream);
	spin_unlock(&stream->lock);
	return n;
}

/* Tells the device that there may be something to hear. */
static void tell_input(struct bulkhead_stream *stream)
{
	lockdep_assert_held(&stream->lock);

	if (stream->diverted)
		stream->listener->input(stream->listener);
	else
		stream->update(stream);
}

/**
 * bulkhead_stream_listen - let a second device say and hear what goes through a stream
 * @stream: the stream
 * @listener: the device's
 *
 * Return: 0 or -EEXIST if there is one.
 */
int bulkhead_stream_listen(struct bulkhead_stream *stream,
			   struct bulkhead_stream_listener *listener)
{
	int ret = -EEXIST;

	spin_lock(&stream->lock);
	if (!stream->listener) {
		stream->listener = listener;
		listener->resize(listener, &stream->size);
		ret = 0;
	}
	spin_unlock(&stream->lock);
	return ret;
}

/**
 * bulkhead_stream_unlisten - undo bulkhead_stream_listen()
 * @stream: the stream
 */
void bulkhead_stream_unlisten(struct bulkhead_stream *stream)
{
	spin_lock(&stream->lock);
	stream->listener = NULL;
	spin_unlock(&stream->lock);
}

/**
 * bulkhead_stream_divert - say which device the guest hears through
 * @stream: the stream, which has a listener
 * @diverted: whether it is the listener. What no device has taken is the other's then
 */
void bulkhead_stream_divert(struct bulkhead_stream *stream, bool diverted)
{
	spin_lock(&stream->lock);
	stream->diverted = diverted;
	stream->update(stream);
	if (diverted)
		stream->listener->input(stream->listener);
	spin_unlock(&stream->lock);
}

/**
 * bulkhead_stream_tell_size - tell the listener the terminal's size, if it is known
 * @stream: the stream, which has a listener
 */
void bulkhead_stream_tell_size(struct bulkhead_stream *stream)
{
	spin_lock(&stream->lock);
	if (stream->size.ws_col || stream->size.ws_row)
		stream->listener->resize(stream->listener, &stream->size);
	spin_unlock(&stream->lock);
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

/* Copies up to a chunk of what the guest sent; of a lossless stream, what is next. */
static u32 peek(struct bulkhead_stream *stream, u64 *pos, u8 *chunk, u32 len)
{
	spin_lock(&stream->lock);
	if (stream->lossless)
		*pos = stream->tx.tail;
	len = bulkhead_ring_peek(&stream->tx, pos, chunk, len);
	spin_unlock(&stream->lock);
	return len;
}

/* What was read up to @pos is gone from a lossless stream; the reader is between begin and end. */
static void consume(struct bulkhead_stream *stream, u64 pos)
{
	if (!stream->lossless)
		return;
	spin_lock(&stream->lock);
	stream->tx.tail = pos;
	stream->update(stream);
	spin_unlock(&stream->lock);
}

/* Where all have all, nobody waits for another's memory. */
static int read_begin(struct bulkhead_stream *stream)
{
	return stream->lossless ? mutex_lock_interruptible(&stream->read_lock) : 0;
}

static void read_end(struct bulkhead_stream *stream)
{
	if (stream->lossless)
		mutex_unlock(&stream->read_lock);
}

static ssize_t stream_read(struct file *file, char __user *to, size_t len, loff_t *ppos)
{
	struct bulkhead_stream *stream = file->private_data;
	loff_t *where = ppos ?: &file->f_pos;
	u64 pos = *where;
	u8 chunk[CHUNK];
	size_t done = 0;
	u32 n;

	if (!len)
		return 0;
	if (read_begin(stream))
		return -ERESTARTSYS;

	while (done < len) {
		n = peek(stream, &pos, chunk, min_t(size_t, len - done, CHUNK));
		if (n) {
			if (copy_to_user(to + done, chunk, n)) {
				read_end(stream);
				if (!done)
					return -EFAULT;
				*where = pos - n;
				return done;
			}
			consume(stream, pos);
			done += n;
			continue;
		}
		if (done || bulkhead_part_is_stopped(stream->part))
			break;
		read_end(stream);
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(stream->wait, is_readable(stream, pos)) ||
		    read_begin(stream))
			return -ERESTARTSYS;
	}
	read_end(stream);
	*where = pos;
	return done;
}

static u32 give(struct bulkhead_stream *stream, const u8 *chunk, u32 len)
{
	spin_lock(&stream->lock);
	len = min(len, bulkhead_ring_free(&stream->rx));
	bulkhead_ring_write(&stream->rx, chunk, len);
	tell_input(stream);
	spin_unlock(&stream->lock);
	return len;
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

static int size_get(struct bulkhead_stream *stream, struct winsize __user *to)
{
	struct winsize size;

	spin_lock(&stream->lock);
	size = stream->size;
	spin_unlock(&stream->lock);
	return copy_to_user(to, &size, sizeof(size)) ? -EFAULT : 0;
}

static int size_set(struct bulkhead_stream *stream, const struct winsize __user *from)
{
	struct winsize size;

	if (copy_from_user(&size, from, sizeof(size)))
		return -EFAULT;
	spin_lock(&stream->lock);
	if (memcmp(&stream->size, &size, sizeof(size))) {
		stream->size = size;
		if (stream->listener)
			stream->listener->resize(stream->listener, &size);
	}
	spin_unlock(&stream->lock);
	return 0;
}

static long stream_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct bulkhead_stream *stream = file->private_data;

	/* What isn't for people has no terminal. */
	if (stream->lossless)
		return -ENOTTY;
	switch (cmd) {
	case TIOCGWINSZ:
		return size_get(stream, (void __user *)arg);
	case TIOCSWINSZ:
		return size_set(stream, (void __user *)arg);
	default:
		return -ENOTTY;
	}
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
	.unlocked_ioctl = stream_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = stream_llseek,
	.release = user_release,
};

/* and that of anybody else doesn't. */
static const struct file_operations other_fops = {
	.owner = THIS_MODULE,
	.read = stream_read,
	.write = stream_write,
	.poll = stream_poll,
	.unlocked_ioctl = stream_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
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

/*
 * The position is a reader's. FMODE_STREAM has a write, which may take long, leave it alone, rather
 * than set it to what it was at its beginning.
 */
static int reserve(const struct file_operations *fops, struct bulkhead_stream *stream,
		   struct file **filep)
{
	int fd = bulkhead_fd_reserve("[bulkhead-uart]", fops, stream, filep);

	if (fd >= 0)
		(*filep)->f_mode |= FMODE_STREAM;
	return fd;
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
	return reserve(&user_fops, NULL, filep);
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

	fd = reserve(&other_fops, stream, &file);
	if (fd >= 0)
		fd_install(fd, file);
	return fd;
}
