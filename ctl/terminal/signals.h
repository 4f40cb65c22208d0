/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_SIGNALS_H
#define BULKHEAD_SIGNALS_H

/*
 * Takes the signals that are for the guest, or end it, off their usual course. Returns a
 * non-blocking descriptor that tells of them, or -1 with an error.
 */
int signals_open(void);

/* The same for those that tell of the terminal: its size, and stop and continue by the shell. */
int signals_open_terminal(void);

/* Returns the next signal, or 0 if there is none. */
int signals_next(int fd);

#endif
