/* SPDX-License-Identifier: GPL-2.0-only */
/* Network namespaces, each as a descriptor. */
#ifndef BULKHEAD_NAMESPACE_H
#define BULKHEAD_NAMESPACE_H

#include <stdbool.h>

/* Opens the one at @path. Returns a descriptor, or -1 with an error, also if it is none. */
int namespace_open(const char *path);

/* Whether it is the one of this process, the host's. */
bool namespace_is_own(int fd);

/*
 * Makes one, whose loopback interface is up. Nothing but the descriptor, and what it is given to,
 * keeps it alive. Returns that, or -1 with an error.
 */
int namespace_create(void);

/*
 * Calls @function with this thread in the namespace: what is of the network, its sockets above all,
 * is the namespace's then, also after it. Returns what @function does, or -1 with an error.
 */
int namespace_run(int fd, int (*function)(void *data), void *data);

#endif
