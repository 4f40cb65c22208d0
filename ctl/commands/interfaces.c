// SPDX-License-Identifier: GPL-2.0-only
#include "commands/interfaces.h"
#include "base/error.h"
#include "base/size.h"
#include "client/client.h"
#include "control/part.h"

#include <stdlib.h>

struct frame_counters *interfaces_get(int socket, size_t *n)
{
	size_t length = 0;
	struct frame_counters *counters = client_ask(socket, FRAME_COUNTERS, NULL, 0, &length);

	*n = length / sizeof(*counters);
	if (!counters || length % sizeof(*counters) == 0)
		return counters;
	free(counters);
	fail("malformed counters");
	return NULL;
}

#define FORMAT		"%-20s %-10s %-8s %-8s %-8s %-8s %-8s %-8s %-8s %s\n"
#define FORMAT_NUMBERS	"%-20s %-10.16s %-8s %-8lu %-8lu %-8lu %-8s %-8lu %-8lu %lu\n"

void interfaces_print_head(FILE *file)
{
	fprintf(file, FORMAT, "NAME", "INTERFACE", "RECEIVED", "PACKETS", "ERRORS", "DROPPED",
		"SENT", "PACKETS", "ERRORS", "DROPPED");
}

void interfaces_print(FILE *file, const char *container, const struct frame_counters *counters,
		      size_t n)
{
	char received[SIZE_TEXT], sent[SIZE_TEXT], text[PART_SHORT_NAME];

	for (const struct frame_counters *c = counters; c < counters + n; c++)
		fprintf(file, FORMAT_NUMBERS, part_short_name(container, text), c->name,
			size_format(c->rx_bytes, received), c->rx_packets, c->rx_errors,
			c->rx_dropped, size_format(c->tx_bytes, sent), c->tx_packets, c->tx_errors,
			c->tx_dropped);
}

json_t *interfaces_to_json(const struct frame_counters *counters, size_t n)
{
	json_t *array = json_array();

	for (const struct frame_counters *c = counters; c < counters + n; c++) {
		json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
					   "name", c->name, "rx-bytes", c->rx_bytes,
					   "rx-packets", c->rx_packets, "rx-errors", c->rx_errors,
					   "rx-dropped", c->rx_dropped, "tx-bytes", c->tx_bytes,
					   "tx-packets", c->tx_packets, "tx-errors", c->tx_errors,
					   "tx-dropped", c->tx_dropped);

		json_array_append_new(array, object);
	}
	return array;
}
