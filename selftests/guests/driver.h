/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest driver.c can do. */
#ifndef GUESTS_DRIVER_H
#define GUESTS_DRIVER_H

enum driver_scenario {
	DRIVER_REGISTERS,	/* what the registers of an idle device say */
	DRIVER_NEGOTIATE,	/* what the driver may accept, and when */
	DRIVER_DIRECT,		/* random bytes; argument: features to accept */
	DRIVER_INDIRECT,
	DRIVER_WRAP,		/* as many requests as wrap the rings' indices */
	DRIVER_QUIET,		/* without interrupts; argument: features to accept */
	DRIVER_INTERRUPT,	/* sleep until the device interrupts */
	DRIVER_FOREVER,		/* random bytes until told to stop */
};

#endif
