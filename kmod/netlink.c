// SPDX-License-Identifier: GPL-2.0-only
/* The generic netlink family "bulkhead"; specified in uapi/bulkhead.yaml. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "bulkhead.h"
#include "kvm.h"
#include "netlink-gen.h"
#include "virtio/device.h"

/* Adds up the exits of all vCPUs. */
static void exits_sum(const struct bulkhead_part *part, struct bulkhead_exits *sum)
{
	unsigned int i;

	lockdep_assert_held(&part->state_lock);

	*sum = (struct bulkhead_exits){};
	for (i = 0; i < part->max_vcpus; i++)
		if (part->vcpus[i].kvm)
			bulkhead_kvm_vcpu_exits(part->vcpus[i].kvm, sum);
}

static int exits_put(struct sk_buff *skb, const struct bulkhead_part *part)
{
	struct bulkhead_exits sum;
	struct nlattr *nest;

	exits_sum(part, &sum);
	nest = nla_nest_start(skb, BULKHEAD_A_PART_EXITS);
	if (!nest ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_TOTAL, sum.total, 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_IO, sum.io, 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_MMIO, sum.mmio, 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_HALT, sum.halt, 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_IRQ, sum.irq, 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_IRQ_WINDOW, sum.irq_window, 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_SIGNAL, sum.signal, 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_UNCLAIMED,
			      atomic64_read(&part->unclaimed), 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_EXITS_RUNNER,
			      atomic64_read(&part->runner_exits), 0))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int device_put(struct sk_buff *skb, const struct bulkhead_virtio *dev)
{
	const struct bulkhead_virtio_count *count = &dev->count;
	struct nlattr *nest;

	nest = nla_nest_start(skb, BULKHEAD_A_PART_DEVICE);
	if (!nest ||
	    nla_put_u32(skb, BULKHEAD_A_DEVICE_SLOT, dev->slot) ||
	    nla_put_u32(skb, BULKHEAD_A_DEVICE_TYPE, dev->ops->id) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_DEVICE_KICKS, atomic64_read(&count->kicks), 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_DEVICE_INTERRUPTS,
			      atomic64_read(&count->interrupts), 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_DEVICE_REQUESTS,
			      atomic64_read(&count->requests), 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_DEVICE_BYTES, atomic64_read(&count->bytes), 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_DEVICE_ERRORS, atomic64_read(&count->errors), 0) ||
	    (bulkhead_virtio_has_failed(dev) && nla_put_flag(skb, BULKHEAD_A_DEVICE_FAILED)) ||
	    (bulkhead_virtio_link_is_down(dev) && nla_put_flag(skb, BULKHEAD_A_DEVICE_LINK_DOWN)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int devices_put(struct sk_buff *skb, const struct bulkhead_part *part)
{
	unsigned int i;
	int ret = 0;

	lockdep_assert_held(&part->state_lock);

	for (i = 0; i < part->nr_virtio && !ret; i++)
		ret = device_put(skb, part->virtio[i].dev);
	return ret;
}

static int stats_put(struct sk_buff *skb, const struct bulkhead_balloon_stats *stats)
{
	struct nlattr *nest;
	unsigned int tag;

	if (!stats->present)
		return 0;
	nest = nla_nest_start(skb, BULKHEAD_A_PART_BALLOON);
	if (!nest)
		return -EMSGSIZE;
	/* The attributes are in the order of the tags, which begin with zero. */
	for (tag = 0; tag < ARRAY_SIZE(stats->values); tag++)
		if ((stats->present & BIT(tag)) &&
		    nla_put_u64_64bit(skb, BULKHEAD_A_BALLOON_SWAP_IN + tag, stats->values[tag], 0))
			return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, BULKHEAD_A_BALLOON_AGE,
			      ktime_to_ns(ktime_sub(ktime_get(), stats->reported)), 0))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int balloon_put(struct sk_buff *skb, struct bulkhead_balloon *balloon)
{
	struct bulkhead_balloon_report report;

	if (!balloon)
		return 0;
	bulkhead_balloon_report(balloon, &report);
	if (nla_put_u64_64bit(skb, BULKHEAD_A_PART_MEMORY_TARGET, report.target, 0) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_PART_MEMORY_ACTUAL, report.actual, 0))
		return -EMSGSIZE;
	return stats_put(skb, &report.stats);
}

static u64 uptime(const struct bulkhead_part *part)
{
	ktime_t end = part->state == BULKHEAD_STATE_STOPPED ? part->stopped : ktime_get();

	return part->started ? ktime_to_ns(ktime_sub(end, part->started)) : 0;
}

static int stop_put(struct sk_buff *skb, const struct bulkhead_part *part)
{
	int exit_status = READ_ONCE(part->exit_status);

	if (part->state != BULKHEAD_STATE_STOPPED)
		return 0;
	if (nla_put_u32(skb, BULKHEAD_A_PART_REASON, part->reason))
		return -EMSGSIZE;
	return exit_status < 0 ? 0 : nla_put_u32(skb, BULKHEAD_A_PART_EXIT_STATUS, exit_status);
}

static int part_put(struct sk_buff *skb, const struct bulkhead_part *part)
{
	lockdep_assert_held(&part->state_lock);

	if (nla_put_u32(skb, BULKHEAD_A_PART_ID, part->id) ||
	    (part->name[0] && nla_put_string(skb, BULKHEAD_A_PART_NAME, part->name)) ||
	    nla_put_u32(skb, BULKHEAD_A_PART_STATE, part->state) ||
	    nla_put_u32(skb, BULKHEAD_A_PART_OWNER, from_kuid(&init_user_ns, part->owner)) ||
	    nla_put_u32(skb, BULKHEAD_A_PART_RUNNER, pid_nr(part->runner)) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_PART_MEMORY, part->memory, 0) ||
	    nla_put_u32(skb, BULKHEAD_A_PART_VCPUS, part->nr_vcpus) ||
	    nla_put_u64_64bit(skb, BULKHEAD_A_PART_UPTIME, uptime(part), 0) ||
	    nla_put_u32(skb, BULKHEAD_A_PART_CID, BULKHEAD_CID_BASE + part->id) ||
	    stop_put(skb, part) || balloon_put(skb, part->balloon))
		return -EMSGSIZE;
	return exits_put(skb, part) ?: devices_put(skb, part);
}

static bool is_permitted(const struct bulkhead_part *part, struct sk_buff *skb)
{
	return uid_eq(part->owner, NETLINK_CREDS(skb)->uid) || netlink_capable(skb, CAP_SYS_ADMIN);
}

/**
 * bulkhead_nl_part_pre - look up the partition that a request is about
 * @ops: the operation
 * @skb: the request
 * @info: the request, parsed; user_ptr[0] becomes the partition
 *
 * Return: 0, or an error with a message in the extended ack.
 */
int bulkhead_nl_part_pre(const struct genl_split_ops *ops, struct sk_buff *skb,
			 struct genl_info *info)
{
	struct bulkhead_part *part;
	u32 id;

	if (GENL_REQ_ATTR_CHECK(info, BULKHEAD_A_PART_ID)) {
		GENL_SET_ERR_MSG(info, "attribute id is missing; name the partition by its id");
		return -EINVAL;
	}
	id = nla_get_u32(info->attrs[BULKHEAD_A_PART_ID]);
	part = bulkhead_part_find(id);
	if (IS_ERR(part)) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, info->attrs[BULKHEAD_A_PART_ID],
					"no partition has id %u", id);
		return PTR_ERR(part);
	}
	if (!is_permitted(part, skb)) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, info->attrs[BULKHEAD_A_PART_ID],
					"partition %u is another user's; CAP_SYS_ADMIN is needed",
					id);
		bulkhead_part_put(part);
		return -EPERM;
	}
	info->user_ptr[0] = part;
	return 0;
}

/**
 * bulkhead_nl_part_post - put what bulkhead_nl_part_pre() found
 * @ops: the operation
 * @skb: the request
 * @info: the request, parsed
 */
void bulkhead_nl_part_post(const struct genl_split_ops *ops, struct sk_buff *skb,
			   struct genl_info *info)
{
	bulkhead_part_put(info->user_ptr[0]);
}

/**
 * bulkhead_nl_part_get_doit - operation part-get of one partition
 * @skb: the request
 * @info: the request, parsed
 *
 * Return: 0 or an error as specified.
 */
int bulkhead_nl_part_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct bulkhead_part *part = info->user_ptr[0];
	struct sk_buff *reply;
	void *header;
	int ret;

	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	header = genlmsg_iput(reply, info);
	ret = header ? 0 : -EMSGSIZE;

	if (!ret) {
		guard(mutex)(&part->state_lock);
		if (!part->kvm) {
			NL_SET_ERR_MSG_FMT(info->extack, "partition %u is gone", part->id);
			ret = -ENODEV;
		} else {
			ret = part_put(reply, part);
			if (part->balloon)
				bulkhead_balloon_stats_ask(part->balloon);
		}
	}
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

/* Adds a partition to a dump. */
static int dump_one(struct sk_buff *skb, struct netlink_callback *cb, struct bulkhead_part *part)
{
	void *header;

	guard(mutex)(&part->state_lock);
	if (!part->kvm || !is_permitted(part, cb->skb))
		return 0;

	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			     &bulkhead_nl_family, NLM_F_MULTI, BULKHEAD_CMD_PART_GET);
	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	if (part_put(skb, part)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/**
 * bulkhead_nl_part_get_dumpit - operation part-get of all partitions
 * @skb: the reply
 * @cb: state of the dump; args[0] is the id to go on with
 *
 * Return: 0 at the end, the length of the reply if there is more.
 */
int bulkhead_nl_part_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct bulkhead_part *part;
	unsigned long id = cb->args[0];
	int ret = 0;

	cb->seq = bulkhead_part_generation();
	while ((part = bulkhead_part_next(&id))) {
		ret = dump_one(skb, cb, part);
		bulkhead_part_put(part);
		if (ret)
			break;
		id++;
	}
	cb->args[0] = id;
	return ret ? skb->len : 0;
}

/**
 * bulkhead_nl_part_kill_doit - operation part-kill
 * @skb: the request
 * @info: the request, parsed
 *
 * Return: 0 or an error as specified.
 */
int bulkhead_nl_part_kill_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[BULKHEAD_A_PART_REASON];
	u32 reason = attr ? nla_get_u32(attr) : BULKHEAD_REASON_KILLED;
	struct bulkhead_part *part = info->user_ptr[0];
	int ret;

	if (reason != BULKHEAD_REASON_KILLED && reason != BULKHEAD_REASON_UNRESPONSIVE) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "reason must be killed or unresponsive");
		return -EINVAL;
	}
	ret = bulkhead_part_stop(part, reason);
	if (ret)
		NL_SET_ERR_MSG_FMT(info->extack, "partition %u has stopped already", part->id);
	return ret;
}

/**
 * bulkhead_nl_part_stop_doit - operation part-stop
 * @skb: the request
 * @info: the request, parsed
 *
 * Return: 0 or an error as specified.
 */
int bulkhead_nl_part_stop_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct bulkhead_part *part = info->user_ptr[0];
	int ret;

	ret = bulkhead_button_press(part);
	if (ret == -ENXIO)
		NL_SET_ERR_MSG_FMT(info->extack, "partition %u has no power button", part->id);
	else if (ret)
		NL_SET_ERR_MSG_FMT(info->extack, "partition %u has stopped already", part->id);
	return ret;
}

/**
 * bulkhead_nl_part_rescan_doit - operation part-rescan
 * @skb: the request
 * @info: the request, parsed
 *
 * Return: 0 or an error as specified; the other disks are looked at all the same.
 */
int bulkhead_nl_part_rescan_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct bulkhead_part *part = info->user_ptr[0];
	unsigned int i, n;
	int ret = 0, err;

	if (bulkhead_part_is_stopped(part)) {
		NL_SET_ERR_MSG_FMT(info->extack, "partition %u has stopped", part->id);
		return -EBUSY;
	}
	/* No lock: a backing may take long to answer. Devices stay as long as the reference. */
	scoped_guard(mutex, &part->state_lock)
		n = part->nr_virtio;
	for (i = 0; i < n; i++) {
		err = bulkhead_disk_rescan(part->virtio[i].dev);
		if (err) {
			NL_SET_ERR_MSG_FMT(info->extack,
					   "the backing of device %u doesn't tell its size", i);
			ret = err;
		}
	}
	return ret;
}

static int memory_target_set(struct bulkhead_part *part, struct genl_info *info,
			     const struct nlattr *attr)
{
	u64 min = min_t(u64, part->memory, BULKHEAD_MEMORY_TARGET_MIN);
	u64 target = nla_get_u64(attr);

	lockdep_assert_held(&part->state_lock);

	if (!part->balloon) {
		NL_SET_ERR_MSG_FMT(info->extack, "partition %u has no balloon", part->id);
		return -ENXIO;
	}
	if (target < min || target > part->memory) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr,
					"memory-target must be from %llu to %llu", min,
					part->memory);
		return -ERANGE;
	}
	if (!IS_ALIGNED(target, PAGE_SIZE)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "memory-target must be a multiple of 4096");
		return -EINVAL;
	}
	if (!bulkhead_balloon_is_ready(part->balloon)) {
		NL_SET_ERR_MSG_FMT(info->extack,
				   "partition %u: no driver for the balloon in the guest",
				   part->id);
		return -EBUSY;
	}
	bulkhead_balloon_target_set(part->balloon, target);
	return 0;
}

/**
 * bulkhead_nl_part_set_doit - operation part-set
 * @skb: the request
 * @info: the request, parsed
 *
 * Return: 0 or an error as specified.
 */
int bulkhead_nl_part_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *target = info->attrs[BULKHEAD_A_PART_MEMORY_TARGET];
	struct bulkhead_part *part = info->user_ptr[0];

	if (!target) {
		NL_SET_ERR_MSG(info->extack, "nothing to set; give memory-target");
		return -EINVAL;
	}
	guard(mutex)(&part->state_lock);
	if (part->state != BULKHEAD_STATE_RUNNING) {
		NL_SET_ERR_MSG_FMT(info->extack, "partition %u isn't running", part->id);
		return -EBUSY;
	}
	return memory_target_set(part, info, target);
}

/*
 * Whether a listener is to be spared an event: it isn't the owner's, nor that of an
 * administrator.
 */
static int event_filter(struct sock *listener, struct sk_buff *skb, void *data)
{
	const struct bulkhead_part *part = data;
	bool admin = false;

	if (uid_eq(part->owner, READ_ONCE(listener->sk_uid)))
		return 0;
	read_lock_bh(&listener->sk_callback_lock);
	if (listener->sk_socket && listener->sk_socket->file)
		admin = file_ns_capable(listener->sk_socket->file, &init_user_ns, CAP_SYS_ADMIN);
	read_unlock_bh(&listener->sk_callback_lock);
	return !admin;
}

/**
 * bulkhead_netlink_notify - send an event
 * @part: the partition; state_lock held
 * @cmd: what happened
 *
 * An event that can't be sent for lack of memory is lost; its listeners are told by ENOBUFS.
 */
void bulkhead_netlink_notify(struct bulkhead_part *part, u8 cmd)
{
	struct sk_buff *skb;
	void *header;

	lockdep_assert_held(&part->state_lock);

	if (!genl_has_listeners(&bulkhead_nl_family, &init_net, BULKHEAD_NLGRP_EVENTS))
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		goto lost;
	header = genlmsg_put(skb, 0, 0, &bulkhead_nl_family, 0, cmd);
	if (!header || part_put(skb, part))
		goto lost;
	genlmsg_end(skb, header);
	genlmsg_multicast_netns_filtered(&bulkhead_nl_family, &init_net, skb, 0,
					 BULKHEAD_NLGRP_EVENTS, GFP_KERNEL, event_filter, part);
	return;

lost:
	nlmsg_free(skb);
	genl_set_err(&bulkhead_nl_family, &init_net, 0, BULKHEAD_NLGRP_EVENTS, -ENOBUFS);
}

/**
 * bulkhead_netlink_init - register the family
 *
 * Return: 0 or an error of genl_register_family().
 */
int bulkhead_netlink_init(void)
{
	return genl_register_family(&bulkhead_nl_family);
}

/**
 * bulkhead_netlink_exit - unregister the family; no operation runs afterwards
 */
void bulkhead_netlink_exit(void)
{
	genl_unregister_family(&bulkhead_nl_family);
}
