/* SPDX-License-Identifier: GPL-2.0-only */
/* "partition" or "process": what a container is kept apart by. */
#ifndef BULKHEAD_ISOLATION_H
#define BULKHEAD_ISOLATION_H

/* Checks what an option or an annotation says. Returns 0, or -1 with an error. */
int isolation_check(const char *text);

#endif
