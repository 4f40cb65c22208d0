// SPDX-License-Identifier: GPL-2.0-only
/*
 * register bulkhead|loop: what an access to a device register costs, by port and by MMIO.
 *
 * The same guest of a few instructions runs in a partition, where bulkhead.ko answers, and in a VM
 * of KVM's, where a loop in this program does. Marks are those of mark.h.
 */
#include "../selftests/guest.h"
#include "mark.h"

#include <err.h>
#include <linux/kvm.h>
#include <linux/virtio_mmio.h>
#include <stdint.h>

#define COM1_SCRATCH	(BULKHEAD_PORT_COM1 + 7)
#define SLOT		BULKHEAD_VIRTIO_ADDR

/* Where the guest finds how often. */
#define COUNT		GUEST_DATA

#define LOOP(access) \
	"mov $" STRING(COUNT) ", %ebx\nmov (%rbx), %ecx\n" \
	"1:\n" access "dec %ecx\njnz 1b\n" POWEROFF

PROGRAM(port_read, "mov $" STRING(COM1_SCRATCH) ", %edx\n" LOOP("in %dx, %al\n"));
PROGRAM(port_write, "mov $" STRING(COM1_SCRATCH) ", %edx\n" LOOP("out %al, %dx\n"));
PROGRAM(mmio_read, "mov $" STRING(SLOT) ", %edx\n" LOOP("mov (%rdx), %eax\n"));

static const struct {
	const char *name;
	const char *code;
	const char *end;
} cases[] = {
	{ "port-read", guest_port_read, guest_port_read_end },
	{ "port-write", guest_port_write, guest_port_write_end },
	{ "mmio-read", guest_mmio_read, guest_mmio_read_end },
};

static const unsigned long counts[] = { 1000, 11000 };

static void set_count(char *ram, __u32 count)
{
	memcpy(ram + COUNT, &count, sizeof(count));
}

static void begin(void)
{
	if (mark_begin(STDOUT_FILENO) || mark_wait(STDIN_FILENO, -1))
		err(1, "no answer to a mark");
}

static void end(const char *name, unsigned long count)
{
	if (mark_end(STDOUT_FILENO, name, count) || mark_wait(STDIN_FILENO, -1))
		err(1, "no answer to a mark");
}

static void bulkhead_run(const char *name, const char *code, const char *code_end,
			 unsigned long count)
{
	struct bulkhead_rng_create rng = { .size = sizeof(rng), .irq_fd = eventfd(0, EFD_CLOEXEC) };
	struct bulkhead_vcpu_run run;
	struct guest guest;

	if (!guest_create(&guest, "", code, code_end) ||
	    ioctl(guest.part, BULKHEAD_RNG_CREATE, &rng))
		err(1, "can't create a partition");
	close(rng.irq_fd);
	set_count(guest.ram, count);
	begin();
	if (vcpu_run(guest.vcpu, &run))
		err(1, "can't run the partition");
	end(name, count);
	if (run.reason != BULKHEAD_REASON_POWEROFF)
		errx(1, "%s: the partition stopped with reason %u", name, run.reason);
	guest_destroy(&guest);
}

/* The least that a VMM does: one VM with interrupt controllers, one vCPU, two registers. */
struct vm {
	int kvm;
	int vm;
	int vcpu;
	int mem;
	char *ram;
	struct kvm_run *run;
	size_t run_size;
	uint8_t scratch;
};

static void vm_create(struct vm *vm, const char *code, const char *code_end)
{
	const struct kvm_segment data = {
		.limit = ~0U, .selector = 0x18, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1,
	};
	const struct kvm_segment text = {
		.limit = ~0U, .selector = 0x10, .type = 11, .present = 1, .l = 1, .s = 1, .g = 1,
	};
	struct kvm_userspace_memory_region region = { .memory_size = GUEST_MEMORY };
	struct kvm_regs regs = { .rip = GUEST_CODE, .rflags = 2 };
	static struct {
		struct kvm_cpuid2 cpuid;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;
	struct kvm_sregs sregs;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		err(1, "/dev/kvm");
	vm->vm = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	vm->mem = ram_create(GUEST_MEMORY, &vm->ram);
	if (vm->vm < 0 || vm->mem < 0)
		err(1, "can't create a VM");
	memory_fill(vm->ram, code, code_end);
	region.userspace_addr = (unsigned long)vm->ram;
	if (ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &region) ||
	    ioctl(vm->vm, KVM_CREATE_IRQCHIP, 0))
		err(1, "can't set up the VM");
	vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
	vm->run_size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->vcpu < 0 || vm->run == MAP_FAILED || ioctl(vm->vcpu, KVM_GET_SREGS, &sregs))
		err(1, "can't create a vCPU");
	sregs.cs = text;
	sregs.ds = data;
	sregs.es = data;
	sregs.fs = data;
	sregs.gs = data;
	sregs.ss = data;
	sregs.gdt.base = GUEST_GDT;
	sregs.gdt.limit = 31;
	sregs.cr0 = 0x80000011;		/* PG, ET, PE */
	sregs.cr3 = GUEST_PAGES;
	sregs.cr4 = 0x20;		/* PAE */
	sregs.efer = 0x500;		/* LMA, LME */
	cpuid.cpuid.nent = sizeof(cpuid.entries) / sizeof(cpuid.entries[0]);
	if (ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid) ||
	    ioctl(vm->vcpu, KVM_SET_CPUID2, &cpuid) ||
	    ioctl(vm->vcpu, KVM_SET_SREGS, &sregs) || ioctl(vm->vcpu, KVM_SET_REGS, &regs))
		err(1, "can't set up the vCPU");
}

static void vm_destroy(struct vm *vm)
{
	munmap(vm->run, vm->run_size);
	munmap(vm->ram, GUEST_MEMORY);
	close(vm->mem);
	close(vm->vcpu);
	close(vm->vm);
	close(vm->kvm);
}

/* Returns false when the guest powers off. */
static bool vm_port(struct vm *vm)
{
	uint8_t *data = (uint8_t *)vm->run + vm->run->io.data_offset;

	if (vm->run->io.port == BULKHEAD_PORT_SLEEP_CONTROL)
		return false;
	if (vm->run->io.port != COM1_SCRATCH)
		errx(1, "port %#x: nothing is there", vm->run->io.port);
	if (vm->run->io.direction == KVM_EXIT_IO_IN)
		*data = vm->scratch;
	else
		vm->scratch = *data;
	return true;
}

static void vm_mmio(struct vm *vm)
{
	const uint32_t magic = 0x74726976;	/* "virt" */

	if (vm->run->mmio.is_write || vm->run->mmio.len != sizeof(magic) ||
	    vm->run->mmio.phys_addr != SLOT + VIRTIO_MMIO_MAGIC_VALUE)
		errx(1, "%#llx: nothing is there", vm->run->mmio.phys_addr);
	memcpy(vm->run->mmio.data, &magic, sizeof(magic));
}

static void vm_loop(struct vm *vm)
{
	for (;;) {
		if (ioctl(vm->vcpu, KVM_RUN, 0))
			err(1, "KVM_RUN");
		switch (vm->run->exit_reason) {
		case KVM_EXIT_IO:
			if (!vm_port(vm))
				return;
			break;
		case KVM_EXIT_MMIO:
			vm_mmio(vm);
			break;
		default:
			errx(1, "KVM exit %u", vm->run->exit_reason);
		}
	}
}

static void loop_run(const char *name, const char *code, const char *code_end, unsigned long count)
{
	struct vm vm = { 0 };

	vm_create(&vm, code, code_end);
	set_count(vm.ram, count);
	begin();
	vm_loop(&vm);
	end(name, count);
	vm_destroy(&vm);
}

int main(int argc, char **argv)
{
	bool loop = argc == 2 && !strcmp(argv[1], "loop");
	unsigned int i, k;

	if (!loop && (argc != 2 || strcmp(argv[1], "bulkhead")))
		errx(2, "usage: register bulkhead|loop");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
			(loop ? loop_run : bulkhead_run)(cases[i].name, cases[i].code,
							 cases[i].end, counts[k]);
	return 0;
}
