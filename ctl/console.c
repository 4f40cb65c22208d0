// SPDX-License-Identifier: GPL-2.0-only
#include "console.h"
#include "cleanup.h"
#include "error.h"
#include "output.h"
#include "signals.h"
#include "util.h"

#include <errno.h>
#include <linux/bulkhead.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CHUNK		4096

/* Of a console's end, as much as helps. */
#define TAIL_LINES	16
#define TAIL_BYTES	2048

/* Ctrl-], as in telnet: the one key that doesn't reach the guest. */
#define KEY_STOP	0x1d

ssize_t console_read(int fd, void *to, size_t bytes, uint64_t *lost)
{
	off_t before = lseek(fd, 0, SEEK_CUR);
	off_t after;
	ssize_t n;

	do {
		n = read(fd, to, bytes);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno != EAGAIN)
			fail_errno("can't read the console");
		return -1;
	}
	after = lseek(fd, 0, SEEK_CUR);
	if (before >= 0 && after >= before + n)
		*lost += after - n - before;
	return n;
}

char *console_read_all(int fd, size_t *length, uint64_t *lost)
{
	size_t room = BULKHEAD_UART_RING;
	char *text = NULL;

	*length = 0;
	*lost = 0;
	for (;;) {
		char *more = realloc(text, *length + room);
		ssize_t n;

		if (!more) {
			fail_errno("can't keep the console's text");
			break;
		}
		text = more;
		n = console_read(fd, text + *length, room, lost);
		if (n < 0 && errno != EAGAIN)
			break;
		if (n <= 0)
			return text;
		*length += n;
		/* A guest that writes on and on isn't followed for ever. */
		if (*length >= 4 * BULKHEAD_UART_RING)
			return text;
	}
	free(text);
	return NULL;
}

void console_print_tail(int fd)
{
	unsigned int lines = 0;
	size_t length, start;
	uint64_t lost;
	char *text;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return;
	text = console_read_all(fd, &length, &lost);
	if (!text)
		return;
	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		length--;
	for (start = length; start && length - start < TAIL_BYTES; start--)
		if (text[start - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	if (length)
		fprintf(stderr, "The end of the guest's console:\n");
	for (; start < length; start++) {
		unsigned char c = text[start];

		/* A guest's escape sequences aren't for the terminal of who runs it. */
		if (c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f))
			putc(c, stderr);
		else if (c != '\r')
			putc('?', stderr);
		if (start == length - 1)
			putc('\n', stderr);
	}
	free(text);
}

/* What is on its way between console and terminal. */
struct link {
	int fd;
	bool raw;		/* the terminal is in raw mode, and @old restores it */
	struct termios old;
	bool input_ended;
	bool ended;
	bool stop;
	uint64_t lost;
	struct output output;
	size_t input_start;
	size_t input_end;
	uint8_t input[CHUNK];
	uint8_t text[CHUNK];
};

static void set_raw(struct link *link)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &link->old))
		return;
	/* In the background that would stop this process; it may read from there later anyhow. */
	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	raw = link->old;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw))
		return;
	link->raw = true;
	fprintf(stderr, "bulkhead: Ctrl-] stops the partition\r\n");
}

static void take_input(struct link *link)
{
	ssize_t n = read(STDIN_FILENO, link->input, sizeof(link->input));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		link->input_ended = true;
		return;
	}
	link->input_start = 0;
	link->input_end = n;
	if (link->raw && memchr(link->input, KEY_STOP, n))
		link->stop = true;
}

static int give_input(struct link *link)
{
	ssize_t n = write(link->fd, link->input + link->input_start,
			  link->input_end - link->input_start);

	if (n < 0 && errno == EPIPE) {
		/* It has stopped; what it wrote is still to be read. */
		link->input_ended = true;
		link->input_start = link->input_end;
		return 0;
	}
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return fail_errno("can't write to the console");
	if (n > 0)
		link->input_start += n;
	return 0;
}

static int take_text(struct link *link)
{
	ssize_t n = console_read(link->fd, link->text, sizeof(link->text), &link->lost);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	link->ended = n == 0;
	link->output = (struct output){ STDOUT_FILENO, link->text, n };
	return 0;
}

static int step(struct link *link, struct vcpus *vcpus, int signals, int *signal)
{
	bool writing = link->output.length;
	bool input = link->input_start < link->input_end;
	short console_events = (writing ? 0 : POLLIN) | (input ? POLLOUT : 0);
	struct pollfd fds[] = {
		{ .fd = console_events ? link->fd : -1, .events = console_events },
		{ .fd = writing ? STDOUT_FILENO : -1, .events = POLLOUT },
		{ .fd = input || link->input_ended ? -1 : STDIN_FILENO, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = vcpus->ended, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return errno == EINTR ? 0 : fail_errno("poll");
	if (fds[3].revents)
		*signal = signals_next(signals);
	if (fds[4].revents && vcpus_join(vcpus))
		return -1;
	if (fds[1].revents && output_write(&link->output))
		return -1;
	if (fds[2].revents)
		take_input(link);
	if (fds[0].revents && input && give_input(link))
		return -1;
	if (fds[0].revents && !writing)
		return take_text(link);
	return 0;
}

int console_run(int fd, int signals, struct vcpus *vcpus)
{
	struct link link = { .fd = fd };
	int signal = 0;
	int result = 0;

	set_raw(&link);
	while (!result && !signal && !link.stop && (!link.ended || link.output.length))
		result = step(&link, vcpus, signals, &signal);
	if (link.raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &link.old);
	if (link.lost)
		warn("%lu bytes of console text came too fast and are lost",
		     link.lost);
	if (result)
		return result;
	return link.stop ? SIGTERM : signal;
}
