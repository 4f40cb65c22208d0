// SPDX-License-Identifier: GPL-2.0-only
/* A driver of the entropy device that keeps to the rules. */
#include "driver.h"
#include "virtio.h"

#define SIZE	16

static volatile unsigned int interrupts;

static bool is_filled(__u64 addr, __u32 len)
{
	const volatile __u8 *bytes = (const volatile __u8 *)addr;
	__u32 i, same = 0;

	for (i = 0; i < len; i++)
		same += bytes[i] == 0xaa;
	return same < len / 2;
}

static bool is_untouched(__u64 addr, __u32 len)
{
	const volatile __u8 *bytes = (const volatile __u8 *)addr;
	__u32 i;

	for (i = 0; i < len; i++)
		if (bytes[i] != 0xaa)
			return false;
	return true;
}

static void buffer_mark(__u64 addr, __u32 len)
{
	memset((void *)addr, 0xaa, len);
}

static void setup(struct queue *queue, __u32 slot, __u64 features)
{
	device_negotiate(slot, features);
	queue_setup(queue, slot, 0, SIZE, features);
	device_go(slot);
}

/* A chain of three buffers, 32 bytes each, through descriptors 5, 2 and 9. */
static void request_direct(struct queue *queue)
{
	const __u64 addr = BUFFERS_ADDR;
	struct vring_used_elem elem;

	buffer_mark(addr, 4096);
	queue_desc(queue, 5, addr, 32, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 2);
	queue_desc(queue, 2, addr + 1000, 32, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 9);
	queue_desc(queue, 9, addr + 2001, 32, VRING_DESC_F_WRITE, 77);
	queue_offer(queue, 5);
	queue_kick(queue, queue->avail->idx - 1);
	elem = queue_wait(queue);
	CHECK_EQ(5, elem.id);
	CHECK_EQ(96, elem.len);
	CHECK(is_filled(addr, 32));
	CHECK(is_untouched(addr + 32, 1000 - 32));
	CHECK(is_filled(addr + 1000, 32));
	CHECK(is_untouched(addr + 1032, 2001 - 1032));
	CHECK(is_filled(addr + 2001, 32));
	CHECK(is_untouched(addr + 2033, 4096 - 2033));
}

/* The device may ignore WRITE in the descriptor that refers to the table; 2.7.5.3.2. */
static void request_indirect(struct queue *queue)
{
	volatile struct vring_desc *table = (volatile struct vring_desc *)(BUFFERS_ADDR + 0x10008);
	const __u64 addr = BUFFERS_ADDR;
	struct vring_used_elem elem;

	buffer_mark(addr, 4096);
	table[0] = (struct vring_desc){ addr, 16, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 3 };
	table[3] = (struct vring_desc){ addr + 100, 48, VRING_DESC_F_WRITE, 0 };
	queue_desc(queue, 7, (__u64)table, 4 * sizeof(*table), VRING_DESC_F_INDIRECT, 0);
	queue_offer(queue, 7);
	queue_kick(queue, queue->avail->idx - 1);
	elem = queue_wait(queue);
	CHECK_EQ(7, elem.id);
	CHECK_EQ(64, elem.len);
	CHECK(is_filled(addr, 16));
	CHECK(is_untouched(addr + 16, 84));
	CHECK(is_filled(addr + 100, 48));
	CHECK(is_untouched(addr + 148, 4096 - 148));

	/* A buffer of the queue's own table, then an indirect one. */
	buffer_mark(addr, 4096);
	queue_desc(queue, 1, addr + 200, 8, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 7);
	queue_offer(queue, 1);
	queue_kick(queue, queue->avail->idx - 1);
	elem = queue_wait(queue);
	CHECK_EQ(1, elem.id);
	CHECK_EQ(72, elem.len);
	CHECK(is_filled(addr + 200, 8));
}

static void registers(__u32 slot)
{
	__u64 features;

	CHECK_EQ(VIRTIO_ID_RNG, reg_read(slot, VIRTIO_MMIO_DEVICE_ID));
	CHECK_EQ(0x4b484c42, reg_read(slot, VIRTIO_MMIO_VENDOR_ID));
	CHECK_EQ(0, status(slot));
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_CONFIG_GENERATION));
	features = device_features(slot);
	CHECK_EQ(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) |
		 BIT(VIRTIO_RING_F_EVENT_IDX), features);
	reg_write(slot, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_DEVICE_FEATURES));
	reg_write(slot, VIRTIO_MMIO_QUEUE_SEL, 0);
	CHECK_EQ(64, reg_read(slot, VIRTIO_MMIO_QUEUE_NUM_MAX));
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
	/* Of a queue that isn't there; 4.2.2, QueueNumMax. */
	reg_write(slot, VIRTIO_MMIO_QUEUE_SEL, 1);
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_NUM_MAX));
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
	/* No shared memory; 4.2.2, SHMLen. */
	CHECK_EQ(0xffffffff, reg_read(slot, VIRTIO_MMIO_SHM_LEN_LOW));
	CHECK_EQ(0xffffffff, reg_read(slot, VIRTIO_MMIO_SHM_LEN_HIGH));
}

static void negotiate(__u32 slot)
{
	const __u32 begun = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
	const __u64 version = BIT(VIRTIO_F_VERSION_1);
	struct queue queue;

	/* Without VERSION_1, or with what wasn't offered, FEATURES_OK doesn't stay. */
	reg_write(slot, VIRTIO_MMIO_STATUS, begun);
	driver_features(slot, 0);
	status_add(slot, VIRTIO_CONFIG_S_FEATURES_OK);
	CHECK_EQ(begun, status(slot));
	driver_features(slot, version | BIT(VIRTIO_F_RING_PACKED));
	status_add(slot, VIRTIO_CONFIG_S_FEATURES_OK);
	CHECK_EQ(begun, status(slot));
	/* Not ready before features are negotiated, nor a queue enabled. */
	status_add(slot, VIRTIO_CONFIG_S_DRIVER_OK);
	CHECK_EQ(begun, status(slot));
	queue_layout(&queue, slot, 0, SIZE, 0);
	reg_write(slot, VIRTIO_MMIO_QUEUE_READY, 1);
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
	/* The next attempt may do better. */
	driver_features(slot, version);
	status_add(slot, VIRTIO_CONFIG_S_FEATURES_OK);
	CHECK_EQ(begun | VIRTIO_CONFIG_S_FEATURES_OK, status(slot));
	/* From here on features are what they are: a write is ignored. */
	driver_features(slot, 0);
	/* Bits are never cleared one by one; only zero resets, whatever a register holds more. */
	reg_write(slot, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	CHECK_EQ(begun | VIRTIO_CONFIG_S_FEATURES_OK, status(slot));
	reg_write(slot, VIRTIO_MMIO_STATUS, 0x100);
	CHECK_EQ(begun | VIRTIO_CONFIG_S_FEATURES_OK, status(slot));
	/* NEEDS_RESET is the device's to set, and bits without a meaning aren't set. */
	status_add(slot, VIRTIO_CONFIG_S_NEEDS_RESET | 0x30);
	CHECK_EQ(begun | VIRTIO_CONFIG_S_FEATURES_OK, status(slot));
	status_add(slot, VIRTIO_CONFIG_S_FAILED);
	CHECK_EQ(begun | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED, status(slot));
	device_reset(slot);
}

/* So many requests that the 16 bits of the rings' indices wrap: of a byte, as there's a limit. */
static void wrap(__u32 slot, __u64 features)
{
	struct vring_used_elem elem;
	struct queue queue;
	__u32 i, k;

	setup(&queue, slot, features);
	for (k = 0; k < SIZE; k++)
		queue_desc(&queue, k, BUFFERS_ADDR + k, 1, VRING_DESC_F_WRITE, 0);
	/* Suppressed, but for the event at the wrap. */
	queue.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	*used_event(&queue) = 0xffff;
	for (i = 0; i < 0x10000 + SIZE; i += SIZE) {
		__u16 old = queue.avail->idx;

		for (k = 0; k < SIZE; k++)
			queue_offer(&queue, k);
		queue_kick(&queue, old);
		for (k = 0; k < SIZE; k++) {
			elem = queue_wait(&queue);
			CHECK_EQ(k, elem.id);
			CHECK_EQ(1, elem.len);
		}
	}
	CHECK_EQ(SIZE, queue.used->idx);
	device_reset(slot);
}

/* The driver wants no interrupt, and gets none; the last request asks for one. */
static void quiet(__u32 slot, __u64 features)
{
	struct queue queue;
	int i;

	setup(&queue, slot, features);
	queue.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	*used_event(&queue) = 10;
	for (i = 0; i < 10; i++)
		request_direct(&queue);
	queue_sync(&queue);
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
	/* With event index the flag has no meaning. */
	if (!features)
		queue.avail->flags = 0;
	request_direct(&queue);
	queue_sync(&queue);
	CHECK_EQ(VIRTIO_MMIO_INT_VRING, reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
	reg_write(slot, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
	device_reset(slot);
}

struct interrupt_frame;

#define VECTOR	0x40

__attribute__((interrupt))
static void on_interrupt(struct interrupt_frame *frame)
{
	interrupts++;
	mmio_write32(LAPIC + 0xb0, 0);
}

static void ioapic_write(__u8 reg, __u32 value)
{
	mmio_write32(IOAPIC, reg);
	mmio_write32(IOAPIC + 0x10, value);
}

/* An interrupt gate for VECTOR, the local APIC on, the PC's PICs off. */
static void interrupts_init(void)
{
	static __u64 table[2 * (VECTOR + 1)] __attribute__((aligned(16)));
	const struct {
		__u16 limit;
		__u64 base;
	} __attribute__((packed)) idt = { sizeof(table) - 1, (__u64)table };
	__u64 handler = (__u64)on_interrupt;

	table[2 * VECTOR] = (handler & 0xffff) | 0x10 << 16 | 0x8eULL << 40 |
			    (handler >> 16 & 0xffff) << 48;
	table[2 * VECTOR + 1] = handler >> 32;
	asm volatile("lidt %0" : : "m" (idt));
	port_write(0x21, 0xff);
	port_write(0xa1, 0xff);
	mmio_write32(LAPIC + 0xf0, 0x1ff);
}

/* "sti" takes effect after "hlt" has begun. */
static void interrupt_wait(void)
{
	asm volatile("sti\nhlt\ncli" : : : "memory");
}

/* The interrupt, an edge on the device's pin, wakes a vCPU that sleeps. */
static void interrupt(__u32 slot)
{
	const __u32 pin = BULKHEAD_VIRTIO_PIN + slot;
	struct queue queue;
	int i;

	interrupts_init();
	ioapic_write(0x10 + 2 * pin + 1, 0);
	ioapic_write(0x10 + 2 * pin, VECTOR);
	setup(&queue, slot, 0);
	queue_desc(&queue, 0, BUFFERS_ADDR, 64, VRING_DESC_F_WRITE, 0);
	for (i = 1; i <= 10; i++) {
		queue_offer(&queue, 0);
		queue_notify(&queue);
		while (interrupts != (unsigned int)i)
			interrupt_wait();
		CHECK_EQ(i, queue.used->idx);
		CHECK_EQ(VIRTIO_MMIO_INT_VRING, reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
		reg_write(slot, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
		CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
	}
	device_reset(slot);
}

/* A request now and then: the local APIC's timer, every ten million cycles of its bus. */
static void forever(__u32 slot)
{
	struct queue queue;

	interrupts_init();
	mmio_write32(LAPIC + 0x3e0, 0xb);
	mmio_write32(LAPIC + 0x320, 1 << 17 | VECTOR);
	mmio_write32(LAPIC + 0x380, 10000000);
	setup(&queue, slot, 0);
	while (!report->stop) {
		interrupt_wait();
		request_direct(&queue);
		report->rounds++;
	}
}

static void twice(__u32 slot, __u64 features, void (*request)(struct queue *queue))
{
	struct queue queue;
	int round, i;

	for (round = 0; round < 2; round++) {
		setup(&queue, slot, features);
		for (i = 0; i < 3 * SIZE; i++)
			request(&queue);
		device_reset(slot);
		CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
		CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
	}
}

void guest_main(unsigned int cpu)
{
	const __u64 argument = report->argument;
	const __u32 slot = report->slot;

	switch (report->scenario) {
	case DRIVER_REGISTERS:
		registers(slot);
		break;
	case DRIVER_NEGOTIATE:
		negotiate(slot);
		break;
	case DRIVER_DIRECT:
		twice(slot, argument, request_direct);
		break;
	case DRIVER_INDIRECT:
		twice(slot, argument, request_indirect);
		break;
	case DRIVER_WRAP:
		wrap(slot, argument);
		break;
	case DRIVER_QUIET:
		quiet(slot, argument);
		break;
	case DRIVER_INTERRUPT:
		interrupt(slot);
		break;
	case DRIVER_FOREVER:
		forever(slot);
		break;
	default:
		CHECK(false);
	}
	CHECK(report->checks);
	power_off(0);
}
