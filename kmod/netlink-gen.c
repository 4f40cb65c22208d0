// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	uapi/bulkhead.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/bulkhead_netlink.h>

/* BULKHEAD_CMD_PART_GET - do */
static const struct nla_policy bulkhead_part_get_nl_policy[BULKHEAD_A_PART_ID + 1] = {
	[BULKHEAD_A_PART_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* BULKHEAD_CMD_PART_KILL - do */
static const struct nla_policy bulkhead_part_kill_nl_policy[BULKHEAD_A_PART_REASON + 1] = {
	[BULKHEAD_A_PART_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[BULKHEAD_A_PART_REASON] = NLA_POLICY_MAX(NLA_U32, 8),
};

/* BULKHEAD_CMD_PART_STOP - do */
static const struct nla_policy bulkhead_part_stop_nl_policy[BULKHEAD_A_PART_ID + 1] = {
	[BULKHEAD_A_PART_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* BULKHEAD_CMD_PART_RESCAN - do */
static const struct nla_policy bulkhead_part_rescan_nl_policy[BULKHEAD_A_PART_ID + 1] = {
	[BULKHEAD_A_PART_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* BULKHEAD_CMD_PART_SET - do */
static const struct nla_policy bulkhead_part_set_nl_policy[BULKHEAD_A_PART_MEMORY_TARGET + 1] = {
	[BULKHEAD_A_PART_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[BULKHEAD_A_PART_MEMORY_TARGET] = { .type = NLA_U64, },
};

/* Ops table for bulkhead */
static const struct genl_split_ops bulkhead_nl_ops[] = {
	{
		.cmd		= BULKHEAD_CMD_PART_GET,
		.pre_doit	= bulkhead_nl_part_pre,
		.doit		= bulkhead_nl_part_get_doit,
		.post_doit	= bulkhead_nl_part_post,
		.policy		= bulkhead_part_get_nl_policy,
		.maxattr	= BULKHEAD_A_PART_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= BULKHEAD_CMD_PART_GET,
		.dumpit	= bulkhead_nl_part_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= BULKHEAD_CMD_PART_KILL,
		.pre_doit	= bulkhead_nl_part_pre,
		.doit		= bulkhead_nl_part_kill_doit,
		.post_doit	= bulkhead_nl_part_post,
		.policy		= bulkhead_part_kill_nl_policy,
		.maxattr	= BULKHEAD_A_PART_REASON,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= BULKHEAD_CMD_PART_STOP,
		.pre_doit	= bulkhead_nl_part_pre,
		.doit		= bulkhead_nl_part_stop_doit,
		.post_doit	= bulkhead_nl_part_post,
		.policy		= bulkhead_part_stop_nl_policy,
		.maxattr	= BULKHEAD_A_PART_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= BULKHEAD_CMD_PART_RESCAN,
		.pre_doit	= bulkhead_nl_part_pre,
		.doit		= bulkhead_nl_part_rescan_doit,
		.post_doit	= bulkhead_nl_part_post,
		.policy		= bulkhead_part_rescan_nl_policy,
		.maxattr	= BULKHEAD_A_PART_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= BULKHEAD_CMD_PART_SET,
		.pre_doit	= bulkhead_nl_part_pre,
		.doit		= bulkhead_nl_part_set_doit,
		.post_doit	= bulkhead_nl_part_post,
		.policy		= bulkhead_part_set_nl_policy,
		.maxattr	= BULKHEAD_A_PART_MEMORY_TARGET,
		.flags		= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group bulkhead_nl_mcgrps[] = {
	[BULKHEAD_NLGRP_EVENTS] = { "events", },
};

struct genl_family bulkhead_nl_family __ro_after_init = {
	.name		= BULKHEAD_FAMILY_NAME,
	.version	= BULKHEAD_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= bulkhead_nl_ops,
	.n_split_ops	= ARRAY_SIZE(bulkhead_nl_ops),
	.mcgrps		= bulkhead_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(bulkhead_nl_mcgrps),
};
