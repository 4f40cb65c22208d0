// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtio transport over MMIO, version 2: virtio 1.2, section 4.2.
 *
 * Registers are 32 bits wide and aligned; configuration, from 0x100 on, is accessed with any width.
 * Another access reads all ones, writes nothing, and counts as the device's error.
 */
#include <linux/string.h>
#include <linux/unaligned.h>
#include <uapi/linux/virtio_mmio.h>

#include "device.h"
#include "mmio.h"

#define MAGIC		0x74726976	/* "virt" */
#define VERSION		2
#define VENDOR		0x4b484c42	/* "BLHK" */

static u32 half(u64 value, u32 sel)
{
	return sel > 1 ? 0 : value >> (sel * 32);
}

static int features_write(struct bulkhead_virtio_slot *slot, u32 value)
{
	u32 sel = slot->driver_features_sel;

	if (sel > 1)
		return value ? -EINVAL : 0;
	return bulkhead_virtio_features_write(slot->dev, 0xffffffffULL << (sel * 32),
					      (u64)value << (sel * 32));
}

static bool queue_is_ready(struct bulkhead_virtio *dev, u32 index)
{
	guard(mutex)(&dev->queues[index].lock);
	return dev->queues[index].ready;
}

/* Registers of the set-up, and of the queue that is selected. */
static int setup_read(struct bulkhead_virtio_slot *slot, u32 reg, u32 *value)
{
	struct bulkhead_virtio *dev = slot->dev;
	bool exists;

	guard(mutex)(&dev->lock);
	exists = slot->queue_sel < dev->nr_queues;
	switch (reg) {
	case VIRTIO_MMIO_DEVICE_FEATURES:
		*value = half(dev->features, slot->device_features_sel);
		return 0;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		*value = exists ? dev->queue_max : 0;
		return 0;
	case VIRTIO_MMIO_QUEUE_READY:
		*value = exists && queue_is_ready(dev, slot->queue_sel);
		return 0;
	default:
		return -EINVAL;
	}
}

static int reg_read(struct bulkhead_virtio_slot *slot, u32 reg, u32 *value)
{
	struct bulkhead_virtio *dev = slot->dev;

	switch (reg) {
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		*value = bulkhead_virtio_interrupts(dev);
		return 0;
	case VIRTIO_MMIO_STATUS:
		*value = bulkhead_virtio_status(dev);
		return 0;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		*value = READ_ONCE(dev->generation);
		return 0;
	case VIRTIO_MMIO_MAGIC_VALUE:
		*value = MAGIC;
		return 0;
	case VIRTIO_MMIO_VERSION:
		*value = VERSION;
		return 0;
	case VIRTIO_MMIO_DEVICE_ID:
		*value = dev->ops->id;
		return 0;
	case VIRTIO_MMIO_VENDOR_ID:
		*value = VENDOR;
		return 0;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		/* No region of shared memory: a length of all ones. */
		*value = ~0;
		return 0;
	default:
		return setup_read(slot, reg, value);
	}
}

static void low_write(u64 *field, u32 value)
{
	*field = (*field & ~0xffffffffULL) | value;
}

static void high_write(u64 *field, u32 value)
{
	*field = (*field & 0xffffffffULL) | (u64)value << 32;
}

/* Of the queue that is selected; what is wrong shows when it is enabled. */
static int queue_write(struct bulkhead_virtio_slot *slot, u32 reg, u32 value)
{
	struct bulkhead_virtio *dev = slot->dev;
	struct bulkhead_virtio_setup *setup;

	lockdep_assert_held(&dev->lock);

	if (slot->queue_sel >= dev->nr_queues)
		return -EINVAL;
	setup = &dev->setup[slot->queue_sel];
	switch (reg) {
	case VIRTIO_MMIO_QUEUE_NUM:
		setup->size = value;
		return 0;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		low_write(&setup->desc, value);
		return 0;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		high_write(&setup->desc, value);
		return 0;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		low_write(&setup->avail, value);
		return 0;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		high_write(&setup->avail, value);
		return 0;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		low_write(&setup->used, value);
		return 0;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		high_write(&setup->used, value);
		return 0;
	case VIRTIO_MMIO_QUEUE_READY:
		if (value)
			return bulkhead_virtio_queue_enable(dev, slot->queue_sel);
		return bulkhead_virtio_queue_disable(dev, slot->queue_sel);
	default:
		return -EINVAL;
	}
}

static int setup_write(struct bulkhead_virtio_slot *slot, u32 reg, u32 value)
{
	guard(mutex)(&slot->dev->lock);
	switch (reg) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		slot->device_features_sel = value;
		return 0;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		slot->driver_features_sel = value;
		return 0;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		return features_write(slot, value);
	case VIRTIO_MMIO_QUEUE_SEL:
		slot->queue_sel = value;
		return 0;
	case VIRTIO_MMIO_SHM_SEL:
		return 0;
	default:
		return queue_write(slot, reg, value);
	}
}

static int reg_write(struct bulkhead_virtio_slot *slot, u32 reg, u32 value)
{
	struct bulkhead_virtio *dev = slot->dev;

	switch (reg) {
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		bulkhead_virtio_kick(dev, value);
		return 0;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		atomic_andnot(value, &dev->interrupts);
		return 0;
	case VIRTIO_MMIO_STATUS:
		/* Zero resets: what is more than 8 bits must not become it. */
		if (value > U8_MAX)
			return -EINVAL;
		bulkhead_virtio_status_write(dev, value);
		return 0;
	default:
		return setup_write(slot, reg, value);
	}
}

static bool is_reg(u32 offset, unsigned int len)
{
	return offset < VIRTIO_MMIO_CONFIG && len == sizeof(u32) && !(offset % sizeof(u32));
}

/**
 * bulkhead_virtio_mmio_read - answer a read from a device's window
 * @slot: the device
 * @offset: in the window
 * @data: what is read
 * @len: bytes
 *
 * Context: a vCPU's thread.
 */
void bulkhead_virtio_mmio_read(struct bulkhead_virtio_slot *slot, u32 offset, u8 *data,
			       unsigned int len)
{
	int ret = -EINVAL;
	u32 value;

	if (is_reg(offset, len)) {
		ret = reg_read(slot, offset, &value);
		put_unaligned_le32(value, data);
	} else if (offset >= VIRTIO_MMIO_CONFIG) {
		ret = bulkhead_virtio_config_read(slot->dev, offset - VIRTIO_MMIO_CONFIG, data,
						  len);
	}
	if (ret) {
		memset(data, 0xff, len);
		atomic64_inc(&slot->dev->count.errors);
	}
}

/**
 * bulkhead_virtio_mmio_write - answer a write to a device's window
 * @slot: the device
 * @offset: in the window
 * @data: what is written
 * @len: bytes
 *
 * Context: a vCPU's thread.
 */
void bulkhead_virtio_mmio_write(struct bulkhead_virtio_slot *slot, u32 offset, const u8 *data,
				unsigned int len)
{
	int ret = -EINVAL;

	if (is_reg(offset, len))
		ret = reg_write(slot, offset, get_unaligned_le32(data));
	else if (offset >= VIRTIO_MMIO_CONFIG)
		ret = bulkhead_virtio_config_write(slot->dev, offset - VIRTIO_MMIO_CONFIG, data,
						   len);
	if (ret)
		atomic64_inc(&slot->dev->count.errors);
}
