/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest says and hears, as bytes: a device of the guest's is at one end, descriptors are at
 * the other. Whether the guest has to wait or the oldest byte to go is the stream's kind. A second
 * device, the listener, may say and hear in the first one's place.
 */
#ifndef BULKHEAD_STREAM_H
#define BULKHEAD_STREAM_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/termios.h>
#include <linux/wait.h>

#include "ring.h"

struct bulkhead_part;
struct file;

struct bulkhead_stream_listener {
	/* The guest has something to hear, which is for the listener. stream->lock is held. */
	void (*input)(struct bulkhead_stream_listener *listener);
	/* The terminal at the other end has this size. stream->lock is held. */
	void (*resize)(struct bulkhead_stream_listener *listener, const struct winsize *size);
};

/**
 * struct bulkhead_stream - the bytes of one partition's device
 * @part: whose it is
 * @lossless: the guest waits for a reader, and what was read is gone. Otherwise the guest never
 *	waits, and each reader has all that is kept
 * @update: called with @lock held after a descriptor took from @tx or gave to @rx
 * @read_lock: readers of a lossless stream take turns; outside @lock
 * @wait: readers and writers
 * @lock: protects what follows, and what the device at the guest's end makes of it
 * @tx: what the guest sent
 * @rx: what it will receive
 * @listener: the second device, or NULL
 * @diverted: what is in @rx is the second device's
 * @size: of the terminal; zero if unknown
 */
struct bulkhead_stream {
	struct bulkhead_part *part;
	bool lossless;
	void (*update)(struct bulkhead_stream *stream);
	struct mutex read_lock;		/* readers take turns */
	wait_queue_head_t wait;

	spinlock_t lock;		/* rings, and the device's registers */
	struct bulkhead_ring tx;
	struct bulkhead_ring rx;
	struct bulkhead_stream_listener *listener;
	bool diverted;
	struct winsize size;
};

int bulkhead_stream_init(struct bulkhead_stream *stream, struct bulkhead_part *part, bool lossless,
			 void (*update)(struct bulkhead_stream *stream));
void bulkhead_stream_destroy(struct bulkhead_stream *stream);
void bulkhead_stream_send(struct bulkhead_stream *stream, u8 byte);
u8 bulkhead_stream_receive(struct bulkhead_stream *stream);
void bulkhead_stream_write(struct bulkhead_stream *stream, const u8 *from, u32 len);
u32 bulkhead_stream_read(struct bulkhead_stream *stream, u8 *to, u32 len);
int bulkhead_stream_listen(struct bulkhead_stream *stream,
			   struct bulkhead_stream_listener *listener);
void bulkhead_stream_unlisten(struct bulkhead_stream *stream);
void bulkhead_stream_divert(struct bulkhead_stream *stream, bool diverted);
void bulkhead_stream_tell_size(struct bulkhead_stream *stream);
void bulkhead_stream_stop(struct bulkhead_stream *stream);
int bulkhead_stream_reserve(struct file **filep);
void bulkhead_stream_install(struct bulkhead_stream *stream, int fd, struct file *file);
int bulkhead_stream_open(struct bulkhead_stream *stream);

#endif
