/*
 * vm_map_behavior.c: advice about a range (Mach: vm_behavior_set, FreeBSD: vm_map_madvise).
 *
 * The first four kinds are kept in the entries, for the fault path to read, and
 * so is whether megapages are wanted from the first touch on (MEGAPAGES, SMALL_PAGES).
 * The others act at once and leave no trace in the entries:
 *
 *   WILLNEED           what is resident is mapped, what a pager has is fetched
 *   DONTNEED           the pages count as not referenced; contents stay
 *   PAGEOUT            leaves go, and a pager's pages that it has unchanged
 *   FREE, REUSABLE     the pages are given back; they read as zero from then on
 *   REUSE, CAN_REUSE   the question whether REUSABLE may be said, only
 *   ZERO               reads as zero now
 *   ZERO_WIRED_PAGES   pages that are wired when the range is unmapped are
 *                      cleared then (the one action that entries remember)
 *
 * Giving back is for private writable memory without a pager, whose pages no
 * other entry can reach and nobody holds: elsewhere FREE does nothing, and the
 * REUSE kinds are refused. Nobody's private copy ever changes: ZERO gives private
 * ranges back whole (their entries get no object at all), and writes zeros
 * through the fault path, pushes included, where memory is shared, wired or a
 * pager's.
 *
 * FreeBSD's advice is the same with holes and submap windows passed over, and
 * two attributes more that entries remember (no_sync, no_core).
 *
 * First every check of the whole range, then the change. Actions on pages that
 * may sleep go by address and look up afresh; a range that changes under them
 * is served as it is found.
 *
 * Locks: the map's; objects within. Failure: the codes of vm_map_behavior_set.
 */
#include <mm/vm_map_range.h>
#include "vm_map_impl.h"
#include "vm_object_impl.h"

/* The part of an entry that lies in the range. */
struct part {
	vm_offset_t start, end;
	vm_object_offset_t offset;      /* of start in the object */
};

static inline struct part
part_of(const struct vm_map_entry *e, vm_offset_t start, vm_offset_t end)
{
	struct part p = {
		.start = e->vme_start > start ? e->vme_start : start,
		.end = e->vme_end < end ? e->vme_end : end,
	};

	p.offset = e->offset + (p.start - e->vme_start);
	return p;
}

#define FOREACH(map, e, start, end) \
	for ((e) = vm_map_entry_at_or_after(map, start); (e) != vm_map_to_entry(map) && (e)->vme_start < (end); (e) = (e)->vme_next)

/* --- pages of one object, chunk by chunk --- */

/* One chunk's slots [slot, slot + n), the first of them at va. Object locked. */
typedef void (*chunk_fn)(vm_map_t map, vm_map_entry_t e, struct vm_chunk *c, unsigned slot, unsigned n, vm_offset_t va);

/* Calls fn for every chunk that holds pages of the part. */
static void
each_chunk(vm_map_t map, vm_map_entry_t e, const struct part *p, chunk_fn fn)
{
	vm_object_t object = e->object.vm_object;
	uint64_t at, last;

	spin_lock(&object->lock);
	at = (p->offset + object->color) >> PAGE_SHIFT;
	last = at + ((p->end - p->start) >> PAGE_SHIFT);
	for (struct vm_chunk *c = vm_chunk_at_or_after(object, at / VM_CHUNK_PAGES), *next;
	    c != NULL && c->index * VM_CHUNK_PAGES < last; c = next) {
		uint64_t base = c->index * VM_CHUNK_PAGES, from = at > base ? at : base;
		uint64_t to = last < base + VM_CHUNK_PAGES ? last : base + VM_CHUNK_PAGES;
		struct tree_node *after = tree_next(&c->node);

		next = after != NULL ? container_of(after, struct vm_chunk, node) : NULL;
		fn(map, e, c, (unsigned)(from - base), (unsigned)(to - from), p->start + ((from - at) << PAGE_SHIFT));
	}
	spin_unlock(&object->lock);
}

/* --- DONTNEED --- */

static void
forget_references(vm_map_t map, vm_map_entry_t e, struct vm_chunk *c, unsigned slot, unsigned n, vm_offset_t va)
{
	unsigned end = slot + n;
	uint64_t bits = 0;

	(void)e;
	pmap_clear_reference_range(map->pmap, va, va + ((vm_offset_t)n << PAGE_SHIFT));
	/* What was collected from leaves that are gone: rarely anything, so a page costs a look. */
	for (; slot < end; slot++, bits >>= 1) {
		struct vm_page *m;

		if (bits == 0 || slot % 64 == 0)
			bits = c->popmap[slot / 64] >> (slot % 64);
		if (!(bits & 1))
			continue;
		m = vm_chunk_page(c, slot);
		if (unlikely(m->o.ad != 0))
			pmap_clear_reference(m);
		if (unlikely(m->flags & VM_PAGE_REFERENCED))
			m->flags &= (uint8_t)~VM_PAGE_REFERENCED;
	}
}

/* --- PAGEOUT --- */

static void
drop_clean_pages(vm_map_t map, vm_map_entry_t e, struct vm_chunk *c, unsigned slot, unsigned n, vm_offset_t va)
{
	vm_object_t object = e->object.vm_object;
	unsigned end = slot + n;

	(void)map;
	(void)va;
	for (slot = vm_chunk_next(c, slot); slot < end; slot = vm_chunk_next(c, slot + 1)) {
		struct vm_page *m = vm_chunk_page(c, slot);
		vm_object_offset_t offset = vm_chunk_offset(c, slot);
		bool last = c->resident == 1;

		if (m->wire_count != 0 || m->page_lock != 0 || (m->flags & (VM_PAGE_DIRTY | VM_PAGE_PRECIOUS | VM_PAGE_BUSY)))
			continue;
		pmap_page_protect(m, VM_PROT_NONE);
		if (pmap_is_modified(m))
			continue;
		(void)vm_object_page_remove(object, offset, offset + PAGE_SIZE);
		if (last)
			return;         /* and the chunk went with it */
	}
}

/* --- FREE, REUSABLE --- */

/* May the pages behind e be given back? Map locked. */
static bool
reusable(vm_map_entry_t e)
{
	vm_object_t o = e->object.vm_object;
	bool ok;

	if (e->is_sub_map || e->wired_count != 0 || e->in_transition || e->needs_copy || e->is_shared ||
	    !(e->protection & VM_PROT_WRITE))
		return false;
	if (o == NULL)
		return true;
	spin_lock(&o->lock);
	ok = o->internal && o->pager == NULL && o->shadow == NULL && o->copy == NULL && !o->true_share && !o->named &&
	    (o->one_mapping || __atomic_load_n(&o->ref_count, __ATOMIC_ACQUIRE) == 1);
	spin_unlock(&o->lock);
	return ok;
}

/* The leaves of e's part [start, end), whose pages nobody wants any more; where others show the map, those of all of e. */
static void
forget_leaves(vm_map_t map, vm_map_entry_t e, vm_offset_t start, vm_offset_t end)
{
	if (unlikely(map->submap_level != 0))
		vm_map_protect_leaves(map, e, VM_PROT_NONE);
	else if (map->pmap != NULL)
		pmap_remove_advised(map->pmap, start, end, true);
}

/* Write lock held: no fault of this map is under way, and nobody else reaches the pages. */
static void
give_back(vm_map_t map, vm_map_entry_t e, const struct part *p)
{
	vm_object_t object = e->object.vm_object;

	if (object == NULL || !reusable(e))
		return;
	forget_leaves(map, e, p->start, p->end);
	spin_lock(&object->lock);
	vm_map_free_pages(object, p->offset, p->offset + (p->end - p->start));
	spin_unlock(&object->lock);
}

/* --- WILLNEED --- */

static void
map_resident(vm_map_t map, vm_map_entry_t e, struct vm_chunk *c, unsigned slot, unsigned n, vm_offset_t va)
{
	vm_object_t object = e->object.vm_object;
	vm_prot_t prot = e->protection & vm_map_tables_prot(map);

	if (e->needs_copy || object->copy != NULL)
		prot &= ~VM_PROT_WRITE;
	if (object->locked_pages == 0 && !object->uncached && e->wired_count == 0)
		(void)pmap_enter_run(map->pmap, va, c, slot, n, prot);
}

/*
 * Some memory from va on: one entry, or of a pager's one page. Returns where to
 * go on. Best effort: a page that cannot be had now is had by its fault, if ever.
 */
static vm_offset_t
will_need(vm_map_t map, vm_offset_t va, vm_offset_t end)
{
	vm_offset_t next = end;
	bool fetch = false;
	vm_map_entry_t e;

	vm_map_lock_read(map);
	if (!vm_map_lookup_entry(map, va, &e)) {
		if (e->vme_next != vm_map_to_entry(map) && e->vme_next->vme_start < end)
			next = e->vme_next->vme_start;
	} else {
		struct part p = part_of(e, va, end);
		vm_object_t o = e->is_sub_map ? NULL : e->object.vm_object;

		next = p.end;
		if (o != NULL && o->internal && map->pmap != NULL)
			each_chunk(map, e, &p, map_resident);
		else if (o != NULL && !o->phys_contiguous && p.offset < o->size)
			fetch = true;
	}
	vm_map_unlock_read(map);
	if (!fetch)
		return next;
	if (vm_fault_resident(map, va, VM_PROT_READ) != KERN_SUCCESS)
		return next;
	return va + PAGE_SIZE;
}

/* --- ZERO --- */

static bool
clear_page(struct vm_page *m, void *arg)
{
	vm_offset_t *left = arg;

	vm_page_zero(m);
	*left -= PAGE_SIZE;
	return *left != 0;
}

/* May e's part simply lose its object? */
static inline bool
can_forget(const struct vm_map_entry *e)
{
	vm_object_t o = e->object.vm_object;

	return !e->is_sub_map && e->wired_count == 0 && !e->is_shared && o->internal && o->pager == NULL &&
	    !o->true_share && !o->named;
}

static kern_return_t
check_zero(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t first, last;

	return vm_map_check_range(map, start, end, VM_PROT_WRITE, false, &first, &last);
}

/*
 * The private entries of [start, end), which begins and ends with entries, have
 * no object from now on; the old ones hang on *dead. Write lock held.
 */
static kern_return_t
forget_objects(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_entry_t *dead)
{
	vm_map_entry_t e, spare = NULL, d;

	FOREACH(map, e, start, end) {
		if (e->is_sub_map || e->object.vm_object == NULL || !can_forget(e))
			continue;
		d = vm_map_entry_create();
		if (d == NULL) {
			while ((d = spare) != NULL) {
				spare = d->vme_next;
				vm_map_entry_dispose(d);
			}
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to clear the entry at 0x%lx", e->vme_start);
		}
		d->vme_next = spare;
		spare = d;
	}
	FOREACH(map, e, start, end) {
		if (e->is_sub_map || e->object.vm_object == NULL || !can_forget(e))
			continue;
		d = spare;
		spare = d->vme_next;
		*d = *e;
		d->vme_next = *dead;
		*dead = d;
		forget_leaves(map, e, e->vme_start, e->vme_end);
		e->object.vm_object = NULL;
		e->offset = 0;
		e->needs_copy = false;
	}
	return KERN_SUCCESS;
}

/* Zeros through the fault path wherever [start, end) still has an object. */
static kern_return_t
write_zeros(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	kern_return_t kr = KERN_SUCCESS;

	while (kr == KERN_SUCCESS && start < end) {
		vm_offset_t next = end, left;
		bool absent = true;
		vm_map_entry_t e;

		vm_map_lock_read(map);
		if (vm_map_lookup_entry(map, start, &e)) {
			next = e->vme_end < end ? e->vme_end : end;
			absent = !e->is_sub_map && e->object.vm_object == NULL;
		} else if (e->vme_next != vm_map_to_entry(map) && e->vme_next->vme_start < end)
			next = e->vme_next->vme_start;
		vm_map_unlock_read(map);
		left = next - start;
		if (!absent)
			kr = vm_fault_with(map, start, VM_PROT_WRITE, clear_page, &left);
		start = next;
	}
	return kr;
}

/* --- ranges --- */

static kern_return_t
zero_range(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t first, dead = NULL;
	kern_return_t kr;

	vm_map_lock(map);
	(void)vm_map_settle(map, start, end, false);
	kr = check_zero(map, start, end);
	if (kr == KERN_SUCCESS)
		kr = vm_map_cut_range(map, start, end, &first);
	if (kr == KERN_SUCCESS) {
		kr = forget_objects(map, start, end, &dead);
		vm_map_merge_range(map, start, end);
	}
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	VM_RELOCK_POINT(map, "vm_map_behavior.zero");
	return kr == KERN_SUCCESS ? write_zeros(map, start, end) : kr;
}

/* FreeBSD's, as behaviours that Mach's callers cannot say. */
#define NOSYNC      512u
#define AUTOSYNC    513u
#define NOCORE      514u
#define CORE        515u

static inline bool
is_stored(vm_behavior_t behavior)
{
	return behavior <= VM_BEHAVIOR_STORED_LAST || behavior == VM_BEHAVIOR_ZERO_WIRED_PAGES ||
	    behavior > VM_BEHAVIOR_LAST_VALID;
}

static inline void
remember(vm_map_entry_t e, vm_behavior_t behavior)
{
	switch (behavior) {
	case VM_BEHAVIOR_ZERO_WIRED_PAGES:
		e->zero_wired = true;
		break;
	case VM_BEHAVIOR_MEGAPAGES: case VM_BEHAVIOR_SMALL_PAGES:
		e->megapages = behavior == VM_BEHAVIOR_MEGAPAGES;
		break;
	case NOSYNC: case AUTOSYNC:
		e->no_sync = behavior == NOSYNC;
		break;
	case NOCORE: case CORE:
		e->no_core = behavior == NOCORE;
		break;
	default:
		e->behavior = behavior & 3;
	}
}

/* What entries remember. windows: those of submaps, too. */
static kern_return_t
store(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_behavior_t behavior, bool windows)
{
	vm_map_entry_t e;
	kern_return_t kr = vm_map_cut_range(map, start, end, &e);

	if (kr != KERN_SUCCESS)
		return kr;
	FOREACH(map, e, start, end)
		if (windows || !e->is_sub_map)
			remember(e, behavior);
	vm_map_merge_range(map, start, end);
	return KERN_SUCCESS;
}

/* The actions that look at one entry after the other, under the write lock. */
static kern_return_t
act(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_behavior_t behavior)
{
	vm_map_entry_t e;

	if (behavior >= VM_BEHAVIOR_REUSABLE && behavior <= VM_BEHAVIOR_CAN_REUSE)
		FOREACH(map, e, start, end)
			if (!reusable(e))
				return KERN_FAIL(KERN_INVALID_ARGUMENT, "the memory at 0x%lx is not private, writable and unwired", e->vme_start);
	FOREACH(map, e, start, end) {
		struct part p = part_of(e, start, end);
		vm_object_t o = e->is_sub_map ? NULL : e->object.vm_object;

		switch (behavior) {
		case VM_BEHAVIOR_DONTNEED:
			if (o != NULL && map->pmap != NULL && e->wired_count == 0)
				each_chunk(map, e, &p, forget_references);
			break;
		case VM_BEHAVIOR_PAGEOUT:
			if (map->pmap != NULL && e->wired_count == 0 && !e->use_pmap)
				pmap_remove_advised(map->pmap, p.start, p.end, false);
			if (o != NULL && !o->internal && !o->phys_contiguous)
				each_chunk(map, e, &p, drop_clean_pages);
			break;
		case VM_BEHAVIOR_FREE:
		case VM_BEHAVIOR_REUSABLE:
			give_back(map, e, &p);
			break;
		default:
			break;
		}
	}
	return KERN_SUCCESS;
}

kern_return_t
vm_map_behavior_set(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_behavior_t behavior)
{
	vm_map_entry_t first, last;
	kern_return_t kr;

	if (!vm_behavior_is_valid(behavior))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "there is no behaviour %u", behavior);
	if (start < map->min_offset || end > map->max_offset)
		return KERN_FAIL(KERN_NO_SPACE, "[0x%lx, 0x%lx) is not within the map [0x%lx, 0x%lx)", start, end,
		    map->min_offset, map->max_offset);
	if (start >= end)
		return KERN_SUCCESS;
	if (behavior == VM_BEHAVIOR_ZERO)
		return zero_range(map, start, end);
	vm_map_lock(map);
	kr = vm_map_check_range(map, start, end, VM_PROT_NONE, false, &first, &last);
	if (kr == KERN_SUCCESS && behavior != VM_BEHAVIOR_WILLNEED)
		kr = is_stored(behavior) ? store(map, start, end, behavior, true) : act(map, start, end, behavior);
	vm_map_unlock(map);
	if (kr == KERN_SUCCESS && behavior == VM_BEHAVIOR_WILLNEED)
		while (start < end)
			start = will_need(map, start, end);
	return kr;
}

kern_return_t
vm_map_madvise(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned advice)
{
	static const uint16_t behaviors[] = {
		[MADV_NORMAL] = VM_BEHAVIOR_DEFAULT, [MADV_RANDOM] = VM_BEHAVIOR_RANDOM,
		[MADV_SEQUENTIAL] = VM_BEHAVIOR_SEQUENTIAL, [MADV_WILLNEED] = VM_BEHAVIOR_WILLNEED,
		[MADV_DONTNEED] = VM_BEHAVIOR_DONTNEED, [MADV_FREE] = VM_BEHAVIOR_FREE, [MADV_NOSYNC] = NOSYNC,
		[MADV_AUTOSYNC] = AUTOSYNC, [MADV_NOCORE] = NOCORE, [MADV_CORE] = CORE,
	};
	vm_behavior_t behavior;
	kern_return_t kr;

	if (advice >= nitems(behaviors))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "there is no advice %u", advice);
	behavior = behaviors[advice];
	if (!vm_map_range_check(map, &start, &end))
		return KERN_SUCCESS;
	if (behavior == VM_BEHAVIOR_WILLNEED) {
		while (start < end)
			start = will_need(map, start, end);
		return KERN_SUCCESS;
	}
	vm_map_lock(map);
	kr = is_stored(behavior) ? store(map, start, end, behavior, false) : act(map, start, end, behavior);
	vm_map_unlock(map);
	return kr;
}
