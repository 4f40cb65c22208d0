// SPDX-License-Identifier: GPL-2.0-only
#include "machine/memory.h"
#include "base/error.h"
#include "base/size.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <linux/bulkhead.h>

int memory_check_size(uint64_t size)
{
	const uint64_t limit = BULKHEAD_MEM_END - (MEMORY_HOLE_END - MEMORY_HOLE_START);
	char text[SIZE_TEXT], max[SIZE_TEXT];
	long page = sysconf(_SC_PAGESIZE);
	struct sysinfo host;
	uint64_t total;

	size_format(size, text);
	if (!size)
		return fail("a partition needs memory; give a size such as 256M");
	if (size % page)
		return fail("%lu bytes: not a multiple of the page size, %ld", size, page);
	if (sysinfo(&host))
		return fail_errno("can't tell how much memory the host has");
	total = (uint64_t)host.totalram * host.mem_unit;
	if (size > total)
		return fail("%s: more than the host has, %s", text, size_format(total, max));
	if (size > limit)
		return fail("%s: more than a partition can have, %s", text,
			    size_format(limit, max));
	return 0;
}

int memory_create(struct memory *memory, uint64_t size)
{
	void *base;
	int fd;

	fd = memfd_create("bulkhead-guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return fail_errno("can't create guest memory");
	/* Sealed: nobody that is given the memfd, a backend say, can cut it under the guest. */
	if (ftruncate(fd, size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		fail_errno("can't size guest memory");
		goto close_fd;
	}
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED) {
		fail_errno("can't map guest memory");
		goto close_fd;
	}
	/* Has an effect where the host's administrator lets shared memory have huge pages. */
	madvise(base, size, MADV_HUGEPAGE);
	*memory = (struct memory){ .fd = fd, .base = base, .size = size };
	return 0;

close_fd:
	close(fd);
	return -1;
}

void memory_destroy(struct memory *memory)
{
	munmap(memory->base, memory->size);
	close(memory->fd);
}

uint64_t memory_low_end(const struct memory *memory)
{
	return memory->size < MEMORY_HOLE_START ? memory->size : MEMORY_HOLE_START;
}

unsigned int memory_regions(const struct memory *memory,
			    struct memory_region regions[MEMORY_REGIONS_MAX])
{
	uint64_t low = memory_low_end(memory);

	regions[0] = (struct memory_region){ .guest_addr = 0, .bytes = low, .offset = 0 };
	if (memory->size == low)
		return 1;
	regions[1] = (struct memory_region){
		.guest_addr = MEMORY_HOLE_END,
		.bytes = memory->size - low,
		.offset = low,
	};
	return 2;
}

void *memory_at(const struct memory *memory, uint64_t guest_addr, uint64_t bytes)
{
	uint64_t low = memory_low_end(memory);

	if (guest_addr > low || bytes > low - guest_addr)
		return NULL;
	return memory->base + guest_addr;
}
