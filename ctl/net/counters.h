/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_COUNTERS_H
#define BULKHEAD_COUNTERS_H

#include <stddef.h>

#include "protocol.h"

/*
 * Reads what the interfaces of a network namespace have counted; loopback isn't among them. If a
 * partition has the namespace's place, what its guest has received and sent is that. Returns an
 * array of @n, to be freed, or NULL with an error.
 */
struct frame_counters *counters_read(int namespace, size_t *n);

#endif
