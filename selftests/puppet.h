/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that does what the test says, one access to its memory or its devices at a time. Orders
 * stand at PUPPET_MAILBOX; interrupts on vector PUPPET_VECTOR are counted there.
 */
#ifndef SELFTESTS_PUPPET_H
#define SELFTESTS_PUPPET_H

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdint.h>
#include <time.h>

#include "guest.h"

#define PUPPET_MAILBOX	0x20000
#define PUPPET_STACK	0x9000
#define PUPPET_HANDLER	0x30000
#define PUPPET_VECTOR	0x40

#define IOAPIC		0xfec00000U
#define LAPIC		0xfee00000U

enum puppet_order {
	PUPPET_DONE,
	PUPPET_WRITE,		/* @value to @addr, @count times */
	PUPPET_READ,		/* @value from @addr */
	PUPPET_POWEROFF,
};

struct puppet_mailbox {
	uint32_t order;
	uint32_t addr;
	uint32_t value;
	uint32_t count;
	uint32_t interrupts;
};

PROGRAM(puppet,
	"mov $" STRING(PUPPET_STACK) ", %esp\nmov $" STRING(PUPPET_MAILBOX) ", %ebx\nsti\n"
	"1: mov (%rbx), %eax\nmov 4(%rbx), %ecx\nmov 8(%rbx), %edx\nmov 12(%rbx), %esi\n"
	"cmp $1, %eax\njne 3f\n"
	"2: mov %edx, (%rcx)\ndec %esi\njnz 2b\njmp 5f\n"
	"3: cmp $2, %eax\njne 4f\nmov (%rcx), %edx\nmov %edx, 8(%rbx)\njmp 5f\n"
	"4: cmp $3, %eax\nje 6f\npause\njmp 1b\n"
	"5: movl $0, (%rbx)\njmp 1b\n"
	"6:\n" POWEROFF);

PROGRAM(puppet_handler,
	"lock incl " STRING(PUPPET_MAILBOX) " + 16\n"
	"push %rax\nmov $0xfee000b0, %eax\nmovl $0, (%rax)\npop %rax\niretq\n");

struct puppet {
	struct guest guest;
	volatile struct puppet_mailbox *mailbox;
	struct bulkhead_vcpu_run run;
	pthread_t thread;
};

static void *puppet_main(void *arg)
{
	struct puppet *puppet = arg;

	vcpu_run(puppet->guest.vcpu, &puppet->run);
	return NULL;
}

static inline bool puppet_create(struct puppet *puppet, const char *name)
{
	const uint64_t handler = PUPPET_HANDLER;
	struct guest *g = &puppet->guest;
	uint64_t *gate;

	if (!guest_create(g, name, guest_puppet, guest_puppet_end))
		return false;
	memcpy(g->ram + PUPPET_HANDLER, guest_puppet_handler,
	       guest_puppet_handler_end - guest_puppet_handler);
	/* After reset the descriptor table is at zero. */
	gate = (uint64_t *)(g->ram + 16 * PUPPET_VECTOR);
	gate[0] = (handler & 0xffff) | 0x10 << 16 | 0x8eULL << 40 | (handler >> 16) << 48;
	puppet->mailbox = (struct puppet_mailbox *)(g->ram + PUPPET_MAILBOX);
	return true;
}

/* Whether @condition becomes true before a deadline that only a failure reaches. */
#define WITHIN_DEADLINE(condition) ({ \
	bool true_ = false; \
	int tries_; \
	for (tries_ = 0; !(true_ = (condition)) && tries_ < 60000; tries_++) \
		usleep(1000); \
	true_; \
})

/* Gives an order without waiting for it to be carried out. */
static inline void puppet_order(struct puppet *puppet, enum puppet_order order, uint32_t addr,
				uint32_t value, uint32_t count)
{
	puppet->mailbox->addr = addr;
	puppet->mailbox->value = value;
	puppet->mailbox->count = count;
	__atomic_store_n(&puppet->mailbox->order, order, __ATOMIC_RELEASE);
}

static inline bool puppet_is_done(struct puppet *puppet)
{
	return __atomic_load_n(&puppet->mailbox->order, __ATOMIC_ACQUIRE) == PUPPET_DONE;
}

static inline bool puppet_wait(struct puppet *puppet)
{
	int i;

	/* Most orders take a few microseconds. */
	for (i = 0; i < 1000; i++)
		if (puppet_is_done(puppet))
			return true;
	return WITHIN_DEADLINE(puppet_is_done(puppet));
}

static inline bool puppet_repeat(struct puppet *puppet, uint32_t addr, uint32_t value,
				 uint32_t count)
{
	puppet_order(puppet, PUPPET_WRITE, addr, value, count);
	return puppet_wait(puppet);
}

static inline bool puppet_write(struct puppet *puppet, uint32_t addr, uint32_t value)
{
	return puppet_repeat(puppet, addr, value, 1);
}

/* What is read; all ones after a failure. */
static inline uint32_t puppet_read(struct puppet *puppet, uint32_t addr)
{
	puppet_order(puppet, PUPPET_READ, addr, 0, 1);
	return puppet_wait(puppet) ? puppet->mailbox->value : ~0U;
}

/* Starts the vCPU. Interrupts come by the I/O APIC, and not by the other controllers as well. */
static inline bool puppet_start(struct puppet *puppet)
{
	return !pthread_create(&puppet->thread, NULL, puppet_main, puppet) &&
	       puppet_write(puppet, LAPIC + 0xf0, 0x1ff) &&
	       puppet_write(puppet, LAPIC + 0x350, 0x10000);
}

/* Lets a pin of the I/O APIC interrupt the guest. */
static inline bool puppet_unmask(struct puppet *puppet, uint32_t pin)
{
	return puppet_write(puppet, IOAPIC, 0x10 + 2 * pin) &&
	       puppet_write(puppet, IOAPIC + 0x10, PUPPET_VECTOR);
}

static inline uint32_t puppet_interrupts(struct puppet *puppet)
{
	return __atomic_load_n(&puppet->mailbox->interrupts, __ATOMIC_ACQUIRE);
}

static inline bool puppet_poweroff(struct puppet *puppet)
{
	puppet_order(puppet, PUPPET_POWEROFF, 0, 0, 1);
	return !pthread_join(puppet->thread, NULL);
}

#endif
