/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A directory of the host's in the guest: a virtio-fs device, served by virtiofsd in a process of
 * its own, which confines itself to that directory and ends with the runner.
 */
#ifndef BULKHEAD_SHARE_H
#define BULKHEAD_SHARE_H

#include <stdint.h>
#include <sys/types.h>

#include "machine/external.h"
#include "machine/memory.h"
#include "machine/vhost_user.h"

/* The guest mounts it by this tag. */
#define SHARE_TAG	"bulkhead"

struct share {
	struct external external;
	struct vhost_user backend;
	pid_t server;		/* 0 if there is none */
};

/* Gives the partition a device for @dir. Returns 0, or -1 with an error. */
int share_create(struct share *share, int partition, const char *dir,
		 const struct memory *memory);

/* Starts the device's thread. @share must stay where it is. Returns 0, or -1 with an error. */
int share_start(struct share *share);

/* Ends the server; the partition has stopped. */
void share_end(struct share *share);

#endif
