/*
 * reset_gpio.c: gpio-poweroff and gpio-restart: a pin that somebody watches.
 *
 *	active ─ delay ─ inactive ─ delay ─ active ─ wait      both edges and both
 *	                                                       levels are seen
 *
 * Pins of two kinds of controllers are known: SiFive's, a bit a pin in registers
 * for enable and value; and StarFive's of the JH7110, where each pin has a byte
 * for whether it drives and a byte for what (0 and 1 are the constants low and
 * high there). Nothing is touched before it is used: until then the pin stays as
 * firmware left it.
 */
#include <string.h>
#include <drivers/delay.h>
#include <drivers/devmap.h>
#include <drivers/driver.h>
#include <drivers/mmio.h>
#include <drivers/reset.h>

#define DELAY_MAX_MS    10000u
#define FLAG_ACTIVE_LOW 1u

/* How a controller wants a pin driven. */
struct gpio_kind {
	const char *compatible;
	uint32_t    pins;
	uint32_t    enable, value;      /* registers */
	uint32_t    width;              /* bits a pin has in each */
	uint32_t    on;                 /* what the enable register takes to drive */
};

static const struct gpio_kind kinds[] = {
	{ "sifive,gpio0", 32, 0x08, 0x0c, 1, 1 },
	{ "starfive,jh7110-sys-pinctrl", 64, 0x00, 0x40, 8, 0 },
	{ "starfive,jh7110-aon-pinctrl", 4, 0x00, 0x04, 8, 0 },
};

struct pin {
	const struct gpio_kind *kind;   /* NULL: there is none */
	volatile void *regs;
	uint32_t       number;
	bool           low;             /* active low */
	uint32_t       active_ms, inactive_ms, wait_ms;
};

static struct pin poweroff, restart;

static void
set_field(const struct pin *p, uint32_t base, uint32_t v)
{
	uint32_t width = p->kind->width, in_word = 32 / width;
	uint32_t at = base + 4 * (p->number / in_word), shift = p->number % in_word * width;
	uint32_t mask = (width == 1 ? 1u : 0xffu) << shift;

	mmio_write32(p->regs, at, (mmio_read32(p->regs, at) & ~mask) | v << shift);
}

static void
drive(const struct pin *p, bool active, uint32_t ms)
{
	set_field(p, p->kind->value, active != p->low);
	set_field(p, p->kind->enable, p->kind->on);
	delay_us((uint64_t)ms * 1000);
}

static void
pin_run(void *arg)
{
	const struct pin *p = arg;

	drive(p, true, p->active_ms);
	drive(p, false, p->inactive_ms);
	drive(p, true, p->wait_ms);
}

static uint32_t
delay_of(const struct device *dev, const char *name, uint32_t ms)
{
	if (!fdt_prop_u32(&dev->platform->fdt, dev->node, name, &ms) || ms <= DELAY_MAX_MS)
		return ms;
	return DELAY_MAX_MS;
}

/* gpios = <&controller number flags>. */
static bool
find_pin(const struct device *dev, struct pin *p)
{
	const struct fdt *f = &dev->platform->fdt;
	uint32_t cells, bytes;
	struct fdt_prop prop;
	struct phys_range reg;
	fdt_node_t n;
	size_t i;

	if ((!fdt_prop_get(f, dev->node, "gpios", &prop) && !fdt_prop_get(f, dev->node, "gpio", &prop)) ||
	    fdt_cells(&prop) < 3)
		return false;
	n = fdt_find_phandle(f, fdt_cell(&prop, 0));
	if (n == FDT_NO_NODE || !fdt_prop_u32(f, n, "#gpio-cells", &cells) || cells != 2 ||
	    !fdt_reg(f, n, 0, &reg))
		return false;
	for (i = 0; i < nitems(kinds) && !fdt_node_compatible(f, n, kinds[i].compatible); i++)
		continue;
	if (i == nitems(kinds) || fdt_cell(&prop, 1) >= kinds[i].pins)
		return false;
	bytes = kinds[i].value + 4 * howmany(kinds[i].pins * kinds[i].width, 32);
	if (reg.base % 4 != 0 || reg.size < bytes)
		return false;
	p->number = fdt_cell(&prop, 1);
	p->low = (fdt_cell(&prop, 2) & FLAG_ACTIVE_LOW) != 0;
	p->regs = devmap(reg.base, bytes);
	p->kind = p->regs != NULL ? &kinds[i] : NULL;
	return p->kind != NULL;
}

static bool
poweroff_attach(const struct device *dev)
{
	if (poweroff.kind != NULL || !find_pin(dev, &poweroff))
		return false;
	poweroff.active_ms = delay_of(dev, "active-delay-ms", 100);
	poweroff.inactive_ms = delay_of(dev, "inactive-delay-ms", 100);
	poweroff.wait_ms = delay_of(dev, "timeout-ms", 3000);
	return reset_add(RESET_OFF,
	    &(struct reset_way){ "gpio-poweroff", RESET_BY_PIN, pin_run, &poweroff });
}

static bool
restart_attach(const struct device *dev)
{
	if (restart.kind != NULL || !find_pin(dev, &restart))
		return false;
	restart.active_ms = delay_of(dev, "active-delay", 100);
	restart.inactive_ms = delay_of(dev, "inactive-delay", 100);
	restart.wait_ms = delay_of(dev, "wait-delay", 3000);
	return reset_add(RESET_RESTART,
	    &(struct reset_way){ "gpio-restart", RESET_BY_PIN, pin_run, &restart });
}

static const char *const poweroff_compatible[] = { "gpio-poweroff", NULL };
static const char *const restart_compatible[] = { "gpio-restart", NULL };

static const struct driver poweroff_driver = { "gpio-poweroff", poweroff_compatible, poweroff_attach };
static const struct driver restart_driver = { "gpio-restart", restart_compatible, restart_attach };

SET_ADD(drivers, &poweroff_driver);
SET_ADD(drivers, &restart_driver);
