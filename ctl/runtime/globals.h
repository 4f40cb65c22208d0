/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of an OCI runtime, as runc and crun have it, for podman, containerd and others
 * that know no better. Here: what comes before the command.
 */
#ifndef BULKHEAD_GLOBALS_H
#define BULKHEAD_GLOBALS_H

#include <stdbool.h>

struct globals {
	const char *root;	/* folder of containers' states */
	bool has_root;		/* it was given */
	const char *log;	/* file for errors, or NULL */
	bool log_json;
	bool systemd_cgroup;	/* a cgroupsPath is SLICE:PREFIX:NAME */
	bool version;		/* is asked for, whatever follows */
	const char *isolation;	/* "partition", "process", or NULL */
	char **argv;		/* the command, and what follows it */
};

extern struct globals globals;

/*
 * Reads the options before the command, and by which name the program was called. Returns the index
 * of the command in @argv; @argc if there is none; or -1 with an error.
 */
int globals_parse(int argc, char **argv);

#endif
