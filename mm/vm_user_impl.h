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

/* Whole pages; start == end: none. */
struct vm_user_range {
	vm_offset_t start, end;
};

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

/* *r: the whole pages of [addr, addr + size), none if size is 0; or the code for what wraps, or only round wraps. */
static inline kern_return_t
vm_user_range(struct vm_user_range *r, vm_address_ut addr, vm_size_ut size, kern_return_t wraps, kern_return_t round_wraps)
{
	*r = (struct vm_user_range){ trunc_page(addr.v), round_page(addr.v + size.v) };
	if (likely(addr.v + size.v > addr.v && r->end > r->start))
		return KERN_SUCCESS;
	if (size.v != 0)
		return vm_user_wraps(addr.v + size.v < addr.v ? wraps : round_wraps, addr, size);
	r->end = r->start;
	return KERN_SUCCESS;
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
	if ((flags & VM_FLAGS_SUPERPAGE_MASK) > VM_FLAGS_SUPERPAGE_SIZE_1GB)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: there are superpages of 2 MiB and of 1 GiB", flags);
	return KERN_SUCCESS;
}

#endif
