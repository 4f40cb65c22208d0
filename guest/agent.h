/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent runs one container, by crun, for the runner, and does what frames of protocol.h ask.
 * In a partition it is PID 1 of the guest; without one, in process isolation, the runner starts it
 * on the host. What differs is in guest.c and host.c, behind struct place.
 */
#ifndef BULKHEAD_AGENT_H
#define BULKHEAD_AGENT_H

#include <poll.h>
#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "protocol.h"
#include "util.h"

/* A reason, with its zero. */
#define TEXT_MAX	512

/* The agent's own files in the initramfs. */
#define AGENT_PATH	"/agent"
#define MODULES_DIR	"/modules"

/* Where the agent is. Its working directory is its own, for files of crun's. */
struct place {
	const char *container;	/* its id for crun */

	/* Another connection to the runner; blocking. Returns a descriptor, or a negative errno. */
	int (*connect)(void);

	/* Readable when the container is to be asked to stop, or -1; whether that is so. */
	int button;
	bool (*button_pressed)(int button);

	/* NETWORK; NULL where the host's network is used. */
	enum reply_code (*network)(const struct frame *frame, char text[TEXT_MAX]);

	/* FORGET; NULL where nothing is shared. */
	void (*forget)(uint32_t tree);

	/* After the container is deleted: ends the agent, with the container's status, or -1. */
	__attribute__((__noreturn__)) void (*end)(int status);
};

const struct place *guest_enter(void);
const struct place *host_enter(const char *container);

/* Writes a line to standard error, in a guest the console. */
__printf(1, 2) void say(const char *format, ...);

/* Says why, and ends the agent, in a guest with the partition. */
__printf(1, 2) noreturn void die(const char *format, ...);

/* place.c: a connection as struct place has it; and how readily the kernel kills this process. */
int connect_to(const struct sockaddr *addr, socklen_t length);
void set_oom_score(const char *score);

/* mounts.c: makes the initramfs a root that containers can leave, and mounts what crun uses. */
void mounts_setup(void);

/* mounts.c: lets the kernel drop what it knows of a tree that the host has ceased to share. */
void mounts_forget(uint32_t tree);

/*
 * network.c: gives the agent a network namespace of its own; and NETWORK, which brings the
 * machine's network devices into it, and sets them up. @text says why not, if the code isn't
 * REPLY_DONE.
 */
void network_enter(void);
enum reply_code network_setup(const struct frame *frame, char text[TEXT_MAX]);

/* modules.c: loads the drivers of the machine's devices, and removes their files. */
void modules_load(void);

/* button.c: the power button, non-blocking, or -1 if there is none; whether it was pressed. */
int button_open(void);
bool button_pressed(int fd);

/*
 * notify.c: makes NOTIFY_DIR, with a non-blocking socket in it that a container sends to, or -1;
 * reads what has come, and whether that says that the container is ready.
 */
int notify_open(void);
bool notify_is_ready(int fd);

/* power.c: leaves @status (0 to 255, or -1 for none) with the partition and stops it. */
noreturn void power_off(int status);

/*
 * pump.c: moves a stream's bytes between the runner and a process. Descriptors are non-blocking,
 * and -1 once closed.
 */
struct pump {
	int from;
	int to;
	size_t start;
	size_t end;
	uint8_t data[16 * 1024];
};

/* Takes both descriptors. Returns NULL if there is no memory; they are closed then. */
struct pump *pump_create(int from, int to);
void pump_free(struct pump *pump);

/*
 * Moves what can be moved. With @last, what isn't there to be read won't come. Returns false once
 * nothing is left to be moved, or nobody takes it.
 */
bool pump_move(struct pump *pump, bool last);

/* What it waits for, as two entries for poll(); and what poll() made of them. */
void pump_poll(const struct pump *pump, struct pollfd fds[2]);
void pump_polled(struct pump *pump, const struct pollfd fds[2]);

/* Nothing more is to be read. */
void pump_close_input(struct pump *pump);

/* crun.c: a run of crun. */
struct crun {
	pid_t pid;		/* 0 if none is under way */
	char log[64];		/* the file with its errors */
};

/*
 * Starts crun with @args, NULL at their end, and @stdio as its standard streams, -1 for /dev/null.
 * Returns 0, or a negative errno.
 */
int crun_start(struct crun *crun, const char *const *args, const int stdio[3]);

/* Once it has ended with @status of waitpid(): what that means, and the reason as @text. */
enum reply_code crun_end(struct crun *crun, int status, char text[TEXT_MAX]);

/* cgroup.c: the control group of @pid, "/container" say, to be freed; NULL without. */
char *cgroup_find(pid_t pid);

/* Its figures; and its processes as the reply to PS, to be freed, or NULL without memory. */
void cgroup_stats(const char *cgroup, struct frame_stats *stats);
void *cgroup_processes(const char *cgroup, size_t *length);

/* Sends a signal to all of them. Returns 0, or an errno. */
int cgroup_signal(const char *cgroup, int number);

/* process.c: the processes of containers, those of their own and those of exec. */

/*
 * CREATE and EXEC: has crun make the process of @frame, whose number is free. @text says why not,
 * if the code isn't REPLY_DONE; else process_reaped() or process_poll() tell of more.
 */
enum reply_code process_create(const struct place *place, const struct frame *frame,
			       char text[TEXT_MAX]);

/* START, PAUSE, RESUME, UPDATE and DELETE: runs crun for the container. */
enum reply_code process_run_crun(const struct frame *frame, char text[TEXT_MAX]);

enum reply_code process_signal(uint32_t id, const struct frame_signal *wanted);
enum reply_code process_resize(uint32_t id, const struct frame_size *size);

/* What the agent's loop is to do for them. */
struct process_ops {
	/* A request is done. */
	void (*reply)(enum frame_type request, uint32_t id, enum reply_code code, const char *text);
	void (*exited)(uint32_t id, const struct frame_exited *exited);
};

void process_init(const struct process_ops *ops);

/* reap.c: children of the agent's are to be waited for. */
void process_reap(void);

/* How many entries process_poll() fills in at most, and fills in; then what poll() said of them. */
size_t process_poll_max(void);
size_t process_poll(struct pollfd *fds);
void process_polled(const struct pollfd *fds);

#endif
