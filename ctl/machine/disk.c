// SPDX-License-Identifier: GPL-2.0-only
#include "machine/disk.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR	512

/* Cuts a field off, up to a comma that stands alone, and makes one of each two in it. */
static char *next_field(char **rest)
{
	char *field = *rest;
	char *to = field;

	for (char *from = field; ; from++) {
		if (*from == ',' && from[1] != ',') {
			*rest = from + 1;
			break;
		}
		if (!*from) {
			*rest = NULL;
			break;
		}
		if (*from == ',')
			from++;
		*to++ = *from;
	}
	*to = 0;
	return field;
}

static int parse_serial(const char *text, struct disk *disk)
{
	size_t length = strlen(text);

	if (length > BULKHEAD_DISK_SERIAL)
		return fail("serial=%s: too long, %d characters at most", text,
			    BULKHEAD_DISK_SERIAL);
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return fail("serial=%s: only printable ASCII characters can be in it",
				    text);
	memcpy(disk->serial, text, length + 1);
	return 0;
}

static int parse_option(const char *text, struct disk *disk)
{
	static const char serial[] = "serial=";

	if (!strncmp(text, serial, strlen(serial)))
		return parse_serial(text + strlen(serial), disk);
	if (strcmp(text, "ro"))
		return fail("\"%s\": no such option; a comma in a path is doubled",
			    text);
	disk->read_only = true;
	return 0;
}

int disk_parse(const char *text, struct disk *disk)
{
	char *rest = strdup(text);

	if (!rest)
		return fail_errno("%s", text);
	*disk = (struct disk){ .fd = -1 };
	disk->path = next_field(&rest);
	if (!disk->path[0])
		return fail("%s: no path", text);
	while (rest)
		if (parse_option(next_field(&rest), disk))
			return error_prefix("%s", disk->path);
	return 0;
}

/* What isn't a disk may wait, or do something, when it is opened. */
static int check_type(const struct disk *disk, const struct stat *stat)
{
	if (S_ISDIR(stat->st_mode))
		return fail("%s: a directory; give a file or a block device", disk->path);
	if (!S_ISREG(stat->st_mode) && !S_ISBLK(stat->st_mode))
		return fail("%s: neither a file nor a block device", disk->path);
	return 0;
}

static int open_backing(const struct disk *disk, bool is_block)
{
	int flags = (disk->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;
	int fd;

	/* Of a block device, this keeps away file systems and all others that have it alone. */
	if (is_block && !disk->read_only)
		flags |= O_EXCL;
	fd = open(disk->path, flags);
	if (fd >= 0)
		return fd;
	fail_errno("%s", disk->path);
	if (errno == EBUSY)
		return fail("%s: in use; it is mounted, or something else has it alone",
			    disk->path);
	if (!disk->read_only && (errno == EACCES || errno == EPERM || errno == EROFS))
		return fail("%s; can't be written, add ,ro if it needn't be", error_text());
	return -1;
}

static int check_size(const struct disk *disk)
{
	struct stat stat;
	uint64_t size;

	if (fstat(disk->fd, &stat))
		return fail_errno("%s", disk->path);
	size = stat.st_size;
	if (S_ISBLK(stat.st_mode) && ioctl(disk->fd, BLKGETSIZE64, &size))
		return fail_errno("%s: can't tell its size", disk->path);
	if (!size)
		return fail("%s: empty; make it as large as the disk is to be, by truncate(1) say",
			    disk->path);
	if (size % SECTOR)
		return fail("%s: %lu bytes, which is not a multiple of %d", disk->path, size,
			    SECTOR);
	return 0;
}

static int lock_backing(const struct disk *disk)
{
	struct flock range = {
		.l_type = disk->read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (!fcntl(disk->fd, F_OFD_SETLK, &range))
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return fail_errno("%s: can't lock it", disk->path);
	if (disk->read_only)
		return fail("%s: in use by a partition or program that writes to it", disk->path);
	return fail("%s: in use by another partition or program; to share it, add ,ro to each",
		    disk->path);
}

int disk_open(struct disk *disk)
{
	struct stat stat_buffer;

	if (stat(disk->path, &stat_buffer))
		return fail_errno("%s", disk->path);
	if (check_type(disk, &stat_buffer))
		return -1;
	disk->fd = open_backing(disk, S_ISBLK(stat_buffer.st_mode));
	if (disk->fd < 0)
		return -1;
	/* The lock first: who else has the disk may be changing its size. */
	if (!lock_backing(disk) && !check_size(disk))
		return 0;
	close(disk->fd);
	disk->fd = -1;
	return -1;
}
