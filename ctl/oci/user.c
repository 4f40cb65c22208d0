// SPDX-License-Identifier: GPL-2.0-only
/* The files that are read here are the container's: they may be anything, and lead anywhere. */
#include "oci/user.h"
#include "oci/field.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ID_MAX		(UINT32_MAX - 1)	/* the one above stands for no id */
#define ID_FILE_MAX	(1024 * 1024)

#define PASSWD		"/etc/passwd"
#define GROUP		"/etc/group"

struct identity {
	const char *rootfs;
	const char *name;	/* of the user, or what was given for it */
	uint32_t uid;
	uint32_t gid;
	json_t *groups;
};

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define cleanup_file	__attribute__((cleanup(close_file)))

/* Opens a file of the container, whose symbolic links end at its root as in the container. */
static int open_in_root(const char *rootfs, const char *path)
{
	int root cleanup_close = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Without O_NONBLOCK a FIFO would wait here for a writer. */
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (root < 0)
		return -1;
	return syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static int check_file(int fd, const char *rootfs, const char *path)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return fail_errno("%s%s", rootfs, path);
	if (!S_ISREG(stat.st_mode))
		return fail("%s%s: not a regular file", rootfs, path);
	if (stat.st_size > ID_FILE_MAX)
		return fail("%s%s: larger than 1M; give users and groups by number", rootfs, path);
	return 0;
}

/* Sets @file to NULL if there is no such file. */
static int open_file(const char *rootfs, const char *path, FILE **file)
{
	int fd = open_in_root(rootfs, path);

	*file = NULL;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return fail_errno("%s%s", rootfs, path);
	if (check_file(fd, rootfs, path)) {
		close(fd);
		return -1;
	}
	*file = fdopen(fd, "r");
	if (*file)
		return 0;
	fail_errno("%s%s", rootfs, path);
	close(fd);
	return -1;
}

static int check_id(uint32_t id, const char *rootfs, const char *path, const char *name)
{
	if (id <= ID_MAX)
		return 0;
	return fail("%s%s: %s: its id is larger than %u", rootfs, path, name, ID_MAX);
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

static int parse_id(const char *text, uint32_t *id)
{
	unsigned long number;

	errno = 0;
	number = strtoul(text, NULL, 10);
	if (errno || number > ID_MAX)
		return fail("%s: out of range, ids are 0 to %u", text, ID_MAX);
	*id = number;
	return 0;
}

/* The first entry of the name, or else of the number. Returns 1 if there is one. */
static int find_passwd(struct identity *identity, bool by_number, char **name)
{
	FILE *file cleanup_file = NULL;
	struct passwd *entry;

	if (open_file(identity->rootfs, PASSWD, &file))
		return -1;
	while (file && (entry = fgetpwent(file))) {
		if (by_number ? entry->pw_uid != identity->uid :
				strcmp(entry->pw_name, identity->name))
			continue;
		if (check_id(entry->pw_uid, identity->rootfs, PASSWD, entry->pw_name) ||
		    check_id(entry->pw_gid, identity->rootfs, PASSWD, entry->pw_name))
			return -1;
		identity->uid = entry->pw_uid;
		identity->gid = entry->pw_gid;
		*name = strdup(entry->pw_name);
		return *name ? 1 : fail("out of memory");
	}
	return 0;
}

static int find_group(struct identity *identity, const char *name)
{
	FILE *file cleanup_file = NULL;
	struct group *entry;

	if (is_number(name))
		return parse_id(name, &identity->gid);
	if (open_file(identity->rootfs, GROUP, &file))
		return -1;
	while (file && (entry = fgetgrent(file))) {
		if (strcmp(entry->gr_name, name))
			continue;
		identity->gid = entry->gr_gid;
		return check_id(entry->gr_gid, identity->rootfs, GROUP, name);
	}
	return fail("%s: no such group in %s%s; give one of it, or a number", name,
		    identity->rootfs, GROUP);
}

static bool lists_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++)
		if (!strcmp(*member, name))
			return true;
	return false;
}

static int find_groups(struct identity *identity, const char *name)
{
	FILE *file cleanup_file = NULL;
	struct group *entry;

	if (open_file(identity->rootfs, GROUP, &file))
		return -1;
	while (file && (entry = fgetgrent(file))) {
		if (!lists_member(entry, name))
			continue;
		if (check_id(entry->gr_gid, identity->rootfs, GROUP, entry->gr_name) ||
		    field_append(identity->groups, json_integer(entry->gr_gid)))
			return -1;
	}
	return 0;
}

static int find_identity(struct identity *identity, const char *group)
{
	char *entry_name cleanup_free = NULL;
	bool by_number = is_number(identity->name);
	int found;

	if (by_number && parse_id(identity->name, &identity->uid))
		return -1;
	found = find_passwd(identity, by_number, &entry_name);
	if (found < 0)
		return -1;
	if (!found && !by_number)
		return fail("%s: no such user in %s%s; give one of it, or a number",
			    identity->name, identity->rootfs, PASSWD);
	if (group)
		return find_group(identity, group);
	return found ? find_groups(identity, entry_name) : 0;
}

static json_t *identity_to_json(const struct identity *identity)
{
	json_t *user = json_object();

	if (field_set(user, "uid", json_integer(identity->uid)) ||
	    field_set(user, "gid", json_integer(identity->gid)) ||
	    (json_array_size(identity->groups) &&
	     field_set(user, "additionalGids", json_incref(identity->groups)))) {
		json_decref(user);
		return NULL;
	}
	return user;
}

int user_find(const char *rootfs, const char *text, json_t **user)
{
	char *name cleanup_free = strdup(text);
	struct identity identity = { .rootfs = rootfs, .name = name };
	char *group = name ? strchr(name, ':') : NULL;

	*user = NULL;
	if (!name)
		return fail_errno("%s", text);
	if (group)
		*group++ = 0;
	if (!*name || (group && (!*group || strchr(group, ':'))))
		return fail("user %s: malformed; give UID, UID:GID, or names", text);
	identity.groups = json_array();
	if (!identity.groups)
		return fail("out of memory");
	if (!find_identity(&identity, group))
		*user = identity_to_json(&identity);
	json_decref(identity.groups);
	return *user ? 0 : error_prefix("user %s", text);
}
