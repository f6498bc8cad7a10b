/*
 * vm_map_find.c: FreeBSD's placement, a system call each.
 */
#include "libatlas.h"
#include <vm/vm_map.h>

static kern_return_t
call(long number, struct atlas_vm_find_args *a, vm_offset_t *addr)
{
	kern_return_t kr = atlas_syscall1(number, (uintptr_t)a);

	*addr = a->addr;
	return kr;
}

kern_return_t
vm_map_find(vm_map_t map, vm_object_t object, vm_ooffset_t offset, vm_offset_t *addr, vm_size_t length,
    vm_offset_t max_addr, int find_space, vm_prot_t prot, vm_prot_t max, int cow)
{
	struct atlas_vm_find_args a = {
		.task = map, .object = object, .addr = *addr, .offset = (uint64_t)offset, .length = length, .max_addr = max_addr,
		.find_space = (uint32_t)find_space, .cow = (uint32_t)cow, .prot = (uint32_t)prot, .max = (uint32_t)max,
	};

	return call(ATLAS_SYS_vm_map_find, &a, addr);
}

kern_return_t
vm_map_find_min(vm_map_t map, vm_object_t object, vm_ooffset_t offset, vm_offset_t *addr, vm_size_t length,
    vm_offset_t min_addr, vm_offset_t max_addr, int find_space, vm_prot_t prot, vm_prot_t max, int cow)
{
	struct atlas_vm_find_args a = {
		.task = map, .object = object, .addr = *addr, .offset = (uint64_t)offset, .length = length,
		.min_addr = min_addr, .max_addr = max_addr, .find_space = (uint32_t)find_space, .cow = (uint32_t)cow,
		.prot = (uint32_t)prot, .max = (uint32_t)max,
	};

	return call(ATLAS_SYS_vm_map_find_min, &a, addr);
}

kern_return_t
vm_map_find_aligned(vm_map_t map, vm_offset_t *addr, vm_size_t length, vm_offset_t max_addr, vm_offset_t alignment)
{
	return atlas_syscall5(ATLAS_SYS_vm_map_find_aligned, map, (uintptr_t)addr, length, max_addr, alignment);
}

kern_return_t
vm_map_fixed(vm_map_t map, vm_object_t object, vm_ooffset_t offset, vm_offset_t start, vm_size_t length,
    vm_prot_t prot, vm_prot_t max, int cow)
{
	struct atlas_vm_find_args a = {
		.task = map, .object = object, .addr = start, .offset = (uint64_t)offset, .length = length,
		.cow = (uint32_t)cow, .prot = (uint32_t)prot, .max = (uint32_t)max,
	};

	return atlas_syscall1(ATLAS_SYS_vm_map_fixed, (uintptr_t)&a);
}

kern_return_t
vm_map_insert(vm_map_t map, vm_object_t object, vm_ooffset_t offset, vm_offset_t start, vm_offset_t end,
    vm_prot_t prot, vm_prot_t max, int cow)
{
	struct atlas_vm_find_args a = {
		.task = map, .object = object, .addr = start, .offset = (uint64_t)offset, .length = end - start,
		.cow = (uint32_t)cow, .prot = (uint32_t)prot, .max = (uint32_t)max,
	};

	return end > start ? atlas_syscall1(ATLAS_SYS_vm_map_insert, (uintptr_t)&a) : KERN_INVALID_ADDRESS;
}

vm_offset_t
vm_map_findspace(vm_map_t map, vm_offset_t start, vm_size_t length)
{
	uint64_t addr;

	if (atlas_syscall4(ATLAS_SYS_vm_map_findspace, map, start, length, (uintptr_t)&addr) != KERN_SUCCESS)
		return ~(vm_offset_t)0;
	return addr;
}

kern_return_t
vm_map_set_options(vm_map_t map, int options, uint64_t seed)
{
	return atlas_syscall3(ATLAS_SYS_vm_map_set_options, map, (uint32_t)options, seed);
}
