// SPDX-License-Identifier: GPL-2.0-only
/*
 * Partitions: their table, their descriptor, their states, their end.
 *
 * References
 *   part->users counts the runner's descriptors: the partition, its vCPUs, its UARTs as created,
 *   its external devices. The last one to close tears the partition down; until then KVM's VM
 *   exists. part->refs counts who may touch the memory: all users together hold one, a look-up
 *   holds one, and so does a console opened by id. An object of KVM's is reached through part->kvm
 *   and vcpu->kvm, by users freely and by others under part->state_lock.
 *
 * Look-ups
 *   The table parts_table holds no reference. bulkhead_part_find() and bulkhead_part_next() take
 *   one under RCU, unless the last is gone. What they return may already be torn down: part->kvm
 *   is then NULL, under part->state_lock.
 *
 * Locks, outermost first
 *   parts_lock is taken outside part->lock is taken outside part->state_lock.
 *
 *   parts_lock makes ids and names unique.
 *   part->lock is taken outside KVM's locks, and KVM waits for vCPUs under some of them. So a
 *   vCPU's thread, in a device's handler, must not take it.
 *   part->state_lock may be taken by the handlers: nobody waits for a vCPU under it.
 *   A virtio device's locks, see virtio/device.c, are outside part->state_lock. A vCPU that resets
 *   an external device waits for the runner, and holds none; see virtio/external.c.
 *   vcpu->task_lock and stream->lock are spinlocks inside of these. A UART's registers are under
 *   its stream's lock, and a console device's configuration inside of it.
 *   workers->lock and irq->lock are spinlocks inside of all these. An eventfd is signalled under
 *   irq->lock, and KVM's interrupt controllers lock inside of that.
 *   stream->read_lock is outside stream->lock alone; user memory is accessed under it.
 *
 * States
 *   Written by transition() alone, under part->state_lock, along legal_transitions. Read under it,
 *   or by READ_ONCE() where only "stopped", which is final, matters. Created to running also
 *   holds part->lock, so who holds that lock and saw "created" may configure.
 *
 * Events
 *   Sent under part->state_lock, so that they arrive in the order of the states they tell of. It is
 *   not the lock of anything a listener could wait for, and an event is built only if somebody
 *   listens.
 *
 * Birth
 *   bulkhead_part_create() does all that can fail, then publishes the partition in the table, sends
 *   the event, and installs the descriptor.
 *
 * End, in part_teardown()
 *   1. Make it dead: it is stopped, which kicks vCPUs and wakes readers, and leaves the table. No
 *      vCPU's thread is inside: it would be in an ioctl on a descriptor that counts in part->users.
 *   2. Wait for readers: those of part->kvm and vcpu->kvm, by part->state_lock; those on KVM's
 *      buses, by SRCU, when our devices leave them in bulkhead_kvm_destroy().
 *   3. Remove: KVM's files are put, then the files of devices and of guest memory, whoever still
 *      holds part->refs: with them go their locks. The memory of the objects goes with part->refs
 *      and after an RCU grace period.
 *
 * Module exit
 *   Every descriptor pins the module, through the owner of its operations; a netlink operation is
 *   waited for by genl_unregister_family(). No other code of ours is ever called later: kfree_rcu()
 *   calls none, a device's timer is shut down when it is freed, and KVM's VMs have lost our devices
 *   when the last descriptor is released.
 */
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "bulkhead.h"
#include "kvm.h"
#include "virtio/device.h"

static DEFINE_MUTEX(parts_lock);
static DEFINE_XARRAY_ALLOC1(parts_table);
static u32 next_id = 1;

/* Changes with the table and with every state, so that a dump can tell that it isn't consistent. */
static atomic_t generation = ATOMIC_INIT(1);

static const bool legal_transitions[][BULKHEAD_STATE_STOPPED + 1] = {
	[BULKHEAD_STATE_CREATED] = {
		[BULKHEAD_STATE_RUNNING] = true,
		[BULKHEAD_STATE_STOPPED] = true,
	},
	[BULKHEAD_STATE_RUNNING] = {
		[BULKHEAD_STATE_STOPPED] = true,
	},
	[BULKHEAD_STATE_STOPPED] = {
	},
};

static bool transition(struct bulkhead_part *part, enum bulkhead_state to)
{
	lockdep_assert_held(&part->state_lock);

	if (!legal_transitions[part->state][to])
		return false;
	WRITE_ONCE(part->state, to);
	atomic_inc(&generation);
	return true;
}

/**
 * bulkhead_part_run - make a partition run, if it doesn't yet
 * @part: the partition; the caller is a user of it
 *
 * Return: 0, also if the partition is running or stopped; -EINVAL if it has no memory.
 */
int bulkhead_part_run(struct bulkhead_part *part)
{
	guard(mutex)(&part->lock);
	guard(mutex)(&part->state_lock);

	if (part->state != BULKHEAD_STATE_CREATED)
		return 0;
	if (!part->nr_mems)
		return -EINVAL;
	transition(part, BULKHEAD_STATE_RUNNING);
	part->started = ktime_get();
	bulkhead_netlink_notify(part, BULKHEAD_CMD_PART_RUNNING);
	return 0;
}

/**
 * bulkhead_part_stop - stop a partition
 * @part: the partition
 * @reason: why
 *
 * The vCPUs' threads return from BULKHEAD_VCPU_RUN soon after; who sleeps on a UART wakes up.
 *
 * Context: process, also a vCPU's thread in a device's handler.
 * Return: 0, or -EBUSY if it was stopped before, for whatever reason.
 */
int bulkhead_part_stop(struct bulkhead_part *part, enum bulkhead_reason reason)
{
	unsigned int i;

	guard(mutex)(&part->state_lock);

	if (!transition(part, BULKHEAD_STATE_STOPPED))
		return -EBUSY;
	part->reason = reason;
	part->stopped = ktime_get();
	for (i = 0; i < part->max_vcpus; i++)
		bulkhead_vcpu_kick(&part->vcpus[i]);
	for (i = 0; i < ARRAY_SIZE(part->uarts); i++)
		if (part->uarts[i])
			bulkhead_uart_wake(part->uarts[i]);
	for (i = 0; i < part->nr_virtio; i++)
		if (part->virtio[i].dev->ops->stop)
			part->virtio[i].dev->ops->stop(part->virtio[i].dev);
	bulkhead_workers_wake(&part->workers);
	if (part->id)
		bulkhead_netlink_notify(part, BULKHEAD_CMD_PART_STOPPED);
	return 0;
}

static void part_free(struct kref *refs)
{
	struct bulkhead_part *part = container_of(refs, struct bulkhead_part, refs);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(part->uarts); i++)
		if (part->uarts[i])
			bulkhead_uart_free(part->uarts[i]);
	for (i = 0; i < part->nr_virtio; i++)
		part->virtio[i].dev->ops->free(part->virtio[i].dev);
	mmdrop(part->mm);
	put_pid(part->runner);
	mutex_destroy(&part->state_lock);
	mutex_destroy(&part->lock);
	kfree_rcu(part, rcu);
}

/**
 * bulkhead_part_get - take another reference to a partition's memory
 * @part: the partition; the caller holds a reference
 */
void bulkhead_part_get(struct bulkhead_part *part)
{
	kref_get(&part->refs);
}

/**
 * bulkhead_part_put - give back a reference to a partition's memory
 * @part: the partition
 */
void bulkhead_part_put(struct bulkhead_part *part)
{
	kref_put(&part->refs, part_free);
}

static void part_teardown(struct bulkhead_part *part)
{
	struct bulkhead_kvm_vcpu *vcpus[BULKHEAD_VCPUS_MAX];
	struct bulkhead_kvm *kvm;
	unsigned int i;

	bulkhead_part_stop(part, BULKHEAD_REASON_RUNNER_EXIT);
	if (part->id) {
		xa_erase(&parts_table, part->id);
		atomic_inc(&generation);
	}

	scoped_guard(mutex, &part->state_lock) {
		for (i = 0; i < part->max_vcpus; i++) {
			vcpus[i] = part->vcpus[i].kvm;
			part->vcpus[i].kvm = NULL;
		}
		kvm = part->kvm;
		part->kvm = NULL;
	}

	for (i = 0; i < ARRAY_SIZE(part->uarts); i++)
		if (part->uarts[i])
			bulkhead_uart_unwire(part->uarts[i]);
	bulkhead_irq_unwire(&part->button.irq);
	for (i = 0; i < part->nr_virtio; i++)
		bulkhead_irq_unwire(&part->virtio[i].dev->irq);
	for (i = 0; i < part->max_vcpus; i++)
		if (vcpus[i])
			bulkhead_kvm_vcpu_destroy(vcpus[i]);
	if (kvm)
		bulkhead_kvm_destroy(kvm);
	for (i = 0; i < part->nr_virtio; i++)
		if (part->virtio[i].dev->ops->release)
			part->virtio[i].dev->ops->release(part->virtio[i].dev);
	bulkhead_mem_free(part);
}

/**
 * bulkhead_part_user_get - count another descriptor of the runner's
 * @part: the partition; the caller is in an ioctl on such a descriptor
 */
void bulkhead_part_user_get(struct bulkhead_part *part)
{
	refcount_inc(&part->users);
}

/**
 * bulkhead_part_user_put - a descriptor of the runner's is released
 * @part: the partition; torn down with the last one
 */
void bulkhead_part_user_put(struct bulkhead_part *part)
{
	if (!refcount_dec_and_test(&part->users))
		return;
	part_teardown(part);
	bulkhead_part_put(part);
}

/**
 * bulkhead_part_find - look a partition up
 * @id: its id
 *
 * Return: the partition, to be put, or -ENODEV.
 */
struct bulkhead_part *bulkhead_part_find(u32 id)
{
	struct bulkhead_part *part;

	guard(rcu)();
	part = xa_load(&parts_table, id);
	if (!part || !kref_get_unless_zero(&part->refs))
		return ERR_PTR(-ENODEV);
	return part;
}

/**
 * bulkhead_part_next - walk the table
 * @id: where to begin; set to the id of what is returned
 *
 * Return: the partition with the lowest id from there on, to be put, or NULL if there is none.
 */
struct bulkhead_part *bulkhead_part_next(unsigned long *id)
{
	struct bulkhead_part *part;

	guard(rcu)();
	xa_for_each_start(&parts_table, *id, part, *id)
		if (kref_get_unless_zero(&part->refs))
			return part;
	return NULL;
}

/**
 * bulkhead_part_generation - tell whether the table may have changed
 *
 * Return: a number that differs after every change of the table or of a state; never zero.
 */
unsigned int bulkhead_part_generation(void)
{
	return atomic_read(&generation) ?: 1;
}

static long part_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct bulkhead_part *part = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case BULKHEAD_MEM_ADD:
		return bulkhead_mem_add(part, uarg);
	case BULKHEAD_VCPU_CREATE:
		return bulkhead_vcpu_create(part, uarg);
	case BULKHEAD_UART_CREATE:
		return bulkhead_uart_create(part, uarg);
	case BULKHEAD_BUTTON_CREATE:
		return bulkhead_button_create(part, uarg);
	case BULKHEAD_WORKER_RUN:
		return bulkhead_worker_run(part, uarg);
	case BULKHEAD_HVC_CREATE:
		return bulkhead_hvc_create(part, uarg);
	case BULKHEAD_RNG_CREATE:
		return bulkhead_rng_create(part, uarg);
	case BULKHEAD_DISK_CREATE:
		return bulkhead_disk_create(part, uarg);
	case BULKHEAD_BALLOON_CREATE:
		return bulkhead_balloon_create(part, uarg);
	case BULKHEAD_EXTERNAL_CREATE:
		return bulkhead_external_create(part, uarg);
	default:
		return -ENOTTY;
	}
}

static int part_release(struct inode *inode, struct file *file)
{
	bulkhead_part_user_put(file->private_data);
	return 0;
}

static const struct file_operations part_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = part_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = part_release,
	.llseek = noop_llseek,
};

static bool name_is_wellformed(const char *name)
{
	size_t len = strnlen(name, BULKHEAD_NAME_MAX);
	size_t i;

	if (len == BULKHEAD_NAME_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && (!i || !strchr("_.-", name[i]))))
			return false;
	return true;
}

static bool name_is_taken(const char *name, kuid_t owner)
{
	struct bulkhead_part *part;
	unsigned long id;

	lockdep_assert_held(&parts_lock);

	/* A partition leaves the table before its memory is freed, which takes a grace period. */
	guard(rcu)();
	xa_for_each(&parts_table, id, part)
		if (!strcmp(part->name, name) && uid_eq(part->owner, owner))
			return true;
	return false;
}

static struct bulkhead_part *part_alloc(const char *name, u32 vcpus)
{
	struct bulkhead_part *part;
	unsigned int i;
	int ret;

	part = kzalloc(struct_size(part, vcpus, vcpus), GFP_KERNEL_ACCOUNT);
	if (!part)
		return ERR_PTR(-ENOMEM);
	kref_init(&part->refs);
	refcount_set(&part->users, 1);
	mutex_init(&part->lock);
	mutex_init(&part->state_lock);
	bulkhead_workers_init(&part->workers);
	strscpy(part->name, name);
	part->owner = current_uid();
	part->runner = get_pid(task_tgid(current));
	part->mm = current->mm;
	mmgrab(part->mm);
	part->exit_status = -1;
	part->max_vcpus = vcpus;
	for (i = 0; i < vcpus; i++)
		bulkhead_vcpu_init(&part->vcpus[i], part);

	bulkhead_irq_init(&part->button.irq);

	ret = bulkhead_power_init(part);
	if (ret)
		goto put_part;
	part->kvm = bulkhead_kvm_create(part);
	if (IS_ERR(part->kvm)) {
		ret = PTR_ERR(part->kvm);
		goto put_part;
	}
	return part;

put_part:
	bulkhead_part_put(part);
	return ERR_PTR(ret);
}

/*
 * Gives the partition its id, tells the caller, and publishes it in the table. Ids go up, so that
 * what is named by one (the CID of its sockets) isn't the next partition's at once.
 */
static int part_publish(struct bulkhead_part *part, u32 __user *uid)
{
	u32 id;
	int ret;

	guard(mutex)(&parts_lock);

	if (part->name[0] && name_is_taken(part->name, part->owner))
		return -EEXIST;
	ret = xa_alloc_cyclic(&parts_table, &id, NULL, xa_limit_31b, &next_id, GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		return ret;
	if (put_user(id, uid)) {
		xa_release(&parts_table, id);
		return -EFAULT;
	}
	part->id = id;
	guard(mutex)(&part->state_lock);
	xa_store(&parts_table, id, part, GFP_KERNEL_ACCOUNT);
	atomic_inc(&generation);
	bulkhead_netlink_notify(part, BULKHEAD_CMD_PART_CREATED);
	return 0;
}

/**
 * bulkhead_part_create - BULKHEAD_PART_CREATE
 * @uarg: its argument
 *
 * Return: a partition descriptor, or an error as documented there.
 */
int bulkhead_part_create(struct bulkhead_part_create __user *uarg)
{
	struct bulkhead_part_create args;
	struct bulkhead_part *part;
	struct file *file;
	int fd, ret;

	ret = bulkhead_arg_in(&args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.id || !args.vcpus || args.vcpus > BULKHEAD_VCPUS_MAX ||
	    !name_is_wellformed(args.name))
		return -EINVAL;

	part = part_alloc(args.name, args.vcpus);
	if (IS_ERR(part))
		return PTR_ERR(part);
	fd = bulkhead_fd_reserve("[bulkhead-partition]", &part_fops, part, &file);
	if (fd < 0) {
		bulkhead_part_user_put(part);
		return fd;
	}
	ret = part_publish(part, &uarg->id);
	if (ret) {
		bulkhead_fd_cancel(fd, file);
		return ret;
	}
	fd_install(fd, file);
	return fd;
}
