/* SPDX-License-Identifier: GPL-2.0-only */
/* What happens to a container that create() made. All return 0, or -1 with an error. */
#ifndef BULKHEAD_LIFE_H
#define BULKHEAD_LIFE_H

#include <stdbool.h>

int life_start(const char *id);

/* To all its processes with @all. */
int life_kill(const char *id, int signal, bool all);

/*
 * Deletes a container that has stopped or wasn't started, with its hooks; with @force in any state,
 * and then it is no error if there is no such container.
 */
int life_delete(const char *id, bool force);

/* Calls @act for all whose ids match the regular expression, until it fails. */
int life_each_match(const char *pattern, int (*act)(const char *id, void *data), void *data);

#endif
