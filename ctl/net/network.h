/* SPDX-License-Identifier: GPL-2.0-only */
/* The connection of a container to a network, from its beginning to its end. */
#ifndef BULKHEAD_NET_NETWORK_H
#define BULKHEAD_NET_NETWORK_H

#include <jansson.h>

/* What was asked for. */
struct network {
	json_t *list;		/* of conflist_find(); NULL without a network */
	json_t *ports;		/* an array of what publish_parse() made */
};

/*
 * Finds the network of --net=bridge[:@name], which may be NULL, and reads the ports that are to be
 * published, a list that is ended by NULL. Returns 0, or -1 with an error.
 */
int network_choose(struct network *network, const char *name, const char *const *ports);

/*
 * Connects the namespace, and gives the container's config files of /etc with the names that this
 * comes to. The container's @directory, an absolute path, gets those, the namespace, and a record
 * for network_leave(). Returns 0, or -1 with an error, and then that is to be called as well.
 */
int network_enter(const struct network *network, int namespace, const char *directory,
		  const char *id, json_t *config);

/*
 * Undoes what network_enter() did, in whatever process, and however far it came. What can't be
 * undone is a warning.
 */
void network_leave(const char *directory);

#endif
