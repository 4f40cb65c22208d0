/* SPDX-License-Identifier: GPL-2.0-only */
/* The console of a partition: its text, and the terminal as its screen and keyboard. */
#ifndef BULKHEAD_CONSOLE_H
#define BULKHEAD_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "terminal/keys.h"

struct vcpus;

/*
 * Reads console text from @fd. Adds to @lost how many bytes were gone before they could be read.
 * Returns the bytes read, 0 at the end, or -1 with errno (EAGAIN) and, but for that one, an error.
 */
ssize_t console_read(int fd, void *to, size_t bytes, uint64_t *lost);

/* Reads all text that there is now. Returns it, to be freed, with its length; or NULL. */
char *console_read_all(int fd, size_t *length, uint64_t *lost);

/* Prints the end of the console's text to stderr, for who wonders what went wrong in the guest. */
void console_print_tail(int fd);

/* A console's connection with this process' standard streams. */
struct console {
	int fd;
	bool input;		/* standard input goes to the guest */
	struct keys keys;	/* that end the connection if standard input is a terminal */
	const char *hint;	/* printed on stderr if it is */
	int signals;		/* of signals_open(); -1 if they take their usual course */
	struct vcpus *vcpus;	/* whose end is waited for; NULL if they aren't ours */
	bool keys_typed;	/* out: they ended it */
};

/*
 * Connects a console until the partition has stopped and all its text is written, or the keys were
 * typed. Returns 0 then, the number of a signal if one came first, or -1 with an error. The
 * terminal is as it was before.
 */
int console_connect(struct console *console);

#endif
