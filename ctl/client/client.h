/* SPDX-License-Identifier: GPL-2.0-only */
/* The side of a command that asks a container's runner for something: protocol.h. */
#ifndef BULKHEAD_CLIENT_H
#define BULKHEAD_CLIENT_H

#include <stddef.h>

#include "protocol.h"

/*
 * Connects to the runner of the container of exactly that name. Returns a blocking descriptor, or
 * -1 with an error; errno is ENOENT if there is no such container.
 */
int client_connect_named(const char *name);

/* The same for what a user gave: that, or the container in the partition with that id or name. */
int client_connect(const char *id_or_name);

/*
 * Sends a request and waits for its reply. Returns its data without struct frame_reply, to be
 * freed, or NULL with an error.
 */
void *client_ask(int socket, enum frame_type request, const void *data, size_t data_length,
		 size_t *length);

/* The same for who has a connection of frames; then more may come. */
void *client_ask_more(struct connection *connection, enum frame_type request, const void *data,
		      size_t data_length, size_t *length);

/* Sends a signal to the container's process, or to all of them. Returns 0, or -1 with an error. */
int client_send_signal(int socket, int number, bool all);

/* The same for what a user gave, as client_connect() finds it. */
int client_signal(const char *id_or_name, int number, bool all);

/* What the runner says of the container. Returns 0, or -1 with an error. */
int client_state(int socket, struct frame_state *state);

/* Waits for the next frame. Returns 1, 0 at the end, or -1 with an error. */
int client_next(struct connection *connection, struct frame *frame);

#endif
