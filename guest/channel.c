// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of the channel between runner and agent: taken apart, checked and put together.
 * Compiled into both.
 */
#include "channel.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DATA_IS_NUMBER	0x1

/* How much data each type of frame has. */
static const struct {
	size_t min;
	size_t max;
	unsigned int flags;
} frame_rules[] = {
	[CHANNEL_HELLO]		= { sizeof(uint32_t), sizeof(uint32_t), DATA_IS_NUMBER },
	[CHANNEL_ARG]		= { 1, CHANNEL_DATA_MAX, 0 },
	[CHANNEL_ENV]		= { 1, CHANNEL_DATA_MAX, 0 },
	[CHANNEL_START]		= { 0, 0, 0 },
	[CHANNEL_STDIN]		= { 1, CHANNEL_DATA_MAX, 0 },
	[CHANNEL_STDIN_EOF]	= { 0, 0, 0 },
	[CHANNEL_CREDIT]	= { sizeof(uint32_t), sizeof(uint32_t), DATA_IS_NUMBER },
	[CHANNEL_SIGNAL]	= { sizeof(uint32_t), sizeof(uint32_t), DATA_IS_NUMBER },
	[CHANNEL_STDOUT]	= { 1, CHANNEL_DATA_MAX, 0 },
	[CHANNEL_STDERR]	= { 1, CHANNEL_DATA_MAX, 0 },
	[CHANNEL_FAILED]	= { sizeof(uint32_t), sizeof(uint32_t), DATA_IS_NUMBER },
};

void channel_init(struct channel *channel, int fd)
{
	memset(channel, 0, sizeof(*channel));
	channel->fd = fd;
}

int channel_fill(struct channel *channel)
{
	ssize_t n;

	if (channel->in_start) {
		channel->in_end -= channel->in_start;
		memmove(channel->in, channel->in + channel->in_start, channel->in_end);
		channel->in_start = 0;
	}
	/* Frames are taken before more is read, so there is room for at least one. */
	n = read(channel->fd, channel->in + channel->in_end,
		 sizeof(channel->in) - channel->in_end);
	if (n < 0)
		return -errno;
	channel->in_end += n;
	return n;
}

int channel_next(struct channel *channel, struct channel_frame *frame)
{
	size_t have = channel->in_end - channel->in_start;
	struct channel_header header;
	const uint8_t *data;
	uint32_t number = 0;
	size_t length;

	if (have < sizeof(header))
		return 0;
	memcpy(&header, channel->in + channel->in_start, sizeof(header));
	length = le16toh(header.length);
	/* Refused as soon as the header is known: what a bad one announces may never come. */
	if (header.reserved || header.type < CHANNEL_HELLO || header.type > CHANNEL_FAILED ||
	    length < frame_rules[header.type].min || length > frame_rules[header.type].max)
		return -EPROTO;
	if (have - sizeof(header) < length)
		return 0;

	data = channel->in + channel->in_start + sizeof(header);
	if (frame_rules[header.type].flags & DATA_IS_NUMBER) {
		memcpy(&number, data, sizeof(number));
		number = le32toh(number);
	}
	channel->in_start += sizeof(header) + length;
	*frame = (struct channel_frame){
		.type = header.type,
		.length = length,
		.number = number,
		.data = data,
	};
	return 1;
}

bool channel_has_room(const struct channel *channel, size_t length)
{
	size_t used = channel->out_end - channel->out_start;

	return sizeof(channel->out) - used >= sizeof(struct channel_header) + length;
}

void channel_put(struct channel *channel, enum channel_type type, const void *data, size_t length)
{
	struct channel_header header = {
		.type = type,
		.length = htole16(length),
	};

	if (channel->out_start) {
		channel->out_end -= channel->out_start;
		memmove(channel->out, channel->out + channel->out_start, channel->out_end);
		channel->out_start = 0;
	}
	memcpy(channel->out + channel->out_end, &header, sizeof(header));
	channel->out_end += sizeof(header);
	if (length)
		memcpy(channel->out + channel->out_end, data, length);
	channel->out_end += length;
}

void channel_put_number(struct channel *channel, enum channel_type type, uint32_t number)
{
	number = htole32(number);
	channel_put(channel, type, &number, sizeof(number));
}

int channel_flush(struct channel *channel)
{
	while (channel_has_output(channel)) {
		ssize_t n = write(channel->fd, channel->out + channel->out_start,
				  channel->out_end - channel->out_start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		channel->out_start += n;
	}
	return 0;
}
