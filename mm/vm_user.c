/*
 * vm_user.c: the users' calls: from outside integers to ranges of pages.
 *
 * The one place where vm_address_ut and vm_size_ut are unwrapped. Each call
 * checks in the order that Mach's specification gives, so that a call with
 * several faults has one answer; then it hands aligned ranges to the map layer,
 * which knows nothing of bytes.
 *
 *   range of a call that names memory:    [trunc(addr), round(addr + size))
 *   range of a call that places memory:   [trunc(addr), trunc(addr) + round(size))
 *
 * "Wraps": addr + size overflows, or its round is 0 (or not above trunc(addr)).
 * Outputs are written on success only.
 */
#include <mm/vm_user.h>
#include "vm_map_impl.h"

#define VM_FLAGS_USER (VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE | VM_FLAGS_ALIAS_MASK)

enum range { RANGE_OK, RANGE_EMPTY, RANGE_WRAPS, RANGE_ROUND_WRAPS };

/* [addr, addr+size) to whole pages; start and end only when RANGE_OK. */
static enum range
range_of(vm_address_ut addr, vm_size_ut size, vm_offset_t *start, vm_offset_t *end)
{
	if (size.v == 0)
		return RANGE_EMPTY;
	if (addr.v + size.v < addr.v)
		return RANGE_WRAPS;
	*start = trunc_page(addr.v);
	*end = round_page(addr.v + size.v);
	return *end <= *start ? RANGE_ROUND_WRAPS : RANGE_OK;
}

static kern_return_t
no_map(void)
{
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "the task has no map");
}

static kern_return_t
wraps(kern_return_t kr, vm_address_ut addr, vm_size_ut size)
{
	return KERN_FAIL(kr, "0x%lx bytes at 0x%lx pass the end of the address space", size.v, addr.v);
}

kern_return_t
vm_allocate(vm_map_t map, vm_address_ut *addr, vm_size_ut size, uint32_t flags)
{
	struct vm_map_enter_args args = {
		.size = round_page(size.v), .flags = flags,
		.cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT,
	};
	vm_offset_t at;
	kern_return_t kr;

	if (map == NULL)
		return no_map();
	if (flags & ~VM_FLAGS_USER)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: unknown bits 0x%x", flags, flags & ~VM_FLAGS_USER);
	if (size.v == 0) {
		addr->v = 0;
		return KERN_SUCCESS;
	}
	if (args.size == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx rounds to 0", size.v);
	at = flags & VM_FLAGS_ANYWHERE ? map->min_offset : trunc_page(addr->v);
	kr = vm_map_enter(map, &at, &args);
	if (kr == KERN_SUCCESS)
		addr->v = at;
	return kr;
}

kern_return_t
vm_deallocate(vm_map_t map, vm_address_ut addr, vm_size_ut size)
{
	vm_offset_t start, end;

	if (map == NULL)
		return no_map();
	switch (range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		return KERN_SUCCESS;
	case RANGE_OK:
		return vm_map_remove(map, start, end, 0);
	default:
		return wraps(KERN_INVALID_ARGUMENT, addr, size);
	}
}

kern_return_t
vm_protect(vm_map_t map, vm_address_ut addr, vm_size_ut size, bool set_max, vm_prot_t prot)
{
	vm_offset_t start, end;

	if (map == NULL)
		return no_map();
	if (prot & ~(VM_PROT_ALL | VM_PROT_COPY))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protection 0x%x has bits beyond rwx and copy", prot);
	switch (range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		return KERN_SUCCESS;
	case RANGE_OK:
		return vm_map_protect(map, start, end, prot, set_max);
	case RANGE_ROUND_WRAPS:
		return wraps(trunc_page(addr.v) == 0 ? KERN_INVALID_ADDRESS : KERN_INVALID_ARGUMENT, addr, size);
	default:
		return wraps(KERN_INVALID_ARGUMENT, addr, size);
	}
}

kern_return_t
vm_inherit(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_inherit_t inheritance)
{
	vm_offset_t start, end;

	if (map == NULL)
		return no_map();
	if (inheritance > VM_INHERIT_LAST_VALID)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %u is not share (0), copy (1) or none (2)", inheritance);
	switch (range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		return KERN_SUCCESS;
	case RANGE_OK:
		return vm_map_inherit(map, start, end, inheritance);
	default:
		return wraps(KERN_INVALID_ARGUMENT, addr, size);
	}
}

/* The copy of a user's range; size 0 gives the NULL copy. */
static kern_return_t
copyin_user(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_copy_t *copy)
{
	vm_offset_t start, end;

	if (map == NULL)
		return no_map();
	switch (range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		*copy = NULL;
		return KERN_SUCCESS;
	case RANGE_OK:
		return vm_map_copyin(map, addr.v, size.v, false, copy);
	default:
		return wraps(KERN_INVALID_ADDRESS, addr, size);
	}
}

static kern_return_t
overwrite_user(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_copy_t copy)
{
	vm_offset_t start, end;
	kern_return_t kr;

	switch (range_of(addr, size, &start, &end)) {
	case RANGE_EMPTY:
		return KERN_SUCCESS;
	case RANGE_OK:
		kr = vm_map_copy_overwrite(map, addr.v, copy, false);
		break;
	default:
		kr = wraps(KERN_INVALID_ADDRESS, addr, size);
	}
	if (kr != KERN_SUCCESS)
		vm_map_copy_discard(copy);
	return kr;
}

kern_return_t
vm_read(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_t into, vm_address_ut *data,
    vm_size_ut *count)
{
	vm_map_copy_t copy;
	vm_offset_t at;
	kern_return_t kr;

	if (into == NULL)
		return no_map();
	kr = copyin_user(map, addr, size, &copy);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_map_copyout(into, &at, copy);
	if (kr != KERN_SUCCESS) {
		vm_map_copy_discard(copy);
		return kr;
	}
	data->v = at;
	count->v = size.v;
	return KERN_SUCCESS;
}

kern_return_t
vm_read_overwrite(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_t into,
    vm_address_ut data, vm_size_ut *count)
{
	vm_map_copy_t copy;
	kern_return_t kr;

	if (into == NULL)
		return no_map();
	kr = copyin_user(map, addr, size, &copy);
	if (kr == KERN_SUCCESS)
		kr = overwrite_user(into, data, size, copy);
	if (kr == KERN_SUCCESS)
		count->v = size.v;
	return kr;
}

/*
 * Data that the caller cannot read is KERN_INVALID_ADDRESS, whatever the
 * reason: in Mach the message layer refuses it.
 */
kern_return_t
vm_write(vm_map_t map, vm_address_ut addr, vm_map_t from, vm_address_ut data, vm_size_ut count)
{
	vm_map_copy_t copy;
	kern_return_t kr;

	if (map == NULL)
		return no_map();
	kr = copyin_user(from, data, count, &copy);
	if (kr == KERN_PROTECTION_FAILURE)
		kr = KERN_FAIL(KERN_INVALID_ADDRESS, "the data at 0x%lx cannot be read", data.v);
	return kr == KERN_SUCCESS ? overwrite_user(map, addr, count, copy) : kr;
}

kern_return_t
vm_copy(vm_map_t map, vm_address_ut src, vm_size_ut size, vm_address_ut dst)
{
	vm_map_copy_t copy;
	kern_return_t kr = copyin_user(map, src, size, &copy);

	return kr == KERN_SUCCESS ? overwrite_user(map, dst, size, copy) : kr;
}

/* The checks of vm_map that need no map, in their order. */
static kern_return_t
check_map_args(const struct vm_map_user_args *a)
{
	if ((a->cur | a->max) & ~VM_PROT_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protections 0x%x and 0x%x: bits beyond rwx", a->cur, a->max);
	if (a->inheritance > VM_INHERIT_LAST_VALID)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %u is not share (0), copy (1) or none (2)", a->inheritance);
	if (round_page(a->size.v) == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx is 0 or rounds to 0", a->size.v);
	if (a->flags & ~VM_FLAGS_USER)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x: unknown bits 0x%x", a->flags, a->flags & ~VM_FLAGS_USER);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_user(vm_map_t map, vm_address_ut *addr, const struct vm_map_user_args *a)
{
	struct vm_map_enter_args args = {
		.size = round_page(a->size.v), .mask = a->mask, .flags = a->flags,
		.cur = a->cur & a->max, .max = a->max, .inheritance = a->inheritance,
	};
	vm_offset_t at = trunc_page(addr->v);
	kern_return_t kr;

	if (map == NULL)
		return no_map();
	kr = check_map_args(a);
	if (kr != KERN_SUCCESS)
		return kr;
	if (!(a->flags & VM_FLAGS_ANYWHERE) && at + args.size < at)
		return wraps(KERN_INVALID_ARGUMENT, *addr, a->size);
	kr = vm_map_enter(map, &at, &args);
	if (kr == KERN_SUCCESS)
		addr->v = at;
	return kr;
}

kern_return_t
vm_region_basic(vm_map_t map, vm_address_ut *addr, vm_size_ut *size, struct vm_region_basic_info *info)
{
	vm_map_entry_t e;

	if (map == NULL)
		return no_map();
	vm_map_lock_read(map);
	e = vm_map_entry_at_or_after(map, addr->v);
	if (e == vm_map_to_entry(map)) {
		vm_map_unlock_read(map);
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at or above 0x%lx", addr->v);
	}
	*info = (struct vm_region_basic_info){
		.protection = e->protection,
		.max_protection = e->max_protection,
		.inheritance = e->inheritance,
		.shared = !e->is_sub_map && e->is_shared,
		.reserved = e->is_sub_map,
		.offset = e->offset,
		.behavior = e->behavior,
		.user_wired_count = e->user_wired_count,
	};
	addr->v = e->vme_start;
	size->v = e->vme_end - e->vme_start;
	vm_map_unlock_read(map);
	return KERN_SUCCESS;
}
