// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead run: its options, and the administrator's defaults for them. */
#include "commands/run.h"
#include "base/conf.h"
#include "base/error.h"
#include "base/size.h"
#include "base/status.h"
#include "base/timeout.h"
#include "commands/command.h"
#include "machine/memory.h"
#include "machine/partition.h"
#include "runtime/isolation.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_START_TIMEOUT	300
#define DEFAULT_AGENT_TIMEOUT	60

#define CPUS_MAX		(1000 * BULKHEAD_VCPUS_MAX)

static int parse_memory(const char *text, uint64_t *memory)
{
	if (size_parse(text, memory) || memory_check_size(*memory))
		return error_prefix("--memory");
	return 0;
}

/* "2" or "1.5", in thousandths. */
static int parse_cpus(const char *text, unsigned int *cpus)
{
	unsigned long whole, thousandths = 0;
	char *end;

	errno = 0;
	whole = strtoul(text, &end, 10);
	if (*end == '.' && isdigit((unsigned char)end[1])) {
		unsigned int digit = 100;

		for (end++; isdigit((unsigned char)*end); end++, digit /= 10)
			thousandths += digit * (*end - '0');
	}
	if (!isdigit((unsigned char)*text) || *end)
		return fail("--cpus: %s: not a number; give one such as 2 or 1.5", text);
	if (errno || whole > BULKHEAD_VCPUS_MAX || 1000 * whole + thousandths > CPUS_MAX)
		return fail("--cpus: %s: a partition can have %d at most", text,
			    BULKHEAD_VCPUS_MAX);
	if (!whole && !thousandths)
		return fail("--cpus: %s: none; a container needs some", text);
	*cpus = 1000 * whole + thousandths;
	return 0;
}

static int add_disk(const char *text, struct run_options *options)
{
	struct disk *disks = reallocarray(options->disks, options->n_disks + 1, sizeof(*disks));

	if (!disks)
		return fail_errno("--disk");
	options->disks = disks;
	if (disk_parse(text, &disks[options->n_disks]))
		return error_prefix("--disk");
	options->n_disks++;
	return 0;
}

static int set_net(const char *text, struct run_options *options)
{
	if (strcmp(text, "none") && strcmp(text, "bridge") &&
	    (strncmp(text, "bridge:", strlen("bridge:")) || !text[strlen("bridge:")]))
		return fail("--net: %s: neither none, bridge nor bridge:NAME", text);
	options->net = text;
	return 0;
}

static void add_text(const char **list, const char *text)
{
	while (*list)
		list++;
	*list = text;
}

enum {
	OPTION_APPEND = 256, OPTION_CONSOLE_SOCKET, OPTION_CPUS, OPTION_DISK, OPTION_HELP,
	OPTION_IGNORED, OPTION_INITRD, OPTION_ISOLATION, OPTION_KERNEL, OPTION_MEMORY, OPTION_NAME,
	OPTION_NET, OPTION_PID_FILE, OPTION_PRESERVE_FDS, OPTION_READ_ONLY, OPTION_ROOTFS,
};

static const struct option known[] = {
	{ "append", required_argument, NULL, OPTION_APPEND },
	{ "bundle", required_argument, NULL, 'b' },
	{ "config", required_argument, NULL, 'f' },
	{ "console-socket", required_argument, NULL, OPTION_CONSOLE_SOCKET },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "detach", no_argument, NULL, 'd' },
	{ "disk", required_argument, NULL, OPTION_DISK },
	{ "env", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "initrd", required_argument, NULL, OPTION_INITRD },
	{ "interactive", no_argument, NULL, 'i' },
	{ "isolation", required_argument, NULL, OPTION_ISOLATION },
	{ "kernel", required_argument, NULL, OPTION_KERNEL },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "net", required_argument, NULL, OPTION_NET },
	{ "no-new-keyring", no_argument, NULL, OPTION_IGNORED },
	{ "no-pivot", no_argument, NULL, OPTION_IGNORED },
	{ "no-subreaper", no_argument, NULL, OPTION_IGNORED },
	{ "pid-file", required_argument, NULL, OPTION_PID_FILE },
	{ "preserve-fds", required_argument, NULL, OPTION_PRESERVE_FDS },
	{ "publish", required_argument, NULL, 'p' },
	{ "read-only", no_argument, NULL, OPTION_READ_ONLY },
	{ "rootfs", required_argument, NULL, OPTION_ROOTFS },
	{ "tty", no_argument, NULL, 't' },
	{ "user", required_argument, NULL, 'u' },
	{ "volume", required_argument, NULL, 'v' },
	{ "workdir", required_argument, NULL, 'w' },
	{ }
};

static int set_option(struct run_options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_APPEND:
		options->append = value;
		return 0;
	case 'b':
		options->bundle = value;
		return 0;
	case OPTION_CONSOLE_SOCKET:
		options->create.console = value;
		return 0;
	case OPTION_CPUS:
		return parse_cpus(value, &options->config.cpus);
	case 'd':
		options->detach = true;
		return 0;
	case OPTION_DISK:
		return add_disk(value, options);
	case 'e':
		add_text(options->env, value);
		return 0;
	case 'f':
		options->config_file = value;
		return 0;
	case OPTION_IGNORED:
		return 0;
	case OPTION_INITRD:
		options->initrd = value;
		return 0;
	case 'i':
		options->interactive = true;
		return 0;
	case OPTION_ISOLATION:
		options->isolation = value;
		return isolation_check(value) ? error_prefix("--isolation") : 0;
	case OPTION_KERNEL:
		options->kernel = value;
		return 0;
	case OPTION_MEMORY:
		return parse_memory(value, &options->config.memory);
	case OPTION_NAME:
		options->name = value;
		return partition_check_name(value) ? error_prefix("--name") : 0;
	case OPTION_NET:
		return set_net(value, options);
	case OPTION_PID_FILE:
		options->create.pid_file = value;
		return 0;
	case OPTION_PRESERVE_FDS:
		options->create.preserves = strcmp(value, "0");
		return 0;
	case 'p':
		add_text(options->publish, value);
		return 0;
	case OPTION_READ_ONLY:
		options->config.read_only = true;
		return 0;
	case OPTION_ROOTFS:
		options->rootfs = value;
		return 0;
	case 't':
		options->config.terminal = true;
		return 0;
	case 'u':
		options->config.user = value;
		return 0;
	case 'v':
		add_text(options->volumes, value);
		return 0;
	default:
		options->config.workdir = value;
		return 0;
	}
}

/* What annotations may ask for. Returns 1 if @key isn't of that. */
static int set_policy(struct policy *policy, const char *key, char *value)
{
	if (!strcmp(key, "annotations")) {
		policy->names = value;
		return 0;
	}
	if (!strcmp(key, "annotation-kernels")) {
		policy->kernels = value;
		return 0;
	}
	if (!strcmp(key, "annotation-memory"))
		return size_parse(value, &policy->memory);
	if (strcmp(key, "annotation-cpus"))
		return 1;
	policy->cpus = atoi(value);
	return policy->cpus >= 1 && policy->cpus <= BULKHEAD_VCPUS_MAX ? 0 :
	       fail("%s: %s: not a number from 1 to %d", key, value, BULKHEAD_VCPUS_MAX);
}

/* What the administrator may give defaults for. */
static int set_default(void *data, const char *key, char *value)
{
	static const char *const keys[] = {
		"append", "cpus", "isolation", "kernel", "memory", "net"
	};
	struct run_options *options = data;
	int result = set_policy(&options->policy, key, value);

	if (result <= 0)
		return result;
	if (!strcmp(key, "start-timeout"))
		return timeout_parse(value, &options->start_timeout);
	if (!strcmp(key, "agent-timeout"))
		return timeout_parse(value, &options->agent_timeout);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct option *option = known;

		if (strcmp(key, keys[i]))
			continue;
		while (strcmp(option->name, key))
			option++;
		return set_option(options, option->val, value);
	}
	return fail("%s: no such key; docs/containers.md lists them", key);
}

int run_defaults(struct run_options *options)
{
	options->start_timeout = DEFAULT_START_TIMEOUT;
	options->agent_timeout = DEFAULT_AGENT_TIMEOUT;
	if (conf_read(CONF_PATH, set_default, options))
		return -1;
	/* A default isn't for who has a network, or a limit, already. */
	options->default_net = options->net;
	options->net = NULL;
	options->default_memory = options->config.memory;
	options->config.memory = 0;
	options->default_cpus = options->config.cpus;
	options->config.cpus = 0;
	return 0;
}

/* Options of containers, which make no sense without one. */
static const char *find_container_option(const struct run_options *options)
{
	if (options->detach)
		return "--detach";
	if (options->interactive)
		return "--interactive";
	if (options->config.terminal)
		return "--tty";
	if (options->env[0])
		return "--env";
	if (options->volumes[0])
		return "--volume";
	if (options->net)
		return "--net";
	if (options->publish[0])
		return "--publish";
	if (options->config.user)
		return "--user";
	if (options->config.workdir)
		return "--workdir";
	if (options->config.read_only)
		return "--read-only";
	return NULL;
}

/* "run [--bundle DIR] ID", as runc and crun have it. */
static bool is_oci_run(const struct run_options *options)
{
	return options->config.args[0] && !options->rootfs && !options->kernel && !options->initrd;
}

static int check_oci_run(const struct run_options *options, const char *option)
{
	if (options->config.args[1])
		return fail("%s: too many arguments; a bundle says itself what to run",
			    options->config.args[1]);
	if (options->name)
		return fail("--name: the id is the name; leave one out");
	if (option && !options->detach)
		return fail("%s: with an id the bundle says that; leave one out", option);
	return 0;
}

static int run_as_runtime(const struct run_options *options)
{
	struct create wanted = options->create;

	wanted.id = options->config.args[0];
	wanted.bundle = options->bundle ?: ".";
	wanted.config = options->config_file;
	wanted.run = true;
	wanted.detach = options->detach;
	return create(&wanted);
}

/* Options that make sense alone, but not together. */
static int check_combination(const struct run_options *options)
{
	bool container = options->bundle || options->rootfs;
	const char *option = find_container_option(options);

	if (is_oci_run(options))
		return check_oci_run(options, option);
	if (options->bundle && options->rootfs)
		return fail("--rootfs: a bundle has one of its own; leave out one of both");
	if (options->rootfs && !options->config.args[0])
		return fail("no command; give one after --rootfs DIR --");
	if (container && options->initrd)
		return fail("--initrd: a container has its own; leave it out");
	if (options->detach && options->interactive)
		return fail("--interactive: nobody is there to type with --detach; leave one out");
	if (container)
		return 0;
	if (options->config.args[0])
		return fail("%s: a command needs a root directory; give --rootfs DIR",
			    options->config.args[0]);
	if (!options->kernel && !options->initrd)
		return fail("nothing to run; give --rootfs DIR and a command, or --bundle DIR");
	return option ? fail("%s: for containers; give --rootfs or --bundle", option) : 0;
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, struct run_options *options)
{
	int option;

	opterr = 0;
	/* "+": what follows the command is the command's. */
	while ((option = getopt_long(argc, argv, "+b:de:f:ip:tu:v:w:", known, NULL)) != -1) {
		if (option == OPTION_HELP)
			return COMMAND_HELP;
		if (option == '?')
			return command_bad_option(command, argv);
		if (set_option(options, option, optarg))
			return -1;
	}
	options->config.args = (const char *const *)argv + optind;
	options->config.env = options->env;
	options->config.volumes = options->volumes;
	return check_combination(options);
}

int cmd_run(const struct command *command, int argc, char **argv)
{
	struct run_options options = { 0 };
	int result = 0;

	/* Released by the end of the process, as all that is run from here on. */
	options.env = calloc(argc + 1, sizeof(*options.env));
	options.volumes = calloc(argc + 1, sizeof(*options.volumes));
	options.publish = calloc(argc + 1, sizeof(*options.publish));
	if (!options.env || !options.volumes || !options.publish)
		result = fail_errno("run");
	if (!result)
		result = run_defaults(&options) ?: parse(command, argc, argv, &options);
	if (!result && is_oci_run(&options))
		result = run_as_runtime(&options);
	else if (!result)
		result = options.bundle || options.rootfs ? run_container(&options) :
							    run_machine(&options);
	return command_end(command, result, STATUS_RUN_FAILURE);
}
