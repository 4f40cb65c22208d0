/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal on standard input, while it is a guest's. */
#ifndef BULKHEAD_TERMINAL_H
#define BULKHEAD_TERMINAL_H

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

struct terminal {
	bool raw;		/* and @old undoes it */
	struct termios old;
	int signals;		/* that change the terminal: a descriptor; -1 without terminal */
};

/*
 * Puts the terminal, if standard input is one, in raw mode: each key goes to the guest. From here
 * on, what would end this process without terminal_close() has to be taken by signals_open().
 */
int terminal_open(struct terminal *terminal);

/* Restores the terminal. */
void terminal_close(struct terminal *terminal);

/*
 * Deals with what @terminal->signals tells of: stops this process, with the terminal restored, or
 * takes the terminal again when it goes on. Returns true if the size may be another.
 */
bool terminal_signal(struct terminal *terminal);

/*
 * Standard output, if it is a terminal, opened once more: a write doesn't wait where the terminal
 * takes no more, and what else opened it doesn't notice. Else, or if that fails, returns -1.
 */
int terminal_open_output(void);

/* The size of the terminal; false if there is none. */
bool terminal_size(struct winsize *size);

#endif
