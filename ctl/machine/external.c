// SPDX-License-Identifier: GPL-2.0-only
#include "machine/external.h"
#include "base/error.h"
#include "base/thread.h"
#include "util.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

int external_create(struct external *external, int partition, const struct external_setup *setup)
{
	struct bulkhead_external_create create = {
		.size = sizeof(create),
		.device = setup->device,
		.queues = setup->queues,
		.queue_max = setup->queue_max,
		.features = setup->features,
		.config = (uintptr_t)setup->config,
		.config_bytes = setup->config_bytes,
		.kick_fds = (uintptr_t)external->kicks,
	};

	external->queues = setup->queues;
	external->own = -1;
	external->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (external->irq < 0)
		return fail_errno("%s: can't create an eventfd", external->name);
	for (unsigned int i = 0; i < setup->queues; i++) {
		external->kicks[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (external->kicks[i] < 0)
			return fail_errno("%s: can't create an eventfd", external->name);
	}
	create.irq_fd = external->irq;
	external->fd = ioctl(partition, BULKHEAD_EXTERNAL_CREATE, &create);
	if (external->fd < 0 && errno == ENOSPC)
		return fail("%s: the partition has no room for another device", external->name);
	if (external->fd < 0)
		return fail_errno("%s: can't create the device", external->name);
	return 0;
}

/* The backend can't go on: the driver is told, and may try again. */
static void give_up(struct external *external)
{
	struct bulkhead_external_fail args = { .size = sizeof(args) };

	/* Once: a driver that breaks its queues on purpose isn't to fill anybody's log. */
	if (!external->failures++)
		warn("%s", error_text());
	if (ioctl(external->fd, BULKHEAD_EXTERNAL_FAIL, &args))
		warn("%s: can't report the failure: %m", external->name);
}

static void stop(struct external *external)
{
	if (external->running && external->ops->stop(external))
		warn("%s", error_text());
	external->running = false;
}

static void start(struct external *external, const struct bulkhead_external_get *state)
{
	if (external->running)
		return;
	if (external->ops->start(external, state)) {
		give_up(external);
		return;
	}
	external->running = true;
	/*
	 * What was kicked before the backend was there: an eventfd keeps it, but vhost goes by
	 * changes alone.
	 */
	for (unsigned int i = 0; i < external->queues; i++)
		if (state->queue[i].size)
			eventfd_write(external->kicks[i], 1);
}

static void serve(struct external *external)
{
	eventfd_t count;

	/* First: what is put there from now on is kicked for once more. */
	eventfd_read(external->own, &count);
	external->ops->serve(external);
}

/* Tries to go on with another backend, so that the driver needn't notice more than errors. */
static bool replace(struct external *external)
{
	struct bulkhead_external_get state = { .size = sizeof(state) };
	struct bulkhead_external_fail args = {
		.size = sizeof(args),
		.flags = BULKHEAD_EXTERNAL_FAIL_REPLACED,
	};

	if (!external->ops->replace || ioctl(external->fd, BULKHEAD_EXTERNAL_GET, &state) ||
	    state.state != BULKHEAD_EXTERNAL_READY || external->ops->replace(external, &state))
		return false;
	external->failed = -1;
	/* If it is being reset just now, that comes next. */
	if (ioctl(external->fd, BULKHEAD_EXTERNAL_FAIL, &args) && errno != EBUSY)
		warn("%s: can't report the failure: %m", external->name);
	return true;
}

/* Follows the driver. Returns -1, with an error, if the device doesn't say what it does. */
static int follow(struct external *external)
{
	struct bulkhead_external_get state = { .size = sizeof(state) };
	struct bulkhead_external_release release = { .size = sizeof(release) };

	if (ioctl(external->fd, BULKHEAD_EXTERNAL_GET, &state))
		return fail_errno("%s: can't get the device's state", external->name);
	switch (state.state) {
	case BULKHEAD_EXTERNAL_READY:
		start(external, &state);
		return 0;
	case BULKHEAD_EXTERNAL_RESET:
		stop(external);
		if (ioctl(external->fd, BULKHEAD_EXTERNAL_RELEASE, &release))
			return fail_errno("%s: can't end the device's reset", external->name);
		return 0;
	default:
		return 0;
	}
}

static void *external_main(void *data)
{
	struct external *external = data;
	struct pollfd fds[] = {
		{ .fd = external->fd, .events = POLLIN },
		{ .events = POLLIN },
		{ .events = POLLIN },
	};

	pthread_setname_np(pthread_self(), external->name);
	for (;;) {
		fds[1].fd = external->running ? external->failed : -1;
		fds[2].fd = external->running ? external->own : -1;
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			fail_errno("%s: poll", external->name);
			break;
		}
		if (fds[0].revents & POLLHUP) {
			stop(external);
			return NULL;
		}
		if (fds[0].revents && follow(external))
			break;
		if (fds[1].revents && external->running && !replace(external)) {
			stop(external);
			fail("%s: the guest's driver broke a queue, or its backend has failed",
			     external->name);
			give_up(external);
		}
		if (fds[2].revents && external->running)
			serve(external);
	}
	warn("%s", error_text());
	stop(external);
	/* Nobody else would let a vCPU go that waits for the queues. */
	close(external->fd);
	return NULL;
}

int external_start(struct external *external)
{
	return thread_start(&external->thread, external_main, external, "a device");
}

void external_join(struct external *external)
{
	pthread_join(external->thread, NULL);
}
