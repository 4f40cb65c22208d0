/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * External devices: virtio devices whose queues a backend outside the module serves. Each has a
 * thread that hands the queues over when the driver is ready, and gets them back when it resets the
 * device; docs/interface.md tells their life.
 */
#ifndef BULKHEAD_EXTERNAL_H
#define BULKHEAD_EXTERNAL_H

#include <linux/bulkhead.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct external;

/* A backend. All are called by the device's thread, and return 0, or -1 with an error. */
struct external_ops {
	/* Takes the queues: @state says where they are, and what was negotiated. */
	int (*start)(struct external *external, const struct bulkhead_external_get *state);

	/* Lets go of them: after this, successful or not, it touches no memory of the guest. */
	int (*stop)(struct external *external);

	/*
	 * The backend has failed: puts another in its place, for the queues of @state. May be NULL,
	 * or fail; then the driver is told.
	 */
	int (*replace)(struct external *external, const struct bulkhead_external_get *state);

	/* Serves the queue of external->own, which was kicked. NULL if it has none. */
	void (*serve)(struct external *external);
};

struct external {
	const char *name;	/* of the device, for errors */
	const struct external_ops *ops;
	int fd;
	int irq;		/* an eventfd, by which the backend interrupts the guest */
	int failed;		/* readable once the backend, which runs, can't go on; or -1 */
	int own;		/* the kick of the queue that the thread serves, or -1 */
	unsigned int queues;
	int kicks[BULKHEAD_EXTERNAL_QUEUES_MAX];	/* eventfds */
	pthread_t thread;
	bool running;
	unsigned int failures;
};

/* What the device is; as in struct bulkhead_external_create. */
struct external_setup {
	uint32_t device;
	uint32_t queues;
	uint32_t queue_max;
	uint64_t features;
	const void *config;
	uint32_t config_bytes;
};

/*
 * Gives the partition a device, of which name, ops and failed are set. Returns 0, or -1 with an
 * error.
 */
int external_create(struct external *external, int partition, const struct external_setup *setup);

/* Starts the device's thread. @external must stay where it is. Returns 0, or -1 with an error. */
int external_start(struct external *external);

/* Waits for the thread, which ends when the partition stops: then the backend has let go. */
void external_join(struct external *external);

#endif
