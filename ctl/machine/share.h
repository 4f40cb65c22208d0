/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of the host's in the guest: a virtio-fs device, served by virtiofsd in a process of its
 * own, which sees nothing but them and ends with the runner.
 */
#ifndef BULKHEAD_SHARE_H
#define BULKHEAD_SHARE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine/external.h"
#include "machine/fuse_errors.h"
#include "machine/memory.h"
#include "machine/tree.h"
#include "machine/vhost_user.h"

struct share {
	struct external external;
	struct vhost_user backend;
	pid_t server;		/* 0 if there is none */
	struct fuse_errors errors;	/* in its place, once it has ended too early */
};

/*
 * Gives the partition a device for @tree, in which the guest finds SHARE_ROOT and SHARE_VOLUMES of
 * protocol.h. The server's process begins with @join_cgroup, unless that is NULL, and has @timeout
 * seconds for each answer, the first of which comes when it has started. Returns 0, or -1 with an
 * error.
 */
int share_create(struct share *share, int partition, const struct tree *tree,
		 int (*join_cgroup)(void), const struct memory *memory, unsigned int timeout);

/* Starts the device's thread. @share must stay where it is. Returns 0, or -1 with an error. */
int share_start(struct share *share);

/* Adds a tree while the guest runs; and takes it away. Returns 0, or -1 with an error. */
int share_add(struct share *share, const struct tree *tree);
void share_remove(struct share *share, const struct tree *tree);

/* Ends the server; the partition has stopped. */
void share_end(struct share *share);

/* Ends the server, if there is one, of a partition that hasn't run, whatever came of the share. */
void share_abandon(struct share *share);

#endif
