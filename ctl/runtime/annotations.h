/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Annotations of a config, "bulkhead.isolation" and others: what whoever deploys a container asks
 * of its partition. They may be a tenant's, and the host's administrator says which are heard.
 */
#ifndef BULKHEAD_ANNOTATIONS_H
#define BULKHEAD_ANNOTATIONS_H

#include <jansson.h>
#include <stdint.h>

/* What is allowed; NULL or 0 for the default. */
struct policy {
	const char *names;	/* those of annotations, separated by blanks */
	const char *kernels;	/* a pattern as of glob(7) */
	uint64_t memory;	/* the most bytes */
	unsigned int cpus;	/* and vCPUs */
};

/* What they ask for; NULL or 0 without. The texts are the config's. */
struct wishes {
	const char *isolation;	/* "partition" or "process" */
	const char *kernel;	/* a path */
	const char *append;	/* for the guest kernel's command line */
	uint64_t memory;	/* of the partition, in bytes */
	unsigned int cpus;	/* vCPUs */
};

/* Returns 0, or -1 with an error for what is malformed or not allowed. */
int annotations_read(const json_t *config, const struct policy *policy, struct wishes *wishes);

#endif
