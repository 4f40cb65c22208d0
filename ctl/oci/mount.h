/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_MOUNT_H
#define BULKHEAD_MOUNT_H

#include <jansson.h>
#include <stdbool.h>

/* What the entries of a config's "mounts" come to. */
struct mount_traits {
	const char *destination;	/* the entry's */
	const char *type;		/* "" if it has none */
	json_t *options;		/* strings; NULL if it has none */
	bool is_bind;
	bool is_recursive;
	bool read_only;
};

/* Returns 0, or -1 with an error if the entry is malformed. */
int mount_inspect(const json_t *mount, struct mount_traits *traits);

#endif
