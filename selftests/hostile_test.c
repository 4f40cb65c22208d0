// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices and the guest hostile.c, which attacks them. Each attack ends as the guest says, is
 * counted, and a partition with the same devices works on all the while.
 */
#include "device.h"
#include "guests/driver.h"
#include "guests/hostile.h"

GUEST(driver);
GUEST(hostile);

/* A partition that keeps to the rules; it lives as long as all tests, and in their parent. */
static struct machine neighbour;

/* A disk with two queues, full of ones. */
static int disk_create(int part, int irq_fd)
{
	static char sectors[64 * 512];
	struct bulkhead_disk_create args = {
		.size = sizeof(args), .irq_fd = irq_fd, .queues = 2,
		.fd = memfd_create("disk", MFD_CLOEXEC),
	};
	int slot = -1;

	memset(sectors, 0xff, sizeof(sectors));
	if (write(args.fd, sectors, sizeof(sectors)) == sizeof(sectors))
		slot = ioctl(part, BULKHEAD_DISK_CREATE, &args);
	close(args.fd);
	return slot;
}

static int balloon_create(int part, int irq_fd)
{
	struct bulkhead_balloon_create args = { .size = sizeof(args), .irq_fd = irq_fd };

	return ioctl(part, BULKHEAD_BALLOON_CREATE, &args);
}

static int hvc_create(int part, int irq_fd)
{
	struct bulkhead_hvc_create args = { .size = sizeof(args), .irq_fd = irq_fd };

	return ioctl(part, BULKHEAD_HVC_CREATE, &args);
}

/* Devices: a row for each. */
FIXTURE(hostile) {
	struct machine machine;
	__u32 rounds;
};

FIXTURE_VARIANT(hostile) {
	int (*create)(int part, int irq_fd);
	bool writes_data;
};

FIXTURE_VARIANT_ADD(hostile, rng)
{
	.create = rng_create,
	.writes_data = true,
};

FIXTURE_VARIANT_ADD(hostile, disk)
{
	.create = disk_create,
	.writes_data = true,
};

FIXTURE_VARIANT_ADD(hostile, console)
{
	.create = hvc_create,
};

FIXTURE_VARIANT_ADD(hostile, balloon)
{
	.create = balloon_create,
};

FIXTURE_SETUP(hostile)
{
	struct machine *m = &self->machine;

	ASSERT_TRUE(machine_create_vcpus(m, guest_hostile, guest_hostile_end, 0, 2));
	ASSERT_EQ(0, device_create(m->guest.part, rng_create));
	ASSERT_EQ(1, device_create(m->guest.part, variant->create));
	m->report->slot = 1;
	self->rounds = neighbour.report->rounds;
}

/* The neighbour goes on: deadline is that of the test. */
FIXTURE_TEARDOWN(hostile)
{
	while (neighbour.report->rounds - self->rounds < 3)
		usleep(1000);
	EXPECT_EQ(0, neighbour.report->line);
	EXPECT_EQ(0, device_count(&neighbour, 0, BULKHEAD_A_DEVICE_ERRORS));
	machine_destroy(&self->machine);
}

/* The guest is content, and at least @errors were counted, none of them for another device. */
static void attack(struct __test_metadata *_metadata, struct machine *m,
		   enum hostile_scenario scenario, int errors)
{
	m->report->scenario = scenario;
	ASSERT_TRUE(machine_start(m));
	EXPECT_EQ(0, machine_wait(m));
	EXPECT_LE(errors, device_count(m, 1, BULKHEAD_A_DEVICE_ERRORS));
	if (scenario != HOSTILE_STORM)
		EXPECT_EQ(0, device_count(m, 0, BULKHEAD_A_DEVICE_ERRORS));
}

/* The kick after the failure counts as well. */
TEST_F(hostile, loop_of_one)
{
	attack(_metadata, &self->machine, HOSTILE_LOOP_OF_ONE, 2);
}

TEST_F(hostile, loop_of_two)
{
	attack(_metadata, &self->machine, HOSTILE_LOOP_OF_TWO, 2);
}

TEST_F(hostile, loop_in_table)
{
	attack(_metadata, &self->machine, HOSTILE_LOOP_IN_TABLE, 2);
}

TEST_F(hostile, long_chain)
{
	attack(_metadata, &self->machine, HOSTILE_LONG_CHAIN, 2);
}

TEST_F(hostile, nested_tables)
{
	attack(_metadata, &self->machine, HOSTILE_NESTED_TABLES, 2);
}

TEST_F(hostile, table_and_next)
{
	attack(_metadata, &self->machine, HOSTILE_TABLE_AND_NEXT, 2);
}

TEST_F(hostile, table_not_negotiated)
{
	attack(_metadata, &self->machine, HOSTILE_TABLE_NOT_NEGOTIATED, 2);
}

TEST_F(hostile, table_of_odd_length)
{
	attack(_metadata, &self->machine, HOSTILE_TABLE_OF_ODD_LENGTH, 2);
}

TEST_F(hostile, table_of_no_length)
{
	attack(_metadata, &self->machine, HOSTILE_TABLE_OF_NO_LENGTH, 2);
}

TEST_F(hostile, table_outside)
{
	attack(_metadata, &self->machine, HOSTILE_TABLE_OUTSIDE, 2);
}

TEST_F(hostile, table_at_edge)
{
	attack(_metadata, &self->machine, HOSTILE_TABLE_AT_EDGE, 2);
}

TEST_F(hostile, table_wraps)
{
	attack(_metadata, &self->machine, HOSTILE_TABLE_WRAPS, 2);
}

TEST_F(hostile, head)
{
	attack(_metadata, &self->machine, HOSTILE_HEAD, 2);
}

TEST_F(hostile, next)
{
	attack(_metadata, &self->machine, HOSTILE_NEXT, 2);
}

TEST_F(hostile, read_after_write)
{
	attack(_metadata, &self->machine, HOSTILE_READ_AFTER_WRITE, 2);
}

TEST_F(hostile, empty_buffer)
{
	attack(_metadata, &self->machine, HOSTILE_EMPTY_BUFFER, 2);
}

TEST_F(hostile, buffer_wraps)
{
	attack(_metadata, &self->machine, HOSTILE_BUFFER_WRAPS, 2);
}

TEST_F(hostile, total)
{
	attack(_metadata, &self->machine, HOSTILE_TOTAL, 2);
}

TEST_F(hostile, index_backwards)
{
	attack(_metadata, &self->machine, HOSTILE_INDEX_BACKWARDS, 2);
}

TEST_F(hostile, index_jumps)
{
	attack(_metadata, &self->machine, HOSTILE_INDEX_JUMPS, 2);
}

TEST_F(hostile, data_outside)
{
	attack(_metadata, &self->machine, HOSTILE_DATA_OUTSIDE, 1);
}

TEST_F(hostile, data_at_edge)
{
	attack(_metadata, &self->machine, HOSTILE_DATA_AT_EDGE, 1);
}

TEST_F(hostile, data_in_device)
{
	attack(_metadata, &self->machine, HOSTILE_DATA_IN_DEVICE, 1);
}

TEST_F(hostile, data_in_apic)
{
	attack(_metadata, &self->machine, HOSTILE_DATA_IN_APIC, 1);
}

TEST_F(hostile, data_at_end)
{
	attack(_metadata, &self->machine, HOSTILE_DATA_AT_END, 1);
}

TEST_F(hostile, data_in_rings)
{
	if (!variant->writes_data)
		SKIP(return, "this device writes nothing of its own");
	attack(_metadata, &self->machine, HOSTILE_DATA_IN_RINGS, 0);
}

/* Eight addresses three times, seven sizes. */
TEST_F(hostile, queue_addresses)
{
	attack(_metadata, &self->machine, HOSTILE_QUEUE_ADDRESSES, 31);
}

TEST_F(hostile, queue_moved)
{
	attack(_metadata, &self->machine, HOSTILE_QUEUE_MOVED, 1);
}

TEST_F(hostile, queue_disabled)
{
	attack(_metadata, &self->machine, HOSTILE_QUEUE_DISABLED, 50);
}

TEST_F(hostile, reset_in_flight)
{
	attack(_metadata, &self->machine, HOSTILE_RESET_IN_FLIGHT, 0);
}

TEST_F(hostile, kicks)
{
	attack(_metadata, &self->machine, HOSTILE_KICKS, 5 + 1 + 5);
}

/* 249 offsets, six accesses each, two more at those that aren't aligned. */
TEST_F(hostile, widths)
{
	attack(_metadata, &self->machine, HOSTILE_WIDTHS, 249 * 6 + 186 * 2 + 4);
}

TEST_F(hostile, reset_while_fed)
{
	attack(_metadata, &self->machine, HOSTILE_RESET_WHILE_FED, 0);
}

TEST_F(hostile, changing_chains)
{
	attack(_metadata, &self->machine, HOSTILE_CHANGING_CHAINS, 1);
}

/* Both vCPUs write whatever they like to all devices, as many as there can be. */
TEST_F(hostile, storm)
{
	struct machine *m = &self->machine;
	int slot;

	if (variant->create == balloon_create)
		SKIP(return, "the guest would give its own code to the balloon");
	for (slot = 2; slot < BULKHEAD_VIRTIO_MAX; slot++)
		ASSERT_EQ(slot, device_create(m->guest.part,
					      slot % 2 ? disk_create : rng_create));
	attack(_metadata, m, HOSTILE_STORM, 1);
	for (slot = 0; slot < BULKHEAD_VIRTIO_MAX; slot++)
		EXPECT_LT(0, device_count(m, slot, BULKHEAD_A_DEVICE_ERRORS));
}

int main(int argc, char **argv)
{
	int ret;

	if (!machine_create(&neighbour, guest_driver, guest_driver_end, DRIVER_FOREVER) ||
	    device_create(neighbour.guest.part, rng_create) || !machine_start(&neighbour))
		ksft_exit_fail_msg("neighbour: %s\n", strerror(errno));
	ret = test_harness_run(argc, argv);
	neighbour.report->stop = 1;
	return machine_wait(&neighbour) ? KSFT_FAIL : ret;
}
