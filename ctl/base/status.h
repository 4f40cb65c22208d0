/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_STATUS_H
#define BULKHEAD_STATUS_H

/* Exit statuses: as docker has them for run, the usual ones for the rest. */
#define STATUS_FAILURE		1
#define STATUS_USAGE		2
#define STATUS_RUN_FAILURE	125
#define STATUS_CANNOT_EXECUTE	126
#define STATUS_NOT_FOUND	127
#define STATUS_SIGNAL		128	/* plus its number */

#endif
