/* SPDX-License-Identifier: GPL-2.0-only */
/* The administrator's defaults. */
#ifndef BULKHEAD_CONF_H
#define BULKHEAD_CONF_H

#define CONF_PATH	"/etc/bulkhead.conf"

/*
 * Calls @set for each line "KEY = VALUE" of @path, which may be absent. Empty lines and those that
 * begin with "#" are none. Returns 0, or -1 with an error that says which line.
 */
int conf_read(const char *path, int (*set)(void *data, const char *key, char *value), void *data);

#endif
