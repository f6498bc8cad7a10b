/*
 * reset_watchdog.c: the JH7110's watchdog, as the last way to restart.
 *
 *	0x000 load    0x008 control: 1 count, 2 reset at the second end    0xc00 lock
 *
 * Nothing is written until then. A block without its clock may not answer, so the
 * clocks and resets that the tree names are switched first, in the SoC's clock
 * and reset generator: clock i has a word at 4 i, whose top bit lets it run; reset
 * i a bit in the words from 0x2f8 on, 1 holds. With another kind of generator the
 * watchdog is left alone.
 */
#include <drivers/delay.h>
#include <drivers/devmap.h>
#include <drivers/driver.h>
#include <drivers/mmio.h>
#include <drivers/reset.h>

#define LOAD            0x000u
#define CONTROL         0x008u
#define LOCK            0xc00u
#define CONTROL_COUNT   1u
#define CONTROL_RESET   2u
#define UNLOCK          0x1acce551u
#define BYTES           0xc04u
/* A millisecond or less at any clock the block has; it counts down twice. */
#define COUNT           24000u
#define WAIT_US         2000000u

#define CRG_RESETS      0x2f8u
#define CRG_BYTES       0x308u
#define CRG_CLOCKS      (CRG_RESETS / 4)
#define CRG_RESET_LINES 126u
#define CLOCK_RUNS      (1u << 31)
#define LINES           4u              /* clocks, and resets, that are looked at */

static struct {
	volatile void *regs;            /* NULL: there is none */
	volatile void *crg;
	uint32_t       clock[LINES], reset[LINES];
	unsigned       clocks, resets;
} dog;

static void
dog_run(void *arg)
{
	uint32_t at;
	unsigned i;

	(void)arg;
	for (i = 0; i < dog.clocks; i++)
		mmio_write32(dog.crg, 4 * dog.clock[i],
		    mmio_read32(dog.crg, 4 * dog.clock[i]) | CLOCK_RUNS);
	for (i = 0; i < dog.resets; i++) {
		at = CRG_RESETS + dog.reset[i] / 32 * 4;
		mmio_write32(dog.crg, at, mmio_read32(dog.crg, at) & ~(1u << dog.reset[i] % 32));
	}
	delay_us(1000);
	mmio_write32(dog.regs, LOCK, UNLOCK);
	mmio_write32(dog.regs, CONTROL, 0);
	mmio_write32(dog.regs, LOAD, COUNT);
	mmio_write32(dog.regs, CONTROL, CONTROL_COUNT | CONTROL_RESET);
	delay_us(WAIT_US);
}

/* <&generator number>...: the numbers; *crg: the generator, the same for all. FALSE: senseless. */
static bool
lines(const struct device *dev, const char *name, uint32_t below, uint32_t *line, unsigned *count,
    fdt_node_t *crg)
{
	const struct fdt *f = &dev->platform->fdt;
	struct fdt_prop prop;
	fdt_node_t n;
	uint32_t i;

	if (!fdt_prop_get(f, dev->node, name, &prop) || fdt_cells(&prop) == 0 ||
	    fdt_cells(&prop) % 2 != 0 || fdt_cells(&prop) / 2 > LINES)
		return false;
	for (i = 0; i < fdt_cells(&prop) / 2; i++) {
		n = fdt_find_phandle(f, fdt_cell(&prop, 2 * i));
		line[i] = fdt_cell(&prop, 2 * i + 1);
		if (n == FDT_NO_NODE || (*crg != FDT_NO_NODE && n != *crg) || line[i] >= below)
			return false;
		*crg = n;
	}
	*count = i;
	return true;
}

static bool
dog_attach(const struct device *dev)
{
	const struct fdt *f = &dev->platform->fdt;
	fdt_node_t crg = FDT_NO_NODE;
	struct phys_range reg;

	if (dog.regs != NULL || dev->reg.base % 4 != 0 || dev->reg.size < BYTES ||
	    !lines(dev, "clocks", CRG_CLOCKS, dog.clock, &dog.clocks, &crg) ||
	    !lines(dev, "resets", CRG_RESET_LINES, dog.reset, &dog.resets, &crg) ||
	    !fdt_node_compatible(f, crg, "starfive,jh7110-syscrg") || !fdt_reg(f, crg, 0, &reg) ||
	    reg.base % 4 != 0 || reg.size < CRG_BYTES)
		return false;
	dog.crg = devmap(reg.base, CRG_BYTES);
	if (dog.crg != NULL)
		dog.regs = devmap(dev->reg.base, BYTES);
	return dog.regs != NULL && reset_add(RESET_RESTART,
	    &(struct reset_way){ "the watchdog", RESET_BY_WATCHDOG, dog_run, NULL });
}

static const char *const dog_compatible[] = { "starfive,jh7110-wdt", NULL };
static const struct driver dog_driver = { "watchdog", dog_compatible, dog_attach };
SET_ADD(drivers, &dog_driver);
