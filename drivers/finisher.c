/*
 * finisher.c: sifive,test0/1, the device that ends the run with a status.
 *
 *	a 32-bit register: 0x5555 pass, status << 16 | 0x3333 fail, 0x7777 reset
 *	(test1 only)
 *
 * The window is mapped when the device is found, so that ending needs nothing but
 * a store: it must work from a crash report. No locks.
 */
#include <drivers/delay.h>
#include <drivers/devmap.h>
#include <drivers/driver.h>
#include <drivers/finisher.h>
#include <drivers/mmio.h>
#include <drivers/reset.h>

#define TEST_FAIL       0x3333u
#define TEST_PASS       0x5555u
#define TEST_RESET      0x7777u

/* The machine may take a moment to stop; going on meanwhile could end it differently. */
#define WAIT_US         100000u

static volatile void *test;

bool
finisher_present(void)
{
	return test != NULL;
}

void
finisher_exit(int status)
{
	if (test == NULL)
		return;
	mmio_write32(test, 0, status == 0 ? TEST_PASS : ((uint32_t)status & 0xffff) << 16 | TEST_FAIL);
	delay_us(WAIT_US);
}

static void
test_restart(void *arg)
{
	(void)arg;
	mmio_write32(test, 0, TEST_RESET);
	delay_us(WAIT_US);
}

static bool
test_attach(const struct device *dev)
{
	if (test != NULL || dev->reg.size < 4 || dev->reg.base % 4 != 0)
		return false;
	test = devmap(dev->reg.base, 4);
	if (test != NULL && fdt_node_compatible(&dev->platform->fdt, dev->node, "sifive,test1"))
		(void)reset_add(RESET_RESTART,
		    &(struct reset_way){ "the test finisher", RESET_BY_REGISTER, test_restart, NULL });
	return test != NULL;
}

static const char *const test_compatible[] = { "sifive,test1", "sifive,test0", NULL };
static const struct driver test_driver = { "finisher", test_compatible, test_attach };
SET_ADD(drivers, &test_driver);
