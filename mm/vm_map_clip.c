/*
 * vm_map_clip.c: cutting entries at the borders of a range, and joining
 * neighbours that nothing tells apart any more.
 *
 *   clip at a:      [s      e      t)   ==>   [s  e  a)[a  new  t)
 *
 * Both pieces map the same object; the offset advances with the address. A
 * piece inherits every attribute, wirings and in_transition included, and one
 * more reference on the object. PTEs need no change: what is mapped where stays
 * true.
 *
 * An operation takes the entries that both its cuts need before it makes the
 * first one, so a range is cut at both ends or not at all (vm_map_cut_range).
 *
 * Merging (Mach: vm_map_simplify): adjacent, neither a submap nor in
 * transition, same object with contiguous offsets (or both none), and equal in
 * everything a user can see. Neighbours with different needs_copy differ.
 *
 * Locks: the map's write lock.
 */
#include "vm_map_impl.h"

bool
vm_map_spare_take(struct vm_map_spare *spare, const struct vm_map_entry *first, const struct vm_map_entry *last,
    vm_offset_t start, vm_offset_t end)
{
	*spare = (struct vm_map_spare){ .low = NULL };
	if (first->vme_start < start && unlikely((spare->low = vm_map_entry_create()) == NULL))
		return false;
	if (last->vme_end > end && unlikely((spare->high = vm_map_entry_create()) == NULL)) {
		vm_map_spare_release(spare);
		return false;
	}
	return true;
}

void
vm_map_spare_release(struct vm_map_spare *spare)
{
	if (spare->low != NULL)
		vm_map_entry_dispose(spare->low);
	if (spare->high != NULL)
		vm_map_entry_dispose(spare->high);
}

/* Cuts at `at`, inside entry: `back` becomes the part from there on, with its own reference on what it maps. */
static inline void
split(vm_map_t map, vm_map_entry_t entry, vm_offset_t at, vm_map_entry_t back)
{
	*back = *entry;
	back->offset += at - entry->vme_start;
	if (unlikely(entry->is_sub_map))
		vm_map_reference(entry->object.sub_map);
	else
		vm_object_reference(entry->object.vm_object);
	vm_map_store_split(map, entry, at, back);
}

vm_map_entry_t
vm_map_clip_start(vm_map_t map, vm_map_entry_t entry, vm_offset_t start, const struct vm_map_spare *spare)
{
	if (spare->low == NULL)
		return entry;
	split(map, entry, start, spare->low);
	return spare->low;
}

void
vm_map_clip_end(vm_map_t map, vm_map_entry_t entry, vm_offset_t end, const struct vm_map_spare *spare)
{
	if (spare->high != NULL)
		split(map, entry, end, spare->high);
}

bool
vm_map_cut_slow(vm_map_t map, vm_map_entry_t *first, vm_map_entry_t *last, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_spare spare;
	vm_map_entry_t e;

	if (!vm_map_spare_take(&spare, *first, *last, start, end))
		return false;
	e = vm_map_clip_start(map, *first, start, &spare);
	if (e != *first) {
		if (*last == *first)
			*last = e;
		*first = e;
	}
	vm_map_clip_end(map, *last, end, &spare);
	return true;
}

kern_return_t
vm_map_check_split_slow(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	const vm_offset_t border[] = { start, end };
	vm_map_entry_t e;

	for (unsigned i = 0; i < nitems(border); i++) {
		vm_offset_t at = border[i];

		if (vm_map_lookup_entry(map, at, &e) && e->vme_start < at && e->split != 0 &&
		    (at & ((e->split == 1 ? MEGAPAGE_SIZE : GIGAPAGE_SIZE) - 1)) != 0)
			return KERN_FAIL(KERN_INVALID_ARGUMENT, "the entry at 0x%lx is cut at superpages only, not at 0x%lx",
			    e->vme_start, at);
	}
	return KERN_SUCCESS;
}

kern_return_t
vm_map_cut_range(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_entry_t *first)
{
	kern_return_t kr = vm_map_unnest_borders(map, start, end);
	vm_map_entry_t last;

	if (kr != KERN_SUCCESS)
		return kr;
	*first = vm_map_entry_at_or_after(map, start);
	if (*first == vm_map_to_entry(map) || (*first)->vme_start >= end)
		return KERN_SUCCESS;
	(void)vm_map_lookup_entry(map, end - 1, &last);
	if (vm_map_cut(map, first, &last, start, end))
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", start, end);
}

/* Neighbours of which something speaks: parts of one stack, or of the gap of one, have the same in `stack`. */
static noinline bool
mergeable_uncommon(const struct vm_map_entry *a, const struct vm_map_entry *b)
{
	return !a->is_sub_map && !a->in_transition && !a->needs_wakeup && a->stack == b->stack;
}

/* Neighbours, alike in all attributes. */
static inline bool
mergeable(const struct vm_map_entry *a, const struct vm_map_entry *b)
{
	static const struct vm_map_entry uncommon = {
		.is_sub_map = 1, .in_transition = 1, .needs_wakeup = 1, .grows_down = 1, .grows_up = 1, .stack_gap = 1,
	};

	return (likely((a->attributes & uncommon.attributes) == 0) || mergeable_uncommon(a, b)) &&
	    a->object.vm_object == b->object.vm_object &&
	    (a->object.vm_object == NULL ||
	    a->offset + (a->vme_end - a->vme_start) == b->offset) &&
	    a->wired_count == b->wired_count && a->user_wired_count == b->user_wired_count;
}

vm_map_entry_t
vm_map_merge_prev_slow(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_t prev = entry->vme_prev, dead;

	if (!mergeable(prev, entry))
		return entry;
	dead = vm_map_store_join(map, prev);
	/* Never the last reference: the other holds one. */
	if (dead->object.vm_object != NULL)
		__atomic_sub_fetch(&dead->object.vm_object->ref_count, 1, __ATOMIC_RELEASE);
	vm_map_entry_dispose(dead);
	return dead == prev ? entry : prev;
}

void
vm_map_merge_from(vm_map_t map, vm_map_entry_t e, vm_offset_t end)
{
	vm_map_entry_t header = vm_map_to_entry(map);

	while (e != header && e->vme_start <= end)
		e = vm_map_merge_prev(map, e)->vme_next;
}

void
vm_map_merge_range(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_merge_from(map, vm_map_entry_at_or_after(map, start), end);
}

void
vm_map_simplify(vm_map_t map, vm_offset_t addr)
{
	vm_map_entry_t e;

	vm_map_lock(map);
	if (vm_map_lookup_entry(map, addr, &e)) {
		e = vm_map_merge_prev(map, e);
		(void)vm_map_merge_prev(map, e->vme_next);
	}
	vm_map_unlock(map);
}

kern_return_t
vm_map_clip(vm_map_t map, vm_offset_t addr)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_map_entry_t e, last;

	vm_map_lock(map);
	(void)vm_map_settle(map, addr, addr + PAGE_SIZE, false);
	if (!vm_map_lookup_entry(map, addr, &e))
		kr = KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", addr);
	else if ((e->use_pmap || e->superpage) && (addr & vm_map_superpage_mask(e)) != 0)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx lies within a superpage or a nested page table", addr);
	else if ((kr = vm_map_check_split(map, addr, e->vme_end)) == KERN_SUCCESS) {
		last = e;
		if (!vm_map_cut(map, &e, &last, addr, e->vme_end))
			kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an entry");
	}
	vm_map_unlock(map);
	return kr;
}
