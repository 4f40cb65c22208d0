// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI 6.3, of which the machine is a hardware-reduced one (section 4.1): what PCs have at fixed
 * addresses is described here, or isn't there.
 */
#include "machine/acpi.h"
#include "base/error.h"
#include "machine/aml.h"

#include <assert.h>
#include <linux/bulkhead_machine.h>
#include <stdio.h>
#include <string.h>

#define LOCAL_APIC_ADDR		0xfee00000
#define IO_APIC_ADDR		0xfec00000

/* Of a generic address. */
#define SPACE_IO		1
#define ACCESS_BYTE		1

/* FADT, section 5.2.9 */
#define FADT_REVISION		6
#define FADT_MINOR		3
#define BOOT_NO_VGA		(1 << 2)
#define BOOT_NO_MSI		(1 << 3)
#define BOOT_NO_CMOS_RTC	(1 << 5)
#define FADT_WBINVD		(1 << 0)
#define FADT_PWR_BUTTON		(1 << 4)
#define FADT_SLP_BUTTON		(1 << 5)
#define FADT_RESET_REG_SUP	(1 << 10)
#define FADT_HW_REDUCED_ACPI	(1 << 20)

/* MADT, section 5.2.12 */
#define MADT_REVISION		5
#define MADT_LOCAL_APIC		0
#define MADT_IO_APIC		1
#define LOCAL_APIC_ENABLED	1

#define DSDT_REVISION		2

/* Of a method: one argument, serialized. Of a field: accessed by bytes. */
#define METHOD_EVT		(1 | 1 << 3)
#define FIELD_BYTES		1

#define NOTIFY_PRESSED		0x80

/* Section 5.2.3.2, generic address structure. */
struct address {
	uint8_t space;
	uint8_t bits;
	uint8_t offset;
	uint8_t access;
	uint64_t addr;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;	/* of what version 1 has */
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

#define RSDP_V1_BYTES	20

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem[6];
	char oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct xsdt {
	struct header header;
	uint64_t tables[2];
} __attribute__((packed));

struct fadt {
	struct header header;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t reserved;
	uint8_t profile;
	uint8_t hardware[62];	/* that isn't there */
	uint8_t century;
	uint16_t boot_arch;
	uint8_t reserved2;
	uint32_t flags;
	struct address reset;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_facs;
	uint64_t x_dsdt;
	struct address x_hardware[8];
	struct address sleep_control;
	struct address sleep_status;
	char hypervisor[8];
} __attribute__((packed));

static_assert(sizeof(struct fadt) == 276, "FADT");

struct madt {
	struct header header;
	uint32_t local_apic_addr;
	uint32_t flags;
} __attribute__((packed));

struct madt_local_apic {
	uint8_t type;
	uint8_t length;
	uint8_t processor;
	uint8_t id;
	uint32_t flags;
} __attribute__((packed));

struct madt_io_apic {
	uint8_t type;
	uint8_t length;
	uint8_t id;
	uint8_t reserved;
	uint32_t addr;
	uint32_t first_pin;
} __attribute__((packed));

static struct address port(uint16_t port)
{
	return (struct address){
		.space = SPACE_IO,
		.bits = 8,
		.access = ACCESS_BYTE,
		.addr = port,
	};
}

static uint8_t checksum(const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += bytes[i];
	return -sum;
}

static struct header header(const char *signature, uint8_t revision)
{
	struct header header = {
		.revision = revision,
		.oem_revision = 1,
		.creator_revision = 1,
	};

	memcpy(header.signature, signature, sizeof(header.signature));
	memcpy(header.oem, "BLKHD ", sizeof(header.oem));
	memcpy(header.oem_table, "BULKHEAD", sizeof(header.oem_table));
	memcpy(header.creator, "BLKH", sizeof(header.creator));
	return header;
}

/* Tables are multiples of eight bytes apart. Returns where the next one goes. */
static size_t begin(struct aml *out)
{
	static const uint8_t padding[8];

	aml_bytes(out, padding, -out->length % sizeof(padding));
	return out->length;
}

/* Completes the header of the table at @start. */
static void end(struct aml *out, size_t start)
{
	struct header *header = (struct header *)(out->to + start);

	if (out->full)
		return;
	header->length = out->length - start;
	header->checksum = 0;
	header->checksum = checksum(header, header->length);
}

/* _S5: what the sleep control register wants for "off", in its bits of the sleep type. */
static void add_s5(struct aml *aml)
{
	size_t package;

	aml_name(aml, "_S5_");
	package = aml_open_package(aml, 4);
	aml_integer(aml, BULKHEAD_SLEEP_S5 >> 2 & 7);
	for (int i = 0; i < 3; i++)
		aml_integer(aml, 0);
	aml_close(aml, package);
}

static void add_uart(struct aml *aml, const char *name, uint8_t uid, uint16_t first, uint32_t irq)
{
	struct aml_resources resources = { 0 };
	size_t device = aml_open_device(aml, name);

	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0501");
	aml_name(aml, "_UID");
	aml_integer(aml, uid);
	aml_add_ports(&resources, first, 8);
	aml_add_interrupt(&resources, irq);
	aml_resources(aml, &resources);
	aml_close(aml, device);
}

static void add_pvpanic(struct aml *aml)
{
	struct aml_resources resources = { 0 };
	size_t device = aml_open_device(aml, "PEVT");

	aml_name(aml, "_HID");
	aml_string(aml, "QEMU0001");
	aml_add_ports(&resources, BULKHEAD_PORT_PVPANIC, 1);
	aml_resources(aml, &resources);
	aml_close(aml, device);
}

static void add_virtio(struct aml *aml, unsigned int slot)
{
	struct aml_resources resources = { 0 };
	size_t device;
	char name[8];

	snprintf(name, sizeof(name), "V%03u", slot % 1000);
	device = aml_open_device(aml, name);
	aml_name(aml, "_HID");
	aml_string(aml, "LNRO0005");
	aml_name(aml, "_UID");
	aml_integer(aml, slot);
	aml_add_memory(&resources, BULKHEAD_VIRTIO_ADDR + slot * BULKHEAD_VIRTIO_BYTES,
		       BULKHEAD_VIRTIO_BYTES);
	aml_add_interrupt(&resources, BULKHEAD_VIRTIO_PIN + slot);
	aml_resources(aml, &resources);
	aml_close(aml, device);
}

/*
 * The interrupt of the event register tells that there is something in it; reading the register
 * takes it out.
 *
 *   Method (_EVT, 1, Serialized) { Local0 = EVNT; If (Local0 & 1) { Notify (PWRB, 0x80) } }
 */
static void add_power_button(struct aml *aml)
{
	static const uint8_t store[] = { 0x70 };			/* StoreOp */
	static const uint8_t local0[] = { 0x60 };
	static const uint8_t and[] = { 0x7b, 0x60, BULKHEAD_EVENT_POWER_BUTTON, 0x00 };
	static const uint8_t notify[] = { 0x86 };
	struct aml_resources resources = { 0 };
	size_t device, field, method, condition;

	static_assert(BULKHEAD_EVENT_POWER_BUTTON == 1, "has an opcode of its own");

	device = aml_open_device(aml, "PWRB");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0C0C");
	aml_close(aml, device);

	device = aml_open_device(aml, "GED_");
	aml_name(aml, "_HID");
	aml_string(aml, "ACPI0013");
	aml_add_interrupt(&resources, BULKHEAD_IRQ_EVENTS);
	aml_resources(aml, &resources);
	aml_port_region(aml, "EREG", BULKHEAD_PORT_EVENTS, 1);
	field = aml_open_field(aml, "EREG", FIELD_BYTES);
	aml_field_byte(aml, "EVNT");
	aml_close(aml, field);
	method = aml_open_method(aml, "_EVT", METHOD_EVT);
	aml_bytes(aml, store, sizeof(store));
	aml_path(aml, "EVNT");
	aml_bytes(aml, local0, sizeof(local0));
	condition = aml_open_if(aml);
	aml_bytes(aml, and, sizeof(and));
	aml_bytes(aml, notify, sizeof(notify));
	aml_path(aml, "PWRB");
	aml_integer(aml, NOTIFY_PRESSED);
	aml_close(aml, condition);
	aml_close(aml, method);
	aml_close(aml, device);
}

static size_t write_dsdt(struct aml *out, unsigned int devices)
{
	const struct header head = header("DSDT", DSDT_REVISION);
	size_t start = begin(out);
	size_t scope;

	aml_bytes(out, &head, sizeof(head));
	add_s5(out);
	scope = aml_open_scope(out, "_SB_");
	add_uart(out, "COM1", 1, BULKHEAD_PORT_COM1, BULKHEAD_IRQ_COM1);
	add_uart(out, "COM2", 2, BULKHEAD_PORT_COM2, BULKHEAD_IRQ_COM2);
	add_pvpanic(out);
	add_power_button(out);
	for (unsigned int i = 0; i < devices; i++)
		add_virtio(out, i);
	aml_close(out, scope);
	end(out, start);
	return start;
}

static size_t write_fadt(struct aml *out, uint64_t dsdt)
{
	struct fadt fadt = {
		.header = header("FACP", FADT_REVISION),
		.boot_arch = BOOT_NO_VGA | BOOT_NO_MSI | BOOT_NO_CMOS_RTC,
		.flags = FADT_WBINVD | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_RESET_REG_SUP |
			 FADT_HW_REDUCED_ACPI,
		.reset = port(BULKHEAD_PORT_RESET),
		.reset_value = BULKHEAD_RESET_RST_CPU | BULKHEAD_RESET_FULL_RST,
		.minor = FADT_MINOR,
		.x_dsdt = dsdt,
		.sleep_control = port(BULKHEAD_PORT_SLEEP_CONTROL),
		.sleep_status = port(BULKHEAD_PORT_SLEEP_STATUS),
	};
	size_t start = begin(out);

	memcpy(fadt.hypervisor, "BULKHEAD", sizeof(fadt.hypervisor));
	aml_bytes(out, &fadt, sizeof(fadt));
	end(out, start);
	return start;
}

static size_t write_madt(struct aml *out, unsigned int vcpus)
{
	const struct madt madt = {
		.header = header("APIC", MADT_REVISION),
		.local_apic_addr = LOCAL_APIC_ADDR,
	};
	const struct madt_io_apic io_apic = {
		.type = MADT_IO_APIC,
		.length = sizeof(io_apic),
		.addr = IO_APIC_ADDR,
	};
	size_t start = begin(out);

	aml_bytes(out, &madt, sizeof(madt));
	for (unsigned int i = 0; i < vcpus; i++) {
		const struct madt_local_apic local_apic = {
			.type = MADT_LOCAL_APIC,
			.length = sizeof(local_apic),
			.processor = i,
			.id = i,
			.flags = LOCAL_APIC_ENABLED,
		};

		aml_bytes(out, &local_apic, sizeof(local_apic));
	}
	aml_bytes(out, &io_apic, sizeof(io_apic));
	end(out, start);
	return start;
}

static size_t write_xsdt(struct aml *out, uint64_t fadt, uint64_t madt)
{
	const struct xsdt xsdt = {
		.header = header("XSDT", 1),
		.tables = { fadt, madt },
	};
	size_t start = begin(out);

	aml_bytes(out, &xsdt, sizeof(xsdt));
	end(out, start);
	return start;
}

size_t acpi_write(void *to, size_t room, uint64_t addr, unsigned int vcpus, unsigned int devices)
{
	struct rsdp rsdp = { .revision = 2, .length = sizeof(rsdp) };
	struct aml out = { .to = to, .room = room };
	uint64_t dsdt, fadt, madt;

	/* To be overwritten when it is known where the others are. */
	aml_bytes(&out, &rsdp, sizeof(rsdp));
	dsdt = addr + write_dsdt(&out, devices);
	fadt = addr + write_fadt(&out, dsdt);
	madt = addr + write_madt(&out, vcpus);
	rsdp.xsdt = addr + write_xsdt(&out, fadt, madt);
	if (out.full)
		return 0;

	memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
	memcpy(rsdp.oem, "BLKHD ", sizeof(rsdp.oem));
	rsdp.checksum = checksum(&rsdp, RSDP_V1_BYTES);
	rsdp.extended_checksum = checksum(&rsdp, sizeof(rsdp));
	memcpy(to, &rsdp, sizeof(rsdp));
	return out.length;
}

int acpi_setup(const struct memory *memory, unsigned int vcpus, unsigned int devices)
{
	void *to = memory_at(memory, ACPI_ADDR, ACPI_BYTES);

	if (!to || !acpi_write(to, ACPI_BYTES, ACPI_ADDR, vcpus, devices))
		return fail("the ACPI tables don't fit in memory; give more by --memory");
	return 0;
}
