/*
 * vm_user.c: the users' calls: from outside integers to ranges of pages.
 *
 *   vm_user.c         memory: allocate, deallocate, protect, inherit, map, remap
 *   vm_user_copy.c    contents: read, write, copy
 *   vm_user_range.c   what is mapped: wire, behaviour, msync, attributes
 *   vm_user_entry.c   named entries
 *   vm_map_region.c   questions: regions, pages
 *
 * These are the one place where vm_address_ut and vm_size_ut are unwrapped. Each
 * call checks in the order that Mach's specification gives, so that a call with
 * several faults has one answer; then it hands aligned ranges to the map layer,
 * which knows nothing of bytes. Ranges: vm_user_impl.h.
 *
 * Outputs are written on success only.
 */
#include <mm/vm_print.h>
#include "vm_user_impl.h"

#define FLAGS_ALLOCATE (VM_FLAGS_ANYWHERE | VM_FLAGS_RANDOM_ADDR | VM_FLAGS_NO_CACHE | VM_FLAGS_PERMANENT | \
	VM_FLAGS_OVERWRITE | VM_FLAGS_SUPERPAGE_MASK | VM_FLAGS_ALIAS_MASK)
#define FLAGS_MAP       (FLAGS_ALLOCATE | VM_FLAGS_RETURN_DATA_ADDR)
#define FLAGS_REMAP     (VM_FLAGS_ANYWHERE | VM_FLAGS_RANDOM_ADDR | VM_FLAGS_OVERWRITE | VM_FLAGS_RETURN_DATA_ADDR)

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
		return vm_user_no_map();
	kr = vm_user_flags(flags, FLAGS_ALLOCATE);
	if (kr != KERN_SUCCESS)
		return kr;
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
	struct vm_user_range r;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ARGUMENT, KERN_INVALID_ARGUMENT);
	if (kr != KERN_SUCCESS || r.start == r.end)
		return kr;
	return vm_map_remove(map, r.start, r.end, 0);
}

kern_return_t
vm_protect(vm_map_t map, vm_address_ut addr, vm_size_ut size, bool set_max, vm_prot_t prot)
{
	struct vm_user_range r;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	if (prot & ~(VM_PROT_ALL | VM_PROT_COPY))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protection 0x%x has bits beyond rwx and copy", prot);
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ARGUMENT, KERN_INVALID_ADDRESS);
	if (kr == KERN_INVALID_ADDRESS && trunc_page(addr.v) != 0)
		kr = KERN_INVALID_ARGUMENT;
	if (kr != KERN_SUCCESS || r.start == r.end)
		return kr;
	return vm_map_protect(map, r.start, r.end, prot, set_max);
}

kern_return_t
vm_inherit(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_inherit_t inheritance)
{
	struct vm_user_range r;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	kr = vm_user_inheritance(inheritance);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ARGUMENT, KERN_INVALID_ARGUMENT);
	if (kr != KERN_SUCCESS || r.start == r.end)
		return kr;
	return vm_map_inherit(map, r.start, r.end, inheritance);
}

/* The checks of vm_map that need no map, in their order. */
static kern_return_t
check_map_args(const struct vm_map_user_args *a)
{
	bool object = a->entry != NULL || a->pager != NULL;
	kern_return_t kr;

	if ((a->cur | a->max) & ~VM_PROT_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protections 0x%x and 0x%x: bits beyond rwx", a->cur, a->max);
	kr = vm_user_inheritance(a->inheritance);
	if (kr != KERN_SUCCESS)
		return kr;
	if (round_page(a->size.v) == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx is 0 or rounds to 0", a->size.v);
	kr = vm_user_flags(a->flags, FLAGS_MAP);
	if (kr != KERN_SUCCESS)
		return kr;
	if (object && (a->flags & VM_FLAGS_SUPERPAGE_MASK))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "superpages are made of new memory, not of an object");
	return KERN_SUCCESS;
}

/*
 * The part of an object that is mapped, in whole pages: args->offset and
 * args->size; *data: where in the first page the caller's bytes begin.
 * KERN_INVALID_ARGUMENT: an offset that is no page's, unless the caller learns
 * of it (RETURN_DATA_ADDR) or the entry is one of whole regions; or a wrap.
 */
static kern_return_t
object_window(const struct vm_map_user_args *a, struct vm_map_enter_args *args, vm_offset_t *data)
{
	bool exact = (a->flags & VM_FLAGS_RETURN_DATA_ADDR) != 0;
	bool regions = a->entry != NULL && a->entry->type == NAMED_ENTRIES;
	uint64_t from = a->offset.v;

	if ((from & PAGE_MASK) != 0 && !exact && !regions)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "offset 0x%lx is not a multiple of the page size", from);
	*data = 0;
	args->offset = trunc_page(from);
	if (exact && (__builtin_add_overflow(from, a->entry != NULL ? a->entry->data_offset : 0, &from) ||
	    from + a->size.v < from || round_page(from + a->size.v) == 0))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from offset 0x%lx wrap", a->size.v, a->offset.v);
	if (exact) {
		*data = from & PAGE_MASK;
		args->offset = trunc_page(from);
		args->size = round_page(from + a->size.v) - args->offset;
	}
	if (args->offset + args->size < args->offset)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from offset 0x%lx wrap", args->size, args->offset);
	return KERN_SUCCESS;
}

/* Maps a memory object; waits, with no lock held, until its pager is ready. */
static kern_return_t
map_pager(vm_map_t map, vm_offset_t *at, struct vm_map_enter_args *args, memory_object_t mo)
{
	bool copy = args->needs_copy;
	vm_object_t object, private;
	vm_prot_t need = copy ? VM_PROT_READ : args->cur | args->max;
	kern_return_t kr;

	if (need & ~mo->max_prot)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the memory object permits %s, not %s",
		    vm_prot_name(mo->max_prot), vm_prot_name(need));
	if (args->offset >= mo->size || args->size > mo->size - args->offset)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from offset 0x%lx: the memory object has 0x%lx",
		    args->size, args->offset, mo->size);
	kr = memory_object_map(mo, &object);
	if (kr != KERN_SUCCESS)
		return kr;
	if (copy) {
		kr = vm_object_copy_strategically(object, args->offset, args->size, &private, &args->offset,
		    &args->needs_copy);
		vm_object_deallocate(object);
		if (kr != KERN_SUCCESS)
			return kr;
		object = private;
	}
	args->object = object;
	kr = vm_map_enter(map, at, args);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(object);
	return kr;
}

kern_return_t
vm_map_user(vm_map_t map, vm_address_ut *addr, const struct vm_map_user_args *a)
{
	struct vm_map_enter_args args = {
		.size = round_page(a->size.v), .mask = a->mask, .flags = a->flags & ~VM_FLAGS_RETURN_DATA_ADDR,
		.cur = a->cur & a->max, .max = a->max, .inheritance = a->inheritance,
	};
	vm_offset_t at = trunc_page(addr->v), data = 0;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	kr = check_map_args(a);
	if (kr != KERN_SUCCESS)
		return kr;
	if (a->entry != NULL || a->pager != NULL) {
		kr = object_window(a, &args, &data);
		if (kr != KERN_SUCCESS)
			return kr;
		args.needs_copy = a->copy;
	}
	if (!(a->flags & VM_FLAGS_ANYWHERE) && at + args.size < at)
		return vm_user_wraps(KERN_INVALID_ARGUMENT, *addr, a->size);
	if (a->entry != NULL)
		kr = vm_named_entry_map(map, &at, &args, a->entry);
	else if (a->pager != NULL)
		kr = map_pager(map, &at, &args, a->pager);
	else
		kr = vm_map_enter(map, &at, &args);
	if (kr == KERN_SUCCESS)
		addr->v = at + data;
	return kr;
}

/* The checks of vm_remap, in their order; then the source, in whole pages. */
static kern_return_t
remap_args(const struct vm_remap_user_args *a, const vm_prot_t *cur, const vm_prot_t *max,
    struct vm_map_remap_args *args)
{
	struct vm_user_range r;
	kern_return_t kr = vm_user_inheritance(a->inheritance);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_user_flags(a->flags, FLAGS_REMAP);
	if (kr != KERN_SUCCESS)
		return kr;
	if (a->bounded && (((*cur | *max) & ~VM_PROT_ALL) != 0 || (*cur & ~*max) != 0))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protection 0x%x is not within the maximum 0x%x, or that not within rwx",
		    *cur, *max);
	args->src_addr = trunc_page(a->src_addr.v);
	args->size = round_page(a->size.v);
	if (a->flags & VM_FLAGS_RETURN_DATA_ADDR) {
		kr = vm_user_range(&r, a->src_addr, a->size, KERN_INVALID_ARGUMENT, KERN_INVALID_ARGUMENT);
		if (kr != KERN_SUCCESS)
			return kr;
		args->size = r.end - r.start;
	}
	if (args->size == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx is 0 or rounds to 0", a->size.v);
	if (args->src_addr + args->size < args->src_addr)
		return vm_user_wraps(KERN_INVALID_ARGUMENT, a->src_addr, a->size);
	return KERN_SUCCESS;
}

kern_return_t
vm_remap(vm_map_t target, vm_address_ut *addr, const struct vm_remap_user_args *a, vm_prot_t *cur, vm_prot_t *max)
{
	struct vm_map_remap_args args = {
		.mask = a->mask, .flags = a->flags & ~VM_FLAGS_RETURN_DATA_ADDR, .src = a->src, .copy = a->copy,
		.bounded = a->bounded, .inheritance = a->inheritance,
	};
	vm_offset_t at = trunc_page(addr->v);
	kern_return_t kr;

	if (target == NULL || a->src == NULL)
		return vm_user_no_map();
	kr = remap_args(a, cur, max, &args);
	if (kr != KERN_SUCCESS)
		return kr;
	if (!(a->flags & VM_FLAGS_ANYWHERE) && at + args.size < at)
		return vm_user_wraps(KERN_INVALID_ARGUMENT, *addr, a->size);
	kr = vm_map_remap(target, &at, &args, cur, max);
	if (kr == KERN_SUCCESS)
		addr->v = a->flags & VM_FLAGS_RETURN_DATA_ADDR ? at + (a->src_addr.v & PAGE_MASK) : at;
	return kr;
}
