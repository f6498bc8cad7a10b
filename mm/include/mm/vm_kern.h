/*
 * mm/vm_kern.h: the kernel's own address space above the direct map.
 *
 * kmem hands out page-granular ranges of [KERNEL_MAP_MIN, KERNEL_MAP_MAX):
 * first fit over a vm_map (kernel_map) whose page tables grow with
 * pmap_growkernel. Wired, zeroed memory; guard pages are holes.
 */
#ifndef MM_VM_KERN_H
#define MM_VM_KERN_H

#include <mm/vm_types.h>

extern vm_map_t kernel_map;

/* Boot, after zones and vm_map_init. */
void kmem_init(void);
/*
 * size bytes (rounded up to pages) of wired zeroed memory with `guard` unmapped
 * pages on either side. KERN_RESOURCE_SHORTAGE: no pages, tables or addresses;
 * nothing is left behind.
 */
kern_return_t kmem_alloc(vm_offset_t *addr, vm_size_t size, unsigned guard);
/* Exactly what kmem_alloc returned, with the same size and guard. */
void kmem_free(vm_offset_t addr, vm_size_t size, unsigned guard);
/* Does a page lie under this address of kernel_map? For checks and backtraces. */
bool kmem_mapped(vm_offset_t addr);

#endif
