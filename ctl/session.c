// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "channel.h"
#include "terminal/output.h"
#include "terminal/signals.h"
#include "util.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often a runner in a terminal's background looks whether it may read from there again. */
#define TERMINAL_MS	500

struct session {
	struct channel channel;
	char *strings;		/* the arguments, then the environment, each with its zero */
	size_t args_length;
	size_t strings_length;
	size_t strings_sent;
	uint32_t outstanding;	/* bytes that the agent hasn't given credit for */
	uint64_t signals;	/* to forward, bit 0 is signal 1 */
	bool greeted;
	bool started;
	bool input_ended;	/* here */
	bool input_end_sent;
	bool gone;		/* the agent takes nothing any more */
	bool ended;		/* the partition has stopped and all it said is read */
	int signal;		/* that came before the command was started */
	int cannot_run;
	struct output output;	/* of the frame that is being written */
};

static size_t strings_length(const char *const *strings)
{
	size_t length = 0;

	for (; *strings; strings++)
		length += strlen(*strings) + 1;
	return length;
}

static char *append(char *to, const char *const *strings)
{
	for (; *strings; strings++)
		to = stpcpy(to, *strings) + 1;
	return to;
}

int session_check(char *const *args, const char *const *env)
{
	size_t length = strings_length((const char *const *)args) + strings_length(env);

	if (length > CHANNEL_STRINGS_MAX)
		return fail("the command and its arguments are %zu bytes long; they can be %d",
			    length, CHANNEL_STRINGS_MAX);
	return 0;
}

static int broken(const char *what)
{
	return fail("the agent in the guest broke its protocol (%s); reinstall bulkhead", what);
}

/* Whether a frame can be sent now that has @length bytes of data. */
static bool may_send(const struct session *session, size_t length, size_t limit)
{
	return session->outstanding + sizeof(struct channel_header) + length <= limit &&
	       channel_has_room(&session->channel, length);
}

static void sent(struct session *session, size_t length)
{
	session->outstanding += sizeof(struct channel_header) + length;
}

static void send_strings(struct session *session)
{
	while (session->strings_sent < session->strings_length) {
		bool is_arg = session->strings_sent < session->args_length;
		size_t end = is_arg ? session->args_length : session->strings_length;
		size_t length = end - session->strings_sent;

		if (length > CHANNEL_DATA_MAX)
			length = CHANNEL_DATA_MAX;
		if (!may_send(session, length, CHANNEL_WINDOW))
			return;
		channel_put(&session->channel, is_arg ? CHANNEL_ARG : CHANNEL_ENV,
			    session->strings + session->strings_sent, length);
		sent(session, length);
		session->strings_sent += length;
	}
	if (may_send(session, 0, CHANNEL_WINDOW)) {
		channel_put(&session->channel, CHANNEL_START, NULL, 0);
		sent(session, 0);
		session->started = true;
	}
}

/* Sends what is to be sent, input apart. */
static void send_frames(struct session *session)
{
	const size_t limit = CHANNEL_WINDOW + CHANNEL_RESERVE;
	const size_t length = sizeof(uint32_t);

	if (session->greeted && !session->started && !session->gone)
		send_strings(session);
	if (!session->started || session->gone)
		return;
	while (session->signals && may_send(session, length, limit)) {
		int bit = __builtin_ctzll(session->signals);

		channel_put_number(&session->channel, CHANNEL_SIGNAL, bit + 1);
		sent(session, length);
		session->signals &= ~(1ULL << bit);
	}
	if (session->input_ended && !session->input_end_sent && may_send(session, 0, limit)) {
		channel_put(&session->channel, CHANNEL_STDIN_EOF, NULL, 0);
		sent(session, 0);
		session->input_end_sent = true;
	}
}

/* A terminal sends SIGTTIN to who reads it from the background, and stops the guest with it. */
static bool in_background(void)
{
	pid_t foreground = tcgetpgrp(STDIN_FILENO);

	return foreground >= 0 && foreground != getpgrp();
}

static bool wants_input(const struct session *session)
{
	return session->started && !session->gone && !session->input_ended &&
	       may_send(session, CHANNEL_DATA_MAX, CHANNEL_WINDOW);
}

static void take_input(struct session *session)
{
	uint8_t data[CHANNEL_DATA_MAX];
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0)
		warn("standard input: %s; the command sees its end", strerror(errno));
	if (n <= 0) {
		session->input_ended = true;
		return;
	}
	channel_put(&session->channel, CHANNEL_STDIN, data, n);
	sent(session, n);
}

static int take_frame(struct session *session, const struct channel_frame *frame)
{
	if (frame->type == CHANNEL_HELLO && !session->greeted) {
		if (frame->number != CHANNEL_VERSION)
			return broken("version");
		session->greeted = true;
	} else if (frame->type == CHANNEL_CREDIT && frame->number <= session->outstanding) {
		session->outstanding -= frame->number;
	} else if (frame->type == CHANNEL_STDOUT && session->started) {
		session->output = (struct output){ STDOUT_FILENO, frame->data, frame->length };
	} else if (frame->type == CHANNEL_STDERR && session->started) {
		session->output = (struct output){ STDERR_FILENO, frame->data, frame->length };
	} else if (frame->type == CHANNEL_FAILED && session->started && !session->cannot_run &&
		   frame->number) {
		session->cannot_run = frame->number;
	} else {
		return broken("frame out of turn");
	}
	return 0;
}

/* Takes frames up to one whose data is to be written first. */
static int take_frames(struct session *session)
{
	struct channel_frame frame;
	int n;

	while (!session->output.length) {
		n = channel_next(&session->channel, &frame);
		if (n == 0)
			return 0;
		if (n < 0)
			return broken("malformed frame");
		if (take_frame(session, &frame))
			return -1;
	}
	return 0;
}

static int read_uart(struct session *session)
{
	int n = channel_fill(&session->channel);

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n < 0) {
		errno = -n;
		return fail_errno("can't read from the agent");
	}
	session->ended = n == 0;
	return take_frames(session);
}

static int write_uart(struct session *session)
{
	int error = channel_flush(&session->channel);

	if (error == -EPIPE) {
		/* The partition has stopped. What the agent said before is still to be read. */
		channel_drop_output(&session->channel);
		session->gone = true;
		return 0;
	}
	if (!error)
		return 0;
	errno = -error;
	return fail_errno("can't write to the agent");
}

static void take_signals(struct session *session, int fd)
{
	int signal;

	while ((signal = signals_next(fd))) {
		/* There is no command yet to handle it. */
		if (!session->started)
			session->signal = signal;
		else
			session->signals |= 1ULL << (signal - 1);
	}
}

/* Waits for something to happen, and does what there is to do then. */
static int step(struct session *session, const struct session_setup *setup)
{
	bool writing = session->output.length;
	bool input = wants_input(session);
	bool background = input && in_background();
	short uart_events = (writing ? 0 : POLLIN) |
			    (channel_has_output(&session->channel) ? POLLOUT : 0);
	struct pollfd fds[] = {
		/* Not watched for nothing: its end would wake poll() over and over. */
		{ .fd = uart_events ? setup->uart : -1, .events = uart_events },
		{ .fd = writing ? session->output.fd : -1, .events = POLLOUT },
		{ .fd = input && !background ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = setup->signals, .events = POLLIN },
		{ .fd = setup->vcpus->ended, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), background ? TERMINAL_MS : -1) < 0)
		return errno == EINTR ? 0 : fail_errno("poll");
	if (fds[3].revents)
		take_signals(session, setup->signals);
	if (fds[1].revents && output_write(&session->output))
		return -1;
	if (fds[2].revents)
		take_input(session);
	/* If it couldn't run, the partition hasn't stopped, and nothing more will come. */
	if (fds[4].revents && vcpus_join(setup->vcpus))
		return -1;
	if (session->output.length)
		return 0;
	return writing ? take_frames(session) : read_uart(session);
}

static int run(struct session *session, const struct session_setup *setup)
{
	while (!session->signal && (!session->ended || session->output.length)) {
		send_frames(session);
		if (write_uart(session) || step(session, setup))
			return -1;
	}
	return session->signal;
}

int session_run(const struct session_setup *setup, int *cannot_run)
{
	struct session *session cleanup_free = calloc(1, sizeof(*session));
	char *strings cleanup_free = NULL;
	int result;

	if (!session)
		return fail_errno("can't talk to the agent");
	channel_init(&session->channel, setup->uart);
	session->args_length = strings_length((const char *const *)setup->args);
	session->strings_length = session->args_length + strings_length(setup->env);
	strings = malloc(session->strings_length);
	if (!strings)
		return fail_errno("can't talk to the agent");
	append(append(strings, (const char *const *)setup->args), setup->env);
	session->strings = strings;

	result = run(session, setup);
	*cannot_run = session->cannot_run;
	return result;
}
