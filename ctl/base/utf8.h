/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_UTF8_H
#define BULKHEAD_UTF8_H

#include <stddef.h>

/*
 * Returns a copy of @text, to be freed, that is a string of valid UTF-8: what isn't becomes U+FFFD,
 * byte by byte, and so does a zero. NULL without memory.
 */
char *utf8_sanitize(const char *text, size_t length);

#endif
