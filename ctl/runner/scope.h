/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control groups of a host whose systemd gives them out: a linux.cgroupsPath of "SLICE:PREFIX:NAME"
 * is a scope PREFIX-NAME.scope in a slice, as runc and crun have it.
 */
#ifndef BULKHEAD_SCOPE_H
#define BULKHEAD_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "oci/limits.h"

/* Whether a cgroupsPath is one. */
bool scope_is(const char *path);

/*
 * Has systemd make the scope with this process in it, its memory limited to @memory bytes (0: not)
 * and its processors as in @limits. Returns 0, or -1 with an error.
 */
int scope_enter(const struct limits *limits, uint64_t memory);

#endif
