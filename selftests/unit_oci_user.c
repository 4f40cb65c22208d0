// SPDX-License-Identifier: GPL-2.0-only
/* Users by the files of a container, also of one that sets traps; and volumes. Needs no VM. */
#include "../ctl/base/error.c"
#include "../ctl/oci/field.c"
#include "../ctl/oci/user.c"
#include "../ctl/oci/volume.c"
#include "kselftest_harness.h"

#include <ftw.h>
#include <stdlib.h>

FIXTURE(root) {
	char root[40];
	char etc[64];
	char passwd[80];
	char group[80];
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return remove(path);
}

FIXTURE_SETUP(root)
{
	strcpy(self->root, "/tmp/unit_oci_user.XXXXXX");
	ASSERT_TRUE(mkdtemp(self->root));
	snprintf(self->etc, sizeof(self->etc), "%s/etc", self->root);
	snprintf(self->passwd, sizeof(self->passwd), "%s/passwd", self->etc);
	snprintf(self->group, sizeof(self->group), "%s/group", self->etc);
	ASSERT_EQ(0, mkdir(self->etc, 0700));
	write_file(self->passwd,
		   "root:x:0:0:root:/root:/bin/sh\n"
		   "not an entry\n"
		   "\n"
		   "alice:x:1000:100::/home/alice:/bin/sh\n"
		   "also:x:1000:200::/:/bin/sh\n"
		   "alice:x:1:1:second:/:/bin/sh\n"
		   "7:x:8:9:a number as name:/:/bin/sh\n"
		   "huge:x:4294967295:0::/:/bin/sh\n"
		   "hugest:x:99999999999999999999:0::/:/bin/sh\n"
		   "hugegroup:x:5:4294967295::/:/bin/sh\n"
		   "last:x:4294967294:4294967294::/:/bin/sh\n");
	write_file(self->group,
		   "root:x:0:\n"
		   "users:x:100:\n"
		   "wheel:x:10:root,alice\n"
		   "audio:x:29:alice\n"
		   "mal:x:30:alicex,xalice\n"
		   "huge:x:4294967295:last\n");
}

FIXTURE_TEARDOWN(root)
{
	nftw(self->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Whether the user is what JSON says, or else is refused with an error that has @wanted in it. */
static bool found(const char *root, const char *text, const char *wanted)
{
	json_t *user, *json;
	bool is_equal;

	if (user_find(root, text, &user))
		return !user && strstr(error_text(), wanted);
	json = json_loads(wanted, 0, NULL);
	is_equal = json && json_equal(user, json);
	json_decref(json);
	json_decref(user);
	return is_equal;
}

static void expect_found(struct __test_metadata *_metadata, const char *root, const char *text,
			 const char *wanted)
{
	EXPECT_TRUE(found(root, text, wanted)) {
		TH_LOG("%s: not %s; %s", text, wanted, error_text());
	}
}

#define EXPECT_FOUND(root, text, wanted)	expect_found(_metadata, root, text, wanted)

TEST_F(root, users)
{
	static const char *const cases[][2] = {
		{ "root", "{\"uid\": 0, \"gid\": 0, \"additionalGids\": [10]}" },
		{ "0", "{\"uid\": 0, \"gid\": 0, \"additionalGids\": [10]}" },
		/* The first entry counts. */
		{ "alice", "{\"uid\": 1000, \"gid\": 100, \"additionalGids\": [10, 29]}" },
		{ "1000", "{\"uid\": 1000, \"gid\": 100, \"additionalGids\": [10, 29]}" },
		{ "also", "{\"uid\": 1000, \"gid\": 200}" },
		{ "2000", "{\"uid\": 2000, \"gid\": 0}" },
		/* Digits are never a name. */
		{ "7", "{\"uid\": 7, \"gid\": 0}" },
		{ "007", "{\"uid\": 7, \"gid\": 0}" },
		{ "4294967294:4294967294", "{\"uid\": 4294967294, \"gid\": 4294967294}" },
		/* A group that is given is all. */
		{ "alice:wheel", "{\"uid\": 1000, \"gid\": 10}" },
		{ "alice:50", "{\"uid\": 1000, \"gid\": 50}" },
		{ "1000:audio", "{\"uid\": 1000, \"gid\": 29}" },
		{ "2000:3000", "{\"uid\": 2000, \"gid\": 3000}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_FOUND(self->root, cases[i][0], cases[i][1]);
}

TEST_F(root, refused)
{
	static const char *const cases[][2] = {
		{ "", "user : malformed" }, { ":", "malformed" }, { ":5", "malformed" },
		{ "alice:", "malformed" }, { "1:2:3", "malformed" },
		{ "bob", "user bob: bob: no such user in /tmp/unit_oci_user" },
		{ "bob:0", "no such user in" },
		{ "alice:staff", "staff: no such group in /tmp/unit_oci_user" },
		{ "1:staff", "/etc/group; give one of it" },
		{ "alic", "no such user" }, { "alicex", "no such user" },
		{ "not an entry", "no such user" },
		{ "-1", "-1: no such user" }, { "+1", "no such user" }, { " 1", "no such user" },
		{ "0x10", "no such user" }, { "1:-1", "-1: no such group" },
		{ "4294967295", "4294967295: out of range" },
		{ "18446744073709551616", "out of range" },
		{ "1:4294967295", "4294967295: out of range" },
		{ "huge", "huge: its id is larger than 4294967294" },
		{ "hugest", "hugest: no such user" },
		{ "hugegroup", "hugegroup: its id is larger" },
		{ "1:huge", "/etc/group: huge: its id is larger" },
		{ "last", "/etc/group: huge: its id is larger" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_FOUND(self->root, cases[i][0], cases[i][1]);
	EXPECT_FOUND("/nonesuch", "root", "no such user in /nonesuch/etc/passwd");
}

TEST_F(root, no_files)
{
	ASSERT_EQ(0, unlink(self->passwd));
	ASSERT_EQ(0, unlink(self->group));
	EXPECT_FOUND(self->root, "5", "{\"uid\": 5, \"gid\": 0}");
	EXPECT_FOUND(self->root, "5:6", "{\"uid\": 5, \"gid\": 6}");
	EXPECT_FOUND(self->root, "root", "root: no such user");
	EXPECT_FOUND(self->root, "5:root", "root: no such group");
	ASSERT_EQ(0, rmdir(self->etc));
	write_file(self->etc, "");
	EXPECT_FOUND(self->root, "5", "{\"uid\": 5, \"gid\": 0}");
	EXPECT_FOUND(self->root, "root", "root: no such user");
}

/* Makes the user "outside" known to a file of the host, and the container's lead there. */
TEST_F(root, links)
{
	char outside[] = "/tmp/unit_oci_user_outside.XXXXXX";
	int fd = mkstemp(outside);
	char up[80];

	ASSERT_LE(0, fd);
	close(fd);
	write_file(outside, "outside:x:1:1::/:\n");
	snprintf(up, sizeof(up), "../../../../..%s", outside);
	ASSERT_EQ(0, unlink(self->passwd));
	ASSERT_EQ(0, symlink(outside, self->passwd));
	EXPECT_FOUND(self->root, "outside", "no such user");
	ASSERT_EQ(0, unlink(self->passwd));
	ASSERT_EQ(0, symlink(up, self->passwd));
	EXPECT_FOUND(self->root, "outside", "no such user");
	/* A link of the container's directory is as bad. */
	ASSERT_EQ(0, unlink(self->passwd));
	ASSERT_EQ(0, unlink(self->group));
	ASSERT_EQ(0, rmdir(self->etc));
	ASSERT_EQ(0, symlink("/etc", self->etc));
	EXPECT_FOUND(self->root, "root", "/etc/passwd: Too many levels of symbolic links");
	ASSERT_EQ(0, unlink(self->etc));
	/* One that stays inside is fine, and absolute from the container's root. */
	ASSERT_EQ(0, mkdir(self->etc, 0700));
	write_file(self->group, "inside:x:3:\ninside:x:4:\n");
	ASSERT_EQ(0, symlink("/etc/../../etc/group", self->passwd));
	EXPECT_FOUND(self->root, "5:inside", "{\"uid\": 5, \"gid\": 3}");
	unlink(outside);
}

TEST_F(root, traps)
{
	ASSERT_EQ(0, unlink(self->passwd));
	ASSERT_EQ(0, mkfifo(self->passwd, 0600));
	EXPECT_FOUND(self->root, "root", "/etc/passwd: not a regular file");
	ASSERT_EQ(0, unlink(self->passwd));
	ASSERT_EQ(0, mkdir(self->passwd, 0700));
	EXPECT_FOUND(self->root, "0", "/etc/passwd: not a regular file");
	ASSERT_EQ(0, rmdir(self->passwd));
	write_file(self->passwd, "a:x:1:1::/:\n");
	ASSERT_EQ(0, truncate(self->passwd, ID_FILE_MAX));
	EXPECT_FOUND(self->root, "a", "{\"uid\": 1, \"gid\": 1}");
	ASSERT_EQ(0, truncate(self->passwd, ID_FILE_MAX + 1L));
	EXPECT_FOUND(self->root, "a", "/etc/passwd: larger than 1M");
	ASSERT_EQ(0, truncate(self->group, 1L << 40));
	write_file(self->passwd, "a:x:1:1::/:\n");
	EXPECT_FOUND(self->root, "a", "/etc/group: larger than 1M");
	EXPECT_FOUND(self->root, "a:1", "{\"uid\": 1, \"gid\": 1}");
}

TEST_F(root, volumes)
{
	static const char *const bad[][2] = {
		{ "", "not SRC:DST" }, { "/", "not SRC:DST" }, { ":/a", "not SRC:DST" },
		{ "/:/a:", "not SRC:DST" }, { "/:/a:rx", "not SRC:DST" },
		{ "/:/a:ro:rw", "no path can have a colon" }, { "/:/a:ro,z", "not SRC:DST" },
		{ "/:", "volume /:: : not an absolute path" },
		{ "/:a", "volume /:a: a: not an absolute path" },
		{ "/:/", "the container's root can't be" }, { "/://:ro", "the container's root" },
		{ "/nonesuch:/a", "volume /nonesuch:/a: /nonesuch: No such file" },
		{ "/:/\xff", "not UTF-8" },
	};
	static const char *const good[][2] = {
		{ "/tmp:/a", "rw" }, { "/tmp:/a:rw", "rw" }, { "/tmp:/a:ro", "ro" },
		{ "tmp:/a:ro", "ro" }, { "./tmp/../tmp/:/a:ro", "ro" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(NULL, volume_parse(bad[i][0]));
		EXPECT_NE(NULL, strstr(error_text(), bad[i][1])) {
			TH_LOG("%s: %s", bad[i][0], error_text());
		}
	}
	ASSERT_EQ(0, chdir("/"));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		json_t *mount = volume_parse(good[i][0]);
		json_t *wanted = json_pack("{s:s, s:s, s:s, s:[s, s, s]}", "destination", "/a",
					   "type", "bind", "source", "/tmp", "options", "rbind",
					   "rprivate", good[i][1]);

		EXPECT_TRUE(json_equal(wanted, mount)) {
			TH_LOG("%s: %s", good[i][0], error_text());
		}
		json_decref(wanted);
		json_decref(mount);
	}
}

TEST_HARNESS_MAIN
