/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the runner, one thread (devices apart) goes from event to event:
 *
 *   clients.c	commands, each with a connection, and the one that has started the runner, the front
 *   processes.c	processes in the container, and the streams that belong to them
 *   requests.c	what the agent was asked, and for whom
 *   members.c	further containers in the same partition
 *   nics.c	the network namespace whose place the partition takes
 *   runner.c	the container from its creation to its end
 */
#ifndef BULKHEAD_RUNNER_PRIVATE_H
#define BULKHEAD_RUNNER_PRIVATE_H

#include <poll.h>
#include <semaphore.h>
#include <sys/resource.h>

#include "takeover/takeover.h"
#include "runner/agent.h"
#include "runner/log.h"
#include "runner/runner.h"

struct runner;

struct client {
	struct client *next;
	struct connection connection;
	struct member *member;	/* which container it is about; NULL for the first */
	struct process *process;	/* that it is the other end of, if any */
	bool held;		/* nothing is sent before the process' streams */
	bool has_streams;	/* got them, and may still read, also when the process has ended */
	bool follows;		/* gets the log as it grows */
	bool waits;		/* gets a reply to WAIT when the container ends */
	uint32_t wait_id;
	bool gone;		/* to be freed */
};

/* A process that the agent was asked for. */
struct process {
	struct process *next;
	uint32_t id;
	struct client *client;	/* NULL if there is none any more */
	struct frame_stdio stdio;	/* a ticket is 0 once its stream is there */
	int fds[N_STREAMS];
	bool exited;
};

/* A container that has joined the first one's partition. It ends with that at the latest. */
struct member {
	struct member *next;
	unsigned int number;
	char *name;
	json_t *config;		/* the host's view */
	struct tree tree;
	enum container_state state;
	struct client *front;	/* who has its streams, and stands for it; NULL if it has gone */
	int pid;		/* that one's process */
	int control;		/* the socket that commands connect to */
	int lock;		/* of its directory; -1 without */
	bool deleting;
};

struct request {
	struct request *next;
	enum frame_type type;
	uint32_t id;
	bool own;		/* the runner's, or else of a client */
	struct client *client;	/* NULL if it has gone meanwhile */
	uint32_t client_id;
};

enum runner_state {
	RUNNER_BOOTING,		/* the agent isn't there */
	RUNNER_CREATING,
	RUNNER_CREATED,
	RUNNER_RUNNING,		/* the container has started */
	RUNNER_EXITED,		/* and ended; its output may be on its way */
	RUNNER_DELETED,		/* the agent is ending */
	RUNNER_FAILED,		/* it is over, with an error */
};

struct runner {
	const struct container *container;
	enum runner_state state;
	struct agent agent;
	struct machine machine;	/* with a partition */
	struct takeover takeover;	/* whose place that takes */
	const char *notify;	/* the host's socket that is still to be told when it is ready */
	json_t *agent_config;	/* as the agent gets it */
	pid_t agent_process;	/* without; 0 if there is none */
	struct rlimit old_files;	/* open files that this process could have before */
	int control;		/* the socket that commands connect to */
	struct member *members;
	struct client *clients;
	struct client *front;	/* NULL if it has gone */
	struct client *starter;	/* that has asked for START; likewise */
	struct process *processes;
	struct process *init;	/* of them */
	uint32_t next_process;
	unsigned int next_tree;	/* of a member */
	struct request *requests;
	uint32_t next_id;	/* of a request that is for no process */
	struct frame_exited exited;
	uint64_t exited_at;	/* ms of timeout_clock() */
	unsigned int missed;	/* ticks without the agent's answer */
	uint64_t next_tick;	/* by timeout_clock() */
	bool pinged;
	bool paused;
	bool forgotten;		/* by who has asked for it, before it was started */
	sem_t created;		/* if stepwise: the main thread is to enter the container's view, */
	sem_t viewed;		/* and has; or else there is a reason why not */
	char view_error[256];
	struct log log;
};

/* requests.c */

/*
 * Asks the agent. The reply goes to @client as one to @client_id, or if that is NULL, to
 * runner_replied(). @id is a process, or for requests that aren't for one, requests_id().
 */
int requests_put(struct runner *runner, enum frame_type type, uint32_t id, struct client *client,
		 uint32_t client_id, const void *head, size_t head_length, const void *tail,
		 size_t tail_length);
uint32_t requests_id(struct runner *runner);
int requests_take_reply(struct runner *runner, const struct frame *frame);
void requests_forget_client(struct runner *runner, const struct client *client);

/* processes.c */

/* A process whose streams are to be those that @wanted says. NULL with an error. */
struct process *processes_add(struct runner *runner, uint32_t id, struct client *client,
			      const struct frame_stdio *wanted);
void processes_remove(struct runner *runner, struct process *process);
struct process *processes_find(struct runner *runner, uint32_t id);
void processes_forget_client(struct runner *runner, const struct client *client);
/* A stream has come; it goes to the process' client with the others. */
void processes_take_stream(struct runner *runner, uint64_t ticket, int fd);
/* The agent says that it has ended. Returns 0, or -1 with an error if it is none of exec's. */
int processes_take_exit(struct runner *runner, uint32_t id, const struct frame_exited *exited);

/* clients.c */

/* A socket in the directory of the container. Returns -1 with an error. */
int clients_listen(const char *name);
struct client *clients_add(struct runner *runner, int fd);
/* The same as connection_put(); a client that doesn't read what it is told is dropped. */
void clients_put(struct client *client, enum frame_type type, uint32_t id, const void *head,
		 size_t head_length, const void *tail, size_t tail_length);
void clients_reply(struct client *client, enum frame_type request, uint32_t id,
		   enum reply_code code, const char *text);
/* How many entries clients_poll() fills in at most, and fills in; then what poll() said of them. */
size_t clients_poll_max(const struct runner *runner);
size_t clients_poll(const struct runner *runner, struct pollfd *fds);
void clients_polled(struct runner *runner, const struct pollfd *fds);
/* Sends what there is to be sent, and frees those that have gone. */
void clients_flush(struct runner *runner);
/* It is to be freed: those that are about it go. */
void clients_forget_member(struct runner *runner, const struct member *member);
void clients_log(struct runner *runner, const char *text, size_t length);
/* Nothing is left of the container: tells those who wait. */
void clients_tell_exited(struct runner *runner);

/* members.c */

/* JOIN: another container is to be made. */
void members_take_join(struct runner *runner, struct client *client, const struct frame *frame);
/* A request for a member's sake, of this one or of a command, is done. */
void members_replied(struct runner *runner, enum frame_type request, uint32_t id,
		     enum reply_code code);
/* The agent says that its process has ended. */
void members_exited(struct runner *runner, uint32_t id);
/* Its front has gone. */
void members_lost(struct runner *runner, struct member *member);
/* Forgets all of them, whose partition is no more. */
void members_end(struct runner *runner);

/* nics.c: without a network namespace that is given, there is nothing to do. */

/* Takes its place: @setup gets the devices. Returns 0, or -1 with an error. */
int nics_take(struct runner *runner, struct machine_setup *setup);
/* Tells the agent how to set them up. Returns 0, or -1 with an error. */
int nics_put(struct runner *runner);
/* There is news of the network: tells the devices. */
void nics_look(struct runner *runner);

/* runner.c: a reply to a request of the runner's own. Returns 0, or -1 with an error. */
int runner_replied(struct runner *runner, enum frame_type request, enum reply_code code,
		   const char *text);

#endif
