// SPDX-License-Identifier: GPL-2.0-only
/* Finds a kernel for guests among those of the host. */
#include "machine/kernel.h"
#include "base/error.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Debian's kernel for virtual machines. */
#define PREFERRED	"/boot/vmlinuz-*-cloud-amd64"

static char *find_newest(const char *pattern)
{
	char *newest = NULL;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (!newest || strverscmp(found.gl_pathv[i], newest) > 0)
			newest = found.gl_pathv[i];
	newest = newest ? strdup(newest) : NULL;
	globfree(&found);
	return newest;
}

char *kernel_find_default(void)
{
	char *path = find_newest(PREFERRED);
	struct utsname host;

	if (path)
		return path;
	if (!uname(&host) && asprintf(&path, "/boot/vmlinuz-%s", host.release) >= 0) {
		if (!access(path, F_OK))
			return path;
		fail("no kernel: neither " PREFERRED " nor %s is there; give --kernel", path);
		free(path);
	} else {
		fail_errno("no kernel for the guest");
	}
	return NULL;
}
