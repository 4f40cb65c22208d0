/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctls of linux/bulkhead.h, with errors put in words. */
#ifndef BULKHEAD_PARTITION_H
#define BULKHEAD_PARTITION_H

#include <linux/bulkhead.h>
#include <linux/bulkhead_machine.h>
#include <stdint.h>

#include "machine/boot.h"
#include "machine/disk.h"
#include "machine/memory.h"

/* Each returns a descriptor, or -1 with an error. */
int partition_open_device(void);
int partition_create(int device, const char *name, unsigned int vcpus, uint32_t *id);
int partition_create_vcpu(int partition, unsigned int index, const struct boot *boot);
int partition_create_uart(int partition, enum bulkhead_uart_role uart);
int partition_open_console(uint32_t id);

/* Gives it an open disk. */
int partition_create_disk(int partition, const struct disk *disk, unsigned int queues);

/* Virtio devices that every partition has. */
int partition_create_rng(int partition);
int partition_create_balloon(int partition);

/* Adds a console device to the console's UART. */
int partition_create_hvc(int partition);

/* Gives it a power button. */
int partition_create_button(int partition);

int partition_add_memory(int partition, const struct memory *memory);

/* Checks what a name may look like. */
int partition_check_name(const char *name);

#endif
