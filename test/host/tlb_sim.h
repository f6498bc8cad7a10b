/*
 * tlb_sim.h: adversarial TLBs for the host build.
 */
#ifndef TLB_SIM_H
#define TLB_SIM_H

#include <mm/pmap.h>

/* How the next host_boot's machine translates; it goes back to the default after that boot. */
struct tlb_sim_config {
	unsigned levels;                /* 3, 4, 5 */
	unsigned asid_bits;             /* 0..16 */
	bool     fault_ad;              /* A=0, or a store with D=0, is a page fault (U74) */
	bool     full_fences_only;      /* fences of one address or ASID do nothing (CIP-1200) */
	uint64_t seed;
	bool     sticky;                /* no walk where anything is cached */
	bool     napot;                 /* Svnapot */
};
#define TLB_SIM_DEFAULT { 3, 16, false, false, 1, false, false }
/* All machines have Svnapot, whatever their boot asked for. */
extern bool tlb_sim_napot;
extern struct tlb_sim_config tlb_sim_next;

/*
 * A U-mode access by simulated hart `hart` under the tables that it has loaded:
 * translated by anything its TLB holds or by a walk, at random. TRUE: *pa.
 * FALSE: a page fault.
 */
bool tlb_sim_access(unsigned hart, vm_offset_t va, vm_prot_t access, paddr_t *pa);

/*
 * Could any hart use, without another fence, a cached entry that a walk of
 * `pmap` now would not justify? NULL: no; else what, and where.
 */
const char *tlb_sim_audit(pmap_t pmap, vm_offset_t *va);

/* What an access met that must never be (a walk through a freed table, a freed frame); NULL: nothing. */
extern const char *tlb_sim_violation;

/* Entries that hart holds. */
unsigned tlb_sim_entries(unsigned hart);

/* Calls counted since boot. */
struct tlb_sim_counts {
	uint64_t fence_all, fence_va, fence_asid, fence_va_asid, fence_code;    /* local ones, and remote ones that arrived */
	uint64_t remote, remote_code;                                           /* firmware calls */
	uint64_t loads;
};
extern struct tlb_sim_counts tlb_sim_counts;
/* Harts that have done fence.i since the last tlb_sim_code_written(). */
void tlb_sim_code_written(void);
bool tlb_sim_code_fresh(unsigned hart);

/* Called before each fence takes effect, to look at what is true at that moment; NULL: not. */
extern void (*tlb_sim_at_fence)(void);

/* The thread of the test becomes this hart. */
void tlb_sim_become(unsigned hart);

#endif
