/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * bulkhead: partitions with a kernel of their own, on top of KVM.
 *
 * This header is the interface of /dev/bulkhead and of the descriptors it returns. It owns what has
 * a lifetime: partitions, their memory and their vCPUs. Observation and policy (list, kill, events)
 * belong to the generic netlink family "bulkhead", see bulkhead_netlink.h.
 *
 *   /dev/bulkhead --BULKHEAD_PART_CREATE--> partition --BULKHEAD_MEM_ADD (a memfd of the runner's)
 *         |                                     |------BULKHEAD_VCPU_CREATE--> vCPU
 *         |                                     |------BULKHEAD_UART_CREATE--> UART
 *         |                                     |------BULKHEAD_HVC_CREATE (a virtio device)
 *         |                                     |------BULKHEAD_RNG_CREATE (a virtio device)
 *         |                                     |------BULKHEAD_DISK_CREATE (another)
 *         |                                     |------BULKHEAD_BALLOON_CREATE (another)
 *         |                                     |------BULKHEAD_EXTERNAL_CREATE--> external device
 *         |                                     '------BULKHEAD_WORKER_RUN (serves the devices)
 *         '------BULKHEAD_CONSOLE_OPEN--> UART, to read and write the console of a known partition
 *
 * The process that creates a partition is its runner: guest memory is memory of the runner, vCPUs
 * are threads of the runner. A partition lives as long as a descriptor of its own is open: the
 * partition, a vCPU, a UART from BULKHEAD_UART_CREATE, or an external device. Every descriptor is
 * close-on-exec.
 *
 * Every argument is a structure that opens with its size and with flags. Kernel and caller may know
 * different versions of it: a shorter one is taken as filled up with zeroes, a longer one is
 * accepted if what the kernel doesn't know is zero.
 *
 * Errors common to all ioctls:
 *
 *   ENOTTY      no such ioctl on this descriptor
 *   EFAULT      the argument can't be read or written
 *   EINVAL      size below that of the first version, unknown flag, reserved field not zero
 *   E2BIG       size above what the kernel knows, and the rest isn't zero; or above one page
 *   EPERM       the caller isn't the runner (a child after fork(), another program after exec())
 *   EBUSY       not legal in the partition's present state, or an irq_fd that already is another
 *               interrupt of it
 *   ENOMEM      the host is out of memory, or a limit of the runner's on memory is met
 */
#ifndef _UAPI_LINUX_BULKHEAD_H
#define _UAPI_LINUX_BULKHEAD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BULKHEAD_IOC		0xBE

/* Bytes of a partition's name, with its terminating zero. */
#define BULKHEAD_NAME_MAX	128

/* vCPUs of a partition. */
#define BULKHEAD_VCPUS_MAX	64

/* Regions of memory of a partition. */
#define BULKHEAD_MEMS_MAX	8

/* Highest guest physical address, exclusive, that memory may reach: 1 TiB. */
#define BULKHEAD_MEM_END	0x10000000000ULL

/* Queues of an external device: 16 of one kind, and one of control. */
#define BULKHEAD_EXTERNAL_QUEUES_MAX	17

/*
 * A partition's context id (CID) for AF_VSOCK is this plus its id. So it is given to no other
 * partition while this one exists, nor for long after: ids go up, and begin anew after 2^31.
 */
#define BULKHEAD_CID_BASE	0x10000

/* ---- /dev/bulkhead ---- */

/**
 * struct bulkhead_part_create - argument of BULKHEAD_PART_CREATE
 * @size: sizeof(struct bulkhead_part_create)
 * @flags: must be zero
 * @id: out: the partition's id, unique on this host, never zero
 * @vcpus: number of vCPUs that the guest is told of, 1 to BULKHEAD_VCPUS_MAX
 * @name: empty, or a zero-terminated name: a letter or digit, then letters, digits, '_', '.', '-'
 */
struct bulkhead_part_create {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 vcpus;
	char name[BULKHEAD_NAME_MAX];
};

/**
 * BULKHEAD_PART_CREATE - create a partition
 *
 * The caller becomes its runner, and its user the owner. The partition has interrupt controllers
 * and the devices of bulkhead_machine.h, and neither memory, vCPU nor UART.
 *
 * Return: a partition descriptor; the partition's state is "created". Errors: EINVAL name
 * malformed or @vcpus out of range, EEXIST the owner has a partition of that name, EOPNOTSUPP KVM
 * on this host lacks something required, EMFILE or ENFILE no descriptor is free.
 */
#define BULKHEAD_PART_CREATE	_IO(BULKHEAD_IOC, 0x00)

/**
 * struct bulkhead_console_open - argument of BULKHEAD_CONSOLE_OPEN
 * @size: sizeof(struct bulkhead_console_open)
 * @flags: must be zero
 * @id: id of the partition
 * @reserved: must be zero
 */
struct bulkhead_console_open {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 reserved;
};

/**
 * BULKHEAD_CONSOLE_OPEN - open the console of a partition
 *
 * Legal in every state, for the partition's owner and for CAP_SYS_ADMIN. The descriptor doesn't
 * keep the partition alive: once it is gone, what the console still holds can be read to its end.
 *
 * Return: a UART descriptor as of BULKHEAD_UART_CREATE, at position zero. Errors: ENODEV no such
 * partition, ENXIO it has no console, EPERM it is another user's.
 */
#define BULKHEAD_CONSOLE_OPEN	_IO(BULKHEAD_IOC, 0x01)

/* ---- partition descriptor ---- */

/**
 * struct bulkhead_mem_add - argument of BULKHEAD_MEM_ADD
 * @size: sizeof(struct bulkhead_mem_add)
 * @flags: must be zero
 * @guest_addr: where the guest sees it; guest physical address, a multiple of the page size
 * @bytes: length; a multiple of the page size, not zero
 * @user_addr: where the runner has mapped it; a multiple of the page size
 * @fd: the memory object: the memfd that is mapped at @user_addr
 * @reserved: must be zero
 */
struct bulkhead_mem_add {
	__u32 size;
	__u32 flags;
	__u64 guest_addr;
	__u64 bytes;
	__u64 user_addr;
	__s32 fd;
	__u32 reserved;
};

/**
 * BULKHEAD_MEM_ADD - give the partition a region of memory
 *
 * Legal in state "created". The runner must have mapped the memfd shared and writable over the
 * whole region; it may close @fd afterwards. If it unmaps the region, or truncates the memfd, the
 * partition stops with reason "error" when the guest next touches what is missing.
 *
 * Return: 0. Errors: EINVAL address or length unaligned, zero, or beyond BULKHEAD_MEM_END, or @fd
 * no memfd; EBADF @fd not open for reading and writing; EFAULT @user_addr isn't a shared writable
 * mapping of @fd over the whole region; EEXIST the region overlaps another one, the windows of
 * the virtio devices (see bulkhead_machine.h), or that of the interrupt controllers, 0xfec00000 to
 * 0xffffffff; EDQUOT all regions together would exceed
 * the memory of the host; ENOSPC BULKHEAD_MEMS_MAX reached.
 */
#define BULKHEAD_MEM_ADD	_IO(BULKHEAD_IOC, 0x10)

/**
 * struct bulkhead_vcpu_create - argument of BULKHEAD_VCPU_CREATE
 * @size: sizeof(struct bulkhead_vcpu_create)
 * @flags: must be zero
 * @index: number of the vCPU and its APIC id, below the partition's number of vCPUs
 * @reserved: must be zero
 * @entry: guest physical address of the first instruction
 * @boot_params: guest physical address of the Linux struct boot_params; in RSI at entry
 * @page_table: guest physical address of the top page table, a multiple of 4 KiB; in CR3 at entry
 * @gdt: guest physical address of a GDT whose descriptors at 0x10 and 0x18 are flat 64-bit code
 *	and flat data
 *
 * The four addresses are those of vCPU 0, and must be zero for any other.
 */
struct bulkhead_vcpu_create {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 reserved;
	__u64 entry;
	__u64 boot_params;
	__u64 page_table;
	__u64 gdt;
};

/**
 * BULKHEAD_VCPU_CREATE - create a vCPU
 *
 * Legal in state "created". vCPU 0 starts as the 64-bit Linux boot protocol asks
 * (Documentation/arch/x86/boot.rst, "64-bit boot protocol"): long mode, interrupts off, CS 0x10,
 * data segments 0x18. The others wait for INIT and SIPI, as a PC's processors do. CPUID is what KVM
 * supports on this host, in a package whose cores are the vCPUs.
 *
 * Return: a vCPU descriptor. Errors: EINVAL @index or an address out of range, @page_table
 * unaligned, or an address for a vCPU that waits; EEXIST the partition has a vCPU @index.
 */
#define BULKHEAD_VCPU_CREATE	_IO(BULKHEAD_IOC, 0x11)

/**
 * enum bulkhead_uart_role - the UARTs of a partition
 * @BULKHEAD_UART_CONSOLE: COM1. Never waits for a reader: it keeps the newest BULKHEAD_UART_RING
 *	bytes, old text goes first
 * @BULKHEAD_UART_AGENT: COM2, between the runner and the agent. Loses nothing: the guest waits
 *	while BULKHEAD_UART_RING bytes are unread
 */
enum bulkhead_uart_role {
	BULKHEAD_UART_CONSOLE,
	BULKHEAD_UART_AGENT,
};

/* Bytes of guest output that a UART holds. */
#define BULKHEAD_UART_RING	(64 * 1024)

/**
 * struct bulkhead_uart_create - argument of BULKHEAD_UART_CREATE
 * @size: sizeof(struct bulkhead_uart_create)
 * @flags: must be zero
 * @uart: one of enum bulkhead_uart_role
 * @irq_fd: an eventfd; the partition raises the UART's interrupt through it
 */
struct bulkhead_uart_create {
	__u32 size;
	__u32 flags;
	__u32 uart;
	__s32 irq_fd;
};

/**
 * BULKHEAD_UART_CREATE - give the partition a 16550A
 *
 * Legal in state "created". @irq_fd may be closed afterwards.
 *
 * The descriptor reads what the guest sent and writes what it receives, with O_NONBLOCK and
 * poll() as usual. Its position is an offset into all that the guest ever sent. A read at a
 * position whose text is gone starts at the oldest byte kept: what was lost is the position after
 * the read, less the bytes read, less the position before it. lseek() with SEEK_END goes to
 * what is sent next. A read returns 0 when the partition has stopped and all is read; a write
 * then fails with EPIPE. Of the agent's UART, what was read is gone.
 *
 * Of the console, every descriptor has a position of its own and all of the text. TIOCSWINSZ and
 * TIOCGWINSZ set and get the size of the terminal that is attached; at first it is zero, unknown.
 * The agent's UART has none: ENOTTY.
 *
 * Return: a UART descriptor. Errors: EINVAL unknown @uart, EBADF or EINVAL @irq_fd no eventfd,
 * EEXIST the partition has that UART.
 */
#define BULKHEAD_UART_CREATE	_IO(BULKHEAD_IOC, 0x12)

/**
 * struct bulkhead_worker_run - argument of BULKHEAD_WORKER_RUN
 * @size: sizeof(struct bulkhead_worker_run)
 * @flags: must be zero
 */
struct bulkhead_worker_run {
	__u32 size;
	__u32 flags;
};

/**
 * BULKHEAD_WORKER_RUN - serve the partition's devices until it stops
 *
 * Legal in every state; in state "stopped" it returns at once. The calling thread does what devices
 * have to do outside the vCPUs, such as reading and writing a disk. Any number of threads may do so
 * at once, and without any, such devices don't answer.
 *
 * Return: 0 when the partition has stopped. Errors: EINTR a signal is pending (restarted where its
 * handler asks for that).
 */
#define BULKHEAD_WORKER_RUN	_IO(BULKHEAD_IOC, 0x13)

/**
 * struct bulkhead_button_create - argument of BULKHEAD_BUTTON_CREATE
 * @size: sizeof(struct bulkhead_button_create)
 * @flags: must be zero
 * @irq_fd: an eventfd
 * @reserved: must be zero
 */
struct bulkhead_button_create {
	__u32 size;
	__u32 flags;
	__s32 irq_fd;
	__u32 reserved;
};

/**
 * BULKHEAD_BUTTON_CREATE - give the partition a power button
 *
 * Legal in state "created". The button is pressed by the netlink operation part-stop; the guest
 * sees that in the event register of bulkhead_machine.h. @irq_fd becomes its interrupt, and may be
 * closed afterwards.
 *
 * Return: 0. Errors: EBADF or EINVAL @irq_fd no eventfd, EEXIST the partition has a button.
 */
#define BULKHEAD_BUTTON_CREATE	_IO(BULKHEAD_IOC, 0x14)

/*
 * Virtio devices. The ioctls that create one are legal in state "created". A device gets the next
 * free slot, from zero on; bulkhead_machine.h says where the guest sees it. @irq_fd is an eventfd
 * that becomes its interrupt; it may be closed afterwards. Errors common to them: EBADF or EINVAL
 * @irq_fd no eventfd, ENOSPC BULKHEAD_VIRTIO_MAX reached.
 */

/* What an entropy device gives: bytes in a second, and bytes at once after a pause. */
#define BULKHEAD_RNG_RATE	(64 * 1024)
#define BULKHEAD_RNG_BURST	(64 * 1024)

/**
 * struct bulkhead_hvc_create - argument of BULKHEAD_HVC_CREATE
 * @size: sizeof(struct bulkhead_hvc_create)
 * @flags: must be zero
 * @irq_fd: an eventfd
 * @reserved: must be zero
 */
struct bulkhead_hvc_create {
	__u32 size;
	__u32 flags;
	__s32 irq_fd;
	__u32 reserved;
};

/**
 * BULKHEAD_HVC_CREATE - give the partition a console device, virtio 1.2, section 5.3
 *
 * It shares the console's descriptors with the console's UART. What the guest says on either is one
 * text. What is written there the guest hears on this device as soon as a driver has set DRIVER_OK
 * with the receive queue enabled, until it resets the device; and on the UART otherwise. The guest
 * is told the size that TIOCSWINSZ sets. Needs a worker.
 *
 * Return: the device's slot. Errors: ENXIO the partition has no BULKHEAD_UART_CONSOLE yet, EEXIST
 * it has a console device.
 */
#define BULKHEAD_HVC_CREATE	_IO(BULKHEAD_IOC, 0x15)

/**
 * struct bulkhead_rng_create - argument of BULKHEAD_RNG_CREATE
 * @size: sizeof(struct bulkhead_rng_create)
 * @flags: must be zero
 * @irq_fd: an eventfd
 * @reserved: must be zero
 */
struct bulkhead_rng_create {
	__u32 size;
	__u32 flags;
	__s32 irq_fd;
	__u32 reserved;
};

/**
 * BULKHEAD_RNG_CREATE - give the partition an entropy device, virtio 1.2, section 5.4
 *
 * Random numbers are those of the host's kernel, limited to BULKHEAD_RNG_RATE; a request beyond
 * that waits. Needs a worker.
 *
 * Return: the device's slot.
 */
#define BULKHEAD_RNG_CREATE	_IO(BULKHEAD_IOC, 0x16)

/* Characters of a disk's serial number, and queues of a disk. */
#define BULKHEAD_DISK_SERIAL		20
#define BULKHEAD_DISK_QUEUES_MAX	8

/* Flag of BULKHEAD_DISK_CREATE: the guest can't write to the disk. */
#define BULKHEAD_DISK_READ_ONLY		0x1

/**
 * struct bulkhead_disk_create - argument of BULKHEAD_DISK_CREATE
 * @size: sizeof(struct bulkhead_disk_create)
 * @flags: zero or BULKHEAD_DISK_READ_ONLY
 * @irq_fd: an eventfd
 * @fd: the backing, a regular file or a block device
 * @queues: number of queues, 1 to BULKHEAD_DISK_QUEUES_MAX; the guest uses as many as it likes
 * @reserved: must be zero
 * @serial: printable ASCII characters, the rest zero; without one if all of it is
 */
struct bulkhead_disk_create {
	__u32 size;
	__u32 flags;
	__s32 irq_fd;
	__s32 fd;
	__u32 queues;
	__u32 reserved;
	char serial[BULKHEAD_DISK_SERIAL];
};

/**
 * BULKHEAD_DISK_CREATE - give the partition a disk, virtio 1.2, section 5.2
 *
 * @fd may be closed afterwards; the open file stays in use, and whatever lock it holds is held,
 * until the partition is gone. Requests are served by workers, through the host's page cache; to
 * flush the disk is fdatasync(2) of the backing. A request that the backing refuses, for whatever
 * reason, fails in the guest. So does a write beyond the RLIMIT_FSIZE of the worker, which gets no
 * signal for it.
 *
 * The disk is as large as the backing. When that becomes larger or smaller, the netlink operation
 * part-rescan tells the guest.
 *
 * Return: the device's slot. Errors: EBADF @fd not open for reading, and unless it is read-only for
 * writing; EINVAL @fd neither file nor block device, or opened with O_APPEND, or its size zero or
 * not a multiple of 512, or @queues out of range, or @serial malformed; any error with which the
 * backing doesn't tell its size.
 */
#define BULKHEAD_DISK_CREATE	_IO(BULKHEAD_IOC, 0x18)

/* The least memory that a guest can be told to have: no kernel that is in use lives in less. */
#define BULKHEAD_MEMORY_TARGET_MIN	(16 * 1024 * 1024)

/**
 * struct bulkhead_balloon_create - argument of BULKHEAD_BALLOON_CREATE
 * @size: sizeof(struct bulkhead_balloon_create)
 * @flags: must be zero
 * @irq_fd: an eventfd
 * @reserved: must be zero
 */
struct bulkhead_balloon_create {
	__u32 size;
	__u32 flags;
	__s32 irq_fd;
	__u32 reserved;
};

/**
 * BULKHEAD_BALLOON_CREATE - give the partition a memory balloon, virtio 1.2, section 5.5
 *
 * Memory that the guest gives to the balloon, or reports free, is punched out of the memfds of
 * BULKHEAD_MEM_ADD, and so given back to the host. One that is sealed against writing can't be
 * punched: that counts as an error of the device's. How large the balloon is to be is set by the
 * netlink operation part-set. Needs a worker.
 *
 * Return: the device's slot. Errors: EEXIST the partition has a balloon.
 */
#define BULKHEAD_BALLOON_CREATE	_IO(BULKHEAD_IOC, 0x17)

/**
 * struct bulkhead_external_create - argument of BULKHEAD_EXTERNAL_CREATE
 * @size: sizeof(struct bulkhead_external_create)
 * @flags: must be zero
 * @irq_fd: an eventfd; the backend's call eventfd for all queues, and the device's interrupt
 * @device: virtio device id, not zero
 * @queues: number of queues, 1 to BULKHEAD_EXTERNAL_QUEUES_MAX
 * @queue_max: entries that a queue can have, a power of two up to 1024
 * @features: what the backend offers, VIRTIO_F_VERSION_1 among it
 * @config: address of the configuration space at first
 * @config_bytes: its length, up to 256
 * @reserved: must be zero
 * @kick_fds: address of an array of __s32: for each queue, the eventfd that a kick signals
 */
struct bulkhead_external_create {
	__u32 size;
	__u32 flags;
	__s32 irq_fd;
	__u32 device;
	__u32 queues;
	__u32 queue_max;
	__u64 features;
	__u64 config;
	__u32 config_bytes;
	__u32 reserved;
	__u64 kick_fds;
};

/**
 * BULKHEAD_EXTERNAL_CREATE - give the partition a virtio device that is served elsewhere
 *
 * Legal in state "created". The guest sees a virtio device in the next free slot. What drives it up
 * to DRIVER_OK is answered by the module; its queues are served by a backend, to which the runner
 * hands them: vhost in the host's kernel, or a vhost-user process. docs/interface.md tells the life
 * of such a device.
 *
 * The backend raises the interrupt by itself, so the guest always reads in InterruptStatus that a
 * buffer may have been used.
 *
 * The guest is offered, of @features, those of the device's kind (bits 0 to 23 and 50 to 63) and
 * VIRTIO_F_VERSION_1, VIRTIO_F_RING_INDIRECT_DESC and VIRTIO_F_RING_EVENT_IDX; the others are
 * dropped. The module doesn't need the descriptors of @kick_fds any more.
 *
 * Return: an external device descriptor. Errors: EINVAL a number out of range, or @features without
 * VIRTIO_F_VERSION_1; EBADF or EINVAL something in @kick_fds is no eventfd; EFAULT @config or
 * @kick_fds can't be read.
 */
#define BULKHEAD_EXTERNAL_CREATE	_IO(BULKHEAD_IOC, 0x19)

/* ---- vCPU descriptor ---- */

/**
 * struct bulkhead_vcpu_run - argument of BULKHEAD_VCPU_RUN
 * @size: sizeof(struct bulkhead_vcpu_run)
 * @flags: must be zero
 * @reason: out: why the partition stopped, one of enum bulkhead_reason of bulkhead_netlink.h
 * @exit_status: out: what the agent reported, 0 to 255; -1 if it reported nothing
 */
struct bulkhead_vcpu_run {
	__u32 size;
	__u32 flags;
	__u32 reason;
	__s32 exit_status;
};

/**
 * BULKHEAD_VCPU_RUN - run a vCPU until the partition stops
 *
 * Legal in states "created" (which becomes "running") and "running"; in state "stopped" it returns
 * at once. The calling thread is the vCPU from here on. No exit of the guest's returns from it
 * but the last.
 *
 * Return: 0 when the partition has stopped. Errors: EBUSY another thread runs this vCPU; EINVAL the
 * partition has no memory; EINTR a signal is pending (restarted where its handler asks for that);
 * the partition runs on, call again.
 */
#define BULKHEAD_VCPU_RUN	_IO(BULKHEAD_IOC, 0x20)

/* ---- external device descriptor ---- */

/*
 * poll() says POLLIN when the driver has changed the state since the last BULKHEAD_EXTERNAL_GET,
 * and POLLHUP when the partition has stopped. When the descriptor is closed, the device needs a
 * reset, and after that another one as soon as a driver is ready: nobody serves it any more.
 */

/**
 * enum bulkhead_external_state - who has the queues of an external device
 * @BULKHEAD_EXTERNAL_IDLE: The driver. A backend must not touch them.
 * @BULKHEAD_EXTERNAL_READY: The backend: the driver is ready. They stay as they are until
 *	BULKHEAD_EXTERNAL_RELEASE or BULKHEAD_EXTERNAL_FAIL.
 * @BULKHEAD_EXTERNAL_RESET: Still the backend: the driver has reset the device, and its vCPU waits
 *	for one of these.
 */
enum bulkhead_external_state {
	BULKHEAD_EXTERNAL_IDLE,
	BULKHEAD_EXTERNAL_READY,
	BULKHEAD_EXTERNAL_RESET,
};

/**
 * struct bulkhead_external_queue - one queue; all zero if the driver doesn't use it
 * @size: entries
 * @reserved: zero
 * @desc: address of the descriptor table in the runner
 * @avail: of the available ring
 * @used: of the used ring
 * @guest_desc: guest physical address of the descriptor table
 * @guest_avail: of the available ring
 * @guest_used: of the used ring
 *
 * Each of the three lies in one region of memory, and is aligned as virtio 1.2, section 2.7, wants.
 */
struct bulkhead_external_queue {
	__u32 size;
	__u32 reserved;
	__u64 desc;
	__u64 avail;
	__u64 used;
	__u64 guest_desc;
	__u64 guest_avail;
	__u64 guest_used;
};

/**
 * struct bulkhead_external_get - argument of BULKHEAD_EXTERNAL_GET
 * @size: sizeof(struct bulkhead_external_get)
 * @flags: must be zero
 * @state: out: one of enum bulkhead_external_state
 * @queues: out: number of queues
 * @features: out: what was negotiated; zero in state "idle"
 * @queue: out: the queues; zero in state "idle"
 */
struct bulkhead_external_get {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 queues;
	__u64 features;
	struct bulkhead_external_queue queue[BULKHEAD_EXTERNAL_QUEUES_MAX];
};

/**
 * BULKHEAD_EXTERNAL_GET - get an external device's state
 *
 * Legal in every state. What is out, must be zero before. In state "ready" any queue may be unused,
 * all of them even: a driver says what it likes.
 *
 * Return: 0.
 */
#define BULKHEAD_EXTERNAL_GET	_IO(BULKHEAD_IOC, 0x30)

/**
 * struct bulkhead_external_release - argument of BULKHEAD_EXTERNAL_RELEASE
 * @size: sizeof(struct bulkhead_external_release)
 * @flags: must be zero
 */
struct bulkhead_external_release {
	__u32 size;
	__u32 flags;
};

/**
 * BULKHEAD_EXTERNAL_RELEASE - say that after a reset the backend has let go of the queues
 *
 * Ends the reset: the vCPU that wrote it goes on, and the device's state becomes "idle".
 *
 * Return: 0. Errors: EBUSY the device's state isn't "reset".
 */
#define BULKHEAD_EXTERNAL_RELEASE	_IO(BULKHEAD_IOC, 0x31)

/*
 * The queues stay with the runner, which has put another backend in the place of the one that can't
 * go on: one that answers with errors, say. The device's state stays "ready", and the driver isn't
 * told, of which some wouldn't listen.
 */
#define BULKHEAD_EXTERNAL_FAIL_REPLACED	0x1

/**
 * struct bulkhead_external_fail - argument of BULKHEAD_EXTERNAL_FAIL
 * @size: sizeof(struct bulkhead_external_fail)
 * @flags: of BULKHEAD_EXTERNAL_FAIL_*
 */
struct bulkhead_external_fail {
	__u32 size;
	__u32 flags;
};

/**
 * BULKHEAD_EXTERNAL_FAIL - say that the backend can't go on, and has let go of the queues
 *
 * The device's state becomes "idle". The driver is told by DEVICE_NEEDS_RESET, and may reset the
 * device and set it up again; or if it was resetting the device, the reset ends. Either way there
 * is an event, and netlink shows the device as failed until the driver resets it.
 *
 * Return: 0. Errors: EBUSY the device's state is "idle"; with BULKHEAD_EXTERNAL_FAIL_REPLACED, it
 * isn't "ready".
 */
#define BULKHEAD_EXTERNAL_FAIL	_IO(BULKHEAD_IOC, 0x32)

/**
 * struct bulkhead_external_config_set - argument of BULKHEAD_EXTERNAL_CONFIG_SET
 * @size: sizeof(struct bulkhead_external_config_set)
 * @flags: must be zero
 * @offset: first byte
 * @bytes: number of them, not zero
 * @data: address of the new bytes
 */
struct bulkhead_external_config_set {
	__u32 size;
	__u32 flags;
	__u32 offset;
	__u32 bytes;
	__u64 data;
};

/**
 * BULKHEAD_EXTERNAL_CONFIG_SET - change an external device's configuration space
 *
 * The driver, if it is ready, is told, and there is an event. The driver never sees a part of the
 * change: the generation changes with it.
 *
 * Return: 0. Errors: EINVAL not within the configuration space, whose length doesn't change; EFAULT
 * @data can't be read.
 */
#define BULKHEAD_EXTERNAL_CONFIG_SET	_IO(BULKHEAD_IOC, 0x33)

#endif /* _UAPI_LINUX_BULKHEAD_H */
