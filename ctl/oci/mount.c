// SPDX-License-Identifier: GPL-2.0-only
#include "oci/mount.h"
#include "oci/field.h"
#include "base/error.h"

#include <string.h>

/* As in mount(8), the last of options that contradict each other counts. */
static void add_option(const char *option, struct mount_traits *traits)
{
	if (!strcmp(option, "bind") || !strcmp(option, "rbind"))
		traits->is_bind = true;
	if (!strcmp(option, "rbind"))
		traits->is_recursive = true;
	if (!strcmp(option, "ro") || !strcmp(option, "rro"))
		traits->read_only = true;
	if (!strcmp(option, "rw") || !strcmp(option, "rrw"))
		traits->read_only = false;
}

int mount_inspect(const json_t *mount, struct mount_traits *traits)
{
	json_t *option;
	size_t i;

	*traits = (struct mount_traits){};
	if (!json_is_object(mount))
		return fail("not an object");
	if (field_find_text(mount, "destination", &traits->destination) ||
	    field_find_text(mount, "type", &traits->type) ||
	    field_find_strings(mount, "options", &traits->options))
		return -1;
	if (!traits->destination || !*traits->destination)
		return fail("destination: missing");
	traits->type = traits->type ?: "";
	traits->is_bind = !strcmp(traits->type, "bind");
	json_array_foreach(traits->options, i, option)
		add_option(json_string_value(option), traits);
	return 0;
}
