// SPDX-License-Identifier: GPL-2.0-only
#include "oci/namespaces.h"
#include "oci/field.h"
#include "base/error.h"

#include <string.h>

int namespaces_find(const json_t *config, const char *type, json_t **entry, const char **path)
{
	json_t *namespaces, *value;
	const char *name;
	size_t i;

	*entry = NULL;
	*path = NULL;
	if (field_find(config, "linux.namespaces", JSON_ARRAY, &namespaces))
		return -1;
	json_array_foreach(namespaces, i, value) {
		if (field_find_text(value, "type", &name))
			return error_prefix("linux.namespaces");
		if (!name || strcmp(name, type))
			continue;
		if (*entry)
			return fail("linux.namespaces: %s: there twice; leave one out", type);
		if (field_find_text(value, "path", path))
			return error_prefix("linux.namespaces");
		*entry = value;
	}
	return 0;
}
