/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_KERNEL_H
#define BULKHEAD_KERNEL_H

/* The path, to be freed, of the kernel that guests get if none is named; or NULL with an error. */
char *kernel_find_default(void);

#endif
