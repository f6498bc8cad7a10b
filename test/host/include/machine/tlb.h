/*
 * machine/tlb.h of the host build: the same fences, over simulated TLBs.
 *
 * test/host/tlb_sim.c has them; arch/riscv/include/machine/tlb.h says what each means.
 */
#ifndef MACHINE_TLB_H
#define MACHINE_TLB_H

#include <base/types.h>

/* SiFive U7: selective fences are suspect; only full ones. Tests set it. */
extern bool hart_full_fences_only;

void tlb_fence_all(void);
void tlb_fence_va(vm_offset_t va);
void tlb_fence_asid(unsigned asid);
void tlb_fence_va_asid(vm_offset_t va, unsigned asid);
void tlb_fence_code(void);
void tlb_load_root(unsigned levels, paddr_t root, unsigned asid);
void tlb_remote_fence(uint64_t set, vm_offset_t va, vm_size_t size);
void tlb_remote_fence_asid(uint64_t set, vm_offset_t va, vm_size_t size, unsigned asid);
void tlb_remote_fence_code(uint64_t set);

#endif
