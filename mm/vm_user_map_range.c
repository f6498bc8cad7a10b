/*
 * vm_user_map_range.c: the users' calls for FreeBSD's operations on ranges.
 *
 * FreeBSD's callers round; here, as for its placement, what is not in whole
 * pages is refused, and what is, the map layer cuts to the map. Flags, rights and
 * advice it checks itself.
 */
#include <mm/vm_map_range.h>
#include "vm_user_impl.h"

/* A map, and whole pages. */
static kern_return_t
check(vm_map_t map, vm_address_ut start, vm_address_ut end)
{
	if (map == NULL)
		return vm_user_no_map();
	if (((start.v | end.v) & PAGE_MASK) != 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx to 0x%lx is not whole pages", start.v, end.v);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_protect_user(vm_map_t map, vm_address_ut start, vm_address_ut end, vm_prot_t prot, vm_prot_t max, uint32_t flags)
{
	const struct vm_map_rights r = { .prot = prot, .max = max, .flags = flags };
	kern_return_t kr = check(map, start, end);

	return kr == KERN_SUCCESS ? vm_map_bsd_protect(map, start.v, end.v, &r) : kr;
}

kern_return_t
vm_map_inherit_user(vm_map_t map, vm_address_ut start, vm_address_ut end, vm_inherit_t inheritance)
{
	kern_return_t kr = check(map, start, end);

	if (kr == KERN_SUCCESS && inheritance > VM_INHERIT_ZERO)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %u is not share (0), copy (1), none (2) or zero (3)", inheritance);
	return kr == KERN_SUCCESS ? vm_map_inherit(map, start.v, end.v, inheritance) : kr;
}

kern_return_t
vm_map_madvise_user(vm_map_t map, vm_address_ut start, vm_address_ut end, uint32_t advice)
{
	kern_return_t kr = check(map, start, end);

	return kr == KERN_SUCCESS ? vm_map_madvise(map, start.v, end.v, advice) : kr;
}

kern_return_t
vm_map_sync_user(vm_map_t map, vm_address_ut start, vm_address_ut end, bool syncio, bool invalidate)
{
	kern_return_t kr = check(map, start, end);

	return kr == KERN_SUCCESS ? vm_map_sync(map, start.v, end.v, syncio, invalidate) : kr;
}

kern_return_t
vm_map_wire_user(vm_map_t map, vm_address_ut start, vm_address_ut end, uint32_t flags, enum vm_user_wire how)
{
	kern_return_t kr = check(map, start, end);

	if (kr != KERN_SUCCESS)
		return kr;
	return how == VM_USER_WIRE ? vm_map_bsd_wire(map, start.v, end.v, flags) : vm_map_bsd_unwire(map, start.v, end.v, flags);
}

bool
vm_map_check_protection_user(vm_map_t map, vm_address_ut start, vm_address_ut end, vm_prot_t prot)
{
	return map != NULL && vm_map_check_protection(map, trunc_page(start.v), end.v, prot & VM_PROT_ALL);
}

bool
vm_map_range_valid_user(vm_map_t map, vm_address_ut start, vm_address_ut end)
{
	return map != NULL && vm_map_range_valid(map, start.v, end.v);
}
