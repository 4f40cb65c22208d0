/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runner's end of the conversation with the agent: protocol.h. The first connection that comes
 * is the conversation, each further one a stream, which begins with a ticket that was given out for
 * it. A guest has no other way to the runner, and whatever runs in it can connect as the agent can:
 * so who has no ticket is kept waiting for some seconds only, and few of them.
 */
#ifndef BULKHEAD_RUNNER_AGENT_H
#define BULKHEAD_RUNNER_AGENT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

#define NEWCOMERS_MAX	256

/* A connection that hasn't shown its ticket. */
struct newcomer {
	int fd;
	uint8_t ticket[sizeof(uint64_t)];
	size_t have;
	uint64_t since;		/* of timeout_clock() */
};

struct agent {
	int listener;
	uint32_t cid;		/* of the only guest that may connect; 0 for a Unix socket */
	struct connection connection;	/* its descriptor is -1 until the agent is there */
	bool greeted;
	unsigned int n_newcomers;
	struct newcomer newcomers[NEWCOMERS_MAX];
};

struct agent_ops {
	/* The agent is there, and takes requests. */
	void (*greeted)(void *data);
	/* Returns 0, or -1 with an error if the frame is out of turn. */
	int (*frame)(void *data, const struct frame *frame);
	/* Takes the descriptor, whose other end knows @ticket. */
	void (*stream)(void *data, uint64_t ticket, int fd);
};

/* One that can be closed; @listener is -1 if there is none. */
void agent_init(struct agent *agent, int listener);

/* Both listen, and return 0, or -1 with an error. @port is one that the kernel has chosen. */
int agent_listen_vsock(struct agent *agent, unsigned int *port);
int agent_listen_unix(struct agent *agent, const char *path);

/* A number that nobody guesses. */
int agent_ticket(uint64_t *ticket);

/* Adds a request to what is sent. Returns 0, or -1 with an error. */
int agent_put(struct agent *agent, enum frame_type type, uint32_t id, const void *head,
	      size_t head_length, const void *tail, size_t tail_length);

#define AGENT_POLL_MAX	(2 + NEWCOMERS_MAX)

/* Fills in what to wait for. Returns how many entries. */
unsigned int agent_poll(const struct agent *agent, struct pollfd fds[AGENT_POLL_MAX]);

/* Does what there is to do then. Returns 0, or -1 with an error if the agent is lost. */
int agent_polled(struct agent *agent, const struct pollfd *fds, const struct agent_ops *ops,
		 void *data);

void agent_close(struct agent *agent);

#endif
