/*
 * arch/probe.h: is the memory there that the tree describes?
 */
#ifndef ARCH_PROBE_H
#define ARCH_PROBE_H

#include <drivers/platform.h>

/*
 * platform_probe with real accesses, on all that the direct map can hold. Boot:
 * the boot hart alone, interrupts off, before the direct map is made; needs two
 * tables of the boot pool, which device windows use afterwards. kernel and dtb
 * are physical ranges.
 */
void probe_memory(struct platform *p, struct phys_range kernel, struct phys_range dtb);
/*
 * TRUE: leaves may have Svpbmt's bits. The harts have the extension; firmware
 * must have switched it on, too, else they are reserved. As probe_memory.
 */
bool probe_pbmt(void);

#endif
