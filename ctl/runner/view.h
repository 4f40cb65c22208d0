/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What who enters the namespaces of a container's process sees. Engines do so by the number that a
 * runtime gives them, to copy files while the container runs: podman cp is one. That process is one
 * of the host's here, so without more they would find, and write to, the host's files.
 */
#ifndef BULKHEAD_VIEW_H
#define BULKHEAD_VIEW_H

#include <jansson.h>

/*
 * Gives the calling thread a mount namespace of its own, whose root is the container's: its root
 * directory and bind mounts, as the config of the host's view has them. Where the container has a
 * tmpfs, which is the guest's, there is an empty one that can't be written to: a copy to there
 * fails. What doesn't exist there yet isn't mounted. The thread sees no path of the host's from
 * then on. Returns 0, or -1 with an error.
 */
int view_enter(const json_t *config);

#endif
