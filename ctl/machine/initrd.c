// SPDX-License-Identifier: GPL-2.0-only
/*
 * The initrd is the guest image of the kernel's release. guest/make-image builds it, on first use
 * and when something that it was made of has changed. To see that, each file is looked at here.
 */
#include "machine/initrd.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/size.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where images are, and what the one for kernels is called that don't say their release. */
#define IMAGES		"/var/lib/bulkhead"
#define NO_RELEASE	"none"

#define ABSENT		"- - "

#define MiB		0x100000UL
#define PAGE		4096ULL

/*
 * What a kernel keeps of memory besides its image, for page tables, percpu areas and hash tables,
 * and for each 64 bytes of memory one byte of struct page. Stock kernels of Debian were measured.
 */
#define KERNEL_OVERHEAD		(8 * MiB)
#define STRUCT_PAGE_SHIFT	6

/* Files take whole pages: unpacked, an image is larger by at most a sixteenth. */
#define UNPACKED_SHIFT		4

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * The archive lies behind the kernel's first memory. While it is unpacked, it and the files are in
 * memory at once, and tmpfs, which takes them, has at most half of what the kernel had free before.
 */
static uint64_t needed_memory(uint64_t bytes, const struct image *image)
{
	uint64_t unpacked = bytes + (bytes >> UNPACKED_SHIFT);
	uint64_t kernel = KERNEL_OVERHEAD;
	uint64_t needed;

	for (unsigned int i = 0; i < image->n_segments; i++)
		kernel += image->segments[i].bytes;
	needed = kernel + bytes + 2 * unpacked;
	needed += needed >> STRUCT_PAGE_SHIFT;
	needed = max(needed, image->end + PAGE + bytes);
	return (needed + MiB - 1) / MiB;
}

/* Whether a file is as a line says: "SIZE SECONDS.NANOSECONDS PATH", or that it isn't there. */
static bool is_as_before(char *line)
{
	long long size, seconds;
	long nanoseconds;
	struct stat stat_buffer;
	int path = 0;

	line[strcspn(line, "\n")] = 0;
	if (!strncmp(line, ABSENT, strlen(ABSENT)))
		return stat(line + strlen(ABSENT), &stat_buffer) && errno == ENOENT;
	if (sscanf(line, "%lld %lld.%9ld %n", &size, &seconds, &nanoseconds, &path) != 3 || !path)
		return false;
	return !stat(line + path, &stat_buffer) && stat_buffer.st_size == size &&
	       stat_buffer.st_mtim.tv_sec == seconds && stat_buffer.st_mtim.tv_nsec == nanoseconds;
}

/* Whether all that an image was made of, which the file @path lists, is as it was. */
static bool is_current(const char *path)
{
	char *line cleanup_free = NULL;
	FILE *inputs = fopen(path, "re");
	bool current = false;
	size_t room = 0;

	if (!inputs)
		return false;
	while (getline(&line, &room, inputs) > 0) {
		current = is_as_before(line);
		if (!current)
			break;
	}
	current = current && !ferror(inputs);
	fclose(inputs);
	return current;
}

/* Starts the program with a pipe for all that it says. It isn't to read what is the command's. */
static int start_program(const char *program, char *const *args, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	int error;

	if (pipe2(ends, O_CLOEXEC))
		return fail_errno("%s", program);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	error = posix_spawn(pid, program, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (!error)
		return ends[0];
	close(ends[0]);
	if (error == ENOENT)
		return fail("no %s, which builds guest images; install bulkhead", program);
	errno = error;
	return fail_errno("%s", program);
}

static int make_image(const char *program, const char *dir, const char *release)
{
	char *const args[] = { (char *)program, (char *)dir, (char *)release, NULL };
	char why[512] = "no reason given";
	FILE *said;
	int status;
	pid_t pid;
	int fd;

	/* It takes a moment, and happens now and then. */
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "bulkhead: building the guest image for %s ...\n", release);
	fd = start_program(program, args, &pid);
	if (fd < 0)
		return -1;
	said = fdopen(fd, "r");
	while (said && fgets(why, sizeof(why), said))
		;
	if (said)
		fclose(said);
	if (waitpid(pid, &status, 0) < 0)
		return fail_errno("%s", program);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	why[strcspn(why, "\n")] = 0;
	return fail("can't build the guest image for %s: %s", release, why);
}

/* Opens the image in @dir, which @program builds if need be. Returns a descriptor. */
static int open_image(const char *program, const char *dir, const char *release, struct stat *stat)
{
	char *inputs cleanup_free = NULL;
	char *path cleanup_free = NULL;

	if (asprintf(&inputs, "%s/%s.inputs", dir, release) < 0 ||
	    asprintf(&path, "%s/%s.cpio", dir, release) < 0)
		return fail_errno("guest image");
	if ((!is_current(inputs) || access(path, F_OK)) && make_image(program, dir, release))
		return -1;
	return file_open(path, stat);
}

/* Reads the image into memory. */
static int read_image(int fd, uint64_t bytes, const struct image *image,
		      const struct memory *memory, struct initrd *initrd)
{
	struct initrd room = boot_initrd_room(image, memory);
	uint64_t needed = needed_memory(bytes, image);
	char have[SIZE_TEXT];
	ssize_t n;

	if (needed > memory->size / MiB || bytes > room.bytes)
		return fail("kernel and guest image need %luM of memory, and it is %s; "
			    "give more by --memory", needed, size_format(memory->size, have));
	n = file_read(fd, memory_at(memory, room.guest_addr, bytes), bytes, 0);
	if (n < 0)
		return fail_errno("guest image");
	*initrd = (struct initrd){ .guest_addr = room.guest_addr, .bytes = n };
	return 0;
}

int initrd_make(struct initrd *initrd, const struct image *image, const struct memory *memory)
{
	int fd cleanup_close = -1;
	char release[IMAGE_RELEASE];
	struct stat stat;

	image_release(image, release);
	fd = open_image(BULKHEAD_MAKE_IMAGE, IMAGES, release[0] ? release : NO_RELEASE, &stat);
	return fd < 0 ? -1 : read_image(fd, stat.st_size, image, memory, initrd);
}
