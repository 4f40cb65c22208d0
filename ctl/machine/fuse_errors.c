// SPDX-License-Identifier: GPL-2.0-only
/* Virtio 1.2, section 5.11.6: the requests of FUSE. */
#include "machine/fuse_errors.h"
#include "base/error.h"
#include "base/thread.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The first that is long enough, or NULL. */
static void *find_part(const struct iovec *parts, unsigned int n, size_t length)
{
	for (unsigned int i = 0; i < n; i++)
		if (parts[i].iov_len >= length)
			return parts[i].iov_base;
	return NULL;
}

/* Returns the bytes written: none if that is no request, or one that wants no answer. */
static uint32_t answer(const struct chain *chain)
{
	const struct fuse_in_header *in = find_part(chain->in, chain->n_in, sizeof(*in));
	struct fuse_out_header *out = find_part(chain->out, chain->n_out, sizeof(*out));

	if (!in || !out)
		return 0;
	*out = (struct fuse_out_header){
		.len = sizeof(*out),
		.error = -EIO,
		.unique = in->unique,
	};
	return sizeof(*out);
}

bool fuse_errors_serve(struct queue *queue)
{
	struct chain chain;
	bool any = false;

	while (queue_take(queue, &chain)) {
		queue_give(queue, &chain, answer(&chain));
		any = true;
	}
	return any;
}

static void *errors_main(void *data)
{
	struct fuse_errors *errors = data;
	const struct external *external = errors->external;
	struct pollfd fds[BULKHEAD_EXTERNAL_QUEUES_MAX + 1];
	unsigned int n = external->queues;

	pthread_setname_np(pthread_self(), "virtio-fs errors");
	for (unsigned int i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = external->kicks[i], .events = POLLIN };
	fds[n] = (struct pollfd){ .fd = errors->stop, .events = POLLIN };
	for (;;) {
		bool any = false;
		eventfd_t count;

		for (unsigned int i = 0; i < n; i++)
			if (errors->queues[i].at.size)
				any |= fuse_errors_serve(&errors->queues[i]);
		if (any)
			eventfd_write(external->irq, 1);
		/* What came since is kicked for. */
		if (poll(fds, n + 1, -1) < 0 && errno != EINTR)
			break;
		if (fds[n].revents)
			break;
		for (unsigned int i = 0; i < n; i++)
			if (fds[i].revents)
				eventfd_read(fds[i].fd, &count);
	}
	return NULL;
}

int fuse_errors_start(struct fuse_errors *errors, const struct external *external,
		      const struct bulkhead_external_get *state, const struct memory *memory)
{
	*errors = (struct fuse_errors){
		.external = external,
		.stop = eventfd(0, EFD_CLOEXEC),
	};
	if (errors->stop < 0)
		return fail_errno("can't create an eventfd");
	for (unsigned int i = 0; i < external->queues; i++)
		if (state->queue[i].size)
			queue_init(&errors->queues[i], memory, &state->queue[i]);
	if (thread_start(&errors->thread, errors_main, errors, "a device's errors"))
		return -1;
	errors->running = true;
	return 0;
}

void fuse_errors_stop(struct fuse_errors *errors)
{
	if (!errors->running)
		return;
	eventfd_write(errors->stop, 1);
	pthread_join(errors->thread, NULL);
	close(errors->stop);
	errors->running = false;
}
