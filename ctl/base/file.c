// SPDX-License-Identifier: GPL-2.0-only
#include "base/file.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int file_open(const char *path, struct stat *stat)
{
	/* Without O_NONBLOCK a FIFO would wait here for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return fail_errno("%s", path);
	if (!fstat(fd, stat) && S_ISREG(stat->st_mode))
		return fd;
	fail("%s: not a regular file", path);
	close(fd);
	return -1;
}

ssize_t file_read(int fd, void *to, size_t bytes, uint64_t offset)
{
	size_t have = 0;

	while (have < bytes) {
		ssize_t n = pread(fd, (char *)to + have, bytes - have, offset + have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += n;
	}
	return have;
}
