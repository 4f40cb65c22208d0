// SPDX-License-Identifier: GPL-2.0-only
/* Sizes and text, as the controller reads and prints them. Needs no VM. */
#include "../ctl/base/error.c"
#include "../ctl/base/size.c"
#include "../ctl/base/utf8.c"
#include "kselftest_harness.h"

TEST(sizes_are_read)
{
	static const char *const bad[] = {
		"", "K", "-1", "+1", " 1", "1 ", "1KB", "1KK", "0x10", "1.5G", "12Q", "one",
		"99999999999999999999", "99999999999999999999G", "18446744073709551615K",
		"17179869184G", "18014398509481984K",
	};
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "1K", 1024 }, { "1k", 1024 },
		{ "128M", 128ULL << 20 }, { "2G", 2ULL << 30 }, { "3t", 3ULL << 40 },
		{ "18446744073709551615", UINT64_MAX }, { "007", 7 },
	};
	uint64_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		bytes = 1;
		EXPECT_EQ(0, size_parse(good[i].text, &bytes));
		EXPECT_EQ(good[i].bytes, bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, size_parse(bad[i], &bytes)) {
			TH_LOG("%s", bad[i]);
		}
	}
}

TEST(sizes_are_written)
{
	char text[SIZE_TEXT];

	EXPECT_STREQ("0", size_format(0, text));
	EXPECT_STREQ("1023", size_format(1023, text));
	EXPECT_STREQ("1K", size_format(1024, text));
	EXPECT_STREQ("1.5K", size_format(1536, text));
	EXPECT_STREQ("256M", size_format(256 << 20, text));
	EXPECT_STREQ("1023.9M", size_format((1ULL << 30) - 1, text));
	EXPECT_STREQ("16777215.9T", size_format(UINT64_MAX, text));
}

static bool sanitized(const char *text, size_t length, const char *want)
{
	char *got = utf8_sanitize(text, length);
	bool same = got && !strcmp(got, want);

	free(got);
	return same;
}

#define R "\xef\xbf\xbd"
#define SANITIZED(text, want) EXPECT_TRUE(sanitized(text, sizeof(text) - 1, want))

TEST(utf8)
{
	SANITIZED("", "");
	SANITIZED("plain \t\n", "plain \t\n");
	SANITIZED("\xc3\xa4 \xe2\x82\xac", "\xc3\xa4 \xe2\x82\xac");
	SANITIZED("\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7");
	SANITIZED("a\0b", "a" R "b");
	SANITIZED("\x80", R);
	SANITIZED("\xff\xfe", R R);
	/* Cut off, */
	SANITIZED("\xc3", R);
	SANITIZED("\xe2\x82", R R);
	SANITIZED("\xf0\x9f\x90", R R R);
	SANITIZED("\xe2(x", R "(x");
	/* longer than needed, */
	SANITIZED("\xc0\x80", R R);
	SANITIZED("\xe0\x80\x80", R R R);
	SANITIZED("\xf0\x80\x80\x80", R R R R);
	/* a surrogate, and beyond the last character. */
	SANITIZED("\xed\xa0\x80", R R R);
	SANITIZED("\xf4\x90\x80\x80", R R R R);
}

TEST(errors)
{
	errno = ENOENT;
	EXPECT_EQ(-1, fail_errno("%s", "/x"));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_STREQ("/x: No such file or directory", error_text());
	EXPECT_EQ(-1, error_prefix("--kernel"));
	EXPECT_STREQ("--kernel: /x: No such file or directory", error_text());
	EXPECT_EQ(-1, fail("%s; or not", error_text()));
	EXPECT_STREQ("--kernel: /x: No such file or directory; or not", error_text());
}

TEST_HARNESS_MAIN
