// SPDX-License-Identifier: GPL-2.0-only
/* Documentation/arch/x86/boot.rst and zero-page.rst. */
#include "machine/boot.h"
#include "base/error.h"
#include "machine/acpi.h"
#include "util.h"

#include <stddef.h>
#include <string.h>

#define PAGE		4096ULL
#define LARGE_PAGE	(2ULL << 20)

/* In the first 640 KiB, which the kernel takes over once it has read what is there. */
#define GDT_ADDR		0x1000ULL
#define BOOT_PARAMS_ADDR	0x2000ULL
#define PAGE_TABLES_ADDR	0x3000ULL	/* six pages */
#define COMMAND_LINE_ADDR	0x20000ULL
#define LOW_RAM_END		0xa0000ULL
#define HIGH_RAM_START		0x100000ULL

#define E820_RAM	1

#define PTE_PRESENT	0x001
#define PTE_WRITE	0x002
#define PTE_LARGE	0x080
#define N_ENTRIES	512
#define N_DIRECTORIES	4	/* of 1 GiB each */

#define VIDEO_NORMAL	0xffff

/* At selectors 0x10 and 0x18; boot.rst calls them __BOOT_CS and __BOOT_DS. */
static const uint64_t gdt[] = {
	0,
	0,
	0x00af9b000000ffff,	/* code: long mode, execute and read */
	0x00cf93000000ffff,	/* data: read and write */
};

/* Maps the first 4 GiB to themselves: more than init_size, zero page and command line. */
static void write_page_tables(uint64_t *tables)
{
	uint64_t *pml4 = tables;
	uint64_t *pdpt = tables + N_ENTRIES;
	uint64_t *directories = tables + 2 * N_ENTRIES;

	pml4[0] = (PAGE_TABLES_ADDR + PAGE) | PTE_PRESENT | PTE_WRITE;
	for (unsigned int i = 0; i < N_DIRECTORIES; i++)
		pdpt[i] = (PAGE_TABLES_ADDR + (2 + i) * PAGE) | PTE_PRESENT | PTE_WRITE;
	for (unsigned int i = 0; i < N_DIRECTORIES * N_ENTRIES; i++)
		directories[i] = i * LARGE_PAGE | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

static void add_ram(struct boot_params *params, uint64_t start, uint64_t end)
{
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry){
		.addr = start,
		.size = end - start,
		.type = E820_RAM,
	};
}

static void write_e820(struct boot_params *params, const struct memory *memory)
{
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned int n = memory_regions(memory, regions);

	/* Firmware's part of the first MiB isn't RAM on any PC. The ACPI tables are there. */
	add_ram(params, 0, LOW_RAM_END);
	add_ram(params, HIGH_RAM_START, regions[0].bytes);
	for (unsigned int i = 1; i < n; i++)
		add_ram(params, regions[i].guest_addr, regions[i].guest_addr + regions[i].bytes);
}

struct initrd boot_initrd_room(const struct image *image, const struct memory *memory)
{
	struct initrd room = { .guest_addr = (image->end + PAGE - 1) & ~(PAGE - 1) };
	uint64_t end = memory_low_end(memory);

	if (end > image->initrd_max + 1)
		end = image->initrd_max + 1;
	if (end > room.guest_addr)
		room.bytes = end - room.guest_addr;
	return room;
}

int boot_setup(struct boot *boot, const struct image *image, const struct memory *memory,
	       const struct initrd *initrd, const char *command_line)
{
	size_t length = strlen(command_line);
	struct boot_params *params;

	if (length > image->command_line_max || length >= LOW_RAM_END - COMMAND_LINE_ADDR)
		return fail("kernel command line too long: %zu characters, %s takes %lu", length,
			    image->path, image->command_line_max);
	/* image_load() has made sure of more memory than this. */
	if (!memory_at(memory, 0, HIGH_RAM_START))
		return fail("less than 1M of memory");

	memcpy(memory_at(memory, GDT_ADDR, sizeof(gdt)), gdt, sizeof(gdt));
	write_page_tables(memory_at(memory, PAGE_TABLES_ADDR, (2 + N_DIRECTORIES) * PAGE));
	memcpy(memory_at(memory, COMMAND_LINE_ADDR, length + 1), command_line, length + 1);

	params = memory_at(memory, BOOT_PARAMS_ADDR, sizeof(*params));
	params->hdr = image->header;
	params->hdr.vid_mode = VIDEO_NORMAL;
	params->hdr.cmd_line_ptr = COMMAND_LINE_ADDR;
	params->hdr.ramdisk_image = initrd->bytes ? initrd->guest_addr : 0;
	params->hdr.ramdisk_size = initrd->bytes;
	params->acpi_rsdp_addr = ACPI_ADDR;
	write_e820(params, memory);

	*boot = (struct boot){
		.entry = image->entry,
		.boot_params = BOOT_PARAMS_ADDR,
		.page_table = PAGE_TABLES_ADDR,
		.gdt = GDT_ADDR,
	};
	return 0;
}
