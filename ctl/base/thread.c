// SPDX-License-Identifier: GPL-2.0-only
#include "base/thread.h"
#include "base/error.h"

#include <errno.h>
#include <signal.h>

int thread_start(pthread_t *thread, void *(*function)(void *), void *data, const char *what)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, function, data);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!error)
		return 0;
	errno = error;
	return fail_errno("can't create the thread of %s", what);
}
