/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_TIMEOUT_H
#define BULKHEAD_TIMEOUT_H

#include <stdint.h>

/* Reads the argument of --timeout: seconds, up to a day. Returns 0, or -1 with an error. */
int timeout_parse(const char *text, unsigned int *seconds);

/* Milliseconds of a clock that nobody sets. */
uint64_t timeout_clock(void);

#endif
