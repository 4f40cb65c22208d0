/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration of a container as the OCI runtime specification has it, 1.x: a JSON object,
 * read from a bundle or made for a root directory.
 */
#ifndef BULKHEAD_CONFIG_H
#define BULKHEAD_CONFIG_H

#include <jansson.h>

/* The version of the specification whose configs are made here; others of 1.x are read, too. */
#define CONFIG_OCI_VERSION	"1.0.2"

/*
 * Reads @bundle/config.json, or unless it is NULL @file, which can have any JSON. Unsigned numbers
 * that jansson has no room for become its largest. Returns a new value, or NULL with an error.
 */
json_t *config_read(const char *bundle, const char *file);

/*
 * Checks what was read from there as far as every container needs: version, process, root and
 * "linux". root.path and the sources of bind mounts are made absolute, so that the config is good
 * in any directory. Returns 0, or -1 with an error.
 */
int config_check(json_t *config, const char *bundle, const char *file);

/* Both. Returns a new object, or NULL with an error. */
json_t *config_load(const char *bundle, const char *file);

/*
 * Makes the config that docker and podman start with, for a root directory: a shell as root, the
 * usual capabilities, mounts, and namespaces of its own. Returns a new object, or NULL with an
 * error.
 */
json_t *config_make(const char *rootfs);

/* Checks the process object of a config, or of another process. Returns 0, or -1 with an error. */
int config_check_process(const json_t *process);

/* The root directory of a config that one of these two returned. */
const char *config_rootfs(const json_t *config);

#endif
