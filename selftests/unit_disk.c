// SPDX-License-Identifier: GPL-2.0-only
/* --disk: what is written after it, and what can be a disk. Needs no VM. */
#include "../ctl/machine/disk.c"
#include "../ctl/base/error.c"
#include "kselftest_harness.h"

#include <stdlib.h>

static bool parsed(const char *text, const char *path, bool read_only, const char *serial)
{
	struct disk disk;
	bool same = !disk_parse(text, &disk) && !strcmp(disk.path, path) &&
		    disk.read_only == read_only && !strcmp(disk.serial, serial);

	free((void *)disk.path);
	return same;
}

TEST(options)
{
	static const char *const bad[] = {
		"", ",ro", ",,,", "disk,", "disk,rw", "disk,ro,", "disk,RO", "disk,serial",
		"disk,,ro,rx", "disk,ro=1", "disk,serial=123456789012345678901",
		"disk,serial=a\tb", "disk,serial=\xc3\xa4", "disk,serial=\x7f",
	};

	EXPECT_TRUE(parsed("disk", "disk", false, ""));
	EXPECT_TRUE(parsed("/a/b c", "/a/b c", false, ""));
	EXPECT_TRUE(parsed("disk,ro", "disk", true, ""));
	EXPECT_TRUE(parsed("disk,serial=12345678901234567890", "disk", false,
			   "12345678901234567890"));
	EXPECT_TRUE(parsed("disk,serial=a b,ro", "disk", true, "a b"));
	EXPECT_TRUE(parsed("disk,serial=", "disk", false, ""));
	EXPECT_TRUE(parsed("a,,b,,,ro", "a,b,", true, ""));
	EXPECT_TRUE(parsed("disk,,ro", "disk,ro", false, ""));
	EXPECT_TRUE(parsed("disk,serial=1,,2", "disk", false, "1,2"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct disk disk = { .path = NULL };

		/* ",,," is a path of a comma, and an option of no name. */
		EXPECT_EQ(-1, disk_parse(bad[i], &disk)) {
			TH_LOG("%s", bad[i]);
		}
		free((void *)disk.path);
	}
}

FIXTURE(open) {
	char dir[32];
	char path[64];
};

FIXTURE_SETUP(open)
{
	strcpy(self->dir, "/tmp/unit_disk.XXXXXX");
	ASSERT_TRUE(mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/disk", self->dir);
	close(open(self->path, O_CREAT | O_WRONLY, 0600));
	ASSERT_EQ(0, truncate(self->path, 4096));
}

FIXTURE_TEARDOWN(open)
{
	unlink(self->path);
	rmdir(self->dir);
}

static int try_open(const char *path, bool read_only)
{
	struct disk disk = { .path = path, .read_only = read_only, .fd = -1 };
	int result = disk_open(&disk);

	return result ? result : disk.fd;
}

#define FAILS(path, text) do { \
	EXPECT_EQ(-1, try_open(path, false)); \
	EXPECT_NE(NULL, strstr(error_text(), text)) { \
		TH_LOG("%s", error_text()); \
	} \
} while (0)

TEST_F(open, what_is_no_disk)
{
	FAILS("/nonesuch", "/nonesuch: No such file");
	FAILS(self->dir, "a directory");
	FAILS("/dev/null", "neither a file nor a block device");
	ASSERT_EQ(0, truncate(self->path, 0));
	FAILS(self->path, "empty");
	ASSERT_EQ(0, truncate(self->path, 511));
	FAILS(self->path, "511 bytes, which is not a multiple of 512");
	ASSERT_EQ(0, truncate(self->path, 513));
	FAILS(self->path, "not a multiple of 512");
	ASSERT_EQ(0, truncate(self->path, 512));
	close(try_open(self->path, false));
	/* A program's file can't be written while it runs. */
	FAILS("/proc/self/exe", "Text file busy");
}

TEST_F(open, readers_or_a_writer)
{
	int reader, other, writer = try_open(self->path, false);

	ASSERT_GE(writer, 0);
	FAILS(self->path, "in use by another");
	EXPECT_EQ(-1, try_open(self->path, true));
	EXPECT_NE(NULL, strstr(error_text(), "in use by a partition or program that writes"));
	/* The lock is the open file's, not the descriptor's. */
	other = dup(writer);
	close(writer);
	FAILS(self->path, "in use");
	close(other);

	reader = try_open(self->path, true);
	other = try_open(self->path, true);
	EXPECT_GE(reader, 0);
	EXPECT_GE(other, 0);
	FAILS(self->path, "in use");
	close(reader);
	FAILS(self->path, "in use");
	close(other);
	writer = try_open(self->path, false);
	EXPECT_GE(writer, 0);
	close(writer);
}

TEST_HARNESS_MAIN
