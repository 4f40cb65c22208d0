// SPDX-License-Identifier: GPL-2.0-only
#include "machine/initramfs.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PAGE		4096
#define CHUNK		(64 * 1024)

static void cleanup_entryp(struct archive_entry **entry)
{
	archive_entry_free(*entry);
}

#define cleanup_entry	__attribute__((cleanup(cleanup_entryp)))

static ssize_t write_archive(struct archive *archive, void *data, const void *buffer, size_t length)
{
	struct initramfs *initramfs = data;

	(void)archive;
	if (initramfs->full || length > initramfs->room - initramfs->bytes)
		initramfs->full = true;
	else
		memcpy(initramfs->to + initramfs->bytes, buffer, length);
	initramfs->bytes += length;
	return length;
}

static int no_memory(void)
{
	errno = ENOMEM;
	return fail_errno("initramfs");
}

static int archive_error(struct archive *archive, const char *path)
{
	const char *text = archive_error_string(archive) ?: "can't be archived";

	errno = archive_errno(archive);
	return errno > 0 ? fail_errno("%s: %s", path, text) : fail("%s: %s", path, text);
}

int initramfs_open(struct initramfs *initramfs, void *to, uint64_t room)
{
	*initramfs = (struct initramfs){ .to = to, .room = room };
	initramfs->archive = archive_write_new();
	if (!initramfs->archive)
		return no_memory();
	/* No blocks: each piece is written where it belongs at once. */
	if (archive_write_set_format_cpio_newc(initramfs->archive) ||
	    archive_write_set_bytes_per_block(initramfs->archive, 0) ||
	    archive_write_open(initramfs->archive, initramfs, NULL, write_archive, NULL)) {
		archive_error(initramfs->archive, "initramfs");
		initramfs_close(initramfs);
		return -1;
	}
	return 0;
}

/* Writes the header of @entry. */
static int add_header(struct initramfs *initramfs, struct archive_entry *entry, const char *path)
{
	archive_entry_set_ino(entry, ++initramfs->entries);
	initramfs->pages += (archive_entry_size(entry) + PAGE - 1) / PAGE;
	if (archive_write_header(initramfs->archive, entry) != ARCHIVE_OK)
		return archive_error(initramfs->archive, path);
	return 0;
}

static int write_data(struct initramfs *initramfs, const void *data, size_t length,
		      const char *path)
{
	if (archive_write_data(initramfs->archive, data, length) != (la_ssize_t)length)
		return archive_error(initramfs->archive, path);
	return 0;
}

int initramfs_add_dir(struct initramfs *initramfs, const char *name, mode_t mode)
{
	struct archive_entry *entry cleanup_entry = archive_entry_new();

	if (!entry)
		return no_memory();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFDIR);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_size(entry, 0);
	return add_header(initramfs, entry, name);
}

int initramfs_add_file(struct initramfs *initramfs, const char *path, const char *name,
		       mode_t mode)
{
	int fd cleanup_close = -1;
	struct archive_entry *entry cleanup_entry = archive_entry_new();
	static char buffer[CHUNK];
	struct stat stat;
	int64_t done = 0;

	if (!entry)
		return no_memory();
	fd = file_open(path, &stat);
	if (fd < 0)
		return -1;
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_size(entry, stat.st_size);
	if (add_header(initramfs, entry, path))
		return -1;
	while (done < stat.st_size) {
		ssize_t n = file_read(fd, buffer, sizeof(buffer), done);

		if (n < 0)
			return fail_errno("%s", path);
		if (n == 0 || n > stat.st_size - done)
			return fail("%s: changed while it was read", path);
		if (write_data(initramfs, buffer, n, path))
			return -1;
		done += n;
	}
	return 0;
}

int initramfs_add_data(struct initramfs *initramfs, const void *data, size_t length,
		       const char *name, mode_t mode)
{
	struct archive_entry *entry cleanup_entry = archive_entry_new();

	if (!entry)
		return no_memory();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_size(entry, length);
	if (add_header(initramfs, entry, name))
		return -1;
	return write_data(initramfs, data, length, name);
}

int initramfs_finish(struct initramfs *initramfs)
{
	if (archive_write_close(initramfs->archive) != ARCHIVE_OK)
		return archive_error(initramfs->archive, "initramfs");
	return 0;
}

void initramfs_close(struct initramfs *initramfs)
{
	archive_write_free(initramfs->archive);
}
