/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic on ranges of guest physical addresses. Also compiled in user space, for its unit
 * tests.
 */
#ifndef BULKHEAD_REGION_H
#define BULKHEAD_REGION_H

#ifdef __KERNEL__
#include <linux/overflow.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <linux/types.h>
#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)
#endif

struct bulkhead_region {
	__u64 addr;
	__u64 bytes;
};

/*
 * Whether the region is not empty, both ends are multiples of @align, and it ends at or below
 * @end.
 */
static inline bool bulkhead_region_fits(struct bulkhead_region r, __u64 align, __u64 end)
{
	__u64 last;

	return r.bytes && !((r.addr | r.bytes) & (align - 1)) &&
	       !check_add_overflow(r.addr, r.bytes - 1, &last) && last < end;
}

/* Whether two regions that are not empty share a byte; one may enclose the other. */
static inline bool bulkhead_region_overlaps(struct bulkhead_region a, struct bulkhead_region b)
{
	return a.addr <= b.addr + (b.bytes - 1) && b.addr <= a.addr + (a.bytes - 1);
}

#endif
