// SPDX-License-Identifier: GPL-2.0-only
#include "runner.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/size.h"
#include "base/status.h"
#include "control/part.h"
#include "machine/acpi.h"
#include "machine/boot.h"
#include "machine/image.h"
#include "machine/initrd.h"
#include "machine/kernel.h"
#include "machine/partition.h"
#include "machine/share.h"
#include "machine/vcpu.h"
#include "machine/vsock.h"
#include "machine/worker.h"
#include "session.h"
#include "terminal/console.h"
#include "terminal/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * console=ttyS0		the console that bulkhead keeps
 * panic=-1			reboot at once after a panic, rather than hang
 * reboot=pci,panic_warm	by the port whose value tells a panic from a reset: the driver for
 *			pvpanic is a module, which isn't there when most panics happen
 */
#define PARAMETERS		"console=ttyS0 panic=-1 reboot=pci,panic_warm"

/* quiet: each character on the console is an exit, and nobody reads them if all is well. */
#define COMMAND_PARAMETERS	PARAMETERS " quiet " INITRD_PARAMETERS

/* And one for each queue of a disk: no device waits for one that waits for the host. */
#define WORKERS		2

/* What every container starts from. */
static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	NULL,
};

/* What a partition is made of, and what the runner holds of it. */
struct parts {
	struct memory memory;
	struct boot boot;
	int console;
	int agent;		/* -1 without a command */
	int signals;
	unsigned int devices;	/* virtio devices created so far */
	struct vsock vsock;
	struct share root;	/* with a command */
	struct vcpus vcpus;
};

static int load_initrd(const char *path, const struct image *image, const struct memory *memory,
		       struct initrd *initrd)
{
	int fd cleanup_close = -1;
	struct initrd room = boot_initrd_room(image, memory);
	char have[SIZE_TEXT];
	struct stat stat;
	ssize_t n;

	fd = file_open(path, &stat);
	if (fd < 0)
		return -1;
	if ((uint64_t)stat.st_size > room.bytes)
		return fail("%s: too large: memory has room for %s; give more by --memory", path,
			    size_format(room.bytes, have));
	n = file_read(fd, memory_at(memory, room.guest_addr, stat.st_size), stat.st_size, 0);
	if (n < 0)
		return fail_errno("%s", path);
	*initrd = (struct initrd){ .guest_addr = room.guest_addr, .bytes = n };
	return 0;
}

/* Fills guest memory. Nothing of this needs the module. */
static int load(const struct runner *runner, struct parts *parts)
{
	char *command_line cleanup_free = NULL;
	char *kernel cleanup_free = runner->kernel ? strdup(runner->kernel) : kernel_find_default();
	struct initrd initrd = { 0 };
	struct image image;
	int result;

	if (!kernel)
		return -1;
	if (asprintf(&command_line, "%s%s%s", runner->rootfs ? COMMAND_PARAMETERS : PARAMETERS,
		     runner->append ? " " : "", runner->append ?: "") < 0)
		return fail_errno("kernel command line");
	if (image_open(&image, kernel))
		return -1;
	result = memory_create(&parts->memory, runner->memory);
	if (!result)
		result = image_load(&image, &parts->memory);
	if (!result && runner->rootfs)
		result = initrd_make(&initrd, &image, &parts->memory);
	if (!result && runner->initrd)
		result = load_initrd(runner->initrd, &image, &parts->memory, &initrd);
	if (!result)
		result = boot_setup(&parts->boot, &image, &parts->memory, &initrd, command_line);
	image_close(&image);
	return result;
}

/* As many queues as vCPUs, that these need not wait for each other, up to where it makes sense. */
#define DISK_QUEUES_MAX	4

static unsigned int disk_queues(const struct runner *runner)
{
	return runner->cpus < DISK_QUEUES_MAX ? runner->cpus : DISK_QUEUES_MAX;
}

static int add_disks(const struct runner *runner, int partition, struct parts *parts)
{
	for (unsigned int i = 0; i < runner->n_disks; i++) {
		if (partition_create_disk(partition, &runner->disks[i], disk_queues(runner)))
			return -1;
		parts->devices++;
	}
	return 0;
}

static int create_vcpus(const struct runner *runner, int partition, const struct boot *boot,
			int fds[BULKHEAD_VCPUS_MAX])
{
	for (unsigned int i = 0; i < runner->cpus; i++) {
		fds[i] = partition_create_vcpu(partition, i, boot);
		if (fds[i] < 0)
			return -1;
	}
	return 0;
}

static int create_devices(const struct runner *runner, struct parts *parts, int partition,
			  uint32_t id)
{
	if (partition_create_button(partition) || partition_create_hvc(partition))
		return -1;
	parts->devices++;
	if (add_disks(runner, partition, parts))
		return -1;
	if (partition_create_rng(partition) || partition_create_balloon(partition))
		return -1;
	parts->devices += 2;
	if (vsock_create(&parts->vsock, partition, id, &parts->memory))
		return -1;
	parts->devices += vsock_exists(&parts->vsock);
	if (runner->rootfs) {
		if (share_create(&parts->root, partition, runner->rootfs, &parts->memory))
			return -1;
		parts->devices++;
	}
	return 0;
}

/* Creates the partition, up to where its vCPUs run. */
static int start(const struct runner *runner, struct parts *parts)
{
	int device cleanup_close = partition_open_device();
	int vcpus[BULKHEAD_VCPUS_MAX];
	int partition;
	uint32_t id;

	if (device < 0)
		return -1;
	partition = partition_create(device, runner->name ?: "", runner->cpus, &id);
	if (partition < 0 || partition_add_memory(partition, &parts->memory))
		return -1;
	parts->console = partition_create_uart(partition, BULKHEAD_UART_CONSOLE);
	if (parts->console < 0)
		return -1;
	if (runner->rootfs) {
		parts->agent = partition_create_uart(partition, BULKHEAD_UART_AGENT);
		if (parts->agent < 0)
			return -1;
	}
	if (create_devices(runner, parts, partition, id) ||
	    acpi_setup(&parts->memory, runner->cpus, parts->devices) ||
	    create_vcpus(runner, partition, &parts->boot, vcpus))
		return -1;
	/* From here on, signals are the guest's. Up to here they end this process as any other. */
	parts->signals = signals_open();
	if (parts->signals < 0 ||
	    workers_start(partition, WORKERS + runner->n_disks * disk_queues(runner)) ||
	    vsock_start(&parts->vsock) || (runner->rootfs && share_start(&parts->root)))
		return -1;
	return vcpus_start(&parts->vcpus, vcpus, runner->cpus);
}

static const char *describe(uint32_t reason)
{
	switch (reason) {
	case BULKHEAD_REASON_POWEROFF:
		return "the guest powered off before the command ended";
	case BULKHEAD_REASON_RESET:
		return "the guest reset before the command ended";
	case BULKHEAD_REASON_PANIC:
		return "the guest's kernel panicked";
	case BULKHEAD_REASON_TRIPLE_FAULT:
		return "the guest's kernel crashed (triple fault)";
	case BULKHEAD_REASON_KILLED:
		return "the partition was killed";
	case BULKHEAD_REASON_ERROR:
		return "KVM can't go on with the partition; the host's kernel log says why";
	default:
		return part_reason_name(reason);
	}
}

/* What the partition's end means as an exit status. */
static int conclude(const struct runner *runner, const struct parts *parts)
{
	const struct bulkhead_vcpu_run *run = vcpus_result(&parts->vcpus);

	if (run->reason == BULKHEAD_REASON_POWEROFF && run->exit_status >= 0)
		return run->exit_status;
	if (!runner->rootfs && (run->reason == BULKHEAD_REASON_POWEROFF ||
				run->reason == BULKHEAD_REASON_RESET))
		return 0;
	warn("%s", describe(run->reason));
	if (run->reason == BULKHEAD_REASON_KILLED)
		return STATUS_SIGNAL + SIGKILL;
	/* Without a command, all of it is on the terminal already. */
	if (runner->rootfs)
		console_print_tail(parts->console);
	return STATUS_RUN_FAILURE;
}

/* The guest's console on this process' standard streams. Returns as session_run(). */
static int run_console(struct parts *parts)
{
	struct console console = {
		.fd = parts->console,
		.input = true,
		.hint = "Ctrl-] stops the partition",
		.signals = parts->signals,
		.vcpus = &parts->vcpus,
	};
	int result;

	/* As in telnet. */
	if (keys_parse("ctrl-]", &console.keys))
		return -1;
	result = console_connect(&console);
	return result || !console.keys_typed ? result : SIGTERM;
}

static int check_root(const char *dir)
{
	struct stat stat_buffer;

	if (stat(dir, &stat_buffer))
		return fail_errno("%s", dir);
	if (!S_ISDIR(stat_buffer.st_mode))
		return fail("%s: not a directory; give the one that is to be the root", dir);
	return 0;
}

int runner_run(const struct runner *runner)
{
	/* The vCPUs' threads have it until the process ends. */
	static struct parts parts = { .agent = -1 };
	int cannot_run = 0;
	int result;

	if (runner->rootfs && (check_root(runner->rootfs) ||
			       session_check(runner->args, environment)))
		return -1;
	for (unsigned int i = 0; i < runner->n_disks; i++)
		if (disk_open(&runner->disks[i]))
			return error_prefix("--disk");
	if (load(runner, &parts) || start(runner, &parts))
		return -1;
	if (runner->rootfs) {
		const struct session_setup setup = {
			.args = runner->args,
			.env = environment,
			.uart = parts.agent,
			.signals = parts.signals,
			.vcpus = &parts.vcpus,
		};

		result = session_run(&setup, &cannot_run);
	} else {
		result = run_console(&parts);
	}
	if (result)
		return result > 0 ? STATUS_SIGNAL + result : -1;
	if (vcpus_join(&parts.vcpus))
		return -1;
	if (runner->rootfs)
		share_end(&parts.root);
	if (cannot_run)
		warn("%s: %s", runner->args[0], strerror(cannot_run));
	return conclude(runner, &parts);
}
