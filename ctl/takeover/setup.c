// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtnetlink(7). What the namespace's kernel says of its interfaces, addresses, routes, rules and
 * permanent neighbours is what the guest's kernel is asked for: the messages are the same.
 */
#include "takeover/private.h"
#include "base/error.h"
#include "util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The namespace changes while it is read. One that never stops is somebody's joke. */
#define TRIES		16

/* Priorities of the rules that every namespace has. */
#define RULE_LOCAL	0
#define RULE_MAIN	32766
#define RULE_DEFAULT	32767

/* In this order the guest's kernel takes them: what one needs comes before it. */
enum part {
	LINKS,
	ADDRESSES,
	ROUTES,			/* to what is on a link */
	ROUTES_VIA,		/* by a gateway, to which there has to be a route */
	RULES,
	NEIGHBOURS,
	N_PARTS,
};

struct buffer {
	uint8_t *data;
	size_t length;
};

struct reading {
	struct takeover *takeover;
	struct buffer parts[N_PARTS];
	int loopback;		/* its number */
	int error;		/* -1 with an error, once there is one */
};

static void *append(struct reading *reading, enum part part, const void *data, size_t length)
{
	struct buffer *buffer = &reading->parts[part];
	uint8_t *more = realloc(buffer->data, buffer->length + NLMSG_ALIGN(length));

	if (!more) {
		reading->error = fail_errno("no memory for the network's set-up");
		return NULL;
	}
	buffer->data = more;
	more += buffer->length;
	buffer->length += NLMSG_ALIGN(length);
	memset(more, 0, NLMSG_ALIGN(length));
	return memcpy(more, data, length);
}

/* What was said is to be asked for. Of routes that differ in their interface, all are wanted. */
static struct nlmsghdr *append_message(struct reading *reading, enum part part,
				       const struct nlmsghdr *message)
{
	struct nlmsghdr *copy = append(reading, part, message, message->nlmsg_len);

	if (!copy)
		return NULL;
	copy->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND;
	copy->nlmsg_seq = 0;
	copy->nlmsg_pid = 0;
	return copy;
}

/* Interfaces that are left out, being down, have no part in anything else either. */
static bool is_known(const struct reading *reading, uint32_t index)
{
	const struct takeover *takeover = reading->takeover;

	for (unsigned int i = 0; i < takeover->n; i++)
		if (takeover->interfaces[i].guest.index == index)
			return true;
	return index == (uint32_t)reading->loopback;
}

static void append_link(struct reading *reading, const struct ifinfomsg *link, uint32_t mtu)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
		struct nlattr mtu_header;
		uint32_t mtu;
	} message = {
		.header = { .nlmsg_len = sizeof(message), .nlmsg_type = RTM_NEWLINK },
		.link = {
			.ifi_index = link->ifi_index,
			.ifi_flags = link->ifi_flags & IFF_UP,
			.ifi_change = IFF_UP,
		},
		.mtu_header = { .nla_len = NLA_HDRLEN + sizeof(mtu), .nla_type = IFLA_MTU },
		.mtu = mtu,
	};
	struct nlmsghdr *copy = append_message(reading, LINKS, &message.header);

	/* It is there already. */
	if (copy)
		copy->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
}

static int add_interface(struct reading *reading, const struct ifinfomsg *link,
			 struct nlattr **attrs, const char *name)
{
	struct takeover *takeover = reading->takeover;
	struct interface *interfaces = reallocarray(takeover->interfaces, takeover->n + 1,
						    sizeof(*interfaces));
	struct interface *interface;

	if (!interfaces)
		return fail_errno("no memory for the network's interfaces");
	takeover->interfaces = interfaces;
	interface = &interfaces[takeover->n];
	*interface = (struct interface){
		.guest.index = link->ifi_index,
		.mtu = nla_get_u32(attrs[IFLA_MTU]),
		.up = (link->ifi_flags & IFF_UP) && (link->ifi_flags & IFF_LOWER_UP),
	};
	for (size_t i = 0; i < ARRAY_SIZE(interface->queues); i++)
		interface->queues[i] = -1;
	snprintf(interface->guest.name, sizeof(interface->guest.name), "%s", name);
	if (!attrs[IFLA_ADDRESS] ||
	    nla_len(attrs[IFLA_ADDRESS]) != sizeof(interface->guest.mac))
		return fail("%s: has no Ethernet address", name);
	memcpy(interface->guest.mac, nla_data(attrs[IFLA_ADDRESS]), sizeof(interface->guest.mac));
	takeover->n++;
	return 0;
}

static int read_link(struct reading *reading, struct nlmsghdr *message)
{
	const struct ifinfomsg *link = nlmsg_data(message);
	struct nlattr *attrs[IFLA_MAX + 1];
	const char *name;

	if (nlmsg_parse(message, sizeof(*link), attrs, IFLA_MAX, NULL) || !attrs[IFLA_IFNAME] ||
	    !attrs[IFLA_MTU])
		return 0;
	name = nla_get_string(attrs[IFLA_IFNAME]);
	if (link->ifi_flags & IFF_LOOPBACK)
		reading->loopback = link->ifi_index;
	else if (link->ifi_type == ARPHRD_ETHER && add_interface(reading, link, attrs, name))
		return -1;
	else if (link->ifi_type != ARPHRD_ETHER && (link->ifi_flags & IFF_UP))
		return fail("%s: not an Ethernet interface, which is all that a partition can have;"
			    " set it down, or use --isolation=process", name);
	if (is_known(reading, link->ifi_index))
		append_link(reading, link, nla_get_u32(attrs[IFLA_MTU]));
	return 0;
}

static int read_address(struct reading *reading, struct nlmsghdr *message)
{
	const struct ifaddrmsg *address = nlmsg_data(message);

	if (is_known(reading, address->ifa_index) && !(address->ifa_flags & IFA_F_DADFAILED))
		append_message(reading, ADDRESSES, message);
	return 0;
}

/* Of a next hop, the kernel takes but these back. */
#define HOP_FLAGS	(RTNH_F_ONLINK | RTNH_F_PERVASIVE)

static bool clean_hops(const struct reading *reading, struct nlattr *multipath)
{
	struct rtnexthop *hop = nla_data(multipath);
	int left = nla_len(multipath);

	for (; RTNH_OK(hop, left); left -= NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		hop->rtnh_flags &= HOP_FLAGS;
		if (!is_known(reading, hop->rtnh_ifindex))
			return false;
	}
	return true;
}

static int read_route(struct reading *reading, struct nlmsghdr *message)
{
	struct rtmsg *route = nlmsg_data(message);
	struct nlattr *attrs[RTA_MAX + 1];
	bool is_via;

	if (nlmsg_parse(message, sizeof(*route), attrs, RTA_MAX, NULL))
		return 0;
	/* The kernel makes those of the local table by itself, as it does those in the cache. */
	if (route->rtm_table == RT_TABLE_LOCAL || (route->rtm_flags & RTM_F_CLONED))
		return 0;
	if (attrs[RTA_OIF] && !is_known(reading, nla_get_u32(attrs[RTA_OIF])))
		return 0;
	if (attrs[RTA_MULTIPATH] && !clean_hops(reading, attrs[RTA_MULTIPATH]))
		return 0;
	route->rtm_flags &= HOP_FLAGS;
	is_via = attrs[RTA_GATEWAY] || attrs[RTA_VIA] || attrs[RTA_MULTIPATH];
	append_message(reading, is_via ? ROUTES_VIA : ROUTES, message);
	return 0;
}

static int read_rule(struct reading *reading, struct nlmsghdr *message)
{
	struct nlattr *attrs[FRA_MAX + 1];
	uint32_t priority;

	if (nlmsg_parse(message, sizeof(struct fib_rule_hdr), attrs, FRA_MAX, NULL))
		return 0;
	priority = attrs[FRA_PRIORITY] ? nla_get_u32(attrs[FRA_PRIORITY]) : RULE_LOCAL;
	if (priority != RULE_LOCAL && priority != RULE_MAIN && priority != RULE_DEFAULT)
		append_message(reading, RULES, message);
	return 0;
}

static int read_neighbour(struct reading *reading, struct nlmsghdr *message)
{
	const struct ndmsg *neighbour = nlmsg_data(message);

	/* The guest finds the others by itself. */
	if (is_known(reading, neighbour->ndm_ifindex) && (neighbour->ndm_state & NUD_PERMANENT))
		append_message(reading, NEIGHBOURS, message);
	return 0;
}

/* What is asked for, in this order: links first, for the others are of those that are known. */
static const struct {
	int type;
	unsigned char family;
	size_t header;
	int (*read)(struct reading *reading, struct nlmsghdr *message);
} dumps[] = {
	{ RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), read_link },
	{ RTM_GETADDR, AF_INET, sizeof(struct ifaddrmsg), read_address },
	{ RTM_GETADDR, AF_INET6, sizeof(struct ifaddrmsg), read_address },
	{ RTM_GETROUTE, AF_INET, sizeof(struct rtmsg), read_route },
	{ RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg), read_route },
	{ RTM_GETRULE, AF_INET, sizeof(struct fib_rule_hdr), read_rule },
	{ RTM_GETRULE, AF_INET6, sizeof(struct fib_rule_hdr), read_rule },
	{ RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg), read_neighbour },
	{ RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg), read_neighbour },
};

struct dumping {
	struct reading *reading;
	int (*read)(struct reading *reading, struct nlmsghdr *message);
};

static int take(struct nl_msg *message, void *data)
{
	struct dumping *dumping = data;
	struct reading *reading = dumping->reading;

	if (!reading->error && dumping->read(reading, nlmsg_hdr(message)))
		reading->error = -1;
	return NL_OK;
}

static int dump(struct reading *reading, size_t i)
{
	/* Each of these headers begins with the family. */
	unsigned char header[sizeof(struct ifinfomsg)] = { dumps[i].family };
	struct nl_sock *socket = reading->takeover->socket;
	struct dumping dumping = { reading, dumps[i].read };
	int error;

	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take, &dumping);
	error = nl_send_simple(socket, dumps[i].type, NLM_F_DUMP, header, dumps[i].header);
	if (error >= 0)
		error = nl_recvmsgs_default(socket);
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	/* A kernel without IPv6 has nothing to say of it. */
	if (error == -NLE_OPNOTSUPP || error == -NLE_AF_NOSUPPORT)
		return 0;
	return error;
}

static void forget(struct reading *reading)
{
	struct takeover *takeover = reading->takeover;

	for (size_t i = 0; i < N_PARTS; i++)
		free(reading->parts[i].data);
	free(takeover->interfaces);
	takeover->interfaces = NULL;
	takeover->n = 0;
}

/* Returns 0, -1 with an error, or 1 if something changed meanwhile. */
static int read_all(struct reading *reading)
{
	for (size_t i = 0; i < ARRAY_SIZE(dumps); i++) {
		int error = dump(reading, i);

		if (error == -NLE_DUMP_INTR)
			return 1;
		if (error < 0)
			return takeover_error("can't read how the namespace is set up", error);
		if (reading->error)
			return -1;
	}
	return 0;
}

static int join(struct reading *reading)
{
	struct takeover *takeover = reading->takeover;
	size_t length = 0;

	for (size_t i = 0; i < N_PARTS; i++)
		length += reading->parts[i].length;
	takeover->setup = malloc(length + 1);
	if (!takeover->setup)
		return fail_errno("no memory for the network's set-up");
	for (size_t i = 0; i < N_PARTS; i++) {
		const struct buffer *part = &reading->parts[i];

		if (part->length)
			memcpy(takeover->setup + takeover->setup_length, part->data, part->length);
		takeover->setup_length += part->length;
		free(part->data);
	}
	return 0;
}

int setup_read(struct takeover *takeover)
{
	for (int i = 0; i < TRIES; i++) {
		struct reading reading = { .takeover = takeover };
		int result = read_all(&reading);

		if (!result)
			return join(&reading);
		forget(&reading);
		if (result < 0)
			return -1;
	}
	return fail("the network namespace doesn't stop changing");
}
