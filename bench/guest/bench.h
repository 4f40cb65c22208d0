/* SPDX-License-Identifier: GPL-2.0-only */
/* What init.c and the cases share. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * struct bench - a case
 * @name: its name in the table
 * @device: what it needs in /dev; waited for
 * @counts: how often each run does it; what the second costs more than the first is counted
 * @prepare: what isn't counted
 * @run: do it @count times
 * @arg: argument of both
 */
struct bench {
	const char *name;
	const char *device;
	unsigned long counts[2];
	void (*prepare)(const struct bench *bench);
	void (*run)(const struct bench *bench, unsigned long count);
	unsigned long arg;
};

struct benches {
	const struct bench *bench;
	size_t count;
};

extern const struct benches disk_benches, console_benches, register_benches;

/* Ends the guest, with a text that says why. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/* Gives eth0 an address, and serves the other end of ../net.c there. */
void net_serve(const char *address);

/* A parameter of the kernel's command line; NULL without. */
const char *parameter(const char *name);

/* A terminal that changes no byte; its descriptor. */
int tty_open(const char *path);

#endif
