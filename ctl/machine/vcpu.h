/* SPDX-License-Identifier: GPL-2.0-only */
/* The threads that are the vCPUs. */
#ifndef BULKHEAD_VCPU_H
#define BULKHEAD_VCPU_H

#include <linux/bulkhead.h>
#include <pthread.h>

struct vcpus;

struct vcpu {
	struct vcpus *vcpus;
	unsigned int index;
	int fd;
	struct bulkhead_vcpu_run run;
	pthread_t thread;
};

struct vcpus {
	int ended;		/* an eventfd: readable once a thread has ended; -1 once joined */
	int error;		/* errno of a BULKHEAD_VCPU_RUN that failed; atomic */
	unsigned int n;		/* threads */
	struct vcpu vcpus[BULKHEAD_VCPUS_MAX];
};

/* Runs the vCPUs @fds in threads of their own. @vcpus must stay where it is. */
int vcpus_start(struct vcpus *vcpus, const int *fds, unsigned int n);

/*
 * Waits for the threads. Returns 0 if the partition stopped; -1 with an error if one can't be run,
 * whatever the others do.
 */
int vcpus_join(struct vcpus *vcpus);

/* Once joined: how the partition stopped. */
static inline const struct bulkhead_vcpu_run *vcpus_result(const struct vcpus *vcpus)
{
	return &vcpus->vcpus[0].run;
}

#endif
