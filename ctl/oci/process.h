/* SPDX-License-Identifier: GPL-2.0-only */
/* What options make of a config. */
#ifndef BULKHEAD_PROCESS_H
#define BULKHEAD_PROCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* With a zero or NULL, the config's own stays; but for the terminal, which is as said here. */
struct config_options {
	/* Of the process. */
	const char *const *args;	/* as all lists here ended by NULL; empty is none */
	const char *const *env;		/* NAME=value, or NAME for that of bulkhead's environment */
	const char *user;		/* as for user_find() */
	const char *workdir;
	bool terminal;
	const char *const *caps;	/* names of capabilities, more than it has */
	bool no_new_privileges;

	/* Of the container. */
	const char *const *volumes;	/* as for volume_parse() */
	const char *hostname;		/* for a config that has none */
	const char *cgroups_path;	/* for a config that has none */
	uint64_t memory;		/* bytes, without swap */
	unsigned int cpus;		/* thousandths */
	bool read_only;			/* the root */
};

/* Changes the config by all the options. Returns 0, or -1 with an error. */
int config_apply(json_t *config, const struct config_options *options);

/*
 * Makes the process object for a command in a running container: the config's process, changed by
 * the options of the process. Returns a new object, or NULL with an error.
 */
json_t *process_make(const json_t *config, const struct config_options *options);

#endif
