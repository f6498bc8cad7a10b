/*
 * vm_user_entry.c: the users' calls that make named entries.
 *
 * What has no address yet is checked here: known bits, sizes that round or wrap.
 * What needs the map, the parent or the object is vm_named_entry.c's.
 * Outputs are written on success only.
 */
#include "vm_user_impl.h"

#define MAP_MEM_KNOWN (VM_PROT_ALL | VM_PROT_IS_MASK | MAP_MEM_CACHE_MASK | MAP_MEM_ONLY | MAP_MEM_NAMED_CREATE | \
	MAP_MEM_NAMED_REUSE | MAP_MEM_USE_DATA_ADDR | MAP_MEM_VM_COPY | MAP_MEM_VM_SHARE)

/* New memory has no place: only its size matters. */
static kern_return_t
entry_of_new_memory(vm_size_ut size, uint32_t permission)
{
	if (permission & MAP_MEM_USE_DATA_ADDR)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "permission 0x%x: new memory has no address to keep", permission);
	if (size.v != 0 && round_page(size.v) == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx rounds to 0", size.v);
	return KERN_SUCCESS;
}

kern_return_t
mach_make_memory_entry(vm_map_t map, vm_size_ut *size, vm_address_ut offset, uint32_t permission,
    vm_named_entry_t *entry, vm_named_entry_t parent)
{
	struct vm_named_entry_args args = {
		.map = map, .offset = offset.v, .size = size->v, .permission = permission, .parent = parent,
	};
	struct vm_user_range r;
	vm_size_t covered;
	kern_return_t kr;

	if (map == NULL && parent == NULL)
		return vm_user_no_map();
	if (permission & ~MAP_MEM_KNOWN)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "permission 0x%x: unknown bits 0x%x", permission,
		    permission & ~MAP_MEM_KNOWN);
	if (permission & MAP_MEM_NAMED_CREATE) {
		kr = entry_of_new_memory(*size, permission);
		if (kr != KERN_SUCCESS)
			return kr;
		if (size->v == 0) {
			*entry = NULL;
			return KERN_SUCCESS;
		}
	} else if (!(permission & MAP_MEM_ONLY) || parent == NULL) {
		kr = vm_user_range(&r, offset, *size, KERN_INVALID_ARGUMENT, KERN_INVALID_ARGUMENT);
		if (kr == KERN_SUCCESS && size->v == 0)
			kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "a named entry of 0 bytes");
		if (kr != KERN_SUCCESS)
			return kr;
	}
	kr = vm_named_entry_make(&args, &covered, entry);
	if (kr == KERN_SUCCESS)
		size->v = covered;
	return kr;
}

kern_return_t
vm_region_object_create(vm_size_ut size, vm_named_entry_t *entry)
{
	if (round_page(size.v) == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx is 0 or rounds to 0", size.v);
	return vm_named_entry_submap(round_page(size.v), entry);
}

kern_return_t
mach_memory_object_memory_entry(bool internal, vm_size_ut size, vm_prot_t prot, memory_object_t pager,
    vm_named_entry_t *entry)
{
	if (round_page(size.v) == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx is 0 or rounds to 0", size.v);
	if (prot & ~VM_PROT_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protection 0x%x has bits beyond rwx", prot);
	if (!internal && pager == NULL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "an external object needs a memory object");
	return vm_named_entry_pager(pager, internal, round_page(size.v), prot, entry);
}
