/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A partition with a guest of a few instructions, for tests. PROGRAM() assembles such a guest; it
 * runs in long mode at GUEST_CODE with the first 4 GiB mapped one to one.
 */
#ifndef SELFTESTS_GUEST_H
#define SELFTESTS_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bulkhead.h>
#include <linux/bulkhead_machine.h>
#include <linux/bulkhead_netlink.h>

#include "guests/layout.h"
#include "kselftest_harness.h"

/* Seconds. A debug kernel in an emulated machine takes its time. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 1800

#define GUEST_MEMORY	(16UL << 20)

#define STRING_(x) #x
#define STRING(x) STRING_(x)

/* Defines guest_NAME and guest_NAME_end around the assembled instructions. */
#define PROGRAM(name, code) \
	extern const char guest_##name[], guest_##name##_end[]; \
	asm(".pushsection .rodata\nguest_" #name ":\n" code \
	    "\n9: hlt\njmp 9b\nguest_" #name "_end:\n.popsection")

/* The same of a guest that was compiled from guests/NAME.c. */
#define GUEST(name) \
	extern const char guest_##name[], guest_##name##_end[]; \
	asm(".pushsection .rodata\nguest_" #name ":\n.incbin \"guests/" #name ".bin\"\n" \
	    "guest_" #name "_end:\n.popsection")

#define OUTB(port, value) "mov $" STRING(port) ", %dx\nmov $" STRING(value) ", %al\nout %al, %dx\n"
#define POWEROFF OUTB(BULKHEAD_PORT_SLEEP_CONTROL, BULKHEAD_SLEEP_S5)

struct guest {
	int dev;
	int part;
	int mem;
	int vcpu;
	int second;		/* vCPU, -1 if there is none */
	int irq;
	int console;
	int agent;
	__u32 id;
	char *ram;
};

static inline int part_create_vcpus(int dev, const char *name, __u32 vcpus, __u32 *id)
{
	struct bulkhead_part_create args = { .size = sizeof(args), .vcpus = vcpus };
	int fd;

	snprintf(args.name, sizeof(args.name), "%s", name);
	fd = ioctl(dev, BULKHEAD_PART_CREATE, &args);
	if (id)
		*id = args.id;
	return fd;
}

static inline int part_create(int dev, const char *name, __u32 *id)
{
	return part_create_vcpus(dev, name, 1, id);
}

static inline int mem_add(int part, __u64 guest_addr, __u64 bytes, void *user, int fd)
{
	struct bulkhead_mem_add args = {
		.size = sizeof(args), .guest_addr = guest_addr, .bytes = bytes,
		.user_addr = (unsigned long)user, .fd = fd,
	};

	return ioctl(part, BULKHEAD_MEM_ADD, &args);
}

static inline int vcpu_create(int part, __u32 index)
{
	struct bulkhead_vcpu_create args = { .size = sizeof(args), .index = index };

	if (!index) {
		args.entry = GUEST_CODE;
		args.page_table = GUEST_PAGES;
		args.gdt = GUEST_GDT;
	}
	return ioctl(part, BULKHEAD_VCPU_CREATE, &args);
}

static inline int uart_create(int part, __u32 uart, int irq_fd)
{
	struct bulkhead_uart_create args = {
		.size = sizeof(args), .uart = uart, .irq_fd = irq_fd,
	};

	return ioctl(part, BULKHEAD_UART_CREATE, &args);
}

static inline int button_create(int part, int irq_fd)
{
	struct bulkhead_button_create args = { .size = sizeof(args), .irq_fd = irq_fd };

	return ioctl(part, BULKHEAD_BUTTON_CREATE, &args);
}

static inline int console_open(int dev, __u32 id)
{
	struct bulkhead_console_open args = { .size = sizeof(args), .id = id };

	return ioctl(dev, BULKHEAD_CONSOLE_OPEN, &args);
}

/* Whether no partition has the id. */
static inline bool is_gone(__u32 id)
{
	int dev = open("/dev/bulkhead", O_RDWR | O_CLOEXEC);
	int console = console_open(dev, id);
	bool gone = console < 0 && errno == ENODEV;

	close(console);
	close(dev);
	return gone;
}

static inline int vcpu_run(int vcpu, struct bulkhead_vcpu_run *run)
{
	*run = (struct bulkhead_vcpu_run){ .size = sizeof(*run) };
	return ioctl(vcpu, BULKHEAD_VCPU_RUN, run);
}

/* A memfd of @bytes and its mapping. */
static inline int ram_create(size_t bytes, char **ram)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, bytes))
		return -1;
	*ram = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *ram == MAP_FAILED ? -1 : fd;
}

static inline void memory_fill(char *ram, const char *code, const char *end)
{
	__u64 *gdt = (__u64 *)(ram + GUEST_GDT);
	__u64 *pages = (__u64 *)(ram + GUEST_PAGES);
	__u64 i;

	gdt[2] = 0x00af9b000000ffff;
	gdt[3] = 0x00cf93000000ffff;
	pages[0] = (GUEST_PAGES + 0x1000) | 3;
	for (i = 0; i < 4; i++)
		pages[512 + i] = (GUEST_PAGES + 0x2000 + i * 0x1000) | 3;
	for (i = 0; i < 2048; i++)
		pages[1024 + i] = i << 21 | 0x83;
	memcpy(ram + GUEST_CODE, code, end - code);
}

/* A guest of one or two vCPUs ready to run; false, and errno, if something failed. */
static inline bool guest_create_vcpus(struct guest *g, const char *name, const char *code,
				      const char *end, __u32 vcpus)
{
	*g = (struct guest){ -1, -1, -1, -1, -1, -1, -1, -1, 0, NULL };
	g->dev = open("/dev/bulkhead", O_RDWR | O_CLOEXEC);
	if (g->dev < 0)
		return false;
	g->part = part_create_vcpus(g->dev, name, vcpus, &g->id);
	if (g->part < 0)
		return false;
	g->mem = ram_create(GUEST_MEMORY, &g->ram);
	if (g->mem < 0)
		return false;
	memory_fill(g->ram, code, end);
	if (mem_add(g->part, 0, GUEST_MEMORY, g->ram, g->mem))
		return false;
	g->irq = eventfd(0, EFD_CLOEXEC);
	g->console = uart_create(g->part, BULKHEAD_UART_CONSOLE, g->irq);
	if (g->console < 0)
		return false;
	close(g->irq);
	g->irq = eventfd(0, EFD_CLOEXEC);
	g->agent = uart_create(g->part, BULKHEAD_UART_AGENT, g->irq);
	if (g->agent < 0)
		return false;
	g->vcpu = vcpu_create(g->part, 0);
	if (vcpus > 1)
		g->second = vcpu_create(g->part, 1);
	return g->vcpu >= 0 && (vcpus == 1 || g->second >= 0);
}

static inline bool guest_create(struct guest *g, const char *name, const char *code,
				const char *end)
{
	return guest_create_vcpus(g, name, code, end, 1);
}

static inline void guest_destroy(struct guest *g)
{
	int fds[] = { g->vcpu, g->second, g->agent, g->console, g->irq, g->mem, g->part, g->dev };
	unsigned int i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (g->ram)
		munmap(g->ram, GUEST_MEMORY);
}

#endif
