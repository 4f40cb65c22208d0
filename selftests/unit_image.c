// SPDX-License-Identifier: GPL-2.0-only
/* Kernel images, hostile ones above all, and the boot structures around them. Needs no VM. */
#include "../ctl/machine/boot.c"
#include "../ctl/base/error.c"
#include "../ctl/base/file.c"
#include "../ctl/machine/image.c"
#include "../ctl/machine/memory.c"
#include "../ctl/base/size.c"
#include "kselftest_harness.h"

#define MEMORY		(64 * MiB)
#define SETUP_SECTORS	4
#define SETUP_BYTES	((SETUP_SECTORS + 1) * SECTOR)
#define CODE_BYTES	8192
#define IMAGE_BYTES	(SETUP_BYTES + CODE_BYTES)

static int write_file(const void *data, size_t bytes)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	return fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes ? fd : -1;
}

/* image_open() for a file that only a descriptor knows. */
static int open_fd(struct image *image, int fd)
{
	static char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return image_open(image, path);
}

static int open_bytes(struct image *image, const void *data, size_t bytes)
{
	int fd = write_file(data, bytes);
	int ret = open_fd(image, fd);

	close(fd);
	return ret;
}

FIXTURE(bzimage) {
	struct image image;
	struct setup_header *header;
	uint8_t data[IMAGE_BYTES];
};

FIXTURE_SETUP(bzimage)
{
	memset(self->data, 0, SETUP_BYTES);
	memset(self->data + SETUP_BYTES, 0xc5, CODE_BYTES);
	self->header = (struct setup_header *)(self->data + HEADER_OFFSET);
	*self->header = (struct setup_header){
		.setup_sects = SETUP_SECTORS,
		.syssize = CODE_BYTES / 16,
		.boot_flag = BOOT_FLAG,
		.jump = 0x6aeb,
		.header = HEADER_MAGIC,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 2 * MiB,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 255,
		.pref_address = 16 * MiB,
		.init_size = 4 * MiB,
	};
}

FIXTURE_TEARDOWN(bzimage)
{
}

TEST_F(bzimage, loads)
{
	struct memory memory;
	uint8_t *code;

	ASSERT_EQ(0, open_bytes(&self->image, self->data, IMAGE_BYTES));
	EXPECT_EQ(16 * MiB + ENTRY_64, self->image.entry);
	EXPECT_EQ(20 * MiB, self->image.end);
	EXPECT_EQ(255, self->image.command_line_max);
	EXPECT_EQ(LOADER_UNKNOWN, self->image.header.type_of_loader);
	ASSERT_EQ(0, memory_create(&memory, MEMORY));
	ASSERT_EQ(0, image_load(&self->image, &memory));
	code = memory_at(&memory, 16 * MiB, 4 * MiB);
	EXPECT_EQ(0, memcmp(code, self->data + SETUP_BYTES, CODE_BYTES));
	EXPECT_EQ(0, code[CODE_BYTES]);
	memory_destroy(&memory);
	image_close(&self->image);
}

/* Every length short of the whole is refused, and none is read beyond. */
TEST_F(bzimage, truncated)
{
	for (size_t bytes = 0; bytes < IMAGE_BYTES; bytes += bytes < 1024 ? 1 : 97)
		EXPECT_EQ(-1, open_bytes(&self->image, self->data, bytes));
	EXPECT_EQ(-1, open_bytes(&self->image, self->data, IMAGE_BYTES - 1));
	EXPECT_NE(NULL, strstr(error_text(), "cut short"));
}

/* What is appended, a signature say, is no harm. */
TEST_F(bzimage, longer)
{
	uint8_t data[IMAGE_BYTES + 100] = { 0 };

	memcpy(data, self->data, IMAGE_BYTES);
	ASSERT_EQ(0, open_bytes(&self->image, data, sizeof(data)));
	EXPECT_EQ(CODE_BYTES, self->image.segments[0].file_bytes);
	image_close(&self->image);
}

#define AT(field)	offsetof(struct setup_header, field)

TEST_F(bzimage, bad_fields)
{
	static const struct {
		size_t offset;
		size_t size;
		uint64_t value;
		const char *text;
	} bad[] = {
		{ AT(boot_flag), 2, 0, "no boot header" },
		{ AT(header), 4, 0, "no boot header" },
		{ AT(version), 2, 0x20b, "2.11" },
		{ AT(loadflags), 1, 0, "64-bit" },
		{ AT(xloadflags), 2, 0, "64-bit" },
		{ AT(jump), 2, 0x10eb, "header" },
		{ AT(syssize), 4, 0, "no code" },
		{ AT(syssize), 4, UINT32_MAX, "cut short" },
		{ AT(setup_sects), 1, 255, "cut short" },
		{ AT(kernel_alignment), 4, 0, "alignment" },
		{ AT(kernel_alignment), 4, 3 * MiB, "alignment" },
		{ AT(pref_address), 8, 4096, "load address" },
		{ AT(pref_address), 8, UINT64_MAX, "load address" },
		{ AT(pref_address), 8, LOAD_MAX + 1, "load address" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct setup_header saved = *self->header;

		memcpy((uint8_t *)self->header + bad[i].offset, &bad[i].value, bad[i].size);
		EXPECT_EQ(-1, open_bytes(&self->image, self->data, IMAGE_BYTES));
		EXPECT_NE(NULL, strstr(error_text(), bad[i].text)) {
			TH_LOG("%s instead of %s", error_text(), bad[i].text);
		}
		*self->header = saved;
	}
}

/* These pass, and then don't fit: nothing wraps around. */
TEST_F(bzimage, too_large)
{
	struct memory memory;

	ASSERT_EQ(0, memory_create(&memory, MEMORY));
	self->header->init_size = UINT32_MAX;
	ASSERT_EQ(0, open_bytes(&self->image, self->data, IMAGE_BYTES));
	EXPECT_EQ(-1, image_load(&self->image, &memory));
	image_close(&self->image);

	self->header->pref_address = LOAD_MAX;
	self->header->kernel_alignment = 1U << 31;
	ASSERT_EQ(0, open_bytes(&self->image, self->data, IMAGE_BYTES));
	EXPECT_EQ(-1, image_load(&self->image, &memory));
	EXPECT_NE(NULL, strstr(error_text(), "--memory"));
	image_close(&self->image);
	memory_destroy(&memory);
}

/* With any byte of the header changed it is refused, or loads within its memory: ASan watches. */
TEST_F(bzimage, any_byte)
{
	struct memory memory;

	ASSERT_EQ(0, memory_create(&memory, MEMORY));
	for (size_t i = 0; i < 256 * sizeof(*self->header); i++) {
		uint8_t *byte = (uint8_t *)self->header + i / 256;
		uint8_t saved = *byte;

		*byte = i;
		if (!open_bytes(&self->image, self->data, IMAGE_BYTES)) {
			image_load(&self->image, &memory);
			image_close(&self->image);
		}
		*byte = saved;
	}
	memory_destroy(&memory);
}

TEST_F(bzimage, shrinks_while_it_is_read)
{
	int fd = write_file(self->data, IMAGE_BYTES);
	struct memory memory;

	ASSERT_EQ(0, memory_create(&memory, MEMORY));
	ASSERT_EQ(0, open_fd(&self->image, fd));
	ASSERT_EQ(0, ftruncate(fd, SETUP_BYTES + 1));
	EXPECT_EQ(-1, image_load(&self->image, &memory));
	image_close(&self->image);
	memory_destroy(&memory);
	close(fd);
}

TEST_F(bzimage, boot_structures)
{
	const struct initrd initrd = { .guest_addr = 32 * MiB, .bytes = 5 };
	struct boot_params *params;
	struct memory memory;
	struct boot boot;
	char line[300];
	uint64_t *table;

	ASSERT_EQ(0, memory_create(&memory, MEMORY));
	ASSERT_EQ(0, open_bytes(&self->image, self->data, IMAGE_BYTES));
	ASSERT_EQ(0, boot_setup(&boot, &self->image, &memory, &initrd, "hello"));
	params = memory_at(&memory, boot.boot_params, sizeof(*params));
	EXPECT_STREQ("hello", (char *)memory_at(&memory, params->hdr.cmd_line_ptr, 6));
	EXPECT_EQ(32 * MiB, params->hdr.ramdisk_image);
	EXPECT_EQ(5, params->hdr.ramdisk_size);
	ASSERT_EQ(2, params->e820_entries);
	EXPECT_EQ(MiB, params->e820_table[1].addr);
	EXPECT_EQ(MEMORY - MiB, params->e820_table[1].size);
	/* The page at 3.5 GiB is mapped to itself. */
	table = memory_at(&memory, boot.page_table, 4096);
	table = memory_at(&memory, table[0] & ~4095ULL, 4096);
	table = memory_at(&memory, table[3] & ~4095ULL, 4096);
	EXPECT_EQ(0xe0000083, table[256]);

	memset(line, 'x', sizeof(line));
	line[255] = 0;
	EXPECT_EQ(0, boot_setup(&boot, &self->image, &memory, &initrd, line));
	line[255] = 'x';
	line[256] = 0;
	EXPECT_EQ(-1, boot_setup(&boot, &self->image, &memory, &initrd, line));
	image_close(&self->image);
	memory_destroy(&memory);
}

struct elf_file {
	struct elf64_hdr header;
	struct elf64_phdr phdrs[2];
	uint8_t code[4096];
};

FIXTURE(elf) {
	struct image image;
	struct elf_file file;
};

FIXTURE_SETUP(elf)
{
	self->file.header = (struct elf64_hdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = 16 * MiB + 8,
		.e_phoff = offsetof(struct elf_file, phdrs),
		.e_phentsize = sizeof(struct elf64_phdr),
		.e_phnum = 2,
	};
	self->file.phdrs[0] = (struct elf64_phdr){
		.p_type = PT_LOAD,
		.p_offset = offsetof(struct elf_file, code),
		.p_vaddr = 0xffffffff81000000,
		.p_paddr = 16 * MiB,
		.p_filesz = 4096,
		.p_memsz = 2 * MiB,
	};
	self->file.phdrs[1] = (struct elf64_phdr){ .p_type = PT_NOTE, .p_offset = UINT64_MAX };
	memset(self->file.code, 0xc5, sizeof(self->file.code));
}

FIXTURE_TEARDOWN(elf)
{
}

static int open_elf(struct image *image, const struct elf_file *file)
{
	return open_bytes(image, file, sizeof(*file));
}

TEST_F(elf, loads)
{
	struct memory memory;

	ASSERT_EQ(0, open_elf(&self->image, &self->file));
	EXPECT_EQ(16 * MiB + 8, self->image.entry);
	EXPECT_EQ(18 * MiB, self->image.end);
	EXPECT_EQ(1, self->image.n_segments);
	ASSERT_EQ(0, memory_create(&memory, MEMORY));
	ASSERT_EQ(0, image_load(&self->image, &memory));
	EXPECT_EQ(0, memcmp(memory_at(&memory, 16 * MiB, 4096), self->file.code, 4096));
	memory_destroy(&memory);
	image_close(&self->image);
}

TEST_F(elf, truncated)
{
	for (size_t bytes = 0; bytes < sizeof(self->file); bytes++)
		EXPECT_EQ(-1, open_bytes(&self->image, &self->file, bytes));
}

#define ELF_REFUSED(field, value) do { \
	struct elf_file saved = self->file; \
	self->file.field = (value); \
	EXPECT_EQ(-1, open_elf(&self->image, &self->file)) { \
		TH_LOG("%s", #field); \
	} \
	self->file = saved; \
} while (0)

TEST_F(elf, bad_fields)
{
	ELF_REFUSED(header.e_ident[EI_CLASS], ELFCLASS32);
	ELF_REFUSED(header.e_ident[EI_DATA], ELFDATA2MSB);
	ELF_REFUSED(header.e_machine, EM_386);
	ELF_REFUSED(header.e_type, ET_DYN);
	ELF_REFUSED(header.e_phentsize, 32);
	ELF_REFUSED(header.e_phnum, 0);
	ELF_REFUSED(header.e_phnum, UINT16_MAX);
	ELF_REFUSED(header.e_phoff, UINT64_MAX);
	ELF_REFUSED(header.e_phoff, INT64_MAX - 1);
	ELF_REFUSED(header.e_entry, 0);
	ELF_REFUSED(header.e_entry, 16 * MiB + 4096);
	ELF_REFUSED(phdrs[0].p_vaddr, 0x400000);
	ELF_REFUSED(phdrs[0].p_offset, UINT64_MAX);
	ELF_REFUSED(phdrs[0].p_offset, 4096);
	ELF_REFUSED(phdrs[0].p_filesz, UINT64_MAX);
	ELF_REFUSED(phdrs[0].p_filesz, 4 * MiB);
	ELF_REFUSED(phdrs[0].p_memsz, UINT64_MAX);
	ELF_REFUSED(phdrs[0].p_memsz, 4095);
	ELF_REFUSED(phdrs[0].p_paddr, 4096);
	ELF_REFUSED(phdrs[0].p_paddr, UINT64_MAX - 4096);
}

TEST_F(elf, too_many_segments)
{
	struct {
		struct elf_file file;
		struct elf64_phdr phdrs[IMAGE_SEGMENTS_MAX + 1];
	} large = { .file = self->file };

	large.file.header.e_phoff = offsetof(typeof(large), phdrs);
	for (int i = 0; i <= IMAGE_SEGMENTS_MAX; i++)
		large.phdrs[i] = self->file.phdrs[0];
	large.file.header.e_phnum = IMAGE_SEGMENTS_MAX;
	ASSERT_EQ(0, open_bytes(&self->image, &large, sizeof(large)));
	image_close(&self->image);
	large.file.header.e_phnum++;
	EXPECT_EQ(-1, open_bytes(&self->image, &large, sizeof(large)));
}

TEST(other_files)
{
	struct image image;
	char script[] = "#!/bin/sh\n";

	EXPECT_EQ(-1, open_bytes(&image, "", 0));
	EXPECT_EQ(-1, open_bytes(&image, script, sizeof(script)));
	EXPECT_NE(NULL, strstr(error_text(), "not a Linux kernel image"));
	EXPECT_EQ(-1, image_open(&image, "/nonexistent"));
	EXPECT_EQ(-1, image_open(&image, "/dev/null"));
	EXPECT_EQ(-1, image_open(&image, "/"));
	EXPECT_EQ(-1, image_open(&image, "/proc/self/exe"));
}

TEST(memory_layout)
{
	struct memory memory = { .base = (uint8_t *)4096, .size = 4ULL << 30 };
	struct memory_region regions[MEMORY_REGIONS_MAX];

	ASSERT_EQ(2, memory_regions(&memory, regions));
	EXPECT_EQ(MEMORY_HOLE_START, regions[0].bytes);
	EXPECT_EQ(MEMORY_HOLE_END, regions[1].guest_addr);
	EXPECT_EQ(1ULL << 30, regions[1].bytes);
	EXPECT_EQ(MEMORY_HOLE_START, regions[1].offset);
	EXPECT_EQ(NULL, memory_at(&memory, MEMORY_HOLE_START, 1));
	EXPECT_EQ(NULL, memory_at(&memory, 0, MEMORY_HOLE_START + 1));
	EXPECT_EQ(NULL, memory_at(&memory, UINT64_MAX, 2));
	EXPECT_EQ((uint8_t *)4096 + 8, memory_at(&memory, 8, MEMORY_HOLE_START - 8));
	memory.size = MEMORY_HOLE_START;
	EXPECT_EQ(1, memory_regions(&memory, regions));
	EXPECT_EQ(-1, memory_check_size(0));
	EXPECT_EQ(-1, memory_check_size(4097));
	EXPECT_EQ(-1, memory_check_size(1ULL << 50));
	EXPECT_EQ(0, memory_check_size(4096));
}

/* The release in a vmlinux of @bytes that has @text at @offset. */
static const char *release_of(struct elf_file *file, size_t bytes, size_t offset, const char *text)
{
	static char release[IMAGE_RELEASE];
	uint8_t *data = calloc(1, bytes);
	struct image image;

	memcpy(data, file, sizeof(*file));
	memcpy(data + offset, text, strlen(text));
	if (open_bytes(&image, data, bytes))
		return NULL;
	/* The file is gone by its name, not by its descriptor. */
	image.path = "vmlinux";
	image_release(&image, release);
	image_close(&image);
	free(data);
	return release;
}

TEST_F(elf, release)
{
	const size_t bytes = 2 * CHUNK + 12345;
	const char *banner = BANNER "6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org) (gcc";
	const size_t offsets[] = {
		sizeof(self->file), CHUNK - 1, CHUNK - 20, CHUNK - strlen(banner), CHUNK,
		2 * CHUNK - 30, bytes - strlen(banner),
	};

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		EXPECT_STREQ("6.1.0-56-cloud-amd64",
			     release_of(&self->file, bytes, offsets[i], banner));
	EXPECT_STREQ("", release_of(&self->file, bytes, CHUNK, "Linux versions"));
	EXPECT_STREQ("", release_of(&self->file, bytes, CHUNK, BANNER "../../etc "));
	EXPECT_STREQ("", release_of(&self->file, bytes, bytes - strlen(BANNER), BANNER));
	EXPECT_STREQ("7.2", release_of(&self->file, bytes, CHUNK, BANNER "%s " BANNER "7.2 ("));
}

TEST_HARNESS_MAIN
