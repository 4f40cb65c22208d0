/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes AML, the bytecode of ACPI tables: ACPI 6.5, section 20.2. A path is one name, of four
 * letters, in the scope that is open.
 */
#ifndef BULKHEAD_AML_H
#define BULKHEAD_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What doesn't fit isn't written, and sets @full. */
struct aml {
	uint8_t *to;
	size_t room;
	size_t length;
	bool full;
};

void aml_bytes(struct aml *aml, const void *data, size_t length);
void aml_byte(struct aml *aml, uint8_t byte);
void aml_path(struct aml *aml, const char *path);
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);

/* An id such as "PNP0501", as the integer that EisaId() makes of it. */
void aml_eisa_id(struct aml *aml, const char *id);

/* Name (path, value); the value follows. */
void aml_name(struct aml *aml, const char *path);

/*
 * Begin a term of variable length, and end it. What aml_open_*() returns is for aml_close(); terms
 * are closed in the reverse order. What is within a method, but for its If, is given as bytes.
 */
size_t aml_open_scope(struct aml *aml, const char *path);
size_t aml_open_device(struct aml *aml, const char *path);
size_t aml_open_package(struct aml *aml, uint8_t n);
size_t aml_open_method(struct aml *aml, const char *path, uint8_t flags);
size_t aml_open_field(struct aml *aml, const char *region, uint8_t flags);
size_t aml_open_if(struct aml *aml);
void aml_close(struct aml *aml, size_t start);

/* A field of 8 bits. */
void aml_field_byte(struct aml *aml, const char *name);

/* OperationRegion (path, SystemIO, port, count) */
void aml_port_region(struct aml *aml, const char *path, uint16_t port, uint8_t count);

/* What a device uses: ACPI 6.5, section 6.4. */
struct aml_resources {
	uint8_t data[64];
	size_t length;
};

void aml_add_ports(struct aml_resources *resources, uint16_t first, uint8_t count);
void aml_add_memory(struct aml_resources *resources, uint32_t addr, uint32_t bytes);

/* An edge-triggered interrupt, active high, not shared. */
void aml_add_interrupt(struct aml_resources *resources, uint32_t pin);

/* Name (_CRS, ResourceTemplate ...) */
void aml_resources(struct aml *aml, struct aml_resources *resources);

#endif
