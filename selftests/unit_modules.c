// SPDX-License-Identifier: GPL-2.0-only
/* Modules of a guest's kernel: found in order, uncompressed, and put in the archive. No VM. */
#include "../ctl/base/error.c"
#include "../ctl/base/file.c"
#include "../ctl/machine/initramfs.c"
#undef CHUNK
#define no_memory modules_no_memory
#define cleanup_archivep modules_cleanup_archivep
#undef cleanup_archive
#include "../ctl/machine/modules.c"
#include "kselftest_harness.h"

#include <sys/stat.h>

#define ROOM	(8 << 20)
#define ORDER	"0 virtio.ko\n0 virtio_mmio.ko\n0 shared.ko\n2 virtio_blk.ko\n4 virtio-rng.ko\n"

FIXTURE(modules)
{
	char dir[32];
	uint8_t *room;
	struct initramfs initramfs;
	struct modules modules;
};

/* Makes a module that exports f_NAME, does @calls, and has @text in it. */
static int make_module(const char *name, const char *calls, const char *text)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "gcc -c -x assembler -o kernel/%s.ko - <<'END'\n"
		 ".section __ksymtab_strings,\"a\"\n.asciz \"f_%s\"\n"
		 ".section .modinfo,\"a\"\n.asciz \"description=%s\"\n"
		 ".text\n.globl f_%s\nf_%s: %s\nret\nEND",
		 name, name, text, name, name, calls);
	return system(command);
}

/* A kernel whose evdev is built in, with drivers that share something; one is compressed. */
FIXTURE_SETUP(modules)
{
	strcpy(self->dir, "/tmp/unit_modules.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
	ASSERT_EQ(0, system("mkdir -p lib/modules/1.0/kernel lib/modules/2.0"));
	ASSERT_EQ(0, chdir("lib/modules/1.0"));
	ASSERT_EQ(0, make_module("virtio", "", "core"));
	ASSERT_EQ(0, make_module("shared", "", "shared"));
	ASSERT_EQ(0, make_module("other", "", "unwanted"));
	ASSERT_EQ(0, make_module("virtio_mmio", "call f_virtio", "mmio"));
	ASSERT_EQ(0, make_module("virtio_blk", "call f_virtio\ncall f_shared", "plain text"));
	ASSERT_EQ(0, make_module("virtio_rng", "call f_virtio\ncall f_shared", "rng"));
	ASSERT_EQ(0, system("mv kernel/virtio_rng.ko kernel/virtio-rng.ko"));
	ASSERT_EQ(0, system("xz --check=crc32 kernel/virtio_blk.ko"));
	ASSERT_EQ(0, system("echo kernel/evdev.ko >modules.builtin"));
	ASSERT_EQ(0, system(": | tee modules.order >modules.builtin.modinfo"));
	ASSERT_EQ(0, system("/sbin/depmod -b ../../.. 1.0"));
	ASSERT_EQ(0, chdir("../../.."));
	self->room = malloc(ROOM);
	ASSERT_NE(NULL, self->room);
	ASSERT_EQ(0, initramfs_open(&self->initramfs, self->room, ROOM));
}

FIXTURE_TEARDOWN(modules)
{
	char command[64];

	modules_release(&self->modules);
	initramfs_close(&self->initramfs);
	snprintf(command, sizeof(command), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(command));
	free(self->room);
}

static bool is(const struct modules *modules, size_t i, const char *name, unsigned int device)
{
	const char *path = modules->files[i].path;

	return i < modules->n && !strcmp(strrchr(path, '/') + 1, name) &&
	       modules->files[i].device == device;
}

TEST_F(modules, in_order)
{
	struct modules *modules = &self->modules;

	ASSERT_EQ(0, modules_find(modules, "lib/modules", "1.0"));
	ASSERT_EQ(5, modules->n);
	EXPECT_TRUE(is(modules, 0, "virtio.ko", 0));
	EXPECT_TRUE(is(modules, 1, "virtio_mmio.ko", 0));
	/* What two drivers want is for any machine. */
	EXPECT_TRUE(is(modules, 2, "shared.ko", 0));
	EXPECT_TRUE(is(modules, 3, "virtio_blk.ko.xz", VIRTIO_ID_BLOCK));
	EXPECT_TRUE(is(modules, 4, "virtio-rng.ko", VIRTIO_ID_RNG));
}

TEST_F(modules, added)
{
	const uint8_t *end;

	ASSERT_EQ(0, modules_find(&self->modules, "lib/modules", "1.0"));
	ASSERT_EQ(0, modules_add(&self->modules, &self->initramfs, "m"));
	ASSERT_EQ(0, initramfs_finish(&self->initramfs));
	end = self->room + self->initramfs.bytes;
	EXPECT_NE(NULL, memmem(self->room, end - self->room, "m/order", 8));
	EXPECT_NE(NULL, memmem(self->room, end - self->room,
			       ORDER, strlen(ORDER)));
	EXPECT_NE(NULL, memmem(self->room, end - self->room, "m/virtio_blk.ko", 16));
	/* Uncompressed. */
	EXPECT_NE(NULL, memmem(self->room, end - self->room, "plain text", 10));
	EXPECT_EQ(NULL, memmem(self->room, end - self->room, "unwanted", 8));
}

/* No folder, one without anything in it, and no release at all: no modules, no error. */
TEST_F(modules, none)
{
	EXPECT_EQ(0, modules_find(&self->modules, "lib/modules", "3.0"));
	EXPECT_EQ(0, self->modules.n);
	EXPECT_EQ(0, modules_find(&self->modules, "lib/modules", "2.0"));
	EXPECT_EQ(0, self->modules.n);
	EXPECT_EQ(0, modules_find(&self->modules, "lib/modules", ""));
	EXPECT_EQ(0, self->modules.n);
	EXPECT_EQ(0, modules_add(&self->modules, &self->initramfs, "m"));
	EXPECT_EQ(0, self->initramfs.bytes);
}

/* A file that was there when depmod looked. */
TEST_F(modules, missing)
{
	ASSERT_EQ(0, modules_find(&self->modules, "lib/modules", "1.0"));
	EXPECT_EQ(0, unlink("lib/modules/1.0/kernel/virtio.ko"));
	EXPECT_EQ(-1, modules_add(&self->modules, &self->initramfs, "m"));
	EXPECT_NE(NULL, strstr(error_text(), "virtio.ko"));
}

TEST_HARNESS_MAIN
