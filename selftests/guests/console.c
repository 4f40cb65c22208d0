// SPDX-License-Identifier: GPL-2.0-only
/* A driver of the console device. */
#include <linux/serial_reg.h>
#include <linux/virtio_console.h>

#include "console.h"
#include "virtio.h"

#define SIZE		16
#define RECEIVE		0
#define TRANSMIT	1
#define OUTPUT_ADDR	0x800000UL

static struct queue rx, tx;

static __u64 buffer_addr(__u32 i)
{
	return BUFFERS_ADDR + i * 4096;
}

static void setup(__u32 slot, __u64 features)
{
	device_negotiate(slot, features);
	queue_setup(&rx, slot, RECEIVE, SIZE, features);
	queue_setup(&tx, slot, TRANSMIT, SIZE, features);
	device_go(slot);
}

static void listen(__u32 i, __u32 len)
{
	__u16 old = rx.avail->idx;

	queue_desc(&rx, i, buffer_addr(i), len, VRING_DESC_F_WRITE, 0);
	queue_offer(&rx, i);
	queue_kick(&rx, old);
}

static void say(__u64 addr, __u32 len)
{
	struct vring_used_elem elem;

	queue_desc(&tx, 3, addr, len, 0, 0);
	queue_offer(&tx, 3);
	queue_notify(&tx);
	/* It is done when the kick is. */
	CHECK_EQ((__u16)(tx.seen + 1), tx.used->idx);
	elem = queue_wait(&tx);
	CHECK_EQ(3, elem.id);
	CHECK_EQ(0, elem.len);
}

/* Buffers of many sizes, around those of the chunks and rings on the way. */
static __u32 buffer_len(__u32 i)
{
	static const __u16 sizes[SIZE] = {
		1, 255, 256, 257, 2, 64, 4096, 1000, 511, 512, 513, 4095, 3, 4096, 17, 300,
	};

	return sizes[i];
}

static void echo(__u32 slot, __u64 bytes)
{
	struct vring_used_elem elem;
	__u32 i;

	setup(slot, 0);
	for (i = 0; i < SIZE; i++)
		listen(i, buffer_len(i));
	report->arrived = 1;
	while (bytes) {
		elem = queue_wait(&rx);
		CHECK(elem.id < SIZE);
		CHECK(elem.len && elem.len <= buffer_len(elem.id) && elem.len <= bytes);
		say(buffer_addr(elem.id), elem.len);
		bytes -= elem.len;
		listen(elem.id, buffer_len(elem.id));
	}
}

/* In one request. */
static void talk(__u32 slot, __u64 features)
{
	struct vring_used_elem elem;
	__u32 i;

	setup(slot, features);
	for (i = 0; i < 5; i++) {
		memset((void *)(OUTPUT_ADDR + i * 0x4000), 'a' + i, 0x4000);
		queue_desc(&tx, i, OUTPUT_ADDR + i * 0x4000, 0x4000,
			   i < 4 ? VRING_DESC_F_NEXT : 0, i + 1);
	}
	queue_offer(&tx, 0);
	queue_notify(&tx);
	elem = queue_wait(&tx);
	CHECK_EQ(0, elem.id);
}

static void early(__u32 slot)
{
	const __u64 config = reg_addr(slot, VIRTIO_MMIO_CONFIG);
	const __u64 emerg_wr = config + offsetof(struct virtio_console_config, emerg_wr);

	CHECK_EQ(VIRTIO_ID_CONSOLE, reg_read(slot, VIRTIO_MMIO_DEVICE_ID));
	CHECK(device_features(slot) & BIT(VIRTIO_CONSOLE_F_EMERG_WRITE));
	CHECK(!(device_features(slot) & BIT(VIRTIO_CONSOLE_F_MULTIPORT)));
	/* The rest of the configuration isn't the driver's. */
	mmio_write16(config, 80);
	mmio_write8(config + 4, 'x');
	CHECK_EQ(0, mmio_read16(config));
	mmio_write32(emerg_wr, 'E');
	port_write(BULKHEAD_PORT_COM1, 'U');
	setup(slot, 0);
	memcpy((void *)OUTPUT_ADDR, "V", 1);
	say(OUTPUT_ADDR, 1);
	port_write(BULKHEAD_PORT_COM1, 'W');
	mmio_write32(emerg_wr, 'F');
}

static bool uart_has_byte(void)
{
	return port_read(BULKHEAD_PORT_COM1 + UART_LSR) & UART_LSR_DR;
}

static void turns(__u32 slot)
{
	struct vring_used_elem elem;

	port_write(BULKHEAD_PORT_COM1 + UART_MCR, UART_MCR_RTS);
	report->arrived = 1;
	CHECK_SOON(uart_has_byte());
	CHECK_EQ('1', port_read(BULKHEAD_PORT_COM1 + UART_RX));

	setup(slot, 0);
	report->arrived = 2;
	listen(0, 4096);
	elem = queue_wait(&rx);
	CHECK_EQ(1, elem.len);
	CHECK_EQ('2', *(volatile __u8 *)buffer_addr(0));

	/* Nobody listens: it waits, for whom, we know when we reset. */
	report->arrived = 3;
	CHECK_SOON(report->stop);
	CHECK(!uart_has_byte());
	device_reset(slot);
	CHECK(uart_has_byte());
	CHECK_EQ('3', port_read(BULKHEAD_PORT_COM1 + UART_RX));
}

static __u32 size(__u32 slot)
{
	return mmio_read32(reg_addr(slot, VIRTIO_MMIO_CONFIG));
}

static void resize(__u32 slot, __u32 wanted)
{
	__u32 first = size(slot), generation = reg_read(slot, VIRTIO_MMIO_CONFIG_GENERATION);

	setup(slot, BIT(VIRTIO_CONSOLE_F_SIZE));
	/* What was known before the driver was there is told, too: Linux wants that. */
	CHECK_EQ(first ? VIRTIO_MMIO_INT_CONFIG : 0,
		 reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS));
	reg_write(slot, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	report->arrived = 1;
	CHECK_SOON(reg_read(slot, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	CHECK_EQ(wanted, size(slot));
	CHECK(generation != reg_read(slot, VIRTIO_MMIO_CONFIG_GENERATION));
}

static void read_only(__u32 slot)
{
	setup(slot, 0);
	queue_desc(&rx, 0, buffer_addr(0), 64, 0, 0);
	queue_offer(&rx, 0);
	queue_notify(&rx);
	CHECK(status(slot) & VIRTIO_CONFIG_S_NEEDS_RESET);
	device_reset(slot);
	/* And it works again. */
	echo(slot, 1);
}

void guest_main(unsigned int cpu)
{
	const __u64 argument = report->argument;
	const __u32 slot = report->slot;

	switch (report->scenario) {
	case CONSOLE_ECHO:
		echo(slot, argument);
		break;
	case CONSOLE_TALK:
		talk(slot, argument);
		break;
	case CONSOLE_EARLY:
		early(slot);
		break;
	case CONSOLE_TURNS:
		turns(slot);
		break;
	case CONSOLE_SIZE:
		resize(slot, argument);
		break;
	case CONSOLE_READ_ONLY:
		read_only(slot);
		break;
	default:
		CHECK(false);
	}
	CHECK(report->checks);
	power_off(0);
}
