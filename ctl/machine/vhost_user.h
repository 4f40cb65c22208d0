/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backends in a process of their own: the frontend's side of the vhost-user protocol, as QEMU's
 * documentation specifies it ("Vhost-user Protocol"), with REPLY_ACK: every request is answered.
 */
#ifndef BULKHEAD_VHOST_USER_H
#define BULKHEAD_VHOST_USER_H

#include <linux/bulkhead.h>
#include <stdint.h>

#include "machine/external.h"
#include "machine/memory.h"

struct vhost_user {
	int socket;		/* readable when nothing was asked: the backend is gone */
	const char *name;	/* of the backend, for errors */
	uint64_t features;
	const struct memory *memory;
	unsigned int timeout;
};

/*
 * Asks the backend behind @socket what it can do, and shows it the guest's memory. From here on it
 * has @timeout seconds for an answer, or is given up: a vCPU may wait for it. Returns 0, or -1 with
 * an error; the socket is its own until vhost_user_close() in either case.
 */
int vhost_user_open(struct vhost_user *backend, int socket, const char *name,
		    const struct memory *memory, unsigned int timeout);

/*
 * Gives it the device's queues, and starts it. Returns 0, 1 with an error if the driver did not set
 * all of them up, or -1 with an error; then it must be ended: it may have some.
 */
int vhost_user_start(struct vhost_user *backend, const struct external *external,
		     const struct bulkhead_external_get *state);

/*
 * Takes the queues back: after this, it touches none of them. Returns 0, or -1 with an error if it
 * didn't say so; then it must be ended.
 */
int vhost_user_stop(struct vhost_user *backend, const struct external *external);

void vhost_user_close(struct vhost_user *backend);

#endif
