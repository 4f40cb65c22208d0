// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers: threads of the runner that serve devices, so that a vCPU doesn't have to. As a vCPU's,
 * their work is accounted to the runner, is limited with it and dies with it; guest memory is
 * theirs.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "bulkhead.h"

/**
 * bulkhead_workers_init - initialize the workers of a partition, of which there are none yet
 * @workers: the workers
 */
void bulkhead_workers_init(struct bulkhead_workers *workers)
{
	spin_lock_init(&workers->lock);
	INIT_LIST_HEAD(&workers->queue);
	init_waitqueue_head(&workers->wait);
}

/**
 * bulkhead_work_init - initialize a work that is not queued
 * @work: the work
 * @run: what a worker calls
 */
void bulkhead_work_init(struct bulkhead_work *work, void (*run)(struct bulkhead_work *work))
{
	INIT_LIST_HEAD(&work->node);
	work->run = run;
}

/**
 * bulkhead_work_queue - let a worker run a work soon
 * @part: the partition; after its stop nothing is run
 * @work: the work; nothing happens if it is queued already
 *
 * It may be queued again from the moment when it begins to run, and then may run in two workers at
 * once.
 *
 * Context: any.
 */
void bulkhead_work_queue(struct bulkhead_part *part, struct bulkhead_work *work)
{
	struct bulkhead_workers *workers = &part->workers;
	unsigned long flags;
	bool queued;

	spin_lock_irqsave(&workers->lock, flags);
	queued = !list_empty(&work->node);
	if (!queued)
		list_add_tail(&work->node, &workers->queue);
	spin_unlock_irqrestore(&workers->lock, flags);
	if (!queued)
		wake_up(&workers->wait);
}

/**
 * bulkhead_workers_wake - wake all workers, because the partition has stopped
 * @workers: the workers
 */
void bulkhead_workers_wake(struct bulkhead_workers *workers)
{
	wake_up_all(&workers->wait);
}

static struct bulkhead_work *take(struct bulkhead_workers *workers)
{
	struct bulkhead_work *work;

	spin_lock_irq(&workers->lock);
	work = list_first_entry_or_null(&workers->queue, struct bulkhead_work, node);
	if (work)
		list_del_init(&work->node);
	spin_unlock_irq(&workers->lock);
	return work;
}

static bool is_idle(struct bulkhead_workers *workers, const struct bulkhead_part *part)
{
	return list_empty_careful(&workers->queue) && !bulkhead_part_is_stopped(part);
}

/* The work that woke this worker up is another's now. */
static int leave(struct bulkhead_workers *workers)
{
	if (!list_empty_careful(&workers->queue))
		wake_up(&workers->wait);
	return -ERESTARTSYS;
}

/**
 * bulkhead_worker_run - BULKHEAD_WORKER_RUN
 * @part: the partition
 * @uarg: its argument
 *
 * Return: 0 when the partition has stopped, or an error as documented there.
 */
int bulkhead_worker_run(struct bulkhead_part *part, const void __user *uarg)
{
	struct bulkhead_workers *workers = &part->workers;
	struct bulkhead_worker_run args;
	struct bulkhead_work *work;
	int ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;

	while (!bulkhead_part_is_stopped(part)) {
		work = take(workers);
		if (work)
			work->run(work);
		else
			ret = wait_event_interruptible_exclusive(workers->wait,
								 !is_idle(workers, part));
		if (fatal_signal_pending(current))
			bulkhead_part_stop(part, BULKHEAD_REASON_RUNNER_EXIT);
		else if (ret || signal_pending(current))
			return leave(workers);
	}
	return 0;
}
