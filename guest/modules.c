// SPDX-License-Identifier: GPL-2.0-only
/* Loads the modules that came with the agent, in the order that came with them. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ORDER		MODULES_DIR "/order"
#define VIRTIO_DEVICES	"/sys/bus/virtio/devices"

#define ACPI_DEVICE	"/sys/bus/acpi/devices/LNRO0005:00"
#define ANY		0

/* Whether the kernel knows of a virtio device with this id. */
static bool has_device(unsigned int id)
{
	DIR *dir = opendir(VIRTIO_DEVICES);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char path[PATH_MAX];
		unsigned int device;
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), VIRTIO_DEVICES "/%s/device", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		found = fscanf(file, "%x", &device) == 1 && (id == ANY || device == id);
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void insert(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		say("can't load %s: %m", path);
	if (fd >= 0)
		close(fd);
}

static void insert_all(void)
{
	FILE *order = fopen(ORDER, "re");
	char path[PATH_MAX];
	char name[256];
	unsigned int device;

	/* A kernel with all drivers built in has none. */
	if (!order)
		return;
	while (fscanf(order, "%u %255s", &device, name) == 2) {
		snprintf(path, sizeof(path), MODULES_DIR "/%s", name);
		if (device == ANY || has_device(device))
			insert(path);
		unlink(path);
	}
	fclose(order);
	if (unlink(ORDER) || rmdir(MODULES_DIR))
		say("can't remove " MODULES_DIR ": %m");
}

void modules_load(void)
{
	insert_all();
	if (!access(ACPI_DEVICE, F_OK) && !has_device(ANY))
		say("no driver for virtio devices, in the kernel or as a module");
}
