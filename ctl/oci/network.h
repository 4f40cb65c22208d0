/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_NETWORK_H
#define BULKHEAD_NETWORK_H

#include <jansson.h>

/*
 * Finds the entry of the network namespace in the config's linux.namespaces, and its path. Both are
 * borrowed: no @entry says that the namespace is the host's, no @path that it is to be a new one.
 * Returns 0, or -1 with an error.
 */
int network_find(const json_t *config, json_t **entry, const char **path);

#endif
