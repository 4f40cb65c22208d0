// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead run: its options. */
#include "base/error.h"
#include "base/size.h"
#include "base/status.h"
#include "commands/command.h"
#include "machine/memory.h"
#include "machine/partition.h"
#include "runner.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#define DEFAULT_MEMORY	(256ULL << 20)

static int parse_memory(const char *text, uint64_t *memory)
{
	if (size_parse(text, memory) || memory_check_size(*memory))
		return error_prefix("--memory");
	return 0;
}

static int parse_vcpus(const char *text, unsigned int *vcpus)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return fail("--cpus: %s: not a number", text);
	if (!n)
		return fail("--cpus: a partition needs a vCPU");
	if (errno || n > BULKHEAD_VCPUS_MAX)
		return fail("--cpus: %s: a partition can have %d at most", text,
			    BULKHEAD_VCPUS_MAX);
	*vcpus = n;
	return 0;
}

static int add_disk(const char *text, struct runner *runner)
{
	struct disk *disks = reallocarray(runner->disks, runner->n_disks + 1, sizeof(*disks));

	if (!disks)
		return fail_errno("--disk");
	runner->disks = disks;
	if (disk_parse(text, &disks[runner->n_disks]))
		return error_prefix("--disk");
	runner->n_disks++;
	return 0;
}

static int check_name(const char *name)
{
	return partition_check_name(name) ? error_prefix("--name") : 0;
}

/* Options that make sense alone, but not together. */
static int check_combination(const struct runner *runner)
{
	if (runner->rootfs && !runner->args[0])
		return fail("no command; give one after --rootfs DIR --");
	if (runner->rootfs && runner->initrd)
		return fail("--initrd: with --rootfs, the initrd is made of it; give one of both");
	if (!runner->rootfs && runner->args[0])
		return fail("%s: a command needs a root directory; give --rootfs DIR",
			    runner->args[0]);
	if (!runner->rootfs && !runner->kernel && !runner->initrd)
		return fail("nothing to run; give --rootfs DIR and a command, or --kernel FILE");
	return 0;
}

/* Returns 0, -1 with an error, or 1 if help was asked for. */
static int parse(const struct command *command, int argc, char **argv, struct runner *runner)
{
	static const struct option options[] = {
		{ "append", required_argument, NULL, 'a' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "disk", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "initrd", required_argument, NULL, 'i' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "memory", required_argument, NULL, 'm' },
		{ "name", required_argument, NULL, 'n' },
		{ "rootfs", required_argument, NULL, 'r' },
		{ }
	};
	int result = 0;
	int option;

	opterr = 0;
	/* "+": what follows the command is the command's. */
	while (!result && (option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			runner->append = optarg;
			break;
		case 'c':
			result = parse_vcpus(optarg, &runner->cpus);
			break;
		case 'd':
			result = add_disk(optarg, runner);
			break;
		case 'h':
			return 1;
		case 'i':
			runner->initrd = optarg;
			break;
		case 'k':
			runner->kernel = optarg;
			break;
		case 'm':
			result = parse_memory(optarg, &runner->memory);
			break;
		case 'n':
			runner->name = optarg;
			result = check_name(optarg);
			break;
		case 'r':
			runner->rootfs = optarg;
			break;
		default:
			return command_bad_option(command, argv);
		}
	}
	runner->args = argv + optind;
	return result ?: check_combination(runner);
}

int cmd_run(const struct command *command, int argc, char **argv)
{
	struct runner runner = { .memory = DEFAULT_MEMORY, .cpus = 1 };
	int status = parse(command, argc, argv, &runner);

	if (status > 0) {
		command_print_help(command);
		return 0;
	}
	if (!status)
		status = runner_run(&runner);
	if (status >= 0)
		return status;
	error_print();
	return STATUS_RUN_FAILURE;
}
