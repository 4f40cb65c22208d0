// SPDX-License-Identifier: GPL-2.0-only
#include "runner/exec.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "oci/config.h"
#include "oci/field.h"
#include "protocol.h"

#include <stdlib.h>
#include <string.h>

/* The runner's environment isn't the command's: a variable that has no value gets it here. */
static json_t *write_env(const char *const *env)
{
	json_t *array = json_array();

	for (; env && *env; env++) {
		char *text cleanup_free = NULL;
		const char *value = strchr(*env, '=') ? NULL : getenv(*env);

		if (!strchr(*env, '=') && !value)
			continue;
		if (value && asprintf(&text, "%s=%s", *env, value) < 0)
			text = NULL;
		if (field_append(array, field_text(value ? text : *env))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

char *exec_write(const struct config_options *options, const char *cgroup)
{
	json_t *object = json_object();
	char *text = NULL;

	if (!field_set(object, "args", field_texts(options->args)) &&
	    !field_set(object, "env", write_env(options->env)) &&
	    (!options->user || !field_set(object, "user", field_text(options->user))) &&
	    (!options->workdir || !field_set(object, "cwd", field_text(options->workdir))) &&
	    (!cgroup || !field_set(object, "cgroup", field_text(cgroup))) &&
	    !field_set(object, "caps", field_texts(options->caps)) &&
	    !field_set(object, "noNewPrivileges", json_boolean(options->no_new_privileges))) {
		text = json_dumps(object, JSON_COMPACT);
		if (!text)
			fail("no memory for the command");
	}
	json_decref(object);
	return text;
}

static json_t *load_process(const char *path)
{
	json_error_t error;
	json_t *process = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (!process)
		fail("--process: %s:%d: %s", path, error.line, error.text);
	return process;
}

int exec_has_terminal(const char *path, bool *terminal)
{
	json_t *process = load_process(path);
	json_t *value = NULL;
	int result = process ? field_find(process, "terminal", JSON_TRUE, &value) : -1;

	if (!result)
		*terminal |= json_is_true(value);
	json_decref(process);
	return result;
}

char *exec_load(const char *path, const char *cgroup)
{
	json_t *object = json_pack("{s:o}", "process", load_process(path));
	char *text = NULL;

	if (object && (!cgroup || !field_set(object, "cgroup", field_text(cgroup))))
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

/* The strings of an array, ended by NULL; they stay the array's. */
static const char **read_strings(const json_t *array)
{
	const char **strings = calloc(json_array_size(array) + 1, sizeof(*strings));

	for (size_t i = 0; strings && i < json_array_size(array); i++)
		strings[i] = json_string_value(json_array_get(array, i));
	if (!strings)
		fail_errno("no memory for the command");
	return strings;
}

static json_t *make(const json_t *object, const json_t *config, bool terminal)
{
	const char **args cleanup_free = NULL;
	const char **env cleanup_free = NULL;
	const char **caps cleanup_free = NULL;
	struct config_options options = { .terminal = terminal };
	json_t *args_array, *env_array, *caps_array, *no_new_privileges, *process;

	if (field_find(object, "process", JSON_OBJECT, &process))
		return NULL;
	if (process)
		return config_check_process(process) ||
		       field_set(process, "terminal", json_boolean(terminal)) ?
		       NULL : json_incref(process);
	if (field_find_text(object, "user", &options.user) ||
	    field_find_text(object, "cwd", &options.workdir) ||
	    field_find_strings(object, "args", &args_array) ||
	    field_find_strings(object, "env", &env_array) ||
	    field_find_strings(object, "caps", &caps_array) ||
	    field_find(object, "noNewPrivileges", JSON_TRUE, &no_new_privileges))
		return NULL;
	args = read_strings(args_array);
	env = read_strings(env_array);
	caps = read_strings(caps_array);
	if (!args || !env || !caps)
		return NULL;
	options.args = args;
	options.env = env;
	options.caps = caps;
	options.no_new_privileges = json_is_true(no_new_privileges);
	return process_make(config, &options);
}

/* A path that leads out of the container's own would be anybody's. */
static int read_cgroup(const json_t *object, char **cgroup)
{
	const char *path;

	if (field_find_text(object, "cgroup", &path))
		return -1;
	if (path && (*path != '/' || strstr(path, "/..") || strchr(path, '{') ||
		     strlen(path) >= CGROUP_MAX))
		return fail("--cgroup: %s: not an absolute path of a cgroup", path);
	*cgroup = strdup(path ?: "");
	return *cgroup ? 0 : fail("no memory for the command");
}

json_t *exec_read(const char *text, size_t length, const json_t *config, bool terminal,
		  char **cgroup)
{
	json_t *object = json_loadb(text, length, 0, NULL);
	json_t *process = NULL;

	*cgroup = NULL;
	if (!object)
		fail("malformed request");
	else if (!read_cgroup(object, cgroup))
		process = make(object, config, terminal);
	json_decref(object);
	return process;
}
