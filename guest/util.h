/* SPDX-License-Identifier: GPL-2.0-only */
/* For agent and controller. */
#ifndef BULKHEAD_UTIL_H
#define BULKHEAD_UTIL_H

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define __printf(a, b)		__attribute__((format(printf, a, b)))

#endif
