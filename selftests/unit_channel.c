// SPDX-License-Identifier: GPL-2.0-only
/* Frames between runner and agent. Needs no VM. */
#include "../guest/channel.c"
#include "kselftest_harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

FIXTURE(channel) {
	struct channel a;
	struct channel b;
};

FIXTURE_SETUP(channel)
{
	int fds[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	channel_init(&self->a, fds[0]);
	channel_init(&self->b, fds[1]);
}

FIXTURE_TEARDOWN(channel)
{
	close(self->a.fd);
	close(self->b.fd);
}

TEST_F(channel, carries_frames)
{
	uint8_t data[CHANNEL_DATA_MAX];
	struct channel_frame frame;

	memset(data, 0xa5, sizeof(data));
	channel_put_number(&self->a, CHANNEL_HELLO, CHANNEL_VERSION);
	channel_put(&self->a, CHANNEL_STDOUT, data, sizeof(data));
	channel_put(&self->a, CHANNEL_START, NULL, 0);
	EXPECT_TRUE(channel_has_output(&self->a));
	ASSERT_EQ(0, channel_flush(&self->a));
	EXPECT_FALSE(channel_has_output(&self->a));

	EXPECT_EQ(0, channel_next(&self->b, &frame));
	EXPECT_LT(0, channel_fill(&self->b));
	EXPECT_EQ(-EAGAIN, channel_fill(&self->b));
	ASSERT_EQ(1, channel_next(&self->b, &frame));
	EXPECT_EQ(CHANNEL_HELLO, frame.type);
	EXPECT_EQ(CHANNEL_VERSION, frame.number);
	ASSERT_EQ(1, channel_next(&self->b, &frame));
	EXPECT_EQ(CHANNEL_STDOUT, frame.type);
	ASSERT_EQ(sizeof(data), frame.length);
	EXPECT_EQ(0, memcmp(data, frame.data, sizeof(data)));
	ASSERT_EQ(1, channel_next(&self->b, &frame));
	EXPECT_EQ(CHANNEL_START, frame.type);
	EXPECT_EQ(0, channel_next(&self->b, &frame));
	close(self->a.fd);
	EXPECT_EQ(0, channel_fill(&self->b));
	self->a.fd = -1;
}

TEST_F(channel, keeps_what_does_not_fit)
{
	uint8_t data[CHANNEL_DATA_MAX] = { 0 };
	struct channel_frame frame;
	int sent = 0, taken = 0;

	while (taken < 1000) {
		while (sent < 1000 && channel_has_room(&self->a, sizeof(data))) {
			data[0] = sent++;
			channel_put(&self->a, CHANNEL_STDIN, data, 1 + rand() % sizeof(data));
		}
		ASSERT_EQ(0, channel_flush(&self->a));
		while (channel_next(&self->b, &frame) == 1)
			EXPECT_EQ((uint8_t)taken++, frame.data[0]);
		channel_fill(&self->b);
	}
	EXPECT_EQ(1000, sent);
}

TEST_F(channel, byte_by_byte)
{
	struct channel_frame frame;

	channel_put_number(&self->b, CHANNEL_SIGNAL, 0x01020304);
	for (size_t i = 0; i < self->b.out_end; i++) {
		EXPECT_EQ(0, channel_next(&self->a, &frame));
		ASSERT_EQ(1, write(self->b.fd, self->b.out + i, 1));
		EXPECT_EQ(1, channel_fill(&self->a));
	}
	ASSERT_EQ(1, channel_next(&self->a, &frame));
	EXPECT_EQ(0x01020304, frame.number);
}

static int next_of(struct channel *channel, int type, int reserved, int length)
{
	struct channel_header header = { type, reserved, htole16(length) };
	struct channel_frame frame;

	channel->in_start = 0;
	channel->in_end = sizeof(header) + length;
	if (channel->in_end > sizeof(channel->in))
		channel->in_end = sizeof(channel->in);
	memcpy(channel->in, &header, sizeof(header));
	return channel_next(channel, &frame);
}

TEST_F(channel, refuses_malformed_frames)
{
	EXPECT_EQ(1, next_of(&self->a, CHANNEL_HELLO, 0, 4));
	EXPECT_EQ(-EPROTO, next_of(&self->a, 0, 0, 0));
	EXPECT_EQ(-EPROTO, next_of(&self->a, CHANNEL_FAILED + 1, 0, 4));
	EXPECT_EQ(-EPROTO, next_of(&self->a, 255, 0, 4));
	EXPECT_EQ(-EPROTO, next_of(&self->a, CHANNEL_HELLO, 1, 4));
	EXPECT_EQ(-EPROTO, next_of(&self->a, CHANNEL_HELLO, 0, 3));
	EXPECT_EQ(-EPROTO, next_of(&self->a, CHANNEL_HELLO, 0, 5));
	EXPECT_EQ(-EPROTO, next_of(&self->a, CHANNEL_START, 0, 1));
	EXPECT_EQ(-EPROTO, next_of(&self->a, CHANNEL_STDIN, 0, 0));
	EXPECT_EQ(1, next_of(&self->a, CHANNEL_STDIN, 0, CHANNEL_DATA_MAX));
	EXPECT_EQ(-EPROTO, next_of(&self->a, CHANNEL_STDIN, 0, CHANNEL_DATA_MAX + 1));
	EXPECT_EQ(-EPROTO, next_of(&self->a, CHANNEL_STDIN, 0, UINT16_MAX));
}

/* The header alone is enough to refuse it. */
TEST_F(channel, refuses_before_the_data_comes)
{
	const struct channel_header header = { CHANNEL_STDIN, 0, htole16(UINT16_MAX) };
	struct channel_frame frame;

	memcpy(self->a.in, &header, sizeof(header));
	self->a.in_end = sizeof(header);
	EXPECT_EQ(-EPROTO, channel_next(&self->a, &frame));
}

TEST_HARNESS_MAIN
