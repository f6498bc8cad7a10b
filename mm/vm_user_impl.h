/*
 * vm_user_impl.h: what the files of the users' calls share: ranges from outside.
 *
 *   range of a call that names memory:    [trunc(addr), round(addr + size))
 *   range of a call that places memory:   [trunc(addr), trunc(addr) + round(size))
 *
 * "Wraps": addr + size overflows. "Round wraps": only its rounding does, to 0.
 */
#ifndef MM_VM_USER_IMPL_H
#define MM_VM_USER_IMPL_H

#include <mm/vm_user.h>
#include "vm_map_impl.h"

enum vm_range { RANGE_OK, RANGE_EMPTY, RANGE_WRAPS, RANGE_ROUND_WRAPS };

/* [addr, addr+size) to whole pages; start and end only when RANGE_OK. */
static inline enum vm_range
vm_range_of(vm_address_ut addr, vm_size_ut size, vm_offset_t *start, vm_offset_t *end)
{
	if (size.v == 0)
		return RANGE_EMPTY;
	if (addr.v + size.v < addr.v)
		return RANGE_WRAPS;
	*start = trunc_page(addr.v);
	*end = round_page(addr.v + size.v);
	return *end <= *start ? RANGE_ROUND_WRAPS : RANGE_OK;
}

static inline kern_return_t
vm_user_no_map(void)
{
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "the task has no map");
}

static inline kern_return_t
vm_user_wraps(kern_return_t kr, vm_address_ut addr, vm_size_ut size)
{
	return KERN_FAIL(kr, "0x%lx bytes at 0x%lx pass the end of the address space", size.v, addr.v);
}

static inline kern_return_t
vm_user_inheritance(vm_inherit_t inheritance)
{
	if (inheritance <= VM_INHERIT_LAST_VALID)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %u is not share (0), copy (1) or none (2)", inheritance);
}

/* flags within `known`, and a size of superpages that there is. */
static inline kern_return_t
vm_user_flags(uint32_t flags, uint32_t known)
{
	if (flags & ~known)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: unknown bits 0x%x", flags, flags & ~known);
	if ((flags & VM_FLAGS_SUPERPAGE_MASK) > VM_FLAGS_SUPERPAGE_SIZE_2MB)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: there are superpages of 2 MiB only", flags);
	return KERN_SUCCESS;
}

#endif
