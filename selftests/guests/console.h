/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest console.c can do. */
#ifndef GUESTS_CONSOLE_H
#define GUESTS_CONSOLE_H

enum console_scenario {
	CONSOLE_ECHO,		/* send back as many bytes as the argument says */
	CONSOLE_TALK,		/* send 16 KiB of 'a', and so on to 'e'; argument: features */
	CONSOLE_EARLY,		/* say something on each way to the console */
	CONSOLE_TURNS,		/* hear a byte on the UART, on the device, and on the UART again */
	CONSOLE_SIZE,		/* wait for the size; argument: columns, and rows << 16 */
	CONSOLE_READ_ONLY,	/* receive into a buffer that isn't to be written */
};

#endif
