// SPDX-License-Identifier: GPL-2.0-only
/*
 * What arrives at one interface is sent by the other, both ways: tc-mirred(8). Both have an ingress
 * qdisc for it. That of the tap ends with the tap; that of the namespace's own interface stays if
 * its redirection isn't removed, and then it drops all that arrives.
 */
#include "takeover/private.h"
#include "base/error.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/route/act/mirred.h>
#include <netlink/route/action.h>
#include <netlink/route/classifier.h>
#include <netlink/route/cls/matchall.h>
#include <netlink/route/qdisc.h>

#define INGRESS		TC_H_MAKE(TC_H_INGRESS, 0)

/* By this handle of the filter, our own are known. */
#define HANDLE		0x42554c4b

static struct rtnl_qdisc *make_qdisc(int index)
{
	struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();

	if (!qdisc)
		return NULL;
	rtnl_tc_set_ifindex(TC_CAST(qdisc), index);
	rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_INGRESS);
	rtnl_tc_set_handle(TC_CAST(qdisc), INGRESS);
	if (!rtnl_tc_set_kind(TC_CAST(qdisc), "ingress"))
		return qdisc;
	rtnl_qdisc_put(qdisc);
	return NULL;
}

static int add_qdisc(struct nl_sock *socket, int index)
{
	struct rtnl_qdisc *qdisc = make_qdisc(index);
	int error = qdisc ? rtnl_qdisc_add(socket, qdisc, NLM_F_CREATE | NLM_F_EXCL) : -NLE_NOMEM;

	if (qdisc)
		rtnl_qdisc_put(qdisc);
	return error;
}

static int remove_qdisc(struct nl_sock *socket, int index)
{
	struct rtnl_qdisc *qdisc = make_qdisc(index);
	int error = qdisc ? rtnl_qdisc_delete(socket, qdisc) : -NLE_NOMEM;

	if (qdisc)
		rtnl_qdisc_put(qdisc);
	return error;
}

static struct rtnl_act *make_action(int to)
{
	struct rtnl_act *action = rtnl_act_alloc();

	if (!action)
		return NULL;
	if (!rtnl_tc_set_kind(TC_CAST(action), "mirred") &&
	    !rtnl_mirred_set_action(action, TCA_EGRESS_REDIR) &&
	    !rtnl_mirred_set_policy(action, TC_ACT_STOLEN) &&
	    !rtnl_mirred_set_ifindex(action, to))
		return action;
	rtnl_act_put(action);
	return NULL;
}

static int add_filter(struct nl_sock *socket, int from, int to)
{
	struct rtnl_cls *filter = rtnl_cls_alloc();
	struct rtnl_act *action = make_action(to);
	int error = -NLE_NOMEM;

	if (filter && action) {
		rtnl_tc_set_ifindex(TC_CAST(filter), from);
		rtnl_tc_set_parent(TC_CAST(filter), INGRESS);
		rtnl_tc_set_handle(TC_CAST(filter), HANDLE);
		rtnl_cls_set_protocol(filter, ETH_P_ALL);
		rtnl_cls_set_prio(filter, 1);
		error = rtnl_tc_set_kind(TC_CAST(filter), "matchall");
	}
	if (!error)
		error = rtnl_mall_append_action(filter, action);
	if (!error)
		error = rtnl_cls_add(socket, filter, NLM_F_CREATE | NLM_F_EXCL);
	if (filter)
		rtnl_cls_put(filter);
	if (action)
		rtnl_act_put(action);
	return error;
}

/* The tap that a filter of ours sends to: 0 if it is gone, -1 if the filter isn't ours. */
static int find_target(struct rtnl_cls *filter)
{
	struct rtnl_act *action;
	const char *kind = rtnl_tc_get_kind(TC_CAST(filter));
	int target;

	if (!kind || strcmp(kind, "matchall") || rtnl_tc_get_handle(TC_CAST(filter)) != HANDLE)
		return -1;
	action = rtnl_mall_get_first_action(filter);
	if (!action)
		return -1;
	target = rtnl_mirred_get_ifindex(action);
	rtnl_act_put(action);
	return target;
}

/* As find_target(), for whatever is at the interface's ingress. */
static int find_redirection(struct nl_sock *socket, int index)
{
	struct nl_cache *filters;
	int target = -1;

	if (rtnl_cls_alloc_cache(socket, index, INGRESS, &filters))
		return -1;
	for (struct nl_object *filter = nl_cache_get_first(filters); filter && target < 0;
	     filter = nl_cache_get_next(filter))
		target = find_target((struct rtnl_cls *)filter);
	nl_cache_free(filters);
	return target;
}

bool redirect_sweep(struct nl_sock *socket, int index, bool any)
{
	int target = find_redirection(socket, index);

	return (any ? target >= 0 : !target) && !remove_qdisc(socket, index);
}

static int join(struct nl_sock *socket, const char *name, int from, int to)
{
	int error = add_qdisc(socket, from);

	if (error == -NLE_EXIST && redirect_sweep(socket, from, false))
		error = add_qdisc(socket, from);
	if (error == -NLE_EXIST)
		return fail("%s: another partition has it, or it has an ingress qdisc already",
			    name);
	if (error == -NLE_OBJ_NOTFOUND)
		return fail("%s: no ingress qdisc in this host's kernel; modprobe sch_ingress",
			    name);
	if (error)
		return takeover_error(name, error);
	error = add_filter(socket, from, to);
	if (!error)
		return 0;
	remove_qdisc(socket, from);
	if (error == -NLE_OBJ_NOTFOUND)
		return fail("%s: this host's kernel can't redirect packets; modprobe -a %s", name,
			    "cls_matchall act_mirred");
	return takeover_error(name, error);
}

int redirect_add(struct takeover *takeover, struct interface *interface)
{
	const int index = interface->guest.index;

	if (join(takeover->socket, interface->guest.name, interface->tap, index) ||
	    join(takeover->socket, interface->guest.name, index, interface->tap))
		return -1;
	interface->redirected = true;
	return 0;
}

void redirect_remove(struct takeover *takeover, const struct interface *interface)
{
	if (interface->redirected)
		remove_qdisc(takeover->socket, interface->guest.index);
}
