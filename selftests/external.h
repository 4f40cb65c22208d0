/* SPDX-License-Identifier: GPL-2.0-only */
/* A partition with an external device, and what its driver, its runner and its backend do. */
#ifndef SELFTESTS_EXTERNAL_H
#define SELFTESTS_EXTERNAL_H

#include <poll.h>

#include "puppet.h"

#define QUEUES		3
#define QUEUE_MAX	256
#define DEVICE_ID	19
#define CONFIG		"config.."
#define OFFERED		(1ULL << VIRTIO_F_VERSION_1 | 1ULL << 28 | 1ULL << 1 | 1ULL << 50)

/* Where the guest has queue @n: each part on a page of its own. */
#define RINGS(n)	(0x100000 + (n) * 0x10000U)
#define DESC(n)		(RINGS(n))
#define AVAIL(n)	(RINGS(n) + 0x8000)
#define USED(n)		(RINGS(n) + 0xa000)

#define REG(reg)	(BULKHEAD_VIRTIO_ADDR + (reg))
#define DRIVER_OK	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

#define FAILS(want, call) do { \
	errno = 0; \
	EXPECT_EQ(-1, (call)); \
	EXPECT_EQ(want, errno); \
} while (0)

struct device {
	struct puppet puppet;
	int fd;
	int irq;
	int kicks[BULKHEAD_EXTERNAL_QUEUES_MAX];
};

static inline struct bulkhead_external_create create_args(struct device *dev)
{
	return (struct bulkhead_external_create){
		.size = sizeof(struct bulkhead_external_create),
		.irq_fd = dev->irq,
		.device = DEVICE_ID,
		.queues = QUEUES,
		.queue_max = QUEUE_MAX,
		.features = OFFERED,
		.config = (uintptr_t)CONFIG,
		.config_bytes = 8,
		.kick_fds = (uintptr_t)dev->kicks,
	};
}

/* A partition that isn't running yet, with an external device. */
static inline bool device_create(struct device *dev)
{
	struct bulkhead_external_create args;
	unsigned int i;

	if (!puppet_create(&dev->puppet, "external"))
		return false;
	dev->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (i = 0; i < BULKHEAD_EXTERNAL_QUEUES_MAX; i++)
		dev->kicks[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	args = create_args(dev);
	dev->fd = ioctl(dev->puppet.guest.part, BULKHEAD_EXTERNAL_CREATE, &args);
	return dev->fd >= 0;
}

static inline void device_destroy(struct device *dev)
{
	unsigned int i;

	close(dev->fd);
	close(dev->irq);
	for (i = 0; i < BULKHEAD_EXTERNAL_QUEUES_MAX; i++)
		close(dev->kicks[i]);
	guest_destroy(&dev->puppet.guest);
}

static inline bool reg_write(struct device *dev, uint32_t reg, uint32_t value)
{
	return puppet_write(&dev->puppet, REG(reg), value);
}

static inline uint32_t reg_read(struct device *dev, uint32_t reg)
{
	return puppet_read(&dev->puppet, REG(reg));
}

static inline uint32_t status(struct device *dev)
{
	return reg_read(dev, VIRTIO_MMIO_STATUS);
}

/* Whether the device has enabled the queue. */
static inline bool queue_enable(struct device *dev, unsigned int n, uint32_t size, uint64_t desc,
				uint64_t avail, uint64_t used)
{
	return reg_write(dev, VIRTIO_MMIO_QUEUE_SEL, n) &&
	       reg_write(dev, VIRTIO_MMIO_QUEUE_NUM, size) &&
	       reg_write(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, desc) &&
	       reg_write(dev, VIRTIO_MMIO_QUEUE_DESC_HIGH, desc >> 32) &&
	       reg_write(dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, avail) &&
	       reg_write(dev, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, avail >> 32) &&
	       reg_write(dev, VIRTIO_MMIO_QUEUE_USED_LOW, used) &&
	       reg_write(dev, VIRTIO_MMIO_QUEUE_USED_HIGH, used >> 32) &&
	       reg_write(dev, VIRTIO_MMIO_QUEUE_READY, 1) &&
	       reg_read(dev, VIRTIO_MMIO_QUEUE_READY) == 1;
}

/* Virtio 1.2, 3.1.1, up to where queues are set up. */
static inline bool negotiate(struct device *dev, uint64_t features)
{
	return reg_write(dev, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE) &&
	       reg_write(dev, VIRTIO_MMIO_STATUS, 3) &&
	       reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0) &&
	       reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES, features) &&
	       reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1) &&
	       reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32) &&
	       reg_write(dev, VIRTIO_MMIO_STATUS, 3 | VIRTIO_CONFIG_S_FEATURES_OK) &&
	       status(dev) == (3 | VIRTIO_CONFIG_S_FEATURES_OK);
}

/* A driver that uses queues 0 and 2. */
static inline bool drive(struct device *dev)
{
	return negotiate(dev, 1ULL << VIRTIO_F_VERSION_1 | 1 << 1) &&
	       queue_enable(dev, 0, 16, DESC(0), AVAIL(0), USED(0)) &&
	       queue_enable(dev, 2, QUEUE_MAX, DESC(2), AVAIL(2), USED(2)) &&
	       reg_write(dev, VIRTIO_MMIO_STATUS, DRIVER_OK);
}

static inline int get(struct device *dev, struct bulkhead_external_get *state)
{
	*state = (struct bulkhead_external_get){ .size = sizeof(*state) };
	return ioctl(dev->fd, BULKHEAD_EXTERNAL_GET, state);
}

static inline int state_of(struct device *dev)
{
	struct bulkhead_external_get state;

	return get(dev, &state) ? -1 : (int)state.state;
}

static inline int release(struct device *dev)
{
	struct bulkhead_external_release args = { .size = sizeof(args) };

	return ioctl(dev->fd, BULKHEAD_EXTERNAL_RELEASE, &args);
}

static inline int backend_fail(struct device *dev)
{
	struct bulkhead_external_fail args = { .size = sizeof(args) };

	return ioctl(dev->fd, BULKHEAD_EXTERNAL_FAIL, &args);
}

/* It can't go on, but another has taken its place. */
static inline int backend_replace(struct device *dev)
{
	struct bulkhead_external_fail args = {
		.size = sizeof(args),
		.flags = BULKHEAD_EXTERNAL_FAIL_REPLACED,
	};

	return ioctl(dev->fd, BULKHEAD_EXTERNAL_FAIL, &args);
}

static inline int config_set(struct device *dev, uint32_t offset, uint32_t bytes, const void *data)
{
	struct bulkhead_external_config_set args = {
		.size = sizeof(args), .offset = offset, .bytes = bytes, .data = (uintptr_t)data,
	};

	return ioctl(dev->fd, BULKHEAD_EXTERNAL_CONFIG_SET, &args);
}

/* What poll() says, after at most @timeout milliseconds. */
static inline int polled(struct device *dev, int timeout)
{
	struct pollfd fd = { .fd = dev->fd, .events = POLLIN };

	return poll(&fd, 1, timeout) < 0 ? -1 : fd.revents;
}

static inline uint64_t count(int eventfd)
{
	uint64_t n = 0;

	return read(eventfd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* Lets the driver begin a reset, and waits until the runner hears of it. */
static inline bool reset_begin(struct device *dev)
{
	int state;

	puppet_order(&dev->puppet, PUPPET_WRITE, REG(VIRTIO_MMIO_STATUS), 0, 1);
	/* That the driver was ready may be news still. */
	do {
		if (polled(dev, 60000) != POLLIN)
			return false;
		state = state_of(dev);
	} while (state == BULKHEAD_EXTERNAL_READY);
	return state == BULKHEAD_EXTERNAL_RESET;
}

#endif
