/*
 * driver.c: brings nodes of the device tree and drivers together.
 *
 * One walk over the enabled nodes; see drivers/driver.h for the order. Runs
 * once, on the boot hart, before others are started: no locks. A driver that
 * refuses (no room for a window, registers that make no sense) costs a line in
 * the log and nothing else.
 */
#include <string.h>
#include <drivers/driver.h>

/* Each device costs some searches of the tree: a bound for hostile trees. */
#define DEVICES_MAX 64u

SET_DECLARE(drivers, const struct driver);

static struct console_device *console;
static bool                   console_is_stdout;

void
drivers_console_found(const struct device *dev, struct console_device *d)
{
	bool is_stdout = dev->node == dev->platform->stdout_node;

	if (console != NULL && (console_is_stdout || !is_stdout))
		return;
	console = d;
	console_is_stdout = is_stdout;
}

struct console_device *
drivers_console(void)
{
	return console;
}

/* Offers the node to the drivers that know this string. */
static bool
offer(struct device *dev, const char *compatible)
{
	const struct driver *const *d;
	const char *const *c;

	SET_FOREACH(d, drivers) {
		for (c = (*d)->compatible; *c != NULL; c++) {
			if (strcmp(*c, compatible) != 0)
				continue;
			dev->compatible = *c;
			if ((*d)->attach(dev))
				return true;
			platform_logf(dev->platform, "%s: %s cannot drive it",
			    fdt_node_name(&dev->platform->fdt, dev->node), (*d)->name);
		}
	}
	return false;
}

static bool
known(const char *compatible)
{
	const struct driver *const *d;
	const char *const *c;

	SET_FOREACH(d, drivers)
		for (c = (*d)->compatible; *c != NULL; c++)
			if (strcmp(*c, compatible) == 0)
				return true;
	return false;
}

/* Does the tree call the registers memory, too? Who drove such a device would write into somebody's pages. */
static bool
is_memory(const struct platform *p, struct phys_range reg)
{
	unsigned i;

	for (i = 0; i < p->bank_count; i++)
		if (reg.base < p->bank[i].base + p->bank[i].size && p->bank[i].base < reg.base + reg.size)
			return true;
	return false;
}

/* TRUE: some driver knows one of the strings. */
static bool
attach_node(struct platform *p, fdt_node_t n, const struct fdt_prop *compatible)
{
	struct device dev = { .platform = p, .node = n };
	const char *s;
	uint32_t i;
	bool found = false;

	for (i = 0; (s = fdt_string_at(compatible, i)) != NULL && i < 16; i++) {
		if (!known(s))
			continue;
		if (!found) {
			if (!fdt_reg(&p->fdt, n, 0, &dev.reg))
				dev.reg.base = dev.reg.size = 0;
			if (!platform_irq(p, n, 0, &dev.plic, &dev.irq))
				dev.irq = 0;
			if (is_memory(p, dev.reg)) {
				platform_logf(p, "%s: left alone, its registers lie in memory", fdt_node_name(&p->fdt, n));
				return true;
			}
		}
		found = true;
		if (offer(&dev, s))
			break;
	}
	return found;
}

void
drivers_attach(struct platform *p)
{
	const struct fdt *f = &p->fdt;
	struct fdt_prop compatible;
	fdt_node_t n;
	unsigned depth = 1, devices = 0;

	for (n = f->root; n != FDT_NO_NODE; n = fdt_walk_okay(f, n, &depth)) {
		if (!fdt_prop_get(f, n, "compatible", &compatible))
			continue;
		if (attach_node(p, n, &compatible) && ++devices == DEVICES_MAX) {
			platform_logf(p, "more than %u devices: the rest is ignored", DEVICES_MAX);
			break;
		}
	}
}
