// SPDX-License-Identifier: GPL-2.0-only
/* Sizes as people write them. */
#include "base/size.h"
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char units[] = "KMGT";

int size_parse(const char *text, uint64_t *bytes)
{
	unsigned long number;
	unsigned int shift = 0;
	char *end;

	/* strtoul() alone would take signs and spaces. */
	if (!isdigit((unsigned char)*text))
		goto malformed;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (*end) {
		const char *unit = strchr(units, toupper((unsigned char)*end));

		if (!unit || end[1])
			goto malformed;
		shift = 10 * (unit - units + 1);
	}
	if (errno == ERANGE || number > UINT64_MAX >> shift)
		return fail("%s: larger than any memory", text);
	*bytes = number << shift;
	return 0;

malformed:
	return fail("%s: not a size; give bytes, or a number with K, M, G or T as in 256M", text);
}

const char *size_format(uint64_t bytes, char text[SIZE_TEXT])
{
	unsigned int unit = 0;
	uint64_t tenths;

	while (unit < strlen(units) && bytes >> (10 * (unit + 1)))
		unit++;
	if (!unit) {
		snprintf(text, SIZE_TEXT, "%lu", bytes);
		return text;
	}
	tenths = (bytes >> (10 * unit)) * 10 +
		 (((bytes >> (10 * (unit - 1))) & 1023) * 10 >> 10);
	if (tenths % 10)
		snprintf(text, SIZE_TEXT, "%lu.%lu%c", tenths / 10, tenths % 10,
			 units[unit - 1]);
	else
		snprintf(text, SIZE_TEXT, "%lu%c", tenths / 10, units[unit - 1]);
	return text;
}
