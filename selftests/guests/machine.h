/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest in C, without an operating system: how it starts, reaches the machine, and reports to the
 * test. Included once by each such guest, which defines guest_main().
 */
#ifndef GUESTS_MACHINE_H
#define GUESTS_MACHINE_H

#include <linux/bulkhead_machine.h>
#include <stdbool.h>
#include <stddef.h>

#include "layout.h"
#include "report.h"

#define GUEST_MEMORY	0x1000000UL
#define report		((volatile struct report *)GUEST_DATA)

#define IOAPIC		0xfec00000UL
#define LAPIC		0xfee00000UL

void guest_main(unsigned int cpu);

/* start.S */
extern const char second_begin[], second_end[];

/* The compiler may call these. */
void *memset(void *to, int value, size_t len);
void *memcpy(void *to, const void *from, size_t len);

void *memset(void *to, int value, size_t len)
{
	void *ret = to;

	asm volatile("rep stosb" : "+D" (to), "+c" (len) : "a" (value) : "memory");
	return ret;
}

void *memcpy(void *to, const void *from, size_t len)
{
	void *ret = to;

	asm volatile("rep movsb" : "+D" (to), "+S" (from), "+c" (len) : : "memory");
	return ret;
}

static inline void port_write(__u16 port, __u8 value)
{
	asm volatile("outb %0, %1" : : "a" (value), "Nd" (port));
}

static inline __u8 port_read(__u16 port)
{
	__u8 value;

	asm volatile("inb %1, %0" : "=a" (value) : "Nd" (port) : "memory");
	return value;
}

/* By instructions that an emulator knows, which a compiler's choice may not be. */
#define MMIO_ACCESSORS(bits) \
static inline __u##bits mmio_read##bits(__u64 addr) \
{ \
	__u##bits value; \
	asm volatile("mov (%1), %0" : "=r" (value) : "r" (addr) : "memory"); \
	return value; \
} \
\
static inline void mmio_write##bits(__u64 addr, __u##bits value) \
{ \
	asm volatile("mov %0, (%1)" : : "r" (value), "r" (addr) : "memory"); \
}

MMIO_ACCESSORS(8)
MMIO_ACCESSORS(16)
MMIO_ACCESSORS(32)
MMIO_ACCESSORS(64)

static inline __u64 tsc(void)
{
	__u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	return low | (__u64)high << 32;
}

static inline void barrier(void)
{
	asm volatile("mfence" : : : "memory");
}

__attribute__((noreturn))
static inline void power_off(__u8 exit_status)
{
	port_write(BULKHEAD_PORT_EXIT_STATUS, exit_status);
	port_write(BULKHEAD_PORT_SLEEP_CONTROL, BULKHEAD_SLEEP_S5);
	for (;;)
		asm volatile("hlt");
}

/* The first check that fails is reported, and ends the guest. */
static inline void check(__u32 line, bool ok, __u64 wanted, __u64 got)
{
	report->checks++;
	if (ok)
		return;
	report->wanted = wanted;
	report->got = got;
	report->line = line;
	power_off(1);
}

#define CHECK_EQ(wanted, got) do { \
	__u64 wanted_ = (wanted), got_ = (got); \
	check(__LINE__, wanted_ == got_, wanted_, got_); \
} while (0)
#define CHECK(condition) check(__LINE__, condition, 1, 0)

/* Waits for a condition, for a long time, then gives up. */
#define WAIT_CYCLES	(60ULL << 30)
#define CHECK_SOON(condition) do { \
	__u64 begin_ = tsc(); \
	bool ok_; \
	do { \
		asm volatile("pause" : : : "memory"); \
		ok_ = (condition); \
	} while (!ok_ && tsc() - begin_ < WAIT_CYCLES); \
	CHECK(ok_); \
} while (0)

/* Starts the second vCPU in guest_main(), by INIT and SIPI. */
static inline void second_start(void)
{
	memcpy((void *)SECOND_ADDR, second_begin, second_end - second_begin);
	mmio_write32(LAPIC + 0xf0, 0x1ff);
	mmio_write32(LAPIC + 0x310, 1 << 24);
	mmio_write32(LAPIC + 0x300, 0x4500);
	mmio_write32(LAPIC + 0x300, 0x4600 | SECOND_ADDR >> 12);
}

#endif
