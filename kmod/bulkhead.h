/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of bulkhead.ko share. The rules of lifetime and locking stand at the top of
 * part.c.
 */
#ifndef BULKHEAD_H
#define BULKHEAD_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <uapi/linux/bulkhead.h>
#include <uapi/linux/bulkhead_machine.h>
#include <uapi/linux/bulkhead_netlink.h>

#include "region.h"

struct bulkhead_balloon;
struct bulkhead_kvm;
struct bulkhead_kvm_vcpu;
struct bulkhead_stream;
struct bulkhead_uart;
struct bulkhead_virtio;
struct eventfd_ctx;
struct mm_struct;
struct pid;
struct task_struct;

/**
 * struct bulkhead_port_ops - a device behind ports, 8 bits wide
 * @read: value of the port at @offset from the device's first
 * @write: write @value to the port at @offset from the device's first
 *
 * Both run in the thread of the vCPU that accesses the port, and may sleep. They must not take the
 * partition's lock.
 */
struct bulkhead_port_ops {
	u8 (*read)(void *dev, unsigned int offset);
	void (*write)(void *dev, unsigned int offset, u8 value);
};

/* Ports of a partition that a device answers. */
struct bulkhead_ports {
	u32 first;
	u32 count;
	const struct bulkhead_port_ops *ops;
	void *dev;
};

#define BULKHEAD_PORTS_MAX	8

/**
 * struct bulkhead_irq - an interrupt that an eventfd of the runner's carries
 * @lock: protects @ctx
 * @ctx: the eventfd; NULL if not wired
 * @file: its file; KVM lets go of an eventfd when its file is released
 */
struct bulkhead_irq {
	spinlock_t lock;		/* ctx */
	struct eventfd_ctx *ctx;
	struct file *file;
};

/* What a worker is to do. */
struct bulkhead_work {
	struct list_head node;
	void (*run)(struct bulkhead_work *work);
};

/**
 * struct bulkhead_workers - threads of the runner that serve devices
 * @lock: protects @queue
 * @queue: works that wait
 * @wait: the workers that have nothing to do
 */
struct bulkhead_workers {
	spinlock_t lock;		/* queue */
	struct list_head queue;
	wait_queue_head_t wait;
};

/**
 * struct bulkhead_mem - a region of guest memory
 * @region: where the guest sees it
 * @user_addr: where the runner does
 * @file: the memfd
 * @offset: where in the memfd it begins
 */
struct bulkhead_mem {
	struct bulkhead_region region;
	u64 user_addr;
	struct file *file;
	u64 offset;
};

/**
 * struct bulkhead_button - a power button
 * @created: there is one; written under part->lock and part->state_lock
 * @irq: the interrupt of @events
 * @events: what the guest hasn't read yet
 */
struct bulkhead_button {
	bool created;
	struct bulkhead_irq irq;
	atomic_t events;
};

/**
 * struct bulkhead_virtio_slot - a window of the MMIO transport
 * @dev: the device that is shown there, or NULL
 * @device_features_sel: register; under dev->lock, as what follows
 * @driver_features_sel: register
 * @queue_sel: register
 */
struct bulkhead_virtio_slot {
	struct bulkhead_virtio *dev;
	u32 device_features_sel;
	u32 driver_features_sel;
	u32 queue_sel;
};

/**
 * struct bulkhead_vcpu - one vCPU
 * @part: the partition
 * @kvm: KVM's side; NULL before BULKHEAD_VCPU_CREATE and after teardown. Under part->state_lock
 * @task_lock: protects @task
 * @task: the thread that is in BULKHEAD_VCPU_RUN, or NULL
 */
struct bulkhead_vcpu {
	struct bulkhead_part *part;
	struct bulkhead_kvm_vcpu *kvm;
	spinlock_t task_lock;		/* task */
	struct task_struct *task;
};

/**
 * struct bulkhead_part - one partition
 * @refs: references to this memory
 * @users: the runner's descriptors; the partition is torn down with the last of them
 * @id: key in the table of partitions; zero until it is published there
 * @name: zero-terminated, empty if it has none
 * @owner: user who created it
 * @runner: process that created it
 * @mm: address space of the runner, its memory and the only one that may use KVM's files
 * @lock: protects @mems, @ports, @virtio, and all use of KVM's files but KVM_RUN
 * @mems: regions of guest memory; constant from state running on
 * @nr_mems: number of them
 * @ports: devices on ports; constant from state running on
 * @nr_ports: number of them
 * @virtio: devices, by slot; constant from state running on; written under @state_lock as well
 * @nr_virtio: number of them
 * @button: the power button
 * @workers: threads that serve devices
 * @state_lock: protects what follows, and the order of the partition's events
 * @state: what it does; see the rules for who reads it without the lock
 * @reason: why it stopped
 * @started: when it began to run, or zero
 * @stopped: when it stopped
 * @kvm: KVM's side; NULL after teardown
 * @uarts: by enum bulkhead_uart_role; NULL if not created; written under @lock as well
 * @balloon: the balloon among @virtio; NULL if not created
 * @nr_vcpus: number of @vcpus with a KVM side
 * @memory: bytes of all regions
 * @exit_status: what the agent reported, or -1; no lock, last write wins
 * @unclaimed: accesses that no device answered
 * @runner_exits: returns of BULKHEAD_VCPU_RUN
 * @rcu: frees this memory when look-ups are over
 * @max_vcpus: number of vCPUs that the guest is told of; constant
 * @vcpus: by index
 */
struct bulkhead_part {
	struct kref refs;
	refcount_t users;

	u32 id;
	char name[BULKHEAD_NAME_MAX];
	kuid_t owner;
	struct pid *runner;
	struct mm_struct *mm;

	struct mutex lock;		/* configuration */
	struct bulkhead_mem mems[BULKHEAD_MEMS_MAX];
	unsigned int nr_mems;
	struct bulkhead_ports ports[BULKHEAD_PORTS_MAX];
	unsigned int nr_ports;
	struct bulkhead_virtio_slot virtio[BULKHEAD_VIRTIO_MAX];
	unsigned int nr_virtio;
	struct bulkhead_button button;
	struct bulkhead_workers workers;

	struct mutex state_lock;	/* state, and order of events */
	enum bulkhead_state state;
	enum bulkhead_reason reason;
	ktime_t started;
	ktime_t stopped;
	struct bulkhead_kvm *kvm;
	struct bulkhead_uart *uarts[2];
	struct bulkhead_balloon *balloon;
	unsigned int nr_vcpus;
	u64 memory;

	int exit_status;
	atomic64_t unclaimed;
	atomic64_t runner_exits;
	struct rcu_head rcu;

	u32 max_vcpus;
	struct bulkhead_vcpu vcpus[] __counted_by(max_vcpus);
};

/**
 * struct bulkhead_balloon_stats - what a guest says of its memory; virtio 1.2, section 5.5.6.4
 * @present: which of @values it reports, a bit for each
 * @reported: when
 * @values: by tag
 */
struct bulkhead_balloon_stats {
	u32 present;
	ktime_t reported;
	u64 values[10];
};

/**
 * struct bulkhead_balloon_report - what is known of a guest's memory
 * @target: bytes that it is to have
 * @actual: bytes that it has
 * @stats: what it says
 */
struct bulkhead_balloon_report {
	u64 target;
	u64 actual;
	struct bulkhead_balloon_stats stats;
};

/* part.c */
int bulkhead_part_create(struct bulkhead_part_create __user *uarg);
struct bulkhead_part *bulkhead_part_find(u32 id);
struct bulkhead_part *bulkhead_part_next(unsigned long *id);
unsigned int bulkhead_part_generation(void);
void bulkhead_part_get(struct bulkhead_part *part);
void bulkhead_part_put(struct bulkhead_part *part);
void bulkhead_part_user_get(struct bulkhead_part *part);
void bulkhead_part_user_put(struct bulkhead_part *part);
int bulkhead_part_run(struct bulkhead_part *part);
int bulkhead_part_stop(struct bulkhead_part *part, enum bulkhead_reason reason);

static inline bool bulkhead_part_is_stopped(const struct bulkhead_part *part)
{
	return READ_ONCE(part->state) == BULKHEAD_STATE_STOPPED;
}

/* mem.c */
int bulkhead_mem_add(struct bulkhead_part *part, const void __user *uarg);
void bulkhead_mem_free(struct bulkhead_part *part);
void __user *bulkhead_mem_user(struct bulkhead_part *part, u64 addr, u64 len);
int bulkhead_mem_read(struct bulkhead_part *part, u64 addr, void *to, size_t len);
int bulkhead_mem_write(struct bulkhead_part *part, u64 addr, const void *from, size_t len);
int bulkhead_mem_read16(struct bulkhead_part *part, u64 addr, __le16 *value);
int bulkhead_mem_write16(struct bulkhead_part *part, u64 addr, __le16 value);

/* vcpu.c */
void bulkhead_vcpu_init(struct bulkhead_vcpu *vcpu, struct bulkhead_part *part);
int bulkhead_vcpu_create(struct bulkhead_part *part, const void __user *uarg);
void bulkhead_vcpu_kick(struct bulkhead_vcpu *vcpu);

/* bus.c */
int bulkhead_bus_ports_add(struct bulkhead_part *part, u32 first, u32 count,
			   const struct bulkhead_port_ops *ops, void *dev);
void bulkhead_bus_ports_remove(struct bulkhead_part *part, void *dev);
void bulkhead_bus_port_read(struct bulkhead_part *part, u32 port, u8 *data, unsigned int len);
void bulkhead_bus_port_write(struct bulkhead_part *part, u32 port, const u8 *data,
			     unsigned int len);
void bulkhead_bus_mem_read(struct bulkhead_part *part, u64 addr, u8 *data, unsigned int len);
void bulkhead_bus_mem_write(struct bulkhead_part *part, u64 addr, const u8 *data,
			    unsigned int len);

/* irq.c */
void bulkhead_irq_init(struct bulkhead_irq *irq);
int bulkhead_irq_wire(struct bulkhead_irq *irq, struct bulkhead_part *part, int fd, u32 pin);
void bulkhead_irq_raise(struct bulkhead_irq *irq);
void bulkhead_irq_unwire(struct bulkhead_irq *irq);

/* worker.c */
void bulkhead_workers_init(struct bulkhead_workers *workers);
void bulkhead_workers_wake(struct bulkhead_workers *workers);
int bulkhead_worker_run(struct bulkhead_part *part, const void __user *uarg);
void bulkhead_work_init(struct bulkhead_work *work, void (*run)(struct bulkhead_work *work));
void bulkhead_work_queue(struct bulkhead_part *part, struct bulkhead_work *work);

/* virtio/ */
int bulkhead_hvc_create(struct bulkhead_part *part, const void __user *uarg);
int bulkhead_rng_create(struct bulkhead_part *part, const void __user *uarg);
int bulkhead_disk_create(struct bulkhead_part *part, const void __user *uarg);
int bulkhead_disk_rescan(struct bulkhead_virtio *dev);
int bulkhead_balloon_create(struct bulkhead_part *part, const void __user *uarg);
bool bulkhead_balloon_is_ready(const struct bulkhead_balloon *balloon);
void bulkhead_balloon_target_set(struct bulkhead_balloon *balloon, u64 bytes);
void bulkhead_balloon_report(struct bulkhead_balloon *balloon,
			     struct bulkhead_balloon_report *report);
void bulkhead_balloon_stats_ask(struct bulkhead_balloon *balloon);
int bulkhead_external_create(struct bulkhead_part *part, const void __user *uarg);

/* power.c */
int bulkhead_power_init(struct bulkhead_part *part);

/* button.c */
int bulkhead_button_create(struct bulkhead_part *part, const void __user *uarg);
int bulkhead_button_press(struct bulkhead_part *part);

/* uart.c */
int bulkhead_uart_create(struct bulkhead_part *part, const void __user *uarg);
struct bulkhead_stream *bulkhead_uart_stream(struct bulkhead_part *part,
					     enum bulkhead_uart_role which);
int bulkhead_uart_open(struct bulkhead_part *part, enum bulkhead_uart_role which);
void bulkhead_uart_wake(struct bulkhead_uart *uart);
void bulkhead_uart_unwire(struct bulkhead_uart *uart);
void bulkhead_uart_free(struct bulkhead_uart *uart);

/* netlink.c */
int bulkhead_netlink_init(void);
void bulkhead_netlink_exit(void);
void bulkhead_netlink_notify(struct bulkhead_part *part, u8 cmd);

/* ioctl.c */
int bulkhead_arg_in(void *arg, size_t size, const void __user *uarg);
int bulkhead_runner_arg_in(const struct bulkhead_part *part, void *arg, size_t size,
			   const void __user *uarg);
int bulkhead_runner_flags_in(const struct bulkhead_part *part, void *arg, size_t size, u32 flags,
			     const void __user *uarg);
int bulkhead_fd_reserve(const char *name, const struct file_operations *fops, void *private,
			struct file **filep);
void bulkhead_fd_cancel(int fd, struct file *file);

#endif
