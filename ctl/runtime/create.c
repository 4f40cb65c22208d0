// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/create.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "client/attach.h"
#include "client/client.h"
#include "commands/command.h"
#include "commands/run.h"
#include "runtime/annotations.h"
#include "runtime/crun.h"
#include "runner/cgroup.h"
#include "runner/directory.h"
#include "runner/join.h"
#include "runtime/globals.h"
#include "runtime/pod.h"
#include "runtime/relay.h"
#include "runtime/state.h"
#include "runtime/life.h"
#include "oci/config.h"
#include "oci/field.h"
#include "terminal/signals.h"

#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_partition(const struct wishes *wishes, const struct run_options *defaults)
{
	const char *isolation = wishes->isolation ?: globals.isolation ?: defaults->isolation;

	return !isolation || !strcmp(isolation, "partition");
}

/* What only a partition has: the annotations' wishes come before the administrator's defaults. */
static void set_options(const struct create *create, const struct wishes *wishes,
			struct run_options *options)
{
	static const char *none[1];
	static char hostname[HOST_NAME_MAX + 1];

	options->name = create->id;
	options->bundle = create->bundle;
	options->config_file = create->config;
	options->isolation = NULL;
	options->interactive = true;
	options->detach = !create->run || create->detach;
	options->stepwise = options->detach;
	options->kernel = wishes->kernel ?: options->kernel;
	options->append = wishes->append ?: options->append;
	options->partition_memory = wishes->memory;
	options->partition_cpus = wishes->cpus;
	options->env = none;
	options->volumes = none;
	options->publish = none;
	options->default_net = NULL;
	/* As in a namespace that nobody gives a name. */
	if (!gethostname(hostname, sizeof(hostname) - 1))
		options->config.hostname = hostname;
}

/* Who isn't attached to the container has to say who gets its terminal. */
static int check_console(const struct create *create, const json_t *config)
{
	json_t *process = json_object_get(config, "process");

	if (!json_is_true(json_object_get(process, "terminal")) || create->console ||
	    (create->run && !create->detach))
		return 0;
	return fail("process.terminal: use --console-socket, which is to get it");
}

/* Returns whether it is crun's, which has its own mind of the config, or -1 with an error. */
static int read_options(const struct create *create, json_t *config, struct run_options *options,
			struct pod *pod)
{
	struct wishes wishes;

	if (run_defaults(options) || annotations_read(config, &options->policy, &wishes))
		return -1;
	if (!is_partition(&wishes, options))
		return 1;
	if (check_console(create, config) ||
	    config_check(config, create->bundle, create->config))
		return -1;
	set_options(create, &wishes, options);
	return pod_find(config, pod);
}

/* The container is made by a runner that is there. */
struct joining {
	const struct create *create;
	const struct pod *pod;
	json_t *config;
	struct attachment attachment;
};

/*
 * What the container uses is in the partition's cgroup. But callers look at its own, where they
 * find the process that stands for it.
 */
static int enter_cgroup(const struct joining *joining)
{
	char *path cleanup_free = NULL;
	struct limits limits = { .period = 1 };
	char record[DIRECTORY_PATH];

	if (field_find_text(joining->config, "linux.cgroupsPath", &limits.cgroups_path))
		return -1;
	if (!limits.cgroups_path && asprintf(&path, "/bulkhead/%s", joining->create->id) < 0)
		return fail_errno("no memory for the cgroup");
	if (path)
		limits.cgroups_path = path;
	snprintf(record, sizeof(record), DIRECTORY_BASE "/%s/" DIRECTORY_CGROUP,
		 joining->create->id);
	return cgroup_create(&limits, 0, record) ?: cgroup_join();
}

static int join(void *data, struct session **session)
{
	char *text cleanup_free = NULL;
	struct joining *joining = data;
	struct attachment *attachment = &joining->attachment;
	struct connection connection;
	struct frame_stdio stdio;
	int result;

	text = join_write(joining->create->id, joining->config, joining->pod->joins);
	attachment->socket = text ? client_connect_named(joining->pod->name) : -1;
	if (attachment->socket < 0)
		return -1;
	attach_stdio(&stdio, attachment->terminal, attachment->interactive);
	connection_init(&connection, attachment->socket);
	result = connection_put(&connection, FRAME_JOIN, 0, &stdio, sizeof(stdio), text,
				strlen(text)) || connection_flush(&connection);
	connection.fd = -1;
	connection_close(&connection);
	if (result)
		return fail("the pod's runner takes no request");
	if (attach_begin(attachment, session) != REPLY_DONE)
		return -1;
	return enter_cgroup(joining);
}

/* What the container takes, its partition has: limits apply in the guest. */
static int create_member(const struct create *create, json_t *config, const struct pod *pod)
{
	struct joining joining = {
		.create = create,
		.pod = pod,
		.config = config,
		.attachment = {
			.request = FRAME_CREATE, .interactive = true, .relays = true, .signals = -1,
		},
	};
	char *bundle cleanup_free = realpath(create->bundle, NULL);
	json_t *process = json_object_get(config, "process");
	int relay;

	if (!bundle)
		return fail_errno("%s", create->bundle);
	if (create->run && !create->detach)
		return fail("run: a container that joins others can't be attached to; %s",
			    "use --detach, or create and start");
	joining.attachment.terminal = json_is_true(json_object_get(process, "terminal"));
	relay = relay_run(join, &joining, joining.attachment.terminal ? create->console : NULL,
			  joining.config);
	if (relay < 0)
		return -1;
	if (relay_write_pid(create->pid_file, relay) ||
	    state_save(create->id, bundle, joining.config)) {
		kill(relay, SIGKILL);
		waitpid(relay, NULL, 0);
		return -1;
	}
	return create->run ? life_start(create->id) : 0;
}

/* What the runner can't remove any more, is. */
static void kill_runner(const struct create *create, pid_t runner)
{
	kill(runner, SIGKILL);
	waitpid(runner, NULL, 0);
	directory_sweep_stale(create->id);
}

/* Creates the container. Who has the session has its streams. */
static int make(const struct create *create, struct container *container,
		struct attachment *attachment, struct session **session)
{
	pid_t runner = runner_start(container, &attachment->socket);
	int code;

	if (runner < 0)
		return -1;
	code = attach_begin(attachment, session);
	if (code != REPLY_DONE) {
		waitpid(runner, NULL, 0);
		/* It may have been killed. */
		directory_sweep_stale(create->id);
		return -1;
	}
	if (!relay_write_pid(create->pid_file, runner) &&
	    !state_save(create->id, container->bundle, container->config))
		return runner;
	kill_runner(create, runner);
	return -1;
}

/* To be started by another command, or here and now. */
static int create_detached(const struct create *create, struct container *container)
{
	json_t *process = json_object_get(container->config, "process");
	/* Its relay has it, too. */
	static struct attachment attachment = {
		.request = FRAME_CREATE,
		.interactive = true,
		.relays = true,
		.signals = -1,
	};
	struct session *session;
	int console = -1;
	pid_t runner;

	attachment.terminal = json_is_true(json_object_get(process, "terminal"));
	attachment.command = json_string_value(json_array_get(json_object_get(process, "args"), 0));
	runner = make(create, container, &attachment, &session);
	if (runner < 0)
		return -1;
	if (create->console && attachment.terminal) {
		console = console_send(create->console);
		if (console < 0) {
			kill_runner(create, runner);
			return -1;
		}
	}
	if (relay_start(session, console) < 0)
		return -1;
	return create->run ? life_start(create->id) : 0;
}

/* Its end is the container's. */
static int run_attached(const struct create *create, struct container *container)
{
	json_t *process = json_object_get(container->config, "process");
	struct attachment attachment = { .request = FRAME_START, .interactive = true };
	pid_t runner;
	int status;

	attachment.terminal = json_is_true(json_object_get(process, "terminal"));
	attachment.command = json_string_value(json_array_get(json_object_get(process, "args"), 0));
	runner = runner_start(container, &attachment.socket);
	if (runner < 0 || relay_write_pid(create->pid_file, runner) ||
	    state_save(create->id, container->bundle, container->config))
		return -1;
	if (container->network >= 0)
		close(container->network);
	attachment.signals = signals_open();
	status = attachment.signals < 0 ? -1 : attach(&attachment);
	waitpid(runner, NULL, 0);
	return status;
}

static int create_partition(const struct create *create, json_t *config,
			    const struct run_options *options)
{
	struct container container = { .config = config, .forget = state_remove };

	if (run_set_container(options, &container))
		return -1;
	return options->stepwise ? create_detached(create, &container) :
				   run_attached(create, &container);
}

int create(const struct create *create)
{
	/* Texts of the options are the config's, which stays. */
	json_t *config = config_read(create->bundle, create->config);
	struct run_options options = { 0 };
	struct pod pod;
	int status = config ? read_options(create, config, &options, &pod) : -1;

	if (status > 0)
		return crun_execute();
	if (!status && create->preserves)
		return fail("--preserve-fds: a partition has no descriptors of the host's; %s",
			    "leave it out, or use process isolation");
	if (status)
		return -1;
	state_sweep();
	if (state_create(create->id))
		return -1;
	status = pod.name ? create_member(create, config, &pod) :
			    create_partition(create, config, &options);
	if (status < 0 || !options.stepwise)
		state_remove(create->id);
	return status;
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, struct create *create)
{
	static const struct option known[] = {
		{ "bundle", required_argument, NULL, 'b' },
		{ "config", required_argument, NULL, 'f' },
		{ "console-socket", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "no-new-keyring", no_argument, NULL, 'n' },
		{ "no-pivot", no_argument, NULL, 'n' },
		{ "no-subreaper", no_argument, NULL, 'n' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "preserve-fds", required_argument, NULL, 'F' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "b:f:", known, NULL)) != -1) {
		switch (option) {
		case 'b':
			create->bundle = optarg;
			break;
		case 'f':
			create->config = optarg;
			break;
		case 'c':
			create->console = optarg;
			break;
		case 'h':
			return COMMAND_HELP;
		case 'n':
			break;
		case 'p':
			create->pid_file = optarg;
			break;
		case 'F':
			create->preserves = strcmp(optarg, "0");
			break;
		default:
			return command_bad_option(command, argv);
		}
	}
	if (command_check_arguments(command, argc, 1, 1))
		return -1;
	create->id = argv[optind];
	return 0;
}

int cmd_create(const struct command *command, int argc, char **argv)
{
	struct create wanted = { .bundle = "." };
	int result = parse(command, argc, argv, &wanted) ?: create(&wanted);

	return command_end(command, result, STATUS_FAILURE);
}
