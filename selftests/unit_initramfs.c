// SPDX-License-Identifier: GPL-2.0-only
/* The initramfs: what goes in comes out again, and no byte beyond its room. Needs no VM. */
#include "../ctl/base/error.c"
#include "../ctl/base/file.c"
#include "../ctl/machine/initramfs.c"
#include "kselftest_harness.h"

#include <fcntl.h>
#include <stdio.h>

#define ROOM	(8 << 20)

FIXTURE(initramfs) {
	char dir[32];
	uint8_t *room;
	struct initramfs initramfs;
};

FIXTURE_SETUP(initramfs)
{
	strcpy(self->dir, "/tmp/unit_initramfs.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
	ASSERT_EQ(0, mkdir("root", 0751));
	self->room = malloc(ROOM);
	ASSERT_NE(NULL, self->room);
}

FIXTURE_TEARDOWN(initramfs)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(command));
	free(self->room);
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
}

static int pack(struct initramfs *initramfs, const char *dir, void *to, uint64_t room)
{
	int ret;

	if (initramfs_open(initramfs, to, room))
		return -1;
	ret = initramfs_add_tree(initramfs, dir) ?: initramfs_finish(initramfs);
	initramfs_close(initramfs);
	return ret;
}

/* Finds an entry of the archive, with up to 63 bytes of its data. */
static bool find(const uint8_t *at, uint64_t bytes, const char *name, struct archive_entry *entry,
		 char data[64])
{
	struct archive *archive = archive_read_new();
	bool found = false;

	archive_read_support_format_cpio(archive);
	archive_read_open_memory(archive, at, bytes);
	while (!found && archive_read_next_header2(archive, entry) == ARCHIVE_OK)
		found = !strcmp(archive_entry_pathname(entry), name);
	memset(data, 0, 64);
	if (found)
		archive_read_data(archive, data, 63);
	archive_read_free(archive);
	return found;
}

TEST_F(initramfs, holds_the_tree)
{
	struct archive_entry *entry = archive_entry_new();
	char data[64];

#define FIND(name) find(self->room, self->initramfs.bytes, name, entry, data)
	write_text("root/file", "hello");
	ASSERT_EQ(0, chmod("root/file", 04755));
	ASSERT_EQ(0, mkdir("root/dir", 0700));
	ASSERT_EQ(0, symlink("../file", "root/dir/link"));
	ASSERT_EQ(0, mkfifo("root/fifo", 0600));
	write_text("outside", "secret");
	ASSERT_EQ(0, symlink("/etc", "root/etc"));
	/* A slash at its end makes no difference, nor does a link to it. */
	ASSERT_EQ(0, symlink("root", "other"));
	ASSERT_EQ(0, pack(&self->initramfs, "other/", self->room, ROOM));
	EXPECT_FALSE(self->initramfs.full);
	EXPECT_EQ(6, self->initramfs.inodes);
	EXPECT_EQ(1, self->initramfs.pages);

	ASSERT_TRUE(FIND("."));
	EXPECT_EQ(0751, archive_entry_perm(entry));
	ASSERT_TRUE(FIND("file"));
	EXPECT_STREQ("hello", data);
	EXPECT_EQ(04755, archive_entry_perm(entry));
	ASSERT_TRUE(FIND("dir/link"));
	EXPECT_STREQ("../file", archive_entry_symlink(entry));
	ASSERT_TRUE(FIND("fifo"));
	EXPECT_EQ(AE_IFIFO, archive_entry_filetype(entry));
	ASSERT_TRUE(FIND("etc"));
	EXPECT_EQ(AE_IFLNK, archive_entry_filetype(entry));
	EXPECT_FALSE(FIND("etc/passwd"));
	EXPECT_FALSE(FIND("outside"));
	archive_entry_free(entry);
}

TEST_F(initramfs, links_share_an_inode)
{
	struct archive_entry *entry = archive_entry_new();
	uint64_t inode;
	char data[64];
	size_t size;

	write_text("root/a", "hello");
	ASSERT_EQ(0, link("root/a", "root/b"));
	ASSERT_EQ(0, link("root/a", "c"));
	write_text("root/d", "other");
	ASSERT_EQ(0, link("root/d", "e"));
	ASSERT_EQ(0, pack(&self->initramfs, "root", self->room, ROOM));
	ASSERT_TRUE(FIND("a"));
	inode = archive_entry_ino64(entry);
	size = strlen(data);
	EXPECT_EQ(3, archive_entry_nlink(entry));
	ASSERT_TRUE(FIND("b"));
	EXPECT_EQ(inode, archive_entry_ino64(entry));
	/* The data is there once. */
	EXPECT_EQ(5, size + strlen(data));
	ASSERT_TRUE(FIND("d"));
	EXPECT_NE(inode, archive_entry_ino64(entry));
	EXPECT_STREQ("other", data);
	EXPECT_EQ(2, self->initramfs.pages);
	archive_entry_free(entry);
}

TEST_F(initramfs, holes_are_zero)
{
	struct archive_entry *entry = archive_entry_new();
	char data[64];
	int fd;

	fd = open("root/sparse", O_CREAT | O_WRONLY, 0600);
	ASSERT_EQ(0, ftruncate(fd, 1 << 20));
	ASSERT_EQ(3, pwrite(fd, "end", 3, (1 << 20) - 3));
	close(fd);
	memset(self->room, 0xa5, ROOM);
	ASSERT_EQ(0, pack(&self->initramfs, "root", self->room, ROOM));
	ASSERT_TRUE(FIND("sparse"));
	EXPECT_EQ(1 << 20, archive_entry_size(entry));
	EXPECT_EQ(0, data[0]);
	EXPECT_NE(NULL, memmem(self->room, self->initramfs.bytes, "\0\0\0end", 6));
	EXPECT_EQ(256, self->initramfs.pages);
	archive_entry_free(entry);
}

/* With less room than needed, the need is told, and ASan sees no byte beyond. */
TEST_F(initramfs, has_no_room)
{
	uint64_t needed;
	uint8_t *room;

	write_text("root/file", "hello");
	ASSERT_EQ(0, truncate("root/file", 100000));
	write_text("root/other", "hello");
	ASSERT_EQ(0, truncate("root/other", 100000));
	ASSERT_EQ(0, pack(&self->initramfs, "root", self->room, ROOM));
	needed = self->initramfs.bytes;
	for (uint64_t bytes = 0; bytes < needed; bytes += 7777) {
		room = malloc(bytes);
		ASSERT_EQ(0, pack(&self->initramfs, "root", room, bytes));
		free(room);
		EXPECT_TRUE(self->initramfs.full);
		EXPECT_EQ(needed, self->initramfs.bytes);
		EXPECT_EQ(50, self->initramfs.pages);
	}
	room = malloc(needed);
	ASSERT_EQ(0, pack(&self->initramfs, "root", room, needed));
	EXPECT_FALSE(self->initramfs.full);
	free(room);
}

TEST_F(initramfs, adds_what_is_not_in_the_tree)
{
	struct archive_entry *entry = archive_entry_new();
	char data[64];

	write_text("file", "agent");
	ASSERT_EQ(0, initramfs_open(&self->initramfs, self->room, ROOM));
	EXPECT_EQ(-1, initramfs_add_file(&self->initramfs, "missing", "x", 0700));
	ASSERT_EQ(0, initramfs_add_dir(&self->initramfs, ".dir", 0700));
	ASSERT_EQ(0, initramfs_add_file(&self->initramfs, "file", ".dir/file", 0711));
	ASSERT_EQ(0, initramfs_finish(&self->initramfs));
	initramfs_close(&self->initramfs);
	ASSERT_TRUE(FIND(".dir/file"));
	EXPECT_STREQ("agent", data);
	EXPECT_EQ(0711, archive_entry_perm(entry));
	archive_entry_free(entry);
}

TEST_F(initramfs, missing)
{
	EXPECT_EQ(-1, pack(&self->initramfs, "nonexistent", self->room, ROOM));
	EXPECT_NE(NULL, strstr(error_text(), "nonexistent"));
}

TEST_HARNESS_MAIN
