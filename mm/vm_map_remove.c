/*
 * vm_map_remove.c: ranges that go away.
 *
 * Under the write lock: cut the entries at the borders, take the PTEs of the
 * range away (fences included), unlink. Only then, with the lock dropped, give
 * up the wirings of their pages and let go of the objects: freeing a large one
 * takes long, and nobody should wait.
 *
 *   [ a  )[ b   )[ c   )     remove        [ a )          [ c )
 *      |---------------|       ==>              dead: a' b c'
 *
 * Until it is freed a dead entry still owns what it mapped, so it can be put
 * back (vm_map_undelete): an overwrite that fails in its last step does so.
 *
 * An object that lives on after part of it was unmapped gives the pages of
 * that part back at once when nobody else can reach them (one_mapping). While
 * the dead entry has its reference the object cannot be extended over the part
 * again (vm_object_coalesce), so no new mapping loses pages of its own.
 *
 * What stands in the way, and is looked for only in maps that ever had such
 * entries (map->special):
 *   in transition   the caller settles the range first
 *   kernel wirings  KERN_FAILURE, unless the flags drop one or wait for it;
 *                   users' wirings go with the entry
 *   permanent       stays, without rights: nothing else is ever mapped there
 *   superpage       the range grows to whole superpages
 *   nested tables   are given up for the windows that are cut
 *
 * Holes are fine. Failure: kernel wirings, or want of the entries and tables
 * that cutting needs, before anything changed.
 */
#include <base/wait.h>
#include "vm_object_impl.h"
#include "vm_map_impl.h"

/* c's unwired pages in slots [slot, end) go. c has a wired one, so it stays. */
static void
free_unwired(struct vm_chunk *c, unsigned slot, unsigned end)
{
	for (slot = vm_chunk_next(c, slot); slot < end; slot = vm_chunk_next(c, slot + 1)) {
		vm_object_offset_t offset = vm_chunk_offset(c, slot);

		if (vm_chunk_page(c, slot)->wire_count == 0)
			(void)vm_object_page_remove(c->object, offset, offset + PAGE_SIZE);
	}
}

/* Pages that somebody has wired stay: a copy in flight may hold them. By chunk: the range may be all of an address space. */
void
vm_map_free_pages(vm_object_t object, vm_object_offset_t start, vm_object_offset_t end)
{
	struct vm_chunk *c;
	uint64_t at, limit;

	if (likely(object->wired_pages == 0)) {
		(void)vm_object_page_remove(object, start, end);
		return;
	}
	at = start + object->color;
	limit = (end < object->size ? end : object->size) + object->color;
	while (at < limit && (c = vm_chunk_at_or_after(object, at >> VM_CHUNK_SHIFT)) != NULL) {
		uint64_t base = c->index << VM_CHUNK_SHIFT, stop = base + MEGAPAGE_SIZE;

		if (at < base)
			at = base;
		if (stop > limit)
			stop = limit;
		if (at >= stop)
			break;
		if (c->wired != 0)
			free_unwired(c, (unsigned)((at - base) >> PAGE_SHIFT), (unsigned)((stop - base) >> PAGE_SHIFT));
		else
			(void)vm_object_page_remove(object, at - object->color, stop - object->color);
		at = stop;
	}
}

/*
 * Pages that only this entry can reach go at once if the object stays. The
 * reference count cannot fall below what we see to 1 by others' doing and rise
 * again: all references that matter are entries of this map.
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
		vm_map_free_pages(object, e->offset, e->offset + (e->vme_end - e->vme_start));
	spin_unlock(&object->lock);
}

static void
remove_run(vm_map_t map, vm_offset_t from, vm_offset_t to, bool harvest)
{
	if (harvest)
		pmap_remove(map->pmap, from, to);
	else
		pmap_remove_dead(map->pmap, from, to);
}

/* Leaves that are not, or not only, at map's addresses in its pmap: it is a submap, or has no pmap. */
static noinline void
remove_leaves_elsewhere(vm_map_t map, vm_map_entry_t e, vm_offset_t end)
{
	for (; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		if (e->is_sub_map)
			vm_map_submap_remove_leaves(map, e);
		else if (e->object.vm_object != NULL)
			vm_map_protect_leaves(map, e, VM_PROT_NONE);
	}
}

/*
 * The PTEs of the entries from first on that begin below end. Neighbours go in
 * one call (one batch of fences); a wide hole starts another, so that the cost
 * follows what is mapped. A pager's pages outlive the mapping, and so must
 * what the leaves know about them.
 */
static void
remove_leaves(vm_map_t map, vm_map_entry_t first, vm_offset_t end)
{
	vm_offset_t from = 0, to = 0;
	bool harvest = false;

	if (unlikely(map->submap_level != 0 || map->pmap == NULL)) {
		remove_leaves_elsewhere(map, first, end);
		return;
	}
	for (vm_map_entry_t e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		if (unlikely(e->is_sub_map)) {
			vm_map_submap_remove_leaves(map, e);
			continue;
		}
		if (e->object.vm_object == NULL)
			continue;
		if (to == 0)
			from = e->vme_start;
		else if (e->vme_start - to > 4 * MEGAPAGE_SIZE) {
			remove_run(map, from, to, harvest);
			from = e->vme_start;
			harvest = false;
		}
		harvest |= !e->object.vm_object->internal;
		to = e->vme_end;
	}
	if (to != 0)
		remove_run(map, from, to, harvest);
}

/* --- what stands in the way --- */

void
vm_map_widen(vm_map_t map, vm_offset_t *start, vm_offset_t *end)
{
	vm_map_entry_t e;

	if (vm_map_lookup_entry(map, *start, &e) && e->superpage)
		*start &= ~vm_map_superpage_mask(e);
	if (vm_map_lookup_entry(map, *end - 1, &e) && e->superpage)
		*end = (*end + vm_map_superpage_mask(e)) & ~vm_map_superpage_mask(e);
}

/* May the entries in [first, end) go, as far as wirings are concerned? */
static kern_return_t
check_special(vm_map_t map, vm_map_entry_t first, vm_offset_t end, unsigned flags)
{
	for (vm_map_entry_t e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		unsigned kernel = e->wired_count - (e->user_wired_count != 0);

		KASSERT(!e->in_transition, ("map %lu: [0x%lx, 0x%lx) removed in transition",
		    map->id, e->vme_start, e->vme_end));
		if (kernel > (flags & VM_MAP_REMOVE_KUNWIRE ? 1u : 0u) && !(flags & VM_MAP_REMOVE_ALL))
			return KERN_FAIL(KERN_FAILURE, "the kernel has wired the entry at 0x%lx %u times",
			    e->vme_start, kernel);
	}
	return KERN_SUCCESS;
}

/* A permanent entry that was to go: all rights go instead. */
static void
seal(vm_map_t map, vm_map_entry_t e)
{
	vm_map_count_user_wired(map, e, -1);
	if (e->wired_count != 0)
		vm_map_unwire_pages(e);
	e->wired_count = e->user_wired_count = 0;
	e->protection = e->max_protection = VM_PROT_NONE;
	if (map->pmap != NULL)
		pmap_remove(map->pmap, e->vme_start, e->vme_end);
}

/* --- removing --- */

/* Second half: the entries from first on are cut to the range. Returns their list. */
static vm_map_entry_t
unlink_range(vm_map_t map, vm_map_entry_t first, vm_offset_t end, unsigned flags)
{
	vm_map_entry_t header = vm_map_to_entry(map), e, next, dead = NULL, *tail = &dead;

	remove_leaves(map, first, end);
	for (e = first; e != header && e->vme_start < end; e = next) {
		next = e->vme_next;
		if (unlikely(map->special)) {
			vm_map_unwired(map);
			if (e->permanent && !(flags & VM_MAP_REMOVE_ALL)) {
				seal(map, e);
				continue;
			}
			vm_map_count_user_wired(map, e, -1);
			if (e->vme_end == map->anon_loc)
				map->anon_loc = e->vme_start;
		}
		vm_map_store_unlink(map, e);
		e->vme_next = NULL;
		*tail = e;
		tail = &e->links.next;
	}
	if (unlikely(map->wait_for_space))
		vm_map_space_wakeup(map);
	return dead;
}

kern_return_t
vm_map_delete_with(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags, vm_map_entry_t *dead)
{
	vm_map_entry_t header = vm_map_to_entry(map), first, last;
	kern_return_t kr;

	*dead = NULL;
	if (start < map->min_offset)
		start = map->min_offset;
	if (end > map->max_offset)
		end = map->max_offset;
	if (start >= end)
		return KERN_SUCCESS;
	if (unlikely(map->special)) {
		vm_map_widen(map, &start, &end);
		kr = check_special(map, vm_map_entry_at_or_after(map, start), end, flags);
		if (kr == KERN_SUCCESS)
			kr = vm_map_unnest_borders(map, start, end);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	first = vm_map_entry_at_or_after(map, start);
	if (first == header || first->vme_start >= end)
		return KERN_SUCCESS;
	last = first;
	if (first->vme_end < end)
		(void)vm_map_lookup_entry(map, end - 1, &last);
	if (!vm_map_cut(map, &first, &last, start, end))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", start, end);
	*dead = unlink_range(map, first, end, flags);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_delete(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_entry_t *dead)
{
	return vm_map_delete_with(map, start, end, VM_MAP_NO_FLAGS, dead);
}

void
vm_map_undelete(vm_map_t map, vm_map_entry_t dead)
{
	struct vm_wire_view v = { .map = map, .top = map, .prot = vm_map_tables_prot(map) };
	vm_map_entry_t after, next;

	for (; dead != NULL; dead = next) {
		next = dead->vme_next;
		(void)vm_map_lookup_entry(map, dead->vme_start, &after);
		vm_map_store_link(map, after, dead);
		vm_map_count_user_wired(map, dead, 1);
		if (dead->wired_count != 0 && !dead->is_sub_map)
			(void)vm_fault_wire_leaves(&v, dead, dead->vme_start, dead->vme_end);
	}
}

void
vm_map_free_dead(vm_map_t map, vm_map_entry_t dead)
{
	vm_map_entry_t next;

	(void)map;
	for (; dead != NULL; dead = next) {
		next = dead->vme_next;
		if (unlikely(dead->wired_count != 0)) {
			if (dead->zero_wired && !dead->is_sub_map)
				vm_fault_zero_wired(dead);
			vm_map_unwire_pages(dead);
		}
		if (dead->is_sub_map)
			vm_map_deallocate(dead->object.sub_map);
		else {
			free_unreachable_pages(dead);
			vm_object_deallocate(dead->object.vm_object);
		}
		vm_map_entry_dispose(dead);
	}
}

/*
 * Sleeps until an entry of the range that the kernel has wired is unwired.
 * Write lock held, and again on return. FALSE: interrupted.
 */
static bool
wait_for_unwiring(vm_map_t map, vm_offset_t start, vm_offset_t end, bool interruptible)
{
	vm_map_entry_t e;
	bool woken = true;

	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end;
	    e = e->vme_next)
		if (e->wired_count > (e->user_wired_count != 0)) {
			map->unwire_waiters++;
			woken = vm_map_entry_wait(map, interruptible);
			VM_RELOCK_POINT(map, "vm_map_remove.unwired");
			vm_map_lock(map);
			map->unwire_waiters--;
			break;
		}
	return woken;
}

/* vm_map_delete_with, and all the waiting that may come before it. Write lock held, dropped to wait. */
static noinline kern_return_t
remove_special(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags, vm_map_entry_t *dead)
{
	bool interruptible = (flags & VM_MAP_REMOVE_INTERRUPTIBLE) != 0;
	kern_return_t kr;

	for (;;) {
		kr = vm_map_settle(map, start, end, interruptible);
		if (kr == KERN_SUCCESS)
			kr = vm_map_delete_with(map, start, end, flags, dead);
		if (kr != KERN_FAILURE || !(flags & VM_MAP_REMOVE_WAIT_FOR_KWIRE))
			return kr;
		if (!wait_for_unwiring(map, start, end, interruptible))
			return KERN_FAIL(KERN_ABORTED, "interrupted while [0x%lx, 0x%lx) was wired by the kernel", start, end);
	}
}

kern_return_t
vm_map_remove(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags)
{
	vm_map_entry_t dead = NULL;
	kern_return_t kr;

	vm_map_lock(map);
	if (likely(!map->special))
		kr = vm_map_delete_with(map, start, end, flags, &dead);
	else
		kr = remove_special(map, start, end, flags, &dead);
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	return kr;
}
