// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables of all machines there may be: well-formed, and what Debian's ACPI compiler makes
 * of them. Needs no VM, but iasl.
 */
#include "../ctl/machine/acpi.c"
#include "../ctl/machine/aml.c"
#include "../ctl/base/error.c"
#include "../ctl/machine/memory.c"
#include "../ctl/base/size.c"
#include "kselftest_harness.h"

#include <linux/bulkhead.h>
#include <stdlib.h>

static char tables[ACPI_BYTES] __attribute__((aligned(8)));

static __u8 sum(const void *data, size_t length)
{
	return -checksum(data, length);
}

/* The table with @signature, if the root leads to it and its checksum is right. */
static const struct header *find(const char *signature)
{
	const struct rsdp *rsdp = (const void *)tables;
	const struct xsdt *xsdt;
	const struct header *found = NULL;
	size_t i;

	if (memcmp(rsdp->signature, "RSD PTR ", 8) || sum(rsdp, 20) || sum(rsdp, sizeof(*rsdp)) ||
	    rsdp->xsdt < ACPI_ADDR || rsdp->xsdt >= ACPI_ADDR + ACPI_BYTES)
		return NULL;
	xsdt = (const void *)(tables + (rsdp->xsdt - ACPI_ADDR));
	if (xsdt->header.length != sizeof(*xsdt) || sum(xsdt, sizeof(*xsdt)))
		return NULL;
	for (i = 0; i < 2; i++) {
		const struct header *table = (void *)(tables + (xsdt->tables[i] - ACPI_ADDR));

		if (!memcmp(table->signature, signature, 4))
			found = table;
		if (!memcmp(signature, "DSDT", 4) && !memcmp(table->signature, "FACP", 4))
			found = (void *)(tables + (((struct fadt *)table)->x_dsdt - ACPI_ADDR));
	}
	return found && !sum(found, found->length) ? found : NULL;
}

static unsigned int count(const struct header *table, const char *text)
{
	const char *at = (const char *)table, *end = at + table->length;
	unsigned int n = 0;

	while ((at = memmem(at, end - at, text, strlen(text)))) {
		at++;
		n++;
	}
	return n;
}

TEST(all_machines)
{
	unsigned int vcpus, devices;

	for (vcpus = 1; vcpus <= BULKHEAD_VCPUS_MAX; vcpus++)
		for (devices = 0; devices <= BULKHEAD_VIRTIO_MAX; devices++) {
			const struct header *madt, *dsdt;

			memset(tables, 0xa5, sizeof(tables));
			ASSERT_NE(0, acpi_write(tables, sizeof(tables), ACPI_ADDR, vcpus, devices));
			ASSERT_NE(NULL, find("FACP"));
			madt = find("APIC");
			ASSERT_NE(NULL, madt);
			EXPECT_EQ(44 + 8 * vcpus + 12, madt->length);
			dsdt = find("DSDT");
			ASSERT_NE(NULL, dsdt);
			EXPECT_EQ(devices, count(dsdt, "LNRO0005"));
			EXPECT_EQ(2, count(dsdt, "PNP0501") + count(dsdt, "\x41\xd0\x05\x01"));
		}
}

/* All lengths of room up to the one that is needed: nothing is written behind it. */
TEST(room)
{
	size_t needed = acpi_write(tables, sizeof(tables), ACPI_ADDR, 64, 16);
	size_t room;

	ASSERT_NE(0, needed);
	for (room = sizeof(struct rsdp); room < needed; room++) {
		char *to = malloc(room);

		EXPECT_EQ(0, acpi_write(to, room, ACPI_ADDR, 64, 16));
		free(to);
	}
}

TEST(package_lengths)
{
	static const size_t bodies[] = { 0, 62, 63, 4093, 4094, 70000 };
	static const __u8 want[][4] = {
		{ 0x01 }, { 0x3f }, { 0x41, 0x04 }, { 0x4f, 0xff }, { 0x81, 0x00, 0x01 },
		{ 0x83, 0x17, 0x11 },
	};
	static char body[70000];
	unsigned int i, k;

	for (i = 0; i < 6; i++) {
		struct aml aml = { .to = (void *)tables, .room = sizeof(tables) };
		size_t start = open_term(&aml, SCOPE_OP);
		__u32 length;

		aml_bytes(&aml, body, bodies[i]);
		aml_close(&aml, start);
		ASSERT_FALSE(aml.full);
		length = tables[1] & 0x3f;
		if ((__u8)tables[1] >> 6)
			length &= 0xf;
		for (k = 0; k < (__u8)tables[1] >> 6; k++)
			length |= (__u8)tables[2 + k] << (4 + 8 * k);
		EXPECT_EQ(aml.length - 1, length);
		EXPECT_EQ(0, memcmp(tables + 1, want[i], 1 + ((__u8)tables[1] >> 6)));
	}
}

FIXTURE(iasl)
{
	char dir[32];
};

FIXTURE_VARIANT(iasl)
{
	unsigned int vcpus, devices;
};

FIXTURE_VARIANT_ADD(iasl, smallest)
{
	.vcpus = 1,
};

FIXTURE_VARIANT_ADD(iasl, usual)
{
	.vcpus = 2,
	.devices = 4,
};

FIXTURE_VARIANT_ADD(iasl, largest)
{
	.vcpus = BULKHEAD_VCPUS_MAX,
	.devices = BULKHEAD_VIRTIO_MAX,
};

FIXTURE_SETUP(iasl)
{
	strcpy(self->dir, "/tmp/unit_acpi.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
}

FIXTURE_TEARDOWN(iasl)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", self->dir);
	EXPECT_EQ(0, system(command));
}

/* Taken apart and put together again, it is the same, and the compiler has nothing to say. */
TEST_F(iasl, agrees)
{
	static const char * const signatures[] = { "DSDT", "FACP", "APIC" };
	static char again[ACPI_BYTES];
	unsigned int i;

	ASSERT_NE(0, acpi_write(tables, sizeof(tables), ACPI_ADDR, variant->vcpus,
				variant->devices));
	for (i = 0; i < 3; i++) {
		const struct header *table = find(signatures[i]);
		FILE *file;

		ASSERT_NE(NULL, table);
		file = fopen("table", "w");
		ASSERT_EQ(1, fwrite(table, table->length, 1, file));
		fclose(file);
		ASSERT_EQ(0, system("iasl -d table >log 2>&1")) {
			TH_LOG("%s", signatures[i]);
		}
		ASSERT_EQ(0, system("! grep -iE 'warning|error|invalid' log"));
		ASSERT_EQ(0, system("iasl -tc -p again table.dsl >log 2>&1"));
		ASSERT_EQ(0, system("grep -q '0 Errors, 0 Warnings, 0 Remarks' log")) {
			TH_LOG("%s", signatures[i]);
		}
		file = fopen("again.aml", "r");
		ASSERT_NE(NULL, file);
		ASSERT_EQ(table->length, fread(again, 1, sizeof(again), file));
		fclose(file);
		/* But for the header, where iasl puts its own name. */
		EXPECT_EQ(0, memcmp(again + sizeof(*table), table + 1,
				    table->length - sizeof(*table)));
		unlink("again.aml");
	}
}

TEST_HARNESS_MAIN
