// SPDX-License-Identifier: GPL-2.0-only
/* The initrd: when it is built anew, by a program that isn't the real one. Needs no VM. */
#include "../ctl/base/error.c"
#include "../ctl/base/file.c"
#include "../ctl/base/size.c"
#include "../ctl/machine/boot.c"
#undef PAGE
#include "../ctl/machine/image.c"
#include "../ctl/machine/memory.c"
#undef MiB
#define BULKHEAD_MAKE_IMAGE	"./make"
#include "../ctl/machine/initrd.c"
#include "kselftest_harness.h"

#define KERNEL_END	(32 * MiB)

FIXTURE(initrd)
{
	char dir[32];
	struct stat stat;
};

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
}

/* Writes a program that ends by @end, after it has left a line in the file "made". */
static void write_program(const char *end)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "#!/bin/sh\n"
		 "echo $1 $2 >>made\n"
		 "stat -L -c '%%s %%.9Y %%n' one 'two words' >$1/$2.inputs\n"
		 "echo '- - absent' >>$1/$2.inputs\n"
		 "cat >$1/$2.cpio; echo image >>$1/$2.cpio\n"
		 "%s\n", end);
	write_text("make", text);
	chmod("make", 0700);
}

FIXTURE_SETUP(initrd)
{
	strcpy(self->dir, "/tmp/unit_initrd.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
	write_text("one", "1");
	write_text("two words", "22");
	write_program("exit 0");
}

FIXTURE_TEARDOWN(initrd)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(command));
}

/* Opens the image. Returns how often it was built so far, or -1 if it can't be. */
static int times_made(const char *release)
{
	struct stat stat;
	int fd = open_image("./make", ".", release, &stat);
	FILE *made = fopen("made", "r");
	char line[64];
	int n = 0;

	while (made && fgets(line, sizeof(line), made))
		n++;
	if (made)
		fclose(made);
	if (fd < 0)
		return -1;
	close(fd);
	return n;
}

TEST_F(initrd, built_once)
{
	EXPECT_EQ(1, times_made("1.0"));
	EXPECT_EQ(1, times_made("1.0"));
	/* Each release has an image. */
	EXPECT_EQ(2, times_made("2.0"));
	EXPECT_EQ(2, times_made("1.0"));
	EXPECT_EQ(2, times_made("2.0"));
}

TEST_F(initrd, built_anew)
{
	const struct timespec later[2] = { { .tv_sec = 5, .tv_nsec = 1 }, { 5, 1 } };
	const struct timespec latest[2] = { { .tv_sec = 5, .tv_nsec = 10 }, { 5, 10 } };
	const struct timespec old[2] = { { .tv_sec = 0 }, { 0 } };

	EXPECT_EQ(1, times_made("1.0"));
	/* Another size; other times, by a few nanoseconds, and one of 1970. */
	EXPECT_EQ(0, utimensat(AT_FDCWD, "one", old, 0));
	EXPECT_EQ(2, times_made("1.0"));
	write_text("one", "11");
	EXPECT_EQ(0, utimensat(AT_FDCWD, "one", old, 0));
	EXPECT_EQ(3, times_made("1.0"));
	EXPECT_EQ(0, utimensat(AT_FDCWD, "two words", later, 0));
	EXPECT_EQ(4, times_made("1.0"));
	EXPECT_EQ(0, utimensat(AT_FDCWD, "two words", latest, 0));
	EXPECT_EQ(5, times_made("1.0"));
	EXPECT_EQ(5, times_made("1.0"));
	/* A file that appears, and goes again; then what was built. */
	write_text("absent", "");
	EXPECT_EQ(6, times_made("1.0"));
	EXPECT_EQ(0, unlink("absent"));
	EXPECT_EQ(6, times_made("1.0"));
	EXPECT_EQ(0, unlink("1.0.cpio"));
	EXPECT_EQ(7, times_made("1.0"));
	EXPECT_EQ(0, unlink("1.0.inputs"));
	EXPECT_EQ(8, times_made("1.0"));
	EXPECT_EQ(8, times_made("1.0"));
}

/* Nothing, or nonsense, isn't current. */
TEST_F(initrd, unreadable_inputs)
{
	static const char *const texts[] = {
		"", "\n", "text\n", "1 2\n", "1 2.000000003\n", "1 2.000000003 ", "- -\n",
		"999999999999999999999 1.0 one\n", "1 one\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_text("inputs", texts[i]);
		EXPECT_FALSE(is_current("inputs")) {
			TH_LOG("%s", texts[i]);
		}
	}
	EXPECT_FALSE(is_current("nonesuch"));
	EXPECT_FALSE(is_current("."));
}

/* Of all that is said, the last line is why. What the command would read stays. */
TEST_F(initrd, program_fails)
{
	int input = open("one", O_RDONLY);

	ASSERT_LE(0, input);
	ASSERT_EQ(0, dup2(input, STDIN_FILENO));
	write_program("echo first; echo 'no room; make some' >&2; exit 3");
	EXPECT_EQ(-1, times_made("1.0"));
	EXPECT_STREQ("can't build the guest image for 1.0: no room; make some", error_text());
	EXPECT_EQ(0, lseek(STDIN_FILENO, 0, SEEK_CUR));
	write_program("kill -9 $$");
	EXPECT_EQ(-1, times_made("2.0"));
	EXPECT_NE(NULL, strstr(error_text(), "no reason given"));
	write_program("rm $1/$2.cpio");
	EXPECT_EQ(-1, times_made("3.0"));
	EXPECT_NE(NULL, strstr(error_text(), "3.0.cpio: No such file"));
	EXPECT_EQ(0, unlink("make"));
	EXPECT_EQ(-1, times_made("4.0"));
	EXPECT_NE(NULL, strstr(error_text(), "install bulkhead"));
}

/* What is too small for kernel and image is refused, and says what were enough: that is. */
TEST_F(initrd, memory)
{
	const struct image image = {
		.end = KERNEL_END, .initrd_max = 0x7fffffff, .n_segments = 1,
		.segments[0] = { .guest_addr = 16 * MiB, .bytes = 16 * MiB },
	};
	const uint64_t bytes = 8 * MiB + 5;
	uint64_t needed = needed_memory(bytes, &image);
	struct initrd initrd;
	struct memory memory;
	int fd;

	write_text("image", "first");
	ASSERT_EQ(0, truncate("image", bytes));
	fd = file_open("image", &self->stat);
	ASSERT_LE(0, fd);

	ASSERT_EQ(0, memory_create(&memory, (needed - 1) * MiB));
	EXPECT_EQ(-1, read_image(fd, bytes, &image, &memory, &initrd));
	EXPECT_NE(NULL, strstr(error_text(), "--memory"));
	memory_destroy(&memory);

	ASSERT_EQ(0, memory_create(&memory, needed * MiB));
	ASSERT_EQ(0, read_image(fd, bytes, &image, &memory, &initrd));
	EXPECT_EQ(KERNEL_END, initrd.guest_addr);
	EXPECT_EQ(bytes, initrd.bytes);
	EXPECT_EQ(0, memcmp(memory.base + KERNEL_END, "first", 6));
	memory_destroy(&memory);
	close(fd);
}

TEST_HARNESS_MAIN
