// SPDX-License-Identifier: GPL-2.0-only
/* Frames between runner and agent, and runner and commands. Needs no VM. */
#include "../guest/protocol.c"
#include "kselftest_harness.h"

#include <sys/socket.h>

FIXTURE(protocol) {
	struct connection a;
	struct connection b;
};

FIXTURE_SETUP(protocol)
{
	int fds[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	connection_init(&self->a, fds[0]);
	connection_init(&self->b, fds[1]);
}

FIXTURE_TEARDOWN(protocol)
{
	connection_close(&self->a);
	connection_close(&self->b);
}

static int put(struct connection *connection, enum frame_type type, uint32_t id, const void *data,
	       size_t length)
{
	return connection_put(connection, type, id, data, length, NULL, 0);
}

TEST_F(protocol, carries_frames)
{
	const struct frame_hello hello = { .version = PROTOCOL_VERSION };
	const struct frame_reply reply = { .request = FRAME_START, .code = REPLY_FAILED };
	struct frame frame;

	ASSERT_EQ(0, put(&self->a, FRAME_HELLO, 0, &hello, sizeof(hello)));
	ASSERT_EQ(0, connection_put(&self->a, FRAME_REPLY, 7, &reply, sizeof(reply), "text", 4));
	ASSERT_EQ(0, put(&self->a, FRAME_PING, UINT32_MAX, NULL, 0));
	EXPECT_TRUE(connection_has_output(&self->a));
	ASSERT_EQ(0, connection_flush(&self->a));
	EXPECT_FALSE(connection_has_output(&self->a));

	EXPECT_EQ(0, connection_next(&self->b, &frame));
	EXPECT_LT(0, connection_fill(&self->b));
	EXPECT_EQ(-EAGAIN, connection_fill(&self->b));
	ASSERT_EQ(1, connection_next(&self->b, &frame));
	EXPECT_EQ(FRAME_HELLO, frame.type);
	EXPECT_EQ(0, frame.id);
	ASSERT_EQ(sizeof(hello), frame.length);
	EXPECT_EQ(0, memcmp(&hello, frame.data, sizeof(hello)));
	ASSERT_EQ(1, connection_next(&self->b, &frame));
	EXPECT_EQ(FRAME_REPLY, frame.type);
	EXPECT_EQ(7, frame.id);
	ASSERT_EQ(sizeof(reply) + 4, frame.length);
	EXPECT_EQ(0, memcmp(&reply, frame.data, sizeof(reply)));
	EXPECT_EQ(0, memcmp("text", (const char *)frame.data + sizeof(reply), 4));
	ASSERT_EQ(1, connection_next(&self->b, &frame));
	EXPECT_EQ(FRAME_PING, frame.type);
	EXPECT_EQ(UINT32_MAX, frame.id);
	EXPECT_EQ(0, frame.length);
	EXPECT_EQ(0, connection_next(&self->b, &frame));
}

TEST_F(protocol, ends)
{
	close(self->a.fd);
	self->a.fd = -1;
	EXPECT_EQ(0, connection_fill(&self->b));
	ASSERT_EQ(0, put(&self->b, FRAME_PING, 0, NULL, 0));
	EXPECT_EQ(-EPIPE, connection_flush(&self->b));
}

TEST_F(protocol, byte_by_byte)
{
	const struct frame_signal number = { 0x01020304, SIGNAL_ALL };
	struct frame frame;

	ASSERT_EQ(0, put(&self->b, FRAME_SIGNAL, 5, &number, sizeof(number)));
	for (size_t i = 0; i < self->b.out_end; i++) {
		EXPECT_EQ(0, connection_next(&self->a, &frame));
		ASSERT_EQ(1, write(self->b.fd, self->b.out + i, 1));
		EXPECT_EQ(1, connection_fill(&self->a));
	}
	ASSERT_EQ(1, connection_next(&self->a, &frame));
	EXPECT_EQ(FRAME_SIGNAL, frame.type);
	EXPECT_EQ(0, memcmp(&number, frame.data, sizeof(number)));
}

/* The longest, many times more than the socket holds at once, in any pieces. */
TEST_F(protocol, keeps_what_does_not_fit)
{
	uint8_t *data = malloc(FRAME_DATA_MAX);
	unsigned int sent = 0, taken = 0;
	struct frame frame;

	memset(data, 0xa5, FRAME_DATA_MAX);
	while (taken < 20) {
		memcpy(data, &sent, sizeof(sent));
		if (sent < 20 &&
		    !put(&self->a, FRAME_OUTPUT, sent, data, FRAME_DATA_MAX - rand() % 1000))
			sent++;
		ASSERT_EQ(0, connection_flush(&self->a));
		connection_fill(&self->b);
		while (connection_next(&self->b, &frame) == 1) {
			EXPECT_EQ(taken, frame.id);
			EXPECT_EQ(0, memcmp(&taken, frame.data, sizeof(taken)));
			EXPECT_EQ(0, memcmp(data + 4, (const uint8_t *)frame.data + 4,
					    frame.length - 4));
			taken++;
		}
	}
	EXPECT_EQ(20, sent);
	free(data);
}

/* Somebody who doesn't read takes so much memory and no more; and what was put is whole. */
TEST_F(protocol, backlog_is_limited)
{
	char *data = calloc(1, FRAME_DATA_MAX);
	unsigned int n = 0, taken = 0;
	struct frame frame;

	while (!put(&self->a, FRAME_OUTPUT, n, data, FRAME_DATA_MAX))
		ASSERT_GT(100, ++n);
	EXPECT_LT(0, n);
	EXPECT_EQ(-ENOBUFS, put(&self->a, FRAME_OUTPUT, n, data, FRAME_DATA_MAX));
	EXPECT_GE(OUT_MAX, self->a.out_room);
	while (taken < n) {
		ASSERT_EQ(0, connection_flush(&self->a));
		connection_fill(&self->b);
		while (connection_next(&self->b, &frame) == 1)
			EXPECT_EQ(taken++, frame.id);
	}
	EXPECT_FALSE(connection_has_output(&self->a));
	EXPECT_EQ(0, put(&self->a, FRAME_OUTPUT, n, data, FRAME_DATA_MAX));
	free(data);
}

/* What the other end makes of a header. The data is there, as far as it can be. */
static int next_of(int type, int reserved, size_t length)
{
	const struct frame_header header = { .length = length, .type = type, .reserved = reserved };
	size_t data = length > FRAME_DATA_MAX ? 0 : length;
	struct connection connection;
	struct frame frame;
	int result;

	connection_init(&connection, -1);
	connection.in = calloc(1, sizeof(header) + data);
	connection.in_end = sizeof(header) + data;
	connection.in_room = connection.in_end;
	memcpy(connection.in, &header, sizeof(header));
	result = connection_next(&connection, &frame);
	connection_close(&connection);
	return result;
}

/* Each type, with its shortest and its longest data, and beyond. */
TEST(lengths_are_checked)
{
	static const struct {
		enum frame_type type;
		size_t min;
		size_t max;
	} types[] = {
		{ FRAME_HELLO, 4, 4 }, { FRAME_EXITED, 8, 8 }, { FRAME_REPLY, 4, FRAME_DATA_MAX },
		{ FRAME_NETWORK, 8, FRAME_DATA_MAX }, { FRAME_CREATE, 33, FRAME_DATA_MAX },
		{ FRAME_START, 0, 0 }, { FRAME_COUNTERS, 0, 0 },
		{ FRAME_EXEC, 33, FRAME_DATA_MAX }, { FRAME_SIGNAL, 8, 8 }, { FRAME_RESIZE, 4, 4 },
		{ FRAME_READY, 0, 0 }, { FRAME_PAUSE, 0, 0 }, { FRAME_RESUME, 0, 0 },
		{ FRAME_STATS, 0, 0 },
		{ FRAME_UPDATE, 1, FRAME_DATA_MAX }, { FRAME_STATE, 0, 0 },
		{ FRAME_JOIN, 33, FRAME_DATA_MAX },
		{ FRAME_PS, 0, 0 }, { FRAME_PING, 0, 0 }, { FRAME_FORGET, 4, 4 },
		{ FRAME_DELETE, 0, 0 },
		{ FRAME_WAIT, 0, 0 }, { FRAME_LOGS, 4, 4 }, { FRAME_STREAMS, 0, 0 },
		{ FRAME_OUTPUT, 1, FRAME_DATA_MAX },
	};

	ASSERT_EQ(N_FRAME_TYPES - 1, sizeof(types) / sizeof(types[0]));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		EXPECT_EQ(1, next_of(types[i].type, 0, types[i].min));
		EXPECT_EQ(1, next_of(types[i].type, 0, types[i].max));
		EXPECT_EQ(-EPROTO, next_of(types[i].type, 0, types[i].max + 1));
		EXPECT_EQ(-EPROTO, next_of(types[i].type, 0, UINT32_MAX));
		if (types[i].min)
			EXPECT_EQ(-EPROTO, next_of(types[i].type, 0, types[i].min - 1));
		EXPECT_EQ(-EPROTO, next_of(types[i].type, 1, types[i].min));
	}
}

TEST(types_are_checked)
{
	EXPECT_EQ(-EPROTO, next_of(0, 0, 0));
	EXPECT_EQ(-EPROTO, next_of(N_FRAME_TYPES, 0, 0));
	EXPECT_EQ(-EPROTO, next_of(UINT16_MAX, 0, 0));
}

/* The header alone is enough to refuse it. */
TEST_F(protocol, refused_before_the_data_comes)
{
	const struct frame_header header = { .length = FRAME_DATA_MAX + 1, .type = FRAME_CREATE };
	struct frame frame;

	ASSERT_EQ(sizeof(header), write(self->a.fd, &header, sizeof(header)));
	ASSERT_LT(0, connection_fill(&self->b));
	EXPECT_EQ(-EPROTO, connection_next(&self->b, &frame));
}

TEST_HARNESS_MAIN
