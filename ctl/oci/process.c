// SPDX-License-Identifier: GPL-2.0-only
#include "oci/process.h"
#include "oci/config.h"
#include "oci/field.h"
#include "oci/user.h"
#include "oci/volume.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define CPU_PERIOD	100000	/* microseconds */
#define CPUS_MIN	10	/* below it is less of a period than the kernel can give */

static bool is_same_name(const char *variable, const char *name, size_t length)
{
	return !strncmp(variable, name, length) && (!variable[length] || variable[length] == '=');
}

static void remove_variable(json_t *env, const char *name, size_t length)
{
	for (size_t i = json_array_size(env); i-- > 0; )
		if (is_same_name(json_string_value(json_array_get(env, i)), name, length))
			json_array_remove(env, i);
}

static int set_variable(json_t *env, const char *variable)
{
	size_t length = strcspn(variable, "=");
	const char *value;

	if (!length)
		return fail("env %s: no name; give NAME=value, or NAME", variable);
	remove_variable(env, variable, length);
	if (variable[length])
		return field_append(env, field_text(variable));
	/* A variable that bulkhead hasn't, the container shan't have either. */
	value = getenv(variable);
	return value ? field_append(env, json_sprintf("%s=%s", variable, value)) : 0;
}

/* Programs that find a terminal, but not its type, do without its abilities. */
static int add_term(json_t *env)
{
	json_t *variable;
	size_t i;

	json_array_foreach(env, i, variable)
		if (is_same_name(json_string_value(variable), "TERM", strlen("TERM")))
			return 0;
	return field_append(env, field_text("TERM=xterm"));
}

static int apply_env(json_t *process, const struct config_options *options)
{
	json_t *env;

	if (field_find_strings(process, "env", &env))
		return -1;
	if (!env) {
		env = json_array();
		if (field_set(process, "env", env))
			return -1;
	}
	if (options->terminal && add_term(env))
		return -1;
	for (size_t i = 0; options->env && options->env[i]; i++)
		if (set_variable(env, options->env[i]))
			return -1;
	return 0;
}

static int apply_args(json_t *process, const char *const *args)
{
	if (!args || !args[0])
		return 0;
	if (!args[0][0])
		return fail("the command's name is empty");
	return field_set(process, "args", field_texts(args));
}

static int apply_workdir(json_t *process, const char *workdir)
{
	if (!workdir)
		return 0;
	if (workdir[0] != '/')
		return fail("working directory %s: not an absolute path", workdir);
	return field_set(process, "cwd", field_text(workdir));
}

static int apply_user(json_t *process, const char *rootfs, const char *text)
{
	json_t *user;

	if (!text)
		return 0;
	return user_find(rootfs, text, &user) ? -1 : field_set(process, "user", user);
}

static int add_cap(json_t *process, const char *cap)
{
	static const char *const sets[] = {
		"capabilities.bounding", "capabilities.effective", "capabilities.permitted"
	};
	json_t *array;

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (field_make_array(process, sets[i], &array) ||
		    field_append(array, field_text(cap)))
			return -1;
	return 0;
}

static int apply_privileges(json_t *process, const struct config_options *options)
{
	for (const char *const *cap = options->caps; cap && *cap; cap++)
		if (add_cap(process, *cap))
			return -1;
	return options->no_new_privileges ?
	       field_set(process, "noNewPrivileges", json_true()) : 0;
}

static int apply_process(json_t *process, const char *rootfs, const struct config_options *options)
{
	if (apply_args(process, options->args) || apply_env(process, options) ||
	    apply_workdir(process, options->workdir) ||
	    apply_user(process, rootfs, options->user) || apply_privileges(process, options))
		return -1;
	return field_set(process, "terminal", json_boolean(options->terminal));
}

static int add_volumes(json_t *config, const char *const *volumes)
{
	json_t *mounts;

	if (!volumes || !volumes[0])
		return 0;
	if (field_make_array(config, "mounts", &mounts))
		return -1;
	for (; *volumes; volumes++)
		if (field_append(mounts, volume_parse(*volumes)))
			return -1;
	return 0;
}

/* Swap is counted together with memory: with the same limit there is none. */
static int apply_memory(json_t *config, uint64_t bytes)
{
	if (!bytes)
		return 0;
	if (bytes > INT64_MAX)
		return fail("memory: %lu: larger than any memory", bytes);
	if (field_set(config, "linux.resources.memory.limit", json_integer(bytes)))
		return -1;
	return field_set(config, "linux.resources.memory.swap", json_integer(bytes));
}

static int apply_cpus(json_t *config, unsigned int cpus)
{
	json_int_t quota = (json_int_t)cpus * (CPU_PERIOD / 1000);

	if (!cpus)
		return 0;
	if (cpus < CPUS_MIN)
		return fail("cpus: 0.00%u: too little; give 0.01 at least", cpus);
	if (field_set(config, "linux.resources.cpu.quota", json_integer(quota)))
		return -1;
	return field_set(config, "linux.resources.cpu.period", json_integer(CPU_PERIOD));
}

static int set_if_missing(json_t *config, const char *path, const char *value)
{
	const char *own;

	if (field_find_text(config, path, &own))
		return -1;
	return value && (!own || !*own) ? field_set(config, path, field_text(value)) : 0;
}

int config_apply(json_t *config, const struct config_options *options)
{
	json_t *process;

	if (field_need(config, "process", JSON_OBJECT, &process) ||
	    apply_process(process, config_rootfs(config), options) ||
	    add_volumes(config, options->volumes) || apply_memory(config, options->memory) ||
	    apply_cpus(config, options->cpus) ||
	    set_if_missing(config, "hostname", options->hostname) ||
	    set_if_missing(config, "linux.cgroupsPath", options->cgroups_path))
		return -1;
	return options->read_only ? field_set(config, "root.readonly", json_true()) : 0;
}

json_t *process_make(const json_t *config, const struct config_options *options)
{
	json_t *own, *process;

	if (field_need(config, "process", JSON_OBJECT, &own))
		return NULL;
	process = json_deep_copy(own);
	if (!process) {
		fail("process: out of memory");
		return NULL;
	}
	if (!apply_process(process, config_rootfs(config), options))
		return process;
	json_decref(process);
	return NULL;
}
