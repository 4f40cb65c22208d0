// SPDX-License-Identifier: GPL-2.0-only
/* Reads of a device's register: the scratch register of COM1, and what a virtio-mmio slot is. */
#include "bench.h"

#include <fcntl.h>
#include <linux/virtio_mmio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>

#define COM1_SCRATCH	0x3ff
#define PAGE		4096

static const volatile uint32_t *magic;

static void port_prepare(const struct bench *bench)
{
	if (ioperm(COM1_SCRATCH, 1, 1))
		die("can't access port %#x: %m", COM1_SCRATCH);
}

static void port_run(const struct bench *bench, unsigned long count)
{
	while (count--)
		inb(COM1_SCRATCH);
}

static void mmio_prepare(const struct bench *bench)
{
	uint64_t addr = strtoull(parameter("mmio") ?: "", NULL, 0) + VIRTIO_MMIO_MAGIC_VALUE;
	int fd = open("/dev/mem", O_RDONLY | O_SYNC | O_CLOEXEC);
	char *page = MAP_FAILED;

	if (fd >= 0 && addr)
		page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, addr & -PAGE);
	if (page == MAP_FAILED)
		die("can't map %#lx; give mmio=ADDRESS: %m", addr);
	magic = (const volatile uint32_t *)(page + addr % PAGE);
	if (*magic != ('v' | 'i' << 8 | 'r' << 16 | 't' << 24))
		die("%#lx: not a virtio-mmio slot", addr);
	close(fd);
}

static void mmio_run(const struct bench *bench, unsigned long count)
{
	while (count--)
		(void)*magic;
}

static const struct bench benches[] = {
	{ "register-port", NULL, { 1000, 5000 }, port_prepare, port_run, 0 },
	{ "register-mmio", NULL, { 1000, 5000 }, mmio_prepare, mmio_run, 0 },
};

const struct benches register_benches = { benches, ARRAY_SIZE(benches) };
