// SPDX-License-Identifier: GPL-2.0-only
#include "takeover/private.h"
#include "base/error.h"
#include "net/namespace.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int takeover_error(const char *what, int error)
{
	errno = EIO;
	return fail("%s: %s", what, nl_geterror(error));
}

static struct nl_sock *open_socket(void)
{
	struct nl_sock *socket = nl_socket_alloc();
	int error = socket ? nl_connect(socket, NETLINK_ROUTE) : -NLE_NOMEM;

	if (!error)
		return socket;
	takeover_error("no rtnetlink", error);
	if (socket)
		nl_socket_free(socket);
	return NULL;
}

static int open_news(struct takeover *takeover)
{
	int error;

	takeover->news = open_socket();
	if (!takeover->news)
		return -1;
	error = nl_socket_add_memberships(takeover->news, RTNLGRP_LINK, RTNLGRP_NONE);
	if (!error)
		error = nl_socket_set_nonblocking(takeover->news);
	return error ? takeover_error("no news of the network", error) : 0;
}

/* In the namespace. */
static int take(void *data)
{
	struct takeover *takeover = data;

	takeover->socket = open_socket();
	if (!takeover->socket || open_news(takeover) || setup_read(takeover))
		return -1;
	for (unsigned int i = 0; i < takeover->n; i++)
		if (tap_create(takeover, &takeover->interfaces[i]))
			return -1;
	return 0;
}

int takeover_begin(struct takeover *takeover, int namespace, unsigned int pairs)
{
	*takeover = (struct takeover){
		.pairs = pairs < NET_PAIRS_MAX ? pairs : NET_PAIRS_MAX,
	};
	if (namespace_run(namespace, take, takeover))
		goto error;
	for (unsigned int i = 0; i < takeover->n; i++)
		if (redirect_add(takeover, &takeover->interfaces[i]))
			goto error;
	return 0;
error:
	error_prefix("network");
	takeover_end(takeover);
	for (unsigned int i = 0; i < takeover->n; i++)
		for (unsigned int j = 0; j < NET_PAIRS_MAX; j++)
			if (takeover->interfaces[i].queues[j] >= 0)
				close(takeover->interfaces[i].queues[j]);
	return -1;
}

void takeover_end(struct takeover *takeover)
{
	if (!takeover->socket)
		return;
	for (unsigned int i = 0; i < takeover->n; i++)
		redirect_remove(takeover, &takeover->interfaces[i]);
	nl_socket_free(takeover->socket);
	if (takeover->news)
		nl_socket_free(takeover->news);
	takeover->socket = NULL;
	takeover->news = NULL;
}

/* In the namespace. */
static int sweep(void *data)
{
	struct nl_sock *socket = open_socket();
	struct nl_cache *links;
	int error;

	(void)data;
	if (!socket)
		return -1;
	error = rtnl_link_alloc_cache(socket, AF_UNSPEC, &links);
	if (!error) {
		for (struct nl_object *link = nl_cache_get_first(links); link;
		     link = nl_cache_get_next(link))
			redirect_sweep(socket, rtnl_link_get_ifindex((struct rtnl_link *)link),
				       true);
		nl_cache_free(links);
	}
	nl_socket_free(socket);
	return error ? takeover_error("can't list interfaces", error) : 0;
}

void takeover_sweep(int namespace)
{
	if (namespace_run(namespace, sweep, NULL))
		warn("%s", error_text());
}

int takeover_news(const struct takeover *takeover)
{
	return takeover->news ? nl_socket_get_fd(takeover->news) : -1;
}

/* Whether it is there, up, and can carry something. Changes nothing if that can't be said. */
static void look_at(struct takeover *takeover, unsigned int i, const struct takeover_ops *ops,
		    void *data)
{
	struct interface *interface = &takeover->interfaces[i];
	struct rtnl_link *link = NULL;
	int error = rtnl_link_get_kernel(takeover->socket, interface->tap, NULL, &link);
	bool lost = error == -NLE_NODEV || error == -NLE_OBJ_NOTFOUND;
	unsigned int flags;
	bool up;

	if (link)
		rtnl_link_put(link);
	link = NULL;
	error = rtnl_link_get_kernel(takeover->socket, interface->guest.index, NULL, &link);
	lost |= error == -NLE_NODEV || error == -NLE_OBJ_NOTFOUND;
	if (error && !lost)
		return;
	flags = link ? rtnl_link_get_flags(link) : 0;
	if (link)
		rtnl_link_put(link);
	up = !lost && (flags & IFF_UP) && (flags & IFF_LOWER_UP);
	if (up != interface->up)
		ops->link(data, i, up);
	interface->up = up;
	if (lost && interface->redirected) {
		interface->redirected = false;
		ops->lost(data, i);
	}
}

void takeover_look(struct takeover *takeover, const struct takeover_ops *ops, void *data)
{
	char news[4096];

	/* That there was something is enough, also if it was too much. */
	while (recv(takeover_news(takeover), news, sizeof(news), 0) > 0 || errno == ENOBUFS)
		;
	for (unsigned int i = 0; i < takeover->n; i++)
		look_at(takeover, i, ops, data);
}
