// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/state.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "client/client.h"
#include "machine/partition.h"
#include "oci/config.h"
#include "runtime/globals.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME	"bulkhead.json"

/* By this one knows a container of crun's, whose folder has the same name. */
#define CRUN_FILE	"status"

static int path_of(char path[PATH_MAX], const char *id, const char *file)
{
	/* What isn't a name could be a path. */
	if (partition_check_name(id))
		return -1;
	if (snprintf(path, PATH_MAX, "%s/%s/%s", globals.root, id, file) >= PATH_MAX)
		return fail("--root: %s: too long", globals.root);
	return 0;
}

static int make_root(void)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", globals.root) >= (int)sizeof(path))
		return fail("--root: %s: too long", globals.root);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return fail_errno("--root: %s", path);
		*slash = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? fail_errno("--root: %s", path) : 0;
}

int state_create(const char *id)
{
	char path[PATH_MAX];

	if (make_root() || path_of(path, id, ""))
		return -1;
	if (!mkdir(path, 0700))
		return 0;
	return errno == EEXIST ? fail("container `%s` already exists", id) : fail_errno("%s", path);
}

bool state_is_taken(const char *id)
{
	char path[PATH_MAX];

	return !path_of(path, id, "") && !access(path, F_OK);
}

static json_t *make(const char *id, const char *bundle, const json_t *config)
{
	json_t *annotations = json_object_get(config, "annotations");
	json_t *root = json_object_get(config, "root");
	char text[sizeof("2026-01-01T00:00:00.000000000Z") + 16];
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
	snprintf(text + strlen(text), 16, ".%09ldZ", now.tv_nsec);
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "id", id, "bundle", bundle, "rootfs",
			 json_string_value(json_object_get(root, "path")),
			 "created", text, "owner", (int)getuid(),
			 "annotations", annotations ? json_deep_copy(annotations) : json_object());
}

int state_save(const char *id, const char *bundle, const json_t *config)
{
	json_t *state = make(id, bundle, config);
	char path[PATH_MAX];
	int result = 0;

	if (!state)
		return fail("no memory for the container's state");
	if (path_of(path, id, FILE_NAME))
		result = -1;
	else if (json_dump_file(state, path, JSON_COMPACT))
		result = fail_errno("%s", path);
	json_decref(state);
	return result;
}

void state_remove(const char *id)
{
	char path[PATH_MAX];

	if (path_of(path, id, FILE_NAME))
		return;
	unlink(path);
	if (!path_of(path, id, ""))
		rmdir(path);
}

json_t *state_load(const char *id)
{
	char path[PATH_MAX];
	json_t *state;

	if (path_of(path, id, FILE_NAME))
		return NULL;
	state = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(state))
		return state;
	json_decref(state);
	if (!access(path, F_OK)) {
		fail("%s: not a container's state; delete --force removes it", path);
		errno = EINVAL;
	} else {
		fail("container `%s` does not exist", id);
		errno = ENOENT;
	}
	return NULL;
}

bool state_exists(const char *id)
{
	json_t *state = state_load(id);

	json_decref(state);
	return state;
}

enum container_state state_ask(const char *id, int *pid)
{
	int socket cleanup_close = client_connect_named(id);
	struct frame_state state;

	*pid = 0;
	if (socket < 0 || client_state(socket, &state))
		return CONTAINER_STOPPED;
	*pid = state.pid;
	return state.state < CONTAINER_STOPPED ? state.state : CONTAINER_STOPPED;
}

int state_connect(const char *id_or_name)
{
	return state_is_taken(id_or_name) ? client_connect_named(id_or_name) :
					    client_connect(id_or_name);
}

json_t *state_report(const char *id)
{
	static const char *const names[] = {
		[CONTAINER_CREATING] = "creating",
		[CONTAINER_CREATED] = "created",
		[CONTAINER_RUNNING] = "running",
		[CONTAINER_PAUSED] = "paused",
		[CONTAINER_STOPPED] = "stopped",
	};
	json_t *state = state_load(id);
	enum container_state now;
	int pid;

	if (!state)
		return NULL;
	now = state_ask(id, &pid);
	json_object_set_new(state, "ociVersion", json_string(CONFIG_OCI_VERSION));
	json_object_set_new(state, "pid", json_integer(now == CONTAINER_STOPPED ? 0 : pid));
	json_object_set_new(state, "status", json_string(names[now]));
	return state;
}

int state_each(int (*found)(const char *id, void *data), void *data)
{
	DIR *folder = opendir(globals.root);
	struct dirent *entry;
	int result = 0;

	while (folder && !result && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			result = found(entry->d_name, data);
	if (folder)
		closedir(folder);
	return result;
}

bool state_is_crun(const char *id)
{
	char path[PATH_MAX];

	return !path_of(path, id, CRUN_FILE) && !access(path, F_OK);
}

static int sweep(const char *id, void *data)
{
	json_t *state = state_is_crun(id) ? NULL : state_load(id);
	const char *bundle = json_string_value(json_object_get(state, "bundle"));
	int runner;

	(void)data;
	if (bundle && access(bundle, F_OK) && errno == ENOENT) {
		state_ask(id, &runner);
		if (!runner)
			state_remove(id);
	}
	json_decref(state);
	return 0;
}

void state_sweep(void)
{
	state_each(sweep, NULL);
}
