/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test tells its guest, and what the guest tells the test: at GUEST_DATA. */
#ifndef GUESTS_REPORT_H
#define GUESTS_REPORT_H

#include <linux/types.h>

/**
 * struct report - a page of guest memory that the test reads and writes as well
 * @scenario: what the guest is to do, one of the guest's own numbers
 * @slot: to which device
 * @argument: and how; the guest's own
 * @stop: the guest is to end
 * @line: where the first check failed, or zero
 * @wanted: what was wanted there
 * @got: and what was found
 * @checks: number of checks made
 * @rounds: what a guest without an end has done so far
 * @arrived: vCPUs that are running
 */
struct report {
	__u32 scenario;
	__u32 slot;
	__u64 argument;
	__u32 stop;
	__u32 line;
	__u64 wanted;
	__u64 got;
	__u32 checks;
	__u32 rounds;
	__u32 arrived;
};

#endif
