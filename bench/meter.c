// SPDX-License-Identifier: GPL-2.0-only
/*
 * meter CGROUP COMMAND [ARG...]: count the instructions that a command spends between its marks.
 *
 * Runs the command in CGROUP, a folder that it makes, and answers the marks of mark.h on its stdin
 * and stdout. For each stretch between two marks it prints
 *
 *   NAME COUNT CPU ELAPSED EXITS
 *
 * CPU is the time of all threads in CGROUP, host and guest, ELAPSED what a clock shows, both in
 * nanoseconds. In a VM whose clock counts instructions, these are instructions. EXITS are those of
 * all guests on this host.
 */
#include "mark.h"

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* Of the command's output, what is shown if it fails. */
#define TAIL		4096

/* All that the command still does after a mark is done after this time. */
#define SETTLE_USEC	20000

struct meter {
	const char *cgroup;
	int to;			/* the command's stdin */
	char stat[4096];	/* cpu.stat of the cgroup */
	uint64_t cpu;		/* at the last begin */
	uint64_t clock;
	uint64_t exits;
	bool began;
	char mark[128];		/* one that has begun to arrive */
	size_t mark_length;
	char tail[TAIL];
	size_t tail_length;
};

static uint64_t clock_read(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static uint64_t number_read(const char *path, const char *format)
{
	FILE *file = fopen(path, "re");
	uint64_t number;

	if (!file)
		err(1, "%s", path);
	if (fscanf(file, format, &number) != 1)
		errx(1, "%s: not understood", path);
	fclose(file);
	return number;
}

static uint64_t cpu_read(const struct meter *meter)
{
	return number_read(meter->stat, "usage_usec %lu") * 1000;
}

static uint64_t exits_read(void)
{
	return number_read("/sys/kernel/debug/kvm/exits", "%lu");
}

static void mark_take(struct meter *meter)
{
	uint64_t clock = clock_read();
	unsigned long count;
	char name[64];

	usleep(SETTLE_USEC);
	if (!strcmp(meter->mark, MARK_BEGIN)) {
		meter->began = true;
	} else if (meter->began && sscanf(meter->mark, MARK_END " %63s %lu", name, &count) == 2) {
		printf("%s %lu %lu %lu %lu\n", name, count, cpu_read(meter) - meter->cpu,
		       clock - meter->clock, exits_read() - meter->exits);
		fflush(stdout);
		meter->began = false;
	} else {
		fprintf(stderr, "%s\n", meter->mark);
		return;
	}
	meter->cpu = cpu_read(meter);
	meter->exits = exits_read();
	meter->clock = clock_read();
	if (write(meter->to, "\n", 1) != 1)
		err(1, "can't answer the command");
}

static void tail_keep(struct meter *meter, const char *text, size_t length)
{
	size_t old;

	if (length > TAIL) {
		text += length - TAIL;
		length = TAIL;
	}
	old = meter->tail_length + length > TAIL ? TAIL - length : meter->tail_length;
	memmove(meter->tail, meter->tail + meter->tail_length - old, old);
	memcpy(meter->tail + old, text, length);
	meter->tail_length = old + length;
}

/*
 * A mark is from '@' to the end of the line, and is shown if it isn't known; what else the command
 * says doesn't matter.
 */
static void take(struct meter *meter, const char *text, size_t length)
{
	const char *end = text + length;

	tail_keep(meter, text, length);
	while (text < end) {
		if (!meter->mark_length) {
			text = memchr(text, '@', end - text);
			if (!text)
				return;
		}
		if (*text == '\n' || meter->mark_length == sizeof(meter->mark) - 1) {
			meter->mark[meter->mark_length] = '\0';
			meter->mark_length = 0;
			mark_take(meter);
		} else if (*text != '\r') {
			meter->mark[meter->mark_length++] = *text;
		}
		text++;
	}
}

static void launch(struct meter *meter, char **command, int *from)
{
	char path[4096];
	int in[2], out[2];
	int procs;

	if (mkdir(meter->cgroup, 0755))
		err(1, "%s", meter->cgroup);
	snprintf(meter->stat, sizeof(meter->stat), "%s/cpu.stat", meter->cgroup);
	snprintf(path, sizeof(path), "%s/cgroup.procs", meter->cgroup);
	procs = open(path, O_WRONLY | O_CLOEXEC);
	if (procs < 0)
		err(1, "%s", path);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		err(1, "pipe");

	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		if (write(procs, "0", 1) != 1 || dup2(in[0], STDIN_FILENO) < 0 ||
		    dup2(out[1], STDOUT_FILENO) < 0)
			err(1, "can't start the command");
		execvp(command[0], command);
		err(127, "%s", command[0]);
	}
	close(procs);
	close(in[0]);
	close(out[1]);
	meter->to = in[1];
	*from = out[0];
}

int main(int argc, char **argv)
{
	static struct meter meter;
	static char text[65536];
	int from, status;
	ssize_t n;

	if (argc < 3)
		errx(2, "usage: meter CGROUP COMMAND [ARG...]");
	meter.cgroup = argv[1];
	launch(&meter, argv + 2, &from);
	while ((n = read(from, text, sizeof(text))) > 0)
		take(&meter, text, n);
	if (wait(&status) < 0)
		err(1, "wait");
	if (rmdir(meter.cgroup))
		err(1, "%s", meter.cgroup);
	if (!WIFEXITED(status) || WEXITSTATUS(status) || meter.began) {
		fprintf(stderr, "%.*s\nmeter: %s: failed\n", (int)meter.tail_length, meter.tail,
			argv[2]);
		return 1;
	}
	return 0;
}
