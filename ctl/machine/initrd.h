/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The initrd of a partition that runs a command: the agent, crun, and drivers for the guest's
 * kernel.
 */
#ifndef BULKHEAD_INITRD_H
#define BULKHEAD_INITRD_H

#include "machine/boot.h"

/* The kernel's parameter for what it starts from the initrd. */
#define INITRD_PARAMETERS	"rdinit=/agent"

/* Reads it into guest memory, and builds it if need be. Returns 0, or -1 with an error. */
int initrd_make(struct initrd *initrd, const struct image *image, const struct memory *memory);

#endif
