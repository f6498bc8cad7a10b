/*
 * uart_16550.c: the 8250 family, as far as a console needs it.
 *
 * Registers lie 1 << reg-shift bytes apart and are accessed with reg-io-width
 * bytes: 0 and 1 on QEMU's virt, 2 and 4 on the JH7110 (Synopsys' DW APB UART).
 * Firmware has set speed and format, and the DW UART raises a storm of "busy"
 * interrupts when LCR is written while a character is under way: so LCR and the
 * divisor are never written, and what the tree says of clocks is not needed.
 *
 * Quirks of the DW UART, harmless to look for everywhere: interrupt 7 ("busy")
 * goes away only by reading USR; a receive timeout may come without data and
 * goes away only by reading RBR.
 *
 * Output waits for room, but not for ever: a UART that never has room loses
 * characters and is asked just once for each until it recovers.
 *
 * Locks: none. putc and getc are called under the console's lock or after it
 * was broken; the interrupt handler only reads, from the one hart that the
 * source is routed to.
 */
#include <drivers/devmap.h>
#include <drivers/driver.h>
#include <drivers/mmio.h>
#include <drivers/plic.h>

enum {
	RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, MCR = 4, LSR = 5, MSR = 6,
	USR = 0x1f,                     /* DW only */
};

#define IER_RX          0x01u
#define FCR_ENABLE      0x01u           /* trigger at one character */
#define MCR_OUT2        0x08u           /* lets the interrupt out of PC-like parts */
#define LSR_DATA        0x01u
#define LSR_BREAK       0x10u
#define LSR_ROOM        0x20u

#define IIR_ID          0x0fu
#define IIR_MODEM       0x00u
#define IIR_NONE        0x01u
#define IIR_RX          0x04u
#define IIR_LINE        0x06u
#define IIR_BUSY        0x07u
#define IIR_TIMEOUT     0x0cu

#define UARTS           8
#define PUTC_TRIES      1000000u        /* a full FIFO takes 1.4 ms at 115200 */
#define DRAIN_MAX       1024u           /* characters a call, so that it ends */

struct uart {
	struct console_device console;
	volatile void *base;
	unsigned       shift, width;    /* reg-shift, reg-io-width */
	unsigned       plic;
	bool           dw;
	bool           stuck;
};

static struct uart uarts[UARTS];
static unsigned    uart_count;

static uint32_t
uart_read(const struct uart *u, unsigned reg)
{
	size_t at = (size_t)reg << u->shift;

	switch (u->width) {
	case 4:
		return mmio_read32(u->base, at);
	case 2:
		return mmio_read16(u->base, at);
	default:
		return mmio_read8(u->base, at);
	}
}

static void
uart_write(const struct uart *u, unsigned reg, uint8_t v)
{
	size_t at = (size_t)reg << u->shift;

	switch (u->width) {
	case 4:
		mmio_write32(u->base, at, v);
		break;
	case 2:
		mmio_write16(u->base, at, v);
		break;
	default:
		mmio_write8(u->base, at, v);
		break;
	}
}

static void
uart_putc(struct console_device *d, char c)
{
	struct uart *u = d->cookie;
	unsigned tries = u->stuck ? 1 : PUTC_TRIES;

	while (!(uart_read(u, LSR) & LSR_ROOM)) {
		if (--tries == 0) {
			u->stuck = true;
			return;
		}
	}
	u->stuck = false;
	uart_write(u, THR, (uint8_t)c);
}

/* The next character; -1: none. A break is no character. */
static int
uart_getc(struct console_device *d)
{
	struct uart *u = d->cookie;
	unsigned i;
	uint32_t lsr;
	int c;

	for (i = 0; i < DRAIN_MAX; i++) {
		lsr = uart_read(u, LSR);
		if (!(lsr & LSR_DATA))
			return -1;
		c = (int)(uart_read(u, RBR) & 0xff);
		if (!(lsr & LSR_BREAK))
			return c;
	}
	return -1;
}

static void
uart_drain(struct uart *u)
{
	unsigned i;
	int c;

	for (i = 0; i < DRAIN_MAX && (c = uart_getc(&u->console)) >= 0; i++)
		console_input((char)c);
}

/* Level triggered: what is left over when this returns interrupts again. */
static void
uart_interrupt(void *arg)
{
	struct uart *u = arg;
	unsigned i;
	uint32_t id;

	for (i = 0; i < 16; i++) {
		id = uart_read(u, IIR) & IIR_ID;
		switch (id) {
		case IIR_NONE:
			return;
		case IIR_BUSY:
			if (u->dw)
				(void)uart_read(u, USR);
			break;
		case IIR_TIMEOUT:
			if (!(uart_read(u, LSR) & LSR_DATA))
				(void)uart_read(u, RBR);
			uart_drain(u);
			break;
		case IIR_LINE:          /* reading LSR clears it */
		case IIR_RX:
			uart_drain(u);
			break;
		case IIR_MODEM:
			(void)uart_read(u, MSR);
			break;
		default:                /* room for output: reading IIR cleared it */
			break;
		}
	}
}

/* Without a way for the interrupt to arrive, d->irq becomes 0: poll. */
static void
uart_irq_enable(struct console_device *d)
{
	struct uart *u = d->cookie;

	if (d->irq == 0)
		return;
	uart_write(u, IER, 0);
	if (!plic_register(u->plic, d->irq, uart_interrupt, u) ||
	    !plic_enable(u->plic, d->irq, 0)) {
		d->irq = 0;
		return;
	}
	uart_write(u, FCR, FCR_ENABLE);
	uart_write(u, MCR, (uint8_t)(uart_read(u, MCR) | MCR_OUT2));
	uart_write(u, IER, IER_RX);
}

/* The layout of the registers; FALSE: it makes no sense. */
static bool
uart_layout(const struct device *dev, struct uart *u, uint64_t *pa, uint64_t *size)
{
	const struct fdt *f = &dev->platform->fdt;
	uint32_t shift = 0, width = 1, offset = 0;

	(void)fdt_prop_u32(f, dev->node, "reg-shift", &shift);
	(void)fdt_prop_u32(f, dev->node, "reg-io-width", &width);
	(void)fdt_prop_u32(f, dev->node, "reg-offset", &offset);
	if (shift > 4 || (width != 1 && width != 2 && width != 4) || width > 1u << shift)
		return false;
	*pa = dev->reg.base + offset;
	*size = ((uint64_t)(u->dw ? USR : MSR) << shift) + width;
	u->shift = shift;
	u->width = width;
	return *pa % width == 0 && offset < dev->reg.size && *size <= dev->reg.size - offset;
}

static bool
uart_attach(const struct device *dev)
{
	const struct fdt *f = &dev->platform->fdt;
	struct uart *u = &uarts[uart_count];
	uint64_t pa, size;

	if (uart_count == UARTS)
		return false;
	u->dw = fdt_node_compatible(f, dev->node, "snps,dw-apb-uart") ||
	    fdt_node_compatible(f, dev->node, "starfive,jh7110-uart");
	if (!uart_layout(dev, u, &pa, &size))
		return false;
	u->base = devmap(pa, size);
	if (u->base == NULL)
		return false;
	u->plic = dev->plic;
	u->stuck = false;
	u->console = (struct console_device){
		.name = "ns16550", .putc = uart_putc, .getc = uart_getc,
		.irq_enable = dev->irq != 0 ? uart_irq_enable : NULL,
		.cookie = u, .irq = dev->irq,
	};
	uart_count++;
	drivers_console_found(dev, &u->console);
	return true;
}

static const char *const uart_compatible[] = {
	"ns16550a", "ns16550", "snps,dw-apb-uart", "starfive,jh7110-uart", NULL
};
static const struct driver uart_driver = { "ns16550", uart_compatible, uart_attach };
SET_ADD(drivers, &uart_driver);
