// SPDX-License-Identifier: GPL-2.0-only
/* How the agent ends the partition: through the ports of bulkhead_machine.h. */
#include "agent.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/io.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include <linux/bulkhead_machine.h>

#define FIRST_PORT	BULKHEAD_PORT_SLEEP_CONTROL
#define N_PORTS		(BULKHEAD_PORT_EXIT_STATUS - FIRST_PORT + 1)

/* Kernels are built without ioperm(), or without /dev/port, but hardly without both. */
static void write_port(int port_file, uint16_t port, uint8_t value)
{
	if (port_file < 0)
		outb(value, port);
	else if (pwrite(port_file, &value, 1, port) != 1)
		say("/dev/port: can't write port %#x: %m", port);
}

/*
 * Access to the ports is taken only now: it would pass to the command, and on to whatever that
 * executes, even as another user.
 */
void power_off(int status)
{
	int port_file = -1;

	/* Text on the console, why this happens perhaps, must be out before the machine stops. */
	tcdrain(STDERR_FILENO);
	if (ioperm(FIRST_PORT, N_PORTS, 1)) {
		port_file = open("/dev/port", O_WRONLY | O_CLOEXEC);
		if (port_file < 0) {
			say("no access to ports by ioperm() or /dev/port, rebooting instead: %m");
			tcdrain(STDERR_FILENO);
			reboot(RB_AUTOBOOT);
		}
	}
	if (status >= 0)
		write_port(port_file, BULKHEAD_PORT_EXIT_STATUS, status);
	write_port(port_file, BULKHEAD_PORT_SLEEP_CONTROL, BULKHEAD_SLEEP_S5);

	/* The machine isn't one of bulkhead's. End it as any other, rather than linger. */
	say("power off had no effect, rebooting");
	tcdrain(STDERR_FILENO);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
