// SPDX-License-Identifier: GPL-2.0-only
#include "runner/view.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "oci/config.h"
#include "oci/mount.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A path in the container leads nowhere else, whatever links its image has. */
static int open_inside(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT,
	};

	return syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* What is in the guest's memory isn't to be read or written in the folder that it hides. */
static void cover(int root, const struct mount_traits *traits)
{
	int source cleanup_close = -1, target cleanup_close = -1, fs cleanup_close = -1;

	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return;
	source = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	target = open_inside(root, traits->destination);
	if (source >= 0 && target >= 0)
		move_mount(source, "", target, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static void enter(int root, const json_t *mount)
{
	int source cleanup_close = -1, target cleanup_close = -1;
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	struct mount_traits traits;
	unsigned int recursive;
	const char *path;

	if (mount_inspect(mount, &traits))
		return;
	if (!strcmp(traits.type, "tmpfs") || !strcmp(traits.type, "ramfs"))
		cover(root, &traits);
	if (!traits.is_bind)
		return;
	recursive = traits.is_recursive ? AT_RECURSIVE : 0;
	path = json_string_value(json_object_get(mount, "source"));
	source = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
	target = open_inside(root, traits.destination);
	if (source < 0 || target < 0 ||
	    (traits.read_only && mount_setattr(source, "", AT_EMPTY_PATH | recursive, &read_only,
					       sizeof(read_only))))
		return;
	move_mount(source, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int view_enter(const json_t *config)
{
	int root cleanup_close = -1;
	const char *path = config_rootfs(config);
	json_t *entry;
	size_t i;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) ||
	    mount(path, path, NULL, MS_BIND | MS_REC, NULL))
		return fail_errno("%s: can't be a root directory", path);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail_errno("%s", path);
	json_array_foreach(json_object_get(config, "mounts"), i, entry)
		enter(root, entry);
	if (fchdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH))
		return fail_errno("%s: can't be a root directory", path);
	return 0;
}
