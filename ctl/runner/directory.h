/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container's directory, DIRECTORY_BASE/NAME: the socket by which it is controlled, and files of
 * who runs it. Whether there is such a container, a lock tells: the runner holds it, and a
 * directory without is what a killed runner left. So none is believed that isn't true.
 */
#ifndef BULKHEAD_DIRECTORY_H
#define BULKHEAD_DIRECTORY_H

#define DIRECTORY_BASE		"/run/bulkhead"
#define DIRECTORY_PATH		256		/* room for the path of one */
#define DIRECTORY_CONTROL	"control"	/* the socket for commands */
#define DIRECTORY_AGENT		"agent"		/* and for the agent, if that is on the host */
#define DIRECTORY_CGROUP	"cgroup"	/* the control group that the runner made */

/*
 * Creates that of a new container, makes it the working directory of this process, and removes what
 * others have left. Returns the lock, to be kept open, or -1 with an error.
 */
int directory_create(const char *name);

/* The same, and the working directory stays. */
int directory_make(const char *name);

/*
 * Does for the container @name, whose runner and agent are gone, what they would have done at its
 * end: removes it, its control group, its connection to a network, and its directory.
 */
void directory_sweep(const char *name);

/* The same, if it has a directory that its runner has left. */
void directory_sweep_stale(const char *name);

/* Removes it. */
void directory_remove(const char *name);

/* Calls @found for the name of each container that there is, until it fails. */
int directory_each(int (*found)(const char *name, void *data), void *data);

#endif
