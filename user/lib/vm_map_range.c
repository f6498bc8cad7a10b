/*
 * vm_map_range.c: FreeBSD's operations on ranges, a system call each.
 */
#include "libatlas.h"
#include <vm/vm_map_range.h>

kern_return_t
vm_map_protect(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t new_prot, vm_prot_t new_maxprot, int flags)
{
	return atlas_syscall6(ATLAS_SYS_vm_map_protect, map, start, end, new_prot, new_maxprot, flags);
}

kern_return_t
vm_map_inherit(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_inherit_t new_inheritance)
{
	return atlas_syscall4(ATLAS_SYS_vm_map_inherit, map, start, end, new_inheritance);
}

kern_return_t
vm_map_madvise(vm_map_t map, vm_offset_t start, vm_offset_t end, int behav)
{
	return atlas_syscall4(ATLAS_SYS_vm_map_madvise, map, start, end, behav);
}

kern_return_t
vm_map_sync(vm_map_t map, vm_offset_t start, vm_offset_t end, boolean_t syncio, boolean_t invalidate)
{
	return atlas_syscall5(ATLAS_SYS_vm_map_sync, map, start, end, syncio, invalidate);
}

kern_return_t
vm_map_wire(vm_map_t map, vm_offset_t start, vm_offset_t end, int flags)
{
	return atlas_syscall4(ATLAS_SYS_vm_map_wire, map, start, end, flags);
}

kern_return_t
vm_map_unwire(vm_map_t map, vm_offset_t start, vm_offset_t end, int flags)
{
	return atlas_syscall4(ATLAS_SYS_vm_map_unwire, map, start, end, flags);
}

boolean_t
vm_map_check_protection(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot)
{
	return atlas_syscall4(ATLAS_SYS_vm_map_check_protection, map, start, end, prot) != 0;
}

boolean_t
vm_map_range_valid(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	return atlas_syscall3(ATLAS_SYS_vm_map_range_valid, map, start, end) != 0;
}
