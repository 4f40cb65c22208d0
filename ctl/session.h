/* SPDX-License-Identifier: GPL-2.0-only */
/* The runner's end of the conversation with the agent, see guest/channel.h. */
#ifndef BULKHEAD_SESSION_H
#define BULKHEAD_SESSION_H

#include "machine/vcpu.h"

/* What the conversation is made of. */
struct session_setup {
	char *const *args;
	const char *const *env;
	int uart;
	int signals;		/* of signals_open() */
	struct vcpus *vcpus;
};

/*
 * Checks that @args and @env fit into the conversation, before a partition is made for it.
 */
int session_check(char *const *args, const char *const *env);

/*
 * Has the agent run a command, with this process' standard streams and signals as its own, until
 * the partition has stopped and all output is written. Returns 0 then, with the errno for which
 * the command can't be run, if so, in @cannot_run; or the number of a signal that came before the
 * command was started; or -1 with an error.
 */
int session_run(const struct session_setup *setup, int *cannot_run);

#endif
