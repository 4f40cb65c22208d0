// SPDX-License-Identifier: GPL-2.0-only
#include "machine/vcpu.h"
#include "base/error.h"
#include "base/thread.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NAME_MAX_LENGTH	16

static void *vcpu_main(void *data)
{
	struct vcpu *vcpu = data;
	char name[NAME_MAX_LENGTH];

	snprintf(name, sizeof(name), "vcpu %u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	vcpu->run = (struct bulkhead_vcpu_run){ .size = sizeof(vcpu->run) };
	/* No signal is for this thread, but stop and continue of the process interrupt it too. */
	while (ioctl(vcpu->fd, BULKHEAD_VCPU_RUN, &vcpu->run)) {
		if (errno != EINTR) {
			__atomic_store_n(&vcpu->vcpus->error, errno, __ATOMIC_RELEASE);
			break;
		}
	}
	eventfd_write(vcpu->vcpus->ended, 1);
	return NULL;
}

int vcpus_start(struct vcpus *vcpus, const int *fds, unsigned int n)
{
	*vcpus = (struct vcpus){ .ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (vcpus->ended < 0)
		return fail_errno("can't create an eventfd");
	/* After an error, threads that have started are left to the end of the process. */
	while (vcpus->n < n) {
		struct vcpu *vcpu = &vcpus->vcpus[vcpus->n];

		vcpu->vcpus = vcpus;
		vcpu->index = vcpus->n;
		vcpu->fd = fds[vcpus->n];
		if (thread_start(&vcpu->thread, vcpu_main, vcpu, "a vCPU"))
			return -1;
		vcpus->n++;
	}
	return 0;
}

static int check(struct vcpus *vcpus)
{
	errno = __atomic_load_n(&vcpus->error, __ATOMIC_ACQUIRE);
	return errno ? fail_errno("can't run a vCPU") : 0;
}

int vcpus_join(struct vcpus *vcpus)
{
	/* What one of them can't do doesn't stop the others. */
	if (check(vcpus))
		return -1;
	if (vcpus->ended < 0)
		return 0;
	for (unsigned int i = 0; i < vcpus->n; i++)
		pthread_join(vcpus->vcpus[i].thread, NULL);
	close(vcpus->ended);
	vcpus->ended = -1;
	return check(vcpus);
}
