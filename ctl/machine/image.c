// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file is hostile until checked, and may change while it is read: each field is read once, and
 * the file's bytes go to guest memory by pread(), never through a mapping that could shrink.
 */
#include "machine/image.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/size.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MiB		0x100000UL

/* What /proc/version begins with, and how much is searched for it at a time. */
#define BANNER		"Linux version "
#define CHUNK		(1 << 20)

#define ADVICE		"give a bzImage or an ELF vmlinux"

/* The first MiB is left to boot.c. */
#define LOAD_MIN	MiB

/* No address in an image is above this, so sums of an address and 32 bits don't overflow. */
#define LOAD_MAX	MEMORY_HOLE_START

/* The kernel's half of the virtual addresses starts here. */
#define KERNEL_ADDRESS	(1UL << 63)

/* bzImage, Documentation/arch/x86/boot.rst */
#define HEADER_OFFSET	0x1f1
#define HEADER_MAGIC	0x53726448	/* "HdrS" */
#define BOOT_FLAG	0xaa55
#define PROTOCOL_2_12	0x020c		/* the first with a 64-bit entry */
#define SECTOR		512
#define ENTRY_64	0x200
#define LOADER_UNKNOWN	0xff

static int cut_short(const struct image *image, uint64_t announced, uint64_t size)
{
	return fail("%s: cut short, to %lu of %lu bytes; copy it anew", image->path, size,
		    announced);
}

static int invalid(const struct image *image, const char *what)
{
	return fail("%s: corrupt kernel image (%s); " ADVICE, image->path, what);
}

static int parse_bzimage(struct image *image, const struct setup_header *header, uint64_t size)
{
	uint64_t setup = (uint64_t)((header->setup_sects ?: 4) + 1) * SECTOR;
	uint64_t payload = (uint64_t)header->syssize * 16;
	uint64_t needed = header->init_size > payload ? header->init_size : payload;
	uint64_t header_bytes = ENTRY_64 + 2 + (header->jump >> 8) - HEADER_OFFSET;
	uint64_t alignment = header->kernel_alignment;
	uint64_t load = header->pref_address ?: LOAD_MIN;

	if (header->version < PROTOCOL_2_12)
		return fail("%s: boot protocol %d.%02d is too old; give Linux 3.8 or later",
			    image->path, header->version >> 8, header->version & 0xff);
	if (!(header->loadflags & LOADED_HIGH) || !(header->xloadflags & XLF_KERNEL_64))
		return fail("%s: a kernel without 64-bit entry; give one for x86_64", image->path);
	if (header_bytes < offsetof(struct setup_header, handover_offset))
		return invalid(image, "boot header too short");
	if (payload <= ENTRY_64)
		return invalid(image, "no code");
	if (setup + payload > size)
		return cut_short(image, setup + payload, size);
	if (!alignment || alignment & (alignment - 1))
		return invalid(image, "alignment isn't a power of two");
	if (load < LOAD_MIN || load > LOAD_MAX)
		return invalid(image, "load address out of range");
	if (header->relocatable_kernel)
		load = (load + alignment - 1) & ~(alignment - 1);

	/* Fields behind the end of an older header aren't the kernel's. */
	if (header_bytes > sizeof(image->header))
		header_bytes = sizeof(image->header);
	memcpy(&image->header, header, header_bytes);
	image->header.code32_start = load;
	image->entry = load + ENTRY_64;
	image->end = load + needed;
	image->initrd_max = header->initrd_addr_max;
	image->command_line_max = header->cmdline_size;
	image->segments[image->n_segments++] = (struct image_segment){
		.offset = setup,
		.file_bytes = payload,
		.guest_addr = load,
		.bytes = needed,
	};
	return 0;
}

static int not_a_kernel(const struct image *image, const char *why)
{
	return fail("%s: not a Linux kernel image (%s); " ADVICE, image->path, why);
}

static int parse_segment(struct image *image, const struct elf64_phdr *phdr, uint64_t size)
{
	if (phdr->p_type != PT_LOAD || !phdr->p_memsz)
		return 0;
	if (image->n_segments == IMAGE_SEGMENTS_MAX)
		return invalid(image, "too many segments");
	if (phdr->p_filesz > phdr->p_memsz)
		return invalid(image, "a segment is larger in the file than in memory");
	if (phdr->p_offset > size || phdr->p_filesz > size - phdr->p_offset) {
		uint64_t end;

		if (__builtin_add_overflow(phdr->p_offset, phdr->p_filesz, &end))
			return invalid(image, "a segment reaches beyond any file");
		return cut_short(image, end, size);
	}
	if (phdr->p_paddr < LOAD_MIN || phdr->p_paddr > LOAD_MAX ||
	    phdr->p_memsz > LOAD_MAX - phdr->p_paddr)
		return invalid(image, "a segment's address is out of range");
	image->segments[image->n_segments++] = (struct image_segment){
		.offset = phdr->p_offset,
		.file_bytes = phdr->p_filesz,
		.guest_addr = phdr->p_paddr,
		.bytes = phdr->p_memsz,
	};
	if (image->end < phdr->p_paddr + phdr->p_memsz)
		image->end = phdr->p_paddr + phdr->p_memsz;
	return 0;
}

static int parse_elf(struct image *image, uint64_t size)
{
	bool has_entry = false;
	struct elf64_hdr header;
	struct elf64_phdr phdr;
	ssize_t n;

	n = file_read(image->fd, &header, sizeof(header), 0);
	if (n < 0)
		return fail_errno("%s", image->path);
	if ((size_t)n < sizeof(header))
		return cut_short(image, sizeof(header), size);
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_machine != EM_X86_64)
		return not_a_kernel(image, "an ELF file, but not for x86_64");
	if (header.e_type != ET_EXEC)
		return not_a_kernel(image, "an ELF file, but not an executable");
	if (header.e_phentsize != sizeof(phdr))
		return invalid(image, "program headers of unknown size");
	if (header.e_phoff > INT64_MAX - (uint64_t)header.e_phnum * sizeof(phdr))
		return invalid(image, "program headers beyond any file");

	for (unsigned int i = 0; i < header.e_phnum; i++) {
		uint64_t at = header.e_phoff + i * sizeof(phdr);

		n = file_read(image->fd, &phdr, sizeof(phdr), at);
		if (n < 0)
			return fail_errno("%s", image->path);
		if ((size_t)n < sizeof(phdr))
			return cut_short(image, at + sizeof(phdr), size);
		if (parse_segment(image, &phdr, size))
			return -1;
		/* That of vmlinux is a physical address, unlike that of a program of a user's. */
		if (phdr.p_type == PT_LOAD && phdr.p_vaddr >= KERNEL_ADDRESS &&
		    header.e_entry >= phdr.p_paddr &&
		    header.e_entry - phdr.p_paddr < phdr.p_filesz)
			has_entry = true;
	}
	if (!has_entry)
		return not_a_kernel(image, "no segment for kernel space has its entry point");

	/* vmlinux has no boot header. What of it concerns the running kernel is this. */
	image->header = (struct setup_header){
		.boot_flag = BOOT_FLAG,
		.header = HEADER_MAGIC,
		.version = PROTOCOL_2_12,
		.kernel_alignment = 2 * MiB,
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = 2047,
	};
	image->entry = header.e_entry;
	image->initrd_max = image->header.initrd_addr_max;
	image->command_line_max = image->header.cmdline_size;
	return 0;
}

static int parse(struct image *image, uint64_t size)
{
	uint8_t start[HEADER_OFFSET + sizeof(struct setup_header)] = { 0 };
	struct setup_header header;
	ssize_t n;

	n = file_read(image->fd, start, sizeof(start), 0);
	if (n < 0)
		return fail_errno("%s", image->path);
	if (!memcmp(start, ELFMAG, SELFMAG))
		return parse_elf(image, size);
	/* What a short file lacks is zero here, and no magic number. */
	memcpy(&header, start + HEADER_OFFSET, sizeof(header));
	if (header.boot_flag != BOOT_FLAG || header.header != HEADER_MAGIC)
		return not_a_kernel(image, "no boot header");
	if ((size_t)n < sizeof(start))
		return cut_short(image, sizeof(start), size);
	return parse_bzimage(image, &header, size);
}

int image_open(struct image *image, const char *path)
{
	struct stat stat;

	*image = (struct image){ .path = path };
	image->fd = file_open(path, &stat);
	if (image->fd < 0)
		return -1;
	if (parse(image, stat.st_size)) {
		close(image->fd);
		return -1;
	}
	image->header.type_of_loader = LOADER_UNKNOWN;
	return 0;
}

void image_close(struct image *image)
{
	close(image->fd);
}

/* Takes a release from the start of @text. What could lead out of a folder is none. */
static bool take_release(const char *text, char release[IMAGE_RELEASE])
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) ||
	       (text[length] && strchr("._+~-", text[length])))
		length++;
	if (!length || length >= IMAGE_RELEASE || text[0] == '.' ||
	    (text[length] && text[length] != ' '))
		return false;
	memcpy(release, text, length);
	release[length] = 0;
	return true;
}

/* A vmlinux says its release only where it is to say it to users, in its data. */
static bool find_banner(const struct image *image, char release[IMAGE_RELEASE])
{
	char *chunk cleanup_free = malloc(CHUNK + 1);
	const size_t whole = strlen(BANNER) + IMAGE_RELEASE;
	uint64_t offset = 0;
	ssize_t n;

	while (chunk && (n = file_read(image->fd, chunk, CHUNK, offset)) > 0) {
		const char *at = chunk;

		chunk[n] = 0;
		while ((at = memmem(at, chunk + n - at, BANNER, strlen(BANNER)))) {
			at += strlen(BANNER);
			/* What the end may have cut off is whole in the next. */
			if (n == CHUNK && at > chunk + n - IMAGE_RELEASE)
				break;
			if (take_release(at, release))
				return true;
		}
		if (n < CHUNK)
			break;
		offset += CHUNK - whole;
	}
	return false;
}

void image_release(const struct image *image, char release[IMAGE_RELEASE])
{
	const char *name = strrchr(image->path, '/') ? strrchr(image->path, '/') + 1 : image->path;
	char text[IMAGE_RELEASE + 1] = "";

	/* The field counts from the end of the first sector. */
	if (image->header.kernel_version &&
	    file_read(image->fd, text, IMAGE_RELEASE, image->header.kernel_version + SECTOR) > 0 &&
	    take_release(text, release))
		return;
	if (!strncmp(name, "vmlinuz-", 8) && take_release(name + 8, release))
		return;
	if (!find_banner(image, release))
		release[0] = 0;
}

int image_load(const struct image *image, const struct memory *memory)
{
	char needed[SIZE_TEXT], have[SIZE_TEXT];

	if (image->end > memory_low_end(memory))
		return fail("%s: needs %s of memory and has %s; give more by --memory", image->path,
			    size_format(image->end + MiB - 1, needed),
			    size_format(memory->size, have));

	for (unsigned int i = 0; i < image->n_segments; i++) {
		const struct image_segment *segment = &image->segments[i];
		void *to = memory_at(memory, segment->guest_addr, segment->bytes);
		ssize_t n;

		if (!to)
			return fail("%s: doesn't fit in memory; give more by --memory",
				    image->path);
		n = file_read(image->fd, to, segment->file_bytes, segment->offset);
		if (n < 0)
			return fail_errno("%s", image->path);
		if ((uint64_t)n < segment->file_bytes)
			return fail("%s: shrank while it was read; try again", image->path);
	}
	return 0;
}
