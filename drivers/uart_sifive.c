/*
 * uart_sifive.c: the UART of SiFive's chips (QEMU's sifive_u) as a console.
 *
 * Seven 32-bit registers. A FIFO's data register carries its own flag in bit
 * 31: "full" when txdata is read, "empty" when rxdata is read (which also takes
 * the character). The divisor is the firmware's business. Locks and bounds as in
 * uart_16550.c.
 */
#include <drivers/devmap.h>
#include <drivers/driver.h>
#include <drivers/mmio.h>
#include <drivers/plic.h>

enum { TXDATA = 0x00, RXDATA = 0x04, TXCTRL = 0x08, RXCTRL = 0x0c, IE = 0x10, UART_BYTES = 0x1c };

#define TXDATA_FULL     (1u << 31)
#define RXDATA_EMPTY    (1u << 31)
#define CTRL_ENABLE     1u
#define CTRL_WATERMARK  (7u << 16)
#define IE_RX           2u              /* more characters wait than rxctrl's watermark */

#define UARTS           4
#define PUTC_TRIES      1000000u
#define DRAIN_MAX       1024u

struct uart {
	struct console_device console;
	volatile void *base;
	unsigned       plic;
	bool           stuck;
};

static struct uart uarts[UARTS];
static unsigned    uart_count;

static void
uart_putc(struct console_device *d, char c)
{
	struct uart *u = d->cookie;
	unsigned tries = u->stuck ? 1 : PUTC_TRIES;

	while (mmio_read32(u->base, TXDATA) & TXDATA_FULL) {
		if (--tries == 0) {
			u->stuck = true;
			return;
		}
	}
	u->stuck = false;
	mmio_write32(u->base, TXDATA, (uint8_t)c);
}

static int
uart_getc(struct console_device *d)
{
	struct uart *u = d->cookie;
	uint32_t v = mmio_read32(u->base, RXDATA);

	return v & RXDATA_EMPTY ? -1 : (int)(v & 0xff);
}

static void
uart_interrupt(void *arg)
{
	struct uart *u = arg;
	unsigned i;
	int c;

	for (i = 0; i < DRAIN_MAX && (c = uart_getc(&u->console)) >= 0; i++)
		console_input((char)c);
}

/* Without a way for the interrupt to arrive, d->irq becomes 0: poll. */
static void
uart_irq_enable(struct console_device *d)
{
	struct uart *u = d->cookie;
	uint32_t rxctrl;

	if (d->irq == 0)
		return;
	mmio_write32(u->base, IE, 0);
	if (!plic_register(u->plic, d->irq, uart_interrupt, u) ||
	    !plic_enable(u->plic, d->irq, 0)) {
		d->irq = 0;
		return;
	}
	rxctrl = mmio_read32(u->base, RXCTRL) & ~CTRL_WATERMARK;
	mmio_write32(u->base, RXCTRL, rxctrl | CTRL_ENABLE);
	mmio_write32(u->base, IE, IE_RX);
}

static bool
uart_attach(const struct device *dev)
{
	struct uart *u = &uarts[uart_count];

	if (uart_count == UARTS || dev->reg.size < UART_BYTES || dev->reg.base % 4 != 0)
		return false;
	u->base = devmap(dev->reg.base, UART_BYTES);
	if (u->base == NULL)
		return false;
	u->plic = dev->plic;
	u->stuck = false;
	u->console = (struct console_device){
		.name = "sifive-uart", .putc = uart_putc, .getc = uart_getc,
		.irq_enable = dev->irq != 0 ? uart_irq_enable : NULL,
		.cookie = u, .irq = dev->irq,
	};
	uart_count++;
	mmio_write32(u->base, TXCTRL, mmio_read32(u->base, TXCTRL) | CTRL_ENABLE);
	mmio_write32(u->base, RXCTRL, mmio_read32(u->base, RXCTRL) | CTRL_ENABLE);
	drivers_console_found(dev, &u->console);
	return true;
}

static const char *const uart_compatible[] = { "sifive,uart0", NULL };
static const struct driver uart_driver = { "sifive-uart", uart_compatible, uart_attach };
SET_ADD(drivers, &uart_driver);
