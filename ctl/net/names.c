// SPDX-License-Identifier: GPL-2.0-only
#include "net/names.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HOST		"/etc/resolv.conf"
#define RESOLVED	"/run/systemd/resolve/resolv.conf"

void names_write_hosts(FILE *file, const json_t *result, const char *hostname)
{
	json_t *ip;
	size_t i;

	fprintf(file, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	json_array_foreach(json_object_get(result, "ips"), i, ip) {
		const char *address = json_string_value(json_object_get(ip, "address"));

		fprintf(file, "%.*s\t%s\n", (int)strcspn(address, "/"), address, hostname);
	}
}

/* Returns the server of a line, to be freed; NULL if it is none. */
static char *find_server(const char *line)
{
	char keyword[16], server[128];

	if (sscanf(line, "%15s %127s", keyword, server) != 2 || strcmp(keyword, "nameserver"))
		return NULL;
	return strdup(server);
}

static bool is_loopback(const char *server)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, server, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
	return inet_pton(AF_INET6, server, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static void copy_resolver(FILE *file, const char *path)
{
	char *line cleanup_free = NULL;
	FILE *from = fopen(path, "re");
	size_t room = 0;

	while (from && getline(&line, &room, from) > 0) {
		char *server cleanup_free = find_server(line);

		if (!server || !is_loopback(server))
			fputs(line, file);
	}
	if (from)
		fclose(from);
}

static void write_words(FILE *file, const char *keyword, const json_t *words)
{
	json_t *word;
	size_t i;

	if (!json_array_size(words))
		return;
	fputs(keyword, file);
	json_array_foreach(words, i, word)
		fprintf(file, " %s", json_string_value(word));
	fputc('\n', file);
}

void names_write_resolver(FILE *file, const json_t *result, const char *resolv_conf)
{
	json_t *dns = json_object_get(result, "dns"), *server;
	json_t *servers = json_object_get(dns, "nameservers");
	const char *domain = json_string_value(json_object_get(dns, "domain"));
	size_t i;

	if (!json_array_size(servers)) {
		copy_resolver(file, resolv_conf);
		return;
	}
	if (domain)
		fprintf(file, "domain %s\n", domain);
	write_words(file, "search", json_object_get(dns, "search"));
	json_array_foreach(servers, i, server)
		fprintf(file, "nameserver %s\n", json_string_value(server));
	write_words(file, "options", json_object_get(dns, "options"));
}

const char *names_host_resolver(void)
{
	char *line cleanup_free = NULL;
	FILE *file = fopen(HOST, "re");
	bool loopback = false, other = false;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		char *server cleanup_free = find_server(line);

		loopback |= server && is_loopback(server);
		other |= server && !is_loopback(server);
	}
	if (file)
		fclose(file);
	/* Those that systemd-resolved asks. */
	return loopback && !other && !access(RESOLVED, R_OK) ? RESOLVED : HOST;
}
