/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that work for the guest. */
#ifndef BULKHEAD_THREAD_H
#define BULKHEAD_THREAD_H

#include <pthread.h>

/*
 * Starts a thread that gets no signals: they are the main thread's, and one that came to a thread
 * in the module would cost the guest an exit. @what is said in an error.
 */
int thread_start(pthread_t *thread, void *(*function)(void *), void *data, const char *what);

#endif
