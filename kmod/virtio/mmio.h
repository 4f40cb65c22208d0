/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtio transport over MMIO. */
#ifndef BULKHEAD_VIRTIO_MMIO_H
#define BULKHEAD_VIRTIO_MMIO_H

#include <linux/types.h>

struct bulkhead_virtio_slot;

void bulkhead_virtio_mmio_read(struct bulkhead_virtio_slot *slot, u32 offset, u8 *data,
			       unsigned int len);
void bulkhead_virtio_mmio_write(struct bulkhead_virtio_slot *slot, u32 offset, const u8 *data,
				unsigned int len);

#endif
