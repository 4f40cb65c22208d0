// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buses of a partition: which device answers an access. Devices on ports are 8 bits wide; as
 * on an ISA bus, a wider access becomes one for each byte. Where no memory is, there is a
 * window for each virtio device.
 */
#include <linux/string.h>

#include "bulkhead.h"
#include "virtio/mmio.h"

/**
 * bulkhead_bus_ports_add - put a device on ports
 * @part: the partition; not running yet, and locked or not yet published
 * @first: first port
 * @count: number of ports, not zero
 * @ops: the device's operations
 * @dev: their argument
 *
 * Return: 0, -EEXIST if another device has one of the ports, -ENOSPC if there are too many devices.
 */
int bulkhead_bus_ports_add(struct bulkhead_part *part, u32 first, u32 count,
			   const struct bulkhead_port_ops *ops, void *dev)
{
	unsigned int i;

	for (i = 0; i < part->nr_ports; i++)
		if (bulkhead_region_overlaps((struct bulkhead_region){ first, count },
					     (struct bulkhead_region){ part->ports[i].first,
								       part->ports[i].count }))
			return -EEXIST;
	if (part->nr_ports == ARRAY_SIZE(part->ports))
		return -ENOSPC;
	part->ports[part->nr_ports++] = (struct bulkhead_ports){ first, count, ops, dev };
	return 0;
}

/**
 * bulkhead_bus_ports_remove - take a device off its ports
 * @part: the partition; not running yet, and locked
 * @dev: argument of the device's operations
 */
void bulkhead_bus_ports_remove(struct bulkhead_part *part, void *dev)
{
	unsigned int i;

	for (i = 0; i < part->nr_ports; i++)
		if (part->ports[i].dev == dev)
			part->ports[i] = part->ports[--part->nr_ports];
}

static const struct bulkhead_ports *ports_at(const struct bulkhead_part *part, u32 port)
{
	unsigned int i;

	for (i = 0; i < part->nr_ports; i++)
		if (port - part->ports[i].first < part->ports[i].count)
			return &part->ports[i];
	return NULL;
}

/**
 * bulkhead_bus_port_read - answer a read from ports
 * @part: the partition
 * @port: first port
 * @data: what is read; all ones where no device answers
 * @len: bytes
 */
void bulkhead_bus_port_read(struct bulkhead_part *part, u32 port, u8 *data, unsigned int len)
{
	const struct bulkhead_ports *ports;
	bool claimed = false;
	unsigned int i;

	for (i = 0; i < len; i++) {
		ports = ports_at(part, port + i);
		data[i] = ports ? ports->ops->read(ports->dev, port + i - ports->first) : 0xff;
		claimed |= !!ports;
	}
	if (!claimed)
		atomic64_inc(&part->unclaimed);
}

/**
 * bulkhead_bus_port_write - answer a write to ports
 * @part: the partition
 * @port: first port
 * @data: what is written; ignored where no device answers
 * @len: bytes
 */
void bulkhead_bus_port_write(struct bulkhead_part *part, u32 port, const u8 *data,
			     unsigned int len)
{
	const struct bulkhead_ports *ports;
	bool claimed = false;
	unsigned int i;

	for (i = 0; i < len; i++) {
		ports = ports_at(part, port + i);
		if (ports)
			ports->ops->write(ports->dev, port + i - ports->first, data[i]);
		claimed |= !!ports;
	}
	if (!claimed)
		atomic64_inc(&part->unclaimed);
}

/* The device whose window holds the whole access, and where in it, or NULL. */
static struct bulkhead_virtio_slot *virtio_at(struct bulkhead_part *part, u64 addr,
					      unsigned int len, u32 *offset)
{
	u64 n = (addr - BULKHEAD_VIRTIO_ADDR) / BULKHEAD_VIRTIO_BYTES;

	*offset = (addr - BULKHEAD_VIRTIO_ADDR) % BULKHEAD_VIRTIO_BYTES;
	if (addr < BULKHEAD_VIRTIO_ADDR || n >= part->nr_virtio ||
	    *offset + len > BULKHEAD_VIRTIO_BYTES)
		return NULL;
	return &part->virtio[n];
}

/**
 * bulkhead_bus_mem_read - answer a read where no memory is
 * @part: the partition
 * @addr: guest physical address
 * @data: what is read; all ones where no device answers
 * @len: bytes
 */
void bulkhead_bus_mem_read(struct bulkhead_part *part, u64 addr, u8 *data, unsigned int len)
{
	struct bulkhead_virtio_slot *slot;
	u32 offset;

	slot = virtio_at(part, addr, len, &offset);
	if (slot) {
		bulkhead_virtio_mmio_read(slot, offset, data, len);
		return;
	}
	memset(data, 0xff, len);
	atomic64_inc(&part->unclaimed);
}

/**
 * bulkhead_bus_mem_write - answer a write where no memory is
 * @part: the partition
 * @addr: guest physical address
 * @data: what is written; ignored where no device answers
 * @len: bytes
 */
void bulkhead_bus_mem_write(struct bulkhead_part *part, u64 addr, const u8 *data, unsigned int len)
{
	struct bulkhead_virtio_slot *slot;
	u32 offset;

	slot = virtio_at(part, addr, len, &offset);
	if (slot) {
		bulkhead_virtio_mmio_write(slot, offset, data, len);
		return;
	}
	atomic64_inc(&part->unclaimed);
}
