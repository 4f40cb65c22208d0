/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container that is to share the partition of others, as the data of a JOIN to their runner: a
 * JSON object with its "name", its "config" as config_load() has it, and as "joins" those whose
 * namespaces it shares, as for guest_config().
 */
#ifndef BULKHEAD_JOIN_H
#define BULKHEAD_JOIN_H

#include <jansson.h>
#include <stddef.h>

/* Text to be freed, or NULL with an error. */
char *join_write(const char *name, json_t *config, json_t *joins);

/* What such text has; the objects are new. Returns 0, or -1 with an error. */
int join_read(const char *text, size_t length, char **name, json_t **config, json_t **joins);

#endif
