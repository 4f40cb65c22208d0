/* SPDX-License-Identifier: GPL-2.0-only */
/* What is where in the memory of a small guest. */
#ifndef GUESTS_LAYOUT_H
#define GUESTS_LAYOUT_H

#define GUEST_GDT	0x500
#define GUEST_PAGES	0x1000
#define SECOND_ADDR	0x8000
#define GUEST_CODE	0x10000
#define GUEST_DATA	0x20000

#endif
