/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_AGENT_H
#define BULKHEAD_AGENT_H

#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "util.h"

/* The agent's own files in the initramfs. */
#define AGENT_PATH	"/agent"
#define MODULES_DIR	"/modules"

/* By this tag the root is to be mounted. */
#define ROOT_TAG	"bulkhead"

/* Writes a line to the guest's console. */
__printf(1, 2) void say(const char *format, ...);

/* Says why, and powers off without an exit status. */
__printf(1, 2) noreturn void die(const char *format, ...);

/* mounts.c: enters the root that the host shares, and makes it what a container expects. */
void root_setup(void);

/* modules.c: loads the drivers of the machine's devices, and removes their files. */
void modules_load(void);

/* button.c: the power button, non-blocking, or -1 if there is none; whether it was pressed. */
int button_open(void);
bool button_pressed(int fd);

/* power.c: leaves @status (0 to 255, or -1 for none) with the partition and stops it. */
noreturn void power_off(int status);

/* The command that the partition is there for. Descriptors are non-blocking, -1 once closed. */
struct command {
	pid_t pid;
	int in;
	int out;
	int err;
};

/*
 * command.c: runs @argv with its standard streams on pipes, in a session of its own. Returns 0, or
 * the negative errno that says why it can't be run.
 */
int command_start(struct command *command, char **argv, char **envp);

#endif
