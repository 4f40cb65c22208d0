// SPDX-License-Identifier: GPL-2.0-only
#include "container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct containers containers;

struct container *container_find(uint32_t id)
{
	struct container *container = containers.list;

	while (container && container->number != CONTAINER_OF(id))
		container = container->next;
	return container;
}

struct container *container_add(uint32_t id, const char *name)
{
	struct container *container = calloc(1, sizeof(*container));

	if (!container)
		return NULL;
	container->number = CONTAINER_OF(id);
	if (container->number)
		snprintf(container->name, sizeof(container->name), "%s.%u", name,
			 container->number);
	else
		snprintf(container->name, sizeof(container->name), "%s", name);
	container->next = containers.list;
	containers.list = container;
	return container;
}

void container_bundle(const struct container *container, char name[NAME_ROOM])
{
	snprintf(name, NAME_ROOM, "bundle.%u", container->number);
}

static void namespaces_name(const struct container *container, char name[NAME_ROOM])
{
	snprintf(name, NAME_ROOM, NAMESPACES, container->number);
}

void container_show_namespaces(const struct container *container)
{
	char name[NAME_ROOM], target[NAME_ROOM];

	namespaces_name(container, name);
	snprintf(target, sizeof(target), "/proc/%d/ns", container->init->pid);
	unlink(name);
	/* Without, who is to join it is told that there is no such namespace. */
	if (symlink(target, name) && errno != ENOENT)
		say("%s: %m", name);
}

void container_remove(struct container *container)
{
	struct container **at = &containers.list;
	char name[NAME_ROOM];

	while (*at != container)
		at = &(*at)->next;
	*at = container->next;
	while (container->processes)
		process_free(container->processes);
	container_bundle(container, name);
	if (!chdir(name)) {
		unlink("config.json");
		unlink("resources");
		if (chdir(containers.dir))
			die("%s: %m", containers.dir);
		rmdir(name);
	}
	namespaces_name(container, name);
	unlink(name);
	free(container->cgroup);
	free(container);
}
