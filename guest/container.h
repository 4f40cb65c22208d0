/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The containers in the agent's place, and their processes: agent.c has them made, process.c makes
 * them, and reap.c sees them end.
 */
#ifndef BULKHEAD_CONTAINER_H
#define BULKHEAD_CONTAINER_H

#include "agent.h"

/* As much as the address of a Unix socket takes. */
#define NAME_ROOM	108

/* By this name a process is known until it executes what it is to. */
#define COMM_MAX	16

struct process {
	struct process *next;
	struct container *container;
	uint32_t id;
	pid_t pid;		/* 0 while it isn't there, or no more */
	bool exited;
	enum frame_type request;	/* that @crun is run for; 0 if it isn't */
	struct crun crun;
	int terminal;		/* the master; -1 without */
	int console;		/* a socket on which crun hands it over; -1 otherwise */
	struct frame_size size;
	int sockets[N_STREAMS];	/* until the terminal is there; -1 otherwise */
	struct pump *pumps[N_STREAMS];
};

enum container_step {
	CREATING,		/* CREATE isn't answered */
	CREATED,
	STARTED,
	EXITED,
};

struct container {
	struct container *next;
	uint32_t number;
	char name[160];		/* crun's id for it */
	enum container_step step;
	struct process *processes;
	size_t n;
	struct process *init;		/* of the processes, that which the container is */
	struct process control;		/* START, PAUSE and the like: a run of crun at a time */
	char *cgroup;
	bool deletes;			/* once @control is done with what it does */
	uint32_t delete_id;
};

/* A child that ended before it was known whose process it was. */
struct orphan {
	struct orphan *next;
	pid_t pid;
	int status;
};

extern struct containers {
	struct container *list;
	const struct process_ops *ops;
	char dir[NAME_ROOM - 32];	/* the working directory */
	struct orphan *orphans;
	unsigned int creating;		/* runs of crun that make a process */
	char comm[COMM_MAX];		/* of crun, in a process that hasn't executed anything */
} containers;

/* The one that an id is of, or NULL. */
struct container *container_find(uint32_t id);

/* A new one, known to crun by a name that begins with @name; NULL without memory. */
struct container *container_add(uint32_t id, const char *name);

/* Forgets one of which crun knows nothing any more. */
void container_remove(struct container *container);

/* Where its bundle is, and its namespaces, if the place has such a thing. */
void container_bundle(const struct container *container, char name[NAME_ROOM]);
void container_show_namespaces(const struct container *container);

void process_free(struct process *process);
void process_remove_files(const struct process *process);

/* Moves what there is in its streams, and forgets a process of which nothing is left. */
void process_move(struct process *process);

/* Takes its terminal, if crun has handed it over. */
void process_take_terminal(struct process *process);

/* A file of the process' for crun, which has another working directory. */
void process_file_name(char name[NAME_ROOM], const char *what, const struct process *process);

#endif
