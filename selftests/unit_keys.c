// SPDX-License-Identifier: GPL-2.0-only
/* The keys by which a console is detached. */
#include "../ctl/base/error.c"
#include "../ctl/terminal/keys.c"
#include "kselftest_harness.h"

static bool parses(const char *text, const char *codes)
{
	struct keys keys;

	return !keys_parse(text, &keys) && keys.n == strlen(codes) &&
	       !memcmp(keys.key, codes, keys.n) && !keys.typed;
}

static bool fails(const char *text)
{
	struct keys keys;

	return keys_parse(text, &keys) == -1 && strstr(error_text(), text);
}

TEST(parse)
{
	EXPECT_TRUE(parses("", ""));
	EXPECT_TRUE(parses("ctrl-p,ctrl-q", "\x10\x11"));
	EXPECT_TRUE(parses("a", "a"));
	EXPECT_TRUE(parses("A,b,0,-", "Ab0-"));
	EXPECT_TRUE(parses("ctrl-a,ctrl-z", "\x01\x1a"));
	EXPECT_TRUE(parses("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\x1b\x1c\x1d\x1e\x1f"));
	EXPECT_TRUE(parses("DEL", "\x7f"));
	EXPECT_TRUE(parses("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", "abcdefghijklmnop"));
}

TEST(parse_control_at)
{
	struct keys keys;

	ASSERT_EQ(0, keys_parse("ctrl-@", &keys));
	EXPECT_EQ(1, keys.n);
	EXPECT_EQ(0, keys.key[0]);
}

TEST(parse_fails)
{
	EXPECT_TRUE(fails("ctrl-"));
	EXPECT_TRUE(fails("ctrl-P"));
	EXPECT_TRUE(fails("ctrl-1"));
	EXPECT_TRUE(fails("ctrl-pq"));
	EXPECT_TRUE(fails("Ctrl-p"));
	EXPECT_TRUE(fails("ab"));
	EXPECT_TRUE(fails("a,"));
	EXPECT_TRUE(fails(","));
	EXPECT_TRUE(fails("a,,b"));
	EXPECT_TRUE(fails("ctrl-p,"));
	EXPECT_TRUE(fails("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"));
}

/* Types @text in pieces of @piece bytes; returns what the guest gets. */
static const char *type(const char *sequence, const char *text, size_t piece, bool *found)
{
	static char got[256];
	size_t total = strlen(text), length = 0;
	struct keys keys;

	*found = false;
	if (keys_parse(sequence, &keys))
		return "";
	for (size_t i = 0; i < total && !*found; i += piece) {
		size_t n = total - i < piece ? total - i : piece, more;
		uint8_t *out = malloc(n + KEYS_MAX - 1);

		*found = keys_filter(&keys, (const uint8_t *)text + i, n, out, &more);
		memcpy(got + length, out, more);
		length += more;
		free(out);
	}
	got[length] = 0;
	return got;
}

static void check(struct __test_metadata *_metadata, const char *sequence, const char *text,
		  bool want_found, const char *want)
{
	bool found;
	size_t piece;

	for (piece = 1; piece <= strlen(text); piece++) {
		EXPECT_STREQ(want, type(sequence, text, piece, &found));
		EXPECT_EQ(want_found, found);
	}
}

TEST(filter)
{
	check(_metadata, "ctrl-p,ctrl-q", "abc", false, "abc");
	check(_metadata, "ctrl-p,ctrl-q", "abc\x10\x11", true, "abc");
	check(_metadata, "ctrl-p,ctrl-q", "\x10\x11more", true, "");
	/* Of a sequence that doesn't become whole, nothing is lost. */
	check(_metadata, "ctrl-p,ctrl-q", "\x10z\x11", false, "\x10z\x11");
	check(_metadata, "ctrl-p,ctrl-q", "\x10\x10\x11", true, "\x10");
	check(_metadata, "ctrl-p,ctrl-q", "\x10\x10", false, "\x10");
	/* One whose end is its beginning. */
	check(_metadata, "a,a,b", "aaab", true, "a");
	check(_metadata, "a,a,b", "aaxaab", true, "aax");
	check(_metadata, "a,b,a,b,c", "abababc", true, "ab");
	check(_metadata, "a,b,a,b,c", "ababa", false, "ab");
	check(_metadata, "a,b,a,b,c", "ababx", false, "ababx");
	check(_metadata, "x", "abxc", true, "ab");
	check(_metadata, "", "anything\x10\x11", false, "anything\x10\x11");
}

TEST_HARNESS_MAIN
