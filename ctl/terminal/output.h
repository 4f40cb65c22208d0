/* SPDX-License-Identifier: GPL-2.0-only */
/* Output of the guest's on its way to stdout or stderr. */
#ifndef BULKHEAD_OUTPUT_H
#define BULKHEAD_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

struct output {
	int fd;
	const uint8_t *data;
	size_t length;		/* still to be written */
};

/* Writes what a descriptor takes that poll() calls writable. Returns 0, or -1 with an error. */
int output_write(struct output *output);

#endif
