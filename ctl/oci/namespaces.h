/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_NAMESPACES_H
#define BULKHEAD_NAMESPACES_H

#include <jansson.h>

/*
 * Finds the entry of @type, as "network", in the config's linux.namespaces, and its path. Both are
 * borrowed: no @entry says that the namespace is the host's, no @path that it is to be a new one.
 * Returns 0, or -1 with an error, as for a type that is there twice.
 */
int namespaces_find(const json_t *config, const char *type, json_t **entry, const char **path);

#endif
