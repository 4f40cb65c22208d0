// SPDX-License-Identifier: GPL-2.0-only
/* The power button: a register of events and an interrupt, see uapi/linux/bulkhead_machine.h. */
#include <linux/lockdep.h>

#include "bulkhead.h"

/* Reading takes out what is there. */
static u8 events_read(void *dev, unsigned int offset)
{
	struct bulkhead_button *button = dev;

	return atomic_xchg(&button->events, 0);
}

static void events_write(void *dev, unsigned int offset, u8 value)
{
}

static const struct bulkhead_port_ops events_ops = {
	.read = events_read,
	.write = events_write,
};

/**
 * bulkhead_button_create - BULKHEAD_BUTTON_CREATE
 * @part: the partition
 * @uarg: its argument
 *
 * Return: 0, or an error as documented there.
 */
int bulkhead_button_create(struct bulkhead_part *part, const void __user *uarg)
{
	struct bulkhead_button *button = &part->button;
	struct bulkhead_button_create args;
	int ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.reserved)
		return -EINVAL;

	guard(mutex)(&part->lock);
	if (part->state != BULKHEAD_STATE_CREATED)
		return -EBUSY;
	if (button->created)
		return -EEXIST;
	ret = bulkhead_bus_ports_add(part, BULKHEAD_PORT_EVENTS, 1, &events_ops, button);
	if (ret)
		return ret;
	ret = bulkhead_irq_wire(&button->irq, part, args.irq_fd, BULKHEAD_IRQ_EVENTS);
	if (ret) {
		bulkhead_bus_ports_remove(part, button);
		return ret;
	}
	guard(mutex)(&part->state_lock);
	button->created = true;
	return 0;
}

/**
 * bulkhead_button_press - press a partition's power button
 * @part: the partition
 *
 * Return: 0, -ENXIO if it has none, or -EBUSY if it has stopped.
 */
int bulkhead_button_press(struct bulkhead_part *part)
{
	guard(mutex)(&part->state_lock);

	if (part->state == BULKHEAD_STATE_STOPPED)
		return -EBUSY;
	if (!part->button.created)
		return -ENXIO;
	atomic_or(BULKHEAD_EVENT_POWER_BUTTON, &part->button.events);
	bulkhead_irq_raise(&part->button.irq);
	return 0;
}
