// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: an eventfd of the runner's, which KVM turns into an edge on a pin of the interrupt
 * controllers.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>

#include "bulkhead.h"
#include "kvm.h"

/**
 * bulkhead_irq_init - initialize an interrupt that is not wired yet
 * @irq: the interrupt
 */
void bulkhead_irq_init(struct bulkhead_irq *irq)
{
	spin_lock_init(&irq->lock);
}

/**
 * bulkhead_irq_wire - connect an interrupt to a pin of the partition's interrupt controllers
 * @irq: the interrupt; initialized
 * @part: the partition; locked, not running yet
 * @fd: descriptor of the eventfd; the caller may close it afterwards
 * @pin: pin of the I/O APIC
 *
 * Return: 0, -EBADF or -EINVAL if @fd is no eventfd, or another error of KVM's.
 */
int bulkhead_irq_wire(struct bulkhead_irq *irq, struct bulkhead_part *part, int fd, u32 pin)
{
	struct eventfd_ctx *ctx;
	struct file *file;
	int ret;

	lockdep_assert_held(&part->lock);

	file = fget(fd);
	if (!file)
		return -EBADF;
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx)) {
		ret = PTR_ERR(ctx);
		goto put_file;
	}
	ret = bulkhead_kvm_irq_wire(part->kvm, fd, pin);
	if (ret)
		goto put_ctx;
	irq->ctx = ctx;
	irq->file = file;
	return 0;

put_ctx:
	eventfd_ctx_put(ctx);
put_file:
	fput(file);
	return ret;
}

/**
 * bulkhead_irq_raise - interrupt the guest
 * @irq: the interrupt; nothing happens before it is wired and after it is unwired
 *
 * Context: any.
 */
void bulkhead_irq_raise(struct bulkhead_irq *irq)
{
	unsigned long flags;

	spin_lock_irqsave(&irq->lock, flags);
	if (irq->ctx)
		eventfd_signal(irq->ctx);
	spin_unlock_irqrestore(&irq->lock, flags);
}

/**
 * bulkhead_irq_unwire - let the eventfd go
 * @irq: the interrupt; it interrupts nobody from here on
 */
void bulkhead_irq_unwire(struct bulkhead_irq *irq)
{
	struct eventfd_ctx *ctx;

	spin_lock_irq(&irq->lock);
	ctx = irq->ctx;
	irq->ctx = NULL;
	spin_unlock_irq(&irq->lock);
	if (ctx) {
		eventfd_ctx_put(ctx);
		fput(irq->file);
	}
}
