/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_TREE_H
#define BULKHEAD_TREE_H

#include <stdbool.h>

/* A directory or file of the host's that a guest is to see. */
struct bind {
	char *source;
	bool read_only;
	bool is_recursive;	/* with all that is mounted in it */
};

/*
 * Those of one container: its root directory, and its volumes by number. The tree's own number is
 * never used again in the same partition, whose guest may go on for a while with what it knew of
 * files by that name.
 */
struct tree {
	unsigned int number;
	struct bind root;
	struct bind *volumes;
	unsigned int n_volumes;
};

#endif
