// SPDX-License-Identifier: GPL-2.0-only
#include "machine/machine.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/size.h"
#include "control/part.h"
#include "machine/acpi.h"
#include "machine/image.h"
#include "machine/initrd.h"
#include "machine/kernel.h"
#include "machine/partition.h"
#include "machine/worker.h"
#include "protocol.h"

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

/*
 * quiet		each character on the console is an exit, and nobody reads them if
 *			all is well
 * cryptomgr.notests	algorithms are tested at each boot otherwise, at two fifths of what
 *			a start costs; a kernel in FIPS mode tests them all the same
 */
#define AGENT_PARAMETERS \
	PARAMETERS " quiet cryptomgr.notests " INITRD_PARAMETERS " " PORT_PARAMETER

/* And one for each queue of a disk: no device waits for one that waits for the host. */
#define WORKERS		2

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

static char *make_command_line(const struct machine_setup *setup)
{
	const char *space = setup->append ? " " : "";
	const char *append = setup->append ?: "";
	char *line;
	int n;

	if (setup->tree)
		n = asprintf(&line, AGENT_PARAMETERS "%u%s%s", setup->port, space, append);
	else
		n = asprintf(&line, PARAMETERS "%s%s", space, append);
	if (n >= 0)
		return line;
	fail_errno("kernel command line");
	return NULL;
}

/* Fills guest memory. Nothing of this needs the module. */
static int load(const struct machine_setup *setup, struct machine *machine)
{
	char *command_line cleanup_free = make_command_line(setup);
	char *kernel cleanup_free = setup->kernel ? strdup(setup->kernel) : kernel_find_default();
	struct initrd initrd = { 0 };
	struct image image;
	int result;

	if (!kernel || !command_line || image_open(&image, kernel))
		return -1;
	result = memory_create(&machine->memory, setup->memory);
	if (!result)
		result = image_load(&image, &machine->memory);
	if (!result && setup->tree)
		result = initrd_make(&initrd, &image, &machine->memory);
	if (!result && setup->initrd)
		result = load_initrd(setup->initrd, &image, &machine->memory, &initrd);
	if (!result)
		result = boot_setup(&machine->boot, &image, &machine->memory, &initrd,
				    command_line);
	image_close(&image);
	return result;
}

/* As many queues as vCPUs, that these need not wait for each other, up to where it makes sense. */
#define DISK_QUEUES_MAX	4

static unsigned int disk_queues(const struct machine_setup *setup)
{
	return setup->cpus < DISK_QUEUES_MAX ? setup->cpus : DISK_QUEUES_MAX;
}

static int add_disks(const struct machine_setup *setup, int partition, struct machine *machine)
{
	for (unsigned int i = 0; i < setup->n_disks; i++) {
		if (partition_create_disk(partition, &setup->disks[i], disk_queues(setup)))
			return -1;
		machine->devices++;
	}
	return 0;
}

static int create_vsock(const struct machine_setup *setup, struct machine *machine, int partition)
{
	if (vsock_create(&machine->vsock, partition, machine->id, &machine->memory))
		return -1;
	if (!vsock_exists(&machine->vsock)) {
		/* By it, the agent is reached. */
		if (setup->tree)
			return -1;
		warn("%s; the guest is without AF_VSOCK", error_text());
		return 0;
	}
	machine->devices++;
	return 0;
}

static int create_nets(const struct machine_setup *setup, struct machine *machine, int partition)
{
	machine->nets = calloc(setup->n_nics + 1, sizeof(*machine->nets));
	if (!machine->nets)
		return fail_errno("no memory for network devices");
	for (unsigned int i = 0; i < setup->n_nics; i++) {
		if (net_create(&machine->nets[i], partition, &setup->nics[i], &machine->memory))
			return -1;
		machine->devices++;
	}
	return 0;
}

static int create_devices(const struct machine_setup *setup, struct machine *machine, int partition)
{
	if (partition_create_button(partition) || partition_create_hvc(partition))
		return -1;
	machine->devices++;
	if (add_disks(setup, partition, machine))
		return -1;
	if (partition_create_rng(partition) || partition_create_balloon(partition))
		return -1;
	machine->devices += 2;
	if (create_vsock(setup, machine, partition) || create_nets(setup, machine, partition))
		return -1;
	if (setup->tree) {
		if (share_create(&machine->share, partition, setup->tree, setup->join_cgroup,
				 &machine->memory, setup->timeout))
			return -1;
		machine->has_share = true;
		machine->devices++;
	}
	return 0;
}

static int create_vcpus(const struct machine_setup *setup, struct machine *machine, int partition)
{
	for (unsigned int i = 0; i < setup->cpus; i++) {
		machine->vcpu_fds[i] = partition_create_vcpu(partition, i, &machine->boot);
		if (machine->vcpu_fds[i] < 0)
			return -1;
	}
	return 0;
}

int machine_create(struct machine *machine, const struct machine_setup *setup)
{
	int device cleanup_close = -1;

	*machine = (struct machine){ 0 };
	if (load(setup, machine))
		return -1;
	device = partition_open_device();
	if (device < 0)
		return -1;
	machine->partition = partition_create(device, setup->name ?: "", setup->cpus, &machine->id);
	if (machine->partition < 0 || partition_add_memory(machine->partition, &machine->memory))
		return -1;
	machine->console = partition_create_uart(machine->partition, BULKHEAD_UART_CONSOLE);
	if (machine->console < 0 || create_devices(setup, machine, machine->partition) ||
	    acpi_setup(&machine->memory, setup->cpus, machine->devices))
		return -1;
	return create_vcpus(setup, machine, machine->partition);
}

int machine_start(struct machine *machine, const struct machine_setup *setup)
{
	unsigned int workers = WORKERS + setup->n_disks * disk_queues(setup);

	if (workers_start(machine->partition, workers) || vsock_start(&machine->vsock) ||
	    (machine->has_share && share_start(&machine->share)))
		return -1;
	for (unsigned int i = 0; i < setup->n_nics; i++)
		if (net_start(&machine->nets[i]))
			return -1;
	return vcpus_start(&machine->vcpus, machine->vcpu_fds, setup->cpus);
}

int machine_join(struct machine *machine)
{
	if (vcpus_join(&machine->vcpus))
		return -1;
	if (machine->has_share)
		share_end(&machine->share);
	return 0;
}

void machine_abandon(struct machine *machine)
{
	share_abandon(&machine->share);
}

const char *machine_describe(uint32_t reason)
{
	switch (reason) {
	case BULKHEAD_REASON_POWEROFF:
		return "the guest powered off";
	case BULKHEAD_REASON_RESET:
		return "the guest reset";
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
