/*
 * reset_syscon.c: syscon-poweroff and syscon-reboot: a value for some bits of a
 * register. The decoder has checked that the register lies in its node's window
 * (platform_devices.c: decode_syscon); of several nodes the first counts.
 */
#include <drivers/delay.h>
#include <drivers/devmap.h>
#include <drivers/driver.h>
#include <drivers/mmio.h>
#include <drivers/reset.h>

#define WAIT_US     1000000u

struct syscon {
	volatile void *reg;             /* NULL: there is none */
	uint32_t       value, mask;
};

static struct syscon poweroff, reboot;

static void
syscon_run(void *arg)
{
	const struct syscon *s = arg;
	uint32_t v = s->value;

	if (s->mask != ~0u)
		v = (mmio_read32(s->reg, 0) & ~s->mask) | (v & s->mask);
	mmio_write32(s->reg, 0, v);
	delay_us(WAIT_US);
}

static bool
syscon_attach(struct syscon *s, const struct platform_syscon *tree, enum reset_what what,
    const char *name)
{
	if (tree->pa == 0 || s->reg != NULL)
		return false;
	s->value = tree->value;
	s->mask = tree->mask;
	s->reg = devmap(tree->pa, 4);
	return s->reg != NULL &&
	    reset_add(what, &(struct reset_way){ name, RESET_BY_REGISTER, syscon_run, s });
}

static bool
poweroff_attach(const struct device *dev)
{
	return syscon_attach(&poweroff, &dev->platform->poweroff, RESET_OFF, "syscon-poweroff");
}

static bool
reboot_attach(const struct device *dev)
{
	return syscon_attach(&reboot, &dev->platform->reboot, RESET_RESTART, "syscon-reboot");
}

static const char *const poweroff_compatible[] = { "syscon-poweroff", NULL };
static const char *const reboot_compatible[] = { "syscon-reboot", NULL };

static const struct driver poweroff_driver = { "poweroff", poweroff_compatible, poweroff_attach };
static const struct driver reboot_driver = { "reboot", reboot_compatible, reboot_attach };

SET_ADD(drivers, &poweroff_driver);
SET_ADD(drivers, &reboot_driver);
