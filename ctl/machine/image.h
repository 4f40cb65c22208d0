/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel images: bzImage and ELF vmlinux, for the 64-bit Linux boot protocol. */
#ifndef BULKHEAD_IMAGE_H
#define BULKHEAD_IMAGE_H

#include <asm/bootparam.h>
#include <stdint.h>

#include "machine/memory.h"

#define IMAGE_SEGMENTS_MAX	16

/* A piece of the file and where the guest has it; what the file doesn't fill is zero. */
struct image_segment {
	uint64_t offset;
	uint64_t file_bytes;
	uint64_t guest_addr;
	uint64_t bytes;
};

struct image {
	int fd;
	const char *path;
	uint64_t entry;
	uint64_t end;		/* the kernel needs the memory up to here before it knows its own */
	uint64_t initrd_max;	/* last address that an initrd may reach */
	uint64_t command_line_max;	/* without its zero */
	struct setup_header header;	/* for struct boot_params */
	unsigned int n_segments;
	struct image_segment segments[IMAGE_SEGMENTS_MAX];
};

/* Opens @path, which must outlive @image, and checks all that loading relies on. */
int image_open(struct image *image, const char *path);
void image_close(struct image *image);

/*
 * The kernel's release, as of uname -r and of its folder of modules, which a guest's drivers are
 * taken from; empty if neither the image nor its name says it.
 */
#define IMAGE_RELEASE	65
void image_release(const struct image *image, char release[IMAGE_RELEASE]);

/* Puts the kernel where the guest expects it. */
int image_load(const struct image *image, const struct memory *memory);

#endif
