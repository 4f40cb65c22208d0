/* SPDX-License-Identifier: GPL-2.0-only */
/* Ports of the host that lead to ports of a container. */
#ifndef BULKHEAD_PUBLISH_H
#define BULKHEAD_PUBLISH_H

#include <jansson.h>

/*
 * Reads "[ADDRESS:]HOST:GUEST[/tcp|/udp]", ADDRESS in brackets if it is one of IPv6. Returns a new
 * object, as CNI's portMappings have them, or NULL with an error.
 */
json_t *publish_parse(const char *text);

/*
 * Takes the ports of an array of these for as long as this process lives: what redirects them
 * doesn't look who has them, and would redirect a port of another container's, or of the host's.
 * Returns 0, or -1 with an error.
 */
int publish_reserve(const json_t *ports);

#endif
