// SPDX-License-Identifier: GPL-2.0-only
/* bulkhead run of a kernel alone: its console is on the standard streams. */
#include "base/error.h"
#include "base/status.h"
#include "commands/run.h"
#include "control/part.h"
#include "machine/machine.h"
#include "terminal/console.h"
#include "terminal/signals.h"

#include <signal.h>
#include <string.h>

#define DEFAULT_MEMORY	(256ULL << 20)

/* Returns 0 once the partition has stopped, the number of a signal, or -1 with an error. */
static int run_console(struct machine *machine, int signals)
{
	struct console console = {
		.fd = machine->console,
		.input = true,
		.hint = "Ctrl-] stops the partition",
		.signals = signals,
		.vcpus = &machine->vcpus,
	};
	int result;

	/* As in telnet. */
	if (keys_parse("ctrl-]", &console.keys))
		return -1;
	result = console_connect(&console);
	return result || !console.keys_typed ? result : SIGTERM;
}

/* What the partition's end means as an exit status. */
static int conclude(const struct machine *machine)
{
	const struct bulkhead_vcpu_run *run = vcpus_result(&machine->vcpus);

	if (run->reason == BULKHEAD_REASON_POWEROFF && run->exit_status >= 0)
		return run->exit_status;
	if (run->reason == BULKHEAD_REASON_POWEROFF || run->reason == BULKHEAD_REASON_RESET)
		return 0;
	warn("%s", machine_describe(run->reason));
	return run->reason == BULKHEAD_REASON_KILLED ? STATUS_SIGNAL + SIGKILL : STATUS_RUN_FAILURE;
}

int run_machine(const struct run_options *options)
{
	/* The vCPUs' threads have it until the process ends. */
	static struct machine machine;
	const struct machine_setup setup = {
		.name = options->name,
		.kernel = options->kernel,
		.append = options->append,
		.initrd = options->initrd,
		.memory = options->config.memory ?: DEFAULT_MEMORY,
		.cpus = options->config.cpus ? (options->config.cpus + 999) / 1000 : 1,
		.disks = options->disks,
		.n_disks = options->n_disks,
	};
	int result, signals;

	if (options->isolation && !strcmp(options->isolation, "process"))
		return fail("--isolation=process: for containers; give --rootfs or --bundle");
	for (unsigned int i = 0; i < options->n_disks; i++)
		if (disk_open(&options->disks[i]))
			return error_prefix("--disk");
	if (machine_create(&machine, &setup))
		return -1;
	/* From here on, signals end the partition; up to here, this process. */
	signals = signals_open();
	if (signals < 0 || machine_start(&machine, &setup))
		return -1;
	result = run_console(&machine, signals);
	if (result)
		return result > 0 ? STATUS_SIGNAL + result : -1;
	return machine_join(&machine) ? -1 : conclude(&machine);
}
