// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that attacks its device. Before and after each attack the device works: a good request
 * is answered.
 */
#include "good.h"
#include "hostile.h"

#define SIZE		8
#define TABLE		(BUFFERS_ADDR + 0x10000)
#define OUTSIDE		0x40000000ULL

/* What another vCPU may be told to disturb; the rest of memory is this guest's own. */
#define SANDBOX		0x800000UL
#define SANDBOX_BYTES	0x400000UL

static __u32 slot;
static __u64 features;

/* What the second vCPU is to do, what it has begun, and the queue that it disturbs. */
enum second_job { IDLE, FEED, CHANGE, STORM, DONE };
static volatile enum second_job second_job, second_does;
static struct queue *volatile second_queue;

static void setup_size(struct queue *queue, __u16 size)
{
	device_negotiate(slot, features);
	queue_setup(queue, slot, dev->queue, size, features);
	device_go(slot);
}

static void setup(struct queue *queue)
{
	setup_size(queue, SIZE);
}

static void check_works(void)
{
	struct queue queue;
	int i;

	setup(&queue);
	for (i = 0; i < 3; i++)
		good_request(&queue);
	CHECK_EQ(0, status(slot) & VIRTIO_CONFIG_S_NEEDS_RESET);
	device_reset(slot);
}

/* The device gives up, says so, and does nothing any more. */
static void check_needs_reset(struct queue *queue)
{
	const __u16 used = queue->used->idx;

	CHECK_SOON(status(slot) & VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK_SOON(reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	good_chain(queue, buffer_addr(dev->data));
	queue_offer(queue, 0);
	queue_notify(queue);
	/* No status but zero changes that. */
	status_add(slot, VIRTIO_CONFIG_S_DRIVER_OK);
	CHECK(status(slot) & VIRTIO_CONFIG_S_NEEDS_RESET);
	queue_sync(queue);
	CHECK_EQ(used, queue->used->idx);
}

static void table_desc(__u32 i, __u64 addr, __u32 len, __u16 flags, __u16 next)
{
	((volatile struct vring_desc *)TABLE)[i] =
		(struct vring_desc){ addr, len, flags, next };
}

static void table_use(struct queue *queue, __u64 addr, __u32 len)
{
	queue_desc(queue, 0, addr, len, INDIRECT, 0);
}

/* Prepares a chain at descriptor 0 that no device may accept. */
static void bad_chain(struct queue *queue, enum hostile_scenario scenario)
{
	const __u64 addr = BUFFERS_ADDR;
	int i;

	queue_desc(queue, 0, addr, 16, 0, 0);
	table_desc(0, addr, 16, 0, 0);
	switch (scenario) {
	case HOSTILE_LOOP_OF_ONE:
		queue_desc(queue, 0, addr, 16, NEXT, 0);
		break;
	case HOSTILE_LOOP_OF_TWO:
		queue_desc(queue, 0, addr, 16, NEXT, 1);
		queue_desc(queue, 1, addr, 16, NEXT, 0);
		break;
	case HOSTILE_LOOP_IN_TABLE:
		table_use(queue, TABLE, 32);
		table_desc(0, addr, 16, NEXT, 1);
		table_desc(1, addr, 16, NEXT, 0);
		break;
	case HOSTILE_LONG_CHAIN:
		table_use(queue, TABLE, (SIZE + 1) * sizeof(struct vring_desc));
		for (i = 0; i <= SIZE; i++)
			table_desc(i, addr, 16, i < SIZE ? NEXT : 0, i + 1);
		break;
	case HOSTILE_NESTED_TABLES:
		table_use(queue, TABLE, 32);
		table_desc(0, TABLE + 16, 16, INDIRECT, 0);
		table_desc(1, addr, 16, 0, 0);
		break;
	case HOSTILE_TABLE_AND_NEXT:
		queue_desc(queue, 0, TABLE, 16, INDIRECT | NEXT, 1);
		queue_desc(queue, 1, addr, 16, 0, 0);
		break;
	case HOSTILE_TABLE_NOT_NEGOTIATED:
		table_use(queue, TABLE, 16);
		break;
	case HOSTILE_TABLE_OF_ODD_LENGTH:
		table_use(queue, TABLE, 17);
		break;
	case HOSTILE_TABLE_OF_NO_LENGTH:
		table_use(queue, TABLE, 0);
		break;
	case HOSTILE_TABLE_OUTSIDE:
		table_use(queue, OUTSIDE, 16);
		break;
	case HOSTILE_TABLE_AT_EDGE:
		table_use(queue, GUEST_MEMORY - 8, 16);
		break;
	case HOSTILE_TABLE_WRAPS:
		table_use(queue, -16ULL, 32);
		break;
	case HOSTILE_NEXT:
		queue_desc(queue, 0, addr, 16, NEXT, SIZE);
		break;
	case HOSTILE_READ_AFTER_WRITE:
		queue_desc(queue, 0, addr, 16, NEXT | WRITE, 1);
		queue_desc(queue, 1, addr, 16, 0, 0);
		break;
	case HOSTILE_EMPTY_BUFFER:
		queue_desc(queue, 0, addr, 0, WRITE, 0);
		break;
	case HOSTILE_BUFFER_WRAPS:
		queue_desc(queue, 0, -8ULL, 16, WRITE, 0);
		break;
	case HOSTILE_TOTAL:
		queue_desc(queue, 0, addr, 0xffffffff, NEXT, 1);
		queue_desc(queue, 1, addr, 0xffffffff, WRITE, 0);
		break;
	default:
		CHECK(false);
	}
}

/* Malformed chains and rings. */
static void attack_ring(enum hostile_scenario scenario)
{
	struct queue queue;

	setup(&queue);
	good_request(&queue);
	switch (scenario) {
	case HOSTILE_HEAD:
		queue_offer(&queue, SIZE);
		break;
	case HOSTILE_INDEX_BACKWARDS:
		queue.avail->idx--;
		break;
	case HOSTILE_INDEX_JUMPS:
		queue.avail->idx += SIZE + 1;
		break;
	default:
		bad_chain(&queue, scenario);
		queue_offer(&queue, 0);
	}
	queue_notify(&queue);
	check_needs_reset(&queue);
}

/* A request for data at @addr ends in an error, which the test sees in the device's counter. */
static void attack_data(__u64 addr)
{
	struct queue queue;

	setup(&queue);
	good_chain(&queue, addr);
	queue_offer(&queue, 0);
	queue_notify(&queue);
	CHECK_SOON(queue.used->idx || status(slot) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* What comes of that is the guest's own fault; the device works after a reset. */
static void attack_rings_with_data(void)
{
	struct queue queue;
	int i;

	for (i = 0; i < 100; i++) {
		setup(&queue);
		good_chain(&queue, i % 2 ? (__u64)queue.avail : (__u64)queue.used);
		queue_offer(&queue, 0);
		queue_notify(&queue);
		CHECK_SOON(queue.used->idx || status(slot) & VIRTIO_CONFIG_S_NEEDS_RESET);
	}
}

static void queue_refused(__u32 size, __u64 desc, __u64 avail, __u64 used)
{
	reg_write(slot, VIRTIO_MMIO_QUEUE_NUM, size);
	queue_addresses(slot, desc, avail, used);
	reg_write(slot, VIRTIO_MMIO_QUEUE_READY, 1);
	CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
}

static void attack_queue_addresses(void)
{
	static const __u64 bad[] = {
		OUTSIDE, GUEST_MEMORY, GUEST_MEMORY - 16, -16ULL, BULKHEAD_VIRTIO_ADDR, LAPIC,
		1ULL << 63, QUEUES_ADDR + 1,
	};
	static const __u32 sizes[] = { 0, 3, 0x10000, 0x10008, 0x80000000, 0xffffffff };
	const __u64 addr = QUEUES_ADDR;
	unsigned int i;

	device_negotiate(slot, features);
	reg_write(slot, VIRTIO_MMIO_QUEUE_SEL, dev->queue);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		queue_refused(SIZE, bad[i], addr, addr);
		queue_refused(SIZE, addr, bad[i], addr);
		queue_refused(SIZE, addr, addr, bad[i]);
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		queue_refused(sizes[i], addr, addr, addr);
	queue_refused(2 * reg_read(slot, VIRTIO_MMIO_QUEUE_NUM_MAX), addr, addr, addr);
}

/* Of a queue that is enabled, new addresses count for nothing. */
static void attack_queue_moved(void)
{
	struct queue queue;

	setup(&queue);
	queue_offer(&queue, 0);
	good_chain(&queue, buffer_addr(dev->data));
	queue_notify(&queue);
	queue_addresses(slot, SANDBOX, SANDBOX + 0x8000, SANDBOX + 0xa000);
	reg_write(slot, VIRTIO_MMIO_QUEUE_NUM, 1);
	reg_write(slot, VIRTIO_MMIO_QUEUE_READY, 1);
	CHECK_EQ(1, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
	CHECK_EQ(0, queue_wait(&queue).id);
	good_request(&queue);
	good_request(&queue);
	CHECK_EQ(0, *(volatile __u64 *)(SANDBOX + 0xa000));
}

/* A queue that the device says is disabled, it leaves alone, and doesn't enable before a reset. */
static void attack_queue_disabled(void)
{
	struct queue queue;
	__u16 used;
	int i;

	for (i = 0; i < 50; i++) {
		setup(&queue);
		good_request(&queue);
		good_chain(&queue, buffer_addr(dev->data));
		queue_offer(&queue, 0);
		queue_notify(&queue);
		reg_write(slot, VIRTIO_MMIO_QUEUE_READY, 0);
		CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
		used = queue.used->idx;
		queue_offer(&queue, 0);
		queue_notify(&queue);
		reg_write(slot, VIRTIO_MMIO_QUEUE_READY, 1);
		CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
		CHECK_EQ(used, queue.used->idx);
	}
}

static void attack_reset_in_flight(void)
{
	struct queue queue;
	__u16 used;
	int i, k;

	for (i = 0; i < 100; i++) {
		setup(&queue);
		good_chain(&queue, buffer_addr(dev->data));
		for (k = 0; k < SIZE; k++)
			queue_offer(&queue, 0);
		queue_notify(&queue);
		/* At some moments or others. */
		for (k = 0; k < i % 10 * 100; k++)
			asm volatile("pause");
		device_reset(slot);
		used = queue.used->idx;
		memset((void *)queue.used, 0x55, 64);
		CHECK(used <= SIZE);
		CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
		CHECK_EQ(0, reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
		CHECK_EQ(0x55555555, *(volatile __u32 *)queue.used);
	}
}

static void attack_kicks(void)
{
	static const __u32 queues[] = { 1000, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff };
	struct queue queue;
	unsigned int i;

	device_reset(slot);
	for (i = 0; i < 5; i++)
		reg_write(slot, VIRTIO_MMIO_QUEUE_NOTIFY, dev->queue);
	/* A kick too early isn't remembered. */
	device_negotiate(slot, features);
	queue_setup(&queue, slot, dev->queue, SIZE, features);
	good_chain(&queue, buffer_addr(dev->data));
	queue_offer(&queue, 0);
	queue_notify(&queue);
	queue_sync(&queue);
	CHECK_EQ(0, queue.used->idx);
	device_go(slot);
	for (i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		reg_write(slot, VIRTIO_MMIO_QUEUE_NOTIFY, queues[i]);
	queue_notify(&queue);
	CHECK_EQ(0, queue_wait(&queue).id);
	/* Kicks without a request are no fault. */
	for (i = 0; i < 100; i++)
		queue_notify(&queue);
	queue_sync(&queue);
	CHECK_EQ(1, queue.used->idx);
}

/* Registers are 32 bits and aligned: all else reads ones and writes nothing; 4.2.2.2. */
static void attack_widths(void)
{
	struct queue queue;
	__u64 addr;

	setup(&queue);
	for (addr = reg_addr(slot, 0); addr < reg_addr(slot, VIRTIO_MMIO_CONFIG) - 7; addr++) {
		CHECK_EQ(0xff, mmio_read8(addr));
		CHECK_EQ(0xffff, mmio_read16(addr));
		CHECK_EQ(-1ULL, mmio_read64(addr));
		mmio_write8(addr, 0);
		mmio_write16(addr, 0);
		mmio_write64(addr, 0);
		if (addr % 4) {
			CHECK_EQ(0xffffffff, mmio_read32(addr));
			mmio_write32(addr, 0);
		}
	}
	/* Across the end of registers, and behind the configuration. */
	CHECK_EQ(-1ULL, mmio_read64(reg_addr(slot, VIRTIO_MMIO_CONFIG - 4)));
	mmio_write64(reg_addr(slot, VIRTIO_MMIO_CONFIG - 4), 0);
	CHECK_EQ(-1ULL, mmio_read64(reg_addr(slot, BULKHEAD_VIRTIO_BYTES - 8)));
	mmio_write64(reg_addr(slot, BULKHEAD_VIRTIO_BYTES - 8), 0);
	/* Nothing of that was a reset, or anything else. */
	CHECK_EQ(1, reg_read(slot, VIRTIO_MMIO_QUEUE_READY));
	good_request(&queue);
}

static void second_tell(enum second_job job)
{
	second_job = job;
	CHECK_SOON(second_does == job);
}

/* The second vCPU sees to it that the queue is never empty. */
static void attack_reset_while_fed(void)
{
	struct queue queue;
	__u16 size;
	int i;

	reg_write(slot, VIRTIO_MMIO_QUEUE_SEL, dev->queue);
	size = reg_read(slot, VIRTIO_MMIO_QUEUE_NUM_MAX);
	for (i = 0; i < 20; i++) {
		setup_size(&queue, size);
		good_chain(&queue, buffer_addr(dev->data));
		second_queue = &queue;
		second_tell(FEED);
		queue_notify(&queue);
		CHECK_SOON(queue.used->idx || status(slot) & VIRTIO_CONFIG_S_NEEDS_RESET);
		if (i % 2)
			reg_write(slot, VIRTIO_MMIO_QUEUE_READY, 0);
		device_reset(slot);
		second_tell(IDLE);
	}
}

/* The second vCPU changes descriptors and rings while the device reads them. */
static void attack_changing_chains(void)
{
	struct queue queue;
	int i, k;

	for (i = 0; i < 50; i++) {
		setup(&queue);
		good_chain(&queue, buffer_addr(dev->data));
		second_queue = &queue;
		second_tell(CHANGE);
		for (k = 0; k < 20; k++) {
			queue_offer(&queue, 0);
			queue_notify(&queue);
		}
		second_tell(IDLE);
	}
}

static __u64 next_random(__u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* An address that a driver may give, good or bad, but none where this guest lives. */
static __u64 random_addr(__u64 *seed)
{
	const __u64 random = next_random(seed);

	switch (random >> 60) {
	case 0:
		return OUTSIDE + (random & 0xffff);
	case 1:
		return GUEST_MEMORY - (random & 0xff);
	case 2:
		return -(random & 0xff) - 1;
	default:
		return SANDBOX + (random & (SANDBOX_BYTES - 1) & ~(random >> 56 & 15));
	}
}

/* Writes to a register of any device, or something to where queues may be. */
static void storm_step(__u64 *seed)
{
	static const __u8 statuses[] = { 0, 1, 3, 11, 15, 15, 0x8f, 0xff };
	const __u64 random = next_random(seed);
	const __u32 victim = random >> 8 & (BULKHEAD_VIRTIO_MAX - 1);
	const __u64 addr = reg_addr(random & 0x80 ? slot : victim, random >> 16 & 0xfff);
	const __u64 reg = addr & ~0xfffULL;
	const __u64 value = next_random(seed);

	switch (random & 15) {
	case 0:
		mmio_write8(addr, value);
		break;
	case 1:
		mmio_write16(addr, value);
		break;
	case 2:
		mmio_write64(addr, value);
		break;
	case 3:
		mmio_read64(addr);
		break;
	case 4:
		mmio_read32(addr & ~3ULL);
		mmio_write32(addr & ~3ULL, random_addr(seed));
		break;
	case 5:
		/* Low halves alone: a random address would rarely be in memory. */
		mmio_write32(reg + 0x80 + (value >> 32 & 3) * 0x10, random_addr(seed));
		break;
	case 6:
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_NUM, 1 << (value & 15));
		break;
	case 7:
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_SEL, value & 3);
		break;
	case 8:
		mmio_write32(reg + VIRTIO_MMIO_STATUS, statuses[value & 7]);
		break;
	case 9:
		mmio_write32(reg + VIRTIO_MMIO_DRIVER_FEATURES_SEL, value & 1);
		mmio_write32(reg + VIRTIO_MMIO_DRIVER_FEATURES,
			     value & 1 ? 1 : value >> 32 & 0x30000000);
		break;
	case 10:
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_READY, value >> 32 & 3 ? 1 : 0);
		break;
	case 11:
	case 12:
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_NOTIFY, value & 3);
		break;
	case 13:
		*(volatile __u16 *)(SANDBOX + (value & (SANDBOX_BYTES - 2))) = value >> 48;
		break;
	case 14:
		*(volatile struct vring_desc *)(SANDBOX + (value & (SANDBOX_BYTES - 16))) =
			(struct vring_desc){ random_addr(seed), value >> 40, value >> 32 & 7,
					     value >> 48 & 15 };
		break;
	default:
		/* All of it, as a driver would. */
		mmio_write32(reg + VIRTIO_MMIO_STATUS, 3);
		mmio_write32(reg + VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
		mmio_write32(reg + VIRTIO_MMIO_DRIVER_FEATURES, 1);
		mmio_write32(reg + VIRTIO_MMIO_STATUS, 11);
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_SEL, value & 1);
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_NUM, 8);
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_DESC_LOW, random_addr(seed) & ~15ULL);
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_AVAIL_LOW, random_addr(seed) & ~1ULL);
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_USED_LOW, random_addr(seed) & ~3ULL);
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_READY, 1);
		mmio_write32(reg + VIRTIO_MMIO_STATUS, 15);
		mmio_write32(reg + VIRTIO_MMIO_QUEUE_NOTIFY, value & 1);
	}
}

static void storm(__u64 seed)
{
	int i;

	for (i = 0; i < HOSTILE_STORM_ROUNDS; i++)
		storm_step(&seed);
}

static void attack_storm(void)
{
	unsigned int i;

	second_tell(STORM);
	storm(88172645463325252ULL);
	CHECK_SOON(second_does == DONE);
	for (i = 0; i < BULKHEAD_VIRTIO_MAX; i++)
		reg_write(i, VIRTIO_MMIO_STATUS, 0);
}

/* Keeps as many requests available as the queue has entries. */
static void feed(const struct queue *queue)
{
	queue->avail->idx = queue->used->idx + queue->size;
}

static void change(const struct queue *queue, __u64 *seed)
{
	static const __u32 lens[] = { 0, 1, 16, 64, 512, 0x1000, 0x80000000, 0xffffffff };
	const __u64 random = next_random(seed);
	volatile struct vring_desc *desc = &queue->desc[random & 3];

	switch (random >> 32 & 7) {
	case 0:
		desc->addr = random_addr(seed);
		break;
	case 1:
		desc->len = lens[random >> 40 & 7];
		break;
	case 2:
		desc->flags = random >> 40 & 7;
		break;
	case 3:
		desc->next = random >> 40 & 7;
		break;
	case 4:
		queue->avail->ring[random >> 40 & 7] = random >> 48 & 15;
		break;
	default:
		/* More often than not, what is good. */
		*desc = (struct vring_desc){ buffer_addr(random & 3), 16,
					     random & 2 ? WRITE : NEXT, 2 };
	}
}

static void second_main(void)
{
	__u64 seed = 0x123456789abcdefULL;
	enum second_job job;

	for (;;) {
		job = second_job;
		if (second_does != DONE || job != STORM)
			second_does = job;
		switch (second_does) {
		case FEED:
			feed(second_queue);
			break;
		case CHANGE:
			change(second_queue, &seed);
			break;
		case STORM:
			storm(seed);
			second_does = DONE;
			break;
		default:
			asm volatile("pause" : : : "memory");
		}
	}
}

static void attack(enum hostile_scenario scenario)
{
	switch (scenario) {
	case HOSTILE_DATA_OUTSIDE:
		attack_data(OUTSIDE);
		break;
	case HOSTILE_DATA_AT_EDGE:
		attack_data(GUEST_MEMORY - 1);
		break;
	case HOSTILE_DATA_IN_DEVICE:
		attack_data(BULKHEAD_VIRTIO_ADDR);
		break;
	case HOSTILE_DATA_IN_APIC:
		attack_data(LAPIC);
		break;
	case HOSTILE_DATA_AT_END:
		attack_data(-0x1000ULL);
		break;
	case HOSTILE_DATA_IN_RINGS:
		attack_rings_with_data();
		break;
	case HOSTILE_QUEUE_ADDRESSES:
		attack_queue_addresses();
		break;
	case HOSTILE_QUEUE_MOVED:
		attack_queue_moved();
		break;
	case HOSTILE_QUEUE_DISABLED:
		attack_queue_disabled();
		break;
	case HOSTILE_RESET_IN_FLIGHT:
		attack_reset_in_flight();
		break;
	case HOSTILE_KICKS:
		attack_kicks();
		break;
	case HOSTILE_WIDTHS:
		attack_widths();
		break;
	case HOSTILE_RESET_WHILE_FED:
		attack_reset_while_fed();
		break;
	case HOSTILE_CHANGING_CHAINS:
		attack_changing_chains();
		break;
	case HOSTILE_STORM:
		attack_storm();
		break;
	default:
		attack_ring(scenario);
	}
}

void guest_main(unsigned int cpu)
{
	const enum hostile_scenario scenario = report->scenario;
	__u32 id;

	if (cpu)
		second_main();

	slot = report->slot;
	id = reg_read(slot, VIRTIO_MMIO_DEVICE_ID);
	dev = device_find(id);
	if (scenario != HOSTILE_TABLE_NOT_NEGOTIATED)
		features = BIT(VIRTIO_RING_F_INDIRECT_DESC);
	if (scenario >= HOSTILE_RESET_WHILE_FED)
		second_start();

	check_works();
	attack(scenario);
	check_works();
	power_off(0);
}
