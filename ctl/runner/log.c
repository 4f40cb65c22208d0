// SPDX-License-Identifier: GPL-2.0-only
#include "runner/log.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM	4096

/* Without memory for more, what there is has to do. */
static void grow(struct log *log, size_t length)
{
	size_t room = log->room ?: FIRST_ROOM;
	char *text;

	while (room < LOG_MAX && room < log->length + length)
		room *= 2;
	if (room == log->room)
		return;
	text = malloc(room);
	if (!text)
		return;
	log_copy(log, text);
	free(log->text);
	log->text = text;
	log->room = room;
	log->start = 0;
}

void log_add(struct log *log, const char *text, size_t length)
{
	grow(log, length);
	for (size_t i = 0; i < length && log->room; i++) {
		log->text[(log->start + log->length) % log->room] = text[i];
		if (log->length < log->room) {
			log->length++;
		} else {
			log->start = (log->start + 1) % log->room;
			log->lost++;
		}
	}
}

void log_copy(const struct log *log, char *to)
{
	size_t first = log->room - log->start;

	if (!log->length)
		return;
	if (first > log->length)
		first = log->length;
	memcpy(to, log->text + log->start, first);
	memcpy(to + first, log->text, log->length - first);
}
