/*
 * drivers/devmap.h: windows on device registers.
 *
 * An upcall: arch/riscv supplies it on the machine, the tests on the host. The
 * window is kernel memory, uncached, readable and writable, of whole pages, and
 * is never given back; asking twice for one range may give two windows.
 */
#ifndef DRIVERS_DEVMAP_H
#define DRIVERS_DEVMAP_H

#include <base/types.h>

/*
 * The address at which [pa, pa + size) can be reached. pa need not be page
 * aligned: the result points at pa itself. NULL: no room. Not before paging.
 */
volatile void *devmap(uint64_t pa, size_t size);

#endif
