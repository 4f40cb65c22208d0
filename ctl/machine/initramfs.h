/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes an initramfs, a newc cpio archive, straight into guest memory. */
#ifndef BULKHEAD_INITRAMFS_H
#define BULKHEAD_INITRAMFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct archive;

struct initramfs {
	struct archive *archive;
	uint8_t *to;
	uint64_t room;
	uint64_t bytes;		/* of the archive, whether or not they fit */
	uint64_t pages;		/* of 4 KiB that its files take once unpacked */
	uint32_t entries;
	bool full;
};

/*
 * Starts an archive in the @room bytes at @to. What exceeds them is counted only, so that the end
 * knows how much was needed.
 */
int initramfs_open(struct initramfs *initramfs, void *to, uint64_t room);

int initramfs_add_dir(struct initramfs *initramfs, const char *name, mode_t mode);

/* Adds the regular file @path as @name. */
int initramfs_add_file(struct initramfs *initramfs, const char *path, const char *name,
		       mode_t mode);

/* Adds a regular file @name that has the @length bytes at @data. */
int initramfs_add_data(struct initramfs *initramfs, const void *data, size_t length,
		       const char *name, mode_t mode);

/* Writes the archive's end. */
int initramfs_finish(struct initramfs *initramfs);

/* Releases all but the memory written to. */
void initramfs_close(struct initramfs *initramfs);

#endif
