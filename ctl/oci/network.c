// SPDX-License-Identifier: GPL-2.0-only
#include "oci/network.h"
#include "oci/field.h"
#include "base/error.h"

#include <string.h>

int network_find(const json_t *config, json_t **entry, const char **path)
{
	json_t *namespaces, *value;
	const char *type;
	size_t i;

	*entry = NULL;
	*path = NULL;
	if (field_find(config, "linux.namespaces", JSON_ARRAY, &namespaces))
		return -1;
	json_array_foreach(namespaces, i, value) {
		if (field_find_text(value, "type", &type))
			return error_prefix("linux.namespaces");
		if (!type || strcmp(type, "network"))
			continue;
		if (*entry)
			return fail("linux.namespaces: network: there twice; leave one out");
		if (field_find_text(value, "path", path))
			return error_prefix("linux.namespaces");
		*entry = value;
	}
	return 0;
}
