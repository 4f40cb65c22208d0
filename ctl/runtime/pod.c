// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/pod.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "client/client.h"
#include "oci/field.h"
#include "runner/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Whose value is "container" for one of a pod, and whose value then names the pod's first one. */
static const struct {
	const char *type;
	const char *sandbox;
} annotations[] = {
	{ "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id" },
	{ "io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID" },
};

/* The namespaces that a path can be of. Mounts, users and cgroups are each container's own. */
static const char *const types[] = { "ipc", "network", "pid", "uts" };

struct search {
	const json_t *config;
	const char *sandbox;	/* named by an annotation, or NULL */
	struct pod *pod;
	pid_t runner;		/* of what was found; 0 if nothing was */
};

static const char *find_sandbox(const json_t *config)
{
	json_t *all = json_object_get(config, "annotations");

	for (size_t i = 0; i < ARRAY_SIZE(annotations); i++) {
		const char *type = json_string_value(json_object_get(all, annotations[i].type));

		if (type && !strcmp(type, "container"))
			return json_string_value(json_object_get(all, annotations[i].sandbox));
	}
	return NULL;
}

/* Whether a path is that of a namespace of the container. */
static bool is_of(const char *path, const char *type, const struct frame_state *state)
{
	struct stat network;
	int pid, length = 0;

	if (sscanf(path, "/proc/%d/ns/%n", &pid, &length) == 1 && length)
		return (uint32_t)pid == state->pid;
	return !strcmp(type, "network") && !stat(path, &network) && state->network[1] &&
	       network.st_dev == state->network[0] && network.st_ino == state->network[1];
}

static bool is_shareable(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i], type))
			return true;
	return false;
}

/* Notes the types that the config shares with the container. Returns whether there are any. */
static bool note_joins(const struct search *search, const char *name,
		       const struct frame_state *state)
{
	json_t *namespaces = json_object_get(json_object_get(search->config, "linux"),
					     "namespaces");
	bool sandbox = search->sandbox && !strcmp(search->sandbox, name);
	bool found = sandbox;
	json_t *entry;
	size_t i;

	json_array_foreach(namespaces, i, entry) {
		const char *type = json_string_value(json_object_get(entry, "type"));
		const char *path = json_string_value(json_object_get(entry, "path"));

		if (!type || !path || !*path || !is_shareable(type) ||
		    json_object_get(search->pod->joins, type) ||
		    (!sandbox && !is_of(path, type, state)))
			continue;
		json_object_set_new(search->pod->joins, type, json_integer(state->number));
		found = true;
	}
	return found;
}

static int look(const char *name, void *data)
{
	int socket cleanup_close = client_connect_named(name);
	struct search *search = data;
	struct ucred runner = { 0 };
	socklen_t room = sizeof(runner);
	struct frame_state state;

	/* It has ended meanwhile. */
	if (socket < 0 || client_state(socket, &state) ||
	    getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &runner, &room))
		return 0;
	if (!note_joins(search, name, &state))
		return 0;
	if (search->runner && search->runner != runner.pid)
		return fail("linux.namespaces: of two partitions; a container can be in one");
	search->runner = runner.pid;
	if (!search->pod->name)
		search->pod->name = strdup(name);
	return search->pod->name ? 0 : fail("no memory to find a pod");
}

int pod_find(const json_t *config, struct pod *pod)
{
	struct search search = {
		.config = config,
		.sandbox = find_sandbox(config),
		.pod = pod,
	};

	*pod = (struct pod){ .joins = json_object() };
	return directory_each(look, &search) ? -1 : 0;
}
