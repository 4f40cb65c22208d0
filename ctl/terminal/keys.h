/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys that are for this program, among all that is typed for a guest. */
#ifndef BULKHEAD_KEYS_H
#define BULKHEAD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYS_MAX	16

/* What podman and docker detach by. */
#define KEYS_DETACH	"ctrl-p,ctrl-q"

struct keys {
	uint8_t key[KEYS_MAX];
	size_t n;		/* none if zero */
	size_t typed;		/* how many of them were typed last; they are held back */
};

/*
 * Reads a sequence as podman has it: keys separated by commas, each a character or ctrl- and one of
 * a-z @ [ \ ] ^ _. The empty text means none.
 */
int keys_parse(const char *text, struct keys *keys);

/*
 * Looks for the keys in the @n bytes of @typed. Returns true once all of them came one after the
 * other. Otherwise @out has what the guest is to get, *@length bytes and at most KEYS_MAX - 1 more
 * than @n: the beginning of the sequence is held back until it can't become the whole.
 */
bool keys_filter(struct keys *keys, const uint8_t *typed, size_t n, uint8_t *out, size_t *length);

#endif
