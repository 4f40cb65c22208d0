// SPDX-License-Identifier: GPL-2.0-only
#include "machine/initrd.h"
#include "base/error.h"
#include "base/size.h"
#include "machine/initramfs.h"
#include "machine/modules.h"

#include <unistd.h>

#define AGENT_NAME	"agent"
#define MODULES_NAME	"modules"

#define MiB		0x100000UL
#define PAGE		4096ULL

/*
 * What a kernel keeps of memory besides its image, for page tables, percpu areas and hash tables,
 * and for each 64 bytes of memory one byte of struct page. Stock kernels of Debian were measured.
 */
#define KERNEL_OVERHEAD		(8 * MiB)
#define STRUCT_PAGE_SHIFT	6

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * The archive lies behind the kernel's first memory. While it is unpacked, it and the files are in
 * memory at once, and tmpfs, which takes them, has at most half of what the kernel had free before.
 */
static uint64_t needed_memory(const struct initramfs *initramfs, const struct image *image)
{
	uint64_t kernel = KERNEL_OVERHEAD;
	uint64_t needed;

	for (unsigned int i = 0; i < image->n_segments; i++)
		kernel += image->segments[i].bytes;
	needed = kernel + initramfs->bytes + 2 * PAGE * initramfs->pages;
	needed += needed >> STRUCT_PAGE_SHIFT;
	needed = max(needed, image->end + PAGE + initramfs->bytes);
	return (needed + MiB - 1) / MiB;
}

static int check_memory(const struct initramfs *initramfs, const struct image *image,
			const struct memory *memory)
{
	uint64_t needed = needed_memory(initramfs, image);
	char have[SIZE_TEXT];

	if (!initramfs->full && needed <= memory->size / MiB)
		return 0;
	return fail("kernel and agent need %luM of memory, and it is %s; give more by --memory",
		    needed, size_format(memory->size, have));
}

/*
 * The agent comes last: a kernel that had no memory to unpack it all has no agent to start, and
 * can't run a command without its drivers.
 */
static int write_initramfs(struct initramfs *initramfs, const struct modules *modules)
{
	if (modules_add(modules, initramfs, MODULES_NAME) ||
	    initramfs_add_file(initramfs, BULKHEAD_AGENT, AGENT_NAME, 0700))
		return -1;
	return initramfs_finish(initramfs);
}

int initrd_make(struct initrd *initrd, const struct image *image, const struct memory *memory)
{
	struct initrd room = boot_initrd_room(image, memory);
	char release[IMAGE_RELEASE];
	struct initramfs initramfs;
	struct modules modules;
	int result;

	if (access(BULKHEAD_AGENT, R_OK))
		return fail_errno("%s, the program that runs commands in guests; install bulkhead",
				  BULKHEAD_AGENT);
	image_release(image, release);
	if (modules_find(&modules, MODULES_DIR, release) ||
	    initramfs_open(&initramfs, memory_at(memory, room.guest_addr, room.bytes), room.bytes))
		return -1;
	result = write_initramfs(&initramfs, &modules);
	if (!result)
		result = check_memory(&initramfs, image, memory);
	initramfs_close(&initramfs);
	modules_release(&modules);
	*initrd = (struct initrd){ .guest_addr = room.guest_addr, .bytes = initramfs.bytes };
	return result;
}
