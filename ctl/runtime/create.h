/* SPDX-License-Identifier: GPL-2.0-only */
/* create and run, as OCI runtimes have them: of a bundle, with an id. */
#ifndef BULKHEAD_CREATE_H
#define BULKHEAD_CREATE_H

#include <stdbool.h>

struct create {
	const char *id;
	const char *bundle;
	const char *config;	/* its config's name, or NULL */
	const char *console;	/* a socket, or NULL */
	const char *pid_file;	/* or NULL */
	bool preserves;		/* further descriptors are to be passed on */
	bool run;		/* start it, too */
	bool detach;		/* and don't wait for its end */
};

/* Returns an exit status, or -1 with an error. */
int create(const struct create *create);

#endif
