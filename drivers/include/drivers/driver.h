/*
 * drivers/driver.h: drivers, and the nodes of the device tree they take.
 *
 * A driver is one file that registers itself:
 *
 *	static const struct driver uart = { "ns16550", compatible, attach };
 *	SET_ADD(drivers, &uart);
 *
 * drivers_attach walks the tree once, after the interrupt controllers are up
 * (plic_init), and offers every enabled node to the drivers that name one of
 * its `compatible` strings, the node's most specific string first. An attach
 * function that refuses leaves the node to the next. What lies below a disabled
 * node is disabled.
 *
 *   platform_decode -> paging, devmap -> plic_init -> drivers_attach
 *       -> drivers_console() to console_attach
 */
#ifndef DRIVERS_DRIVER_H
#define DRIVERS_DRIVER_H

#include <base/linker_set.h>
#include <drivers/console.h>
#include <drivers/platform.h>

/* A node, with what nearly every driver asks first. */
struct device {
	struct platform  *platform;
	fdt_node_t        node;
	const char       *compatible;   /* the string that matched (the driver's) */
	struct phys_range reg;          /* first entry of reg, translated; size 0: none */
	unsigned          plic;         /* valid when irq is not 0 */
	uint32_t          irq;          /* first interrupt; 0: none we can use */
};

struct driver {
	const char        *name;
	const char *const *compatible;  /* ends with NULL */
	bool             (*attach)(const struct device *dev);
};

/* Attaches what the tree has. Call once. Refusals and finds go to the platform's log. */
void drivers_attach(struct platform *p);

/*
 * Console drivers hand their device in from attach; which one becomes the
 * console: the node that stdout-path names, else serial0's, else the first.
 */
void drivers_console_found(const struct device *dev, struct console_device *d);
/* NULL: no UART that we can drive; stay with SBI. */
struct console_device *drivers_console(void);

/*
 * Upcall, supplied by the kernel (declared in kernel/console.h as well): a
 * character has come in. Called from plic_interrupt.
 */
void console_input(char c);

#endif
