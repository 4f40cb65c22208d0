// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/isolation.h"
#include "base/error.h"

#include <string.h>

int isolation_check(const char *text)
{
	return strcmp(text, "partition") && strcmp(text, "process") ?
	       fail("%s: neither partition nor process", text) : 0;
}
