/*
 * arch/tlb.h: which harts hold whose translations, and making them drop some.
 * tlb.c tells how.
 */
#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include <mm/pmap.h>

/* Boot: ASIDs of this width (0: none); the kernel's pmap. */
void tlb_init(struct pmap *kernel, unsigned asid_bits);

/*
 * Each hart once, when it translates by the kernel's root (satp is already
 * loaded): from now on it takes part in shootdowns.
 */
void tlb_hart_online(void);

/*
 * This hart translates by `to` from now on. Thread switch: call it with the
 * pmap of the thread to run (tasks' threads), with nothing for kernel threads
 * (they run on whatever is loaded), and with pmap_kernel() before an idle
 * hart waits for interrupts, so that a dead task's tables are not held by a
 * sleeper. The same pmap as before costs a few instructions. No spinlock of
 * rank PMAP or above may be held. Interrupts are off.
 */
void pmap_switch(struct pmap *to);

/*
 * After PTE stores that take something away in [start, end) of pmap, and
 * before anything depends on it: all harts that hold or might hold the old
 * translations have dropped them, or will before they run pmap again. Ranges
 * beyond TLB_RANGE_PAGES and TLB_ALL drop the whole pmap, non-leaf entries
 * included. pmap locked.
 */
#define TLB_RANGE_PAGES     64
#define TLB_ALL             (~0ul)
void tlb_shootdown(struct pmap *pmap, vm_offset_t start, vm_offset_t end);

/* Code became executable in pmap: every hart sees it before it fetches from there. */
void tlb_code_shootdown(struct pmap *pmap);

/* This hart drops what it may hold for the leaf at va (spurious fault, A or D set). */
void tlb_drop_local(vm_offset_t va);

/* An address of the kernel has become valid: this hart now, the others when they switch threads or fault. */
void tlb_kernel_valid(vm_offset_t va);

/*
 * Before this hart touches kernel memory that another hart may have mapped
 * since it last did: at every thread switch, before the new stack is used.
 * pmap_switch does it too.
 */
extern uint64_t tlb_kernel_stale;
void tlb_kernel_sync_slow(void);
static inline void
tlb_kernel_sync(void)
{
	if (unlikely(__atomic_load_n(&tlb_kernel_stale, __ATOMIC_RELAXED) >> hart_index() & 1))
		tlb_kernel_sync_slow();
}

/* For tests: the next pmap_switch to a new pmap rolls the generation over. */
void tlb_exhaust_asids(void);

#endif
