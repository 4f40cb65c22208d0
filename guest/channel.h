/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runner and agent say to each other over the agent's UART: frames, each a header and up to
 * CHANNEL_DATA_MAX bytes. Integers are little-endian. Both sides distrust each other: a frame that
 * is malformed, too long or out of turn ends the conversation.
 *
 *   agent                                runner
 *     HELLO version -------------------->            once, first
 *       <-------------------------------- ARG, ENV   argument vector and environment: strings, each
 *                                                    with its zero; one may span several frames
 *       <-------------------------------- START      once; at least one string of ARG came before
 *       <-------------------------------- STDIN
 *       <-------------------------------- STDIN_EOF  once: no more of it
 *       <-------------------------------- SIGNAL n   for the command, any time after START
 *     CREDIT n ------------------------->            n bytes of frames are used up
 *     STDOUT, STDERR ------------------->
 *     FAILED errno --------------------->            instead of a start: the command can't be run
 *
 * The command's exit status does not travel here: the agent leaves it with the partition.
 *
 * Towards the runner, the UART itself holds the guest back. Towards the agent, nothing does: a
 * guest's tty layer drops what exceeds 64 KiB. So the runner counts each byte that it sends, those
 * of headers too, and CREDIT takes off what the agent has used up. ARG, ENV and STDIN are sent
 * while the count stays within CHANNEL_WINDOW; the other frames may use CHANNEL_RESERVE besides, so
 * that a signal gets through to a command that doesn't read its input. The agent saves up less than
 * a quarter of the window before it sends CREDIT.
 */
#ifndef BULKHEAD_CHANNEL_H
#define BULKHEAD_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_VERSION		1
#define CHANNEL_DATA_MAX	4096
#define CHANNEL_WINDOW		(32 * 1024)
#define CHANNEL_RESERVE		(4 * 1024)

/* Bytes of ARG and ENV together. */
#define CHANNEL_STRINGS_MAX	(1024 * 1024)

enum channel_type {
	CHANNEL_HELLO = 1,	/* uint32_t version */
	CHANNEL_ARG,
	CHANNEL_ENV,		/* NAME=value */
	CHANNEL_START,		/* no data */
	CHANNEL_STDIN,
	CHANNEL_STDIN_EOF,	/* no data */
	CHANNEL_CREDIT,		/* uint32_t bytes */
	CHANNEL_SIGNAL,		/* uint32_t number, 1 to 64 */
	CHANNEL_STDOUT,
	CHANNEL_STDERR,
	CHANNEL_FAILED,		/* uint32_t errno of execve() */
};

struct channel_header {
	uint8_t type;
	uint8_t reserved;	/* zero */
	uint16_t length;	/* of the data that follows */
};

#define CHANNEL_FRAME_MAX	(sizeof(struct channel_header) + CHANNEL_DATA_MAX)

/* One end of the conversation: the UART, and what is on its way in and out. */
struct channel {
	int fd;			/* O_NONBLOCK */
	size_t in_start;
	size_t in_end;
	size_t out_start;
	size_t out_end;
	uint8_t in[2 * CHANNEL_FRAME_MAX];
	uint8_t out[4 * CHANNEL_FRAME_MAX];
};

struct channel_frame {
	enum channel_type type;
	size_t length;
	uint32_t number;	/* of a frame that holds one integer */
	const uint8_t *data;	/* valid up to the next channel_fill() */
};

void channel_init(struct channel *channel, int fd);

/* Reads what has come. Returns the bytes read, 0 at the end, or a negative errno (-EAGAIN). */
int channel_fill(struct channel *channel);

/* Takes the next frame. Returns 1, 0 if it hasn't come in full, or -EPROTO if it is malformed. */
int channel_next(struct channel *channel, struct channel_frame *frame);

/* Whether a frame with @length bytes of data can be queued. */
bool channel_has_room(const struct channel *channel, size_t length);

/* Queue a frame, for which there must be room, to be sent by channel_flush(). */
void channel_put(struct channel *channel, enum channel_type type, const void *data, size_t length);
void channel_put_number(struct channel *channel, enum channel_type type, uint32_t number);

static inline bool channel_has_output(const struct channel *channel)
{
	return channel->out_start != channel->out_end;
}

/* Forgets what hasn't been sent. */
static inline void channel_drop_output(struct channel *channel)
{
	channel->out_start = channel->out_end;
}

/* Sends as much as the UART takes now. Returns 0, or a negative errno other than -EAGAIN. */
int channel_flush(struct channel *channel);

#endif
