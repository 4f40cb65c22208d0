/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	uapi/bulkhead.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_BULKHEAD_GEN_H
#define _LINUX_BULKHEAD_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/bulkhead_netlink.h>

int bulkhead_nl_part_pre(const struct genl_split_ops *ops, struct sk_buff *skb,
			 struct genl_info *info);
void
bulkhead_nl_part_post(const struct genl_split_ops *ops, struct sk_buff *skb,
		      struct genl_info *info);

int bulkhead_nl_part_get_doit(struct sk_buff *skb, struct genl_info *info);
int bulkhead_nl_part_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int bulkhead_nl_part_kill_doit(struct sk_buff *skb, struct genl_info *info);
int bulkhead_nl_part_stop_doit(struct sk_buff *skb, struct genl_info *info);
int bulkhead_nl_part_rescan_doit(struct sk_buff *skb, struct genl_info *info);
int bulkhead_nl_part_set_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	BULKHEAD_NLGRP_EVENTS,
};

extern struct genl_family bulkhead_nl_family;

#endif /* _LINUX_BULKHEAD_GEN_H */
