/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_SIZE_H
#define BULKHEAD_SIZE_H

#include <stdint.h>

/* Reads "4096", "512K", "128M", "2G" or "1T". Returns 0, or -1 with an error. */
int size_parse(const char *text, uint64_t *bytes);

/* Room for any size in words. */
#define SIZE_TEXT	24

/* Writes a size the short way, "256M" or "1.5G". Returns @text. */
const char *size_format(uint64_t bytes, char text[SIZE_TEXT]);

#endif
