// SPDX-License-Identifier: GPL-2.0-only
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd";

/* Length of the valid sequence at @s, at most @left bytes, or 0. RFC 3629, section 4. */
static size_t sequence(const uint8_t *s, size_t left)
{
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint8_t low = 0x80, high = 0xbf;

	if (length == 1)
		return s[0] ? 1 : 0;
	if (s[0] < 0xc2 || s[0] > 0xf4 || length > left)
		return 0;
	/* No longer form than needed, no surrogates, nothing above U+10FFFF. */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return length;
}

char *utf8_sanitize(const char *text, size_t length)
{
	char *valid = malloc(length * strlen(replacement) + 1);
	char *to = valid;

	if (!valid)
		return NULL;
	for (size_t i = 0; i < length;) {
		size_t n = sequence((const uint8_t *)text + i, length - i);

		if (n) {
			memcpy(to, text + i, n);
			to += n;
			i += n;
		} else {
			to = stpcpy(to, replacement);
			i++;
		}
	}
	*to = 0;
	return valid;
}
