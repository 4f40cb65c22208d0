// SPDX-License-Identifier: GPL-2.0-only
#include "net/counters.h"
#include "base/error.h"
#include "net/namespace.h"

#include <linux/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the kernel names a tap that stands for a guest by: its packets are counted already. */
#define TAP		"bhtap"

/* In the namespace. */
static int read_links(void *data)
{
	struct nl_cache **links = data;
	struct nl_sock *socket = nl_socket_alloc();
	int error = socket ? nl_connect(socket, NETLINK_ROUTE) : -NLE_NOMEM;

	if (!error)
		error = rtnl_link_alloc_cache(socket, AF_UNSPEC, links);
	if (socket)
		nl_socket_free(socket);
	return error ? fail("can't list interfaces: %s", nl_geterror(error)) : 0;
}

static void take(struct rtnl_link *link, struct frame_counters *counters)
{
	*counters = (struct frame_counters){
		.rx_bytes = rtnl_link_get_stat(link, RTNL_LINK_RX_BYTES),
		.rx_packets = rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS),
		.rx_errors = rtnl_link_get_stat(link, RTNL_LINK_RX_ERRORS),
		.rx_dropped = rtnl_link_get_stat(link, RTNL_LINK_RX_DROPPED),
		.tx_bytes = rtnl_link_get_stat(link, RTNL_LINK_TX_BYTES),
		.tx_packets = rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS),
		.tx_errors = rtnl_link_get_stat(link, RTNL_LINK_TX_ERRORS),
		.tx_dropped = rtnl_link_get_stat(link, RTNL_LINK_TX_DROPPED),
	};
	snprintf(counters->name, sizeof(counters->name), "%s", rtnl_link_get_name(link));
}

struct frame_counters *counters_read(int namespace, size_t *n)
{
	struct frame_counters *counters;
	struct nl_cache *links;

	*n = 0;
	if (namespace_run(namespace, read_links, &links))
		return NULL;
	counters = calloc(nl_cache_nitems(links) + 1, sizeof(*counters));
	if (!counters)
		fail_errno("no memory for counters");
	for (struct nl_object *object = nl_cache_get_first(links); counters && object;
	     object = nl_cache_get_next(object)) {
		struct rtnl_link *link = (struct rtnl_link *)object;
		const char *name = rtnl_link_get_name(link);

		if (!(rtnl_link_get_flags(link) & IFF_LOOPBACK) && name &&
		    strncmp(name, TAP, strlen(TAP)))
			take(link, &counters[(*n)++]);
	}
	nl_cache_free(links);
	return counters;
}
