// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network of the guest. Its devices get the numbers and names that the interfaces of the host's
 * namespace have, so that what the host's kernel says of these can be asked of the guest's kernel
 * as it is. A device gets another number only on its way to another namespace: hence the agent, and
 * the container with it, is in one of its own.
 */
#include "agent.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES		"/sys/class/net"

/* To where the devices are at first. */
static struct nl_sock *outside;

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		say("no loopback interface: %m");
		return;
	}
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		say("can't raise the loopback interface: %m");
	close(fd);
}

static struct nl_sock *open_socket(void)
{
	struct nl_sock *socket = nl_socket_alloc();

	if (socket && nl_connect(socket, NETLINK_ROUTE)) {
		nl_socket_free(socket);
		socket = NULL;
	}
	return socket;
}

void network_enter(void)
{
	outside = open_socket();
	if (unshare(CLONE_NEWNET))
		say("no network namespaces: %m");
	raise_loopback();
	/* Nothing that a container's options could clear is set: that would be locked to it. */
	if (mkdir(NETWORK_SYSFS, 0755) || mount("sysfs", NETWORK_SYSFS, "sysfs", 0, NULL))
		say("can't mount sysfs on %s: %m", NETWORK_SYSFS);
}

__printf(2, 3) static enum reply_code failed(char text[TEXT_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, TEXT_MAX, format, args);
	va_end(args);
	return REPLY_FAILED;
}

/* /sys was mounted before the namespace was left, and shows what is there. */
static int read_attribute(const char *device, const char *attribute, char *text, size_t size)
{
	char path[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, attribute);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	text[n] = 0;
	return 0;
}

/* The number of the device with that address; 0 if there is none. */
static int find_device(const uint8_t mac[6])
{
	char wanted[32], text[32];
	struct dirent *entry;
	DIR *devices = opendir(DEVICES);
	int index = 0;

	snprintf(wanted, sizeof(wanted), "%02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	while (devices && !index && (entry = readdir(devices)))
		if (!read_attribute(entry->d_name, "address", text, sizeof(text)) &&
		    !strcmp(text, wanted) &&
		    !read_attribute(entry->d_name, "ifindex", text, sizeof(text)))
			index = atoi(text);
	if (devices)
		closedir(devices);
	return index;
}

/* Asks the kernel, and waits for its answer. Returns a negative code of the library's. */
static int ask(struct nl_sock *socket, struct nl_msg *message)
{
	int error = nl_send_auto(socket, message);

	return error < 0 ? error : nl_wait_for_ack(socket);
}

/* A request about device @index, to which attributes may be added. NULL without memory. */
static struct nl_msg *change(int index)
{
	struct ifinfomsg link = { .ifi_index = index };
	struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);

	if (message && nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static int rename_device(struct nl_sock *socket, int index, const char *name)
{
	struct nl_msg *message = change(index);
	int error = message ? nla_put_string(message, IFLA_IFNAME, name) : -NLE_NOMEM;

	if (!error)
		error = ask(socket, message);
	nlmsg_free(message);
	return error;
}

/* Into this process' namespace. */
static int move_device(int index, int new_index)
{
	struct nl_msg *message = change(index);
	int error = message ? nla_put_u32(message, IFLA_NET_NS_PID, getpid()) : -NLE_NOMEM;

	if (!error)
		error = nla_put_u32(message, IFLA_NEW_IFINDEX, new_index);
	if (!error)
		error = ask(outside, message);
	nlmsg_free(message);
	return error;
}

static void set_ipv6(const char *name, const char *what, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", name, what);
	/* A kernel without IPv6 needs none of it. */
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		say("%s: %m", path);
	close(fd);
}

static enum reply_code take_device(struct nl_sock *inside, const struct frame_interface *wanted,
				   char text[TEXT_MAX])
{
	char temporary[IFNAMSIZ];
	int index = find_device(wanted->mac);
	int error;

	if (!index)
		return failed(text, "%s: the guest has no such device; its kernel lacks virtio_net",
			      wanted->name);
	/* Its name may be the final one of another. */
	snprintf(temporary, sizeof(temporary), "bulkhead%u", wanted->index);
	error = rename_device(outside, index, temporary);
	if (!error)
		error = move_device(index, wanted->index);
	if (!error && if_nametoindex(temporary) != wanted->index)
		return failed(text, "%s: the guest's kernel is older than Linux 5.13",
			      wanted->name);
	if (!error)
		error = rename_device(inside, wanted->index, wanted->name);
	if (error)
		return failed(text, "%s: %s", wanted->name, nl_geterror(error));
	/* Its addresses are those of the host's, which has seen to it that nobody else has them. */
	set_ipv6(wanted->name, "addr_gen_mode", "1");
	set_ipv6(wanted->name, "accept_dad", "0");
	return REPLY_DONE;
}

static const char *describe(int type)
{
	switch (type) {
	case RTM_NEWLINK:
		return "an interface";
	case RTM_NEWADDR:
		return "an address";
	case RTM_NEWROUTE:
		return "a route";
	case RTM_NEWRULE:
		return "a rule";
	case RTM_NEWNEIGH:
		return "a neighbour";
	default:
		return NULL;
	}
}

static enum reply_code set_up(struct nl_sock *inside, struct nlmsghdr *header, char text[TEXT_MAX])
{
	const char *what = describe(header->nlmsg_type);
	struct nl_msg *message;
	int error;

	if (!what)
		die("malformed frame: rtnetlink message %u", header->nlmsg_type);
	message = nlmsg_convert(header);
	error = message ? ask(inside, message) : -NLE_NOMEM;
	nlmsg_free(message);
	/* Some of it the kernel makes by itself. */
	if (!error || error == -NLE_EXIST)
		return REPLY_DONE;
	return failed(text, "the guest's kernel doesn't take %s: %s", what, nl_geterror(error));
}

static enum reply_code set_up_all(struct nl_sock *inside, const void *messages, size_t length,
				  char text[TEXT_MAX])
{
	struct nlmsghdr *header = (struct nlmsghdr *)messages;
	enum reply_code code = REPLY_DONE;
	int left = length;

	for (; code == REPLY_DONE && nlmsg_ok(header, left); header = nlmsg_next(header, &left))
		code = set_up(inside, header, text);
	if (code == REPLY_DONE && left)
		die("malformed frame: rtnetlink messages");
	return code;
}

enum reply_code network_setup(const struct frame *frame, char text[TEXT_MAX])
{
	const uint8_t *data = frame->data;
	struct frame_network network;
	enum reply_code code = REPLY_DONE;
	struct nl_sock *inside;
	size_t taken;

	memcpy(&network, data, sizeof(network));
	taken = sizeof(network) + network.interfaces * sizeof(struct frame_interface);
	if (network.reserved || network.interfaces > INTERFACES_MAX || taken > frame->length)
		die("malformed frame: network");
	inside = open_socket();
	if (!outside || !inside)
		return failed(text, "the guest's kernel has no rtnetlink");
	for (uint32_t i = 0; code == REPLY_DONE && i < network.interfaces; i++) {
		struct frame_interface wanted;

		memcpy(&wanted, data + sizeof(network) + i * sizeof(wanted), sizeof(wanted));
		if (!memchr(wanted.name, 0, sizeof(wanted.name)))
			die("malformed frame: name of an interface");
		code = take_device(inside, &wanted, text);
	}
	if (code == REPLY_DONE)
		code = set_up_all(inside, data + taken, frame->length - taken, text);
	nl_socket_free(inside);
	return code;
}
