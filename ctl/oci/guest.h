/* SPDX-License-Identifier: GPL-2.0-only */
/* The config of a container that runs inside a partition, for crun in the guest. */
#ifndef BULKHEAD_GUEST_H
#define BULKHEAD_GUEST_H

#include <jansson.h>

#include "machine/tree.h"

/*
 * Makes the guest's config of one that config_load() or config_make() returned, and lists in @tree
 * what of the host the guest is to see. @number is the tree's; the container's control group in the
 * guest has it, too. @joins, which may be NULL, has for each type of namespace that it shares the
 * number of the container whose that is. The host sees to what is of the host: hooks in its
 * namespaces, and the processors and memory nodes that are used. Returns a new object; or NULL with
 * an error, also for what support_check() refuses, and then with no @tree to release.
 */
json_t *guest_config(const json_t *config, unsigned int number, const json_t *joins,
		     struct tree *tree);

/*
 * Adds the partition's @n disks to a guest's config: /dev/vda and so on, as its kernel names them.
 * Returns 0, or -1 with an error.
 */
int guest_add_disks(json_t *config, unsigned int n);

/*
 * Lets the container say that it is ready: to the guest's own socket, where crun would put it for
 * the host's @socket, an absolute path. Returns 0, or -1 with an error.
 */
int guest_add_notify(json_t *config, const char *socket);

void tree_release(struct tree *tree);

#endif
