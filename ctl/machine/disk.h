/* SPDX-License-Identifier: GPL-2.0-only */
/* Disks: files and block devices of the host that a guest gets. */
#ifndef BULKHEAD_DISK_H
#define BULKHEAD_DISK_H

#include <stdbool.h>

#include <linux/bulkhead.h>

struct disk {
	const char *path;
	bool read_only;
	char serial[BULKHEAD_DISK_SERIAL + 1];
	int fd;		/* -1 before disk_open() */
};

/*
 * Reads PATH[,ro][,serial=S]; a comma in PATH or S is doubled. What @disk points to lives as
 * long as the process.
 */
int disk_parse(const char *text, struct disk *disk);

/*
 * Opens the disk, and locks it: many may have it to read, or one to write. The lock is the open
 * file's, which is the module's as well once it has the disk: it ends with the last of the two,
 * however they end.
 */
int disk_open(struct disk *disk);

#endif
