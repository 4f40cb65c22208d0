/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a directory of the host's becomes the root of the guest. A transport puts an initrd with the
 * agent into memory, and the directory where the agent finds it. The one transport there is puts
 * the directory into the initrd too.
 */
#ifndef BULKHEAD_ROOT_H
#define BULKHEAD_ROOT_H

#include "machine/boot.h"

/* The kernel's parameter for what it starts from the initrd. */
#define ROOT_PARAMETERS	"rdinit=/.bulkhead/agent"

/* Checks that @dir can be a root. */
int root_check(const char *dir);

int root_initramfs(const char *dir, const struct image *image, const struct memory *memory,
		   struct initrd *initrd);

#endif
