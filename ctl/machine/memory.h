/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: one memfd, mapped once, that the guest sees as RAM from zero, with a hole below
 * 4 GiB for what isn't RAM there.
 */
#ifndef BULKHEAD_MEMORY_H
#define BULKHEAD_MEMORY_H

#include <stdint.h>

#define MEMORY_HOLE_START	0xc0000000ULL
#define MEMORY_HOLE_END		0x100000000ULL

struct memory {
	int fd;
	uint8_t *base;
	uint64_t size;
};

struct memory_region {
	uint64_t guest_addr;
	uint64_t bytes;
	uint64_t offset;	/* in the memfd and the mapping */
};

#define MEMORY_REGIONS_MAX	2

/* Checks that a guest can have @size bytes of memory on this host. */
int memory_check_size(uint64_t size);

int memory_create(struct memory *memory, uint64_t size);
void memory_destroy(struct memory *memory);

/* What the guest sees. Returns the number of regions, at least one. */
unsigned int memory_regions(const struct memory *memory,
			    struct memory_region regions[MEMORY_REGIONS_MAX]);

/* End of the RAM that starts at zero. */
uint64_t memory_low_end(const struct memory *memory);

/* Where the runner sees @bytes of RAM below the hole, or NULL if they aren't all there. */
void *memory_at(const struct memory *memory, uint64_t guest_addr, uint64_t bytes);

#endif
