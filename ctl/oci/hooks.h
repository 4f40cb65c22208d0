/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_HOOKS_H
#define BULKHEAD_HOOKS_H

#include <jansson.h>

/*
 * What they are told of a container: its @status as of the specification's state, and @pid, which
 * is 0 when it has stopped. Returns a new object, or NULL with an error.
 */
json_t *hooks_state(const char *id, const char *bundle, const char *status, int pid);

/*
 * Runs the config's hooks of the kind @which, "createRuntime" say, in their order: in the state's
 * bundle, with the state on stdin, no output, and bulkhead's environment unless they have their
 * own. One that is at work at its timeout is killed, with what it started. Returns 0, also if
 * there are none, or -1 with the error of the first that fails; for those of "poststop" that is a
 * warning, and all run.
 */
int hooks_run(const json_t *config, const char *which, const json_t *state);

#endif
