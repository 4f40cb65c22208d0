// SPDX-License-Identifier: GPL-2.0-only
/* Frames: taken apart, checked and put together. */
#include "protocol.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is read at once, and what may wait for a reader that doesn't read. */
#define CHUNK		(16 * 1024)
#define OUT_MAX		(4 * FRAME_DATA_MAX)

/* How much data each type of frame has. */
static const struct {
	size_t min;
	size_t max;
} lengths[N_FRAME_TYPES] = {
	[FRAME_HELLO]	= { sizeof(struct frame_hello), sizeof(struct frame_hello) },
	[FRAME_EXITED]	= { sizeof(struct frame_exited), sizeof(struct frame_exited) },
	[FRAME_REPLY]	= { sizeof(struct frame_reply), FRAME_DATA_MAX },
	[FRAME_NETWORK]	= { sizeof(struct frame_network), FRAME_DATA_MAX },
	[FRAME_CREATE]	= { sizeof(struct frame_stdio) + 1, FRAME_DATA_MAX },
	[FRAME_EXEC]	= { sizeof(struct frame_stdio) + 1, FRAME_DATA_MAX },
	[FRAME_SIGNAL]	= { sizeof(struct frame_signal), sizeof(struct frame_signal) },
	[FRAME_RESIZE]	= { sizeof(struct frame_size), sizeof(struct frame_size) },
	[FRAME_FORGET]	= { sizeof(uint32_t), sizeof(uint32_t) },
	[FRAME_JOIN]	= { sizeof(struct frame_stdio) + 1, FRAME_DATA_MAX },
	[FRAME_UPDATE]	= { 1, FRAME_DATA_MAX },
	[FRAME_LOGS]	= { sizeof(uint32_t), sizeof(uint32_t) },
	[FRAME_OUTPUT]	= { 1, FRAME_DATA_MAX },
};

static_assert(sizeof(struct frame_header) == 12, "no padding");
static_assert(sizeof(struct frame_stdio) == 32, "no padding");
static_assert(sizeof(struct frame_process) == 32, "no padding");
static_assert(sizeof(struct frame_state) == 32, "no padding");
static_assert(sizeof(struct frame_interface) == 28, "no padding");

void connection_init(struct connection *connection, int fd)
{
	*connection = (struct connection){ .fd = fd };
}

void connection_close(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	free(connection->in);
	free(connection->out);
	connection_init(connection, -1);
}

/* Makes room for @bytes more behind what is there, which moves to the buffer's beginning. */
static int make_room(uint8_t **data, size_t *start, size_t *end, size_t *room, size_t bytes)
{
	uint8_t *more;

	if (*start) {
		memmove(*data, *data + *start, *end - *start);
		*end -= *start;
		*start = 0;
	}
	if (*room - *end >= bytes)
		return 0;
	more = realloc(*data, *end + bytes);
	if (!more)
		return -ENOBUFS;
	*data = more;
	*room = *end + bytes;
	return 0;
}

int connection_fill(struct connection *connection)
{
	ssize_t n;

	/* Frames are taken before more is read, so this is one frame, less than whole, at most. */
	if (make_room(&connection->in, &connection->in_start, &connection->in_end,
		      &connection->in_room, CHUNK))
		return -ENOBUFS;
	n = read(connection->fd, connection->in + connection->in_end,
		 connection->in_room - connection->in_end);
	if (n < 0)
		return -errno;
	connection->in_end += n;
	return n;
}

int connection_next(struct connection *connection, struct frame *frame)
{
	size_t have = connection->in_end - connection->in_start;
	struct frame_header header;

	if (have < sizeof(header))
		return 0;
	memcpy(&header, connection->in + connection->in_start, sizeof(header));
	/* Refused as soon as the header is known: what a bad one announces may never come. */
	if (header.reserved || header.type < FRAME_HELLO || header.type >= N_FRAME_TYPES ||
	    header.length < lengths[header.type].min || header.length > lengths[header.type].max)
		return -EPROTO;
	if (have - sizeof(header) < header.length)
		return 0;
	*frame = (struct frame){
		.type = header.type,
		.id = header.id,
		.length = header.length,
		.data = connection->in + connection->in_start + sizeof(header),
	};
	connection->in_start += sizeof(header) + header.length;
	return 1;
}

int connection_put(struct connection *connection, enum frame_type type, uint32_t id,
		   const void *head, size_t head_length, const void *tail, size_t tail_length)
{
	const struct frame_header header = {
		.length = head_length + tail_length,
		.type = type,
		.id = id,
	};
	size_t length = sizeof(header) + head_length + tail_length;
	uint8_t *to;

	if (length > OUT_MAX - (connection->out_end - connection->out_start) ||
	    make_room(&connection->out, &connection->out_start, &connection->out_end,
		      &connection->out_room, length))
		return -ENOBUFS;
	to = connection->out + connection->out_end;
	memcpy(to, &header, sizeof(header));
	if (head_length)
		memcpy(to + sizeof(header), head, head_length);
	if (tail_length)
		memcpy(to + sizeof(header) + head_length, tail, tail_length);
	connection->out_end += length;
	return 0;
}

int connection_flush(struct connection *connection)
{
	while (connection_has_output(connection)) {
		ssize_t n = send(connection->fd, connection->out + connection->out_start,
				 connection->out_end - connection->out_start, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		connection->out_start += n;
	}
	return 0;
}
