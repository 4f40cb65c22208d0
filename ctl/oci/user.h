/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BULKHEAD_USER_H
#define BULKHEAD_USER_H

#include <jansson.h>

/*
 * Makes the user object of a process from "UID[:GID]", names or numbers. Names are looked up in
 * /etc/passwd and /etc/group of @rootfs. Without a group it is that of the user's entry, or 0 for
 * a number that has none, and the groups that list the user come along; with one, it is that group
 * alone. Returns 0, or -1 with an error.
 */
int user_find(const char *rootfs, const char *text, json_t **user);

#endif
