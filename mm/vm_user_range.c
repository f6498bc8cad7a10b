/*
 * vm_user_range.c: the users' calls on memory that is mapped: wiring, advice,
 * writing back, caches.
 *
 * Each turns bytes into whole pages and hands the range on; what wraps and what
 * size 0 means differs from call to call, as in Mach's table. Nothing is locked
 * here, and nothing is written but what the map layer writes.
 */
#include "vm_user_impl.h"

kern_return_t
vm_wire(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_prot_t access)
{
	vm_offset_t start, end;

	if (map == NULL)
		return KERN_FAIL(KERN_INVALID_TASK, "the task has no map");
	if (access & ~VM_PROT_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "access 0x%x has bits beyond rwx", access);
	switch (vm_range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		return KERN_SUCCESS;
	case RANGE_OK:
		if (access == VM_PROT_NONE)
			return vm_map_unwire(map, start, end, true);
		return vm_map_wire(map, start, end, access, true);
	default:
		return vm_user_wraps(KERN_INVALID_ARGUMENT, addr, size);
	}
}

kern_return_t
task_wire(vm_map_t map, bool must_wire)
{
	if (map == NULL)
		return vm_user_no_map();
	vm_map_lock(map);
	map->wiring_required = must_wire;
	vm_map_unlock(map);
	return KERN_SUCCESS;
}

kern_return_t
vm_behavior_set(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_behavior_t behavior)
{
	vm_offset_t start, end;

	if (map == NULL)
		return vm_user_no_map();
	if (behavior > VM_BEHAVIOR_LAST_VALID)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "there is no behaviour %u", behavior);
	switch (vm_range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		return KERN_SUCCESS;
	case RANGE_OK:
		return vm_map_behavior_set(map, start, end, behavior);
	case RANGE_ROUND_WRAPS:
		return vm_user_wraps(KERN_NO_SPACE, addr, size);
	default:
		return vm_user_wraps(KERN_INVALID_ARGUMENT, addr, size);
	}
}

kern_return_t
vm_msync(vm_map_t map, vm_address_ut addr, vm_size_ut size, unsigned flags)
{
	const unsigned both = VM_SYNC_ASYNCHRONOUS | VM_SYNC_SYNCHRONOUS;
	vm_offset_t start, end;

	if ((flags & both) == both)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: both synchronous and asynchronous", flags);
	if (flags & ~VM_SYNC_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: unknown bits 0x%x", flags, flags & ~VM_SYNC_ALL);
	if (map == NULL)
		return KERN_FAIL(KERN_INVALID_TASK, "the task has no map");
	switch (vm_range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		return KERN_SUCCESS;
	case RANGE_OK:
		return vm_map_msync(map, start, end, flags);
	default:
		return vm_user_wraps(KERN_INVALID_ADDRESS, addr, size);
	}
}

kern_return_t
vm_machine_attribute(vm_map_t map, vm_address_ut addr, vm_size_ut size, uint32_t attribute, int *value)
{
	vm_offset_t start, end;

	if (map == NULL)
		return vm_user_no_map();
	switch (vm_range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		return KERN_SUCCESS;
	case RANGE_OK:
		return vm_map_machine_attribute(map, start, end - start, attribute, value);
	case RANGE_ROUND_WRAPS:
		return vm_user_wraps(KERN_INVALID_ADDRESS, addr, size);
	default:
		return vm_user_wraps(KERN_INVALID_ARGUMENT, addr, size);
	}
}
