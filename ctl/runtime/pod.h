/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Containers that share namespaces share a partition, as those of a pod: the config of one that is
 * to join others says so by paths of namespaces, or by annotations of containerd's and CRI-O's.
 */
#ifndef BULKHEAD_POD_H
#define BULKHEAD_POD_H

#include <jansson.h>

struct pod {
	char *name;		/* of a container in the partition to join; NULL if there is none */
	json_t *joins;		/* as for guest_config() */
};

/* Finds it. Returns 0, or -1 with an error. */
int pod_find(const json_t *config, struct pod *pod);

#endif
