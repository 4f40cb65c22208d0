/* SPDX-License-Identifier: GPL-2.0-only */
/* What a local variable holds, released when it goes out of scope. */
#ifndef BULKHEAD_CLEANUP_H
#define BULKHEAD_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define cleanup_free	__attribute__((cleanup(cleanup_freep)))
#define cleanup_close	__attribute__((cleanup(cleanup_closep)))

#endif
