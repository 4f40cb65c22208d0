// SPDX-License-Identifier: GPL-2.0-only
/* What a container is to be, of options, bundle and the administrator's defaults. */
#include "base/cleanup.h"
#include "base/error.h"
#include "client/attach.h"
#include "commands/run.h"
#include "net/namespace.h"
#include "oci/config.h"
#include "oci/limits.h"
#include "oci/namespaces.h"
#include "runtime/globals.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MiB		(1ULL << 20)

/* Of a partition whose container has no limit. */
#define DEFAULT_MEMORY	(256 * MiB)

/*
 * What a partition has besides what its container may use: the guest's kernel, agent and crun; and
 * the kernel's struct page, 64 bytes for each 4 KiB.
 */
#define GUEST_MEMORY	(96 * MiB)
#define STRUCT_PAGE_SHIFT	6

/* A container that has no name gets one as other runtimes have ids. */
#define NAME_DIGITS	12

static char *make_name(void)
{
	uint64_t number;
	char *name;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		fail_errno("no random numbers");
		return NULL;
	}
	/* It begins with a letter: a name of digits would be taken for a partition's id. */
	if (asprintf(&name, "%c%0*lx", (char)('a' + number % 6), NAME_DIGITS - 1,
		     number >> (64 - 4 * (NAME_DIGITS - 1))) < 0) {
		fail_errno("no memory for a name");
		return NULL;
	}
	return name;
}

static uint64_t partition_memory(uint64_t limit)
{
	uint64_t memory = limit + (limit >> STRUCT_PAGE_SHIFT) + GUEST_MEMORY;

	return limit ? (memory + 2 * MiB - 1) & ~(2 * MiB - 1) : DEFAULT_MEMORY;
}

/* What only a partition has. */
static const char *find_partition_option(const struct run_options *options)
{
	if (options->n_disks)
		return "--disk";
	if (options->kernel)
		return "--kernel";
	return options->append ? "--append" : NULL;
}

static int set_machine(const struct run_options *options, const struct limits *limits,
		       struct container *container)
{
	struct machine_setup *machine = &container->machine;

	machine->name = container->name;
	machine->append = options->append;
	machine->memory = options->partition_memory ?: partition_memory(limits->memory);
	machine->cpus = options->partition_cpus ?: limits_vcpus(limits);
	if (machine->memory < partition_memory(limits->memory) && limits->memory)
		return fail("memory of the partition: less than the container's limit takes; %s",
			    "leave bulkhead.memory out");
	machine->disks = options->disks;
	machine->n_disks = options->n_disks;
	/* The runner has another working directory. */
	machine->kernel = options->kernel ? realpath(options->kernel, NULL) : NULL;
	if (options->kernel && !machine->kernel)
		return fail_errno("%s", options->kernel);
	for (unsigned int i = 0; i < options->n_disks; i++)
		if (disk_open(&options->disks[i]))
			return error_prefix("--disk");
	return memory_check_size(machine->memory) ? error_prefix("memory of the partition") : 0;
}

/* They are for who has no limit of its own, nor has asked for a partition of some size. */
static int set_defaults(const struct run_options *options, const json_t *bundle,
			struct config_options *config)
{
	struct limits limits;

	if (limits_get(bundle, &limits))
		return -1;
	if (!config->memory && !limits.memory && !options->partition_memory)
		config->memory = options->default_memory;
	if (!config->cpus && !limits.quota && !options->partition_cpus)
		config->cpus = options->default_cpus;
	return 0;
}

static int set_config(const struct run_options *options, struct container *container)
{
	char *cgroup cleanup_free = NULL;
	struct config_options config = options->config;

	if (!container->config)
		container->config = options->bundle ?
				    config_load(options->bundle, options->config_file) :
				    config_make(options->rootfs);
	if (!container->config || set_defaults(options, container->config, &config))
		return -1;
	if (asprintf(&cgroup, "%s%s", globals.systemd_cgroup ? ":bulkhead:" : "/bulkhead/",
		     container->name) < 0)
		return fail_errno("no memory for the configuration");
	if (!config.hostname)
		config.hostname = container->name;
	config.cgroups_path = cgroup;
	/* A bundle says itself whether it has a terminal. */
	if (options->bundle && !config.terminal) {
		json_t *process = json_object_get(container->config, "process");

		config.terminal = json_is_true(json_object_get(process, "terminal"));
	}
	if (config_apply(container->config, &config))
		return -1;
	if (attach_check(config.terminal && !options->detach, options->interactive))
		return -1;
	return 0;
}

/* @net is as in the options. */
static int choose_network(const struct run_options *options, const char *net,
			  struct container *container)
{
	const char *name = strchr(net, ':');

	if (!strcmp(net, "none"))
		return options->publish[0] ?
		       fail("--publish: there is no network; give --net=bridge") : 0;
	if (network_choose(&container->connection, name ? name + 1 : NULL, options->publish))
		return -1;
	container->network = namespace_create();
	return container->network < 0 ? -1 : 0;
}

/* A path that the config has is of a namespace that others have made, and connected. */
static int set_network(const struct run_options *options, struct container *container)
{
	const char *option = options->net ? "--net" : options->publish[0] ? "--publish" : NULL;
	const char *path;
	json_t *entry;

	container->network = -1;
	if (namespaces_find(container->config, "network", &entry, &path))
		return -1;
	if (path && option)
		return fail("%s: the bundle has the path of a network namespace; leave one out",
			    option);
	if (!path && !entry && option)
		return fail("%s: the bundle has the host's network; leave the option out",
			    option);
	if (!path && entry)
		return choose_network(options, options->net ?: options->default_net ?: "none",
				      container);
	if (!path)
		return 0;
	container->network = namespace_open(path);
	if (container->network >= 0 && container->partition &&
	    namespace_is_own(container->network))
		fail("%s: the host's own, whose place no partition can take; %s", path,
		     "use process isolation");
	else if (container->network >= 0)
		return 0;
	return error_prefix("linux.namespaces: network");
}

int run_set_container(const struct run_options *options, struct container *container)
{
	const char *option = find_partition_option(options);
	struct frame_stdio stdio;
	struct limits limits;

	container->partition = !options->isolation || !strcmp(options->isolation, "partition");
	container->detached = options->detach;
	container->logged = options->detach && !options->stepwise;
	container->stepwise = options->stepwise;
	container->interactive = options->interactive;
	container->start_timeout = options->start_timeout;
	container->agent_timeout = options->agent_timeout;
	container->name = options->name ?: make_name();
	container->bundle = realpath(options->bundle ?: options->rootfs, NULL);
	if (!container->name)
		return -1;
	if (!container->bundle)
		return fail_errno("%s", options->bundle ?: options->rootfs);
	if (!container->partition && option)
		return fail("%s: of partitions; leave it out with --isolation=process", option);
	attach_stdio(&stdio, true, options->interactive);
	container->size = stdio.size;
	/* Limits are checked for both: what crun doesn't understand, it leaves out. */
	if (set_config(options, container) || limits_get(container->config, &limits) ||
	    set_network(options, container))
		return -1;
	return container->partition ? set_machine(options, &limits, container) : 0;
}
