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
#include <drivers/devmap.h>

extern paddr_t  kernel_root;            /* physical address of the root table */
extern unsigned paging_levels;          /* 3, 4, 5: Sv39, Sv48, Sv57 */
extern unsigned asid_bits;              /* 0..16, probed */
extern uint64_t kernel_satp;            /* mode, ASID 0, kernel_root */

/* The image: link addresses (kernel.lds) and where it was loaded. */
extern char _start[], _text_end[], _rodata_start[], _rodata_end[];
extern char _data_start[], _data_end[], _bss_start[], _bss_end[], _image_end[];
extern paddr_t kernel_pa;               /* physical address of _start */

/* Physical address of something in the image; true before and after paging is on. */
static inline paddr_t
image_to_phys(const void *p)
{
	return (paddr_t)((const char *)p - _start) + kernel_pa;
}

/* "Sv39", "Sv48" or "Sv57". */
const char *paging_mode_name(void);

/*
 * Boot, one hart only. Rights of the direct map: what a task or the kernel may
 * be given is RW, the image's text and read-only data are R.
 */

/* entry.S, at physical addresses: first line, image tables; the value for satp. */
uint64_t paging_boot(paddr_t dtb);
/* entry.S: satp did not take Sv39. */
void paging_refused(void) noreturn_fn;
/*
 * Adds [start, end) to the direct map; rounded inwards to pages. FALSE: beyond
 * the direct map, or no boot table left (a prefix may be mapped).
 */
bool paging_direct_map(paddr_t start, paddr_t end);
/*
 * The page at pa, at an address that the next call uses again; pa = ~0: at
 * nothing. pbmt: PTE_PBMT_* or 0. Before the first devmap. NULL: no boot table left.
 */
volatile void *paging_window(paddr_t pa, uint64_t pbmt);
/* Switches to the widest mode of at most `max_levels` that the hart has; counts the ASID bits. */
void paging_choose_mode(unsigned max_levels);

#endif
