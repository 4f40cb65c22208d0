// SPDX-License-Identifier: GPL-2.0-only
#include "base/timeout.h"
#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define MAX_SECONDS	86400

int timeout_parse(const char *text, unsigned int *seconds)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return fail("--timeout: %s: not a number of seconds", text);
	if (errno || n > MAX_SECONDS)
		return fail("--timeout: %s: more than a day, %d", text, MAX_SECONDS);
	*seconds = n;
	return 0;
}

uint64_t timeout_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}
