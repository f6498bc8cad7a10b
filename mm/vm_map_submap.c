/*
 * vm_map_submap.c: windows of one map in another.
 *
 *   map    ... [  window: sub, offset  ) ...        sub_map instead of an object
 *                 |                 |
 *   sub    ... [ a  )[      b       )[ c ) ...      entries, found by lookups through
 *                                                   any window (vm_map_lookup.c)
 *
 * A plain window acts on the submap's entries: whoever maps the submap sees
 * the same. Leaves go to the pmap of the map that was asked, at its addresses;
 * or, where a window nests the submap's page tables, to those (vm_map_nest.c).
 * A needs_copy window lets only reads through: the first write replaces the
 * part of the window that one entry of the submap serves by a copy of that
 * entry (vm_map_unnest_copy):
 *
 *   map    [ window )[ copy of b, needs_copy )[ window )
 *
 * What is done to a range of the parent concerns the window. What is done to
 * the submap itself must reach every leaf made through it. A submap does not
 * know its windows: their maps' locks come before its own, so it could not look
 * at them. So it goes by the reverse mappings of the pages (vm_map_protect_leaves):
 * while a map's write lock is held no lookup can pass through it, and leaves
 * taken away come back by fault.
 *
 * submap_level: how many maps may lie above a map, in a row: more than that of
 * any map that has a window of it (M5), so there is no cycle, and no lookup
 * goes deeper than VM_SUBMAP_DEPTH_MAX. It only grows: before a window is
 * made, the submap and everything below it are raised above the new parent.
 * Levels are raised by one thread at a time (submap_lock), so that what it
 * walks does not change. Windows are linked without it, since that may call or
 * wait for pagers; under the map's lock it is seen then whether the levels still
 * say so, and if not, all begins anew. Where nothing new becomes reachable (fork,
 * un-nest) they do.
 *
 * Locks: submap_lock < the parent's < the submap's. A window holds one
 * reference on its submap. Failure: everything is checked, and spare entries
 * are taken, before anything changes; a raised level stays raised, which
 * nobody can tell.
 */
#include <mm/vm_print.h>
#include "vm_map_impl.h"

vm_object_t vm_submap_object;

static struct rwlock submap_lock;       /* used as a mutex */
static uint64_t submap_walks;           /* submap_lock */

void
vm_map_submap_bootstrap(void)
{
	rw_init(&submap_lock, LOCK_SUBMAP);
	vm_submap_object = vm_object_allocate(0, 0);
	KASSERT(vm_submap_object != NULL, ("no memory for the placeholder of submaps"));
	/* Not zero-fill: what a fault finds absent here is an error. */
	vm_submap_object->internal = false;
	vm_submap_object->shadow_severed = true;
	vm_submap_object->one_mapping = false;
	vm_submap_object->true_share = true;
	vm_submap_object->copy_strategy = MEMORY_OBJECT_COPY_NONE;
	vm_submap_object->holders = 1;
	vm_object_classify(vm_submap_object);
}

/* --- levels; submap_lock held --- */

/* How many maps lie below map, in a row. *hit: target is one of them or map. No lock of target is taken. */
static unsigned
height_below(vm_map_t map, vm_map_t target, bool *hit)
{
	unsigned height = 0, h;
	vm_map_entry_t e;

	if (map == target) {
		*hit = true;
		return 0;
	}
	if (map->walk_round == submap_walks)
		return map->walk_height;
	vm_map_lock_read(map);
	if (__atomic_load_n(&map->has_submaps, __ATOMIC_RELAXED))
		for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
			if (e->is_sub_map && (h = height_below(e->object.sub_map, target, hit) + 1) > height)
				height = h;
	vm_map_unlock_read(map);
	map->walk_round = submap_walks;
	map->walk_height = (uint8_t)height;
	return height;
}

/* map and all below it get their level. Each visit raises a level, so at most 8 per map. */
static void
raise_level(vm_map_t map, unsigned level)
{
	vm_map_entry_t e;

	if (map->submap_level >= level)
		return;
	/* Write-locked: whoever is at work in the map has looked at the level, and no leaf is made through a window before. */
	vm_map_lock(map);
	__atomic_store_n(&map->submap_level, (uint8_t)level, __ATOMIC_RELAXED);
	vm_map_lock_write_to_read(map);
	if (__atomic_load_n(&map->has_submaps, __ATOMIC_RELAXED))
		for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
			if (e->is_sub_map)
				raise_level(e->object.sub_map, level + 1);
	vm_map_unlock_read(map);
}

/* May map have a window of size bytes at offset of submap? No map lock held. */
static kern_return_t
check_window(vm_map_t map, vm_map_t submap, vm_offset_t offset, vm_size_t size)
{
	unsigned height;
	bool cycle = false;

	if (submap == NULL || !page_aligned(offset) || !page_aligned(size) || size == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "no submap, or a window of 0x%lx bytes at 0x%lx", size, offset);
	if (offset < submap->min_offset || offset > submap->max_offset || size > submap->max_offset - offset)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the submap is [0x%lx, 0x%lx): 0x%lx bytes at 0x%lx are not within it",
		    submap->min_offset, submap->max_offset, size, offset);
	if (submap->pmap != NULL && submap->pmap == pmap_kernel())
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the kernel's map is nobody's submap");
	submap_walks++;
	height = height_below(submap, map, &cycle);
	if (cycle)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "map %lu would lie within itself", map->id);
	if (map->submap_level + 1 + height > VM_SUBMAP_DEPTH_MAX)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "%u maps above and %u below: more than %d deep", map->submap_level,
		    height + 1, VM_SUBMAP_DEPTH_MAX);
	return KERN_SUCCESS;
}

/* map is about to get a window of submap. No map lock held, or only map's. */
static void
admit(vm_map_t map, vm_map_t submap)
{
	__atomic_store_n(&map->has_submaps, true, __ATOMIC_RELAXED);
	raise_level(submap, map->submap_level + 1u);
}

/* --- making windows --- */

/* The placeholder entry that is exactly [start, end); write lock. */
static kern_return_t
find_placeholder(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_entry_t *e)
{
	if (!vm_map_lookup_entry(map, start, e) || (*e)->vme_start != start || (*e)->vme_end != end)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "[0x%lx, 0x%lx) is not exactly one entry", start, end);
	if ((*e)->is_sub_map || (*e)->object.vm_object != vm_submap_object)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the entry at 0x%lx is not a placeholder for a submap", start);
	if ((*e)->in_transition || (*e)->wired_count != 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the placeholder at 0x%lx is wired or in transition", start);
	return KERN_SUCCESS;
}

/* map write-locked; what check_window says holds. */
static kern_return_t
fill_placeholder(vm_map_t map, vm_map_entry_t e, vm_map_t submap, vm_offset_t offset, bool use_pmap)
{
	vm_object_offset_t was = e->offset;
	kern_return_t kr;

	e->object.sub_map = submap;
	e->offset = offset;
	e->is_sub_map = true;
	e->is_shared = e->needs_copy = false;
	kr = use_pmap ? vm_map_nest_entry(map, e) : KERN_SUCCESS;
	if (kr == KERN_SUCCESS) {
		vm_map_reference(submap);
		vm_map_window_linked(map, submap, true);
		return kr;
	}
	e->is_sub_map = false;
	e->offset = was;
	e->object.vm_object = vm_submap_object;
	return kr;
}

kern_return_t
vm_map_submap(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_t submap, vm_offset_t offset, bool use_pmap)
{
	vm_map_entry_t e;
	kern_return_t kr;

	if (start >= end)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "[0x%lx, 0x%lx) is empty", start, end);
	rw_write_lock(&submap_lock);
	kr = check_window(map, submap, offset, end - start);
	if (kr == KERN_SUCCESS) {
		vm_map_lock(map);
		kr = find_placeholder(map, start, end, &e);
		if (kr == KERN_SUCCESS) {
			admit(map, submap);
			kr = fill_placeholder(map, e, submap, offset, use_pmap);
		}
		vm_map_unlock(map);
	}
	rw_write_unlock(&submap_lock);
	if (kr == KERN_SUCCESS)
		vm_object_deallocate(vm_submap_object);         /* never the last reference */
	return kr;
}

/* A window just made shares page tables if it can. It may be gone by now, or have leaves. */
static void
nest_window(vm_map_t map, vm_offset_t addr, vm_size_t size, vm_map_t submap, vm_offset_t offset)
{
	vm_map_entry_t e;

	vm_map_lock(map);
	if (vm_map_lookup_entry(map, addr, &e) && e->vme_start == addr && e->vme_end == addr + size &&
	    e->is_sub_map && e->object.sub_map == submap && e->offset == offset && !e->use_pmap && !e->needs_copy &&
	    !e->in_transition && e->wired_count == 0) {
		vm_map_submap_remove_leaves(map, e);
		(void)vm_map_nest_entry(map, e);
	}
	vm_map_unlock(map);
}

kern_return_t
vm_map_enter_submap(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *args,
    vm_map_t submap, bool use_pmap)
{
	struct vm_map_enter_args a = *args;
	vm_offset_t at;
	kern_return_t kr;

	a.object = NULL;
	a.submap = submap;
	a.is_shared = false;
	do {
		rw_write_lock(&submap_lock);
		kr = check_window(map, submap, args->offset, args->size);
		if (kr == KERN_SUCCESS)
			admit(map, submap);
		rw_write_unlock(&submap_lock);
		if (kr != KERN_SUCCESS)
			return kr;
		at = *addr;
		vm_map_reference(submap);
		kr = vm_map_enter(map, &at, &a);
		if (kr != KERN_SUCCESS)
			vm_map_deallocate(submap);              /* the caller has one */
	} while (kr == KERN_MEMORY_RESTART_COPY);
	if (kr != KERN_SUCCESS)
		return kr;
	if (use_pmap && !a.needs_copy)
		nest_window(map, at, a.size, submap, a.offset);
	*addr = at;
	return kr;
}

/* --- leaves made through a submap's entries --- */

/* What lies in [start, end) of map, through windows, too. map is locked, or no lookup can get here. */
static void
protect_range_everywhere(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t keep)
{
	vm_map_entry_t e;

	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		vm_offset_t from = e->vme_start > start ? e->vme_start : start;
		vm_size_t size = (e->vme_end < end ? e->vme_end : end) - from;
		vm_object_offset_t offset = e->offset + (from - e->vme_start);

		if (e->is_sub_map) {
			vm_map_lock_read(e->object.sub_map);
			protect_range_everywhere(e->object.sub_map, offset, offset + size, keep);
			vm_map_unlock_read(e->object.sub_map);
		} else if (e->object.vm_object != NULL) {
			vm_object_pmap_protect(e->object.vm_object, offset, size, PMAP_NULL, 0, keep);
			/* Device leaves have no reverse mapping; through windows there are none (vm_map_lookup.c). */
			if (e->object.vm_object->phys_contiguous && map->pmap != NULL)
				pmap_protect(map->pmap, from, from + size, keep);
		}
	}
}

void
vm_map_protect_leaves_slow(vm_map_t map, vm_map_entry_t e, vm_prot_t keep, bool write_only)
{
	/* No leaf of a page below a top object has WRITE, so those need not be looked at. */
	protect_range_everywhere(map, e->vme_start, e->vme_end, write_only ? VM_PROT_READ | VM_PROT_EXECUTE : keep);
}

void
vm_map_submap_remove_leaves(vm_map_t map, vm_map_entry_t e)
{
	if (e->use_pmap)
		vm_map_unnest_entry(map, e);
	if (map->submap_level != 0)
		vm_map_protect_leaves_slow(map, e, VM_PROT_NONE, false);
	else if (map->pmap != NULL)
		pmap_remove(map->pmap, e->vme_start, e->vme_end);
}

/* Is there something in [start, end) of map, read-locked, that can never be written? Its address, or end. */
static vm_offset_t
find_unwritable(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t e;

	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		vm_offset_t from = e->vme_start > start ? e->vme_start : start;
		vm_size_t size = (e->vme_end < end ? e->vme_end : end) - from, ok;
		vm_object_offset_t offset = e->offset + (from - e->vme_start);

		if (!(e->max_protection & VM_PROT_WRITE))
			return from;
		if (!e->is_sub_map)
			continue;
		vm_map_lock_read(e->object.sub_map);
		ok = find_unwritable(e->object.sub_map, offset, offset + size) - offset;
		vm_map_unlock_read(e->object.sub_map);
		if (ok < size)
			return from + ok;
	}
	return end;
}

kern_return_t
vm_map_submap_check_overwrite(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t e;

	if (!__atomic_load_n(&map->has_submaps, __ATOMIC_RELAXED))
		return KERN_SUCCESS;
	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		vm_offset_t from = e->vme_start > start ? e->vme_start : start;
		vm_size_t size = (e->vme_end < end ? e->vme_end : end) - from, ok;
		vm_object_offset_t offset = e->offset + (from - e->vme_start);

		if (!e->is_sub_map || !e->needs_copy)
			continue;
		vm_map_lock_read(e->object.sub_map);
		ok = find_unwritable(e->object.sub_map, offset, offset + size) - offset;
		vm_map_unlock_read(e->object.sub_map);
		if (ok < size)
			return KERN_FAIL(KERN_PROTECTION_FAILURE, "behind the submap window at 0x%lx, what is at 0x%lx can never be written",
			    e->vme_start, from + ok);
	}
	return KERN_SUCCESS;
}

/* --- copy-on-write of a window --- */

/* The part of a window that one entry of the submap serves, and what it becomes. */
struct piece {
	vm_map_t            map, sub;
	vm_map_entry_t      window;
	vm_map_entry_t      src;        /* the submap's entry */
	vm_offset_t         lo, hi;     /* in map */
	vm_object_offset_t  offset;     /* of lo in what src maps */
	vm_prot_t           access;
	bool                other_pages; /* leaves made so far show pages that the copy does not have */
	union {
		vm_object_t object;     /* one reference */
		vm_map_t    sub_map;
	} as;
	bool                needs_copy;
	struct vm_map_spare spare;
};

/* Both maps write-locked. */
static kern_return_t
piece_find(struct piece *p, vm_offset_t va)
{
	vm_map_entry_t w = p->window, s;
	vm_offset_t at = va - w->vme_start + w->offset;
	vm_prot_t may;

	if (!vm_map_lookup_entry(p->sub, at, &s))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx of the submap behind 0x%lx", at, va);
	may = p->access & VM_PROT_COPY ? s->max_protection : s->protection;
	if (p->access & VM_PROT_ALL & ~may)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "access %s to 0x%lx: the submap's entry at 0x%lx allows %s",
		    vm_prot_name(p->access), va, s->vme_start, vm_prot_name(may));
	p->src = s;
	p->lo = w->vme_start + (s->vme_start > w->offset ? s->vme_start - w->offset : 0);
	p->hi = s->vme_end - w->offset < w->vme_end - w->vme_start ? w->vme_start + (s->vme_end - w->offset) : w->vme_end;
	p->offset = s->offset + (p->lo - w->vme_start + w->offset - s->vme_start);
	return KERN_SUCCESS;
}

/* Without waiting: what needs no copy of contents. FALSE: it has to be done with the maps unlocked. */
static bool
piece_copy_quickly(struct piece *p)
{
	vm_map_entry_t s = p->src;
	bool src_needs_copy;

	if (s->is_sub_map) {
		p->as.sub_map = s->object.sub_map;
		p->needs_copy = true;
		vm_map_reference(p->as.sub_map);
		return true;
	}
	p->as.object = s->object.vm_object;
	if (s->wired_count != 0 || s->in_transition ||
	    !vm_object_copy_quickly(&p->as.object, p->offset, p->hi - p->lo, &src_needs_copy, &p->needs_copy))
		return false;
	if (src_needs_copy && !s->needs_copy) {
		vm_map_write_protect_leaves(p->sub, s);
		s->needs_copy = true;
	}
	return true;
}

/*
 * A copy that may have to wait, so without locks: both maps are unlocked; map is
 * locked again on return. KERN_ABORTED: one of them has changed meanwhile.
 */
static kern_return_t
piece_copy_slowly(struct piece *p)
{
	uint64_t map_version = p->map->timestamp, sub_version = p->sub->timestamp;
	vm_object_t src = p->src->object.vm_object;
	bool changed;
	kern_return_t kr;

	vm_object_reference(src);
	vm_map_reference(p->sub);
	vm_map_unlock(p->sub);
	vm_map_unlock(p->map);
	kr = vm_object_copy_strategically(src, p->offset, p->hi - p->lo, &p->as.object, &p->offset, &p->needs_copy);
	if (kr == KERN_MEMORY_RESTART_COPY) {   /* symmetric, but wired: physically */
		kr = vm_object_copy_slowly(src, p->offset, p->hi - p->lo, true, &p->as.object);
		p->offset = 0;
		p->needs_copy = false;
	}
	vm_object_deallocate(src);
	VM_RELOCK_POINT(p->map, "vm_map_submap.unnest_copy");
	vm_map_lock(p->map);
	changed = p->map->timestamp != map_version + 1;
	vm_map_lock_read(p->sub);
	changed |= p->sub->timestamp != sub_version;
	vm_map_unlock_read(p->sub);
	p->other_pages = true;
	if (kr == KERN_SUCCESS && changed) {
		vm_map_unlock(p->map);
		vm_object_deallocate(p->as.object);
		vm_map_lock(p->map);
	}
	return changed ? KERN_ABORTED : kr;
}

/* The window is cut and the piece becomes what it is to be. Write lock on map. Cannot fail. */
static void
piece_replace(struct piece *p, const struct vm_map_entry *src)
{
	vm_map_entry_t e = vm_map_clip_start(p->map, p->window, p->lo, &p->spare);

	vm_map_clip_end(p->map, e, p->hi, &p->spare);
	if (p->other_pages)
		vm_map_submap_remove_leaves(p->map, e);
	e->protection &= src->protection;
	e->max_protection &= src->max_protection;
	vm_map_window_linked(p->map, p->sub, false);
	if (src->is_sub_map) {
		e->object.sub_map = p->as.sub_map;
		vm_map_window_linked(p->map, p->as.sub_map, true);
	} else {
		e->object.vm_object = p->as.object;
		e->is_sub_map = false;
		e->behavior = src->behavior;
		if (e->inheritance == VM_INHERIT_SHARE)
			e->inheritance = VM_INHERIT_COPY;
	}
	e->offset = p->as.object != NULL ? p->offset : 0;
	e->needs_copy = p->needs_copy;
	e->is_shared = e->use_pmap = false;
}

/* Gives up a reference on map unless it is the last. */
static bool
release_unless_last(vm_map_t map)
{
	uint32_t refs = __atomic_load_n(&map->ref_count, __ATOMIC_RELAXED);

	while (refs > 1)
		if (__atomic_compare_exchange_n(&map->ref_count, &refs, refs - 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	return false;
}

/*
 * The rights of the piece are those that both levels allow: un-nesting gives nobody more than he had, nor what the
 * handle that the window came from forbids.
 */
kern_return_t
vm_map_unnest_copy(vm_map_t map, vm_map_entry_t window, vm_offset_t va, vm_prot_t access)
{
	struct piece p = { .map = map, .sub = window->object.sub_map, .window = window, .access = access };
	struct vm_map_entry src;
	unsigned drop = 0;              /* references on the submap to give up */
	kern_return_t kr;

	KASSERT(window->needs_copy && !window->use_pmap && window->wired_count == 0 && !window->in_transition,
	    ("map %lu: the window at 0x%lx cannot be copied", map->id, window->vme_start));
	vm_map_lock(p.sub);
	kr = piece_find(&p, va);
	if (kr == KERN_SUCCESS && !vm_map_spare_take(&p.spare, window, window, p.lo, p.hi))
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut the window at 0x%lx", window->vme_start);
	if (kr != KERN_SUCCESS) {
		vm_map_unlock(p.sub);
		return kr;
	}
	src = *p.src;
	if (piece_copy_quickly(&p))
		vm_map_unlock(p.sub);
	else {
		kr = piece_copy_slowly(&p);
		drop++;
	}
	if (kr == KERN_SUCCESS) {
		piece_replace(&p, &src);
		drop++;                 /* the window's */
	} else
		vm_map_spare_release(&p.spare);
	while (drop > 0 && release_unless_last(p.sub))
		drop--;
	if (drop > 0) {                 /* nothing is destroyed under the lock */
		vm_map_unlock(map);
		while (drop-- > 0)
			vm_map_deallocate(p.sub);
		VM_RELOCK_POINT(map, "vm_map_submap.last_reference");
		vm_map_lock(map);
		kr = KERN_ABORTED;
	}
	return kr;
}
