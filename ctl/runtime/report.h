/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_REPORT_H
#define BULKHEAD_REPORT_H

#include <stdbool.h>

/* Prints the containers below --root, those of crun as well. Returns 0, or -1 with an error. */
int report_list(bool json, bool quiet);

#endif
