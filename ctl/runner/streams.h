/* SPDX-License-Identifier: GPL-2.0-only */
/* A process' streams on their way from the runner to the command that wants them. */
#ifndef BULKHEAD_STREAMS_H
#define BULKHEAD_STREAMS_H

#include "protocol.h"

/* Sends those of @fds that there are. Returns 0, or -1 with an error. */
int streams_send(int socket, uint32_t process, const int fds[N_STREAMS]);

/*
 * Waits for the first frame. If it is STREAMS, takes it, and fills in @fds, of which @wanted says
 * which come; the others become -1. Returns 0, or -1 with an error.
 */
int streams_receive(int socket, const bool wanted[N_STREAMS], int fds[N_STREAMS]);

#endif
