// SPDX-License-Identifier: GPL-2.0-only
#include "oci/limits.h"
#include "oci/field.h"
#include "base/error.h"

#include <limits.h>
#include <string.h>

/* The kernel's, of cpu.max; shares are as in cgroup v1. */
#define PERIOD_DEFAULT	100000
#define PERIOD_MIN	1000
#define PERIOD_MAX	1000000
#define QUOTA_MIN	1000
#define QUOTA_MAX	(1LL << 44)
#define SHARES_MAX	262144

#define CPU		"linux.resources.cpu"
#define MEMORY		"linux.resources.memory"

static int get_memory(const json_t *config, struct limits *limits)
{
	json_int_t limit = 0;

	if (field_find_integer(config, MEMORY ".limit", -1, LLONG_MAX, &limit))
		return -1;
	limits->memory = limit > 0 ? limit : 0;
	return 0;
}

static int get_bandwidth(const json_t *config, struct limits *limits)
{
	json_int_t quota = 0, period = 0, shares = 0;

	if (field_find_integer(config, CPU ".quota", -1, QUOTA_MAX, &quota) ||
	    field_find_integer(config, CPU ".period", 0, PERIOD_MAX, &period) ||
	    field_find_integer(config, CPU ".shares", 0, SHARES_MAX, &shares))
		return -1;
	if (quota > 0 && quota < QUOTA_MIN)
		return fail(CPU ".quota: %lld: less than %d microseconds", quota, QUOTA_MIN);
	if (period && period < PERIOD_MIN)
		return fail(CPU ".period: %lld: less than %d microseconds", period, PERIOD_MIN);
	limits->quota = quota > 0 ? quota : 0;
	limits->period = period ?: PERIOD_DEFAULT;
	limits->shares = shares;
	return 0;
}

/* What is written to a file of a cgroup must have nothing else in it. */
static int get_list(const json_t *config, const char *path, const char **list)
{
	if (field_find_text(config, path, list))
		return -1;
	if (!*list)
		return 0;
	if ((*list)[strspn(*list, "0123456789,-")])
		return fail("%s: %s: not a list of numbers and ranges, as 0-2,5", path, *list);
	if (!**list)
		*list = NULL;
	return 0;
}

int limits_get(const json_t *config, struct limits *limits)
{
	*limits = (struct limits){ .period = PERIOD_DEFAULT };
	if (get_memory(config, limits) || get_bandwidth(config, limits) ||
	    get_list(config, CPU ".cpus", &limits->cpus) ||
	    get_list(config, CPU ".mems", &limits->mems))
		return -1;
	return field_find_text(config, "linux.cgroupsPath", &limits->cgroups_path);
}

unsigned int limits_vcpus(const struct limits *limits)
{
	uint64_t n = (limits->quota + limits->period - 1) / limits->period;

	if (n > UINT_MAX)
		return UINT_MAX;
	return n ?: 1;
}
