// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio 1.2, section 2.7 (split virtqueues) and 5.11.6 (requests of FUSE). What the driver has put
 * in its queues is hostile: it is read once, and what is nonsense is given back unanswered.
 */
#include "machine/fuse_errors.h"
#include "base/error.h"
#include "base/thread.h"

#include <errno.h>
#include <linux/fuse.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A request, as far as it takes to answer it. */
struct request {
	uint64_t unique;
	bool has_unique;
	struct fuse_out_header *answer;	/* NULL if it wants none */
};

/* A descriptor's memory, or NULL if it isn't the guest's. */
static void *find(const struct memory *memory, uint64_t addr, uint64_t bytes)
{
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned int n = memory_regions(memory, regions);

	for (unsigned int i = 0; i < n; i++) {
		uint64_t offset = addr - regions[i].guest_addr;

		if (addr >= regions[i].guest_addr && offset < regions[i].bytes &&
		    bytes <= regions[i].bytes - offset)
			return memory->base + regions[i].offset + offset;
	}
	return NULL;
}

static void take_descriptor(const struct memory *memory, const struct vring_desc *desc,
			    struct request *request)
{
	struct fuse_in_header *in;

	if (desc->flags & VRING_DESC_F_WRITE) {
		if (!request->answer && desc->len >= sizeof(*request->answer))
			request->answer = find(memory, desc->addr, sizeof(*request->answer));
		return;
	}
	if (request->has_unique || desc->len < sizeof(*in))
		return;
	in = find(memory, desc->addr, sizeof(*in));
	if (in) {
		request->unique = in->unique;
		request->has_unique = true;
	}
}

/* Takes a chain out of a table of @n descriptors; returns that which tells of another table. */
static struct vring_desc walk(const struct memory *memory, const struct vring_desc *table,
			      unsigned int n, unsigned int index, struct request *request)
{
	struct vring_desc desc = { 0 };

	/* A chain that is longer than its table is a circle. */
	for (unsigned int i = 0; i < n && index < n; i++) {
		memcpy(&desc, &table[index], sizeof(desc));
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return desc;
		take_descriptor(memory, &desc, request);
		if (!(desc.flags & VRING_DESC_F_NEXT))
			break;
		index = desc.next;
	}
	return (struct vring_desc){ 0 };
}

/* Answers the request whose first descriptor is @head. Returns the bytes written. */
static uint32_t answer(const struct fuse_errors *errors, const struct vring_desc *table,
		       unsigned int size, unsigned int head)
{
	struct request request = { 0 };
	struct vring_desc more = walk(errors->memory, table, size, head, &request);

	if (more.len) {
		unsigned int n = more.len / sizeof(more);

		table = find(errors->memory, more.addr, more.len);
		if (table)
			walk(errors->memory, table, n, 0, &request);
	}
	if (!request.has_unique || !request.answer)
		return 0;
	*request.answer = (struct fuse_out_header){
		.len = sizeof(*request.answer),
		.error = -EIO,
		.unique = request.unique,
	};
	return sizeof(*request.answer);
}

bool fuse_errors_serve(struct fuse_errors *errors, unsigned int index)
{
	const struct bulkhead_external_queue *queue = &errors->state.queue[index];
	const struct vring_desc *table = (const void *)(uintptr_t)queue->desc;
	struct vring_avail *avail = (void *)(uintptr_t)queue->avail;
	struct vring_used *used = (void *)(uintptr_t)queue->used;
	unsigned int size = queue->size;
	uint16_t *avail_event;
	bool any = false;

	if (!size)
		return false;
	avail_event = (uint16_t *)&used->ring[size];
	/* Every kick is wanted. */
	__atomic_store_n(&used->flags, 0, __ATOMIC_RELAXED);
	while (errors->next[index] != __atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE)) {
		uint16_t at = errors->next[index]++;
		uint16_t head = __atomic_load_n(&avail->ring[at % size], __ATOMIC_RELAXED);

		used->ring[at % size] = (struct vring_used_elem){
			.id = head,
			.len = answer(errors, table, size, head),
		};
		__atomic_store_n(&used->idx, errors->next[index], __ATOMIC_RELEASE);
		__atomic_store_n(avail_event, errors->next[index], __ATOMIC_SEQ_CST);
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
			any |= fuse_errors_serve(errors, i);
		if (any)
			eventfd_write(external->irq, 1);
		/* What came since is kicked for, for avail_event said so. */
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
		.memory = memory,
		.state = *state,
		.stop = eventfd(0, EFD_CLOEXEC),
	};
	if (errors->stop < 0)
		return fail_errno("can't create an eventfd");
	for (unsigned int i = 0; i < external->queues; i++) {
		const struct vring_used *used = (void *)(uintptr_t)state->queue[i].used;

		errors->next[i] = state->queue[i].size ? used->idx : 0;
	}
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
