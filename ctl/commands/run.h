/* SPDX-License-Identifier: GPL-2.0-only */
/* What bulkhead run was asked for. */
#ifndef BULKHEAD_RUN_H
#define BULKHEAD_RUN_H

#include <stdbool.h>

#include "machine/disk.h"
#include "machine/machine.h"
#include "oci/process.h"

/* Zero or NULL is what wasn't given. */
struct run_options {
	const char *name;
	const char *bundle;
	const char *rootfs;
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *isolation;
	bool detach;
	bool interactive;
	struct config_options config;
	const char **env;	/* lists of as many as there are arguments, for @config */
	const char **volumes;
	const char *net;	/* "none", "bridge" or "bridge:NAME" */
	const char *default_net;	/* the administrator's */
	const char **publish;	/* as for publish_parse(), ended by NULL */
	struct disk *disks;
	unsigned int n_disks;
	unsigned int start_timeout;	/* seconds */
	unsigned int agent_timeout;
};

/* Both run it to its end, and return an exit status, or -1 with an error. */
int run_container(const struct run_options *options);
int run_machine(const struct run_options *options);

#endif
