// SPDX-License-Identifier: GPL-2.0-only
#include "base/error.h"
#include "base/status.h"
#include "commands/command.h"
#include "oci/config.h"
#include "runtime/globals.h"
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

#define CREATE_OPTIONS \
	"  -b, --bundle DIR       the bundle (default: this directory)\n" \
	"  -f, --config FILE      in place of its config.json\n" \
	"  --console-socket PATH  who listens here gets the terminal\n" \
	"  --pid-file FILE        gets the runner's process number\n" \
	"  --no-pivot, --no-new-keyring, --no-subreaper, --preserve-fds 0\n" \
	"                         are accepted; they make no difference\n"

static int cmd_help(const struct command *command, int argc, char **argv);

static const struct command commands[] = {
	{ "run", cmd_run,
	  "[OPTION...] --rootfs DIR [--] CMD [ARG...]\n"
	  "       bulkhead run [OPTION...] --bundle DIR\n"
	  "       bulkhead run [--detach] [--bundle DIR] ID\n"
	  "       bulkhead run [OPTION...] --kernel FILE | --initrd FILE",
	  "run a container, or boot a kernel, in a partition of its own",
	  "  --rootfs DIR     directory that becomes the root of CMD, which may change it\n"
	  "  -b, --bundle DIR an OCI bundle: the container is as its config.json says\n"
	  "  --isolation partition|process\n"
	  "                   a partition with a kernel of its own, or the host's kernel and crun\n"
	  "  --name NAME      a name for the container and its partition (default: a random one)\n"
	  "  --memory SIZE    what the container may use, as 128M or 2G; a partition is as much\n"
	  "                   larger as its kernel takes (default: no limit, a partition of 256M)\n"
	  "  --cpus N         processors that it may use, as 2 or 0.5 (default: no limit, one vCPU)\n"
	  "  -v, --volume SRC:DST[:ro]\n"
	  "                   a directory or file of the host that CMD sees at DST\n"
	  "  --net none|bridge[:NAME]\n"
	  "                   a network for CMD: bulkhead's own, or that of NAME in /etc/cni/net.d\n"
	  "                   (default: none)\n"
	  "  -p, --publish [ADDRESS:]HOST:GUEST[/tcp|/udp]\n"
	  "                   the host's port HOST leads to CMD's port GUEST\n"
	  "  -e, --env NAME[=VALUE]\n"
	  "                   a variable for CMD; without VALUE, as it is here\n"
	  "  -u, --user USER[:GROUP]\n"
	  "                   who CMD runs as, by number or by name in DIR/etc/passwd\n"
	  "  -w, --workdir DIR  the working directory of CMD\n"
	  "  --read-only      CMD can't write to its root\n"
	  "  -i, --interactive  standard input is CMD's\n"
	  "  -t, --tty        CMD has a terminal\n"
	  "  -d, --detach     don't wait for CMD: print the name; its output is kept for bulkhead logs\n"
	  "  --disk PATH[,ro][,serial=S]\n"
	  "                   a file or block device that becomes a disk of the partition, the\n"
	  "                   first one /dev/vda; with ro, the guest can't write to it; S is its\n"
	  "                   serial number. A comma in PATH or S is doubled\n"
	  "  --kernel FILE    kernel, a bzImage or an ELF vmlinux (default: the newest\n"
	  "                   /boot/vmlinuz-*-cloud-amd64, else that of the running kernel)\n"
	  "  --append ARGS    more for the kernel's command line, at its end\n"
	  "  --initrd FILE    without a container: initrd to boot with\n"
	  "\n"
	  "CMD has this command's standard output and error, and gets SIGHUP, SIGINT, SIGQUIT,\n"
	  "SIGTERM, SIGUSR1 and SIGUSR2 from it. The exit status is that of CMD, 128 + N if signal\n"
	  "N killed it, 127 if there is no CMD, 126 if it can't be executed, 137 if the partition\n"
	  "was killed, and 125 if anything else failed. Before CMD is started, a signal ends it all,\n"
	  "with status 128 + N. When this command ends, so does the container, unless detached.\n"
	  "\n"
	  "Defaults for append, cpus, isolation, kernel, memory and net are in /etc/bulkhead.conf.\n"
	  "\n"
	  "Without a container the guest's console is connected to the standard streams. Ctrl-]\n"
	  "stops the partition if they are a terminal. The exit status is 0 when the guest powers\n"
	  "off or resets. SIZE is the partition's then.\n" },
	{ "create", cmd_create, "[OPTION...] ID",
	  "create a container of a bundle, for start to start it", CREATE_OPTIONS },
	{ "start", cmd_start, "ID", "start a container that create has made", NULL },
	{ "state", cmd_state, "ID", "print the state of such a container as JSON", NULL },
	{ "delete", cmd_delete, "[--force] [--regex] ID", "delete a container that has stopped",
	  "  -f, --force      or that runs, or of which something is left\n"
	  "  -r, --regex      all whose ids match the regular expression ID\n" },
	{ "update", cmd_update, "[OPTION...] ID", "change the limits of a container",
	  "  -r, --resources FILE  as \"linux.resources\" of a config; - is standard input\n"
	  "  --memory N, --memory-swap N, --memory-reservation N, --cpu-quota N, --cpu-period N,\n"
	  "  --cpu-share N, --cpuset-cpus LIST, --cpuset-mems LIST, --pids-limit N,\n"
	  "  --blkio-weight N      one of them\n"
	  "\n"
	  "A partition stays as large as it was made: no limit of memory can be above that.\n" },
	{ "events", cmd_events, "[--stats] [--interval SECONDS] ID",
	  "print what a container uses, as runc does",
	  "  --interval SECONDS  how often (default 5)\n"
	  "  --stats             once\n" },
	{ "features", cmd_features, "", "print what this runtime has, as JSON", NULL },
	{ "spec", cmd_spec, "[OPTION...]", "write a config.json to begin with",
	  "  -b, --bundle DIR    where (default: here)\n"
	  "  -f, --file NAME     another name\n" },
	{ "exec", cmd_exec, "[OPTION...] ID|NAME CMD [ARG...]",
	  "run another command in a container",
	  "  -e, --env NAME[=VALUE]   a variable for CMD\n"
	  "  -u, --user USER[:GROUP]  who CMD runs as (default: as the container)\n"
	  "  -w, --workdir, --cwd DIR its working directory\n"
	  "  -c, --cap CAP            a capability that it has besides\n"
	  "  --no-new-privs           its programs gain no privileges\n"
	  "  --cgroup PATH            its control group, of those that the container has made\n"
	  "  -p, --process FILE       an OCI process, in place of all that\n"
	  "  -d, --detach             don't wait for its end\n"
	  "  --console-socket PATH    who listens here gets its terminal\n"
	  "  --pid-file FILE          gets the number of a process that ends as CMD does\n"
	  "  -i, --interactive        standard input is CMD's\n"
	  "  -t, --tty                CMD has a terminal\n"
	  "\n"
	  "Standard streams, signals and exit status are as of bulkhead run.\n" },
	{ "ps", cmd_ps, "[OPTION...] ID|NAME", "list the processes of a container",
	  JSON_OPTION
	  "  -f, --format json  print their numbers alone\n" },
	{ "stats", cmd_stats, "[--json] [ID|NAME...]",
	  "print what containers use, and what their partitions use of the host", JSON_OPTION },
	{ "pause", cmd_pause, "[--json] ID|NAME...", "stop the processes of containers for a while",
	  JSON_OPTION },
	{ "resume", cmd_resume, "[--json] ID|NAME...", "let the processes of containers go on",
	  JSON_OPTION },
	{ "wait", cmd_wait, "[--json] ID|NAME...",
	  "wait for containers to end, and print their exit statuses", JSON_OPTION },
	{ "list", cmd_list, "[OPTION...]", "list partitions: yours, or all for an administrator",
	  JSON_OPTION
	  "  -f, --format table|json  list what create has made, as runc and crun do\n"
	  "  -q, --quiet              and of that the ids alone\n" },
	{ "show", cmd_show, "[--json] ID|NAME", "show all about a partition", JSON_OPTION },
	{ "stop", cmd_stop, "[--timeout SECONDS] [--json] ID|NAME...",
	  "ask to stop, and kill what hasn't stopped in time",
	  "  --timeout SECONDS  how long to wait (default 10)\n" JSON_OPTION },
	{ "kill", cmd_kill, "[OPTION...] ID|NAME... | ID SIGNAL",
	  "stop partitions and containers at once, or send a signal",
	  "  -a, --all            to all processes of the container\n"
	  "  -r, --regex          to all of create whose ids match the regular expression ID\n"
	  "  -s, --signal SIGNAL  send this to the container's process instead, TERM or 15 say\n"
	  JSON_OPTION
	  "\n"
	  "A container of create gets SIGTERM if no signal is given.\n" },
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
	{ "logs", cmd_logs, "[OPTION...] ID|NAME",
	  "print what a detached container has said, or else the console's text",
	  "  --console        the console's text in any case\n"
	  "  -f, --follow     print what is said from now on, too, until the end\n"
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

static void print_help(const struct command *command)
{
	printf("Usage: bulkhead %s %s\n\n%c%s.\n", command->name, command->arguments,
	       command->description[0] - 'a' + 'A', command->description + 1);
	if (command->options)
		printf("\n%s", command->options);
}

int command_end(const struct command *command, int result, int failure)
{
	if (result == COMMAND_HELP) {
		print_help(command);
		return 0;
	}
	if (result >= 0)
		return result;
	error_print();
	return failure;
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

int command_parse(const struct command *command, int argc, char **argv, int min, int max,
		  bool *json)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ }
	};
	int option;

	*json = false;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option != 'j')
			return command_bad_option(command, argv);
		*json = true;
	}
	return command_check_arguments(command, argc, min, max);
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
	print_help(command);
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

/* Callers of an OCI runtime look for a line of features, as crun prints it. */
static void print_version(void)
{
	puts("bulkhead version " VERSION "\nspec: " CONFIG_OCI_VERSION "\n+SYSTEMD +SECCOMP");
}

static int run_command(int argc, char **argv)
{
	int first = globals_parse(argc, argv);
	const struct command *command;

	if (globals.version && first >= 0) {
		print_version();
		return 0;
	}
	if (first == argc)
		first = fail("no command; see bulkhead help");
	if (first < 0 || (globals.log && error_log_to(globals.log, globals.log_json))) {
		error_print();
		return STATUS_USAGE;
	}
	command = find(argv[first]);
	if (!command)
		return STATUS_USAGE;
	error_set_command(command->name);
	return command->function(command, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	int status;

	if (open_standard_fds())
		return STATUS_FAILURE;
	if (argc < 2) {
		print_overview(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help")) {
		print_overview(stdout);
		status = 0;
	} else {
		status = run_command(argc, argv);
	}
	if (fflush(stdout) || ferror(stdout)) {
		fail_errno("standard output");
		error_print();
		return status ?: STATUS_FAILURE;
	}
	return status;
}
