/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a caller has handed over for a container, kept in a file below --root until it is deleted:
 * id, bundle, annotations, and when. What the container does is not in there; its runner is asked.
 */
#ifndef BULKHEAD_STATE_H
#define BULKHEAD_STATE_H

#include <jansson.h>

#include "protocol.h"

/* Takes the id, which is nobody else's from then on. Returns 0, or -1 with an error. */
int state_create(const char *id);

/*
 * Keeps what is given: from then on there is such a container for who asks. Returns 0,
 * or -1 with an error.
 */
int state_save(const char *id, const char *bundle, const json_t *config);

/* Forgets it all. */
void state_remove(const char *id);

/*
 * Forgets all that have neither a runner nor a bundle any more: whoever handed it over was killed
 * before it knew of the container, and won't delete it.
 */
void state_sweep(void);

/* Whether the id is taken, of a container that is yet to be created, too. */
bool state_is_taken(const char *id);

/* Returns what is kept as a new object, or NULL with an error; errno is ENOENT without. */
json_t *state_load(const char *id);

/* Whether there is that; false with the same errors. */
bool state_exists(const char *id);

/*
 * As a caller reads it: what is kept, with "ociVersion", "pid" of the runner and "status". Returns
 * a new object, or NULL with an error.
 */
json_t *state_report(const char *id);

/*
 * What the runner says of a container; CONTAINER_STOPPED if there is none. In @pid the process that
 * stands for it until all is cleaned up; 0 if there is none.
 */
enum container_state state_ask(const char *id, int *pid);

/*
 * Connects to the runner of the container of that id, or if that is not taken below --root, of what
 * client_connect() finds by what a user gave. Returns a descriptor, or -1 with an error.
 */
int state_connect(const char *id_or_name);

/* Calls @found for each id that is taken, also by crun, until it fails. Returns what it does. */
int state_each(int (*found)(const char *id, void *data), void *data);

/* Whether crun has a container of that id, or at least began to make one. */
bool state_is_crun(const char *id);

#endif
