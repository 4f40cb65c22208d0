// SPDX-License-Identifier: GPL-2.0-only
#include "terminal/console.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "machine/vcpu.h"
#include "terminal/output.h"
#include "terminal/signals.h"
#include "terminal/terminal.h"
#include "util.h"

#include <errno.h>
#include <linux/bulkhead.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK		4096

/* Of a console's end, as much as helps. */
#define TAIL_LINES	16
#define TAIL_BYTES	2048

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

/* What is on its way between console and standard streams. */
struct link {
	struct console *console;
	struct terminal terminal;
	bool input_ended;
	bool ended;
	uint64_t lost;
	int out;
	struct output output;
	size_t input_start;
	size_t input_end;
	uint8_t input[CHUNK + KEYS_MAX];
	uint8_t text[CHUNK];
};

static int open_terminal(struct link *link)
{
	if (!link->console->input)
		return 0;
	if (terminal_open(&link->terminal))
		return -1;
	if (link->terminal.raw && link->console->hint)
		fprintf(stderr, "bulkhead: %s\r\n", link->console->hint);
	return 0;
}

/* The guest's terminal becomes as large as ours. That a console has no size is no error. */
static void pass_size(struct link *link)
{
	struct winsize size;

	if (terminal_size(&size))
		ioctl(link->console->fd, TIOCSWINSZ, &size);
}

static void take_input(struct link *link)
{
	uint8_t typed[CHUNK];
	ssize_t n = read(STDIN_FILENO, typed, sizeof(typed));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		link->input_ended = true;
		return;
	}
	link->input_start = 0;
	link->input_end = n;
	if (!link->terminal.raw)
		memcpy(link->input, typed, n);
	else
		link->console->keys_typed = keys_filter(&link->console->keys, typed, n,
							link->input, &link->input_end);
}

static int give_input(struct link *link)
{
	ssize_t n = write(link->console->fd, link->input + link->input_start,
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
	ssize_t n = console_read(link->console->fd, link->text, sizeof(link->text), &link->lost);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	link->ended = n == 0;
	link->output = (struct output){ link->out, link->text, n };
	return 0;
}

static int step(struct link *link, int *signal)
{
	struct vcpus *vcpus = link->console->vcpus;
	bool writing = link->output.length;
	bool input = link->input_start < link->input_end;
	short console_events = (writing ? 0 : POLLIN) | (input ? POLLOUT : 0);
	struct pollfd fds[] = {
		{ .fd = console_events ? link->console->fd : -1, .events = console_events },
		{ .fd = writing ? link->out : -1, .events = POLLOUT },
		{ .fd = input || link->input_ended ? -1 : STDIN_FILENO, .events = POLLIN },
		{ .fd = link->console->signals, .events = POLLIN },
		{ .fd = link->terminal.signals, .events = POLLIN },
		{ .fd = vcpus ? vcpus->ended : -1, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return errno == EINTR ? 0 : fail_errno("poll");
	if (fds[3].revents)
		*signal = signals_next(link->console->signals);
	if (fds[4].revents && terminal_signal(&link->terminal))
		pass_size(link);
	if (fds[5].revents && vcpus_join(vcpus))
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

int console_connect(struct console *console)
{
	int out cleanup_close = terminal_open_output();
	struct link link = {
		.console = console,
		.terminal.signals = -1,
		.out = out < 0 ? STDOUT_FILENO : out,
		.input_ended = !console->input,
	};
	int signal = 0;
	int result;

	result = open_terminal(&link);
	if (!result)
		pass_size(&link);
	while (!result && !signal && !console->keys_typed && (!link.ended || link.output.length))
		result = step(&link, &signal);
	terminal_close(&link.terminal);
	/* What was typed before them is the guest's, if it takes it. */
	if (console->keys_typed && !result && link.input_start < link.input_end)
		result = give_input(&link);
	if (link.lost)
		warn("%lu bytes of the console's text are no longer kept", link.lost);
	return result ?: signal;
}
