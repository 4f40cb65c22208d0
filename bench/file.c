// SPDX-License-Identifier: GPL-2.0-only
/*
 * In a container: operations on files, in its working directory. There are new/0 to new/1299, which
 * nobody in the container has looked at yet; what else it takes, it makes itself.
 */
#include "mark.h"

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define SMALL		"small"
#define LARGE		"large"

#define SMALL_BYTES	4096
#define LARGE_BYTES	(1 << 20)

/* By how much at a time cp and cat read and write. */
#define PIECE		(128 << 10)

static char buffer[PIECE];

static int file_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* From its begin. */
static void file_read(int fd, size_t bytes)
{
	ssize_t n = 1;
	size_t done;

	for (done = 0; done < bytes && n > 0; done += n)
		n = pread(fd, buffer, sizeof(buffer), done);
	if (n <= 0)
		err(1, "can't read");
}

static void file_write(int fd, size_t bytes)
{
	size_t piece = bytes < sizeof(buffer) ? bytes : sizeof(buffer);
	size_t done;

	for (done = 0; done < bytes; done += piece)
		if (pwrite(fd, buffer, piece, done) != (ssize_t)piece)
			err(1, "can't write");
}

static void prepare(void)
{
	int fd = file_open(SMALL, O_RDWR | O_CREAT);

	memset(buffer, 'b', sizeof(buffer));
	file_write(fd, SMALL_BYTES);
	close(fd);
	fd = file_open(LARGE, O_RDWR | O_CREAT);
	file_write(fd, LARGE_BYTES);
	close(fd);
}

static void stat_new(unsigned long count)
{
	static unsigned int next;
	struct stat buf;
	char path[32];

	while (count--) {
		snprintf(path, sizeof(path), "new/%u", next++);
		if (stat(path, &buf))
			err(1, "%s", path);
	}
}

static void stat_known(unsigned long count)
{
	struct stat buf;

	while (count--)
		if (stat(SMALL, &buf))
			err(1, SMALL);
}

static void open_read_close(unsigned long count)
{
	while (count--) {
		int fd = file_open(SMALL, O_RDONLY);

		file_read(fd, SMALL_BYTES);
		close(fd);
	}
}

static void create_unlink(unsigned long count)
{
	while (count--) {
		close(file_open("created", O_WRONLY | O_CREAT | O_EXCL));
		if (unlink("created"))
			err(1, "unlink");
	}
}

static void read_opened(unsigned long count)
{
	while (count--) {
		int fd = file_open(LARGE, O_RDONLY);

		file_read(fd, LARGE_BYTES);
		close(fd);
	}
}

static void read_cached(unsigned long count)
{
	int fd = file_open(LARGE, O_RDONLY);

	/* Once more than is counted, in each run. */
	for (count++; count--;)
		file_read(fd, LARGE_BYTES);
	close(fd);
}

static void write_large(unsigned long count)
{
	int fd = file_open(LARGE, O_WRONLY);

	while (count--)
		file_write(fd, LARGE_BYTES);
	close(fd);
}

static const struct bench {
	const char *name;
	void (*run)(unsigned long count);
	unsigned long counts[2];
} benches[] = {
	{ "file-stat-new", stat_new, { 200, 1000 } },
	{ "file-stat", stat_known, { 500, 2500 } },
	{ "file-open", open_read_close, { 200, 1000 } },
	{ "file-create", create_unlink, { 100, 500 } },
	{ "file-read-opened", read_opened, { 4, 20 } },
	{ "file-read-cached", read_cached, { 20, 100 } },
	{ "file-write", write_large, { 4, 20 } },
};

int main(void)
{
	size_t i, k;

	prepare();
	for (i = 0; i < ARRAY_SIZE(benches); i++) {
		/* So that nothing else is done for the first time when it is counted. */
		benches[i].run(1);
		for (k = 0; k < ARRAY_SIZE(benches[i].counts); k++) {
			if (mark_begin(STDOUT_FILENO) || mark_wait(STDIN_FILENO, -1))
				err(1, "no answer to a mark");
			benches[i].run(benches[i].counts[k]);
			if (mark_end(STDOUT_FILENO, benches[i].name, benches[i].counts[k]) ||
			    mark_wait(STDIN_FILENO, -1))
				err(1, "no answer to a mark");
		}
	}
	return 0;
}
