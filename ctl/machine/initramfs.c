// SPDX-License-Identifier: GPL-2.0-only
#include "machine/initramfs.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE		4096
#define CHUNK		(64 * 1024)

/* tmpfs keeps a longer target of a symbolic link in a page. */
#define SHORT_SYMLINK	128

/* A file with several names: the guest knows by the inode number that they are one. */
struct link {
	dev_t dev;
	int64_t host_inode;
	uint32_t inode;
};

static int compare_links(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->host_inode != y->host_inode)
		return x->host_inode < y->host_inode ? -1 : 1;
	return 0;
}

static void cleanup_archivep(struct archive **archive)
{
	archive_free(*archive);
}

static void cleanup_entryp(struct archive_entry **entry)
{
	archive_entry_free(*entry);
}

#define cleanup_archive	__attribute__((cleanup(cleanup_archivep)))
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

/*
 * Gives @entry an inode number of the archive's own: newc has 32 bits for it, file systems have 64.
 * Sets @again if another name of the same file came before. Returns -1 without memory.
 */
static int number(struct initramfs *initramfs, struct archive_entry *entry, bool *again)
{
	bool single = archive_entry_filetype(entry) == AE_IFDIR || archive_entry_nlink(entry) < 2;
	struct link *link, **found;

	*again = false;
	if (single) {
		archive_entry_set_nlink(entry, 1);
		archive_entry_set_ino(entry, ++initramfs->inodes);
		return 0;
	}
	link = malloc(sizeof(*link));
	if (!link)
		return no_memory();
	*link = (struct link){
		.dev = archive_entry_dev(entry),
		.host_inode = archive_entry_ino64(entry),
	};
	found = tsearch(link, &initramfs->links, compare_links);
	if (!found) {
		free(link);
		return no_memory();
	}
	if (*found == link) {
		link->inode = ++initramfs->inodes;
	} else {
		free(link);
		*again = true;
	}
	archive_entry_set_ino(entry, (*found)->inode);
	/* The number says it all. */
	archive_entry_set_dev(entry, 0);
	return 0;
}

/* What the entry will take in the guest's root. */
static void count(struct initramfs *initramfs, struct archive_entry *entry)
{
	uint64_t size = archive_entry_size(entry);
	const char *target = archive_entry_symlink(entry);

	if (target && strlen(target) >= SHORT_SYMLINK)
		size = strlen(target);
	initramfs->pages += (size + PAGE - 1) / PAGE;
}

/* Writes the header of @entry. Returns 1 if data is to follow, 0 if not, or -1. */
static int add_header(struct initramfs *initramfs, struct archive_entry *entry, const char *path)
{
	bool again;

	if (number(initramfs, entry, &again))
		return -1;
	/* The first name of a file brings its data. */
	if (again || archive_entry_filetype(entry) != AE_IFREG)
		archive_entry_set_size(entry, 0);
	count(initramfs, entry);
	if (archive_write_header(initramfs->archive, entry) != ARCHIVE_OK)
		return archive_error(initramfs->archive, path);
	return archive_entry_size(entry) > 0;
}

static int write_data(struct initramfs *initramfs, const void *data, size_t length,
		      const char *path)
{
	if (archive_write_data(initramfs->archive, data, length) != (la_ssize_t)length)
		return archive_error(initramfs->archive, path);
	return 0;
}

/* Copies the data of the file that @disk has reached; its holes become zeroes. */
static int copy_data(struct initramfs *initramfs, struct archive *disk, int64_t size,
		     const char *path)
{
	static const char zeroes[CHUNK];
	int64_t written = 0, offset;
	const void *data;
	size_t length;
	int result;

	/* There is no need to read what isn't kept: libarchive fills entries up with zeroes. */
	while (!initramfs->full) {
		result = archive_read_data_block(disk, &data, &length, &offset);
		if (result == ARCHIVE_EOF)
			offset = size;
		else if (result != ARCHIVE_OK)
			return archive_error(disk, path);
		if (offset < written || offset > size)
			break;
		while (written < offset) {
			int64_t hole = offset - written;

			if (hole > (int64_t)sizeof(zeroes))
				hole = sizeof(zeroes);
			if (write_data(initramfs, zeroes, hole, path))
				return -1;
			written += hole;
		}
		if (result == ARCHIVE_EOF)
			return 0;
		if ((int64_t)length > size - written)
			break;
		if (write_data(initramfs, data, length, path))
			return -1;
		written += length;
	}
	if (initramfs->full)
		return 0;
	return fail("%s: changed while it was read", path);
}

int initramfs_add_tree(struct initramfs *initramfs, const char *dir)
{
	/* Without links and trailing slashes: the names below are cut out of its own length on. */
	char *root cleanup_free = realpath(dir, NULL);
	struct archive *disk cleanup_archive = archive_read_disk_new();
	struct archive_entry *entry cleanup_entry = archive_entry_new();
	int result;

	if (!root)
		return fail_errno("%s", dir);
	if (!disk || !entry)
		return no_memory();
	/* newc has no place for the things not looked at. */
	archive_read_disk_set_behavior(disk, ARCHIVE_READDISK_NO_TRAVERSE_MOUNTS |
				       ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL |
				       ARCHIVE_READDISK_NO_FFLAGS);
	archive_read_disk_set_symlink_physical(disk);
	if (archive_read_disk_open(disk, root) != ARCHIVE_OK)
		return archive_error(disk, root);

	while ((result = archive_read_next_header2(disk, entry)) != ARCHIVE_EOF) {
		char *path cleanup_free = NULL;
		const char *name;
		int64_t size;

		if (result != ARCHIVE_OK)
			return archive_error(disk, root);
		path = strdup(archive_entry_pathname(entry) ?: "");
		if (!path)
			return no_memory();
		name = path + strlen(root);
		name += strspn(name, "/");
		archive_entry_set_pathname(entry, *name ? name : ".");
		size = archive_entry_size(entry);
		result = add_header(initramfs, entry, path);
		if (result > 0)
			result = copy_data(initramfs, disk, size, path);
		if (result)
			return -1;
		if (archive_entry_filetype(entry) == AE_IFDIR)
			archive_read_disk_descend(disk);
	}
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
	int result;

	if (!entry)
		return no_memory();
	fd = file_open(path, &stat);
	if (fd < 0)
		return -1;
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_size(entry, stat.st_size);
	result = add_header(initramfs, entry, path);
	if (result <= 0)
		return result;
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
	int result;

	if (!entry)
		return no_memory();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_size(entry, length);
	result = add_header(initramfs, entry, name);
	return result > 0 ? write_data(initramfs, data, length, name) : result;
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
	tdestroy(initramfs->links, free);
}
