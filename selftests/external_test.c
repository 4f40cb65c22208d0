// SPDX-License-Identifier: GPL-2.0-only
/*
 * External devices: what happens between a driver, played by a guest that does as it is told, and a
 * runner with its backend, played by the test.
 */
#include <signal.h>
#include <sys/wait.h>

#include "external.h"

FIXTURE(external)
{
	struct device dev;
};

FIXTURE_SETUP(external)
{
	ASSERT_TRUE(device_create(&self->dev));
}

FIXTURE_TEARDOWN(external)
{
	device_destroy(&self->dev);
}

TEST_F(external, bad_create)
{
	struct device *dev = &self->dev;
	int part = dev->puppet.guest.part;
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct bulkhead_external_create args;
	int fds[QUEUES];

#define CREATE_FAILS(want, field, value) do { \
	args = create_args(dev); \
	args.field = value; \
	FAILS(want, ioctl(part, BULKHEAD_EXTERNAL_CREATE, &args)); \
} while (0)

	CREATE_FAILS(EINVAL, flags, 1);
	CREATE_FAILS(EINVAL, reserved, 1);
	CREATE_FAILS(EINVAL, device, 0);
	CREATE_FAILS(EINVAL, queues, 0);
	CREATE_FAILS(EINVAL, queues, BULKHEAD_EXTERNAL_QUEUES_MAX + 1);
	CREATE_FAILS(EINVAL, queues, ~0U);
	CREATE_FAILS(EINVAL, queue_max, 0);
	CREATE_FAILS(EINVAL, queue_max, 3);
	CREATE_FAILS(EINVAL, queue_max, 2048);
	CREATE_FAILS(EINVAL, queue_max, 1U << 31);
	CREATE_FAILS(EINVAL, features, OFFERED & ~(1ULL << VIRTIO_F_VERSION_1));
	CREATE_FAILS(EINVAL, config_bytes, 257);
	CREATE_FAILS(EFAULT, config, 0);
	CREATE_FAILS(EFAULT, config, -8ULL);
	CREATE_FAILS(EFAULT, kick_fds, 0);
	CREATE_FAILS(EBADF, irq_fd, -1);
	CREATE_FAILS(EINVAL, irq_fd, file);
	memcpy(fds, dev->kicks, sizeof(fds));
	fds[QUEUES - 1] = -1;
	CREATE_FAILS(EBADF, kick_fds, (uintptr_t)fds);
	fds[QUEUES - 1] = file;
	CREATE_FAILS(EINVAL, kick_fds, (uintptr_t)fds);
	close(file);
}

TEST_F(external, slots_end)
{
	struct device *dev = &self->dev;
	struct bulkhead_external_create args = create_args(dev);
	int fds[BULKHEAD_VIRTIO_MAX];
	int i;

	args.queues = BULKHEAD_EXTERNAL_QUEUES_MAX;
	args.queue_max = 1024;
	for (i = 1; i < BULKHEAD_VIRTIO_MAX; i++) {
		/* An eventfd raises one interrupt alone. */
		args.irq_fd = eventfd(0, EFD_CLOEXEC);
		fds[i] = ioctl(dev->puppet.guest.part, BULKHEAD_EXTERNAL_CREATE, &args);
		ASSERT_GE(fds[i], 0);
		close(args.irq_fd);
	}
	args.irq_fd = eventfd(0, EFD_CLOEXEC);
	FAILS(ENOSPC, ioctl(dev->puppet.guest.part, BULKHEAD_EXTERNAL_CREATE, &args));
	close(args.irq_fd);
	for (i = 1; i < BULKHEAD_VIRTIO_MAX; i++)
		close(fds[i]);
}

TEST_F(external, bad_ioctls)
{
	struct bulkhead_external_get state = { .size = sizeof(state), .state = 1 };
	struct device *dev = &self->dev;

	FAILS(ENOTTY, ioctl(dev->fd, BULKHEAD_EXTERNAL_CREATE, &state));
	FAILS(ENOTTY, ioctl(dev->puppet.guest.part, BULKHEAD_EXTERNAL_GET, &state));
	FAILS(EINVAL, ioctl(dev->fd, BULKHEAD_EXTERNAL_GET, &state));
	state.state = 0;
	state.queue[BULKHEAD_EXTERNAL_QUEUES_MAX - 1].guest_used = 1;
	FAILS(EINVAL, ioctl(dev->fd, BULKHEAD_EXTERNAL_GET, &state));
	FAILS(EBUSY, release(dev));
	FAILS(EBUSY, backend_fail(dev));
	FAILS(EINVAL, config_set(dev, 0, 0, CONFIG));
	FAILS(EINVAL, config_set(dev, 8, 1, CONFIG));
	FAILS(EINVAL, config_set(dev, 1, 8, CONFIG));
	FAILS(EINVAL, config_set(dev, 0, ~0U, CONFIG));
	FAILS(EINVAL, config_set(dev, ~0U, 2, CONFIG));
	FAILS(EFAULT, config_set(dev, 0, 8, NULL));
}

/* Another process has no business with the device, though it has the descriptor. */
TEST_F(external, child_may_not)
{
	struct device *dev = &self->dev;
	struct bulkhead_external_get state;
	int wstatus;
	pid_t pid = fork();

	if (!pid)
		_exit(get(dev, &state) == -1 && errno == EPERM &&
		      release(dev) == -1 && errno == EPERM &&
		      backend_fail(dev) == -1 && errno == EPERM &&
		      config_set(dev, 0, 8, CONFIG) == -1 && errno == EPERM ? 0 : 1);
	ASSERT_EQ(pid, waitpid(pid, &wstatus, 0));
	EXPECT_EQ(0, wstatus);
}

/* What the backend offers is what the driver sees, less what is not the backend's to offer. */
TEST(features_are_masked)
{
	struct bulkhead_external_create args;
	struct device dev;

	ASSERT_TRUE(device_create(&dev));
	close(dev.fd);
	/* The device in the second slot offers all. */
	close(dev.irq);
	dev.irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	args = create_args(&dev);
	args.features = ~0ULL;
	dev.fd = ioctl(dev.puppet.guest.part, BULKHEAD_EXTERNAL_CREATE, &args);
	ASSERT_GE(dev.fd, 0);
	ASSERT_TRUE(puppet_start(&dev.puppet));

	EXPECT_EQ(DEVICE_ID, reg_read(&dev, VIRTIO_MMIO_DEVICE_ID));
	ASSERT_TRUE(reg_write(&dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0));
	EXPECT_EQ((uint32_t)OFFERED, reg_read(&dev, VIRTIO_MMIO_DEVICE_FEATURES));
	ASSERT_TRUE(reg_write(&dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1));
	EXPECT_EQ(OFFERED >> 32, reg_read(&dev, VIRTIO_MMIO_DEVICE_FEATURES));

	ASSERT_TRUE(reg_write(&dev, BULKHEAD_VIRTIO_BYTES + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0));
	EXPECT_EQ(0x30ffffff, reg_read(&dev, BULKHEAD_VIRTIO_BYTES + VIRTIO_MMIO_DEVICE_FEATURES));
	ASSERT_TRUE(reg_write(&dev, BULKHEAD_VIRTIO_BYTES + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1));
	EXPECT_EQ(0xfffc0001, reg_read(&dev, BULKHEAD_VIRTIO_BYTES + VIRTIO_MMIO_DEVICE_FEATURES));

	/* The first device's descriptor is closed: it has no backend, and says so to its driver. */
	ASSERT_TRUE(drive(&dev));
	EXPECT_EQ(DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET, status(&dev));
	EXPECT_EQ(BULKHEAD_EXTERNAL_IDLE, state_of(&dev));
	ASSERT_TRUE(puppet_poweroff(&dev.puppet));
	device_destroy(&dev);
}

TEST_F(external, life)
{
	struct device *dev = &self->dev;
	const struct guest *g = &dev->puppet.guest;
	struct bulkhead_external_create args = create_args(dev);
	struct bulkhead_external_get state;
	uint32_t interrupts;
	unsigned int i;

	EXPECT_EQ(0, polled(dev, 0));
	ASSERT_TRUE(puppet_start(&dev->puppet));
	FAILS(EBUSY, ioctl(g->part, BULKHEAD_EXTERNAL_CREATE, &args));
	ASSERT_TRUE(puppet_unmask(&dev->puppet, BULKHEAD_VIRTIO_PIN));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_QUEUE_SEL, 0));
	EXPECT_EQ(QUEUE_MAX, reg_read(dev, VIRTIO_MMIO_QUEUE_NUM_MAX));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_QUEUE_SEL, QUEUES));
	EXPECT_EQ(0, reg_read(dev, VIRTIO_MMIO_QUEUE_NUM_MAX));
	EXPECT_EQ(0x666e6f63, reg_read(dev, VIRTIO_MMIO_CONFIG));

	/* Nothing is handed over before the driver is ready, */
	ASSERT_TRUE(negotiate(dev, 1ULL << VIRTIO_F_VERSION_1 | 1 << 1));
	ASSERT_TRUE(queue_enable(dev, 0, 16, DESC(0), AVAIL(0), USED(0)));
	ASSERT_TRUE(queue_enable(dev, 2, QUEUE_MAX, DESC(2), AVAIL(2), USED(2)));
	EXPECT_EQ(0, polled(dev, 0));
	ASSERT_EQ(0, get(dev, &state));
	EXPECT_EQ(BULKHEAD_EXTERNAL_IDLE, state.state);
	EXPECT_EQ(QUEUES, state.queues);
	EXPECT_EQ(0, state.features);
	EXPECT_EQ(0, state.queue[0].size);

	/* and then all of it. */
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, DRIVER_OK));
	EXPECT_EQ(POLLIN, polled(dev, 60000));
	ASSERT_EQ(0, get(dev, &state));
	EXPECT_EQ(0, polled(dev, 0));
	EXPECT_EQ(BULKHEAD_EXTERNAL_READY, state.state);
	EXPECT_EQ(1ULL << VIRTIO_F_VERSION_1 | 1 << 1, state.features);
	EXPECT_EQ(16, state.queue[0].size);
	EXPECT_EQ(0, state.queue[1].size);
	EXPECT_EQ(0, state.queue[1].desc);
	EXPECT_EQ(QUEUE_MAX, state.queue[2].size);
	for (i = 0; i < QUEUES; i += 2) {
		EXPECT_EQ(DESC(i), state.queue[i].guest_desc);
		EXPECT_EQ(AVAIL(i), state.queue[i].guest_avail);
		EXPECT_EQ(USED(i), state.queue[i].guest_used);
		EXPECT_EQ((uintptr_t)g->ram + DESC(i), state.queue[i].desc);
		EXPECT_EQ((uintptr_t)g->ram + AVAIL(i), state.queue[i].avail);
		EXPECT_EQ((uintptr_t)g->ram + USED(i), state.queue[i].used);
	}
	for (i = QUEUES; i < BULKHEAD_EXTERNAL_QUEUES_MAX; i++)
		EXPECT_EQ(0, state.queue[i].size);
	FAILS(EBUSY, release(dev));

	/* Kicks reach the queue's own eventfd, each of them; but not those of no queue. */
	ASSERT_TRUE(puppet_repeat(&dev->puppet, REG(VIRTIO_MMIO_QUEUE_NOTIFY), 0, 1000));
	ASSERT_TRUE(puppet_repeat(&dev->puppet, REG(VIRTIO_MMIO_QUEUE_NOTIFY), 2, 3));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_QUEUE_NOTIFY, QUEUES));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_QUEUE_NOTIFY, ~0U));
	EXPECT_EQ(1000, count(dev->kicks[0]));
	EXPECT_EQ(0, count(dev->kicks[1]));
	EXPECT_EQ(3, count(dev->kicks[2]));
	for (i = QUEUES; i < BULKHEAD_EXTERNAL_QUEUES_MAX; i++)
		EXPECT_EQ(0, count(dev->kicks[i]));

	/* The backend interrupts, and that can always be for a used buffer. */
	EXPECT_EQ(VIRTIO_MMIO_INT_VRING, reg_read(dev, VIRTIO_MMIO_INTERRUPT_STATUS));
	interrupts = puppet_interrupts(&dev->puppet);
	ASSERT_EQ(0, eventfd_write(dev->irq, 1));
	EXPECT_TRUE(WITHIN_DEADLINE(puppet_interrupts(&dev->puppet) == interrupts + 1));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_INTERRUPT_ACK, ~0U));
	EXPECT_EQ(VIRTIO_MMIO_INT_VRING, reg_read(dev, VIRTIO_MMIO_INTERRUPT_STATUS));

	/* A reset takes as long as the backend does. */
	ASSERT_TRUE(reset_begin(dev));
	EXPECT_FALSE(puppet_is_done(&dev->puppet));
	ASSERT_EQ(0, get(dev, &state));
	EXPECT_EQ(16, state.queue[0].size);
	EXPECT_FALSE(puppet_is_done(&dev->puppet));
	ASSERT_EQ(0, release(dev));
	ASSERT_TRUE(puppet_wait(&dev->puppet));
	EXPECT_EQ(0, status(dev));
	EXPECT_EQ(BULKHEAD_EXTERNAL_IDLE, state_of(dev));
	FAILS(EBUSY, release(dev));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_QUEUE_SEL, 0));
	EXPECT_EQ(0, reg_read(dev, VIRTIO_MMIO_QUEUE_READY));

	/* One of an idle device doesn't wait; and it can all begin again. */
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, 0));
	EXPECT_EQ(0, polled(dev, 0));
	ASSERT_TRUE(drive(dev));
	EXPECT_EQ(BULKHEAD_EXTERNAL_READY, state_of(dev));

	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
	EXPECT_EQ(POLLHUP, polled(dev, 60000) & POLLHUP);
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, dev->puppet.run.reason);
}

TEST_F(external, failure)
{
	struct device *dev = &self->dev;
	uint32_t interrupts;

	ASSERT_TRUE(puppet_start(&dev->puppet));
	ASSERT_TRUE(puppet_unmask(&dev->puppet, BULKHEAD_VIRTIO_PIN));
	ASSERT_TRUE(drive(dev));
	interrupts = puppet_interrupts(&dev->puppet);
	ASSERT_EQ(0, backend_fail(dev));
	FAILS(EBUSY, backend_fail(dev));
	EXPECT_TRUE(WITHIN_DEADLINE(puppet_interrupts(&dev->puppet) > interrupts));
	EXPECT_EQ(DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET, status(dev));
	EXPECT_EQ(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG,
		  reg_read(dev, VIRTIO_MMIO_INTERRUPT_STATUS));
	/* Nobody is kicked any more. */
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_QUEUE_NOTIFY, 0));
	EXPECT_EQ(0, count(dev->kicks[0]));

	/* The backend has let go: a reset doesn't wait, and heals. */
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, 0));
	EXPECT_EQ(0, status(dev));
	ASSERT_TRUE(drive(dev));
	EXPECT_EQ(DRIVER_OK, status(dev));
	EXPECT_EQ(BULKHEAD_EXTERNAL_READY, state_of(dev));

	/* That the backend dies during a reset ends the reset. */
	ASSERT_TRUE(reset_begin(dev));
	EXPECT_FALSE(puppet_is_done(&dev->puppet));
	ASSERT_EQ(0, backend_fail(dev));
	ASSERT_TRUE(puppet_wait(&dev->puppet));
	EXPECT_EQ(0, status(dev));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
}

TEST_F(external, config_changes)
{
	struct device *dev = &self->dev;
	uint32_t interrupts, generation;

	/* Before a driver is there, nobody is told; */
	ASSERT_EQ(0, config_set(dev, 4, 4, "IG!!"));
	ASSERT_TRUE(puppet_start(&dev->puppet));
	ASSERT_TRUE(puppet_unmask(&dev->puppet, BULKHEAD_VIRTIO_PIN));
	EXPECT_EQ(0x21214749, reg_read(dev, VIRTIO_MMIO_CONFIG + 4));
	ASSERT_TRUE(drive(dev));
	generation = reg_read(dev, VIRTIO_MMIO_CONFIG_GENERATION);
	interrupts = puppet_interrupts(&dev->puppet);
	EXPECT_EQ(VIRTIO_MMIO_INT_VRING, reg_read(dev, VIRTIO_MMIO_INTERRUPT_STATUS));

	/* and then it is. */
	ASSERT_EQ(0, config_set(dev, 0, 4, "size"));
	EXPECT_TRUE(WITHIN_DEADLINE(puppet_interrupts(&dev->puppet) == interrupts + 1));
	EXPECT_NE(generation, reg_read(dev, VIRTIO_MMIO_CONFIG_GENERATION));
	EXPECT_EQ(0x657a6973, reg_read(dev, VIRTIO_MMIO_CONFIG));
	EXPECT_EQ(0x21214749, reg_read(dev, VIRTIO_MMIO_CONFIG + 4));
	EXPECT_EQ(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG,
		  reg_read(dev, VIRTIO_MMIO_INTERRUPT_STATUS));
	/* The driver can't write it. */
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_CONFIG, 0));
	EXPECT_EQ(0x657a6973, reg_read(dev, VIRTIO_MMIO_CONFIG));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
}

/* Queues that aren't memory, or across two regions of it, are nobody's. */
TEST_F(external, queues_outside_memory)
{
	struct device *dev = &self->dev;
	struct guest *g = &dev->puppet.guest;
	const uint64_t edge = GUEST_MEMORY, end = GUEST_MEMORY + 4096;
	struct bulkhead_external_get state;
	char *more = NULL;
	int fd = ram_create(4096, &more);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, mem_add(g->part, edge, 4096, more, fd));
	ASSERT_TRUE(puppet_start(&dev->puppet));
	ASSERT_TRUE(negotiate(dev, 1ULL << VIRTIO_F_VERSION_1));
	EXPECT_FALSE(queue_enable(dev, 0, 16, edge - 128, AVAIL(0), USED(0)));
	EXPECT_FALSE(queue_enable(dev, 0, 16, DESC(0), edge - 2, USED(0)));
	EXPECT_FALSE(queue_enable(dev, 0, 16, DESC(0), AVAIL(0), edge - 4));
	EXPECT_FALSE(queue_enable(dev, 0, 16, end, AVAIL(0), USED(0)));
	EXPECT_FALSE(queue_enable(dev, 0, 16, DESC(0), end - 36, USED(0)));
	EXPECT_FALSE(queue_enable(dev, 0, 16, DESC(0), AVAIL(0), end - 132));
	EXPECT_FALSE(queue_enable(dev, 0, 16, -256ULL, AVAIL(0), USED(0)));
	EXPECT_FALSE(queue_enable(dev, 0, 16, DESC(0), -2ULL, USED(0)));
	EXPECT_FALSE(queue_enable(dev, 0, 16, DESC(0), AVAIL(0), BULKHEAD_VIRTIO_ADDR));
	EXPECT_FALSE(queue_enable(dev, 0, 16, DESC(0) + 8, AVAIL(0), USED(0)));
	EXPECT_FALSE(queue_enable(dev, 0, 15, DESC(0), AVAIL(0), USED(0)));
	EXPECT_FALSE(queue_enable(dev, 0, 2 * QUEUE_MAX, DESC(0), AVAIL(0), USED(0)));
	EXPECT_FALSE(queue_enable(dev, QUEUES, 16, DESC(0), AVAIL(0), USED(0)));
	/* The very last that fits. */
	EXPECT_TRUE(queue_enable(dev, 0, 16, edge - 256, end - 38, edge));
	EXPECT_TRUE(queue_enable(dev, 1, 16, edge, AVAIL(1), end - 136));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, DRIVER_OK));
	ASSERT_EQ(0, get(dev, &state));
	EXPECT_EQ(BULKHEAD_EXTERNAL_READY, state.state);
	EXPECT_EQ((uintptr_t)g->ram + edge - 256, state.queue[0].desc);
	EXPECT_EQ((uintptr_t)more + 4096 - 38, state.queue[0].avail);
	EXPECT_EQ((uintptr_t)more, state.queue[0].used);
	EXPECT_EQ((uintptr_t)more, state.queue[1].desc);
	EXPECT_EQ((uintptr_t)more + 4096 - 136, state.queue[1].used);
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
	munmap(more, 4096);
	close(fd);
}

/* What a driver does to queues that it has handed over changes nothing. */
TEST_F(external, queues_are_fixed)
{
	struct bulkhead_external_get before, after;
	struct device *dev = &self->dev;

	ASSERT_TRUE(puppet_start(&dev->puppet));
	ASSERT_TRUE(drive(dev));
	ASSERT_EQ(0, get(dev, &before));
	EXPECT_FALSE(queue_enable(dev, 1, 16, DESC(1), AVAIL(1), USED(1)));
	queue_enable(dev, 0, 32, DESC(1), AVAIL(1), USED(1));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_QUEUE_READY, 0));
	EXPECT_EQ(1, reg_read(dev, VIRTIO_MMIO_QUEUE_READY));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES, ~0U));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, DRIVER_OK));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE));
	EXPECT_EQ(0, polled(dev, 0));
	ASSERT_EQ(0, get(dev, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
}

TEST_F(external, no_queues)
{
	struct bulkhead_external_get state;
	struct device *dev = &self->dev;
	unsigned int i;

	ASSERT_TRUE(puppet_start(&dev->puppet));
	/* Without features, there is no DRIVER_OK either. */
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, DRIVER_OK));
	EXPECT_EQ(BULKHEAD_EXTERNAL_IDLE, state_of(dev));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, 0));
	ASSERT_TRUE(negotiate(dev, 1ULL << VIRTIO_F_VERSION_1));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, DRIVER_OK));
	ASSERT_EQ(0, get(dev, &state));
	EXPECT_EQ(BULKHEAD_EXTERNAL_READY, state.state);
	for (i = 0; i < BULKHEAD_EXTERNAL_QUEUES_MAX; i++)
		EXPECT_EQ(0, state.queue[i].size);
	ASSERT_TRUE(reset_begin(dev));
	ASSERT_EQ(0, release(dev));
	ASSERT_TRUE(puppet_wait(&dev->puppet));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
}

/* A full eventfd takes no more, and the guest doesn't wait for room. */
TEST_F(external, kick_storm)
{
	struct device *dev = &self->dev;

	ASSERT_TRUE(puppet_start(&dev->puppet));
	ASSERT_TRUE(drive(dev));
	ASSERT_EQ(0, eventfd_write(dev->kicks[0], -2ULL));
	ASSERT_TRUE(puppet_repeat(&dev->puppet, REG(VIRTIO_MMIO_QUEUE_NOTIFY), 0, 5000));
	EXPECT_EQ(~0ULL, count(dev->kicks[0]));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
}

/* A runner as it should be: gives the queues back when it is asked to. */
static void *backend(void *arg)
{
	struct device *dev = arg;
	struct bulkhead_external_get state;
	long resets = 0;

	for (;;) {
		if (polled(dev, -1) & POLLHUP)
			return (void *)resets;
		if (get(dev, &state))
			return (void *)-1L;
		if (state.state != BULKHEAD_EXTERNAL_RESET)
			continue;
		if (release(dev))
			return (void *)-1L;
		resets++;
	}
}

TEST_F(external, reset_storm)
{
	struct device *dev = &self->dev;
	pthread_t thread;
	void *resets;
	int i;

	ASSERT_TRUE(puppet_start(&dev->puppet));
	ASSERT_EQ(0, pthread_create(&thread, NULL, backend, dev));
	for (i = 0; i < 200; i++) {
		ASSERT_TRUE(drive(dev));
		ASSERT_TRUE(puppet_repeat(&dev->puppet, REG(VIRTIO_MMIO_STATUS), 0, 3));
	}
	EXPECT_EQ(0, status(dev));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
	ASSERT_EQ(0, pthread_join(thread, &resets));
	EXPECT_EQ(200, (long)resets);
}

/* A vCPU waits in a reset, and something else ends it. */
FIXTURE(waiting)
{
	struct device dev;
};

FIXTURE_SETUP(waiting)
{
	ASSERT_TRUE(device_create(&self->dev));
	ASSERT_TRUE(puppet_start(&self->dev.puppet));
	ASSERT_TRUE(drive(&self->dev));
	ASSERT_TRUE(reset_begin(&self->dev));
	ASSERT_FALSE(puppet_is_done(&self->dev.puppet));
}

FIXTURE_TEARDOWN(waiting)
{
	device_destroy(&self->dev);
}

TEST_F(waiting, the_partition_stops)
{
	struct device *dev = &self->dev;
	char command[64];

	snprintf(command, sizeof(command), "bulkhead kill %u", dev->puppet.guest.id);
	ASSERT_EQ(0, system(command));
	ASSERT_EQ(0, pthread_join(dev->puppet.thread, NULL));
	EXPECT_EQ(BULKHEAD_REASON_KILLED, dev->puppet.run.reason);
	EXPECT_EQ(POLLHUP, polled(dev, 60000) & POLLHUP);
	/* The device still answers its runner. */
	EXPECT_EQ(BULKHEAD_EXTERNAL_RESET, state_of(dev));
	EXPECT_EQ(0, release(dev));
}

TEST_F(waiting, the_descriptor_is_closed)
{
	struct device *dev = &self->dev;

	ASSERT_EQ(0, close(dev->fd));
	dev->fd = -1;
	ASSERT_TRUE(puppet_wait(&dev->puppet));
	EXPECT_EQ(0, status(dev));
	ASSERT_TRUE(drive(dev));
	EXPECT_EQ(DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET, status(dev));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, 0));
	EXPECT_EQ(0, status(dev));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
}

/* The runner is killed while its vCPU waits for it. */
TEST(killed_runner)
{
	struct device dev;
	int pipes[2], wstatus;
	__u32 id = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		if (!device_create(&dev) || !puppet_start(&dev.puppet) || !drive(&dev) ||
		    !reset_begin(&dev) ||
		    write(pipes[1], &dev.puppet.guest.id, sizeof(id)) != sizeof(id))
			_exit(1);
		pause();
	}
	close(pipes[1]);
	ASSERT_EQ(sizeof(id), read(pipes[0], &id, sizeof(id)));
	EXPECT_FALSE(is_gone(id));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &wstatus, 0));
	EXPECT_TRUE(WIFSIGNALED(wstatus));
	EXPECT_TRUE(WITHIN_DEADLINE(is_gone(id)));
	close(pipes[0]);
}

/* Of the runner's descriptors, whichever is the last keeps the partition; with it all is gone. */
TEST(every_order_of_close)
{
	unsigned int n;

	for (n = 0; n < 24 * 2; n++) {
		struct device dev;
		struct guest *g = &dev.puppet.guest;
		int *fds[] = { &g->part, &g->vcpu, &g->console, &dev.fd };
		unsigned int left, k = n / 2, i;

		ASSERT_TRUE(device_create(&dev));
		close(g->agent);
		g->agent = -1;
		if (n % 2) {
			ASSERT_TRUE(puppet_start(&dev.puppet));
			ASSERT_TRUE(drive(&dev));
			ASSERT_TRUE(puppet_poweroff(&dev.puppet));
		}
		for (left = ARRAY_SIZE(fds); left; left--) {
			EXPECT_FALSE(is_gone(g->id));
			i = k % left;
			k /= left;
			close(*fds[i]);
			*fds[i] = -1;
			fds[i] = fds[left - 1];
		}
		EXPECT_TRUE(is_gone(g->id));
		device_destroy(&dev);
	}
}

TEST_HARNESS_MAIN
