// SPDX-License-Identifier: GPL-2.0-only
/* The runner's conversation with an agent, also with one that breaks the rules. Needs no VM. */
#include "../ctl/base/error.c"
#include "../ctl/terminal/output.c"
#include "../ctl/session.c"
#include "../ctl/terminal/signals.c"
#include "../ctl/base/thread.c"
#include "../ctl/machine/vcpu.c"
#include "../guest/channel.c"
#include "kselftest_harness.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static char *const args[] = { "cmd", "a b", "", NULL };
static const char *const env[] = { "X=1", NULL };

/* Results of the runner besides those of session_run(), as exit status. */
enum { BROKEN = 100, FAILED };

FIXTURE(session) {
	struct channel agent;
	int in;			/* the runner's standard streams, our ends */
	int out;
	int err;
	pid_t runner;
};

/* The runner is a process of its own: it has its own standard streams and signals. */
static void run_session(int uart)
{
	struct session_setup setup = { .args = args, .env = env, .uart = uart };
	struct vcpus vcpus = { .ended = eventfd(0, EFD_CLOEXEC) };
	int cannot_run = 0;
	int result;

	setup.vcpus = &vcpus;
	setup.signals = signals_open();
	result = session_run(&setup, &cannot_run);
	if (result < 0)
		result = strstr(error_text(), "protocol") ? BROKEN : FAILED;
	_exit(cannot_run ?: result);
}

FIXTURE_SETUP(session)
{
	int uart[2], in[2], out[2], err[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, uart));
	ASSERT_EQ(0, pipe2(in, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(err, O_CLOEXEC));
	self->runner = fork();
	ASSERT_LE(0, self->runner);
	if (!self->runner) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		close(uart[0]);
		close(in[1]);
		fcntl(uart[1], F_SETFL, O_NONBLOCK);
		run_session(uart[1]);
	}
	close(uart[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	channel_init(&self->agent, uart[0]);
	self->in = in[1];
	self->out = out[0];
	self->err = err[0];
}

FIXTURE_TEARDOWN(session)
{
	if (self->runner)
		kill(self->runner, SIGKILL);
	close(self->agent.fd);
	close(self->in);
	close(self->out);
	close(self->err);
}

static int status_of(struct _test_data_session *self)
{
	int status = -1;

	waitpid(self->runner, &status, 0);
	self->runner = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void say_number(struct channel *agent, enum channel_type type, uint32_t number)
{
	channel_put_number(agent, type, number);
	channel_flush(agent);
}

static void say_data(struct channel *agent, enum channel_type type, const char *data)
{
	channel_put(agent, type, data, strlen(data));
	channel_flush(agent);
}

/* The next frame from the runner; its type, or -1 at the end. */
static int next(struct channel *agent, struct channel_frame *frame)
{
	int n;

	while (!(n = channel_next(agent, frame)))
		if (channel_fill(agent) <= 0)
			return -1;
	return n < 0 ? n : (int)frame->type;
}

/* Up to where the command would be started. */
static void greet(struct __test_metadata *_metadata, struct _test_data_session *self)
{
	static const char want[] = "cmd\0a b\0";
	struct channel_frame frame;

	say_number(&self->agent, CHANNEL_HELLO, CHANNEL_VERSION);
	ASSERT_EQ(CHANNEL_ARG, next(&self->agent, &frame));
	ASSERT_EQ(sizeof(want), frame.length);
	EXPECT_EQ(0, memcmp(want, frame.data, sizeof(want)));
	ASSERT_EQ(CHANNEL_ENV, next(&self->agent, &frame));
	ASSERT_EQ(4, frame.length);
	EXPECT_EQ(0, memcmp("X=1", frame.data, 4));
	ASSERT_EQ(CHANNEL_START, next(&self->agent, &frame));
}

/* The partition stops. */
static void hang_up(struct _test_data_session *self)
{
	shutdown(self->agent.fd, SHUT_WR);
}

TEST_F(session, carries_all_streams)
{
	struct channel_frame frame;
	char text[64] = "";

	greet(_metadata, self);
	ASSERT_EQ(5, write(self->in, "input", 5));
	ASSERT_EQ(CHANNEL_STDIN, next(&self->agent, &frame));
	EXPECT_EQ(0, memcmp("input", frame.data, 5));
	close(self->in);
	ASSERT_EQ(CHANNEL_STDIN_EOF, next(&self->agent, &frame));
	say_data(&self->agent, CHANNEL_STDOUT, "one");
	say_data(&self->agent, CHANNEL_STDERR, "two");
	say_data(&self->agent, CHANNEL_STDOUT, "three");
	hang_up(self);
	EXPECT_EQ(0, status_of(self));
	EXPECT_EQ(8, read(self->out, text, sizeof(text)));
	EXPECT_EQ(0, memcmp(text, "onethree", 8));
	EXPECT_EQ(3, read(self->err, text, sizeof(text)));
	EXPECT_EQ(0, memcmp(text, "two", 3));
}

TEST_F(session, reports_what_cannot_run)
{
	greet(_metadata, self);
	say_number(&self->agent, CHANNEL_FAILED, ENOENT);
	hang_up(self);
	EXPECT_EQ(ENOENT, status_of(self));
}

/* Input stops at the window, signals don't; credit lets it go on. */
TEST_F(session, keeps_to_the_window)
{
	struct channel_frame frame;
	char data[CHANNEL_WINDOW] = "";
	uint32_t sent = 0;
	int type;

	greet(_metadata, self);
	/* What the frames up to START took. */
	say_number(&self->agent, CHANNEL_CREDIT, 3 * sizeof(struct channel_header) + 9 + 4);
	ASSERT_EQ(sizeof(data), write(self->in, data, sizeof(data)));
	ASSERT_EQ(sizeof(data), write(self->in, data, sizeof(data)));
	while (sent + CHANNEL_FRAME_MAX <= CHANNEL_WINDOW) {
		ASSERT_EQ(CHANNEL_STDIN, next(&self->agent, &frame));
		sent += sizeof(struct channel_header) + frame.length;
	}
	EXPECT_GE(CHANNEL_WINDOW, sent);
	kill(self->runner, SIGUSR1);
	ASSERT_EQ(CHANNEL_SIGNAL, next(&self->agent, &frame));
	EXPECT_EQ(SIGUSR1, frame.number);
	say_number(&self->agent, CHANNEL_CREDIT, sent + sizeof(struct channel_header) + 4);
	type = next(&self->agent, &frame);
	EXPECT_EQ(CHANNEL_STDIN, type);
	hang_up(self);
	EXPECT_EQ(0, status_of(self));
}

/* Signals that come faster than the agent takes them merge, and take no more than their room. */
TEST_F(session, signals_merge)
{
	size_t bytes = 0, limit = CHANNEL_WINDOW + CHANNEL_RESERVE;
	struct channel_frame frame;

	greet(_metadata, self);
	kill(self->runner, SIGUSR1);
	ASSERT_EQ(CHANNEL_SIGNAL, next(&self->agent, &frame));
	for (int i = 0; i < 20000; i++)
		kill(self->runner, SIGUSR1);
	hang_up(self);
	EXPECT_EQ(0, status_of(self));
	while (next(&self->agent, &frame) == CHANNEL_SIGNAL)
		bytes += sizeof(struct channel_header) + frame.length;
	EXPECT_GE(limit, bytes);
}

TEST_F(session, a_signal_before_the_start_ends_it)
{
	/* Its signals are blocked by now, or it dies of this one: both is well. */
	kill(self->runner, SIGTERM);
	status_of(self);
}

TEST_F(session, stops_before_the_start)
{
	hang_up(self);
	EXPECT_EQ(0, status_of(self));
}

TEST_F(session, other_version)
{
	say_number(&self->agent, CHANNEL_HELLO, CHANNEL_VERSION + 1);
	EXPECT_EQ(BROKEN, status_of(self));
}

TEST_F(session, no_greeting)
{
	say_data(&self->agent, CHANNEL_STDOUT, "text");
	EXPECT_EQ(BROKEN, status_of(self));
}

TEST_F(session, greets_twice)
{
	greet(_metadata, self);
	say_number(&self->agent, CHANNEL_HELLO, CHANNEL_VERSION);
	EXPECT_EQ(BROKEN, status_of(self));
}

TEST_F(session, too_much_credit)
{
	greet(_metadata, self);
	say_number(&self->agent, CHANNEL_CREDIT, 1000);
	EXPECT_EQ(BROKEN, status_of(self));
}

TEST_F(session, a_frame_of_the_runners)
{
	greet(_metadata, self);
	say_data(&self->agent, CHANNEL_STDIN, "text");
	EXPECT_EQ(BROKEN, status_of(self));
}

TEST_F(session, not_frames)
{
	ASSERT_EQ(14, write(self->agent.fd, "Linux version ", 14));
	EXPECT_EQ(BROKEN, status_of(self));
}

TEST_HARNESS_MAIN
