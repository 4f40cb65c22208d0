// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead kill */
#include "commands/command.h"
#include "commands/each.h"
#include "control/netlink.h"

int cmd_kill(const struct command *command, int argc, char **argv)
{
	return each_partition(command, argc, argv, netlink_kill);
}
