/* SPDX-License-Identifier: GPL-2.0-only */
/* Networks, each a list of CNI plugins: what /etc/cni/net.d has, and one that is built in. */
#ifndef BULKHEAD_CONFLIST_H
#define BULKHEAD_CONFLIST_H

#include <jansson.h>
#include <stdbool.h>

#define CONFLIST_DIRECTORY	"/etc/cni/net.d"
#define CONFLIST_DEFAULT	"bulkhead"

/*
 * Finds the list of the network @name in *.conflist of the directory, in the order of their names;
 * CONFLIST_DEFAULT is there also if no file has it. Returns a new object, or NULL with an error.
 */
json_t *conflist_find(const char *directory, const char *name);

/* Whether one of its plugins has the capability. */
bool conflist_can(const json_t *list, const char *capability);

#endif
