/*
 * machine/vmparam.h of the host build: simulated physical memory.
 *
 * Physical addresses are offsets from a reserved stretch of host addresses
 * (memory.c); kernel addresses of kernel_map and above are the kernel's and
 * only mean something to the simulated page tables.
 */
#ifndef MACHINE_VMPARAM_H
#define MACHINE_VMPARAM_H

#include <stdint.h>
#include <machine/param.h>

#define KERNEL_MAP_MIN      0xffffffe000000000ul
#define KERNEL_MAP_MAX      (KERNEL_MAP_MIN + (64ul << 30))
#define DEVMAP_BASE         0xfffffff000000000ul
#define DEVMAP_SIZE         (1ul << 30)
#define KERNEL_BASE         0xffffffff80000000ul

#define VM_MIN_ADDRESS      PAGE_SIZE

extern uint64_t vm_max_address;         /* set by pmap_bootstrap */

/* Host address of physical address 0, were it mapped. */
extern uint64_t host_phys_zero;
#define DIRECT_BASE         host_phys_zero
#define DIRECT_SIZE         (128ul << 30)

static inline void *
phys_to_virt(uint64_t pa)
{
	return (void *)(pa + host_phys_zero);
}

static inline uint64_t
virt_to_phys(const void *va)
{
	return (uint64_t)va - host_phys_zero;
}

#endif
