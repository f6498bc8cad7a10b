/*
 * vm_map_copyout.c: a copy becomes new memory of a map.
 *
 *   ENTRY_LIST        its entries, linked in at the first hole that is large enough
 *   OBJECT            one entry on the object
 *   PAGE_LIST         its pages in a new object (vm_map_copy_pages.c), then as OBJECT
 *   KERNEL_BUFFER     its bytes in a new object, then as OBJECT
 *
 * The new memory has the attributes of freshly allocated memory, whatever the
 * source had: never writable and executable, so VM_MAP_WXORX has no say. The
 * first byte keeps its place in its page. With wiring_required it is wired
 * before the call returns.
 *
 * Failure: no place, or a shortage, also while wiring; the copy then is the
 * caller's as before, at most of another kind.
 *
 * Locks: the map's write lock.
 */
#include <mm/vm_reserv.h>
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
		.offset = copy->type == VM_MAP_COPY_OBJECT ? trunc_page(copy->offset) : 0,
		.cur = VM_PROT_DEFAULT,
		.max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_DEFAULT,
	};

	*addr = map->min_offset;
	return vm_map_enter(map, addr, &args);
}

/* The bytes of a KERNEL_BUFFER in a new object, in front of which nothing can fail; NULL: shortage. */
static vm_object_t
buffer_to_object(vm_map_copy_t copy)
{
	vm_object_offset_t at = copy->offset & PAGE_MASK, end = at + copy->size;
	vm_object_t object = vm_object_allocate(end, 0);
	const uint8_t *from = copy->kdata;

	while (object != NULL && at < end) {
		vm_size_t n = PAGE_SIZE - (at & PAGE_MASK) < end - at ? PAGE_SIZE - (at & PAGE_MASK) : end - at;
		struct vm_page *m;

		spin_lock(&object->lock);
		m = vm_object_page_alloc(object, trunc_page(at), true);
		if (m != NULL) {
			vm_page_copy_part((uint8_t *)vm_page_va(m) + (at & PAGE_MASK), from, n);
			m->flags |= VM_PAGE_DIRTY;
			at += n;
			from += n;
		}
		spin_unlock(&object->lock);
		if (m == NULL && vm_reserv_break(1) == 0) {
			vm_object_deallocate(object);
			object = NULL;
		}
	}
	return object;
}

static kern_return_t
copyout_buffer(vm_map_t map, vm_offset_t *addr, vm_map_copy_t copy)
{
	vm_object_t object = buffer_to_object(copy);
	kern_return_t kr;

	if (object == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for the 0x%lx bytes of a copy", copy->size);
	kr = enter(map, addr, copy, object);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(object);
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
