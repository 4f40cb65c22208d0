/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to the netlink family, for tests, and what comes back. */
#ifndef SELFTESTS_REQUEST_H
#define SELFTESTS_REQUEST_H

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>

#include "guest.h"

/* What an answer or an event says of one partition. */
struct part {
	int cmd;
	struct nlattr *attrs[BULKHEAD_A_PART_MAX + 1];
	struct nlattr *exits[BULKHEAD_A_EXITS_MAX + 1];
	struct nl_msg *msg;
};

struct answer {
	struct part parts[256];
	unsigned int count;
	bool done;
	int error;
	int attr_offset;
	char message[128];
};

static inline int on_valid(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;
	struct part *part = &answer->parts[answer->count++];

	nlmsg_get(msg);
	part->msg = msg;
	part->cmd = genlmsg_hdr(nlmsg_hdr(msg))->cmd;
	genlmsg_parse(nlmsg_hdr(msg), 0, part->attrs, BULKHEAD_A_PART_MAX, NULL);
	if (part->attrs[BULKHEAD_A_PART_EXITS])
		nla_parse_nested(part->exits, BULKHEAD_A_EXITS_MAX,
				 part->attrs[BULKHEAD_A_PART_EXITS], NULL);
	return NL_OK;
}

/* Takes the message and the offset of the attribute at fault out of the extended ack. */
static inline int on_error(struct sockaddr_nl *who, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1] = { };
	struct answer *answer = arg;
	int skip = sizeof(*err);

	answer->error = err->error;
	answer->done = true;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += err->msg.nlmsg_len - NLMSG_HDRLEN;
	if (header->nlmsg_flags & NLM_F_ACK_TLVS)
		nla_parse(attrs, NLMSGERR_ATTR_MAX, (struct nlattr *)((char *)err + skip),
			  header->nlmsg_len - NLMSG_HDRLEN - skip, NULL);
	if (attrs[NLMSGERR_ATTR_MSG])
		snprintf(answer->message, sizeof(answer->message), "%s",
			 nla_get_string(attrs[NLMSGERR_ATTR_MSG]));
	if (attrs[NLMSGERR_ATTR_OFFS])
		answer->attr_offset = nla_get_u32(attrs[NLMSGERR_ATTR_OFFS]);
	return NL_STOP;
}

static inline int on_ack(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	answer->done = true;
	return NL_STOP;
}

static inline void answer_clear(struct answer *answer)
{
	while (answer->count)
		nlmsg_free(answer->parts[--answer->count].msg);
	memset(answer, 0, sizeof(*answer));
}

static inline struct nl_sock *sock_open(int *family, struct answer *answer)
{
	struct nl_sock *sock = nl_socket_alloc();
	int one = 1;

	if (!sock || genl_connect(sock))
		return NULL;
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	*family = genl_ctrl_resolve(sock, BULKHEAD_FAMILY_NAME);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_valid, answer);
	nl_socket_modify_cb(sock, NL_CB_ACK, NL_CB_CUSTOM, on_ack, answer);
	nl_socket_modify_cb(sock, NL_CB_FINISH, NL_CB_CUSTOM, on_ack, answer);
	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, on_error, answer);
	return *family < 0 ? NULL : sock;
}

static inline struct nl_msg *request(int family, int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 0, 0, family, 0, flags, cmd, BULKHEAD_FAMILY_VERSION);
	return msg;
}

static inline int send_request(struct nl_sock *sock, struct nl_msg *msg, struct answer *answer)
{
	answer_clear(answer);
	nl_send_auto(sock, msg);
	nlmsg_free(msg);
	while (!answer->done && nl_recvmsgs_default(sock) >= 0)
		;
	return answer->error;
}

static inline int by_id(struct nl_sock *sock, int family, int cmd, __u32 id, struct answer *answer)
{
	struct nl_msg *msg = request(family, cmd, NLM_F_ACK);

	nla_put_u32(msg, BULKHEAD_A_PART_ID, id);
	return send_request(sock, msg, answer);
}

static inline unsigned long exits(const struct part *part, int attr)
{
	return part->exits[attr] ? nla_get_u64(part->exits[attr]) : -1UL;
}

/* The next event within a deadline, or NULL. */
static inline struct part *next_event(struct nl_sock *sock, struct answer *answer,
				      int deadline_ms)
{
	struct pollfd pollfd = { .fd = nl_socket_get_fd(sock), .events = POLLIN };

	answer_clear(answer);
	if (poll(&pollfd, 1, deadline_ms) != 1 || nl_recvmsgs_default(sock) < 0)
		return NULL;
	return answer->count == 1 ? &answer->parts[0] : NULL;
}

static inline struct nl_sock *events_open(struct answer *answer)
{
	int family;
	struct nl_sock *sock = sock_open(&family, answer);
	int group = genl_ctrl_resolve_grp(sock, BULKHEAD_FAMILY_NAME, BULKHEAD_MCGRP_EVENTS);

	nl_socket_disable_seq_check(sock);
	return nl_socket_add_membership(sock, group) ? NULL : sock;
}

#endif
