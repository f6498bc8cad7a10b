/*
 * arch/pmap_boot.h: taking the boot tables over.
 */
#ifndef ARCH_PMAP_BOOT_H
#define ARCH_PMAP_BOOT_H

#include <mm/pmap.h>

/*
 * Boot, once, single-hart: after vm_page_init, before the first zone user that
 * needs kernel addresses. Adopts the boot tables under `root` as the kernel's
 * pmap, adds every root entry that the kernel half will ever need, sets
 * vm_max_address and the ASIDs, and brings the calling hart online
 * (tlb_hart_online). No memory is a panic.
 */
void pmap_bootstrap(paddr_t root, unsigned levels, unsigned asid_bits);

/* PTE bits that make a leaf uncached device memory (PTE_PBMT_IO with Svpbmt); 0 until set. */
extern uint64_t pmap_uncached_bits;
/* All harts have Svnapot, and leaves of user pmaps may become groups (pmap_napot.c); FALSE until set, by boot, for ever. */
extern bool pmap_napot;

#endif
