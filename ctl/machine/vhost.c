// SPDX-License-Identifier: GPL-2.0-only
#include "machine/vhost.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int set_memory(const struct vhost *vhost, const struct memory *memory)
{
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned int n = memory_regions(memory, regions);
	struct vhost_memory *table;
	int result;

	table = calloc(1, sizeof(*table) + n * sizeof(table->regions[0]));
	if (!table)
		return -1;
	table->nregions = n;
	for (unsigned int i = 0; i < n; i++)
		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = regions[i].guest_addr,
			.memory_size = regions[i].bytes,
			.userspace_addr = (uintptr_t)memory->base + regions[i].offset,
		};
	result = ioctl(vhost->fd, VHOST_SET_MEM_TABLE, table);
	free(table);
	return result;
}

int vhost_open(struct vhost *vhost, const char *path, const struct memory *memory)
{
	*vhost = (struct vhost){ .fd = open(path, O_RDWR | O_CLOEXEC) };
	if (vhost->fd < 0) {
		fail_errno("%s", path);
		return errno == ENOENT || errno == ENODEV || errno == ENXIO || errno == EACCES ||
		       errno == EPERM ? 1 : -1;
	}
	if (!ioctl(vhost->fd, VHOST_SET_OWNER) &&
	    !ioctl(vhost->fd, VHOST_GET_FEATURES, &vhost->features) && !set_memory(vhost, memory))
		return 0;
	fail_errno("%s: can't set up the backend", path);
	vhost_close(vhost);
	return -1;
}

int vhost_watch(struct external *external)
{
	external->failed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return external->failed < 0 ? fail_errno("%s: can't create an eventfd", external->name) : 0;
}

void vhost_clear_failure(const struct external *external)
{
	eventfd_t count;

	eventfd_read(external->failed, &count);
}

static int set_queue(const struct vhost *vhost, const struct external *external,
		     const struct bulkhead_external_queue *queue, unsigned int index, int kick_fd)
{
	struct vhost_vring_state size = { .index = index, .num = queue->size };
	struct vhost_vring_state base = { .index = index };
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = queue->desc,
		.avail_user_addr = queue->avail,
		.used_user_addr = queue->used,
	};
	struct vhost_vring_file kick = { .index = index, .fd = kick_fd };
	struct vhost_vring_file call = { .index = index, .fd = external->irq };
	struct vhost_vring_file failed = { .index = index, .fd = external->failed };

	return ioctl(vhost->fd, VHOST_SET_VRING_NUM, &size) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_BASE, &base) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_ADDR, &addr) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_KICK, &kick) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_CALL, &call) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_ERR, &failed) ? -1 : 0;
}

int vhost_set_queues(const struct vhost *vhost, const struct external *external,
		     const struct bulkhead_external_get *state, unsigned int first, unsigned int n)
{
	uint64_t features = state->features & vhost->features;

	if (ioctl(vhost->fd, VHOST_SET_FEATURES, &features))
		return fail_errno("%s: the backend refuses features %#lx", external->name,
				  features);
	for (unsigned int i = 0; i < n; i++) {
		const struct bulkhead_external_queue *queue = &state->queue[first + i];

		if (!queue->size)
			return fail("%s: the guest's driver doesn't use queue %u", external->name,
				    first + i);
		if (set_queue(vhost, external, queue, i, external->kicks[first + i]))
			return fail_errno("%s: the backend refuses queue %u", external->name,
					  first + i);
	}
	return 0;
}

void vhost_close(struct vhost *vhost)
{
	if (vhost->fd >= 0)
		close(vhost->fd);
	vhost->fd = -1;
}
