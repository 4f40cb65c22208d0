// SPDX-License-Identifier: GPL-2.0-only
#include "vcpu.h"
#include "error.h"
#include "thread.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void *vcpu_main(void *data)
{
	struct vcpu *vcpu = data;

	pthread_setname_np(pthread_self(), "vcpu 0");
	vcpu->run = (struct bulkhead_vcpu_run){ .size = sizeof(vcpu->run) };
	/* No signal is for this thread, but stop and continue of the process interrupt it too. */
	while (ioctl(vcpu->fd, BULKHEAD_VCPU_RUN, &vcpu->run)) {
		if (errno != EINTR) {
			vcpu->error = errno;
			break;
		}
	}
	eventfd_write(vcpu->ended, 1);
	return NULL;
}

int vcpu_start(struct vcpu *vcpu, int fd)
{
	*vcpu = (struct vcpu){ .fd = fd };
	vcpu->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vcpu->ended < 0)
		return fail_errno("can't create an eventfd");
	if (thread_start(&vcpu->thread, vcpu_main, vcpu, "a vCPU")) {
		close(vcpu->ended);
		return -1;
	}
	return 0;
}

int vcpu_join(struct vcpu *vcpu)
{
	if (vcpu->ended >= 0) {
		pthread_join(vcpu->thread, NULL);
		close(vcpu->ended);
		vcpu->ended = -1;
	}
	if (!vcpu->error)
		return 0;
	errno = vcpu->error;
	return fail_errno("can't run the vCPU");
}
