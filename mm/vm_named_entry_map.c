/*
 * vm_named_entry_map.c: vm_map of a handle.
 *
 *   object     shared: the object once more; copy: a copy of it, by its strategy
 *   pager      the same, with the memory object's vm_object, made now if need be
 *   submap     a window; copy: a needs_copy one; tag VM_MEMORY_SHARED_PMAP: page tables shared
 *   entries    the handle's map is remapped: shared or copied
 *
 * Rights: neither the protection nor the maximum of a mapping exceeds what the
 * handle permits; so later vm_protect cannot, either. A private copy is the
 * caller's own: for it, the handle must only permit to read.
 *
 * Nothing is locked here; the handle is constant, and the caller has a
 * reference on it. Failure: the codes of what is called, nothing entered.
 */
#include <mm/vm_print.h>
#include "vm_named_entry_impl.h"

static kern_return_t
check_rights(const struct vm_map_enter_args *args, vm_named_entry_t ne)
{
	vm_prot_t need = args->needs_copy ? VM_PROT_READ : args->cur | args->max;

	if (need & ~ne->protection)
		return KERN_FAIL(KERN_INVALID_RIGHT, "the named entry permits %s: not %s, at most %s",
		    vm_prot_name(ne->protection), vm_prot_name(args->cur), vm_prot_name(args->max));
	return KERN_SUCCESS;
}

/* A copy of args->size bytes of object from args->offset on; args->object, offset, needs_copy say which. */
static kern_return_t
copy_object(vm_object_t object, struct vm_map_enter_args *args)
{
	kern_return_t kr;

	kr = vm_object_copy_strategically(object, args->offset, args->size, &args->object, &args->offset, &args->needs_copy);
	if (kr != KERN_MEMORY_RESTART_COPY)
		return kr;
	args->needs_copy = false;
	kr = vm_object_copy_slowly(object, args->offset, args->size, true, &args->object);
	args->offset = 0;
	return kr;
}

/* object: one reference, given up here or to the mapping. */
static kern_return_t
map_object(vm_map_t map, vm_offset_t *addr, struct vm_map_enter_args *args, vm_object_t object)
{
	kern_return_t kr;

	if (args->needs_copy) {
		kr = copy_object(object, args);
		vm_object_deallocate(object);
		if (kr != KERN_SUCCESS)
			return kr;
	} else {
		args->object = object;
		args->is_shared = true;
	}
	kr = vm_map_enter(map, addr, args);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(args->object);
	return kr;
}

/* All of the handle's memory, whatever part was asked for (Mach); its tags go with it, if the mapping has none. */
static kern_return_t
map_entries(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *args, vm_named_entry_t ne)
{
	struct vm_map_remap_args remap = {
		.size = ne->size, .mask = args->mask, .flags = args->flags,
		.src = ne->backing.map, .src_addr = ne->offset, .copy = args->needs_copy,
		.bounded = true, .new_alias = VM_GET_TAG(args->flags) != 0, .inheritance = args->inheritance,
	};
	vm_prot_t cur = args->cur, max = args->max;

	return vm_map_remap(map, addr, &remap, &cur, &max);
}

kern_return_t
vm_named_entry_map(vm_map_t map, vm_offset_t *addr, struct vm_map_enter_args *args, vm_named_entry_t ne)
{
	vm_object_t object;
	kern_return_t kr = check_rights(args, ne);

	if (kr != KERN_SUCCESS)
		return kr;
	if (ne->type == NAMED_ENTRIES)
		args->offset = trunc_page(args->offset);
	if (!page_aligned(args->offset) || !page_aligned(args->size))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "offset 0x%lx or size 0x%lx is not in pages", args->offset, args->size);
	if (args->size == 0 || args->offset > ne->size || args->size > ne->size - args->offset)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from offset 0x%lx: the named entry has 0x%lx",
		    args->size, args->offset, ne->size);
	args->offset += ne->offset;
	switch (ne->type) {
	case NAMED_SUBMAP:
		return vm_map_enter_submap(map, addr, args, ne->backing.map,
		    VM_GET_TAG(args->flags) == VM_MEMORY_SHARED_PMAP && !args->needs_copy);
	case NAMED_ENTRIES:
		return map_entries(map, addr, args, ne);
	case NAMED_PAGER:
		kr = memory_object_map(ne->backing.pager, &object);
		return kr == KERN_SUCCESS ? map_object(map, addr, args, object) : kr;
	default:
		vm_object_reference(ne->backing.object);
		return map_object(map, addr, args, ne->backing.object);
	}
}
