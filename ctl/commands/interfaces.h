/* SPDX-License-Identifier: GPL-2.0-only */
/* What the network interfaces of a container have counted, for stats and show. */
#ifndef BULKHEAD_INTERFACES_H
#define BULKHEAD_INTERFACES_H

#include <jansson.h>
#include <stdio.h>

#include "protocol.h"

/* Asks the runner at the other end of @socket. Returns an array of @n, to be freed, or NULL. */
struct frame_counters *interfaces_get(int socket, size_t *n);

void interfaces_print_head(FILE *file);
void interfaces_print(FILE *file, const char *container, const struct frame_counters *counters,
		      size_t n);

/* A new array. */
json_t *interfaces_to_json(const struct frame_counters *counters, size_t n);

#endif
