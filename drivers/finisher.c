/*
 * finisher.c: devices that end the run.
 *
 *	sifive,test0/1          a 32-bit register: 0x5555 pass, status << 16 | 0x3333
 *	                        fail, 0x7777 reset (test1 only)
 *	syscon-poweroff/reboot  a value for a register, without a status
 *
 * Windows are mapped when the devices are found, so that ending needs nothing
 * but a store: it must work from a crash report. No locks.
 */
#include <drivers/devmap.h>
#include <drivers/driver.h>
#include <drivers/finisher.h>
#include <drivers/mmio.h>

#define TEST_FAIL       0x3333u
#define TEST_PASS       0x5555u
#define TEST_RESET      0x7777u

/* Rounds to wait for an end that was asked for: some tenths of a second at most. */
#define PATIENCE        (1u << 26)

struct end {
	volatile void *reg;             /* NULL: there is none */
	uint32_t       value, mask;
};

static volatile void *test;
static bool           test_resets;
static struct end     poweroff, reboot;

bool
finisher_present(void)
{
	return test != NULL;
}

/* The machine may take a moment to stop; going on meanwhile could end it differently. */
static void
linger(void)
{
	unsigned i;

	for (i = 0; i < PATIENCE; i++)
		__asm__ volatile("" ::: "memory");
}

static void
end_by(const struct end *e)
{
	uint32_t v;

	if (e->reg == NULL)
		return;
	v = e->value;
	if (e->mask != ~0u)
		v = (mmio_read32(e->reg, 0) & ~e->mask) | (v & e->mask);
	mmio_write32(e->reg, 0, v);
	linger();
}

void
finisher_exit(int status)
{
	if (test != NULL) {
		mmio_write32(test, 0, status == 0 ? TEST_PASS :
		    ((uint32_t)status & 0xffff) << 16 | TEST_FAIL);
		linger();
	}
	end_by(&poweroff);
}

void
finisher_reboot(void)
{
	if (test != NULL && test_resets) {
		mmio_write32(test, 0, TEST_RESET);
		linger();
	}
	end_by(&reboot);
}

static bool
test_attach(const struct device *dev)
{
	if (test != NULL || dev->reg.size < 4 || dev->reg.base % 4 != 0)
		return false;
	test = devmap(dev->reg.base, 4);
	test_resets = fdt_node_compatible(&dev->platform->fdt, dev->node, "sifive,test1");
	return test != NULL;
}

static bool
map_end(struct end *e, const struct platform_syscon *s)
{
	if (s->pa == 0 || e->reg != NULL)
		return false;
	e->value = s->value;
	e->mask = s->mask;
	e->reg = devmap(s->pa, 4);
	return e->reg != NULL;
}

static bool
poweroff_attach(const struct device *dev)
{
	return map_end(&poweroff, &dev->platform->poweroff);
}

static bool
reboot_attach(const struct device *dev)
{
	return map_end(&reboot, &dev->platform->reboot);
}

static const char *const test_compatible[] = { "sifive,test1", "sifive,test0", NULL };
static const char *const poweroff_compatible[] = { "syscon-poweroff", NULL };
static const char *const reboot_compatible[] = { "syscon-reboot", NULL };

static const struct driver test_driver = { "finisher", test_compatible, test_attach };
static const struct driver poweroff_driver = { "poweroff", poweroff_compatible, poweroff_attach };
static const struct driver reboot_driver = { "reboot", reboot_compatible, reboot_attach };

SET_ADD(drivers, &test_driver);
SET_ADD(drivers, &poweroff_driver);
SET_ADD(drivers, &reboot_driver);
