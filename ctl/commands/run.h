/* SPDX-License-Identifier: GPL-2.0-only */
/* What bulkhead run was asked for. */
#ifndef BULKHEAD_RUN_H
#define BULKHEAD_RUN_H

#include <stdbool.h>

#include "machine/disk.h"
#include "machine/machine.h"
#include "oci/process.h"
#include "runner/runner.h"
#include "runtime/annotations.h"
#include "runtime/create.h"

/* Zero or NULL is what wasn't given. */
struct run_options {
	const char *name;
	const char *bundle;
	const char *config_file;	/* in place of its config.json */
	const char *rootfs;
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *isolation;
	bool detach;
	bool stepwise;		/* to be created, and not started; its streams aren't kept */
	bool interactive;
	struct config_options config;
	uint64_t default_memory;	/* the administrator's, as in @config */
	unsigned int default_cpus;
	const char **env;	/* lists of as many as there are arguments, for @config */
	const char **volumes;
	const char *net;	/* "none", "bridge" or "bridge:NAME" */
	const char *default_net;	/* the administrator's */
	const char **publish;	/* as for publish_parse(), ended by NULL */
	struct disk *disks;
	unsigned int n_disks;
	uint64_t partition_memory;	/* bytes, in place of what its limits come to */
	unsigned int partition_cpus;	/* and likewise, vCPUs */
	unsigned int start_timeout;	/* seconds */
	unsigned int agent_timeout;
	struct policy policy;	/* the administrator's */
	struct create create;	/* what only an OCI runtime's run has */
};

/* Sets what the administrator has as defaults. Returns 0, or -1 with an error. */
int run_defaults(struct run_options *options);

/*
 * Makes of the options what is to be run, of a bundle whose config has been read already if
 * @container has that. Returns 0, or -1 with an error.
 */
int run_set_container(const struct run_options *options, struct container *container);

/* Both run it to its end, and return an exit status, or -1 with an error. */
int run_container(const struct run_options *options);
int run_machine(const struct run_options *options);

#endif
