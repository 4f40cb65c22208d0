/* SPDX-License-Identifier: GPL-2.0-only */
/* A partition with all that belongs to it, from its memory to the threads that are its vCPUs. */
#ifndef BULKHEAD_MACHINE_H
#define BULKHEAD_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/boot.h"
#include "machine/disk.h"
#include "machine/memory.h"
#include "machine/net.h"
#include "machine/share.h"
#include "machine/vcpu.h"
#include "machine/vsock.h"

/* What is wanted; strings are NULL if not given. */
struct machine_setup {
	const char *name;
	const char *kernel;
	const char *append;
	const char *initrd;	/* without @tree */
	uint64_t memory;
	unsigned int cpus;
	const struct disk *disks;	/* open */
	unsigned int n_disks;
	const struct tree *tree;	/* of the host's files, for a guest with the agent */
	int (*join_cgroup)(void);	/* as for share_create() */
	unsigned int timeout;		/* likewise */
	const struct nic *nics;
	unsigned int n_nics;
	unsigned int port;	/* with @tree: of AF_VSOCK, for the agent to connect to */
};

struct machine {
	uint32_t id;
	int partition;
	int console;
	int vcpu_fds[BULKHEAD_VCPUS_MAX];
	struct memory memory;
	struct boot boot;
	unsigned int devices;	/* virtio devices created so far */
	struct vsock vsock;
	struct net *nets;	/* as many as nics of the setup */
	bool has_share;
	struct share share;
	struct vcpus vcpus;
};

/*
 * Creates it, up to where its vCPUs run. @machine must stay where it is. What was acquired is
 * released by the end of the process alone: that works for SIGKILL too, so there is no second way.
 * Returns 0, or -1 with an error.
 */
int machine_create(struct machine *machine, const struct machine_setup *setup);

/* Runs its vCPUs, from which on machine->vcpus.ended tells of its end. Returns 0 or -1. */
int machine_start(struct machine *machine, const struct machine_setup *setup);

/*
 * Waits for its end, which has come or is near: vcpus_result() says how. Nothing of it uses the
 * host's files any more. Returns 0, or -1 with an error if a vCPU can't be run.
 */
int machine_join(struct machine *machine);

/* Ends its processes if it hasn't come to run; what else it has, the process' end releases. */
void machine_abandon(struct machine *machine);

/* Why a partition whose guest has left no exit status ended, for who ran it. */
const char *machine_describe(uint32_t reason);

#endif
