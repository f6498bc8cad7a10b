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
	struct vm_user_range r;
	kern_return_t kr;

	if (map == NULL)
		return KERN_FAIL(KERN_INVALID_TASK, "the task has no map");
	if (access & ~VM_PROT_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "access 0x%x has bits beyond rwx", access);
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ARGUMENT, KERN_INVALID_ARGUMENT);
	if (kr != KERN_SUCCESS || r.start == r.end)
		return kr;
	if (access == VM_PROT_NONE)
		return vm_map_unwire(map, r.start, r.end, true);
	return vm_map_wire(map, r.start, r.end, access, true);
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
	struct vm_user_range r;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	if (!vm_behavior_is_valid(behavior))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "there is no behaviour %u", behavior);
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ARGUMENT, KERN_NO_SPACE);
	if (kr != KERN_SUCCESS || r.start == r.end)
		return kr;
	return vm_map_behavior_set(map, r.start, r.end, behavior);
}

kern_return_t
vm_msync(vm_map_t map, vm_address_ut addr, vm_size_ut size, unsigned flags)
{
	const unsigned both = VM_SYNC_ASYNCHRONOUS | VM_SYNC_SYNCHRONOUS;
	struct vm_user_range r;
	kern_return_t kr;

	if ((flags & both) == both)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: both synchronous and asynchronous", flags);
	if (flags & ~VM_SYNC_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: unknown bits 0x%x", flags, flags & ~VM_SYNC_ALL);
	if (map == NULL)
		return KERN_FAIL(KERN_INVALID_TASK, "the task has no map");
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ADDRESS, KERN_INVALID_ADDRESS);
	if (kr != KERN_SUCCESS || r.start == r.end)
		return kr;
	return vm_map_msync(map, r.start, r.end, flags);
}

kern_return_t
vm_machine_attribute(vm_map_t map, vm_address_ut addr, vm_size_ut size, uint32_t attribute, int *value)
{
	struct vm_user_range r;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ARGUMENT, KERN_INVALID_ADDRESS);
	if (kr != KERN_SUCCESS || r.start == r.end)
		return kr;
	return vm_map_machine_attribute(map, r.start, r.end - r.start, attribute, value);
}
