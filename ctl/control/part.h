/* SPDX-License-Identifier: GPL-2.0-only */
/* Partitions as people and programs read about them. */
#ifndef BULKHEAD_PART_H
#define BULKHEAD_PART_H

#include <jansson.h>

#include "control/netlink.h"

const char *part_state_name(uint32_t state);
const char *part_reason_name(uint32_t reason);

/* "running", or "stopped (panic)". */
#define PART_STATE_TEXT	32
const char *part_state_text(const struct part *part, char text[PART_STATE_TEXT]);

/* A name, "-" without; or of an id as podman and containerd make them, 12 of 64 digits. */
#define PART_SHORT_NAME	16
const char *part_short_name(const char *name, char text[PART_SHORT_NAME]);

/* "1h05m", "2m10s" or "3.7s". */
#define PART_UPTIME_TEXT	32
const char *part_uptime_text(uint64_t nanoseconds, char text[PART_UPTIME_TEXT]);

/* The names of the counters, as of the netlink attributes. */
const char *part_exits_name(unsigned int attribute);

/* What kind of virtio device it is, "block" for one; and the names of its counters. */
const char *part_device_name(uint32_t type);
const char *part_device_count_name(unsigned int attribute);

/* The names of the statistics of the guest's memory, as of the netlink attributes. */
const char *part_stats_name(unsigned int attribute);

/* Whether one counts bytes. */
bool part_stats_is_size(unsigned int attribute);

/* An object whose keys are the names of the netlink attributes that there are. */
json_t *part_to_json(const struct part *part);

/* Prints @json on stdout, and releases it. NULL, for lack of memory, is an error. */
int part_print_json(json_t *json, size_t flags);

#endif
