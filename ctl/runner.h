/* SPDX-License-Identifier: GPL-2.0-only */
/* The runner: the process that owns one partition, from its memory to its end. */
#ifndef BULKHEAD_RUNNER_H
#define BULKHEAD_RUNNER_H

#include <stdint.h>

#include "machine/disk.h"

/* What is to be run; strings are NULL if not given. */
struct runner {
	const char *name;
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *rootfs;
	uint64_t memory;
	unsigned int cpus;
	struct disk *disks;
	unsigned int n_disks;
	char *const *args;	/* the command; with rootfs only */
};

/*
 * Runs it until the partition has stopped. Returns an exit status, or -1 with an error. What was
 * acquired is released by the end of the process alone: that works for SIGKILL too, so there is no
 * second way.
 */
int runner_run(const struct runner *runner);

#endif
