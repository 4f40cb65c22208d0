/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that serve a partition's devices. */
#ifndef BULKHEAD_WORKER_H
#define BULKHEAD_WORKER_H

/* Starts @n of them. They end when the partition stops, and nobody waits for that. */
int workers_start(int partition, unsigned int n);

#endif
