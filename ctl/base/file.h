/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that the user names. */
#ifndef BULKHEAD_FILE_H
#define BULKHEAD_FILE_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Opens a regular file for reading. Returns a descriptor, or -1 with an error. */
int file_open(const char *path, struct stat *stat);

/* pread() that reads on to the end of @bytes or of the file. Returns the bytes read, or -1. */
ssize_t file_read(int fd, void *to, size_t bytes, uint64_t offset);

#endif
