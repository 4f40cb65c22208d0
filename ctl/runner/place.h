/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the container is: a partition, or the host. In both, an agent is to connect. */
#ifndef BULKHEAD_PLACE_H
#define BULKHEAD_PLACE_H

#include <jansson.h>
#include <stdbool.h>

struct runner;

/* Makes the place, and starts the agent in it. Returns 0, or -1 with an error. */
int place_enter(struct runner *runner);

/* Tells the host's socket for that, which there is, that the container is ready. */
void place_notify(const struct runner *runner);

/*
 * Applies "linux.resources" of a config as far as they are the host's to apply, and takes out what
 * an agent can't. Those of a further container don't change the partition. Returns 0, or -1 with
 * an error, also for what the place has no room for.
 */
int place_update(struct runner *runner, json_t *resources, bool of_member);

/* A descriptor that is readable once the place is no more; -1 if there is none. */
int place_ended(const struct runner *runner);

/*
 * It is no more: says why, as an error, and shows the end of what the guest's console said. Returns
 * the exit status that this comes to.
 */
int place_conclude(struct runner *runner);

/*
 * The agent is gone, which may be because the place is going, too. Waits a while for that. Returns
 * whether it is so; if not, the error is still the one about the agent.
 */
bool place_is_ending(struct runner *runner);

/* Shows the end of what the guest's console said, if there is a guest. */
void place_explain(const struct runner *runner);

/* Ends it, if it hasn't, and removes what there was of it on the host. */
void place_leave(struct runner *runner);

#endif
