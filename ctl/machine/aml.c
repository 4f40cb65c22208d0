// SPDX-License-Identifier: GPL-2.0-only
#include "machine/aml.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME_OP		0x08
#define BYTE_PREFIX	0x0a
#define WORD_PREFIX	0x0b
#define DWORD_PREFIX	0x0c
#define STRING_PREFIX	0x0d
#define QWORD_PREFIX	0x0e
#define SCOPE_OP	0x10
#define BUFFER_OP	0x11
#define PACKAGE_OP	0x12
#define METHOD_OP	0x14
#define EXT_PREFIX	0x5b
#define REGION_OP	0x80
#define FIELD_OP	0x81
#define DEVICE_OP	0x82
#define IF_OP		0xa0

#define SYSTEM_IO	0x01
#define PATH_LENGTH	4

/* Descriptors, with the lengths of what follows. */
#define PORTS_TAG	0x47
#define END_TAG		0x79
#define MEMORY_TAG	0x86
#define INTERRUPT_TAG	0x89
#define DECODE_16	0x01
#define READ_WRITE	0x01
#define CONSUMER_EDGE	0x03

void aml_bytes(struct aml *aml, const void *data, size_t length)
{
	if (aml->full || length > aml->room - aml->length) {
		aml->full = true;
		return;
	}
	memcpy(aml->to + aml->length, data, length);
	aml->length += length;
}

void aml_byte(struct aml *aml, uint8_t byte)
{
	aml_bytes(aml, &byte, sizeof(byte));
}

void aml_path(struct aml *aml, const char *path)
{
	assert(strlen(path) == PATH_LENGTH);
	aml_bytes(aml, path, PATH_LENGTH);
}

void aml_integer(struct aml *aml, uint64_t value)
{
	static const uint8_t prefixes[] = { BYTE_PREFIX, WORD_PREFIX, DWORD_PREFIX, QWORD_PREFIX };
	unsigned int size = 0;

	/* Zero and one have an opcode each, their own value. */
	if (value > 1) {
		while (size < 3 && value >> (8 << size))
			size++;
		aml_byte(aml, prefixes[size]);
	}
	for (unsigned int i = 0; i < 1U << size; i++)
		aml_byte(aml, value >> 8 * i);
}

void aml_string(struct aml *aml, const char *text)
{
	aml_byte(aml, STRING_PREFIX);
	aml_bytes(aml, text, strlen(text) + 1);
}

/* Three letters of five bits each, then four hexadecimal digits, the highest byte first. */
void aml_eisa_id(struct aml *aml, const char *id)
{
	uint16_t letters = (id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@');
	uint16_t digits = strtoul(id + 3, NULL, 16);
	const uint8_t bytes[] = { letters >> 8, letters, digits >> 8, digits };

	aml_byte(aml, DWORD_PREFIX);
	aml_bytes(aml, bytes, sizeof(bytes));
}

void aml_name(struct aml *aml, const char *path)
{
	aml_byte(aml, NAME_OP);
	aml_path(aml, path);
}

static size_t open_term(struct aml *aml, uint8_t op)
{
	aml_byte(aml, op);
	return aml->length;
}

static size_t open_extended(struct aml *aml, uint8_t op)
{
	aml_byte(aml, EXT_PREFIX);
	return open_term(aml, op);
}

size_t aml_open_scope(struct aml *aml, const char *path)
{
	size_t start = open_term(aml, SCOPE_OP);

	aml_path(aml, path);
	return start;
}

size_t aml_open_device(struct aml *aml, const char *path)
{
	size_t start = open_extended(aml, DEVICE_OP);

	aml_path(aml, path);
	return start;
}

size_t aml_open_package(struct aml *aml, uint8_t n)
{
	size_t start = open_term(aml, PACKAGE_OP);

	aml_byte(aml, n);
	return start;
}

size_t aml_open_method(struct aml *aml, const char *path, uint8_t flags)
{
	size_t start = open_term(aml, METHOD_OP);

	aml_path(aml, path);
	aml_byte(aml, flags);
	return start;
}

size_t aml_open_field(struct aml *aml, const char *region, uint8_t flags)
{
	size_t start = open_extended(aml, FIELD_OP);

	aml_path(aml, region);
	aml_byte(aml, flags);
	return start;
}

size_t aml_open_if(struct aml *aml)
{
	return open_term(aml, IF_OP);
}

/* Puts the term's length, which counts itself, before what was written since @start. */
void aml_close(struct aml *aml, size_t start)
{
	size_t length = aml->length - start;
	unsigned int extra = 0;
	uint8_t bytes[4];

	/* One byte holds six bits; else the first holds four, and says how many bytes follow. */
	if (length + 1 >= 1 << 6)
		for (extra = 1; (length + 1 + extra) >> (4 + 8 * extra); extra++)
			;
	length += 1 + extra;
	bytes[0] = extra ? extra << 6 | (length & 0xf) : length;
	for (unsigned int i = 1; i <= extra; i++)
		bytes[i] = length >> (8 * i - 4);

	if (aml->full || 1 + extra > aml->room - aml->length) {
		aml->full = true;
		return;
	}
	memmove(aml->to + start + 1 + extra, aml->to + start, aml->length - start);
	memcpy(aml->to + start, bytes, 1 + extra);
	aml->length += 1 + extra;
}

void aml_field_byte(struct aml *aml, const char *name)
{
	aml_path(aml, name);
	aml_byte(aml, 8);
}

void aml_port_region(struct aml *aml, const char *path, uint16_t port, uint8_t count)
{
	aml_byte(aml, EXT_PREFIX);
	aml_byte(aml, REGION_OP);
	aml_path(aml, path);
	aml_byte(aml, SYSTEM_IO);
	aml_integer(aml, port);
	aml_integer(aml, count);
}

static void add(struct aml_resources *resources, const void *data, size_t length)
{
	assert(length <= sizeof(resources->data) - resources->length);
	memcpy(resources->data + resources->length, data, length);
	resources->length += length;
}

void aml_add_ports(struct aml_resources *resources, uint16_t first, uint8_t count)
{
	const uint8_t bytes[] = {
		PORTS_TAG, DECODE_16, first, first >> 8, first, first >> 8, 1, count,
	};

	add(resources, bytes, sizeof(bytes));
}

void aml_add_memory(struct aml_resources *resources, uint32_t addr, uint32_t bytes)
{
	const uint8_t head[] = { MEMORY_TAG, 1 + sizeof(addr) + sizeof(bytes), 0, READ_WRITE };

	add(resources, head, sizeof(head));
	add(resources, &addr, sizeof(addr));
	add(resources, &bytes, sizeof(bytes));
}

void aml_add_interrupt(struct aml_resources *resources, uint32_t pin)
{
	const uint8_t head[] = { INTERRUPT_TAG, 2 + sizeof(pin), 0, CONSUMER_EDGE, 1 };

	add(resources, head, sizeof(head));
	add(resources, &pin, sizeof(pin));
}

void aml_resources(struct aml *aml, struct aml_resources *resources)
{
	const uint8_t end[] = { END_TAG, 0 };
	size_t start;

	add(resources, end, sizeof(end));
	aml_name(aml, "_CRS");
	start = open_term(aml, BUFFER_OP);
	aml_integer(aml, resources->length);
	aml_bytes(aml, resources->data, resources->length);
	aml_close(aml, start);
}
