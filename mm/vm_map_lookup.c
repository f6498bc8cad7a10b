/*
 * vm_map_lookup.c: from an address and an access to an object and an offset.
 *
 * The read lock is enough for most lookups. Two states must be changed before
 * a fault can go on, and need the write lock for a moment: a NULL object is
 * allocated, and for a write to a needs_copy entry the object is shadowed. The
 * lock is upgraded in place where we are the only reader; else it is dropped,
 * taken for writing, and everything is looked up and checked again.
 *
 *   read lock -> entry -> [submap: lock it, unlock the parent, go on there]
 *             -> rights -> needs_copy? NULL object? -> (write lock, change) -> read lock
 *
 * A submap's own entry may grant more than the parent's: what is granted is
 * what both allow.
 */
#include <mm/vm_print.h>
#include "vm_map_impl.h"

#define LOOKUP_DEPTH_MAX 8

/* What must change before `e` can serve this access? */
static inline bool
must_change(vm_map_entry_t e, vm_prot_t access)
{
	return e->object.vm_object == NULL || (e->needs_copy && (access & VM_PROT_WRITE));
}

/* Changes it, write lock held. */
static kern_return_t
change(vm_map_t map, vm_map_entry_t e, vm_prot_t access)
{
	vm_object_t object;
	vm_object_offset_t offset = e->offset;

	if (e->object.vm_object == NULL) {
		if (!vm_map_entry_allocate_object(e))
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for the object of the entry at 0x%lx", e->vme_start);
		e->object.vm_object->no_zero_fill = map->no_zero_fill;
		vm_object_classify(e->object.vm_object);
	}
	if (e->needs_copy && (access & VM_PROT_WRITE)) {
		object = e->object.vm_object;
		if (!vm_object_shadow(&object, &offset, e->vme_end - e->vme_start))
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to shadow the object of the entry at 0x%lx", e->vme_start);
		e->object.vm_object = object;
		e->offset = offset;
		e->needs_copy = false;
	}
	return KERN_SUCCESS;
}

/*
 * The entry of map (locked) for va, with its rights cut by `prot`. Returns the
 * result code; the lock stays as it is.
 */
static inline kern_return_t
find_entry(vm_map_t map, vm_offset_t va, vm_prot_t access, vm_prot_t *prot, vm_map_entry_t *e)
{
	if (unlikely(!vm_map_lookup_entry(map, va, e)))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", va);
	*prot &= (*e)->protection;
	if (unlikely((access & ~*prot) != 0))
		return KERN_FAIL(KERN_PROTECTION_FAILURE,
		    "access %s to 0x%lx: the entry at 0x%lx allows %s",
		    vm_prot_name(access), va, (*e)->vme_start, vm_prot_name(*prot));
	return KERN_SUCCESS;
}

/* Into the submap at e: lock handed over; va, window and map move along. */
static void
descend(struct vm_map_lookup *l, vm_map_entry_t e, vm_offset_t *va, uint64_t *shift)
{
	vm_map_t sub = e->object.sub_map;

	if (e->vme_start + *shift > l->lo)
		l->lo = e->vme_start + *shift;
	if (e->vme_end + *shift < l->hi)
		l->hi = e->vme_end + *shift;
	vm_map_lock_read(sub);
	vm_map_unlock_read(l->map);
	*shift += e->vme_start - e->offset;
	*va = *va - e->vme_start + e->offset;
	l->map = sub;
}

kern_return_t
vm_map_lookup_locked(vm_map_t top, vm_offset_t va, vm_prot_t access, struct vm_map_lookup *l)
{
	vm_offset_t at = trunc_page(va);
	vm_prot_t prot = VM_PROT_ALL;
	uint64_t shift = 0;             /* top address = address in l->map + shift */
	unsigned depth = 0;
	vm_map_entry_t e;
	kern_return_t kr;

	l->map = top;
	l->pmap = top->pmap;
	l->pmap_shift = 0;
	l->lo = 0;
	l->hi = ~0ul;
	for (;;) {
		vm_prot_t granted = prot;

		kr = find_entry(l->map, at, access, &granted, &e);
		if (unlikely(kr != KERN_SUCCESS))
			break;
		if (unlikely(e->is_sub_map)) {
			if (++depth > LOOKUP_DEPTH_MAX) {
				kr = KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx lies more than %d submaps deep", va, LOOKUP_DEPTH_MAX);
				break;
			}
			prot = granted;
			descend(l, e, &at, &shift);
			continue;
		}
		if (unlikely(must_change(e, access))) {
			if (vm_map_lock_read_to_write(l->map)) {
				vm_map_lock(l->map);
				kr = find_entry(l->map, at, access, &granted, &e);
				if (kr == KERN_SUCCESS && !e->is_sub_map && must_change(e, access))
					kr = change(l->map, e, access);
			} else
				kr = change(l->map, e, access);
			vm_map_lock_write_to_read(l->map);
			if (kr != KERN_SUCCESS)
				break;
			continue;       /* the entry may be another one by now */
		}
		l->entry = e;
		l->object = e->object.vm_object;
		l->offset = at - e->vme_start + e->offset;
		l->prot = e->needs_copy ? granted & ~VM_PROT_WRITE : granted;
		l->wired = e->wired_count != 0;
		if (e->vme_start + shift > l->lo)
			l->lo = e->vme_start + shift;
		if (e->vme_end + shift < l->hi)
			l->hi = e->vme_end + shift;
		l->version.main_timestamp = l->map->timestamp;
		return KERN_SUCCESS;
	}
	vm_map_unlock_read(l->map);
	return kr;
}
