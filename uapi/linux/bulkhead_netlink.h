/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	uapi/bulkhead.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_BULKHEAD_NETLINK_H
#define _UAPI_LINUX_BULKHEAD_NETLINK_H

#define BULKHEAD_FAMILY_NAME	"bulkhead"
#define BULKHEAD_FAMILY_VERSION	1

/**
 * enum bulkhead_state - What a partition does. Legal transitions are created
 *   to running, created to stopped and running to stopped.
 * @BULKHEAD_STATE_CREATED: It can be given memory, vCPUs and UARTs.
 * @BULKHEAD_STATE_RUNNING: A vCPU has been run.
 * @BULKHEAD_STATE_STOPPED: Nothing of it runs again. It is gone when its
 *   runner has closed it.
 */
enum bulkhead_state {
	BULKHEAD_STATE_CREATED,
	BULKHEAD_STATE_RUNNING,
	BULKHEAD_STATE_STOPPED,
};

/**
 * enum bulkhead_reason - Why a partition stopped.
 * @BULKHEAD_REASON_NONE: It hasn't.
 * @BULKHEAD_REASON_POWEROFF: The guest powered off.
 * @BULKHEAD_REASON_RESET: The guest reset.
 * @BULKHEAD_REASON_PANIC: The guest's kernel panicked.
 * @BULKHEAD_REASON_TRIPLE_FAULT: A fault in the guest, while its handlers for
 *   a fault and for a double fault failed.
 * @BULKHEAD_REASON_KILLED: The kill operation stopped it.
 * @BULKHEAD_REASON_RUNNER_EXIT: The runner died or closed its last descriptor.
 * @BULKHEAD_REASON_ERROR: KVM could not go on; the host's kernel log says why.
 */
enum bulkhead_reason {
	BULKHEAD_REASON_NONE,
	BULKHEAD_REASON_POWEROFF,
	BULKHEAD_REASON_RESET,
	BULKHEAD_REASON_PANIC,
	BULKHEAD_REASON_TRIPLE_FAULT,
	BULKHEAD_REASON_KILLED,
	BULKHEAD_REASON_RUNNER_EXIT,
	BULKHEAD_REASON_ERROR,
};

enum {
	BULKHEAD_A_PART_ID = 1,
	BULKHEAD_A_PART_NAME,
	BULKHEAD_A_PART_STATE,
	BULKHEAD_A_PART_OWNER,
	BULKHEAD_A_PART_RUNNER,
	BULKHEAD_A_PART_MEMORY,
	BULKHEAD_A_PART_VCPUS,
	BULKHEAD_A_PART_UPTIME,
	BULKHEAD_A_PART_REASON,
	BULKHEAD_A_PART_EXIT_STATUS,
	BULKHEAD_A_PART_EXITS,

	__BULKHEAD_A_PART_MAX,
	BULKHEAD_A_PART_MAX = (__BULKHEAD_A_PART_MAX - 1)
};

enum {
	BULKHEAD_A_EXITS_TOTAL = 1,
	BULKHEAD_A_EXITS_IO,
	BULKHEAD_A_EXITS_MMIO,
	BULKHEAD_A_EXITS_HALT,
	BULKHEAD_A_EXITS_IRQ,
	BULKHEAD_A_EXITS_IRQ_WINDOW,
	BULKHEAD_A_EXITS_SIGNAL,
	BULKHEAD_A_EXITS_UNCLAIMED,
	BULKHEAD_A_EXITS_RUNNER,

	__BULKHEAD_A_EXITS_MAX,
	BULKHEAD_A_EXITS_MAX = (__BULKHEAD_A_EXITS_MAX - 1)
};

enum {
	BULKHEAD_CMD_PART_GET = 1,
	BULKHEAD_CMD_PART_KILL,
	BULKHEAD_CMD_PART_CREATED,
	BULKHEAD_CMD_PART_RUNNING,
	BULKHEAD_CMD_PART_STOPPED,

	__BULKHEAD_CMD_MAX,
	BULKHEAD_CMD_MAX = (__BULKHEAD_CMD_MAX - 1)
};

#define BULKHEAD_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_BULKHEAD_NETLINK_H */
