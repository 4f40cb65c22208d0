// SPDX-License-Identifier: GPL-2.0-only
#include "oci/volume.h"
#include "oci/field.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int fail_malformed(const char *text)
{
	return fail("volume %s: not SRC:DST, SRC:DST:ro or SRC:DST:rw; no path can have a colon",
		    text);
}

static int check_destination(const char *text, const char *destination)
{
	if (destination[0] != '/')
		return fail("volume %s: %s: not an absolute path", text, destination);
	if (!destination[strspn(destination, "/")])
		return fail("volume %s: the container's root can't be a volume; give it as root",
			    text);
	return 0;
}

static json_t *make_mount(const char *source, const char *destination, const char *access)
{
	json_t *mount = json_object();

	if (field_set(mount, "destination", field_text(destination)) ||
	    field_set(mount, "type", field_text("bind")) ||
	    field_set(mount, "source", field_text(source)) ||
	    field_set(mount, "options",
		      field_texts((const char *[]){ "rbind", "rprivate", access, NULL }))) {
		json_decref(mount);
		return NULL;
	}
	return mount;
}

json_t *volume_parse(const char *text)
{
	char *copy cleanup_free = strdup(text);
	char *source cleanup_free = NULL;
	char *rest = copy;
	const char *path = strsep(&rest, ":");
	const char *destination = strsep(&rest, ":");
	const char *access = rest ?: "rw";

	if (!copy) {
		fail_errno("volume %s", text);
		return NULL;
	}
	if (!*path || !destination || (strcmp(access, "ro") && strcmp(access, "rw"))) {
		fail_malformed(text);
		return NULL;
	}
	if (check_destination(text, destination))
		return NULL;
	source = realpath(path, NULL);
	if (!source) {
		fail_errno("volume %s: %s", text, path);
		return NULL;
	}
	return make_mount(source, destination, access);
}
