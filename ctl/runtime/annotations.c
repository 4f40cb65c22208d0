// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/annotations.h"
#include "base/conf.h"
#include "base/error.h"
#include "base/size.h"
#include "machine/memory.h"
#include "runtime/isolation.h"

#include <fnmatch.h>
#include <linux/bulkhead.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX		"bulkhead."

/* The kernel's command line is left to the administrator: by it a guest can be told anything. */
#define NAMES		"cpus isolation kernel memory"
#define KERNELS		"/boot/vmlinuz-*"

static bool is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (*(list += strspn(list, " \t,"))) {
		size_t word = strcspn(list, " \t,");

		if (word == length && !strncmp(list, name, length))
			return true;
		list += word;
	}
	return false;
}

static int set_kernel(const char *value, const struct policy *policy, struct wishes *wishes)
{
	const char *pattern = policy->kernels ?: KERNELS;

	if (strstr(value, "/../") || fnmatch(pattern, value, FNM_PATHNAME))
		return fail("%s: not allowed; annotation-kernels in " CONF_PATH " allows %s", value,
			    pattern);
	wishes->kernel = value;
	return 0;
}

static int set_memory(const char *value, const struct policy *policy, struct wishes *wishes)
{
	if (size_parse(value, &wishes->memory) || memory_check_size(wishes->memory))
		return -1;
	if (policy->memory && wishes->memory > policy->memory)
		return fail("%s: more than annotation-memory in " CONF_PATH " allows", value);
	return 0;
}

static int set_cpus(const char *value, const struct policy *policy, struct wishes *wishes)
{
	unsigned int max = policy->cpus ?: BULKHEAD_VCPUS_MAX;
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!*value || *end || *value == '-' || !n)
		return fail("%s: not a number of vCPUs; give one such as 2", value);
	if (n > max)
		return fail("%s: more than %u, which %s", value, max, policy->cpus ?
			    "annotation-cpus in " CONF_PATH " allows" : "a partition can have");
	wishes->cpus = n;
	return 0;
}

static int set(const char *name, const char *value, const struct policy *policy,
	       struct wishes *wishes)
{
	static const char *const names[] = { "append", "cpus", "isolation", "kernel", "memory" };
	size_t i = 0;

	while (i < ARRAY_SIZE(names) && strcmp(names[i], name))
		i++;
	if (i == ARRAY_SIZE(names))
		return fail("no such annotation; see docs/runtime.md");
	if (!is_listed(policy->names ?: NAMES, name))
		return fail("not allowed here; add it to annotations in " CONF_PATH);
	switch (i) {
	case 0:
		wishes->append = value;
		return 0;
	case 1:
		return set_cpus(value, policy, wishes);
	case 2:
		wishes->isolation = value;
		return isolation_check(value);
	case 3:
		return set_kernel(value, policy, wishes);
	default:
		return set_memory(value, policy, wishes);
	}
}

int annotations_read(const json_t *config, const struct policy *policy, struct wishes *wishes)
{
	json_t *annotations = json_object_get(config, "annotations");
	const char *name;
	json_t *value;

	*wishes = (struct wishes){ 0 };
	json_object_foreach(annotations, name, value) {
		if (strncmp(name, PREFIX, strlen(PREFIX)))
			continue;
		if (!json_is_string(value))
			return fail("annotations: %s: not a string", name);
		if (set(name + strlen(PREFIX), json_string_value(value), policy, wishes))
			return error_prefix("annotations: %s", name);
	}
	return 0;
}
