/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that stays when a command has done its work, with the command's standard streams: it
 * relays them to a process in the partition, and ends with that one's exit status.
 */
#ifndef BULKHEAD_RELAY_H
#define BULKHEAD_RELAY_H

#include <jansson.h>

#include "protocol.h"

struct session;

/*
 * Starts it for the session. @console is the terminal that takes the place of the standard streams,
 * of console_send(), or -1. Returns the process, or -1 with an error. The session is the relay's.
 */
int relay_start(struct session *session, int console);

/*
 * Starts a relay that makes the process, too: @begin, which gets @data, makes the session, or
 * returns -1 with an error; @console as a path is for console_send(), or NULL. Then it sees what
 * the container of @config has, see view_enter(). Waits for that. Returns the relay's process, or
 * -1 with an error.
 */
int relay_run(int (*begin)(void *data, struct session **session), void *data, const char *console,
	      const json_t *config);

/* Writes a process' number to the file, unless that is NULL. Returns 0, or -1 with an error. */
int relay_write_pid(const char *file, int pid);

/*
 * Makes a terminal, and sends its master to who listens on the socket @path, as runc and crun do it
 * for --console-socket. Returns the other end, or -1 with an error.
 */
int console_send(const char *path);

/*
 * Who got the master may set the terminal's size at once: what that comes to, after a moment at
 * most, so that a process that is to have it begins with it. Later changes are the relay's to pass
 * on.
 */
void console_wait_for_size(int console, struct frame_size *size);

#endif
