/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Process isolation: crun gets the command line as it is, so what comes of it is crun's, too. Only
 * what this program alone knows, and --root, differ.
 */
#ifndef BULKHEAD_CRUN_H
#define BULKHEAD_CRUN_H

#include <jansson.h>

/* Becomes crun. Returns -1 with an error if there is none. */
int crun_execute(void);

/* What crun says of the state of a container of its own: a new object, or NULL. */
json_t *crun_state(const char *id);

/* The same as crun_execute() if the container of that id is crun's; otherwise returns 0. */
int crun_take_over(const char *id);

#endif
