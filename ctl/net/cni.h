/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs CNI plugins, which connect network namespaces. */
#ifndef BULKHEAD_CNI_H
#define BULKHEAD_CNI_H

#include <jansson.h>
#include <stdbool.h>

#define CNI_INTERFACE	"eth0"	/* the container's */

/*
 * A connection of a container, to be kept until it is undone: {"id", "list", "ports", "result"}.
 * Ids are as containers' names, the list is of conflist_find(), the ports of publish_parse(), and
 * the result is that of the plugin that was added last.
 */
json_t *cni_make(const char *id, json_t *list, json_t *ports);

/* Keeps what is needed to undo the connection. Returns 0, or -1 with an error. */
typedef int (*cni_keep)(const json_t *connection, void *data);

/*
 * Adds the namespace, by its path, to the network, and calls @keep each time that @connection has
 * changed. Returns 0, or -1 with an error.
 */
int cni_add(json_t *connection, const char *path, cni_keep keep, void *data);

/*
 * Undoes that, also if it was done in part. @path may be NULL if the namespace is gone. What a
 * plugin can't undo is a warning.
 */
void cni_delete(const json_t *connection, const char *path);

/* Checks what is read of a plugin's result: addresses and name servers. Returns 0, or -1. */
int cni_check_result(const json_t *result);

/* Makes what a plugin said of its failure, an object of CNI's, the error. Returns -1. */
int cni_fail(const char *plugin, const json_t *error);

#endif
