/* SPDX-License-Identifier: GPL-2.0-only */
/* What of the host's memory and processors a container may use: linux.resources. */
#ifndef BULKHEAD_LIMITS_H
#define BULKHEAD_LIMITS_H

#include <jansson.h>
#include <stdint.h>

/* A zero or NULL says that there is no limit of its kind. The texts are the config's. */
struct limits {
	uint64_t memory;		/* bytes */
	uint64_t quota;			/* microseconds of processor time in each period */
	uint64_t period;		/* microseconds; never 0 */
	uint64_t shares;
	const char *cpus;		/* lists, as in "0-2,5" */
	const char *mems;
	const char *cgroups_path;
};

/* Returns 0, or -1 with an error. */
int limits_get(const json_t *config, struct limits *limits);

/* The processors that use up the quota: one at least, also without a quota. */
unsigned int limits_vcpus(const struct limits *limits);

#endif
