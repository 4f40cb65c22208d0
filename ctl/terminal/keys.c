// SPDX-License-Identifier: GPL-2.0-only
#include "terminal/keys.h"
#include "base/error.h"

#include <string.h>

#define CONTROLS	" with X one of a-z @ [ \\ ] ^ _"

/* Their codes are their places. */
static const char controls[] = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

/* Returns the code of the key that has @length characters, or -1. */
static int parse_key(const char *text, size_t length)
{
	const char *control;

	if (length == 1)
		return (unsigned char)text[0];
	if (length == 3 && !strncmp(text, "DEL", 3))
		return 0x7f;
	if (length != 6 || strncmp(text, "ctrl-", 5))
		return -1;
	control = strchr(controls, text[5]);
	return control ? control - controls : -1;
}

int keys_parse(const char *text, struct keys *keys)
{
	const char *key = text;

	*keys = (struct keys){ 0 };
	if (!*text)
		return 0;
	for (;;) {
		size_t length = strcspn(key, ",");
		int code = parse_key(key, length);

		if (code < 0)
			return fail("%s: no such key: '%.*s'; give characters, or ctrl-X" CONTROLS,
				    text, (int)length, key);
		if (keys->n == KEYS_MAX)
			return fail("%s: too many keys, at most %d", text, KEYS_MAX);
		keys->key[keys->n++] = code;
		if (!key[length])
			return 0;
		key += length + 1;
	}
}

bool keys_filter(struct keys *keys, const uint8_t *typed, size_t n, uint8_t *out, size_t *length)
{
	*length = 0;
	for (size_t i = 0; i < n; i++) {
		/* Of what is held back, let go until the rest and this key begin the sequence. */
		while (keys->typed && keys->key[keys->typed] != typed[i]) {
			size_t gone = 1;

			while (memcmp(keys->key, keys->key + gone, keys->typed - gone))
				gone++;
			memcpy(out + *length, keys->key, gone);
			*length += gone;
			keys->typed -= gone;
		}
		if (!keys->n || keys->key[keys->typed] != typed[i]) {
			out[(*length)++] = typed[i];
		} else if (++keys->typed == keys->n) {
			keys->typed = 0;
			return true;
		}
	}
	return false;
}
