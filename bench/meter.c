// SPDX-License-Identifier: GPL-2.0-only
/*
 * meter ROOT CGROUP COMMAND [ARG...]: count the instructions of a command between its marks.
 *
 * Runs the command in CGROUP, a folder that it makes, and answers the marks of mark.h on its stdin
 * and stdout. A container has a cgroup of its own, which its runtime makes below /sys/fs/cgroup. So
 * the command sees CGROUP there, and nothing above it. Its root directory is ROOT, a file system
 * that has all that it takes. For each stretch between two marks it prints
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
#include <ftw.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define CGROUPS		"/sys/fs/cgroup"

/* Where the command itself is: a cgroup that has others below it has no processes of its own. */
#define OWN		"command"

/* Of the command's output, what is shown if it fails. */
#define TAIL		4096

/* All that the command still does after a mark is done after this time. */
#define SETTLE_USEC	20000

struct meter {
	const char *root;
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

static void enter(const char *cgroup)
{
	char path[4096];
	int procs;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	procs = open(path, O_WRONLY | O_CLOEXEC);
	if (procs < 0 || write(procs, "0", 1) != 1)
		err(1, "%s", path);
	close(procs);
}

/*
 * What is entered before a cgroup namespace is made is its root. chroot() wouldn't do for the root
 * directory: who enters a container's mount namespace, as crun exec does, is at that one's root.
 */
static void enter_namespaces(const struct meter *meter)
{
	enter(meter->cgroup);
	if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL))
		err(1, "can't make namespaces");
	if (chdir(meter->root) || syscall(SYS_pivot_root, ".", ".") ||
	    umount2(".", MNT_DETACH))
		err(1, "%s", meter->root);
	if (mount(meter->cgroup, CGROUPS, NULL, MS_BIND, NULL))
		err(1, CGROUPS);
	if (mkdir(CGROUPS "/" OWN, 0755))
		err(1, CGROUPS "/" OWN);
	enter(CGROUPS "/" OWN);
}

static pid_t launch(struct meter *meter, char **command, int *from)
{
	int in[2], out[2];
	pid_t pid;

	if (mkdir(meter->cgroup, 0755))
		err(1, "%s", meter->cgroup);
	snprintf(meter->stat, sizeof(meter->stat), "%s/cpu.stat", meter->cgroup);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		err(1, "pipe");

	/* What the command leaves behind is waited for, too. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		err(1, "prctl");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		enter_namespaces(meter);
		if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
			err(1, "can't start the command");
		execvp(command[0], command);
		err(127, "%s", command[0]);
	}
	close(in[0]);
	close(out[1]);
	meter->to = in[1];
	*from = out[0];
	return pid;
}

/* The files of a cgroup go with it. */
static int remove_folder(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return type == FTW_DP ? rmdir(path) : 0;
}

int main(int argc, char **argv)
{
	static struct meter meter;
	static char text[65536];
	int from, ended, status = -1;
	pid_t command, child;
	ssize_t n;

	if (argc < 4)
		errx(2, "usage: meter ROOT CGROUP COMMAND [ARG...]");
	meter.root = argv[1];
	meter.cgroup = argv[2];
	command = launch(&meter, argv + 3, &from);
	while ((n = read(from, text, sizeof(text))) > 0)
		take(&meter, text, n);
	while ((child = wait(&ended)) > 0)
		if (child == command)
			status = ended;
	if (nftw(meter.cgroup, remove_folder, 16, FTW_DEPTH | FTW_PHYS))
		err(1, "%s", meter.cgroup);
	if (!WIFEXITED(status) || WEXITSTATUS(status) || meter.began) {
		fprintf(stderr, "%.*s\nmeter: %s: failed\n", (int)meter.tail_length, meter.tail,
			argv[3]);
		return 1;
	}
	return 0;
}
