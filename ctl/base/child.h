/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs of others that are waited for. */
#ifndef BULKHEAD_CHILD_H
#define BULKHEAD_CHILD_H

#include <sys/types.h>

/*
 * Waits until a child, which makes itself a session, has ended. After so many seconds, or 0 for
 * however many it takes, it is killed, with all of its process group. Returns its status for
 * waitpid(), or -1 with an error.
 */
int child_wait(pid_t child, int seconds);

#endif
