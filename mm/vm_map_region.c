/*
 * vm_map_region.c: questions about what is mapped: vm_region, vm_region_recurse.
 *
 *   vm_region           one entry of the map itself: the one at addr, or the next
 *   vm_region_recurse   the same, but through submaps down to a given depth
 *
 * A region is one entry, never neighbours run together. Finding it costs one
 * lookup in the tree. BASIC reads the entry alone. The others count the pages
 * that the entry shows: window by window of 512 pages, the bitmaps of all
 * levels of the chain are laid over each other, so that a page counts once, at
 * the level that is seen; windows without pages are skipped.
 *
 *      level 0   ..1.1...   resident 2, own 2 (if nobody else has this object)
 *      level 1   .11.1..1   resident 2 more: those that level 0 does not cover
 *
 * The way a region is shared (share_mode) is Mach's: what other entries of this
 * map have the same object is looked for among the nearest ALIAS_NEAR entries
 * on each side only, so that a walk over n entries stays O(n log n).
 *
 * Locks: maps for reading, from the top one down, all held until the answer is
 * complete; objects one after the other, each locked before the one above it is
 * let go. Nothing is changed, nothing can run out. Answers are true at one moment
 * and say nothing about the next.
 */
#include "vm_user_impl.h"
#include "vm_object_impl.h"
#include <string.h>

#define ALIAS_NEAR      64
#define WINDOWS_MAX     4096u           /* that one vm_region_recurse looks through */
#define WINDOW          VM_CHUNK_PAGES

/* What is counted of an entry. */
struct shown {
	uint64_t resident, own, referenced, dirty;
	unsigned depth;                 /* objects below the first */
	bool     external;
};

static kern_return_t
nothing_above(vm_address_ut addr)
{
	return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at or above 0x%lx", addr.v);
}

/* --- counting pages --- */

/* A set of the pages of a window. */
struct window { uint64_t bit[WINDOW / 64]; };

/* The bits of c from slot on, as a window; those past its end are 0. */
static void
window_from(struct window *w, const struct vm_chunk *c, unsigned slot)
{
	unsigned word = slot / 64, shift = slot % 64;

	for (unsigned i = 0; i + word < WINDOW / 64; i++) {
		uint64_t low = c->popmap[i + word] >> shift;
		uint64_t high = shift != 0 && i + word + 1 < WINDOW / 64 ? c->popmap[i + word + 1] << (64 - shift) : 0;

		w->bit[i] |= low | high;
	}
}

/* The bits of c, moved up by `up` places; those that do not fit are dropped. */
static void
window_up(struct window *w, const struct vm_chunk *c, unsigned up)
{
	unsigned word = up / 64, shift = up % 64;

	for (unsigned i = word; i < WINDOW / 64; i++) {
		uint64_t low = c->popmap[i - word] << shift;
		uint64_t high = shift != 0 && i > word ? c->popmap[i - word - 1] >> (64 - shift) : 0;

		w->bit[i] |= low | high;
	}
}

/* The resident pages of object (locked) in the window from its page number `first`, counted from chunk 0. */
static void
window_of(struct window *w, vm_object_t object, uint64_t first)
{
	unsigned slot = first % WINDOW;
	struct vm_chunk *c = vm_chunk_find(object, first / WINDOW);

	memset(w, 0, sizeof(*w));
	if (c != NULL)
		window_from(w, c, slot);
	if (slot != 0 && (c = vm_chunk_find(object, first / WINDOW + 1)) != NULL)
		window_up(w, c, WINDOW - slot);
}

/* The first resident page of object (locked) numbered `from` or above; ~0: none. */
static uint64_t
next_page(vm_object_t object, uint64_t from)
{
	struct vm_chunk *c = vm_chunk_at_or_after(object, from / WINDOW);
	unsigned slot;

	if (c == NULL)
		return ~0ul;
	slot = vm_chunk_next(c, c->index == from / WINDOW ? from % WINDOW : 0);
	if (slot == VM_CHUNK_PAGES) {
		c = vm_chunk_at_or_after(object, c->index + 1);
		if (c == NULL)
			return ~0ul;
		slot = vm_chunk_next(c, 0);
	}
	return c->index * WINDOW + slot;
}

/* Referenced and dirty pages among those of w, the window of object (locked) from page number first on. */
static void
count_used(struct shown *s, vm_object_t object, uint64_t first, const struct window *w)
{
	for (unsigned i = 0; i < WINDOW / 64; i++)
		for (uint64_t bits = w->bit[i]; bits != 0; bits &= bits - 1) {
			uint64_t n = first + i * 64 + (unsigned)__builtin_ctzl(bits);
			struct vm_page *m = vm_chunk_page(vm_chunk_find(object, n / WINDOW), n % WINDOW);

			s->referenced += (m->flags & VM_PAGE_REFERENCED) != 0 || pmap_is_referenced(m);
			s->dirty += (m->flags & VM_PAGE_DIRTY) != 0 || pmap_is_modified(m);
		}
}

/*
 * Counts the window of at most WINDOW pages at offset of the chain that begins
 * at object. Returns the distance, in pages, to the next window with a page in it.
 */
static uint64_t
count_window(struct shown *s, vm_object_t object, vm_object_offset_t offset, uint64_t npages, bool used)
{
	struct window seen = { { 0 } }, w;
	uint64_t next = ~0ul;
	unsigned depth = 0;

	for (unsigned i = (unsigned)npages; i < WINDOW; i++)
		seen.bit[i / 64] |= 1ul << (i % 64);
	spin_lock(&object->lock);
	for (;;) {
		uint64_t first = (offset + object->color) >> PAGE_SHIFT, found = next_page(object, first + WINDOW), n = 0;
		vm_object_t below = object->shadow;

		if (found != ~0ul && found - first < next)
			next = found - first;
		window_of(&w, object, first);
		for (unsigned i = 0; i < WINDOW / 64; i++) {
			w.bit[i] &= ~seen.bit[i];
			seen.bit[i] |= w.bit[i];
			n += (unsigned)__builtin_popcountl(w.bit[i]);
		}
		s->resident += n;
		if (depth == 0 && below != NULL && object->ref_count == 1)
			s->own += n;
		if (used && n != 0)
			count_used(s, object, first, &w);
		s->external |= object->pager != NULL;
		if (below == NULL)
			break;
		offset += object->shadow_offset;
		depth++;
		spin_lock(&below->lock);
		spin_unlock(&object->lock);
		object = below;
	}
	spin_unlock(&object->lock);
	s->depth = depth;
	return next;
}

/* Counts [offset, offset + size) of a chain; the caller's map lock keeps `object`. */
static void
count_shown(struct shown *s, vm_object_t object, vm_object_offset_t offset, vm_size_t size, bool used)
{
	uint64_t npages = size >> PAGE_SHIFT, at = 0;

	memset(s, 0, sizeof(*s));
	while (at < npages) {
		uint64_t left = npages - at;
		uint64_t step = count_window(s, object, offset + (at << PAGE_SHIFT), left < WINDOW ? left : WINDOW, used);

		if (step >= left)
			break;
		at += step;
	}
}

/* --- how it is shared --- */

static bool
is_alias(vm_map_entry_t e, vm_object_t object)
{
	return !e->is_sub_map && e->object.vm_object == object;
}

/* Entries of map, near e and with e, that have e's object. */
static uint32_t
count_aliases(vm_map_t map, vm_map_entry_t e)
{
	vm_map_entry_t end = vm_map_to_entry(map), p;
	uint32_t n = 1;
	unsigned i;

	for (i = 0, p = e->vme_next; p != end && i < ALIAS_NEAR; p = p->vme_next, i++)
		n += is_alias(p, e->object.vm_object);
	for (i = 0, p = e->vme_prev; p != end && i < ALIAS_NEAR; p = p->vme_prev, i++)
		n += is_alias(p, e->object.vm_object);
	return n;
}

static uint8_t
share_mode(vm_map_t map, vm_map_entry_t e)
{
	vm_object_t object = e->object.vm_object;
	uint32_t refs, mine;

	if (e->is_sub_map)
		return e->use_pmap ? SM_TRUESHARED : SM_PRIVATE;
	if (object == NULL)
		return SM_EMPTY;
	if (e->needs_copy || __atomic_load_n(&object->shadow, __ATOMIC_RELAXED) != NULL)
		return SM_COW;
	refs = __atomic_load_n(&object->ref_count, __ATOMIC_RELAXED);
	if (refs == 1)
		return SM_PRIVATE;
	mine = count_aliases(map, e);
	if (mine == refs)
		return SM_PRIVATE_ALIASED;
	if (mine > 1)
		return SM_SHARED_ALIASED;
	return object->true_share ? SM_TRUESHARED : SM_SHARED;
}

/* Who refers to what e maps, and its number for people; 0: nothing yet. */
static uint32_t
region_refs(vm_map_entry_t e, uint32_t *id)
{
	*id = 0;
	if (e->is_sub_map) {
		*id = (uint32_t)e->object.sub_map->id;
		return __atomic_load_n(&e->object.sub_map->ref_count, __ATOMIC_RELAXED);
	}
	if (e->object.vm_object == NULL)
		return 0;
	*id = (uint32_t)e->object.vm_object->id;
	return __atomic_load_n(&e->object.vm_object->ref_count, __ATOMIC_RELAXED);
}

/* --- vm_region: map locked for reading --- */

static void
fill_basic(vm_map_entry_t e, struct vm_region_basic_info *info)
{
	*info = (struct vm_region_basic_info){
		.protection = e->protection,
		.max_protection = e->max_protection,
		.inheritance = e->inheritance,
		.shared = !e->is_sub_map && e->is_shared,
		.reserved = e->is_sub_map,
		.offset = e->offset,
		.behavior = e->behavior,
		.user_wired_count = e->user_wired_count,
	};
}

static void
fill_extended(vm_map_t map, vm_map_entry_t e, struct vm_region_extended_info *info)
{
	struct shown s = { 0 };
	uint32_t id;

	if (!e->is_sub_map && e->object.vm_object != NULL)
		count_shown(&s, e->object.vm_object, e->offset, e->vme_end - e->vme_start, true);
	*info = (struct vm_region_extended_info){
		.protection = e->protection,
		.user_tag = e->alias,
		.pages_resident = (uint32_t)s.resident,
		.pages_shared_now_private = (uint32_t)s.own,
		.pages_referenced = (uint32_t)s.referenced,
		.pages_dirtied = (uint32_t)s.dirty,
		.ref_count = region_refs(e, &id),
		.shadow_depth = s.depth < UINT16_MAX ? (uint16_t)s.depth : UINT16_MAX,
		.external_pager = s.external,
		.share_mode = share_mode(map, e),
	};
}

/* TOP speaks of the object, not of the part that is mapped. */
static void
fill_top(vm_map_t map, vm_map_entry_t e, struct vm_region_top_info *info)
{
	vm_object_t object = e->is_sub_map ? NULL : e->object.vm_object, below;
	uint64_t private = 0, shared = 0;
	uint32_t id, refs = region_refs(e, &id);

	if (object != NULL) {
		spin_lock(&object->lock);
		*(object->ref_count == 1 && !e->needs_copy ? &private : &shared) = object->resident_page_count;
		while ((below = object->shadow) != NULL) {
			spin_lock(&below->lock);
			spin_unlock(&object->lock);
			object = below;
			shared += object->resident_page_count;
			refs += object->ref_count - 1;
		}
		spin_unlock(&object->lock);
	}
	*info = (struct vm_region_top_info){
		.obj_id = id,
		.ref_count = refs,
		.private_pages_resident = (uint32_t)private,
		.shared_pages_resident = (uint32_t)shared,
		.share_mode = share_mode(map, e),
	};
}

/* Words of a flavour's answer; 0: there is no such flavour. */
static uint32_t
region_words(int flavor)
{
	switch (flavor) {
	case VM_REGION_BASIC_INFO_64:
	case VM_REGION_BASIC_INFO:
		return sizeof(struct vm_region_basic_info) / sizeof(uint32_t);
	case VM_REGION_EXTENDED_INFO:
	case VM_REGION_EXTENDED_INFO_NEW:
		return sizeof(struct vm_region_extended_info) / sizeof(uint32_t);
	case VM_REGION_TOP_INFO:
		return sizeof(struct vm_region_top_info) / sizeof(uint32_t);
	default:
		return 0;
	}
}

kern_return_t
vm_region(vm_map_t map, vm_address_ut *addr, vm_size_ut *size, int flavor, void *info, uint32_t *count)
{
	uint32_t words = region_words(flavor);
	vm_map_entry_t e;

	if (map == NULL)
		return vm_user_no_map();
	if (words == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "vm_region has no flavor %d", flavor);
	if (*count < words)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "vm_region: %u words are too few, %u are needed", *count, words);
	vm_map_lock_read(map);
	e = vm_map_entry_at_or_after(map, addr->v);
	if (e == vm_map_to_entry(map)) {
		vm_map_unlock_read(map);
		return nothing_above(*addr);
	}
	switch (flavor) {
	case VM_REGION_BASIC_INFO_64:
	case VM_REGION_BASIC_INFO:
		fill_basic(e, info);
		break;
	case VM_REGION_TOP_INFO:
		fill_top(map, e, info);
		break;
	default:
		fill_extended(map, e, info);
	}
	addr->v = e->vme_start;
	size->v = e->vme_end - e->vme_start;
	vm_map_unlock_read(map);
	*count = words;
	return KERN_SUCCESS;
}

kern_return_t
vm_region_basic(vm_map_t map, vm_address_ut *addr, vm_size_ut *size, struct vm_region_basic_info *info)
{
	uint32_t count = sizeof(*info) / sizeof(uint32_t);

	return vm_region(map, addr, size, VM_REGION_BASIC_INFO, info, &count);
}

/* --- vm_region_recurse --- */

/* Where a descent is: addresses of this map plus shift are the top map's. */
struct descent {
	vm_map_t    map;                /* locked for reading */
	vm_offset_t lo, hi;             /* what is visible of it */
	vm_offset_t at;                 /* regions that end at or below it do not count */
	uint64_t    shift;
	unsigned    depth;
	unsigned   *windows;            /* that may still be entered, on all levels together */
};

static void
fill_submap(const struct descent *d, vm_map_entry_t e, struct vm_region_submap_info *info)
{
	struct shown s = { 0 };
	uint32_t id, refs = region_refs(e, &id);

	if (!e->is_sub_map && e->object.vm_object != NULL)
		count_shown(&s, e->object.vm_object, e->offset, e->vme_end - e->vme_start, true);
	*info = (struct vm_region_submap_info){
		.protection = e->protection,
		.max_protection = e->max_protection,
		.inheritance = e->inheritance,
		.user_tag = e->alias,
		.offset = e->offset,
		.pages_resident = (uint32_t)s.resident,
		.pages_shared_now_private = (uint32_t)s.own,
		.pages_dirtied = (uint32_t)s.dirty,
		.pages_referenced = (uint32_t)s.referenced,
		.ref_count = refs,
		.shadow_depth = s.depth < UINT16_MAX ? (uint16_t)s.depth : UINT16_MAX,
		.external_pager = s.external,
		.share_mode = share_mode(d->map, e),
		.is_submap = e->is_sub_map,
		.behavior = e->behavior,
		.object_id = id,
		.user_wired_count = e->user_wired_count,
	};
}

/* Into the submap behind window e of d's map. FALSE: no submap, or deeper than `levels`, or one window too many. */
static bool
descend(const struct descent *d, vm_map_entry_t e, uint32_t levels, struct descent *in)
{
	vm_offset_t lo = e->vme_start > d->lo ? e->vme_start : d->lo;
	uint64_t back = e->offset - e->vme_start;       /* to addresses of the submap, mod 2^64 */

	if (!e->is_sub_map || d->depth >= levels || *d->windows == 0)
		return false;
	--*d->windows;
	in->windows = d->windows;
	in->map = e->object.sub_map;
	in->lo = lo + back;
	in->hi = (e->vme_end < d->hi ? e->vme_end : d->hi) + back;
	in->at = (lo > d->at ? lo : d->at) + back;
	in->shift = d->shift - back;
	in->depth = d->depth + 1;
	return true;
}

/*
 * The first region in d, with at most `levels` levels entered: TRUE when there
 * is one; then *addr, *size, *depth and info are written. A submap's window in
 * which nothing is mapped is passed over. Recursion is bounded by the depth of
 * submaps, which vm_map_submap limits; windows within windows could still be
 * many, so after WINDOWS_MAX of them the next is reported instead of entered.
 */
static bool
find_region(const struct descent *d, uint32_t levels, vm_address_ut *addr, vm_size_ut *size, uint32_t *depth,
    struct vm_region_submap_info *info)
{
	vm_map_entry_t e = vm_map_entry_at_or_after(d->map, d->at);
	struct descent in;
	bool found;

	for (; e != vm_map_to_entry(d->map) && e->vme_start < d->hi; e = e->vme_next) {
		vm_offset_t start = e->vme_start > d->lo ? e->vme_start : d->lo;

		if (!descend(d, e, levels, &in)) {
			fill_submap(d, e, info);
			addr->v = start + d->shift;
			size->v = (e->vme_end < d->hi ? e->vme_end : d->hi) - start;
			*depth = d->depth;
			return true;
		}
		vm_map_lock_read(in.map);
		found = find_region(&in, levels, addr, size, depth, info);
		vm_map_unlock_read(in.map);
		if (found)
			return true;
	}
	return false;
}

kern_return_t
vm_region_recurse(vm_map_t map, vm_address_ut *addr, vm_size_ut *size, uint32_t *depth,
    struct vm_region_submap_info *info, uint32_t *count)
{
	const uint32_t words = sizeof(*info) / sizeof(uint32_t);
	unsigned windows = WINDOWS_MAX;
	struct descent top;
	bool found;

	if (map == NULL)
		return vm_user_no_map();
	if (*count < words)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "vm_region_recurse: %u words are too few, %u are needed",
		    *count, words);
	top = (struct descent){ .map = map, .lo = vm_map_min(map), .hi = vm_map_max(map), .at = addr->v,
	    .windows = &windows };
	vm_map_lock_read(map);
	found = find_region(&top, *depth, addr, size, depth, info);
	vm_map_unlock_read(map);
	if (!found)
		return nothing_above(*addr);
	*count = words;
	return KERN_SUCCESS;
}
