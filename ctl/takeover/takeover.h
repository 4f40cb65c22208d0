/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network namespace whose place a partition takes. Beside each of its Ethernet interfaces there
 * is a tap, to which all that arrives is redirected, as is what the tap sends: so whoever is
 * connected to the interface talks with the guest. How the interfaces are set up is noted for the
 * guest, which does the same. The namespace's own set-up stays as it is.
 */
#ifndef BULKHEAD_TAKEOVER_H
#define BULKHEAD_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/net.h"
#include "protocol.h"

struct nl_sock;

struct interface {
	struct frame_interface guest;	/* name, address and number: the guest's has them, too */
	unsigned int mtu;
	bool up;			/* and can carry something */
	int tap;			/* the tap's number */
	int queues[NET_PAIRS_MAX];	/* descriptors of the tap */
	bool redirected;
};

struct takeover {
	struct nl_sock *socket;		/* both are the namespace's */
	struct nl_sock *news;
	struct interface *interfaces;
	unsigned int n;
	unsigned int pairs;
	uint8_t *setup;			/* rtnetlink messages, for the guest */
	size_t setup_length;
};

/*
 * Takes the place of what is in the namespace, with @pairs of queues for each interface. Returns 0,
 * or -1 with an error and nothing done.
 */
int takeover_begin(struct takeover *takeover, int namespace, unsigned int pairs);

/* Gives it back. Descriptors of taps stay open. */
void takeover_end(struct takeover *takeover);

/*
 * Takes away what the process that had the place, and was killed, has left in the namespace. Its
 * taps may not be gone yet.
 */
void takeover_sweep(int namespace);

/* Readable when something about interfaces may have changed. */
int takeover_news(const struct takeover *takeover);

/* What takeover_look() finds about an interface; NULL for the tap of one that is gone. */
struct takeover_ops {
	void (*link)(void *data, unsigned int interface, bool up);
	void (*lost)(void *data, unsigned int interface);
};

/* Reads the news, and tells what they come to. */
void takeover_look(struct takeover *takeover, const struct takeover_ops *ops, void *data);

#endif
