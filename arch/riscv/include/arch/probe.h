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

#endif
