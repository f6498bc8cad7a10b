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
 * An operation takes the entries that its clips need before it changes
 * anything (vm_map_spare_take), so clipping itself cannot fail.
 *
 * Merging (Mach: vm_map_simplify): adjacent, neither a submap nor in
 * transition, same object with contiguous offsets (or both none), and equal in
 * everything a user can see. Neighbours with different needs_copy differ.
 *
 * Locks: the map's write lock.
 */
#include "vm_map_impl.h"

bool
vm_map_spare_take(struct vm_map_spare *spare, vm_map_t map, vm_map_entry_t first,
    vm_map_entry_t last, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t header = vm_map_to_entry(map);
	unsigned need = 0;

	spare->n = 0;
	if (first != header && first->vme_start < start && start < first->vme_end)
		need++;
	if (last != header && last->vme_start < end && end < last->vme_end)
		need++;
	while (spare->n < need) {
		vm_map_entry_t e = vm_map_entry_create();

		if (e == NULL) {
			vm_map_spare_release(spare);
			return false;
		}
		spare->entry[spare->n++] = e;
	}
	return true;
}

void
vm_map_spare_release(struct vm_map_spare *spare)
{
	while (spare->n > 0)
		vm_map_entry_dispose(spare->entry[--spare->n]);
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

/* The same with a spare entry; returns the back part. */
static vm_map_entry_t
clip(vm_map_t map, vm_map_entry_t entry, vm_offset_t at, struct vm_map_spare *spare)
{
	vm_map_entry_t back;

	KASSERT(spare->n > 0, ("no spare entry to clip [0x%lx, 0x%lx)",
	    (unsigned long)entry->vme_start, (unsigned long)entry->vme_end));
	back = spare->entry[--spare->n];
	split(map, entry, at, back);
	return back;
}

vm_map_entry_t
vm_map_clip_start(vm_map_t map, vm_map_entry_t entry, vm_offset_t start,
    struct vm_map_spare *spare)
{
	if (start <= entry->vme_start || start >= entry->vme_end)
		return entry;
	return clip(map, entry, start, spare);
}

void
vm_map_clip_end(vm_map_t map, vm_map_entry_t entry, vm_offset_t end, struct vm_map_spare *spare)
{
	if (end > entry->vme_start && end < entry->vme_end)
		(void)clip(map, entry, end, spare);
}

bool
vm_map_cut_slow(vm_map_t map, vm_map_entry_t *first, vm_map_entry_t *last, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t low = NULL, high = NULL;
	bool one = *first == *last;

	if ((*first)->vme_start < start && unlikely((low = vm_map_entry_create()) == NULL))
		return false;
	if ((*last)->vme_end > end && unlikely((high = vm_map_entry_create()) == NULL)) {
		if (low != NULL)
			vm_map_entry_dispose(low);
		return false;
	}
	if (low != NULL) {
		split(map, *first, start, low);
		*first = low;
		if (one)
			*last = low;
	}
	if (high != NULL)
		split(map, *last, end, high);
	return true;
}

/* Neighbours, alike in all attributes. */
static inline bool
mergeable(const struct vm_map_entry *a, const struct vm_map_entry *b)
{
	static const struct vm_map_entry never = { .is_sub_map = 1, .in_transition = 1, .needs_wakeup = 1 };

	return (a->attributes & never.attributes) == 0 &&
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
	struct vm_map_spare spare;
	kern_return_t kr = KERN_SUCCESS;
	vm_map_entry_t e;

	vm_map_lock(map);
	(void)vm_map_settle(map, addr, addr + PAGE_SIZE, false);
	if (!vm_map_lookup_entry(map, addr, &e))
		kr = KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", addr);
	else if ((e->use_pmap || e->superpage) && (addr & MEGAPAGE_MASK) != 0)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx lies within a superpage or a nested page table", addr);
	else if (!vm_map_spare_take(&spare, map, e, e, addr, e->vme_end))
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an entry");
	else
		(void)vm_map_clip_start(map, e, addr, &spare);
	vm_map_unlock(map);
	return kr;
}
