/*
 * vm_map_remove.c: ranges that go away.
 *
 * Under the write lock: cut the entries at the borders, take the PTEs of the
 * range away (fences included), unlink. Only then, with the lock dropped, let
 * go of the objects: freeing a large one takes long, and nobody should wait.
 *
 *   [ a  )[ b   )[ c   )     remove        [ a )          [ c )
 *      |---------------|       ==>              dead: a' b c'
 *
 * An object that lives on after part of it was unmapped gives the pages of
 * that part back at once when nobody else can reach them (one_mapping, or ours
 * is the only reference left); that is done under the map lock, or a new
 * mapping of the same part could lose pages of its own.
 *
 * Holes are fine. Failure: only for want of the entries that clipping needs,
 * before anything changed.
 */
#include "vm_map_impl.h"

/*
 * Pages that only this entry can reach go at once if the object stays. The
 * reference count cannot fall below what we see to 1 by others' doing and rise
 * again: all references that matter are entries of this locked map.
 */
static void
free_unreachable_pages(vm_map_entry_t e)
{
	vm_object_t object = e->object.vm_object;

	if (object == NULL || !object->internal ||
	    __atomic_load_n(&object->ref_count, __ATOMIC_ACQUIRE) == 1)
		return;         /* the last reference frees everything */
	spin_lock(&object->lock);
	if (object->one_mapping && object->copy == NULL)
		(void)vm_object_page_remove(object, e->offset, e->offset + (e->vme_end - e->vme_start));
	spin_unlock(&object->lock);
}

/*
 * The PTEs of the entries from first on that begin below end. Neighbours go in
 * one call (one batch of fences); a wide hole starts another, so that the cost
 * follows what is mapped.
 */
static void
remove_leaves(vm_map_t map, vm_map_entry_t first, vm_offset_t end)
{
	vm_offset_t from = 0, to = 0;

	for (vm_map_entry_t e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		if (!e->is_sub_map && e->object.vm_object == NULL)
			continue;
		if (to == 0)
			from = e->vme_start;
		else if (e->vme_start - to > 4 * MEGAPAGE_SIZE) {
			pmap_remove_dead(map->pmap, from, to);
			from = e->vme_start;
		}
		to = e->vme_end;
	}
	if (to != 0)
		pmap_remove_dead(map->pmap, from, to);
}

kern_return_t
vm_map_delete(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_entry_t *dead)
{
	vm_map_entry_t header = vm_map_to_entry(map), first, last, e, next;
	vm_map_entry_t *tail = dead;
	struct vm_map_spare spare;

	*dead = NULL;
	if (start < map->min_offset)
		start = map->min_offset;
	if (end > map->max_offset)
		end = map->max_offset;
	if (start >= end)
		return KERN_SUCCESS;
	first = vm_map_entry_at_or_after(map, start);
	if (first == header || first->vme_start >= end)
		return KERN_SUCCESS;
	(void)vm_map_lookup_entry(map, end - 1, &last);
	if (!vm_map_spare_take(&spare, map, first, last, start, end))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", start, end);
	first = vm_map_clip_start(map, first, start, &spare);
	/* The last entry may have been the first: its tail is still to be cut. */
	(void)vm_map_lookup_entry(map, end - 1, &last);
	vm_map_clip_end(map, last, end, &spare);

	if (map->pmap != NULL)
		remove_leaves(map, first, end);
	for (e = first; e != header && e->vme_start < end; e = next) {
		next = e->vme_next;
		vm_map_store_unlink(map, e);
		if (!e->is_sub_map)
			free_unreachable_pages(e);
		e->vme_next = NULL;
		*tail = e;
		tail = &e->links.next;
	}
	return KERN_SUCCESS;
}

void
vm_map_free_dead(vm_map_t map, vm_map_entry_t dead)
{
	vm_map_entry_t next;

	(void)map;
	for (; dead != NULL; dead = next) {
		next = dead->vme_next;
		if (dead->is_sub_map)
			vm_map_deallocate(dead->object.sub_map);
		else
			vm_object_deallocate(dead->object.vm_object);
		vm_map_entry_dispose(dead);
	}
}

kern_return_t
vm_map_remove(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags)
{
	vm_map_entry_t dead;
	kern_return_t kr;

	(void)flags;
	vm_map_lock(map);
	kr = vm_map_delete(map, start, end, &dead);
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	return kr;
}
