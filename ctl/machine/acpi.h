/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables that tell a guest what its machine is made of, see linux/bulkhead_machine.h. */
#ifndef BULKHEAD_ACPI_H
#define BULKHEAD_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "machine/memory.h"

/* Where PCs have them, outside of what the guest is told is RAM. The root pointer comes first. */
#define ACPI_ADDR	0xe0000ULL
#define ACPI_BYTES	0x20000ULL

/*
 * Writes the tables of a machine with @vcpus vCPUs and @devices virtio devices into @room bytes at
 * @to, which the guest has at @addr. Returns their length, or 0 if they don't fit.
 */
size_t acpi_write(void *to, size_t room, uint64_t addr, unsigned int vcpus, unsigned int devices);

/* Puts them at ACPI_ADDR. */
int acpi_setup(const struct memory *memory, unsigned int vcpus, unsigned int devices);

#endif
