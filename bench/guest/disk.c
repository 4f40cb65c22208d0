// SPDX-License-Identifier: GPL-2.0-only
/*
 * 4 KiB at random places of a virtio disk, past the page cache, a number of them outstanding. The
 * places are the same in each run.
 */
#include "bench.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DISK		"/dev/vda"
#define BLOCK		4096
#define DEPTH_MAX	32
#define WHOLE		(128 * 1024)

/* Argument of a case: requests outstanding, and whether they write. */
#define WRITE		0x100
#define DEPTH(arg)	((arg) & 0xff)

static int disk = -1;
static uint64_t blocks;
static aio_context_t aio;
static char *buffer;
static uint64_t seed;

/* xorshift64, G. Marsaglia, Xorshift RNGs. */
static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Reads and writes all of it, so that nothing is done for the first time in a run. */
static void prepare(const struct bench *bench)
{
	uint64_t bytes, at;

	if (disk >= 0)
		return;
	disk = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk < 0 || ioctl(disk, BLKGETSIZE64, &bytes))
		die(DISK ": %m");
	buffer = aligned_alloc(BLOCK, WHOLE);
	if (!buffer || syscall(SYS_io_setup, DEPTH_MAX, &aio))
		die("can't set up asynchronous I/O: %m");
	memset(buffer, 'b', WHOLE);
	for (at = 0; at < bytes; at += WHOLE)
		if (pwrite(disk, buffer, WHOLE, at) != WHOLE ||
		    pread(disk, buffer, WHOLE, at) != WHOLE)
			die(DISK ": can't read and write %lu: %m", at);
	blocks = bytes / BLOCK;
}

static void send(struct iocb **list, int n)
{
	int i;

	for (i = 0; i < n; i++)
		list[i]->aio_offset = next() % blocks * BLOCK;
	if (syscall(SYS_io_submit, aio, n, list) != n)
		die("can't submit I/O: %m");
}

static void run(const struct bench *bench, unsigned long count)
{
	unsigned long depth = DEPTH(bench->arg), submitted, done = 0;
	struct iocb iocbs[DEPTH_MAX] = { 0 }, *list[DEPTH_MAX];
	struct io_event events[DEPTH_MAX];
	unsigned long i;
	long got, n;

	seed = 0x62756c6b68656164;
	for (i = 0; i < depth; i++) {
		iocbs[i].aio_fildes = disk;
		iocbs[i].aio_lio_opcode = bench->arg & WRITE ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
		iocbs[i].aio_buf = (uintptr_t)buffer + i * BLOCK;
		iocbs[i].aio_nbytes = BLOCK;
		list[i] = &iocbs[i];
	}
	send(list, depth);
	submitted = depth;
	while (done < count) {
		got = syscall(SYS_io_getevents, aio, 1, DEPTH_MAX, events, NULL);
		if (got < 1)
			die("can't wait for I/O: %m");
		done += got;
		for (i = 0, n = 0; i < (unsigned long)got; i++) {
			if (events[i].res != BLOCK)
				die(DISK ": I/O failed: %lld", events[i].res);
			if (submitted + n < count)
				list[n++] = (struct iocb *)(uintptr_t)events[i].obj;
		}
		if (n)
			send(list, n);
		submitted += n;
	}
}

static const struct bench benches[] = {
	{ "disk-read-1", DISK, { 500, 2500 }, prepare, run, 1 },
	{ "disk-read-32", DISK, { 512, 2560 }, prepare, run, 32 },
	{ "disk-write-1", DISK, { 500, 2500 }, prepare, run, 1 | WRITE },
	{ "disk-write-32", DISK, { 512, 2560 }, prepare, run, 32 | WRITE },
};

const struct benches disk_benches = { benches, ARRAY_SIZE(benches) };
