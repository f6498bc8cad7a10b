/*
 * machine/vmparam.h: the address space of the kernel.
 *
 * The constants of the kernel half lie in the top 256 GiB, so they are the
 * same in Sv39, Sv48 and Sv57:
 *
 *   0xffffffc000000000  direct map of physical memory, 128 GiB, gigapages
 *   0xffffffe000000000  kernel_map, 64 GiB, grown by pmap_growkernel
 *   0xfffffff000000000  device windows (devmap), 1 GiB
 *   0xffffffff80000000  the kernel image
 *
 * User space is [VM_MIN_ADDRESS, vm_max_address), vm_max_address = 2^(va_bits-1).
 */
#ifndef MACHINE_VMPARAM_H
#define MACHINE_VMPARAM_H

#include <stdint.h>
#include <machine/param.h>

#define DIRECT_BASE         0xffffffc000000000ul
#define DIRECT_SIZE         (128ul << 30)
#define KERNEL_MAP_MIN      0xffffffe000000000ul
#define KERNEL_MAP_MAX      (KERNEL_MAP_MIN + (64ul << 30))
#define DEVMAP_BASE         0xfffffff000000000ul
#define DEVMAP_SIZE         (1ul << 30)
#define KERNEL_BASE         0xffffffff80000000ul

#define VM_MIN_ADDRESS      PAGE_SIZE           /* page 0 is never mappable */

/* First address above user space; set once, before the first user pmap. */
extern uint64_t vm_max_address;

static inline void *
phys_to_virt(uint64_t pa)
{
	return (void *)(pa + DIRECT_BASE);
}

/* Only for addresses inside the direct map. */
static inline uint64_t
virt_to_phys(const void *va)
{
	return (uint64_t)va - DIRECT_BASE;
}

#endif
