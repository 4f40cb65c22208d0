/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the 64-bit Linux boot protocol wants in memory besides kernel and initrd. It is told of the
 * ACPI tables of acpi.h, which come later.
 */
#ifndef BULKHEAD_BOOT_H
#define BULKHEAD_BOOT_H

#include <stdint.h>

#include "machine/image.h"
#include "machine/memory.h"

/* An initrd in guest memory; none if @bytes is zero. */
struct initrd {
	uint64_t guest_addr;
	uint64_t bytes;
};

/* How the first vCPU starts, see BULKHEAD_VCPU_CREATE. */
struct boot {
	uint64_t entry;
	uint64_t boot_params;
	uint64_t page_table;
	uint64_t gdt;
};

/*
 * The room for an initrd: from the end of what the kernel needs to as high as it takes one. There
 * may be none (@bytes zero).
 */
struct initrd boot_initrd_room(const struct image *image, const struct memory *memory);

int boot_setup(struct boot *boot, const struct image *image, const struct memory *memory,
	       const struct initrd *initrd, const char *command_line);

#endif
