// SPDX-License-Identifier: GPL-2.0-only
/* The ways in which a guest says that it is at its end, see uapi/linux/bulkhead_machine.h. */
#include "bulkhead.h"

/*
 * A guest may stop a partition that is being stopped otherwise: whoever is first gives the
 * reason.
 */
static void stop(struct bulkhead_part *part, enum bulkhead_reason reason)
{
	bulkhead_part_stop(part, reason);
}

static u8 all_ones_read(void *dev, unsigned int offset)
{
	return 0xff;
}

static u8 zero_read(void *dev, unsigned int offset)
{
	return 0;
}

static u8 pvpanic_read(void *dev, unsigned int offset)
{
	return BULKHEAD_PVPANIC_PANICKED;
}

static void pvpanic_write(void *dev, unsigned int offset, u8 value)
{
	if (value & BULKHEAD_PVPANIC_PANICKED)
		stop(dev, BULKHEAD_REASON_PANIC);
}

static const struct bulkhead_port_ops pvpanic_ops = {
	.read = pvpanic_read,
	.write = pvpanic_write,
};

static void sleep_write(void *dev, unsigned int offset, u8 value)
{
	if (offset == 0 && value == BULKHEAD_SLEEP_S5)
		stop(dev, BULKHEAD_REASON_POWEROFF);
}

static const struct bulkhead_port_ops sleep_ops = {
	.read = zero_read,
	.write = sleep_write,
};

static void exit_status_write(void *dev, unsigned int offset, u8 value)
{
	struct bulkhead_part *part = dev;

	WRITE_ONCE(part->exit_status, value);
}

static const struct bulkhead_port_ops exit_status_ops = {
	.read = all_ones_read,
	.write = exit_status_write,
};

static void reset_write(void *dev, unsigned int offset, u8 value)
{
	if (value & BULKHEAD_RESET_RST_CPU)
		stop(dev, value & BULKHEAD_RESET_FULL_RST ? BULKHEAD_REASON_RESET :
							   BULKHEAD_REASON_PANIC);
}

static const struct bulkhead_port_ops reset_ops = {
	.read = zero_read,
	.write = reset_write,
};

static void kbc_write(void *dev, unsigned int offset, u8 value)
{
	if (value == BULKHEAD_KBC_RESET)
		stop(dev, BULKHEAD_REASON_RESET);
}

/* All ones in the status register: drivers for keyboards see that there is none. */
static const struct bulkhead_port_ops kbc_ops = {
	.read = all_ones_read,
	.write = kbc_write,
};

static const struct {
	u32 first;
	u32 count;
	const struct bulkhead_port_ops *ops;
} devices[] = {
	{ BULKHEAD_PORT_KBC, 1, &kbc_ops },
	{ BULKHEAD_PORT_PVPANIC, 1, &pvpanic_ops },
	{ BULKHEAD_PORT_SLEEP_CONTROL, 2, &sleep_ops },
	{ BULKHEAD_PORT_EXIT_STATUS, 1, &exit_status_ops },
	{ BULKHEAD_PORT_RESET, 1, &reset_ops },
};

/**
 * bulkhead_power_init - give a partition its power, reset and panic devices
 * @part: the partition; not published yet
 *
 * Return: 0, or an error of bulkhead_bus_ports_add().
 */
int bulkhead_power_init(struct bulkhead_part *part)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		ret = bulkhead_bus_ports_add(part, devices[i].first, devices[i].count,
					     devices[i].ops, part);
		if (ret)
			return ret;
	}
	return 0;
}
