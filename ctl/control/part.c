// SPDX-License-Identifier: GPL-2.0-only
#include "control/part.h"
#include "base/error.h"
#include "util.h"

#include <linux/virtio_ids.h>
#include <stdio.h>
#include <string.h>

#define ID_DIGITS	64

static const char *const states[] = {
	[BULKHEAD_STATE_CREATED]	= "created",
	[BULKHEAD_STATE_RUNNING]	= "running",
	[BULKHEAD_STATE_STOPPED]	= "stopped",
};

static const char *const reasons[] = {
	[BULKHEAD_REASON_NONE]		= "none",
	[BULKHEAD_REASON_POWEROFF]	= "poweroff",
	[BULKHEAD_REASON_RESET]		= "reset",
	[BULKHEAD_REASON_PANIC]		= "panic",
	[BULKHEAD_REASON_TRIPLE_FAULT]	= "triple-fault",
	[BULKHEAD_REASON_KILLED]	= "killed",
	[BULKHEAD_REASON_RUNNER_EXIT]	= "runner-exit",
	[BULKHEAD_REASON_ERROR]		= "error",
	[BULKHEAD_REASON_UNRESPONSIVE]	= "unresponsive",
};

static const char *const exits[] = {
	[BULKHEAD_A_EXITS_TOTAL]	= "total",
	[BULKHEAD_A_EXITS_IO]		= "io",
	[BULKHEAD_A_EXITS_MMIO]		= "mmio",
	[BULKHEAD_A_EXITS_HALT]		= "halt",
	[BULKHEAD_A_EXITS_IRQ]		= "irq",
	[BULKHEAD_A_EXITS_IRQ_WINDOW]	= "irq-window",
	[BULKHEAD_A_EXITS_SIGNAL]	= "signal",
	[BULKHEAD_A_EXITS_UNCLAIMED]	= "unclaimed",
	[BULKHEAD_A_EXITS_RUNNER]	= "runner",
};

static const char *const devices[] = {
	[VIRTIO_ID_NET]			= "net",
	[VIRTIO_ID_BLOCK]		= "block",
	[VIRTIO_ID_CONSOLE]		= "console",
	[VIRTIO_ID_RNG]			= "rng",
	[VIRTIO_ID_BALLOON]		= "balloon",
	[VIRTIO_ID_VSOCK]		= "vsock",
	[VIRTIO_ID_FS]			= "fs",
};

static const char *const device_counts[] = {
	[BULKHEAD_A_DEVICE_KICKS]	= "kicks",
	[BULKHEAD_A_DEVICE_INTERRUPTS]	= "interrupts",
	[BULKHEAD_A_DEVICE_REQUESTS]	= "requests",
	[BULKHEAD_A_DEVICE_BYTES]	= "bytes",
	[BULKHEAD_A_DEVICE_ERRORS]	= "errors",
};

static const char *const stats[] = {
	[BULKHEAD_A_BALLOON_SWAP_IN]			= "swap-in",
	[BULKHEAD_A_BALLOON_SWAP_OUT]			= "swap-out",
	[BULKHEAD_A_BALLOON_MAJOR_FAULTS]		= "major-faults",
	[BULKHEAD_A_BALLOON_MINOR_FAULTS]		= "minor-faults",
	[BULKHEAD_A_BALLOON_FREE]			= "free",
	[BULKHEAD_A_BALLOON_TOTAL]			= "total",
	[BULKHEAD_A_BALLOON_AVAILABLE]			= "available",
	[BULKHEAD_A_BALLOON_CACHES]			= "caches",
	[BULKHEAD_A_BALLOON_HUGETLB_ALLOCATIONS]	= "hugetlb-allocations",
	[BULKHEAD_A_BALLOON_HUGETLB_FAILURES]		= "hugetlb-failures",
	[BULKHEAD_A_BALLOON_AGE]			= "age",
};

/* A newer module may know more. */
static const char *name_of(const char *const *names, size_t n, uint32_t value)
{
	return value < n && names[value] ? names[value] : "unknown";
}

const char *part_state_name(uint32_t state)
{
	return name_of(states, ARRAY_SIZE(states), state);
}

const char *part_reason_name(uint32_t reason)
{
	return name_of(reasons, ARRAY_SIZE(reasons), reason);
}

const char *part_exits_name(unsigned int attribute)
{
	return name_of(exits, ARRAY_SIZE(exits), attribute);
}

const char *part_device_name(uint32_t type)
{
	return name_of(devices, ARRAY_SIZE(devices), type);
}

const char *part_device_count_name(unsigned int attribute)
{
	return name_of(device_counts, ARRAY_SIZE(device_counts), attribute);
}

const char *part_stats_name(unsigned int attribute)
{
	return name_of(stats, ARRAY_SIZE(stats), attribute);
}

bool part_stats_is_size(unsigned int attribute)
{
	switch (attribute) {
	case BULKHEAD_A_BALLOON_SWAP_IN:
	case BULKHEAD_A_BALLOON_SWAP_OUT:
	case BULKHEAD_A_BALLOON_FREE:
	case BULKHEAD_A_BALLOON_TOTAL:
	case BULKHEAD_A_BALLOON_AVAILABLE:
	case BULKHEAD_A_BALLOON_CACHES:
		return true;
	default:
		return false;
	}
}

const char *part_state_text(const struct part *part, char text[PART_STATE_TEXT])
{
	if (part->has_reason)
		snprintf(text, PART_STATE_TEXT, "%s (%s)", part_state_name(part->state),
			 part_reason_name(part->reason));
	else
		snprintf(text, PART_STATE_TEXT, "%s", part_state_name(part->state));
	return text;
}

const char *part_short_name(const char *name, char text[PART_SHORT_NAME])
{
	if (strlen(name) < ID_DIGITS || strspn(name, "0123456789abcdef") != strlen(name))
		return name[0] ? name : "-";
	snprintf(text, PART_SHORT_NAME, "%.12s", name);
	return text;
}

const char *part_uptime_text(uint64_t nanoseconds, char text[PART_UPTIME_TEXT])
{
	uint64_t tenths = nanoseconds / 100000000;
	uint64_t minutes = tenths / 600;

	if (!minutes)
		snprintf(text, PART_UPTIME_TEXT, "%lu.%lus", tenths / 10,
			 tenths % 10);
	else if (minutes < 60)
		snprintf(text, PART_UPTIME_TEXT, "%lum%02lus", minutes,
			 tenths / 10 % 60);
	else
		snprintf(text, PART_UPTIME_TEXT, "%luh%02lum", minutes / 60,
			 minutes % 60);
	return text;
}

static json_t *device_to_json(const struct part_device *device)
{
	json_t *object = json_object();

	json_object_set_new(object, "slot", json_integer(device->slot));
	json_object_set_new(object, "type", json_string(part_device_name(device->type)));
	for (int i = BULKHEAD_A_DEVICE_KICKS; i <= BULKHEAD_A_DEVICE_ERRORS; i++)
		json_object_set_new(object, part_device_count_name(i),
				    json_integer(device->counts[i]));
	if (device->failed)
		json_object_set_new(object, "failed", json_true());
	if (device->link_down)
		json_object_set_new(object, "link-down", json_true());
	return object;
}

static json_t *devices_to_json(const struct part *part)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < part->n_devices; i++)
		json_array_append_new(array, device_to_json(&part->devices[i]));
	return array;
}

json_t *part_to_json(const struct part *part)
{
	json_t *object = json_object();

	json_object_set_new(object, "id", json_integer(part->id));
	if (part->name[0])
		json_object_set_new(object, "name", json_string(part->name));
	json_object_set_new(object, "state", json_string(part_state_name(part->state)));
	json_object_set_new(object, "owner", json_integer(part->owner));
	json_object_set_new(object, "runner", json_integer(part->runner));
	json_object_set_new(object, "memory", json_integer(part->memory));
	json_object_set_new(object, "vcpus", json_integer(part->vcpus));
	json_object_set_new(object, "cid", json_integer(part->cid));
	json_object_set_new(object, "uptime", json_integer(part->uptime));
	if (part->has_reason)
		json_object_set_new(object, "reason",
				    json_string(part_reason_name(part->reason)));
	if (part->has_exit_status)
		json_object_set_new(object, "exit-status", json_integer(part->exit_status));
	if (part->has_exits) {
		json_t *counters = json_object();

		for (unsigned int i = 1; i <= BULKHEAD_A_EXITS_MAX; i++)
			json_object_set_new(counters, part_exits_name(i),
					    json_integer(part->exits[i]));
		json_object_set_new(object, "exits", counters);
	}
	json_object_set_new(object, "device", devices_to_json(part));
	if (part->has_balloon) {
		json_object_set_new(object, "memory-target", json_integer(part->memory_target));
		json_object_set_new(object, "memory-actual", json_integer(part->memory_actual));
	}
	if (part->stats_present) {
		json_t *balloon = json_object();

		for (unsigned int i = 1; i <= BULKHEAD_A_BALLOON_MAX; i++)
			if (part->stats_present & 1U << i)
				json_object_set_new(balloon, part_stats_name(i),
						    json_integer(part->stats[i]));
		json_object_set_new(object, "balloon", balloon);
	}
	return object;
}

int part_print_json(json_t *json, size_t flags)
{
	int result = json ? json_dumpf(json, stdout, flags) : -1;

	json_decref(json);
	if (result)
		return fail("can't print JSON");
	putchar('\n');
	return 0;
}
