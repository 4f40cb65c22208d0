// SPDX-License-Identifier: GPL-2.0-only
/* The virtio core, driven by the book by the guest driver.c through an entropy device. */
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <signal.h>

#include "device.h"
#include "guests/driver.h"

#define INDIRECT	(1ULL << VIRTIO_RING_F_INDIRECT_DESC)
#define EVENT_IDX	(1ULL << VIRTIO_RING_F_EVENT_IDX)
#define REQUESTS	96	/* of the scenarios DRIVER_DIRECT and DRIVER_INDIRECT */

GUEST(driver);

FIXTURE(virtio) {
	struct machine machine;
};

FIXTURE_VARIANT(virtio) {
	__u64 features;
};

FIXTURE_VARIANT_ADD(virtio, plain)
{
	.features = 0,
};

FIXTURE_VARIANT_ADD(virtio, event_idx)
{
	.features = EVENT_IDX,
};

FIXTURE_SETUP(virtio)
{
	ASSERT_TRUE(machine_create(&self->machine, guest_driver, guest_driver_end, 0));
	self->machine.report->argument = variant->features;
	ASSERT_EQ(0, device_create(self->machine.guest.part, rng_create));
}

FIXTURE_TEARDOWN(virtio)
{
	machine_destroy(&self->machine);
}

static long run(struct machine *m, enum driver_scenario scenario)
{
	m->report->scenario = scenario;
	return machine_start(m) ? machine_wait(m) : -1;
}

TEST_F(virtio, direct)
{
	struct machine *m = &self->machine;

	ASSERT_EQ(0, run(m, DRIVER_DIRECT));
	EXPECT_EQ(REQUESTS, device_count(m, 0, BULKHEAD_A_DEVICE_REQUESTS));
	EXPECT_EQ(REQUESTS * 96, device_count(m, 0, BULKHEAD_A_DEVICE_BYTES));
	EXPECT_EQ(0, device_count(m, 0, BULKHEAD_A_DEVICE_ERRORS));
	EXPECT_LT(0, device_count(m, 0, BULKHEAD_A_DEVICE_KICKS));
	EXPECT_GE(REQUESTS, device_count(m, 0, BULKHEAD_A_DEVICE_KICKS));
	EXPECT_LT(0, device_count(m, 0, BULKHEAD_A_DEVICE_INTERRUPTS));
	EXPECT_GE(REQUESTS, device_count(m, 0, BULKHEAD_A_DEVICE_INTERRUPTS));
}

TEST_F(virtio, indirect)
{
	struct machine *m = &self->machine;

	m->report->argument |= INDIRECT;
	ASSERT_EQ(0, run(m, DRIVER_INDIRECT));
	EXPECT_EQ(2 * REQUESTS, device_count(m, 0, BULKHEAD_A_DEVICE_REQUESTS));
	EXPECT_EQ(REQUESTS * (64 + 72), device_count(m, 0, BULKHEAD_A_DEVICE_BYTES));
	EXPECT_EQ(0, device_count(m, 0, BULKHEAD_A_DEVICE_ERRORS));
}

/* The indices pass 65535, and the event there is told, in one interrupt. */
TEST_F(virtio, wrap)
{
	struct machine *m = &self->machine;

	ASSERT_EQ(0, run(m, DRIVER_WRAP));
	EXPECT_EQ(0x10000 + 16, device_count(m, 0, BULKHEAD_A_DEVICE_REQUESTS));
	EXPECT_EQ(variant->features ? 1 : 0,
		  device_count(m, 0, BULKHEAD_A_DEVICE_INTERRUPTS));
	EXPECT_EQ(0, device_count(m, 0, BULKHEAD_A_DEVICE_ERRORS));
}

TEST_F(virtio, quiet)
{
	struct machine *m = &self->machine;

	ASSERT_EQ(0, run(m, DRIVER_QUIET));
	EXPECT_EQ(11, device_count(m, 0, BULKHEAD_A_DEVICE_REQUESTS));
	EXPECT_EQ(1, device_count(m, 0, BULKHEAD_A_DEVICE_INTERRUPTS));
}

FIXTURE(machine) {
	struct machine machine;
};

FIXTURE_SETUP(machine)
{
	ASSERT_TRUE(machine_create(&self->machine, guest_driver, guest_driver_end, 0));
	ASSERT_EQ(0, device_create(self->machine.guest.part, rng_create));
}

FIXTURE_TEARDOWN(machine)
{
	machine_destroy(&self->machine);
}

TEST_F(machine, registers)
{
	struct machine *m = &self->machine;

	ASSERT_EQ(0, run(m, DRIVER_REGISTERS));
	EXPECT_EQ(VIRTIO_ID_RNG, device_count(m, 0, BULKHEAD_A_DEVICE_TYPE));
	EXPECT_EQ(0, device_count(m, 0, BULKHEAD_A_DEVICE_ERRORS));
}

/* What is against the rules is counted: features twice, DRIVER_OK, a queue, and so on. */
TEST_F(machine, negotiate)
{
	ASSERT_EQ(0, run(&self->machine, DRIVER_NEGOTIATE));
	EXPECT_EQ(8, device_count(&self->machine, 0, BULKHEAD_A_DEVICE_ERRORS));
}

TEST_F(machine, interrupt)
{
	ASSERT_EQ(0, run(&self->machine, DRIVER_INTERRUPT));
	EXPECT_EQ(10, device_count(&self->machine, 0, BULKHEAD_A_DEVICE_INTERRUPTS));
}

/* The last slot has the last pin. */
TEST_F(machine, slots)
{
	struct machine *m = &self->machine;
	int slot;

	for (slot = 1; slot < BULKHEAD_VIRTIO_MAX; slot++)
		ASSERT_EQ(slot, device_create(m->guest.part, rng_create));
	EXPECT_EQ(-1, device_create(m->guest.part, rng_create));
	EXPECT_EQ(ENOSPC, errno);
	m->report->slot = BULKHEAD_VIRTIO_MAX - 1;
	ASSERT_EQ(0, run(m, DRIVER_INTERRUPT));
	EXPECT_EQ(10, device_count(m, BULKHEAD_VIRTIO_MAX - 1, BULKHEAD_A_DEVICE_INTERRUPTS));
	EXPECT_EQ(0, device_count(m, 0, BULKHEAD_A_DEVICE_INTERRUPTS));
}

/* Many workers serve one device, and one worker many. */
TEST_F(machine, workers)
{
	struct machine *m = &self->machine;
	pthread_t workers[8];
	unsigned int i;
	void *status;

	for (i = 0; i < ARRAY_SIZE(workers); i++)
		ASSERT_EQ(0, pthread_create(&workers[i], NULL, machine_worker, m));
	EXPECT_EQ(0, run(m, DRIVER_DIRECT));
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		pthread_join(workers[i], &status);
		EXPECT_EQ(NULL, status);
	}
}

static void on_signal(int sig)
{
}

/* A worker that is interrupted leaves the work that woke it up to another. */
TEST_F(machine, workers_leave)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct machine *m = &self->machine;
	pthread_t worker;
	int i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	m->report->scenario = DRIVER_DIRECT;
	ASSERT_TRUE(machine_start(m));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, pthread_create(&worker, NULL, machine_worker, m));
		usleep(i * 10);
		pthread_kill(worker, SIGUSR1);
		pthread_join(worker, NULL);
	}
	EXPECT_EQ(0, machine_wait(m));
}

/* No device is added once the guest could have looked; a worker of a stopped one returns. */
TEST_F(machine, states)
{
	struct machine *m = &self->machine;

	ASSERT_EQ(0, run(m, DRIVER_REGISTERS));
	EXPECT_EQ(-1, device_create(m->guest.part, rng_create));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(NULL, machine_worker(m));
}

TEST_HARNESS_MAIN
