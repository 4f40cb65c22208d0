// SPDX-License-Identifier: GPL-2.0-only
/* The initramfs: what goes in comes out again, and no byte beyond its room. Needs no VM. */
#include "../ctl/base/error.c"
#include "../ctl/base/file.c"
#include "../ctl/machine/initramfs.c"
#include "kselftest_harness.h"

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

static int pack(struct initramfs *initramfs, void *to, uint64_t room)
{
	int ret;

	if (initramfs_open(initramfs, to, room))
		return -1;
	ret = initramfs_add_dir(initramfs, "dir", 0751) ?:
	      initramfs_add_file(initramfs, "file", "dir/file", 0711) ?:
	      initramfs_add_file(initramfs, "file", "other", 0600) ?:
	      initramfs_add_data(initramfs, "some data", 9, "data", 0644) ?:
	      initramfs_finish(initramfs);
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

TEST_F(initramfs, holds_what_was_added)
{
	struct archive_entry *entry = archive_entry_new();
	char data[64];

#define FIND(name) find(self->room, self->initramfs.bytes, name, entry, data)
	write_text("file", "hello");
	ASSERT_EQ(0, pack(&self->initramfs, self->room, ROOM));
	EXPECT_FALSE(self->initramfs.full);
	EXPECT_EQ(3, self->initramfs.pages);

	ASSERT_TRUE(FIND("dir"));
	EXPECT_EQ(AE_IFDIR, archive_entry_filetype(entry));
	EXPECT_EQ(0751, archive_entry_perm(entry));
	ASSERT_TRUE(FIND("dir/file"));
	EXPECT_STREQ("hello", data);
	EXPECT_EQ(0711, archive_entry_perm(entry));
	ASSERT_TRUE(FIND("other"));
	EXPECT_STREQ("hello", data);
	ASSERT_TRUE(FIND("data"));
	EXPECT_STREQ("some data", data);
	archive_entry_free(entry);
}

/* With less room than needed, the need is told, and ASan sees no byte beyond. */
TEST_F(initramfs, has_no_room)
{
	uint64_t needed;
	uint8_t *room;

	write_text("file", "hello");
	ASSERT_EQ(0, truncate("file", 100000));
	ASSERT_EQ(0, pack(&self->initramfs, self->room, ROOM));
	needed = self->initramfs.bytes;
	for (uint64_t bytes = 0; bytes < needed; bytes += 7777) {
		room = malloc(bytes);
		ASSERT_EQ(0, pack(&self->initramfs, room, bytes));
		free(room);
		EXPECT_TRUE(self->initramfs.full);
		EXPECT_EQ(needed, self->initramfs.bytes);
		EXPECT_EQ(51, self->initramfs.pages);
	}
	room = malloc(needed);
	ASSERT_EQ(0, pack(&self->initramfs, room, needed));
	EXPECT_FALSE(self->initramfs.full);
	free(room);
}

TEST_F(initramfs, missing)
{
	EXPECT_EQ(-1, pack(&self->initramfs, self->room, ROOM));
	EXPECT_NE(NULL, strstr(error_text(), "file"));
}

TEST_HARNESS_MAIN
