// SPDX-License-Identifier: GPL-2.0-only
#include "runner/join.h"
#include "base/error.h"
#include "machine/partition.h"
#include "oci/field.h"

#include <string.h>

char *join_write(const char *name, json_t *config, json_t *joins)
{
	json_t *object = json_pack("{s:s, s:O, s:O}", "name", name, "config", config, "joins",
				   joins);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (!text)
		fail("no memory for the container's configuration");
	json_decref(object);
	return text;
}

int join_read(const char *text, size_t length, char **name, json_t **config, json_t **joins)
{
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	json_t *found_config, *found_joins;
	const char *found = NULL;
	int result = -1;

	if (!object)
		fail("malformed request");
	else if (!field_find_text(object, "name", &found) && found &&
		 !partition_check_name(found) &&
		 !field_need(object, "config", JSON_OBJECT, &found_config) &&
		 !field_need(object, "joins", JSON_OBJECT, &found_joins))
		result = 0;
	if (!result) {
		*name = strdup(found);
		*config = json_incref(found_config);
		*joins = json_incref(found_joins);
		if (!*name)
			result = fail("no memory for a container");
	}
	json_decref(object);
	return result;
}
