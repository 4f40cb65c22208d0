/* SPDX-License-Identifier: GPL-2.0-only */
/* The config of a container that runs inside a partition, for crun in the guest. */
#ifndef BULKHEAD_GUEST_H
#define BULKHEAD_GUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What the guest is to find there: the container's root, and the Nth of its binds. */
#define GUEST_ROOT	"/run/bulkhead/share/root"
#define GUEST_VOLUME	"/run/bulkhead/share/volumes/%zu"

struct bind {
	char *source;		/* on the host */
	bool read_only;
	bool is_recursive;	/* with all that is mounted in it */
};

struct binds {
	struct bind *binds;
	size_t n;
};

/*
 * Makes the guest's config of one that config_load() or config_make() returned, and lists what of
 * the host it binds. The host sees to what is of the host: hooks in its namespaces, and the
 * processors and memory nodes that are used. Returns a new object; or NULL with an error, also for
 * what support_check() refuses, and then with no @binds to release.
 */
json_t *guest_config(const json_t *config, struct binds *binds);

void binds_release(struct binds *binds);

#endif
