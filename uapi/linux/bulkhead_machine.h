/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The machine that a guest sees: the ports at which bulkhead.ko answers. An access to any other
 * port, or to an address without memory, reads all ones and is counted. KVM answers those of the
 * PC's interrupt controllers (0x20, 0xa0, 0x4d0), and has the I/O APIC at 0xfec00000 and the local
 * APICs at 0xfee00000; a vCPU's index is its APIC id. There is no PC's timer, clock, keyboard,
 * display nor PCI. The runner describes all this to the guest by hardware-reduced ACPI.
 *
 *   0x3f8..0x3ff  COM1, 16550A, IRQ 4: the console
 *   0x2f8..0x2ff  COM2, 16550A, IRQ 3: between agent and runner
 *   0x064         keyboard controller: the reset command alone
 *   0x505         pvpanic
 *   0x600..0x607  power: sleep control and status, events, the agent's exit status
 *   0xcf9         reset control
 *
 * Addresses without memory:
 *
 *   0xd0000000..0xd000ffff  virtio devices, 4 KiB each
 */
#ifndef _UAPI_LINUX_BULKHEAD_MACHINE_H
#define _UAPI_LINUX_BULKHEAD_MACHINE_H

#define BULKHEAD_PORT_COM1		0x3f8
#define BULKHEAD_PORT_COM2		0x2f8
#define BULKHEAD_IRQ_COM1		4
#define BULKHEAD_IRQ_COM2		3

/* A write of the command pulses the reset line: 8042, command 0xfe. Other commands do nothing. */
#define BULKHEAD_PORT_KBC		0x64
#define BULKHEAD_KBC_RESET		0xfe

/* A write with PANICKED set stops the partition. QEMU docs/specs/pvpanic. Reads PANICKED. */
#define BULKHEAD_PORT_PVPANIC		0x505
#define BULKHEAD_PVPANIC_PANICKED	0x01

/*
 * ACPI 6.5, section 4.8.3.7, sleep control register, 8 bits: a write of SLP_EN with sleep type 5
 * powers the partition off. The status register behind it reads zero: nothing ever wakes.
 */
#define BULKHEAD_PORT_SLEEP_CONTROL	0x600
#define BULKHEAD_PORT_SLEEP_STATUS	0x601
#define BULKHEAD_SLEEP_S5		0x34

/*
 * 8 bits: what happened, and raised the I/O APIC's pin IRQ_EVENTS, edge-triggered, since the
 * register was last read. Reading takes it out; writes do nothing.
 */
#define BULKHEAD_PORT_EVENTS		0x602
#define BULKHEAD_IRQ_EVENTS		5
#define BULKHEAD_EVENT_POWER_BUTTON	0x01

/* 8 bits, write only: exit status of the command that the agent ran, kept with the partition. */
#define BULKHEAD_PORT_EXIT_STATUS	0x604

/*
 * Reset control register of Intel chipsets, 8 bits: a write with RST_CPU resets. With FULL_RST it
 * is a reset, without it a panic: the controller boots guests with "reboot=pci,panic_warm", so that
 * a Linux guest resets cold but for a panic.
 */
#define BULKHEAD_PORT_RESET		0xcf9
#define BULKHEAD_RESET_RST_CPU		0x04
#define BULKHEAD_RESET_FULL_RST		0x08

/*
 * Virtio devices: virtio 1.2, section 4.2, version 2. The device in slot n has the n-th window and
 * pin BULKHEAD_VIRTIO_PIN + n of the I/O APIC, edge-triggered.
 */
#define BULKHEAD_VIRTIO_ADDR		0xd0000000
#define BULKHEAD_VIRTIO_BYTES		0x1000
#define BULKHEAD_VIRTIO_MAX		16
#define BULKHEAD_VIRTIO_PIN		8

#endif /* _UAPI_LINUX_BULKHEAD_MACHINE_H */
