/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small process beside the runner, which does what is left to do when that is killed: what of a
 * container the kernel doesn't end with its processes.
 */
#ifndef BULKHEAD_CLEANER_H
#define BULKHEAD_CLEANER_H

struct container;

/*
 * Starts it. It has the lock of the container's directory, as the runner: until it is done, the
 * container isn't gone. It is to be called before there is anything to clean. Returns 0, or -1 with
 * an error.
 */
int cleaner_start(const struct container *container, int lock);

/*
 * The descriptor by which it sees the end of the runner; -1 if there is no cleaner. What has a copy
 * of it is waited for as well.
 */
int cleaner_descriptor(void);

/* Nothing is left for it to do. */
void cleaner_end(void);

#endif
