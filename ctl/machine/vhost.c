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
	*vhost = (struct vhost){ .fd = open(path, O_RDWR | O_CLOEXEC), .failed = -1 };
	if (vhost->fd < 0) {
		fail_errno("%s", path);
		return errno == ENOENT || errno == ENODEV || errno == ENXIO || errno == EACCES ||
		       errno == EPERM ? 1 : -1;
	}
	vhost->failed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vhost->failed >= 0 && !ioctl(vhost->fd, VHOST_SET_OWNER) &&
	    !ioctl(vhost->fd, VHOST_GET_FEATURES, &vhost->features) && !set_memory(vhost, memory))
		return 0;
	fail_errno("%s: can't set up the backend", path);
	vhost_close(vhost);
	return -1;
}

static int set_queue(const struct vhost *vhost, const struct external *external,
		     const struct bulkhead_external_queue *queue, unsigned int index)
{
	struct vhost_vring_state size = { .index = index, .num = queue->size };
	struct vhost_vring_state base = { .index = index };
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = queue->desc,
		.avail_user_addr = queue->avail,
		.used_user_addr = queue->used,
	};
	struct vhost_vring_file kick = { .index = index, .fd = external->kicks[index] };
	struct vhost_vring_file call = { .index = index, .fd = external->irq };
	struct vhost_vring_file failed = { .index = index, .fd = vhost->failed };

	return ioctl(vhost->fd, VHOST_SET_VRING_NUM, &size) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_BASE, &base) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_ADDR, &addr) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_KICK, &kick) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_CALL, &call) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_ERR, &failed) ? -1 : 0;
}

int vhost_set_queues(const struct vhost *vhost, const struct external *external,
		     const struct bulkhead_external_get *state, unsigned int queues)
{
	if (ioctl(vhost->fd, VHOST_SET_FEATURES, &state->features))
		return fail_errno("%s: the backend refuses features %#llx", external->name,
				  state->features);
	for (unsigned int i = 0; i < queues; i++) {
		if (!state->queue[i].size)
			return fail("%s: the guest's driver doesn't use queue %u", external->name,
				    i);
		if (set_queue(vhost, external, &state->queue[i], i))
			return fail_errno("%s: the backend refuses queue %u", external->name, i);
	}
	return 0;
}

void vhost_clear_failure(const struct vhost *vhost)
{
	eventfd_t count;

	eventfd_read(vhost->failed, &count);
}

void vhost_close(struct vhost *vhost)
{
	if (vhost->fd >= 0)
		close(vhost->fd);
	if (vhost->failed >= 0)
		close(vhost->failed);
	vhost->fd = -1;
	vhost->failed = -1;
}
