/* SPDX-License-Identifier: GPL-2.0-only */
/* A process of a container with this process' standard streams and signals as its own. */
#ifndef BULKHEAD_ATTACH_H
#define BULKHEAD_ATTACH_H

#include <stdbool.h>

#include "protocol.h"

struct attachment {
	int socket;		/* to the runner, which was asked for the process */
	enum frame_type request;	/* by this, CREATE, START or EXEC */
	const char *command;	/* for errors */
	bool terminal;		/* it has one, and so has this process */
	bool interactive;	/* standard input goes to it */
	bool relays;		/* nobody else has its streams: each ends as its other side */
	int signals;		/* of signals_open() */
};

/*
 * Stays until the process has ended and its output is written. Returns its exit status; that of a
 * command that can't be run, having said why; or -1 with an error. Closes the socket in any case.
 */
int attach(const struct attachment *attachment);

/*
 * The same in two steps, so that it can be another process that stays. The first takes over the
 * streams and waits for the reply to the request. Returns the reply's code, with an error unless it
 * is REPLY_DONE; or -1 with an error.
 */
struct session;
int attach_begin(const struct attachment *attachment, struct session **session);

/* The second frees the session. Returns as attach() does. */
int attach_follow(struct session *session);

/* The exit status for a reply's code which isn't REPLY_DONE. */
int attach_status(int code);

/* The flags, tickets and size for a process that is to be attached to. */
void attach_stdio(struct frame_stdio *stdio, bool terminal, bool interactive);

/* Checks that there is a terminal if there is to be one. Returns 0, or -1 with an error. */
int attach_check(bool terminal, bool interactive);

#endif
