/* SPDX-License-Identifier: GPL-2.0-only */
/* The modules of a guest's kernel that have the drivers for the machine's devices. */
#ifndef BULKHEAD_MODULES_H
#define BULKHEAD_MODULES_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/initramfs.h"

#define MODULES_DIR	"/lib/modules"

/* A module file. */
struct module {
	char *path;
	unsigned int device;	/* virtio id of the devices that it is for; 0 for any machine */
};

struct modules {
	struct module *files;	/* in the order in which they can be loaded */
	size_t n;
};

/*
 * Finds what kernel @release has as modules under @dir, usually MODULES_DIR, which may be nothing:
 * drivers may be built in. The agent complains if they are nowhere.
 */
int modules_find(struct modules *modules, const char *dir, const char *release);
void modules_release(struct modules *modules);

/* Adds them, uncompressed, as @name/FILE, and @name/order, which is for the agent. */
int modules_add(const struct modules *modules, struct initramfs *initramfs, const char *name);

#endif
