/*
 * machine/tlb.h: fences, and the root of translation, as plain functions.
 *
 * The seam below which pmap.c and tlb.c know no instruction: the host build
 * has the same functions over simulated TLBs (test/host/include/machine/tlb.h).
 * Local fences mean what the manual says of sfence.vma's operands; rs1 = x0
 * also drops cached non-leaf entries, an address form only leaves.
 */
#ifndef MACHINE_TLB_H
#define MACHINE_TLB_H

#include <base/types.h>
#include <arch/csr.h>
#include <arch/hart_start.h>
#include <arch/sbi.h>

/* Everything, also global leaves. */
static inline void tlb_fence_all(void) { sfence_vma_all(); }
/* The leaf of one address, of every ASID and global. */
static inline void tlb_fence_va(vm_offset_t va) { sfence_vma_va(va); }
/* All of one ASID but global leaves. */
static inline void tlb_fence_asid(unsigned asid) { sfence_vma_asid(asid); }
/* The leaf of one address of one ASID; not global ones. */
static inline void tlb_fence_va_asid(vm_offset_t va, unsigned asid) { sfence_vma_va_asid(va, asid); }
/* Instruction fetches of this hart see all stores made before. */
static inline void tlb_fence_code(void) { fence_i(); }

/* satp: translation by these tables from now on; drops nothing. */
static inline void
tlb_load_root(unsigned levels, paddr_t root, unsigned asid)
{
	csr_write(satp, (SATP_MODE_SV39 + levels - 3) << SATP_MODE_SHIFT |
	    (uint64_t)asid << SATP_ASID_SHIFT | root >> PAGE_SHIFT);
}

/* The same fences on a set of other harts; complete on return. size ~0: everything. */
static inline void tlb_remote_fence(uint64_t set, vm_offset_t va, vm_size_t size) { sbi_remote_sfence_vma(set, va, size); }
static inline void
tlb_remote_fence_asid(uint64_t set, vm_offset_t va, vm_size_t size, unsigned asid)
{
	sbi_remote_sfence_vma_asid(set, va, size, asid);
}
static inline void tlb_remote_fence_code(uint64_t set) { sbi_remote_fence_i(set); }

#endif
