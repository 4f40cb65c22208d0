/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that do one thing to each partition named. */
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

#endif
