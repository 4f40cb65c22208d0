/* SPDX-License-Identifier: GPL-2.0-only */
/* The files by which a container on a network knows names: /etc/hosts and /etc/resolv.conf. */
#ifndef BULKHEAD_NAMES_H
#define BULKHEAD_NAMES_H

#include <jansson.h>
#include <stdio.h>

/* Writes names of this machine, and those of the addresses in a result of CNI's. */
void names_write_hosts(FILE *file, const json_t *result, const char *hostname);

/*
 * Writes the name servers of a result of CNI's. If it has none: what the host's own @resolv_conf
 * says, but for servers that only the host can reach.
 */
void names_write_resolver(FILE *file, const json_t *result, const char *resolv_conf);

/* The file that has the servers that the host asks, maybe by a program of its own. */
const char *names_host_resolver(void);

#endif
