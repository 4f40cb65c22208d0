/* SPDX-License-Identifier: GPL-2.0-only */
/* What a command wants to have executed in a container, as the data of an EXEC to the runner. */
#ifndef BULKHEAD_EXEC_H
#define BULKHEAD_EXEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "oci/process.h"

/*
 * The options of the process as text, to be freed; with a @cgroup below the container's, or NULL.
 * Returns NULL with an error.
 */
char *exec_write(const struct config_options *options, const char *cgroup);

/* The same of a file that has an OCI process object; and whether that has a terminal. */
char *exec_load(const char *path, const char *cgroup);
int exec_has_terminal(const char *path, bool *terminal);

/*
 * The process object that such text and the container's config make; and in @cgroup, to be freed,
 * the one that is wished for, or "". NULL with an error.
 */
json_t *exec_read(const char *text, size_t length, const json_t *config, bool terminal,
		  char **cgroup);

#endif
