/*
 * vm_map_copyout.c: a copy becomes new memory of a map.
 *
 *   ENTRY_LIST        its entries, linked in at the first hole that is large enough
 *   OBJECT            one entry on the object
 *   PAGE_LIST         its pages in a new object (vm_map_copy_pages.c), then as OBJECT
 *   KERNEL_BUFFER     zero-fill memory, and the bytes written there
 *
 * The new memory has the attributes of freshly allocated memory, whatever the
 * source had. The first byte keeps its place in its page. With wiring_required
 * it is wired before the call returns.
 *
 * Failure: no place, or a shortage, also while wiring; the copy then is the
 * caller's as before, at most of another kind.
 *
 * Locks: the map's write lock.
 */
#include "vm_map_copy_impl.h"

static void
fresh_attributes(struct vm_map_header *h)
{
	vm_map_entry_t e;

	for (e = h->links.next; e != vm_map_header_entry(h); e = e->vme_next) {
		e->protection = VM_PROT_DEFAULT;
		e->max_protection = VM_PROT_ALL;
		e->inheritance = VM_INHERIT_DEFAULT;
		e->behavior = VM_BEHAVIOR_DEFAULT;
		e->alias = 0;
	}
}

static kern_return_t
copyout_entries(vm_map_t map, vm_offset_t *addr, vm_map_copy_t copy)
{
	vm_size_t size = vm_map_copy_span(copy);
	vm_offset_t base = map->min_offset;
	vm_map_entry_t after;
	kern_return_t kr;

	fresh_attributes(&copy->hdr);
	vm_map_lock(map);
	kr = vm_remap_range_allocate(map, &base, size, 0, VM_FLAGS_ANYWHERE, &after);
	if (kr == KERN_SUCCESS) {
		vm_map_header_link(map, after, &copy->hdr, base);
		if (unlikely(map->wiring_required)) {
			/* In transition while the lock is dropped: still ours when it fails. */
			kr = vm_map_wire_locked(map, base, base + size, VM_PROT_DEFAULT);
			if (kr != KERN_SUCCESS)
				vm_map_header_detach(map, base, base + size, &copy->hdr);
		}
	}
	vm_map_unlock(map);
	*addr = base;
	return kr;
}

/* *addr: a place for the copy's pages. */
static kern_return_t
enter(vm_map_t map, vm_offset_t *addr, vm_map_copy_t copy, vm_object_t object)
{
	struct vm_map_enter_args args = {
		.size = vm_map_copy_span(copy),
		.flags = VM_FLAGS_ANYWHERE,
		.object = object,
		.offset = object != NULL ? trunc_page(copy->offset) : 0,
		.cur = VM_PROT_DEFAULT,
		.max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_DEFAULT,
	};

	*addr = map->min_offset;
	return vm_map_enter(map, addr, &args);
}

static kern_return_t
copyout_buffer(vm_map_t map, vm_offset_t *addr, vm_map_copy_t copy)
{
	kern_return_t kr = enter(map, addr, copy, NULL);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_map_write_user(map, copy->kdata, *addr + (copy->offset & PAGE_MASK), copy->size);
	if (kr != KERN_SUCCESS)
		(void)vm_map_remove(map, *addr, *addr + vm_map_copy_span(copy), VM_MAP_NO_FLAGS);
	else
		vm_page_free(vm_page_of_pfn((pfn_t)(virt_to_phys(copy->kdata) >> PAGE_SHIFT)));
	return kr;
}

kern_return_t
vm_map_copyout(vm_map_t map, vm_offset_t *addr, vm_map_copy_t copy)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_offset_t at = 0;

	if (copy == NULL) {
		*addr = 0;
		return KERN_SUCCESS;
	}
	if (copy->size == 0) {
		*addr = 0;
		vm_map_copy_discard(copy);
		return KERN_SUCCESS;
	}
	vm_map_copy_withdraw(copy);
	if (copy->type == VM_MAP_COPY_PAGE_LIST)
		kr = vm_map_copy_pages_to_object(copy);
	if (kr == KERN_SUCCESS)
		kr = copy->type == VM_MAP_COPY_ENTRY_LIST ? copyout_entries(map, &at, copy) :
		    copy->type == VM_MAP_COPY_KERNEL_BUFFER ? copyout_buffer(map, &at, copy) :
		    enter(map, &at, copy, copy->object);
	if (kr != KERN_SUCCESS) {
		vm_map_copy_publish(copy);
		return kr;
	}
	*addr = at + (copy->offset & PAGE_MASK);
	vm_map_copy_free(copy);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_copyout_page_list(vm_map_t map, vm_offset_t *addr, vm_map_copy_t copy)
{
	return vm_map_copyout(map, addr, copy);
}
