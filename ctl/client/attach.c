// SPDX-License-Identifier: GPL-2.0-only
#include "client/attach.h"
#include "base/error.h"
#include "base/status.h"
#include "client/client.h"
#include "runner/streams.h"
#include "terminal/output.h"
#include "terminal/signals.h"
#include "terminal/terminal.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often a command in a terminal's background looks whether it may read from there again. */
#define TERMINAL_MS	500

#define CHUNK		(16 * 1024)

/* A stream of output on its way. */
struct outlet {
	int from;		/* -1 once it has ended */
	struct output output;
	uint8_t data[CHUNK];
};

struct session {
	const struct attachment *attachment;
	struct connection connection;
	struct terminal terminal;
	int null;		/* if it relays: opened before it may see another /dev */
	bool started;
	bool exited;
	int status;		/* once exited */
	bool input_ended;
	int in;			/* -1 once it has ended */
	size_t input_start;
	size_t input_end;
	uint8_t input[CHUNK];
	struct outlet outlets[2];
};

void attach_stdio(struct frame_stdio *stdio, bool terminal, bool interactive)
{
	struct winsize size;

	*stdio = (struct frame_stdio){ .flags = terminal ? STDIO_TERMINAL : 0 };
	stdio->tickets[STREAM_IN] = interactive;
	stdio->tickets[STREAM_OUT] = 1;
	stdio->tickets[STREAM_ERR] = !terminal;
	if (terminal && terminal_size(&size))
		stdio->size = (struct frame_size){ size.ws_row, size.ws_col };
}

int attach_check(bool terminal, bool interactive)
{
	if (terminal && interactive && !isatty(STDIN_FILENO))
		return fail("--tty: standard input isn't a terminal; leave it out");
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Of a stream whose other side has ended, if that is for others to see. */
static void end_own(const struct session *session, int fd)
{
	if (session->null >= 0 && !session->attachment->terminal)
		dup2(session->null, fd);
}

static void send_signal(struct session *session, int number)
{
	const struct frame_signal data = { .number = number };

	connection_put(&session->connection, FRAME_SIGNAL, 0, &data, sizeof(data), NULL, 0);
}

/* Of a terminal that is followed. */
static void send_size(struct session *session)
{
	struct frame_size data;
	struct winsize size;

	if (session->terminal.signals < 0 || !terminal_size(&size))
		return;
	data = (struct frame_size){ size.ws_row, size.ws_col };
	connection_put(&session->connection, FRAME_RESIZE, 0, &data, sizeof(data), NULL, 0);
}

/* A terminal sends SIGTTIN to who reads it from the background, and stops the command with it. */
static bool in_background(void)
{
	pid_t foreground = tcgetpgrp(STDIN_FILENO);

	return foreground >= 0 && foreground != getpgrp();
}

static void take_input(struct session *session)
{
	ssize_t n = read(STDIN_FILENO, session->input, sizeof(session->input));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0)
		warn("standard input: %s; the command sees its end", strerror(errno));
	session->input_ended = n <= 0;
	session->input_start = 0;
	session->input_end = n > 0 ? n : 0;
	if (!session->input_ended)
		return;
	/* A terminal has no end but that of who is attached to it. */
	if (!session->attachment->terminal) {
		shutdown(session->in, SHUT_WR);
		close_fd(&session->in);
	}
}

/* Nobody reads it any more. */
static void end_input(struct session *session)
{
	close_fd(&session->in);
	end_own(session, STDIN_FILENO);
}

static void give_input(struct session *session)
{
	ssize_t n = send(session->in, session->input + session->input_start,
			 session->input_end - session->input_start, MSG_NOSIGNAL);

	if (n > 0) {
		session->input_start += n;
	} else if (errno != EAGAIN && errno != EINTR) {
		end_input(session);
		session->input_start = session->input_end;
	}
}

static void take_output(const struct session *session, struct outlet *outlet, int to)
{
	ssize_t n = read(outlet->from, outlet->data, sizeof(outlet->data));

	if (n > 0) {
		outlet->output = (struct output){ to, outlet->data, n };
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_fd(&outlet->from);
		end_own(session, to);
	}
}

/* Who stands for the process has to stay, also when nobody reads what that says any more. */
static int give_output(const struct session *session, struct outlet *outlet)
{
	int result = output_write(&outlet->output);

	if (!result || !session->attachment->relays)
		return result;
	outlet->output.length = 0;
	close_fd(&outlet->from);
	return 0;
}

int attach_status(int code)
{
	return code == REPLY_NOT_FOUND ? STATUS_NOT_FOUND :
	       code == REPLY_CANNOT_EXECUTE ? STATUS_CANNOT_EXECUTE : STATUS_RUN_FAILURE;
}

static void take_reply(struct session *session, const struct frame *frame)
{
	const struct attachment *attachment = session->attachment;
	const char *text = (const char *)frame->data + sizeof(struct frame_reply);
	int length = frame->length - sizeof(struct frame_reply);
	struct frame_reply reply;

	memcpy(&reply, frame->data, sizeof(reply));
	/* Those to signals and sizes: it may have ended before they came. */
	if (reply.request != attachment->request && reply.request != FRAME_START)
		return;
	if (reply.code == REPLY_DONE) {
		session->started = true;
		/* There was nobody to be told of a change before. */
		send_size(session);
		return;
	}
	session->exited = true;
	session->status = attach_status(reply.code);
	if (session->status != STATUS_RUN_FAILURE)
		warn("%s: %.*s", attachment->command, length, text);
	else
		warn("%.*s", length, text);
	for (size_t i = 0; i < ARRAY_SIZE(session->outlets); i++)
		close_fd(&session->outlets[i].from);
}

static void take_exited(struct session *session, const struct frame *frame)
{
	struct frame_exited exited;

	memcpy(&exited, frame->data, sizeof(exited));
	/* The reply to the start may be slower. */
	session->started = true;
	session->exited = true;
	session->status = exited.status;
	if (exited.flags & EXITED_OOM)
		warn("the container was out of memory, and processes killed; see --memory");
}

static int take_frames(struct session *session)
{
	struct frame frame;
	int n = connection_fill(&session->connection);

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return session->exited ? 0 : fail("the container's runner is gone");
	while ((n = connection_next(&session->connection, &frame)) > 0) {
		if (frame.type == FRAME_REPLY)
			take_reply(session, &frame);
		else if (frame.type == FRAME_EXITED)
			take_exited(session, &frame);
	}
	return n < 0 ? fail("the container's runner sent a malformed frame") : 0;
}

/* Before the command has started there is nobody to handle a signal. */
static void take_signal(struct session *session)
{
	int signal = signals_next(session->attachment->signals);

	if (!signal)
		return;
	if (!session->started) {
		session->exited = true;
		session->status = STATUS_SIGNAL + signal;
		for (size_t i = 0; i < ARRAY_SIZE(session->outlets); i++)
			close_fd(&session->outlets[i].from);
	} else {
		send_signal(session, signal);
	}
}

/* Waits for something to happen, and does what there is to do then. */
static int step(struct session *session)
{
	enum { RUNNER, SIGNALS, TERMINAL, INPUT, IN, OUT, ERR = OUT + 2, N = ERR + 2 };
	bool full = session->input_start < session->input_end;
	bool wants_input = session->in >= 0 && !full && !session->input_ended && session->started;
	bool background = wants_input && in_background();
	struct pollfd fds[N] = {
		[RUNNER] = {
			.fd = session->exited ? -1 : session->connection.fd,
			.events = POLLIN | (connection_has_output(&session->connection) ?
					    POLLOUT : 0),
		},
		[SIGNALS] = { .fd = session->attachment->signals, .events = POLLIN },
		[TERMINAL] = { .fd = session->terminal.signals, .events = POLLIN },
		[INPUT] = {
			.fd = wants_input && !background ? STDIN_FILENO : -1,
			.events = POLLIN,
		},
		[IN] = { .fd = session->in, .events = full ? POLLOUT : 0 },
		[OUT ... N - 1] = { .fd = -1 },
	};

	/* Before it has started, what there is on standard error is of crun, and in the reply. */
	for (int i = 0; i < 2 && session->started; i++) {
		struct outlet *outlet = &session->outlets[i];
		bool writing = outlet->output.length;
		struct pollfd *pair = &fds[OUT + 2 * i];

		pair[0] = (struct pollfd){ writing ? -1 : outlet->from, POLLIN, 0 };
		pair[1] = (struct pollfd){ writing ? outlet->output.fd : -1, POLLOUT, 0 };
	}
	if (poll(fds, N, background ? TERMINAL_MS : -1) < 0)
		return errno == EINTR ? 0 : fail_errno("poll");
	if (fds[SIGNALS].revents)
		take_signal(session);
	if (fds[TERMINAL].revents && terminal_signal(&session->terminal))
		send_size(session);
	if (fds[INPUT].revents)
		take_input(session);
	if (fds[IN].revents & POLLOUT)
		give_input(session);
	else if (fds[IN].revents & (POLLERR | POLLHUP))
		end_input(session);
	for (int i = 0; i < 2; i++) {
		struct outlet *outlet = &session->outlets[i];

		if (fds[OUT + 2 * i + 1].revents && give_output(session, outlet))
			return -1;
		if (fds[OUT + 2 * i].revents)
			take_output(session, outlet, i ? STDERR_FILENO : STDOUT_FILENO);
	}
	return fds[RUNNER].revents ? take_frames(session) : 0;
}

static bool is_over(const struct session *session)
{
	if (!session->exited)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(session->outlets); i++)
		if (session->outlets[i].from >= 0 || session->outlets[i].output.length)
			return false;
	return true;
}

/*
 * Waits for the first that the runner says. Before that nobody is there to handle a signal. Returns
 * 0, the number of one that came, or -1 with an error.
 */
static int wait_for_runner(const struct attachment *attachment)
{
	struct pollfd fds[] = {
		{ .fd = attachment->socket, .events = POLLIN },
		{ .fd = attachment->signals, .events = POLLIN },
	};
	int signal = 0;

	while (!fds[0].revents && !signal) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return fail_errno("poll");
		if (fds[1].revents)
			signal = signals_next(attachment->signals);
	}
	return signal;
}

/* Takes over the streams. Returns 0, the number of a signal that came first, or -1. */
static int open_session(const struct attachment *attachment, struct session **opened)
{
	const bool wanted[N_STREAMS] = {
		attachment->interactive, true, !attachment->terminal
	};
	struct session *session = NULL;
	int streams[N_STREAMS];
	int result = wait_for_runner(attachment);

	if (!result) {
		session = calloc(1, sizeof(*session));
		if (!session)
			result = fail_errno("can't follow the process");
	}
	if (!result)
		result = streams_receive(attachment->socket, wanted, streams);
	if (result) {
		close(attachment->socket);
		free(session);
		return result;
	}
	session->attachment = attachment;
	session->terminal.signals = -1;
	session->null = attachment->relays ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
	session->in = streams[STREAM_IN];
	session->outlets[0].from = streams[STREAM_OUT];
	session->outlets[1].from = streams[STREAM_ERR];
	connection_init(&session->connection, attachment->socket);
	*opened = session;
	return 0;
}

static void close_session(struct session *session)
{
	terminal_close(&session->terminal);
	close_fd(&session->null);
	close_fd(&session->in);
	for (size_t i = 0; i < ARRAY_SIZE(session->outlets); i++)
		close_fd(&session->outlets[i].from);
	connection_close(&session->connection);
	free(session);
}

int attach_begin(const struct attachment *attachment, struct session **session)
{
	struct frame_reply reply;
	struct frame frame;
	int n;

	if (open_session(attachment, session))
		return -1;
	n = client_next(&(*session)->connection, &frame);
	if (n == 0)
		n = fail("the container's runner has ended unexpectedly");
	if (n > 0 && frame.type != FRAME_REPLY)
		n = fail("the container's runner sent something else than a reply");
	if (n < 0) {
		close_session(*session);
		return -1;
	}
	memcpy(&reply, frame.data, sizeof(reply));
	if (reply.code == REPLY_DONE) {
		(*session)->started = attachment->request != FRAME_CREATE;
		return REPLY_DONE;
	}
	fail("%.*s", (int)(frame.length - sizeof(reply)),
	     (const char *)frame.data + sizeof(reply));
	close_session(*session);
	return reply.code;
}

int attach_follow(struct session *session)
{
	const struct attachment *attachment = session->attachment;
	int result = 0;

	fcntl(session->connection.fd, F_SETFL, O_NONBLOCK);
	if (attachment->terminal && attachment->interactive)
		result = terminal_open(&session->terminal);
	/* It may have changed since the process was asked for, which nothing has told of. */
	if (!result)
		send_size(session);
	while (!result && !is_over(session)) {
		if (connection_flush(&session->connection))
			result = session->exited ? 0 : fail("the container's runner is gone");
		if (!result)
			result = step(session);
	}
	result = result ?: session->status;
	close_session(session);
	return result;
}

int attach(const struct attachment *attachment)
{
	struct session *session;
	int result = open_session(attachment, &session);

	if (result)
		return result > 0 ? STATUS_SIGNAL + result : -1;
	return attach_follow(session);
}
