/*
 * arch/paging.h: the boot page tables and what they found out.
 *
 * paging.c makes the kernel's first and last root table: image (text R-X,
 * rodata R--, data RW-), direct map, and the tables of the device windows. All
 * entries of the kernel half's root exist from then on. tlb.c and pmap.c take
 * it over through pmap_bootstrap(kernel_root, paging_levels, asid_bits).
 */
#ifndef ARCH_PAGING_H
#define ARCH_PAGING_H

#include <base/types.h>
#include <machine/vmparam.h>

extern paddr_t  kernel_root;            /* physical address of the root table */
extern unsigned paging_levels;          /* 3, 4, 5: Sv39, Sv48, Sv57 */
extern unsigned asid_bits;              /* 0..16, probed */
extern uint64_t kernel_satp;            /* mode, ASID 0, kernel_root */

/* The image: link addresses (kernel.lds) and where it was loaded. */
extern char _start[], _text_end[], _rodata_start[], _rodata_end[];
extern char _data_start[], _data_end[], _bss_start[], _bss_end[], _image_end[];
extern paddr_t kernel_pa;               /* physical address of _start */

/* Physical address of something in the image. */
static inline paddr_t
image_to_phys(const void *p)
{
	return (uint64_t)p - KERNEL_BASE + kernel_pa;
}

/* "Sv39", "Sv48" or "Sv57". */
const char *paging_mode_name(void);

/*
 * Device registers: [pa, pa + size) readable and writable in the device
 * window, whole pages, for ever (the same page asked for twice is mapped once).
 * Usable from the first C line after paging on. NULL: window full.
 */
volatile void *devmap(paddr_t pa, size_t size);

#endif
