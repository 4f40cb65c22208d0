// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead rescan */
#include "command.h"
#include "each.h"
#include "netlink.h"

int cmd_rescan(const struct command *command, int argc, char **argv)
{
	return each_partition(command, argc, argv, netlink_rescan);
}
