// SPDX-License-Identifier: GPL-2.0-only
/* Documentation/networking/tuntap.rst */
#include "takeover/private.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define DEVICE		"/dev/net/tun"

/* The kernel puts the number. */
#define NAME		"bhtap%d"

/* A descriptor for each queue; the first makes the interface. Sets @name. */
static int open_queues(const struct takeover *takeover, struct interface *interface, char *name)
{
	int header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	struct ifreq request = {
		.ifr_name = NAME,
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};

	if (takeover->pairs > 1)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	for (unsigned int i = 0; i < takeover->pairs; i++) {
		int fd = open(DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

		interface->queues[i] = fd;
		if (fd < 0 && (errno == ENOENT || errno == ENODEV))
			return fail(DEVICE ": missing; modprobe tun");
		if (fd < 0)
			return fail_errno(DEVICE);
		if (ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETVNETHDRSZ, &header))
			return fail_errno("%s: can't make a tap", interface->guest.name);
	}
	strcpy(name, request.ifr_name);
	return 0;
}

/* Nothing is to be said on it but by the guest and its peers: no router is looked for. */
static void silence(const char *name)
{
	int fd cleanup_close = -1;
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	/* A kernel without IPv6 says nothing of it anyway. */
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) != 1)
		warn("%s: %m", path);
}

static int raise(const struct takeover *takeover, struct interface *interface, const char *name)
{
	struct rtnl_link *change = rtnl_link_alloc();
	struct rtnl_link *link = NULL;
	int error = change ? rtnl_link_get_kernel(takeover->socket, 0, name, &link) : -NLE_NOMEM;

	if (!error) {
		interface->tap = rtnl_link_get_ifindex(link);
		rtnl_link_set_flags(change, IFF_UP);
		rtnl_link_set_mtu(change, interface->mtu);
		error = rtnl_link_change(takeover->socket, link, change, 0);
	}
	if (link)
		rtnl_link_put(link);
	if (change)
		rtnl_link_put(change);
	return error ? takeover_error(name, error) : 0;
}

int tap_create(struct takeover *takeover, struct interface *interface)
{
	char name[IFNAMSIZ];

	if (open_queues(takeover, interface, name))
		return -1;
	silence(name);
	return raise(takeover, interface, name);
}
