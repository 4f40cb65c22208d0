// SPDX-License-Identifier: GPL-2.0-only
#include "base/conf.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Cuts the blanks off both ends. */
static char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = 0;
	return text;
}

static int read_line(char *line, int (*set)(void *data, const char *key, char *value), void *data)
{
	char *key = trim(line);
	char *value = strchr(key, '=');

	if (!*key || *key == '#')
		return 0;
	if (!value)
		return fail("%s: no '='; give KEY = VALUE", key);
	*value++ = 0;
	key = trim(key);
	value = strdup(trim(value));
	if (!value)
		return fail_errno("%s", key);
	return set(data, key, value);
}

int conf_read(const char *path, int (*set)(void *data, const char *key, char *value), void *data)
{
	char *line cleanup_free = NULL;
	FILE *file = fopen(path, "re");
	unsigned int n = 0;
	size_t room = 0;
	int result = 0;

	if (!file)
		return errno == ENOENT ? 0 : fail_errno("%s", path);
	while (!result && getline(&line, &room, file) > 0) {
		n++;
		if (read_line(line, set, data))
			result = error_prefix("%s:%u", path, n);
	}
	if (!result && ferror(file))
		result = fail_errno("%s", path);
	fclose(file);
	return result;
}
