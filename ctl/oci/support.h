/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_SUPPORT_H
#define BULKHEAD_SUPPORT_H

#include <jansson.h>

/*
 * Looks for what a container in a partition couldn't have, since it is of the host's kernel:
 * rather than have it otherwise than its config says, it isn't run. @joins is as for
 * guest_config(). Returns 0, or -1 with an error that names the field, the reason and the remedy.
 */
int support_check(const json_t *config, const json_t *joins);

#endif
