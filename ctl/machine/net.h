/* SPDX-License-Identifier: GPL-2.0-only */
/* A network device, served by vhost in the host's kernel, which hands its packets to a tap. */
#ifndef BULKHEAD_NET_H
#define BULKHEAD_NET_H

#include <linux/if_ether.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/external.h"
#include "machine/memory.h"
#include "machine/queue.h"
#include "machine/vhost.h"

/* Pairs of a queue for what the guest receives and one for what it sends. */
#define NET_PAIRS_MAX		8

/* What the device is to be, and the tap: a descriptor of it for each pair of queues. */
struct nic {
	const char *name;	/* for errors */
	uint8_t mac[ETH_ALEN];
	unsigned int mtu;	/* bytes, 68 to 65535 */
	const int *taps;
	unsigned int pairs;	/* 1 to NET_PAIRS_MAX */
};

struct net {
	struct external external;
	const struct memory *memory;
	const struct nic *nic;
	struct vhost vhosts[NET_PAIRS_MAX];
	struct queue control;	/* if external.own says so */
	bool lost;		/* the tap is gone; atomic */
};

/* Gives the partition a network device. Both must stay where they are. Returns 0 or -1. */
int net_create(struct net *net, int partition, const struct nic *nic, const struct memory *memory);

/* Serves the device until the partition ends. @net must stay where it is. Returns 0 or -1. */
int net_start(struct net *net);

/* Says to the driver whether its link is up. Returns 0, or -1 with an error. */
int net_set_link(struct net *net, bool up);

/* The tap is gone: there is an event, and the device takes no packets any more. */
void net_lose(struct net *net);

#endif
