/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control group of a container on the host, version 2. Of a partition, the runner is in it, so
 * that it accounts and limits all: vCPUs, the guest's memory, virtiofsd, memory of the kernel's.
 */
#ifndef BULKHEAD_CGROUP_H
#define BULKHEAD_CGROUP_H

#include <limits.h>
#include <stdint.h>

#include "oci/limits.h"

/*
 * Creates the control group @limits->cgroups_path, a path or a scope, its memory limited to @memory
 * bytes (0: not) and processors as in @limits. The file @record tells cgroup_sweep(). Returns 0, or
 * -1 with an error.
 */
int cgroup_create(const struct limits *limits, uint64_t memory, const char *record);

/*
 * Moves the calling process into it. From then on it may be forbidden to open the host's devices,
 * as engines have it for what belongs to a container. Returns 0, or -1 with an error.
 */
int cgroup_join(void);

/* Other processors, as in @limits; a zero changes nothing. Returns 0, or -1 with an error. */
int cgroup_update(const struct limits *limits);

/* Leaves it for where this process was before, and removes it. */
void cgroup_leave(void);

/* The folder of the cgroup of a process, "self" or a number. Returns 0, or -1 with an error. */
int cgroup_find(const char *process, char path[PATH_MAX]);

/* What the control group of a process has used; UINT64_MAX is unknown, or no limit. */
struct cgroup_usage {
	uint64_t memory;
	uint64_t memory_limit;
	uint64_t cpu_usec;
};

void cgroup_get_usage(int pid, struct cgroup_usage *usage);

/* Removes the control groups that @record tells of, if nobody is in them. */
void cgroup_sweep(const char *record);

#endif
