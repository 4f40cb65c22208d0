/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runner: the process that owns one container, and the partition that it is in. It runs until
 * the container has ended, and serves commands on a socket in the container's directory meanwhile.
 */
#ifndef BULKHEAD_RUNNER_H
#define BULKHEAD_RUNNER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine/machine.h"
#include "net/network.h"
#include "protocol.h"

/* What is to be run. */
struct container {
	const char *name;
	const char *bundle;	/* an absolute path; for hooks */
	json_t *config;		/* of the host's view: oci/config.h */
	bool partition;		/* or else in process isolation */
	int network;		/* its network namespace; -1 for a new one that the config says */
	struct network connection;	/* of that namespace */
	bool detached;		/* it outlives the front */
	bool logged;		/* its output is kept, and not the front's */
	bool stepwise;		/* created only: a command starts it, and another deletes it */
	void (*forget)(const char *name);	/* if stepwise: what is kept of it, see below */
	bool interactive;	/* it has a standard input */
	struct frame_size size;	/* of the terminal */
	struct machine_setup machine;	/* without what the runner knows best: tree and port */
	unsigned int start_timeout;	/* seconds for the guest to boot */
	unsigned int agent_timeout;	/* seconds for the agent to answer */
};

/*
 * Starts the runner. Who holds @front gets the descriptors of the container's streams, if not
 * logged, by streams_receive(); then if that is stepwise the reply to CREATE; then that to START,
 * which may also tell of what failed before; then EXITED. It may send SIGNAL and RESIZE; its end
 * ends the container, unless that is detached. Returns the process, whose exit status is to be the
 * container's, or -1 with an error. Errors of the runner itself are on standard error.
 *
 * One that is stepwise ends, too, and calls @forget, if its bundle vanishes before it is started:
 * who has asked for it was killed, and nobody is left who could start or delete it.
 */
pid_t runner_start(const struct container *container, int *front);

#endif
