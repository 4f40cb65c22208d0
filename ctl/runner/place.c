// SPDX-License-Identifier: GPL-2.0-only
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "base/timeout.h"
#include "control/part.h"
#include "oci/field.h"
#include "oci/guest.h"
#include "oci/limits.h"
#include "oci/namespaces.h"
#include "runner/cleaner.h"
#include "runner/cgroup.h"
#include "runner/directory.h"
#include "runner/private.h"
#include "runner/place.h"
#include "terminal/console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MiB		(1ULL << 20)

/* What the runner has besides the guest's memory: its own, virtiofsd's, the host kernel's. */
#define HOST_MEMORY	(64 * MiB)

/* How long a guest may take to end once its agent is gone, and an agent on the host to clean up. */
#define ENDING_MS	5000

static int create_cgroup(const struct container *container)
{
	struct limits limits;
	uint64_t memory = 0;

	if (limits_get(container->config, &limits))
		return -1;
	/*
	 * A guest has no more memory than its partition in any case. But files that it writes to a
	 * tmpfs of the host's count as well.
	 */
	if (limits.memory)
		memory = container->machine.memory + HOST_MEMORY;
	return cgroup_create(&limits, memory, DIRECTORY_CGROUP);
}

/* Where the service manager, or whoever else has started this, waits to hear of the container. */
static int set_notify(struct runner *runner)
{
	const char *socket = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr;

	if (!socket || *socket != '/' || strlen(socket) >= sizeof(addr.sun_path))
		return 0;
	runner->notify = socket;
	return guest_add_notify(runner->agent_config, socket);
}

void place_notify(const struct runner *runner)
{
	int fd cleanup_close = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	static const char ready[] = "READY=1";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	/* What else the guest may have said stays there. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", runner->notify);
	if (fd < 0 || sendto(fd, ready, strlen(ready), MSG_NOSIGNAL, (struct sockaddr *)&addr,
			     sizeof(addr)) < 0)
		warn("%s: %s", runner->notify, strerror(errno));
}

static int enter_partition(struct runner *runner)
{
	static struct tree tree;
	static struct machine_setup setup;

	setup = runner->container->machine;
	setup.tree = &tree;
	setup.join_cgroup = cgroup_join;
	setup.timeout = runner->container->start_timeout;
	runner->agent_config = guest_config(runner->container->config, 0, NULL, &tree);
	if (!runner->agent_config || set_notify(runner) ||
	    guest_add_disks(runner->agent_config, setup.n_disks) ||
	    create_cgroup(runner->container) || nics_take(runner, &setup) ||
	    agent_listen_vsock(&runner->agent, &setup.port) ||
	    machine_create(&runner->machine, &setup) || cgroup_join())
		return -1;
	runner->agent.cid = BULKHEAD_CID_BASE + runner->machine.id;
	return machine_start(&runner->machine, &setup);
}

/* By the descriptor, crun joins the namespace that was looked at, whatever its path is by now. */
static int set_network(json_t *config, int network)
{
	const char *path;
	json_t *entry;

	if (network < 0)
		return 0;
	if (namespaces_find(config, "network", &entry, &path))
		return -1;
	return field_set(entry, "path", json_sprintf("/proc/%d/fd/%d", getpid(), network));
}

static int enter_host(struct runner *runner)
{
	const char *name = runner->container->name;

	runner->agent_config = json_incref(runner->container->config);
	if (set_network(runner->agent_config, runner->container->network) ||
	    agent_listen_unix(&runner->agent, DIRECTORY_AGENT))
		return -1;
	runner->agent_process = fork();
	if (runner->agent_process < 0)
		return fail_errno("can't start the agent");
	if (!runner->agent_process) {
		/* What the container may have isn't what its runner needs. */
		setrlimit(RLIMIT_NOFILE, &runner->old_files);
		/* The cleaner waits for it: it removes the container when the runner is gone. */
		dup2(cleaner_descriptor(), STDIN_FILENO);
		execl(BULKHEAD_AGENT, BULKHEAD_AGENT, name, NULL);
		fail_errno(BULKHEAD_AGENT "; reinstall bulkhead");
		error_print();
		_exit(STATUS_NOT_FOUND);
	}
	return 0;
}

static void find_directory(const struct runner *runner, char path[DIRECTORY_PATH])
{
	snprintf(path, DIRECTORY_PATH, DIRECTORY_BASE "/%s", runner->container->name);
}

static int connect_network(struct runner *runner)
{
	const struct container *container = runner->container;
	int cleaner = cleaner_descriptor();
	char path[DIRECTORY_PATH];
	int result;

	find_directory(runner, path);
	/* A plugin that is at work when the runner is killed is waited for. */
	fcntl(cleaner, F_SETFD, 0);
	result = network_enter(&container->connection, container->network, path, container->name,
			       container->config);
	fcntl(cleaner, F_SETFD, FD_CLOEXEC);
	return result;
}

int place_enter(struct runner *runner)
{
	if (connect_network(runner))
		return -1;
	return runner->container->partition ? enter_partition(runner) : enter_host(runner);
}

int place_update(struct runner *runner, json_t *resources, bool of_member)
{
	json_t *config = json_pack("{s:{s:O}}", "linux", "resources", resources);
	struct limits limits;
	int result = config ? limits_get(config, &limits) : fail("no memory for the resources");

	/* In process isolation, crun does it all. */
	if (!result && runner->container->partition) {
		if (limits.memory > runner->container->machine.memory)
			result = fail("memory.limit: larger than the partition; %s",
				      "run it again with more");
		else if (!of_member)
			result = cgroup_update(&limits);
		field_delete(resources, "cpu.cpus");
		field_delete(resources, "cpu.mems");
	}
	json_decref(config);
	return result;
}

int place_ended(const struct runner *runner)
{
	return runner->container->partition ? runner->machine.vcpus.ended : -1;
}

void place_explain(const struct runner *runner)
{
	if (runner->container->partition)
		console_print_tail(runner->machine.console);
}

int place_conclude(struct runner *runner)
{
	const struct bulkhead_vcpu_run *run;

	if (machine_join(&runner->machine))
		return STATUS_RUN_FAILURE;
	run = vcpus_result(&runner->machine.vcpus);
	/* As the agent ends when the power button is pressed before there is a container. */
	if (run->reason == BULKHEAD_REASON_POWEROFF && run->exit_status >= 0) {
		fail("the partition was stopped");
		return run->exit_status;
	}
	fail("%s", machine_describe(run->reason));
	if (run->reason == BULKHEAD_REASON_KILLED)
		return STATUS_SIGNAL + SIGKILL;
	if (runner->state < RUNNER_EXITED)
		place_explain(runner);
	return STATUS_RUN_FAILURE;
}

bool place_is_ending(struct runner *runner)
{
	struct pollfd ended = { .fd = place_ended(runner), .events = POLLIN };

	return ended.fd >= 0 && poll(&ended, 1, ENDING_MS) > 0;
}

/* Its connection's end is the agent's, too, once it has removed the container. */
static void end_agent(struct runner *runner)
{
	uint64_t end = timeout_clock() + ENDING_MS;

	while (waitpid(runner->agent_process, NULL, WNOHANG) == 0) {
		if (timeout_clock() < end) {
			usleep(10000);
		} else {
			kill(runner->agent_process, SIGKILL);
			end = UINT64_MAX;
		}
	}
}

/* So that its devices end in the order in which they do when it has stopped by itself. */
static void end_partition(struct machine *machine)
{
	struct netlink *netlink cleanup_netlink = NULL;

	if (!machine->vcpus.n) {
		machine_abandon(machine);
		return;
	}
	if (machine->vcpus.ended < 0)
		return;
	netlink = netlink_open();
	if (!netlink || (netlink_kill_unresponsive(netlink, machine->id) && errno != EBUSY) ||
	    machine_join(machine))
		warn("%s", error_text());
}

void place_leave(struct runner *runner)
{
	char path[DIRECTORY_PATH];

	json_decref(runner->agent_config);
	agent_close(&runner->agent);
	if (runner->agent_process > 0)
		end_agent(runner);
	end_partition(&runner->machine);
	takeover_end(&runner->takeover);
	cgroup_leave();
	find_directory(runner, path);
	network_leave(path);
}
