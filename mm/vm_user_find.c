/*
 * vm_user_find.c: the users' calls for FreeBSD's placement.
 *
 * From outside numbers and handles to what the map layer takes: pages, and an
 * object with a reference of its own, which goes to the mapping or back. The
 * map layer does not round, so nothing is rounded here: what is not in pages is
 * refused. What the layer would assert of its kernel callers (protection within
 * its maximum, strategies and flags that exist) it checks itself for all.
 */
#include <mm/memory_object.h>
#include <mm/vm_print.h>
#include "vm_user_impl.h"

/* The rights that a mapping takes from its object, and the most that it gives. */
static kern_return_t
check_rights(const struct vm_find_user_args *a, vm_prot_t gives, kern_return_t code)
{
	vm_prot_t need = a->cow & MAP_COPY_ON_WRITE ? VM_PROT_READ : a->prot | a->max;

	if ((need & ~gives) == 0)
		return KERN_SUCCESS;
	return KERN_FAIL(code, "the object gives %s: not %s, at most %s", vm_prot_name(gives), vm_prot_name(a->prot),
	    vm_prot_name(a->max));
}

static kern_return_t
check_window(const struct vm_map_find_args *find, vm_size_t size)
{
	if (find->what.offset <= size && find->length <= size - find->what.offset)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from offset 0x%lx: the object has 0x%lx", find->length,
	    find->what.offset, size);
}

/* find->what.object: what is mapped, with a reference. Offset and length are in pages. */
static kern_return_t
object_of(const struct vm_find_user_args *a, struct vm_map_find_args *find)
{
	vm_named_entry_t ne = a->entry;
	memory_object_t pager = a->pager;
	kern_return_t kr;

	if (ne != NULL) {
		if (ne->type != NAMED_OBJECT && ne->type != NAMED_PAGER)
			return KERN_FAIL(KERN_INVALID_ARGUMENT, "the named entry is of a map, not of an object: vm_map maps it");
		kr = check_rights(a, ne->protection, KERN_INVALID_RIGHT);
		if (kr == KERN_SUCCESS)
			kr = check_window(find, ne->size);
		if (kr != KERN_SUCCESS)
			return kr;
		find->what.offset += ne->offset;
		if (ne->type == NAMED_PAGER)
			return memory_object_map(ne->backing.pager, &find->what.object);
		find->what.object = ne->backing.object;
		vm_object_reference(find->what.object);
		return KERN_SUCCESS;
	}
	kr = check_rights(a, pager->max_prot, KERN_PROTECTION_FAILURE);
	if (kr == KERN_SUCCESS)
		kr = check_window(find, pager->size);
	return kr == KERN_SUCCESS ? memory_object_map(pager, &find->what.object) : kr;
}

static kern_return_t
call_with(vm_map_t map, vm_offset_t *at, const struct vm_map_find_args *find, enum vm_find_call call)
{
	kern_return_t kr;

	switch (call) {
	case VM_MAP_FIND:
		return vm_map_find(map, at, find);
	case VM_MAP_FIND_MIN:
		return vm_map_find_min(map, at, find);
	case VM_MAP_FIXED:
		return vm_map_fixed(map, *at, find->length, &find->what);
	default:
		vm_map_lock(map);
		kr = vm_map_insert(map, *at, *at + find->length, &find->what);
		vm_map_unlock(map);
		return kr;
	}
}

kern_return_t
vm_map_find_user(vm_map_t map, vm_address_ut *addr, const struct vm_find_user_args *a, enum vm_find_call call)
{
	struct vm_map_find_args find = {
		.what = { .offset = a->offset.v, .prot = a->prot, .max = a->max, .cow = a->cow },
		.length = a->length.v, .min_addr = a->min_addr.v, .max_addr = a->max_addr.v, .find_space = a->find_space,
		.trace = a->trace,
	};
	vm_offset_t at = addr->v;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	if (find.length == 0 || !page_aligned(at | find.length | find.what.offset | find.min_addr))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx, offset 0x%lx, from 0x%lx on: not in pages, or none",
		    find.length, at, find.what.offset, find.min_addr);
	if (a->entry != NULL || a->pager != NULL) {
		kr = object_of(a, &find);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	kr = call_with(map, &at, &find, call);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(find.what.object);
	addr->v = at;
	return kr;
}

kern_return_t
vm_map_findspace_user(vm_map_t map, vm_address_ut start, vm_size_ut length, vm_address_ut *addr)
{
	if (map == NULL)
		return vm_user_no_map();
	if (length.v == 0 || !page_aligned(start.v | length.v))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from 0x%lx on: not in pages, or none", length.v, start.v);
	vm_map_lock_read(map);
	addr->v = vm_map_findspace(map, start.v, length.v);
	vm_map_unlock_read(map);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_find_aligned_user(vm_map_t map, vm_address_ut *addr, vm_size_ut length, vm_address_ut max_addr, uint64_t alignment)
{
	vm_offset_t at = addr->v;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	vm_map_lock(map);
	kr = vm_map_find_aligned(map, &at, length.v, max_addr.v, alignment);
	vm_map_unlock(map);
	if (kr == KERN_SUCCESS)
		addr->v = at;
	return kr;
}

kern_return_t
vm_map_set_options_user(vm_map_t map, uint32_t options, uint64_t seed)
{
	return map == NULL ? vm_user_no_map() : vm_map_set_options(map, options, seed);
}
