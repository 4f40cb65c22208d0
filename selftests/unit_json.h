/* SPDX-License-Identifier: GPL-2.0-only */
/* For unit tests of what reads JSON, whose includes come first. */
#ifndef BULKHEAD_UNIT_JSON_H
#define BULKHEAD_UNIT_JSON_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

/* Reads JSON that may have single quotes for its double ones. */
static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	for (char *quote = copy; (quote = strchr(quote, '\'')); )
		*quote = '"';
	json = json_loads(copy, JSON_DECODE_ANY, NULL);
	if (!json)
		abort();
	free(copy);
	return json;
}

/* Says both error and text when it is not in it. */
static void expect_error(struct __test_metadata *_metadata, const char *text)
{
	EXPECT_NE(NULL, strstr(error_text(), text)) {
		TH_LOG("\"%s\" is not in \"%s\"", text, error_text());
	}
}

#define EXPECT_ERROR(text)	expect_error(_metadata, text)

#endif
