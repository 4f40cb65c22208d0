// SPDX-License-Identifier: GPL-2.0-only
#include "machine/modules.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "util.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <libkmod.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK		(64 * 1024)

/* A stock kernel's drivers for what machines have, and the virtio devices that they are for. */
static const struct {
	const char *name;
	unsigned int device;
} drivers[] = {
	{ "button", 0 },
	{ "evdev", 0 },
	{ "virtio_mmio", 0 },
	{ "virtio_blk", VIRTIO_ID_BLOCK },
	{ "virtio_console", VIRTIO_ID_CONSOLE },
	{ "virtio_rng", VIRTIO_ID_RNG },
	{ "virtio_balloon", VIRTIO_ID_BALLOON },
	{ "vmw_vsock_virtio_transport", VIRTIO_ID_VSOCK },
	{ "virtiofs", VIRTIO_ID_FS },
};

static void cleanup_kmodp(struct kmod_ctx **kmod)
{
	kmod_unref(*kmod);
}

static void cleanup_listp(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

static void cleanup_modulep(struct kmod_module **module)
{
	kmod_module_unref(*module);
}

static void cleanup_archivep(struct archive **archive)
{
	archive_read_free(*archive);
}

#define cleanup_kmod	__attribute__((cleanup(cleanup_kmodp)))
#define cleanup_list	__attribute__((cleanup(cleanup_listp)))
#define cleanup_module	__attribute__((cleanup(cleanup_modulep)))
#define cleanup_archive	__attribute__((cleanup(cleanup_archivep)))

static int no_memory(void)
{
	errno = ENOMEM;
	return fail_errno("modules of the guest's kernel");
}

static int add_file(struct modules *modules, const char *path, unsigned int device)
{
	struct module *files;

	/* What is built in has no file. */
	if (!path)
		return 0;
	for (size_t i = 0; i < modules->n; i++) {
		if (strcmp(modules->files[i].path, path))
			continue;
		/* Two drivers want it. */
		if (modules->files[i].device != device)
			modules->files[i].device = 0;
		return 0;
	}
	files = realloc(modules->files, (modules->n + 1) * sizeof(*files));
	if (!files)
		return no_memory();
	modules->files = files;
	files[modules->n].path = strdup(path);
	files[modules->n].device = device;
	if (!files[modules->n].path)
		return no_memory();
	modules->n++;
	return 0;
}

/* The module after those it depends on. */
static int add_module(struct modules *modules, struct kmod_module *module, unsigned int device)
{
	struct kmod_list *needed cleanup_list = kmod_module_get_dependencies(module);
	struct kmod_list *at;

	kmod_list_foreach(at, needed) {
		struct kmod_module *other cleanup_module = kmod_module_get_module(at);

		if (add_file(modules, kmod_module_get_path(other), device))
			return -1;
	}
	return add_file(modules, kmod_module_get_path(module), device);
}

static int find_drivers(struct modules *modules, const char *path)
{
	static const char *const no_config[] = { NULL };
	struct kmod_ctx *kmod cleanup_kmod = NULL;

	/* What this host's configuration says is about its own kernel. */
	kmod = kmod_new(path, no_config);
	if (!kmod)
		return no_memory();
	kmod_set_log_priority(kmod, 0);

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		struct kmod_list *found cleanup_list = NULL;
		struct kmod_list *at;
		int error = kmod_module_new_from_lookup(kmod, drivers[i].name, &found);

		if (error < 0 && error != -ENOENT) {
			errno = -error;
			return fail_errno("%s: can't look modules up", path);
		}
		kmod_list_foreach(at, found) {
			struct kmod_module *module cleanup_module = kmod_module_get_module(at);

			if (add_module(modules, module, drivers[i].device))
				return -1;
		}
	}
	return 0;
}

int modules_find(struct modules *modules, const char *dir, const char *release)
{
	char *path cleanup_free = NULL;

	*modules = (struct modules){ 0 };
	if (asprintf(&path, "%s/%s", dir, release) < 0)
		return no_memory();
	if (!release[0] || access(path, F_OK) || !find_drivers(modules, path))
		return 0;
	modules_release(modules);
	return -1;
}

void modules_release(struct modules *modules)
{
	for (size_t i = 0; i < modules->n; i++)
		free(modules->files[i].path);
	free(modules->files);
	*modules = (struct modules){ 0 };
}

static int archive_failed(struct archive *archive, const char *path)
{
	const char *text = archive_error_string(archive);

	return fail("%s: %s", path, text ?: "can't be read");
}

/* Reads a module, whatever it is compressed with. Returns its text, to be freed, or NULL. */
static char *read_module(const char *path, size_t *length)
{
	struct archive *archive cleanup_archive = archive_read_new();
	struct archive_entry *entry;
	char *text = NULL;
	size_t room = 0;
	la_ssize_t n;

	*length = 0;
	if (!archive) {
		no_memory();
		return NULL;
	}
	if (archive_read_support_filter_all(archive) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(archive) != ARCHIVE_OK ||
	    archive_read_open_filename(archive, path, CHUNK) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK) {
		archive_failed(archive, path);
		return NULL;
	}
	do {
		if (*length == room) {
			char *more = realloc(text, room ? 2 * room : CHUNK);

			if (!more) {
				no_memory();
				goto free_text;
			}
			text = more;
			room = room ? 2 * room : CHUNK;
		}
		n = archive_read_data(archive, text + *length, room - *length);
		if (n > 0)
			*length += n;
	} while (n > 0);
	if (!n)
		return text;
	archive_failed(archive, path);
free_text:
	free(text);
	return NULL;
}

/* The name without folder and what tells of compression: NAME.ko. */
static char *plain_name(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *end = strstr(name, ".ko");

	return strndup(name, end ? (size_t)(end - name) + 3 : strlen(name));
}

/* Adds a module, and its line to the order. */
static int add_one(const struct module *module, struct initramfs *initramfs, const char *name,
		   FILE *order)
{
	char *plain cleanup_free = plain_name(module->path);
	char *target cleanup_free = NULL;
	char *text cleanup_free = NULL;
	size_t length;

	if (!plain || asprintf(&target, "%s/%s", name, plain) < 0)
		return no_memory();
	text = read_module(module->path, &length);
	if (!text)
		return -1;
	fprintf(order, "%u %s\n", module->device, plain);
	return initramfs_add_data(initramfs, text, length, target, 0600);
}

int modules_add(const struct modules *modules, struct initramfs *initramfs, const char *name)
{
	char *target cleanup_free = NULL;
	char *text cleanup_free = NULL;
	FILE *order;
	size_t length;
	int result;

	if (!modules->n)
		return 0;
	if (asprintf(&target, "%s/order", name) < 0)
		return no_memory();
	order = open_memstream(&text, &length);
	if (!order)
		return no_memory();
	result = initramfs_add_dir(initramfs, name, 0700);
	for (size_t i = 0; !result && i < modules->n; i++)
		result = add_one(&modules->files[i], initramfs, name, order);
	if (fclose(order) && !result)
		result = no_memory();
	return result ?: initramfs_add_data(initramfs, text, length, target, 0600);
}
