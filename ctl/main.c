// SPDX-License-Identifier: GPL-2.0-only
#include "base/error.h"
#include "base/status.h"
#include "commands/command.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION		"0.1"

#define JSON_OPTION	"  --json           print JSON; names are those of the netlink attributes\n"

static int cmd_help(const struct command *command, int argc, char **argv);

static const struct command commands[] = {
	{ "run", cmd_run,
	  "[OPTION...] --rootfs DIR [--] CMD [ARG...]\n"
	  "       bulkhead run [OPTION...] --kernel FILE | --initrd FILE",
	  "run a command, or boot a kernel, in a partition of its own",
	  "  --rootfs DIR     directory that becomes the root of CMD, which may change it; takes\n"
	  "                   root, to start the virtiofsd that serves it\n"
	  "  --name NAME      a name for the partition, unique among your partitions\n"
	  "  --memory SIZE    memory of the partition, as 128M or 2G (default 256M)\n"
	  "  --cpus N         vCPUs of the partition, 1 to 64 (default 1)\n"
	  "  --disk PATH[,ro][,serial=S]\n"
	  "                   a file or block device that becomes a disk of the partition, the\n"
	  "                   first one /dev/vda; with ro, the guest can't write to it; S is its\n"
	  "                   serial number. A comma in PATH or S is doubled\n"
	  "  --kernel FILE    kernel, a bzImage or an ELF vmlinux (default: the newest\n"
	  "                   /boot/vmlinuz-*-cloud-amd64, else that of the running kernel)\n"
	  "  --append ARGS    more for the kernel's command line, at its end\n"
	  "  --initrd FILE    without --rootfs: initrd to boot with\n"
	  "\n"
	  "CMD has this command's standard streams, and gets SIGHUP, SIGINT, SIGQUIT, SIGTERM,\n"
	  "SIGUSR1 and SIGUSR2 from it. The exit status is that of CMD, 128 + N if signal N killed\n"
	  "it, 127 if there is no CMD, 126 if it can't be executed, 137 if the partition was\n"
	  "killed, and 125 if anything else failed. Before CMD is started, a signal ends the\n"
	  "partition, with status 128 + N.\n"
	  "\n"
	  "Without --rootfs the guest's console is connected to the standard streams. Ctrl-] stops\n"
	  "the partition if they are a terminal. The exit status is 0 when the guest powers off\n"
	  "or resets.\n" },
	{ "list", cmd_list, "[--json]", "list partitions: yours, or all for an administrator",
	  JSON_OPTION },
	{ "show", cmd_show, "[--json] ID|NAME", "show all about a partition", JSON_OPTION },
	{ "stop", cmd_stop, "[--timeout SECONDS] [--json] ID|NAME...",
	  "press the power button, and kill what hasn't stopped in time",
	  "  --timeout SECONDS  how long to wait (default 10)\n" JSON_OPTION },
	{ "kill", cmd_kill, "[--json] ID|NAME...", "stop partitions at once", JSON_OPTION },
	{ "rescan", cmd_rescan, "[--json] ID|NAME...",
	  "look at the sizes of partitions' disks again, and tell their guests", JSON_OPTION },
	{ "set", cmd_set, "[OPTION...] ID|NAME memory SIZE",
	  "change how much memory a guest has, and wait for it",
	  JSON_OPTION
	  "  --timeout N      seconds to wait for the guest, 0 not to wait (default 30)\n"
	  "\n"
	  "SIZE is at most what the partition was created with. The guest gives the rest to the\n"
	  "host as far as it can spare it. What the guest has in the end is printed; the exit\n"
	  "status is 1 if that isn't SIZE. The guest goes on trying all the same.\n" },
	{ "console", cmd_console, "[OPTION...] ID|NAME", "attach to a partition's console",
	  "  --detach-keys KEYS  what detaches, if standard input is a terminal: keys separated\n"
	  "                      by commas, each a character or ctrl-X with X one of a-z @ [ \\ ]\n"
	  "                      ^ _ (default ctrl-p,ctrl-q); \"\" is none\n"
	  "  --no-stdin          don't pass standard input to the guest\n"
	  "\n"
	  "Prints the console's text that is kept, then what the guest says; what is typed goes\n"
	  "to the guest, whose terminal becomes as large as this one. Others may be attached at\n"
	  "the same time. The exit status is 0 when the partition stops and when the keys were\n"
	  "typed, 128 + N if signal N came.\n" },
	{ "logs", cmd_logs, "[--follow] [--json] ID|NAME",
	  "print the console's text that is kept",
	  "  -f, --follow     print what the guest says from now on, too, until it has stopped\n"
	  JSON_OPTION },
	{ "monitor", cmd_monitor, "[--json]", "print a line for each event, until interrupted",
	  JSON_OPTION },
	{ "help", cmd_help, "[COMMAND]", "print this, or the help of a command", NULL },
};

static void print_overview(FILE *file)
{
	fprintf(file, "Usage: bulkhead COMMAND [OPTION...] [ARGUMENT...]\n\n"
		"Runs containers with a kernel of their own.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(file, "  %-9s %s\n", commands[i].name, commands[i].description);
	fprintf(file, "\n\"bulkhead COMMAND --help\" tells more.\n");
}

void command_print_help(const struct command *command)
{
	printf("Usage: bulkhead %s %s\n\n%c%s.\n", command->name, command->arguments,
	       command->description[0] - 'a' + 'A', command->description + 1);
	if (command->options)
		printf("\n%s", command->options);
}

int command_bad_option(const struct command *command, char **argv)
{
	const char *option = argv[optind - 1];

	/* Of a long option, optopt is set if it is known. Of a short one, it is the letter. */
	if (optopt && strncmp(option, "--", 2))
		return fail("-%c: no such option; see bulkhead %s --help", optopt, command->name);
	return fail("%s: %s; see bulkhead %s --help", option,
		    optopt ? "its argument is missing, or it takes none" : "no such option",
		    command->name);
}

int command_check_arguments(const struct command *command, int argc, int min, int max)
{
	if (argc - optind >= min && argc - optind <= max)
		return 0;
	return fail("%s; usage: bulkhead %s %s",
		    argc - optind < min ? "which one" : "too many arguments", command->name,
		    command->arguments);
}

bool command_parse(const struct command *command, int argc, char **argv, int min, int max,
		   bool *json, int *status)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ }
	};
	int option;

	*json = false;
	*status = STATUS_USAGE;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			command_print_help(command);
			*status = 0;
			return false;
		}
		if (option != 'j') {
			command_bad_option(command, argv);
			error_print();
			return false;
		}
		*json = true;
	}
	if (!command_check_arguments(command, argc, min, max))
		return true;
	error_print();
	return false;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	fail("%s: no such command; see bulkhead help", name);
	error_print();
	return NULL;
}

static int cmd_help(const struct command *command, int argc, char **argv)
{
	(void)command;
	if (argc < 2) {
		print_overview(stdout);
		return 0;
	}
	command = find(argv[1]);
	if (!command)
		return STATUS_USAGE;
	command_print_help(command);
	return 0;
}

/* A closed standard descriptor would be the next one opened, and get what is meant for another. */
static int open_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	const struct command *command;
	int status;

	if (open_standard_fds())
		return STATUS_FAILURE;
	if (argc < 2) {
		print_overview(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("bulkhead " VERSION);
		status = 0;
	} else if (!strcmp(argv[1], "--help")) {
		print_overview(stdout);
		status = 0;
	} else {
		command = find(argv[1]);
		if (!command)
			return STATUS_USAGE;
		error_set_command(command->name);
		status = command->function(command, argc - 1, argv + 1);
	}
	if (fflush(stdout) || ferror(stdout)) {
		fail_errno("standard output");
		error_print();
		return status ?: STATUS_FAILURE;
	}
	return status;
}
