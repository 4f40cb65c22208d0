/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_VOLUME_H
#define BULKHEAD_VOLUME_H

#include <jansson.h>

/*
 * Makes the mount of "SRC:DST[:ro|:rw]": SRC, a file or directory of the host, with all that is
 * mounted in it, at DST in the container. No path here can have a colon. Returns a new object, or
 * NULL with an error.
 */
json_t *volume_parse(const char *text);

#endif
