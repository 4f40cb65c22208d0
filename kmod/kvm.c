// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM, driven through the operations of its own files, and nothing else of bulkhead.ko knows it.
 *
 * VMs and vCPUs are made with the ioctls of /dev/kvm and of the files that it returns, which are
 * taken out of the runner's descriptor table at once. In the instant between, another thread of the
 * runner can duplicate such a descriptor, or put another file in its place. So each file is
 * identified by its operations before it is used, and our devices leave KVM's buses before the
 * partition goes, although the VM may live on. What such a runner gains is what /dev/kvm gives it.
 *
 * KVM wants its arguments in user memory: each call maps a scratch area in the runner's address
 * space for itself. The runner could change it meanwhile; KVM checks what it reads, and nothing
 * here relies on KVM having read what was written.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kvm_host.h>
#include <linux/miscdevice.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <kvm/iodev.h>

#include "bulkhead.h"
#include "cpuid.h"
#include "kvm.h"

/*
 * Ports, and the addresses below 4 GiB, are answered on KVM's buses; what lies above, after an
 * exit.
 */
#define PORTS_END	0x10000
#define MMIO_END	BIT_ULL(32)

/* Length of a range on a KVM bus is an int. */
#define RANGE_MAX	SZ_1G

/*
 * Three pages and one page that Intel's processors without unrestricted guest need; KVM API 4.9,
 * 4.79.
 */
#define TSS_ADDR		0xfffbd000
#define IDENTITY_MAP_ADDR	0xfffbc000ULL

#define CPUID_ENTRIES_MAX	256

static struct file *dev_kvm;
static const struct file_operations *vm_fops;
static const struct file_operations *vcpu_fops;

static const struct {
	int cap;
	const char *name;
} required_caps[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_ADJUST_CLOCK, "KVM_CAP_ADJUST_CLOCK" },
	{ KVM_CAP_TSC_DEADLINE_TIMER, "KVM_CAP_TSC_DEADLINE_TIMER" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR" },
};

/**
 * struct bulkhead_kvm - a VM of KVM's
 * @part: whose it is
 * @file: the VM's file; holds the VM
 * @vm: the VM
 * @ports: our device on the port bus
 * @mmio: our device on the MMIO bus
 */
struct bulkhead_kvm {
	struct bulkhead_part *part;
	struct file *file;
	struct kvm *vm;
	struct kvm_io_device ports;
	struct kvm_io_device mmio;
};

/**
 * struct bulkhead_kvm_vcpu - a vCPU of KVM's
 * @part: whose it is
 * @file: the vCPU's file; holds the vCPU and the VM
 * @vcpu: the vCPU
 */
struct bulkhead_kvm_vcpu {
	struct bulkhead_part *part;
	struct file *file;
	struct kvm_vcpu *vcpu;
};

/*
 * On a file that is known to be KVM's. The kernel's own vfs_ioctl() is not exported by Linux 7.2.
 */
static long kvm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return file->f_op->unlocked_ioctl(file, cmd, arg);
}

/* Calls @cmd with a copy of @arg in user memory, and copies back what the call returned in it. */
static long kvm_call(struct file *file, unsigned int cmd, void *arg, size_t size)
{
	unsigned long scratch;
	long ret;

	scratch = vm_mmap(NULL, 0, PAGE_ALIGN(size), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(scratch))
		return scratch;

	ret = -EFAULT;
	if (copy_to_user((void __user *)scratch, arg, size))
		goto unmap;
	ret = kvm_ioctl(file, cmd, scratch);
	if (ret >= 0 && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_from_user(arg, (void __user *)scratch, size))
		ret = -EFAULT;
unmap:
	vm_munmap(scratch, PAGE_ALIGN(size));
	return ret;
}

/* Takes the file behind a descriptor that KVM has just made out of the runner's table. */
static struct file *take_file(long fd)
{
	struct file *file;

	if (fd < 0)
		return ERR_PTR(fd);
	file = fget(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	close_fd(fd);
	return file;
}

static struct file *vm_file_create(void)
{
	return take_file(kvm_ioctl(dev_kvm, KVM_CREATE_VM, 0));
}

static struct file *vcpu_file_create(struct file *vm_file, u32 index)
{
	return take_file(kvm_ioctl(vm_file, KVM_CREATE_VCPU, index));
}

static bool vm_file_is_ours(struct file *file)
{
	return file->f_op == vm_fops && ((struct kvm *)file->private_data)->mm == current->mm;
}

static bool vcpu_file_is_ours(struct file *file, struct kvm *vm)
{
	return file->f_op == vcpu_fops && ((struct kvm_vcpu *)file->private_data)->kvm == vm;
}

/*
 * KVM finds a device by a binary search over ranges that must not overlap, so what is claimed
 * here is all that lies between the ranges of KVM's own devices. The array is replaced as KVM
 * itself does it.
 */
static int bus_claim(struct kvm *vm, enum kvm_bus idx, u64 end, struct kvm_io_device *dev)
{
	struct kvm_io_bus *old, *new;
	u64 next = 0, len;
	int i, n, ranges;

	guard(mutex)(&vm->slots_lock);
	old = rcu_dereference_protected(vm->buses[idx], lockdep_is_held(&vm->slots_lock));
	if (!old)
		return -ENOMEM;

	ranges = 2 * old->dev_count + 1 + end / RANGE_MAX;
	new = kzalloc(struct_size(new, range, ranges), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->ioeventfd_count = old->ioeventfd_count;

	for (i = 0, n = 0; i <= old->dev_count; i++) {
		u64 gap_end = i < old->dev_count ? old->range[i].addr : end;

		for (; next < gap_end; next += len) {
			len = min_t(u64, gap_end - next, RANGE_MAX);
			new->range[n++] = (struct kvm_io_range){
				.addr = next, .len = len, .dev = dev,
			};
		}
		if (i < old->dev_count) {
			new->range[n++] = old->range[i];
			next = old->range[i].addr + old->range[i].len;
		}
	}
	new->dev_count = n;

	rcu_assign_pointer(vm->buses[idx], new);
	synchronize_srcu_expedited(&vm->srcu);
	kfree(old);
	return 0;
}

/*
 * After this no vCPU is in @dev nor gets there. Without memory the bus goes, as in KVM's own
 * removal.
 */
static void bus_release(struct kvm *vm, enum kvm_bus idx, const struct kvm_io_device *dev)
{
	struct kvm_io_bus *old, *new;
	int i, n;

	guard(mutex)(&vm->slots_lock);
	old = rcu_dereference_protected(vm->buses[idx], lockdep_is_held(&vm->slots_lock));
	if (!old)
		return;

	new = kzalloc(struct_size(new, range, old->dev_count), GFP_KERNEL_ACCOUNT);
	if (new) {
		for (i = 0, n = 0; i < old->dev_count; i++)
			if (old->range[i].dev != dev)
				new->range[n++] = old->range[i];
		new->dev_count = n;
		new->ioeventfd_count = old->ioeventfd_count;
	}

	rcu_assign_pointer(vm->buses[idx], new);
	synchronize_srcu_expedited(&vm->srcu);
	if (!new)
		for (i = 0; i < old->dev_count; i++)
			if (old->range[i].dev != dev && old->range[i].dev->ops->destructor)
				old->range[i].dev->ops->destructor(old->range[i].dev);
	kfree(old);
}

static int ports_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		      void *data)
{
	bulkhead_bus_port_read(container_of(dev, struct bulkhead_kvm, ports)->part, addr, data,
			       len);
	return 0;
}

static int ports_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		       const void *data)
{
	bulkhead_bus_port_write(container_of(dev, struct bulkhead_kvm, ports)->part, addr, data,
				len);
	return 0;
}

static const struct kvm_io_device_ops ports_ops = {
	.read = ports_read,
	.write = ports_write,
};

static int mmio_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		     void *data)
{
	bulkhead_bus_mem_read(container_of(dev, struct bulkhead_kvm, mmio)->part, addr, data, len);
	return 0;
}

static int mmio_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, gpa_t addr, int len,
		      const void *data)
{
	bulkhead_bus_mem_write(container_of(dev, struct bulkhead_kvm, mmio)->part, addr, data,
			       len);
	return 0;
}

static const struct kvm_io_device_ops mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
};

static int machine_init(struct bulkhead_kvm *kvm)
{
	u64 identity_map = IDENTITY_MAP_ADDR;
	long ret;

	ret = kvm_ioctl(kvm->file, KVM_SET_TSS_ADDR, TSS_ADDR);
	if (ret)
		return ret;
	ret = kvm_call(kvm->file, KVM_SET_IDENTITY_MAP_ADDR, &identity_map, sizeof(identity_map));
	if (ret)
		return ret;
	return kvm_ioctl(kvm->file, KVM_CREATE_IRQCHIP, 0);
}

/**
 * bulkhead_kvm_create - create a VM with its interrupt controllers, and claim its buses
 * @part: whose it is
 *
 * Return: the VM, or an error of KVM's.
 */
struct bulkhead_kvm *bulkhead_kvm_create(struct bulkhead_part *part)
{
	struct bulkhead_kvm *kvm;
	int ret;

	kvm = kzalloc(sizeof(*kvm), GFP_KERNEL_ACCOUNT);
	if (!kvm)
		return ERR_PTR(-ENOMEM);
	kvm->part = part;
	kvm_iodevice_init(&kvm->ports, &ports_ops);
	kvm_iodevice_init(&kvm->mmio, &mmio_ops);

	kvm->file = vm_file_create();
	if (IS_ERR(kvm->file)) {
		ret = PTR_ERR(kvm->file);
		goto free_kvm;
	}
	ret = -EBADF;
	if (!vm_file_is_ours(kvm->file))
		goto put_file;
	kvm->vm = kvm->file->private_data;

	ret = machine_init(kvm);
	if (ret)
		goto put_file;
	ret = bus_claim(kvm->vm, KVM_PIO_BUS, PORTS_END, &kvm->ports);
	if (ret)
		goto put_file;
	ret = bus_claim(kvm->vm, KVM_MMIO_BUS, MMIO_END, &kvm->mmio);
	if (ret)
		goto release_ports;
	return kvm;

release_ports:
	bus_release(kvm->vm, KVM_PIO_BUS, &kvm->ports);
put_file:
	fput(kvm->file);
free_kvm:
	kfree(kvm);
	return ERR_PTR(ret);
}

/**
 * bulkhead_kvm_destroy - release the buses and let the VM go
 * @kvm: the VM; its vCPUs have been destroyed
 */
void bulkhead_kvm_destroy(struct bulkhead_kvm *kvm)
{
	bus_release(kvm->vm, KVM_MMIO_BUS, &kvm->mmio);
	bus_release(kvm->vm, KVM_PIO_BUS, &kvm->ports);
	fput(kvm->file);
	kfree(kvm);
}

/**
 * bulkhead_kvm_mem_add - show the guest memory of the runner's
 * @kvm: the VM
 * @slot: KVM's number for the region, not used before
 * @guest_addr: guest physical address
 * @bytes: length
 * @user_addr: address in the runner
 *
 * Return: 0 or an error of KVM's.
 */
int bulkhead_kvm_mem_add(struct bulkhead_kvm *kvm, u32 slot, u64 guest_addr, u64 bytes,
			 u64 user_addr)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = guest_addr,
		.memory_size = bytes,
		.userspace_addr = user_addr,
	};

	return kvm_call(kvm->file, KVM_SET_USER_MEMORY_REGION, &region, sizeof(region));
}

/**
 * bulkhead_kvm_irq_wire - let an eventfd raise an edge-triggered interrupt
 * @kvm: the VM
 * @irq_fd: descriptor of the eventfd
 * @irq: pin of the interrupt controllers
 *
 * Return: 0, -EBADF or -EINVAL if @irq_fd is no eventfd, or another error of KVM's.
 */
int bulkhead_kvm_irq_wire(struct bulkhead_kvm *kvm, int irq_fd, u32 irq)
{
	struct kvm_irqfd irqfd = { .fd = irq_fd, .gsi = irq };

	return kvm_call(kvm->file, KVM_IRQFD, &irqfd, sizeof(irqfd));
}

static int cpuid_init(struct file *file, u32 index, u32 vcpus)
{
	size_t size = struct_size_t(struct kvm_cpuid2, entries, CPUID_ENTRIES_MAX);
	struct kvm_cpuid2 *cpuid __free(kfree) = kzalloc(size, GFP_KERNEL_ACCOUNT);
	long ret;

	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = CPUID_ENTRIES_MAX;
	ret = kvm_call(dev_kvm, KVM_GET_SUPPORTED_CPUID, cpuid, size);
	if (ret)
		return ret;
	ret = bulkhead_cpuid_set(cpuid, CPUID_ENTRIES_MAX, index, vcpus);
	if (ret)
		return ret;
	return kvm_call(file, KVM_SET_CPUID2, cpuid, size);
}

/* Documentation/arch/x86/boot.rst, "64-bit boot protocol". */
static int regs_init(struct file *file, const struct bulkhead_vcpu_create *args)
{
	const struct kvm_segment data = {
		.limit = ~0U, .selector = 0x18, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1,
	};
	struct kvm_regs regs = {
		.rip = args->entry,
		.rsi = args->boot_params,
		.rflags = X86_EFLAGS_FIXED,
	};
	struct kvm_sregs sregs;
	long ret;

	ret = kvm_call(file, KVM_GET_SREGS, &sregs, sizeof(sregs));
	if (ret)
		return ret;

	sregs.cs = (struct kvm_segment){
		.limit = ~0U, .selector = 0x10, .type = 11, .present = 1, .l = 1, .s = 1, .g = 1,
	};
	sregs.ds = data;
	sregs.es = data;
	sregs.fs = data;
	sregs.gs = data;
	sregs.ss = data;
	sregs.gdt.base = args->gdt;
	sregs.gdt.limit = 4 * sizeof(u64) - 1;
	sregs.cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_PG;
	sregs.cr3 = args->page_table;
	sregs.cr4 = X86_CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	ret = kvm_call(file, KVM_SET_SREGS, &sregs, sizeof(sregs));
	if (ret)
		return ret;
	return kvm_call(file, KVM_SET_REGS, &regs, sizeof(regs));
}

/**
 * bulkhead_kvm_vcpu_create - create a vCPU, the first at the entry of a 64-bit Linux kernel
 * @kvm: the VM
 * @args: checked arguments of BULKHEAD_VCPU_CREATE
 *
 * Return: the vCPU, or an error of KVM's. After an error its index can't be used again.
 */
struct bulkhead_kvm_vcpu *bulkhead_kvm_vcpu_create(struct bulkhead_kvm *kvm,
						   const struct bulkhead_vcpu_create *args)
{
	struct bulkhead_kvm_vcpu *vcpu;
	int ret;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->part = kvm->part;

	vcpu->file = vcpu_file_create(kvm->file, args->index);
	if (IS_ERR(vcpu->file)) {
		ret = PTR_ERR(vcpu->file);
		goto free_vcpu;
	}
	ret = -EBADF;
	if (!vcpu_file_is_ours(vcpu->file, kvm->vm))
		goto put_file;
	vcpu->vcpu = vcpu->file->private_data;

	ret = cpuid_init(vcpu->file, args->index, kvm->part->max_vcpus);
	if (ret)
		goto put_file;
	/* The others start as the first tells them to, by interrupts of the APIC. */
	if (!args->index)
		ret = regs_init(vcpu->file, args);
	if (ret)
		goto put_file;
	return vcpu;

put_file:
	fput(vcpu->file);
free_vcpu:
	kfree(vcpu);
	return ERR_PTR(ret);
}

/**
 * bulkhead_kvm_vcpu_destroy - let a vCPU go
 * @vcpu: the vCPU; no thread is in bulkhead_kvm_vcpu_run()
 */
void bulkhead_kvm_vcpu_destroy(struct bulkhead_kvm_vcpu *vcpu)
{
	fput(vcpu->file);
	kfree(vcpu);
}

/* An access across the edge of a range, which KVM's buses can't answer. */
static void port_exit(struct bulkhead_kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->vcpu->run;
	u32 size = run->io.size, port = run->io.port;
	u8 *data = vcpu->vcpu->arch.pio_data;
	u32 count = size ? min_t(u32, run->io.count, PAGE_SIZE / size) : 0;

	for (; count; count--, data += size) {
		if (run->io.direction == KVM_EXIT_IO_IN)
			bulkhead_bus_port_read(vcpu->part, port, data, size);
		else
			bulkhead_bus_port_write(vcpu->part, port, data, size);
	}
}

/* An access above MMIO_END. */
static void mmio_exit(struct bulkhead_kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->vcpu->run;
	u32 len = min_t(u32, run->mmio.len, sizeof(run->mmio.data));

	if (run->mmio.is_write)
		bulkhead_bus_mem_write(vcpu->part, run->mmio.phys_addr, run->mmio.data, len);
	else
		bulkhead_bus_mem_read(vcpu->part, run->mmio.phys_addr, run->mmio.data, len);
}

/**
 * bulkhead_kvm_vcpu_run - run a vCPU until something ends that
 * @vcpu: the vCPU
 *
 * Return: 0 if it is to be run again, -EINTR for a signal or a kick, another negative error of
 * KVM's, or the positive enum bulkhead_reason for which the partition has to stop.
 */
int bulkhead_kvm_vcpu_run(struct bulkhead_kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->vcpu->run;
	long ret;

	ret = kvm_ioctl(vcpu->file, KVM_RUN, 0);
	/* The first run makes a thread for the VM, which a pending signal prevents. */
	if (ret == -ERESTARTNOINTR)
		return -EINTR;
	/* A vCPU that waited for its start was told something, which may or may not be to start. */
	if (ret == -EAGAIN)
		return 0;
	if (ret < 0)
		return ret;

	switch (READ_ONCE(run->exit_reason)) {
	case KVM_EXIT_IO:
		port_exit(vcpu);
		return 0;
	case KVM_EXIT_MMIO:
		mmio_exit(vcpu);
		return 0;
	case KVM_EXIT_INTR:
		return -EINTR;
	case KVM_EXIT_SHUTDOWN:
		return BULKHEAD_REASON_TRIPLE_FAULT;
	default:
		pr_info_ratelimited("partition %u: KVM exit %u, suberror %u\n", vcpu->part->id,
				    run->exit_reason, run->internal.suberror);
		return BULKHEAD_REASON_ERROR;
	}
}

/**
 * bulkhead_kvm_vcpu_exits - add a vCPU's exits to a sum
 * @vcpu: the vCPU; it may be running
 * @sum: what to add to
 */
void bulkhead_kvm_vcpu_exits(struct bulkhead_kvm_vcpu *vcpu, struct bulkhead_exits *sum)
{
	const struct kvm_vcpu_stat *stat = &vcpu->vcpu->stat;

	sum->total += READ_ONCE(stat->exits);
	sum->io += READ_ONCE(stat->io_exits);
	sum->mmio += READ_ONCE(stat->mmio_exits);
	sum->halt += READ_ONCE(stat->halt_exits);
	sum->irq += READ_ONCE(stat->irq_exits);
	sum->irq_window += READ_ONCE(stat->irq_window_exits);
	sum->signal += READ_ONCE(stat->signal_exits);
}

static int caps_check(void)
{
	unsigned int i;

	if (kvm_ioctl(dev_kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		pr_err("/dev/kvm: KVM's interface is not version %d\n", KVM_API_VERSION);
		return -EOPNOTSUPP;
	}
	for (i = 0; i < ARRAY_SIZE(required_caps); i++) {
		if (kvm_ioctl(dev_kvm, KVM_CHECK_EXTENSION, required_caps[i].cap) <= 0) {
			pr_err("/dev/kvm: KVM on this host lacks %s\n", required_caps[i].name);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

/* Learns the operations of KVM's files from a VM that nobody else sees yet. */
static int fops_learn(void)
{
	struct file *vm, *vcpu;

	vm = vm_file_create();
	if (IS_ERR(vm)) {
		pr_err("/dev/kvm: can't create a VM (%ld); is virtualization enabled on this host?\n",
		       PTR_ERR(vm));
		return PTR_ERR(vm);
	}
	vcpu = vcpu_file_create(vm, 0);
	if (!IS_ERR(vcpu)) {
		vm_fops = vm->f_op;
		vcpu_fops = vcpu->f_op;
		fput(vcpu);
	}
	fput(vm);
	return PTR_ERR_OR_ZERO(vcpu);
}

/**
 * bulkhead_kvm_init - open /dev/kvm and check that it can do what we need
 *
 * Return: 0, -EOPNOTSUPP if it can't, or an error of opening it or of creating a VM.
 */
int bulkhead_kvm_init(void)
{
	struct inode *inode;
	int ret;

	dev_kvm = filp_open("/dev/kvm", O_RDWR | O_CLOEXEC, 0);
	if (IS_ERR(dev_kvm)) {
		pr_err("/dev/kvm: can't open (%ld); load kvm-amd or kvm-intel first\n",
		       PTR_ERR(dev_kvm));
		return PTR_ERR(dev_kvm);
	}
	inode = file_inode(dev_kvm);
	ret = -EOPNOTSUPP;
	if (!S_ISCHR(inode->i_mode) || inode->i_rdev != MKDEV(MISC_MAJOR, KVM_MINOR)) {
		pr_err("/dev/kvm: not the character device %d:%d\n", MISC_MAJOR, KVM_MINOR);
		goto put_dev;
	}
	ret = caps_check();
	if (ret)
		goto put_dev;
	ret = fops_learn();
	if (ret)
		goto put_dev;
	return 0;

put_dev:
	fput(dev_kvm);
	return ret;
}

/**
 * bulkhead_kvm_exit - close /dev/kvm
 */
void bulkhead_kvm_exit(void)
{
	fput(dev_kvm);
}
