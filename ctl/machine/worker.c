// SPDX-License-Identifier: GPL-2.0-only
#include "machine/worker.h"
#include "base/error.h"
#include "base/thread.h"

#include <errno.h>
#include <linux/bulkhead.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

static void *worker_main(void *data)
{
	struct bulkhead_worker_run run = { .size = sizeof(run) };
	int partition = (intptr_t)data;

	pthread_setname_np(pthread_self(), "worker");
	while (ioctl(partition, BULKHEAD_WORKER_RUN, &run)) {
		if (errno != EINTR) {
			warn("a worker ended: %s; devices may not answer", strerror(errno));
			break;
		}
	}
	return NULL;
}

int workers_start(int partition, unsigned int n)
{
	pthread_t thread;

	while (n--) {
		if (thread_start(&thread, worker_main, (void *)(intptr_t)partition, "a worker"))
			return -1;
		pthread_detach(thread);
	}
	return 0;
}
