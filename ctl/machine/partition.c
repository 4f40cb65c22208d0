// SPDX-License-Identifier: GPL-2.0-only
#include "machine/partition.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#define DEVICE	"/dev/bulkhead"

int partition_open_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	fail_errno(DEVICE);
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return fail("%s; is the module loaded? modprobe bulkhead", error_text());
	if (errno == EACCES || errno == EPERM)
		return fail("%s; be root, or in the group that owns it", error_text());
	return -1;
}

int partition_check_name(const char *name)
{
	size_t length = strlen(name);

	if (length >= BULKHEAD_NAME_MAX)
		return fail("%s: too long for a name, at most %d characters", name,
			    BULKHEAD_NAME_MAX - 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = name[i];

		/* ASCII in every locale: main() never sets one. */
		if (!isalnum(c) && (i == 0 || !strchr("_.-", c)))
			length = 0;
	}
	if (!length)
		return fail("%s: not a name; a letter or digit, then also '_', '.' and '-'", name);
	return 0;
}

int partition_create(int device, const char *name, unsigned int vcpus, uint32_t *id)
{
	struct bulkhead_part_create create = { .size = sizeof(create), .vcpus = vcpus };
	int fd;

	snprintf(create.name, sizeof(create.name), "%s", name);
	fd = ioctl(device, BULKHEAD_PART_CREATE, &create);
	if (fd < 0 && errno == EEXIST)
		return fail("%s: you have a partition of that name; choose another", name);
	if (fd < 0 && errno == EOPNOTSUPP)
		return fail("KVM on this host lacks something required; see the kernel log");
	if (fd < 0)
		return fail_errno("can't create a partition");
	*id = create.id;
	return fd;
}

int partition_add_memory(int partition, const struct memory *memory)
{
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned int n = memory_regions(memory, regions);

	for (unsigned int i = 0; i < n; i++) {
		struct bulkhead_mem_add add = {
			.size = sizeof(add),
			.guest_addr = regions[i].guest_addr,
			.bytes = regions[i].bytes,
			.user_addr = (uintptr_t)memory->base + regions[i].offset,
			.fd = memory->fd,
		};

		if (ioctl(partition, BULKHEAD_MEM_ADD, &add))
			return fail_errno("can't give the partition its memory");
	}
	return 0;
}

int partition_create_vcpu(int partition, unsigned int index, const struct boot *boot)
{
	struct bulkhead_vcpu_create create = { .size = sizeof(create), .index = index };
	int fd;

	/* The guest's kernel starts the others. */
	if (!index) {
		create.entry = boot->entry;
		create.boot_params = boot->boot_params;
		create.page_table = boot->page_table;
		create.gdt = boot->gdt;
	}
	fd = ioctl(partition, BULKHEAD_VCPU_CREATE, &create);
	if (fd < 0)
		return fail_errno("can't create vCPU %u", index);
	return fd;
}

/* Nobody in user space waits: what the loops do is polled for. */
static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return fd;
	fail_errno("can't set a UART's mode");
	close(fd);
	return -1;
}

int partition_create_uart(int partition, enum bulkhead_uart_role uart)
{
	int irq cleanup_close = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_uart_create create = {
		.size = sizeof(create),
		.uart = uart,
		.irq_fd = irq,
	};
	int fd;

	if (irq < 0)
		return fail_errno("can't create an eventfd");
	fd = ioctl(partition, BULKHEAD_UART_CREATE, &create);
	if (fd < 0)
		return fail_errno("can't create a UART");
	return set_nonblocking(fd);
}

int partition_create_disk(int partition, const struct disk *disk, unsigned int queues)
{
	int irq cleanup_close = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_disk_create create = {
		.size = sizeof(create),
		.flags = disk->read_only ? BULKHEAD_DISK_READ_ONLY : 0,
		.irq_fd = irq,
		.fd = disk->fd,
		.queues = queues,
	};

	if (irq < 0)
		return fail_errno("can't create an eventfd");
	memcpy(create.serial, disk->serial, sizeof(create.serial));
	if (ioctl(partition, BULKHEAD_DISK_CREATE, &create) >= 0)
		return 0;
	if (errno == ENOSPC)
		return fail("%s: too many; all disks and other devices together can be %d",
			    disk->path, BULKHEAD_VIRTIO_MAX);
	return fail_errno("%s: can't give it to the partition", disk->path);
}

int partition_create_rng(int partition)
{
	int irq cleanup_close = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_rng_create create = { .size = sizeof(create), .irq_fd = irq };

	if (irq < 0)
		return fail_errno("can't create an eventfd");
	if (ioctl(partition, BULKHEAD_RNG_CREATE, &create) < 0)
		return fail_errno("can't create an entropy device");
	return 0;
}

int partition_create_balloon(int partition)
{
	int irq cleanup_close = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_balloon_create create = { .size = sizeof(create), .irq_fd = irq };

	if (irq < 0)
		return fail_errno("can't create an eventfd");
	if (ioctl(partition, BULKHEAD_BALLOON_CREATE, &create) < 0)
		return fail_errno("can't create a memory balloon");
	return 0;
}

int partition_create_hvc(int partition)
{
	int irq cleanup_close = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_hvc_create create = { .size = sizeof(create), .irq_fd = irq };

	if (irq < 0)
		return fail_errno("can't create an eventfd");
	if (ioctl(partition, BULKHEAD_HVC_CREATE, &create) < 0)
		return fail_errno("can't create a console device");
	return 0;
}

int partition_create_button(int partition)
{
	int irq cleanup_close = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_button_create create = { .size = sizeof(create), .irq_fd = irq };

	if (irq < 0)
		return fail_errno("can't create an eventfd");
	if (ioctl(partition, BULKHEAD_BUTTON_CREATE, &create))
		return fail_errno("can't create a power button");
	return 0;
}

int partition_open_console(uint32_t id)
{
	int device cleanup_close = partition_open_device();
	struct bulkhead_console_open console = { .size = sizeof(console), .id = id };
	int fd;

	if (device < 0)
		return -1;
	fd = ioctl(device, BULKHEAD_CONSOLE_OPEN, &console);

	if (fd < 0 && errno == ENODEV)
		return fail("no partition %u", id);
	if (fd < 0 && errno == ENXIO)
		return fail("partition %u has no console", id);
	if (fd < 0 && errno == EPERM)
		return fail("partition %u is another user's", id);
	if (fd < 0)
		return fail_errno("can't open the console of partition %u", id);
	return set_nonblocking(fd);
}
