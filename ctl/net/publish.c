// SPDX-License-Identifier: GPL-2.0-only
#include "net/publish.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PORT_MAX	65535

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse_port(const char *text, const char *end, int *port)
{
	int number = 0;

	for (const char *digit = text; digit < end; digit++) {
		if (*digit < '0' || *digit > '9')
			return fail("%.*s: not a port's number", (int)(end - text), text);
		number = 10 * number + *digit - '0';
		if (number > PORT_MAX)
			break;
	}
	if (number < 1 || number > PORT_MAX)
		return fail("%.*s: not a port's number, which is 1 to %d", (int)(end - text), text,
			    PORT_MAX);
	*port = number;
	return 0;
}

static int parse_address(const char *text, int port, union address *address)
{
	*address = (union address){ .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };
	if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1)
		return 0;
	*address = (union address){ .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };
	if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1)
		return 0;
	return fail("%s: not an address of IPv4 or IPv6", text);
}

/* Cuts the address off the front, and its brackets off it. Returns what follows, or NULL. */
static char *cut_address(char *text, const char **address)
{
	char *end;

	*address = NULL;
	if (*text == '[') {
		end = strstr(text, "]:");
		*address = text + 1;
		if (!end)
			return NULL;
		*end = 0;
		return end + 2;
	}
	end = strchr(text, ':');
	if (!end || !strchr(end + 1, ':'))
		return text;
	*address = text;
	*end = 0;
	return end + 1;
}

static int check_address(const char *text, bool brackets)
{
	union address address;
	bool v6;

	if (parse_address(text, 0, &address))
		return -1;
	v6 = address.any.sa_family == AF_INET6;
	if (brackets != v6)
		return fail("%s: brackets are for addresses of IPv6", text);
	/* The kernel takes such a source for forged, and has no route_localnet as for IPv4. */
	if (brackets && IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr))
		return fail("%s: nothing can be redirected from it; give another address", text);
	return 0;
}

json_t *publish_parse(const char *text)
{
	char *copy cleanup_free = strdup(text);
	const char *protocol = "tcp", *address;
	char *ports, *slash, *colon;
	int host, guest;
	json_t *mapping;

	if (!copy) {
		fail_errno("%s", text);
		return NULL;
	}
	slash = strchr(copy, '/');
	if (slash) {
		*slash = 0;
		protocol = slash + 1;
	}
	ports = cut_address(copy, &address);
	colon = ports ? strchr(ports, ':') : NULL;
	if (!colon || strchr(colon + 1, ':')) {
		fail("%s: not [ADDRESS:]HOST:GUEST[/tcp|/udp], as 8080:80 or [fd00::1]:8080:80/udp",
		     text);
		return NULL;
	}
	if ((strcmp(protocol, "tcp") && strcmp(protocol, "udp") &&
	     fail("%s: neither tcp nor udp", protocol)) ||
	    (address && check_address(address, text[0] == '[')) ||
	    parse_port(ports, colon, &host) ||
	    parse_port(colon + 1, colon + strlen(colon), &guest)) {
		error_prefix("%s", text);
		return NULL;
	}
	mapping = json_pack("{s:i, s:i, s:s, s:s*}", "hostPort", host, "containerPort", guest,
			    "protocol", protocol, "hostIP", address);
	if (!mapping)
		fail("%s: out of memory", text);
	return mapping;
}

/* The descriptor stays open. Returns 0, or -1 with errno. */
static int take(const union address *address, int type, bool reuse)
{
	bool v6 = address->any.sa_family == AF_INET6;
	int fd = socket(address->any.sa_family, type | SOCK_CLOEXEC, 0);
	int value = reuse, zero = 0;

	if (fd < 0)
		return -1;
	/* Without an address, it is IPv4's port, too. */
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)) &&
	    (!v6 || !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero))) &&
	    !bind(fd, &address->any, v6 ? sizeof(address->v6) : sizeof(address->v4)))
		return 0;
	close(fd);
	return -1;
}

/*
 * Nobody listens: what isn't redirected is refused, as by a port that nobody has. A port that only
 * connections have which are over can be taken by who says that others may do the same.
 */
static int take_port(const char *ip, int port, int type)
{
	union address address;

	if (parse_address(ip ?: "::", port, &address))
		return -1;
	if (!take(&address, type, false) ||
	    (errno == EADDRINUSE && type == SOCK_STREAM && !take(&address, type, true)))
		return 0;
	if (ip || errno != EAFNOSUPPORT)
		return -1;
	return take_port("0.0.0.0", port, type);
}

int publish_reserve(const json_t *ports)
{
	json_t *entry;
	size_t i;

	json_array_foreach(ports, i, entry) {
		const char *protocol = json_string_value(json_object_get(entry, "protocol"));
		const char *ip = json_string_value(json_object_get(entry, "hostIP"));
		int port = json_integer_value(json_object_get(entry, "hostPort"));

		if (!take_port(ip, port, strcmp(protocol, "udp") ? SOCK_STREAM : SOCK_DGRAM))
			continue;
		if (errno == EADDRINUSE)
			return fail("port %d/%s is in use on this host; publish another", port,
				    protocol);
		if (errno == EADDRNOTAVAIL)
			return fail("port %d/%s: %s is no address of this host's", port, protocol,
				    ip);
		return fail_errno("port %d/%s", port, protocol);
	}
	return 0;
}
