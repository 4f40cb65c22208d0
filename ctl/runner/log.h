/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of what a detached container has written to its standard output and error. */
#ifndef BULKHEAD_LOG_H
#define BULKHEAD_LOG_H

#include <stddef.h>
#include <stdint.h>

#define LOG_MAX		(1024 * 1024)

/* A ring that grows up to LOG_MAX. Zero is empty. */
struct log {
	char *text;
	size_t room;
	size_t start;
	size_t length;
	uint64_t lost;		/* bytes that were there before */
};

void log_add(struct log *log, const char *text, size_t length);

/* Copies all of it to @to, which has room for it. */
void log_copy(const struct log *log, char *to);

#endif
