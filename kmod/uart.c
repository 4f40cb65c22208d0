// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 16550A UARTs of a partition. Registers as in the PC16550D data sheet, section 8. The line
 * has no speed: what the guest sends is sent at once, and what the runner sends waits for the
 * guest.
 *
 * The console never waits and forgets its oldest text. The agent's UART loses nothing: towards the
 * runner, the transmitter is full while nobody reads; towards the guest, RTS is obeyed.
 */
#include <linux/err.h>
#include <linux/serial_reg.h>
#include <linux/slab.h>

#include "bulkhead.h"
#include "stream.h"

#define UART_PORTS	8
#define UART_FIFO	16

static const struct {
	u32 port;
	u32 irq;
} lines[] = {
	[BULKHEAD_UART_CONSOLE] = { BULKHEAD_PORT_COM1, BULKHEAD_IRQ_COM1 },
	[BULKHEAD_UART_AGENT] = { BULKHEAD_PORT_COM2, BULKHEAD_IRQ_COM2 },
};

/**
 * struct bulkhead_uart - one UART
 * @stream: what goes through it; its lock protects what follows
 * @irq: interrupt to the guest
 * @irq_pending: level of the interrupt line; its edges are signalled
 * @tx_full: the transmitter was full when the guest last sent
 * @thre_pending: transmitter empty, not yet told by IIR
 * @ier: interrupt enable register
 * @fcr: FIFO control register
 * @lcr: line control register
 * @mcr: modem control register
 * @scr: scratch register
 * @divisor: of the baud rate; without effect
 */
struct bulkhead_uart {
	struct bulkhead_stream stream;
	struct bulkhead_irq irq;
	bool irq_pending;
	bool tx_full;
	bool thre_pending;
	u8 ier;
	u8 fcr;
	u8 lcr;
	u8 mcr;
	u8 scr;
	u8 divisor[2];
};

static bool tx_has_room(const struct bulkhead_uart *uart)
{
	/* A driver that finds the transmitter empty fills the FIFO without looking again. */
	return !uart->stream.lossless || bulkhead_ring_free(&uart->stream.tx) >= UART_FIFO;
}

static bool rx_is_ready(const struct bulkhead_uart *uart)
{
	return !uart->stream.diverted && bulkhead_ring_used(&uart->stream.rx) &&
	       (uart->mcr & (UART_MCR_RTS | UART_MCR_LOOP));
}

static u8 iir(const struct bulkhead_uart *uart)
{
	if ((uart->ier & UART_IER_RDI) && rx_is_ready(uart))
		return UART_IIR_RDI;
	if ((uart->ier & UART_IER_THRI) && uart->thre_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void irq_update(struct bulkhead_uart *uart)
{
	bool pending = iir(uart) != UART_IIR_NO_INT;

	lockdep_assert_held(&uart->stream.lock);

	if (pending && !uart->irq_pending)
		bulkhead_irq_raise(&uart->irq);
	uart->irq_pending = pending;
}

/* Somebody took what the guest sent, or sent something himself. */
static void uart_update(struct bulkhead_stream *stream)
{
	struct bulkhead_uart *uart = container_of(stream, struct bulkhead_uart, stream);

	if (uart->tx_full && tx_has_room(uart)) {
		uart->tx_full = false;
		uart->thre_pending = true;
	}
	irq_update(uart);
}

static u8 msr(const struct bulkhead_uart *uart)
{
	u8 value = 0;

	if (!(uart->mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (uart->mcr & UART_MCR_RTS)
		value |= UART_MSR_CTS;
	if (uart->mcr & UART_MCR_DTR)
		value |= UART_MSR_DSR;
	if (uart->mcr & UART_MCR_OUT1)
		value |= UART_MSR_RI;
	if (uart->mcr & UART_MCR_OUT2)
		value |= UART_MSR_DCD;
	return value;
}

static u8 lsr(const struct bulkhead_uart *uart)
{
	return (rx_is_ready(uart) ? UART_LSR_DR : 0) |
	       (tx_has_room(uart) ? UART_LSR_THRE | UART_LSR_TEMT : 0);
}

static u8 receive(struct bulkhead_uart *uart)
{
	return rx_is_ready(uart) ? bulkhead_stream_receive(&uart->stream) : 0;
}

static void transmit(struct bulkhead_uart *uart, u8 value)
{
	if (uart->mcr & UART_MCR_LOOP) {
		if (!uart->stream.diverted)
			bulkhead_ring_push(&uart->stream.rx, value);
		return;
	}
	/* A guest that sends to a full transmitter loses it, as with the real thing. */
	bulkhead_stream_send(&uart->stream, value);
	uart->tx_full = !tx_has_room(uart);
	uart->thre_pending = !uart->tx_full;
}

/* Reading IIR acknowledges the interrupt of an empty transmitter. */
static u8 iir_read(struct bulkhead_uart *uart)
{
	u8 value = iir(uart);

	if (value == UART_IIR_THRI)
		uart->thre_pending = false;
	if (uart->fcr & UART_FCR_ENABLE_FIFO)
		value |= UART_IIR_FIFO_ENABLED_16550A;
	return value;
}

/* Enabling the interrupt of an empty transmitter raises it. */
static void ier_write(struct bulkhead_uart *uart, u8 value)
{
	if (value & ~uart->ier & UART_IER_THRI)
		uart->thre_pending = tx_has_room(uart);
	uart->ier = value & (UART_IER_MSI | UART_IER_RLSI | UART_IER_THRI | UART_IER_RDI);
}

static u8 reg_read(struct bulkhead_uart *uart, unsigned int reg)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	lockdep_assert_held(&uart->stream.lock);

	switch (reg) {
	case UART_RX:
		return dlab ? uart->divisor[0] : receive(uart);
	case UART_IER:
		return dlab ? uart->divisor[1] : uart->ier;
	case UART_IIR:
		return iir_read(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return lsr(uart);
	case UART_MSR:
		return msr(uart);
	default:
		return uart->scr;
	}
}

static void reg_write(struct bulkhead_uart *uart, unsigned int reg, u8 value)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	lockdep_assert_held(&uart->stream.lock);

	if (dlab && reg <= UART_DLM)
		uart->divisor[reg] = value;
	else if (reg == UART_TX)
		transmit(uart, value);
	else if (reg == UART_IER)
		ier_write(uart, value);
	else if (reg == UART_FCR)
		uart->fcr = value;
	else if (reg == UART_LCR)
		uart->lcr = value;
	else if (reg == UART_MCR)
		uart->mcr = value & (UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_OUT1 | UART_MCR_RTS |
				     UART_MCR_DTR);
	else if (reg == UART_SCR)
		uart->scr = value;
}

static u8 uart_port_read(void *dev, unsigned int offset)
{
	struct bulkhead_uart *uart = dev;
	u8 value;

	spin_lock(&uart->stream.lock);
	value = reg_read(uart, offset);
	irq_update(uart);
	spin_unlock(&uart->stream.lock);
	return value;
}

static void uart_port_write(void *dev, unsigned int offset, u8 value)
{
	struct bulkhead_uart *uart = dev;

	spin_lock(&uart->stream.lock);
	reg_write(uart, offset, value);
	irq_update(uart);
	spin_unlock(&uart->stream.lock);
}

static const struct bulkhead_port_ops uart_port_ops = {
	.read = uart_port_read,
	.write = uart_port_write,
};

static struct bulkhead_uart *uart_alloc(struct bulkhead_part *part, enum bulkhead_uart_role which)
{
	struct bulkhead_uart *uart;
	int ret;

	uart = kzalloc(sizeof(*uart), GFP_KERNEL_ACCOUNT);
	if (!uart)
		return ERR_PTR(-ENOMEM);
	bulkhead_irq_init(&uart->irq);
	ret = bulkhead_stream_init(&uart->stream, part, which == BULKHEAD_UART_AGENT, uart_update);
	if (ret) {
		bulkhead_uart_free(uart);
		return ERR_PTR(ret);
	}
	return uart;
}

/**
 * bulkhead_uart_free - free a UART that no descriptor refers to
 * @uart: the UART; unwired
 */
void bulkhead_uart_free(struct bulkhead_uart *uart)
{
	bulkhead_stream_destroy(&uart->stream);
	kfree(uart);
}

/**
 * bulkhead_uart_wake - wake who sleeps on a UART, because the partition has stopped
 * @uart: the UART
 */
void bulkhead_uart_wake(struct bulkhead_uart *uart)
{
	bulkhead_stream_stop(&uart->stream);
}

/**
 * bulkhead_uart_unwire - let the UART's eventfd go
 * @uart: the UART; it raises no interrupt from here on
 */
void bulkhead_uart_unwire(struct bulkhead_uart *uart)
{
	bulkhead_irq_unwire(&uart->irq);
}

/**
 * bulkhead_uart_create - BULKHEAD_UART_CREATE
 * @part: the partition
 * @uarg: its argument
 *
 * Return: a UART descriptor, or an error as documented there.
 */
int bulkhead_uart_create(struct bulkhead_part *part, const void __user *uarg)
{
	struct bulkhead_uart_create args;
	struct bulkhead_uart *uart;
	struct file *file;
	int fd, ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.uart >= ARRAY_SIZE(lines))
		return -EINVAL;

	guard(mutex)(&part->lock);
	if (part->state != BULKHEAD_STATE_CREATED)
		return -EBUSY;
	if (part->uarts[args.uart])
		return -EEXIST;

	fd = bulkhead_stream_reserve(&file);
	if (fd < 0)
		return fd;
	uart = uart_alloc(part, args.uart);
	if (IS_ERR(uart)) {
		ret = PTR_ERR(uart);
		goto cancel_fd;
	}
	ret = bulkhead_bus_ports_add(part, lines[args.uart].port, UART_PORTS, &uart_port_ops, uart);
	if (ret)
		goto free_uart;
	ret = bulkhead_irq_wire(&uart->irq, part, args.irq_fd, lines[args.uart].irq);
	if (ret)
		goto remove_ports;

	scoped_guard(mutex, &part->state_lock)
		part->uarts[args.uart] = uart;
	bulkhead_stream_install(&uart->stream, fd, file);
	return fd;

remove_ports:
	bulkhead_bus_ports_remove(part, uart);
free_uart:
	bulkhead_uart_free(uart);
cancel_fd:
	bulkhead_fd_cancel(fd, file);
	return ret;
}

/**
 * bulkhead_uart_stream - the stream of a UART
 * @part: the partition
 * @which: which UART
 *
 * Return: the stream, which lives as long as @part's memory, or NULL if there is no such UART.
 */
struct bulkhead_stream *bulkhead_uart_stream(struct bulkhead_part *part,
					     enum bulkhead_uart_role which)
{
	guard(mutex)(&part->lock);
	return part->uarts[which] ? &part->uarts[which]->stream : NULL;
}

/**
 * bulkhead_uart_open - open a UART for somebody who isn't the runner
 * @part: the partition; on success the descriptor takes over the caller's reference
 * @which: which UART
 *
 * Return: a UART descriptor, -ENXIO if the partition has no such UART, or an error of making one.
 */
int bulkhead_uart_open(struct bulkhead_part *part, enum bulkhead_uart_role which)
{
	struct bulkhead_stream *stream = bulkhead_uart_stream(part, which);

	return stream ? bulkhead_stream_open(stream) : -ENXIO;
}
