/*
 * vm_map_page_query.c: what a program may ask about single pages.
 *
 *   addr ──> entry ──(submaps, as deep as they go)──> object ──shadow──> ... page
 *
 * The page that shows at an address is the first one found down the shadow
 * chain. Where nothing is mapped, or nothing is resident, the disposition is 0
 * and the call succeeds (later Mach; the first one said KERN_FAILURE). Device
 * memory has no pages: it is present and fictitious.
 *
 * Locks: maps for reading, from the top one down, all held for one stretch of an
 * entry; objects hand over hand. Recursion is bounded by the depth of submaps.
 */
#include "vm_user_impl.h"

static int
disposition_of(struct vm_page *m)
{
	int d = VM_PAGE_QUERY_PAGE_PRESENT;

	if (pmap_is_referenced(m))
		d |= VM_PAGE_QUERY_PAGE_REF;
	if (pmap_is_modified(m))
		d |= VM_PAGE_QUERY_PAGE_DIRTY;
	return d;
}

/* The page that shows at offset of the chain; the caller's map lock keeps `object`. */
static int
query_chain(vm_object_t object, vm_object_offset_t offset)
{
	vm_object_t below;
	vm_page_t m;
	int d = 0;

	spin_lock(&object->lock);
	while ((m = vm_page_lookup(object, offset)) == NULL && !object->phys_contiguous &&
	    (below = object->shadow) != NULL) {
		offset += object->shadow_offset;
		spin_lock(&below->lock);
		spin_unlock(&object->lock);
		object = below;
	}
	if (m != NULL)
		d = disposition_of(m);
	else if (object->phys_contiguous && offset < object->size)
		d = VM_PAGE_QUERY_PAGE_PRESENT | VM_PAGE_QUERY_PAGE_FICTITIOUS;
	spin_unlock(&object->lock);
	return d;
}

/* One disposition for each page of [start, end); *refs: of the last object met. map is locked for reading. */
static void
query_range(vm_map_t map, vm_offset_t start, vm_offset_t end, int *disposition, int *refs)
{
	vm_map_entry_t e;
	vm_offset_t va;

	for (va = start; va < end; ) {
		vm_offset_t stop;

		e = vm_map_entry_at_or_after(map, va);
		stop = e == vm_map_to_entry(map) || e->vme_start >= end ? end : e->vme_start;
		for (; va < stop; va += PAGE_SIZE)
			*disposition++ = 0;
		if (va == end)
			break;
		stop = e->vme_end < end ? e->vme_end : end;
		if (e->is_sub_map) {
			vm_map_t sub = e->object.sub_map;
			uint64_t back = e->offset - e->vme_start;

			vm_map_lock_read(sub);
			query_range(sub, va + back, stop + back, disposition, refs);
			vm_map_unlock_read(sub);
			disposition += (stop - va) >> PAGE_SHIFT;
			va = stop;
			continue;
		}
		if (e->object.vm_object != NULL)
			*refs = (int)__atomic_load_n(&e->object.vm_object->ref_count, __ATOMIC_RELAXED);
		for (; va < stop; va += PAGE_SIZE)
			*disposition++ = e->object.vm_object == NULL ? 0 :
			    query_chain(e->object.vm_object, e->offset + (va - e->vme_start));
	}
}

kern_return_t
vm_map_page_query(vm_map_t map, vm_address_ut addr, int *disposition, int *ref_count)
{
	vm_offset_t va = trunc_page(addr.v);
	int refs = 0;

	if (map == NULL)
		return vm_user_no_map();
	*disposition = 0;
	if (va + PAGE_SIZE != 0) {
		vm_map_lock_read(map);
		query_range(map, va, va + PAGE_SIZE, disposition, &refs);
		vm_map_unlock_read(map);
	}
	*ref_count = refs;
	return KERN_SUCCESS;
}

kern_return_t
vm_map_page_range_query(vm_map_t map, vm_address_ut addr, vm_size_ut size, int *dispositions, uint64_t *count)
{
	struct vm_user_range r;
	kern_return_t kr;
	int refs;

	if (map == NULL)
		return vm_user_no_map();
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ARGUMENT, KERN_INVALID_ARGUMENT);
	if (kr != KERN_SUCCESS)
		return kr;
	if ((r.end - r.start) >> PAGE_SHIFT < *count)
		*count = (r.end - r.start) >> PAGE_SHIFT;
	vm_map_lock_read(map);
	query_range(map, r.start, r.start + (*count << PAGE_SHIFT), dispositions, &refs);
	vm_map_unlock_read(map);
	return KERN_SUCCESS;
}
