// SPDX-License-Identifier: GPL-2.0-only
#include "oci/config.h"
#include "oci/field.h"
#include "oci/mount.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_MAX	(1024 * 1024)
#define LARGEST		"9223372036854775807"	/* that jansson has */
#define UNSIGNED_MAX	"18446744073709551615"

/* Returns a string to be freed, or NULL with an error. */
static char *read_file(const char *path)
{
	int fd cleanup_close = -1;
	struct stat stat;
	char *text;
	ssize_t length;

	fd = file_open(path, &stat);
	if (fd < 0)
		return NULL;
	text = malloc(CONFIG_MAX + 2);
	if (!text) {
		fail_errno("%s", path);
		return NULL;
	}
	length = file_read(fd, text, CONFIG_MAX + 1, 0);
	if (length >= 0 && length <= CONFIG_MAX) {
		text[length] = 0;
		return text;
	}
	if (length < 0)
		fail_errno("%s", path);
	else
		fail("%s: larger than 1M, no configuration is", path);
	free(text);
	return NULL;
}

static char *skip_string(char *quote)
{
	char *end = quote + 1;

	while (*end && *end != '"')
		end += *end == '\\' && end[1] ? 2 : 1;
	return *end ? end + 1 : end;
}

static int compare_digits(const char *digits, size_t n, const char *other)
{
	if (n != strlen(other))
		return n < strlen(other) ? -1 : 1;
	return strncmp(digits, other, n);
}

/* Whether the digits are an integer that has room in 64 bits, but not in jansson's. */
static bool is_unsigned(const char *digits, size_t n, char before)
{
	if (strchr("-+.eE", before) || (digits[n] && strchr(".eE", digits[n])) || *digits == '0')
		return false;
	return compare_digits(digits, n, LARGEST) > 0 &&
	       compare_digits(digits, n, UNSIGNED_MAX) <= 0;
}

/*
 * The specification has unsigned 64-bit numbers, which are written for "no limit"; jansson has
 * only signed ones, whose largest does as well.
 */
static void clamp_numbers(char *text)
{
	char before = ' ';

	while (*text) {
		size_t digits = strspn(text, "0123456789");

		if (*text == '"') {
			text = skip_string(text);
			continue;
		}
		if (digits && is_unsigned(text, digits, before)) {
			memset(text, ' ', digits);
			memcpy(text, LARGEST, strlen(LARGEST));
		}
		text += digits ?: 1;
		before = text[-1];
	}
}

static json_t *parse_file(const char *path)
{
	char *text cleanup_free = read_file(path);
	json_error_t error;
	json_t *config;

	if (!text)
		return NULL;
	clamp_numbers(text);
	config = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!config)
		fail("%s:%d: %s", path, error.line, error.text);
	return config;
}

static int check_version(const json_t *config)
{
	json_t *version;

	if (field_need(config, "ociVersion", JSON_STRING, &version))
		return -1;
	if (!strncmp(json_string_value(version), "1.", 2))
		return 0;
	return fail("ociVersion: %s: unknown; this is for 1.x", json_string_value(version));
}

/* Ids that are out of range would be others once they are cut to 32 bits. */
static int check_user(const json_t *process)
{
	json_int_t id;
	json_t *groups, *group;
	size_t i;

	if (field_find_integer(process, "user.uid", 0, UINT32_MAX - 1, &id) ||
	    field_find_integer(process, "user.gid", 0, UINT32_MAX - 1, &id) ||
	    field_find(process, "user.additionalGids", JSON_ARRAY, &groups))
		return -1;
	json_array_foreach(groups, i, group) {
		id = json_is_integer(group) ? json_integer_value(group) : -1;
		if (id < 0 || id >= UINT32_MAX)
			return fail("user.additionalGids[%zu]: not a group's number", i);
	}
	return 0;
}

static int check_fields(const json_t *process)
{
	const char *first;
	json_t *args, *env, *cwd, *terminal;

	if (field_need(process, "args", JSON_ARRAY, &args) ||
	    field_find_strings(process, "args", &args) ||
	    field_find_strings(process, "env", &env) ||
	    field_need(process, "cwd", JSON_STRING, &cwd) ||
	    field_find(process, "terminal", JSON_TRUE, &terminal) || check_user(process))
		return -1;
	first = json_string_value(json_array_get(args, 0));
	if (!first || !*first)
		return fail("args: empty; the first is the program to run");
	if (json_string_value(cwd)[0] != '/')
		return fail("cwd: %s: not an absolute path", json_string_value(cwd));
	return 0;
}

int config_check_process(const json_t *process)
{
	return check_fields(process) ? error_prefix("process") : 0;
}

/* Makes a path of a bundle absolute. */
static int resolve_path(json_t *object, const char *field, const char *bundle)
{
	char *absolute cleanup_free = NULL;
	const char *path;

	if (field_find_text(object, field, &path))
		return -1;
	if (!path || !*path)
		return fail("%s: missing", field);
	if (*path == '/')
		return 0;
	if (asprintf(&absolute, "%s/%s", bundle, path) < 0) {
		absolute = NULL;
		return fail("%s: out of memory", field);
	}
	return field_set(object, field, field_text(absolute));
}

static int resolve_mounts(json_t *config, const char *bundle)
{
	json_t *mounts, *mount;
	size_t i;

	if (field_find(config, "mounts", JSON_ARRAY, &mounts))
		return -1;
	json_array_foreach(mounts, i, mount) {
		struct mount_traits traits;

		if (mount_inspect(mount, &traits) ||
		    (traits.is_bind && resolve_path(mount, "source", bundle)))
			return error_prefix("mounts[%zu]", i);
	}
	return 0;
}

static int check_root(const char *path)
{
	struct stat root;

	if (stat(path, &root))
		return fail_errno("%s", path);
	return S_ISDIR(root.st_mode) ? 0 : fail("%s: not a directory", path);
}

static int check_config(json_t *config, const char *bundle)
{
	json_t *value;

	if (!json_is_object(config))
		return fail("not an object");
	if (check_version(config) || field_need(config, "linux", JSON_OBJECT, &value) ||
	    field_need(config, "process", JSON_OBJECT, &value) || config_check_process(value) ||
	    resolve_path(config, "root.path", bundle) || resolve_mounts(config, bundle))
		return -1;
	return check_root(config_rootfs(config)) ? error_prefix("root.path") : 0;
}

/* The path of the config, and of the bundle's directory. */
static int find(const char *bundle, const char *file, char **path, char **directory)
{
	*directory = realpath(bundle, NULL);
	if (!*directory)
		return fail_errno("%s", bundle);
	if (asprintf(path, "%s/%s", file && *file == '/' ? "" : *directory,
		     file ?: "config.json") < 0) {
		*path = NULL;
		return fail("%s: out of memory", bundle);
	}
	return 0;
}

json_t *config_read(const char *bundle, const char *file)
{
	char *directory cleanup_free = NULL;
	char *path cleanup_free = NULL;

	return find(bundle, file, &path, &directory) ? NULL : parse_file(path);
}

int config_check(json_t *config, const char *bundle, const char *file)
{
	char *directory cleanup_free = NULL;
	char *path cleanup_free = NULL;

	if (find(bundle, file, &path, &directory))
		return -1;
	return check_config(config, directory) ? error_prefix("%s", path) : 0;
}

json_t *config_load(const char *bundle, const char *file)
{
	json_t *config = config_read(bundle, file);

	if (config && config_check(config, bundle, file)) {
		json_decref(config);
		return NULL;
	}
	return config;
}

const char *config_rootfs(const json_t *config)
{
	return json_string_value(json_object_get(json_object_get(config, "root"), "path"));
}
