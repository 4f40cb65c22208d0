/* SPDX-License-Identifier: GPL-2.0-only */
/* The thread that is a vCPU. */
#ifndef BULKHEAD_VCPU_H
#define BULKHEAD_VCPU_H

#include <linux/bulkhead.h>
#include <pthread.h>

struct vcpu {
	int fd;
	int ended;		/* an eventfd: readable once the thread has ended; -1 once joined */
	int error;		/* errno of BULKHEAD_VCPU_RUN, zero if the partition stopped */
	struct bulkhead_vcpu_run run;
	pthread_t thread;
};

/* Runs the vCPU @fd in a thread of its own. @vcpu must stay where it is. */
int vcpu_start(struct vcpu *vcpu, int fd);

/* Waits for the thread. Returns 0 if the partition stopped, with @vcpu->run filled in. */
int vcpu_join(struct vcpu *vcpu);

#endif
