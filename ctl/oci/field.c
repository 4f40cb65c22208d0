// SPDX-License-Identifier: GPL-2.0-only
#include "oci/field.h"
#include "base/error.h"

#include <string.h>

static const char *const types[] = {
	[JSON_OBJECT]	= "an object",
	[JSON_ARRAY]	= "an array",
	[JSON_STRING]	= "a string",
	[JSON_INTEGER]	= "an integer",
	[JSON_TRUE]	= "true or false",
};

static bool has_type(const json_t *value, json_type type)
{
	return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

int field_find(const json_t *object, const char *path, json_type type, json_t **value)
{
	json_t *at = (json_t *)object;
	const char *name = path;

	*value = NULL;
	for (;;) {
		size_t length = strcspn(name, ".");
		bool is_last = !name[length];

		at = json_object_getn(at, name, length);
		if (!at || json_is_null(at))
			return 0;
		if (!has_type(at, is_last ? type : JSON_OBJECT))
			return fail("%.*s: not %s", (int)(name - path + length), path,
				    types[is_last ? type : JSON_OBJECT]);
		if (is_last)
			break;
		name += length + 1;
	}
	*value = at;
	return 0;
}

int field_need(const json_t *object, const char *path, json_type type, json_t **value)
{
	if (field_find(object, path, type, value))
		return -1;
	return *value ? 0 : fail("%s: missing", path);
}

int field_find_strings(const json_t *object, const char *path, json_t **array)
{
	json_t *value;
	size_t i;

	if (field_find(object, path, JSON_ARRAY, array))
		return -1;
	json_array_foreach(*array, i, value)
		if (!json_is_string(value))
			return fail("%s[%zu]: not a string", path, i);
	return 0;
}

int field_find_text(const json_t *object, const char *path, const char **text)
{
	json_t *value;

	*text = NULL;
	if (field_find(object, path, JSON_STRING, &value))
		return -1;
	*text = json_string_value(value);
	return 0;
}

int field_find_integer(const json_t *object, const char *path, json_int_t min, json_int_t max,
		       json_int_t *number)
{
	json_int_t found;
	json_t *value;

	if (field_find(object, path, JSON_INTEGER, &value))
		return -1;
	if (!value)
		return 0;
	found = json_integer_value(value);
	if (found < min || found > max)
		return fail("%s: %lld: out of range, which is %lld to %lld", path, found, min, max);
	*number = found;
	return 0;
}

static int no_memory(const char *path)
{
	return fail("%s: out of memory", path);
}

/* Returns the object that the last name of @path is, or is to be, in. Sets @name to that name. */
static json_t *make_parent(json_t *object, const char *path, const char **name)
{
	for (*name = path; (*name)[strcspn(*name, ".")]; ) {
		size_t length = strcspn(*name, ".");
		json_t *child = json_object_getn(object, *name, length);

		if (child && !json_is_null(child) && !json_is_object(child)) {
			fail("%.*s: not an object", (int)(*name - path + length), path);
			return NULL;
		}
		if (!json_is_object(child)) {
			child = json_object();
			if (json_object_setn_new(object, *name, length, child)) {
				no_memory(path);
				return NULL;
			}
		}
		object = child;
		*name += length + 1;
	}
	return object;
}

int field_set(json_t *object, const char *path, json_t *value)
{
	const char *name;
	json_t *parent;

	if (!value)
		return -1;
	parent = make_parent(object, path, &name);
	if (!parent) {
		json_decref(value);
		return -1;
	}
	return json_object_set_new(parent, name, value) ? no_memory(path) : 0;
}

void field_delete(json_t *object, const char *path)
{
	const char *dot;

	while (object && (dot = strchr(path, '.'))) {
		object = json_object_getn(object, path, dot - path);
		path = dot + 1;
	}
	json_object_del(object, path);
}

int field_make_array(json_t *object, const char *path, json_t **array)
{
	if (field_find(object, path, JSON_ARRAY, array))
		return -1;
	if (*array)
		return 0;
	*array = json_array();
	return field_set(object, path, *array);
}

int field_append(json_t *array, json_t *value)
{
	if (!value)
		return -1;
	return json_array_append_new(array, value) ? fail("out of memory") : 0;
}

json_t *field_text(const char *text)
{
	json_t *string = json_string(text);

	if (!string)
		fail("%s: not UTF-8, which all text in a container's configuration is", text);
	return string;
}

json_t *field_texts(const char *const *texts)
{
	json_t *array = json_array();

	for (; array && *texts; texts++) {
		if (!field_append(array, field_text(*texts)))
			continue;
		json_decref(array);
		return NULL;
	}
	if (!array)
		fail("out of memory");
	return array;
}
