// SPDX-License-Identifier: GPL-2.0-only
/* vCPUs: a thread of the runner stays in BULKHEAD_VCPU_RUN until the partition stops. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "bulkhead.h"
#include "kvm.h"

/**
 * bulkhead_vcpu_init - initialize a vCPU that doesn't exist yet
 * @vcpu: the vCPU
 * @part: whose it is
 */
void bulkhead_vcpu_init(struct bulkhead_vcpu *vcpu, struct bulkhead_part *part)
{
	vcpu->part = part;
	spin_lock_init(&vcpu->task_lock);
}

/**
 * bulkhead_vcpu_kick - make a vCPU's thread look at the partition's state
 * @vcpu: the vCPU; nothing happens if no thread is in BULKHEAD_VCPU_RUN
 *
 * KVM_RUN ends when its thread has work to do on the way to user space, and says so with
 * TIF_NOTIFY_SIGNAL. Without any work the flag is dropped there. It is set before the thread is
 * woken or interrupted, and KVM looks at it, interrupts off, after it is visible as in the guest:
 * so the kick can't get lost.
 */
void bulkhead_vcpu_kick(struct bulkhead_vcpu *vcpu)
{
	spin_lock(&vcpu->task_lock);
	if (vcpu->task && !test_and_set_tsk_thread_flag(vcpu->task, TIF_NOTIFY_SIGNAL) &&
	    !wake_up_process(vcpu->task))
		kick_process(vcpu->task);
	spin_unlock(&vcpu->task_lock);
}

static int task_enter(struct bulkhead_vcpu *vcpu)
{
	bool busy;

	spin_lock(&vcpu->task_lock);
	busy = vcpu->task;
	if (!busy)
		vcpu->task = current;
	spin_unlock(&vcpu->task_lock);
	return busy ? -EBUSY : 0;
}

static void task_leave(struct bulkhead_vcpu *vcpu)
{
	spin_lock(&vcpu->task_lock);
	vcpu->task = NULL;
	spin_unlock(&vcpu->task_lock);
}

/* Runs until the partition is stopped, or a signal wants the thread in user space. */
static int run(struct bulkhead_vcpu *vcpu)
{
	struct bulkhead_part *part = vcpu->part;
	int ret;

	while (!bulkhead_part_is_stopped(part)) {
		ret = bulkhead_kvm_vcpu_run(vcpu->kvm);
		if (ret == -EINTR && fatal_signal_pending(current)) {
			bulkhead_part_stop(part, BULKHEAD_REASON_RUNNER_EXIT);
		} else if (ret == -EINTR) {
			if (signal_pending(current) && !bulkhead_part_is_stopped(part))
				return -ERESTARTSYS;
		} else if (ret < 0) {
			pr_info_ratelimited("partition %u: KVM_RUN failed (%d)\n", part->id, ret);
			bulkhead_part_stop(part, BULKHEAD_REASON_ERROR);
		} else if (ret > 0) {
			bulkhead_part_stop(part, ret);
		}
	}
	return 0;
}

static int vcpu_run(struct bulkhead_vcpu *vcpu, struct bulkhead_vcpu_run __user *uarg)
{
	struct bulkhead_part *part = vcpu->part;
	struct bulkhead_vcpu_run args;
	int ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.reason || args.exit_status)
		return -EINVAL;

	ret = task_enter(vcpu);
	if (ret)
		return ret;
	ret = bulkhead_part_run(part);
	if (!ret) {
		ret = run(vcpu);
		atomic64_inc(&part->runner_exits);
	}
	task_leave(vcpu);
	if (ret)
		return ret;

	scoped_guard(mutex, &part->state_lock) {
		args.reason = part->reason;
		args.exit_status = READ_ONCE(part->exit_status);
	}
	return copy_to_user(uarg, &args, sizeof(args)) ? -EFAULT : 0;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case BULKHEAD_VCPU_RUN:
		return vcpu_run(file->private_data, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct bulkhead_vcpu *vcpu = file->private_data;

	bulkhead_part_user_put(vcpu->part);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

/**
 * bulkhead_vcpu_create - BULKHEAD_VCPU_CREATE
 * @part: the partition
 * @uarg: its argument
 *
 * Return: a vCPU descriptor, or an error as documented there.
 */
int bulkhead_vcpu_create(struct bulkhead_part *part, const void __user *uarg)
{
	struct bulkhead_vcpu_create args;
	struct bulkhead_kvm_vcpu *kvm;
	struct bulkhead_vcpu *vcpu;
	struct file *file;
	int fd, ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.reserved || args.index >= part->max_vcpus ||
	    (args.index && (args.entry || args.boot_params || args.page_table || args.gdt)) ||
	    args.entry >= BULKHEAD_MEM_END || args.boot_params >= BULKHEAD_MEM_END ||
	    args.page_table >= BULKHEAD_MEM_END || args.page_table & ~PAGE_MASK ||
	    args.gdt >= BULKHEAD_MEM_END)
		return -EINVAL;
	vcpu = &part->vcpus[array_index_nospec(args.index, part->max_vcpus)];

	guard(mutex)(&part->lock);
	if (part->state != BULKHEAD_STATE_CREATED)
		return -EBUSY;
	if (vcpu->kvm)
		return -EEXIST;

	bulkhead_part_user_get(part);
	fd = bulkhead_fd_reserve("[bulkhead-vcpu]", &vcpu_fops, vcpu, &file);
	if (fd < 0) {
		bulkhead_part_user_put(part);
		return fd;
	}
	kvm = bulkhead_kvm_vcpu_create(part->kvm, &args);
	if (IS_ERR(kvm)) {
		bulkhead_fd_cancel(fd, file);
		return PTR_ERR(kvm);
	}
	scoped_guard(mutex, &part->state_lock) {
		vcpu->kvm = kvm;
		part->nr_vcpus++;
	}
	fd_install(fd, file);
	return fd;
}
