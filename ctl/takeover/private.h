/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside a network whose place is taken:
 *
 *   takeover.c	its life, and the news of it
 *   setup.c	how its interfaces are set up, for the guest
 *   tap.c	the taps
 *   redirect.c	what joins interfaces and taps
 *
 * "In the namespace" is what has to be called by namespace_run(). All else goes by a socket.
 */
#ifndef BULKHEAD_TAKEOVER_PRIVATE_H
#define BULKHEAD_TAKEOVER_PRIVATE_H

#include "takeover/takeover.h"

/* An error of the library's. Returns -1. */
int takeover_error(const char *what, int error);

/*
 * Finds the Ethernet interfaces, and notes how the namespace is set up. Returns 0, or -1 with an
 * error, also if there is what a guest can't have.
 */
int setup_read(struct takeover *takeover);

/* In the namespace: gives the interface a tap. Returns 0, or -1 with an error. */
int tap_create(struct takeover *takeover, struct interface *interface);

/* Joins the interface and its tap. Returns 0, or -1 with an error. */
int redirect_add(struct takeover *takeover, struct interface *interface);

/* The tap may be gone already, and the interface, too. */
void redirect_remove(struct takeover *takeover, const struct interface *interface);

/* Removes that of interface @index. Without @any, if its tap is gone. Returns whether it did. */
bool redirect_sweep(struct nl_sock *socket, int index, bool any);

#endif
