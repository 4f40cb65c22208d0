/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that do one thing to each partition, or container, that is named. */
#ifndef BULKHEAD_EACH_H
#define BULKHEAD_EACH_H

#include "commands/command.h"
#include "control/netlink.h"

/*
 * Runs such a command, with --json as its only option. What is done is printed with that, and
 * errors are printed for each by itself. Returns an exit status.
 */
int each_partition(const struct command *command, int argc, char **argv,
		   int (*act)(struct netlink *netlink, uint32_t id));

/* The same for containers, in partitions or not; what is done is printed by the names as given. */
int each_container(const struct command *command, int argc, char **argv,
		   int (*act)(const char *container));

/* The same for the arguments from @optind on, for who has read options besides --json. */
int each_named(int argc, char **argv, bool json, int (*act)(const char *name));

#endif
