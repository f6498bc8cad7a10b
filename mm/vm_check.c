/*
 * vm_check.c: the invariants of maps, objects and pmaps, one function each.
 *
 * Numbers are those of mm/README.md. A check reads and changes nothing but
 * object->recount. Maps are read-locked while they are walked; objects are
 * locked top of the chain first, or only tried where the list of all objects
 * is walked (an object that somebody holds is being worked on, and skipped).
 */
#include <stdio.h>
#include <mm/memory_object.h>
#include <mm/vm_check.h>
#include <mm/vm_named_entry.h>
#include <mm/vm_print.h>
#include "vm_check_impl.h"
#include "vm_object_impl.h"

#define CHAIN_MAX   100000u     /* a longer chain has a cycle */

/* M1: list linked both ways, ascending, disjoint, inside, whole pages; the tree agrees. */
static bool
vm_check_M1(vm_map_t map, struct vm_check_failure *f)
{
	vm_map_entry_t header = vm_map_to_entry(map), e;
	vm_offset_t floor = map->min_offset;
	uint64_t n = 0;

	for (e = vm_map_first_entry(map); e != header; e = e->vme_next, n++) {
		if (e->vme_next->vme_prev != e || e->vme_prev->vme_next != e)
			return FAIL(f, "M1", "map %lu: entry 0x%lx is badly linked", map->id, e->vme_start);
		if (e->vme_start < floor || e->vme_start >= e->vme_end || e->vme_end > map->max_offset ||
		    !page_aligned(e->vme_start) || !page_aligned(e->vme_end))
			return FAIL(f, "M1", "map %lu: entry [0x%lx, 0x%lx) after 0x%lx", map->id,
			    e->vme_start, e->vme_end, floor);
		floor = e->vme_end;
	}
	if (n != map->hdr.nentries)
		return FAIL(f, "M1", "map %lu: %lu entries, counted as %lu", map->id, n, map->hdr.nentries);
	if (!vm_map_store_check(map))
		return FAIL(f, "M1", "map %lu: tree and list disagree", map->id);
	return true;
}

/* M2: size is the sum of the entries that are no guards; the hint is the header or in the list. */
static bool
vm_check_M2(vm_map_t map, struct vm_check_failure *f)
{
	vm_map_entry_t header = vm_map_to_entry(map), e;
	bool hint = map->hint == header;
	vm_size_t size = 0;

	for (e = vm_map_first_entry(map); e != header; e = e->vme_next) {
		size += e->guard ? 0 : e->vme_end - e->vme_start;
		hint |= e == map->hint;
	}
	if (size != map->size)
		return FAIL(f, "M2", "map %lu: entries hold 0x%lx bytes, size is 0x%lx", map->id, size, map->size);
	if (!hint)
		return FAIL(f, "M2", "map %lu: hint points to no entry", map->id);
	return true;
}

/* M3: references. */
static bool
vm_check_M3(vm_map_t map, struct vm_check_failure *f)
{
	if (map->ref_count < 1 || map->res_count > map->ref_count || map->sw_in != (map->res_count > 0))
		return FAIL(f, "M3", "map %lu: %u references, %u resident, swapped %s", map->id,
		    map->ref_count, map->res_count, map->sw_in ? "in" : "out");
	return true;
}

/* M4: fields of an entry at rest. */
static bool
vm_check_M4(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f)
{
	if ((e->protection & ~e->max_protection) || (e->inheritance == VM_INHERIT_ZERO && (e->guard || e->is_sub_map)))
		return FAIL(f, "M4", "map %lu entry 0x%lx: protection %u of at most %u, inheritance %u", map->id,
		    e->vme_start, (unsigned)e->protection, (unsigned)e->max_protection, (unsigned)e->inheritance);
	if (e->in_transition || e->needs_wakeup || (e->user_wired_count > 0 && e->wired_count == 0))
		return FAIL(f, "M4", "map %lu entry 0x%lx: in transition %u, wakeup %u, wired %u, by users %u", map->id,
		    e->vme_start, (unsigned)e->in_transition, (unsigned)e->needs_wakeup, e->wired_count, e->user_wired_count);
	return true;
}

/* M4, too: no operation under way; the count of users' wired pages; out of the ordinary is only what the map says it has. */
static bool
vm_check_M4_map(vm_map_t map, struct vm_check_failure *f)
{
	uint64_t wired = 0;
	vm_map_entry_t e;

	for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next) {
		if (e->user_wired_count != 0)
			wired += (e->vme_end - e->vme_start) >> PAGE_SHIFT;
		if (!map->special && (e->wired_count != 0 || e->permanent || e->superpage || (e->is_sub_map && e->use_pmap)))
			return FAIL(f, "M4", "map %lu entry 0x%lx: wired, permanent, a superpage or nested, and the map does not say so",
			    map->id, e->vme_start);
	}
	if (map->transitions != 0 || map->unwire_waiters != 0 || wired != map->user_wired_pages)
		return FAIL(f, "M4", "map %lu: %u operations under way, %u waiting, %lu pages wired by users, counted as %lu",
		    map->id, map->transitions, map->unwire_waiters, wired,
		    map->user_wired_pages);
	return true;
}

/* M27: a guard is nothing but its range; a stack gap is one that knows its stack's rights. */
static bool
vm_check_M27(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f)
{
	if (e->guard && (e->is_sub_map || e->object.vm_object != NULL || e->protection != VM_PROT_NONE ||
	    e->max_protection != VM_PROT_NONE || e->wired_count != 0 || e->grows_down || (e->grows_up && !e->stack_gap)))
		return FAIL(f, "M27", "map %lu entry 0x%lx: a guard with %s/%s, wired %u times", map->id,
		    e->vme_start, vm_prot_name(e->protection), vm_prot_name(e->max_protection), e->wired_count);
	if ((e->stack_gap && !e->guard) || (!e->stack_gap && (e->stack_prot | e->stack_max | e->stack_guard) != 0) || (e->stack_prot & ~e->stack_max))
		return FAIL(f, "M27", "map %lu entry 0x%lx: stack gap %u, guard %u, the stack's rights %s/%s", map->id,
		    e->vme_start, (unsigned)e->stack_gap, (unsigned)e->guard, vm_prot_name(e->stack_prot), vm_prot_name(e->stack_max));
	return true;
}

/* M28: what is cut at superpages only begins and ends at some; where no faults are, no object is. */
static bool
vm_check_M28(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f)
{
	static const vm_size_t unit[] = { PAGE_SIZE, MEGAPAGE_SIZE, GIGAPAGE_SIZE, 0 };

	if (e->split != 0 && (!map->splits || ((e->vme_start | e->vme_end) & (unit[e->split] - 1)) != 0))
		return FAIL(f, "M28", "map %lu entry [0x%lx, 0x%lx): split boundary %u, of which the map knows %u", map->id, e->vme_start,
		    e->vme_end, (unsigned)e->split, (unsigned)map->splits);
	if (e->nofault && (e->is_sub_map || e->object.vm_object != NULL))
		return FAIL(f, "M28", "map %lu entry 0x%lx: an object, but no faults", map->id, e->vme_start);
	return true;
}

/*
 * M5: a submap exists, covers the window, and has a higher level than this map: so no map lies below itself. What
 * shares page tables may, and can.
 */
static bool
vm_check_M5(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f)
{
	vm_map_t sub = e->object.sub_map;
	vm_size_t len = e->vme_end - e->vme_start;

	if (!e->is_sub_map)
		return !e->use_pmap || FAIL(f, "M5", "map %lu entry 0x%lx: nested pmap without submap", map->id, e->vme_start);
	if (sub == NULL || sub == map || e->offset < sub->min_offset || e->offset > sub->max_offset ||
	    len > sub->max_offset - e->offset)
		return FAIL(f, "M5", "map %lu entry 0x%lx: window 0x%lx + 0x%lx is not in its submap", map->id,
		    e->vme_start, e->offset, len);
	if (sub->submap_level <= map->submap_level || sub->submap_level > VM_SUBMAP_DEPTH_MAX || !map->has_submaps)
		return FAIL(f, "M5", "map %lu entry 0x%lx: level %u, submap %lu has level %u", map->id,
		    e->vme_start, map->submap_level, sub->id, sub->submap_level);
	if (e->use_pmap && (!map->nests || e->needs_copy || !sub->own_tables || e->protection != sub->nest_prot ||
	    ((e->vme_start | e->vme_end | e->offset) & MEGAPAGE_MASK)))
		return FAIL(f, "M5", "map %lu entry 0x%lx: protection %u, needs_copy %u, offset 0x%lx cannot be nested", map->id,
		    e->vme_start, (unsigned)e->protection, (unsigned)e->needs_copy, e->offset);
	return true;
}

/* M6: an entry's object: alive, the window within it, and flags that fit. */
static bool
vm_check_M6(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f)
{
	vm_object_t o = e->object.vm_object;
	vm_size_t len = e->vme_end - e->vme_start;

	if (e->is_sub_map || o == NULL)
		return true;
	if (!o->alive || o->ref_count < 1 || !page_aligned(e->offset) || e->offset + len < len ||
	    (o->internal && e->offset + len > o->size))
		return FAIL(f, "M6", "map %lu entry 0x%lx: object %lu of 0x%lx bytes at 0x%lx + 0x%lx", map->id,
		    e->vme_start, o->id, o->size, e->offset, len);
	if (e->is_shared && (e->needs_copy || o->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC))
		return FAIL(f, "M6", "map %lu entry 0x%lx: shared, but object %lu is to be copied symmetrically", map->id,
		    e->vme_start, o->id);
	return true;
}

/* M7: no object: no copy, no sharing, no wiring, no leaf (kmem's leaves in kernel_map have none: pmap_kenter). */
static bool
vm_check_M7(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f)
{
	vm_offset_t va = e->vme_start;
	struct pmap_walk w;

	if (e->is_sub_map || e->object.vm_object != NULL)
		return true;
	if (e->needs_copy || e->is_shared || e->wired_count != 0)
		return FAIL(f, "M7", "map %lu entry 0x%lx: no object, yet copied, shared or wired", map->id, e->vme_start);
	if (map->pmap != NULL && map->pmap != pmap_kernel() &&
	    pmap_next_leaf(map->pmap, &va, e->vme_end, &w))
		return FAIL(f, "M7", "map %lu: a leaf at 0x%lx, but no object", map->id, va);
	return true;
}

/* The page that a read of va in entry e sees, and whether the top object holds it. */
static struct vm_page *
page_seen(vm_map_entry_t e, vm_offset_t va, bool *top)
{
	vm_object_t o = e->object.vm_object, next;
	vm_object_offset_t offset = va - e->vme_start + e->offset;
	struct vm_page *m;

	*top = true;
	spin_lock(&o->lock);
	while ((m = offset < o->size ? vm_page_lookup(o, offset) : NULL) == NULL && (next = o->shadow) != NULL) {
		spin_lock(&next->lock);
		offset += o->shadow_offset;
		spin_unlock(&o->lock);
		o = next;
		*top = false;
	}
	spin_unlock(&o->lock);
	return m;
}

static bool
owes_push(vm_map_entry_t e, vm_offset_t va)
{
	vm_object_t o = e->object.vm_object;
	bool owes;

	if (o->copy == NULL)
		return false;
	spin_lock(&o->lock);
	owes = vm_object_owes_push(o, va - e->vme_start + e->offset);
	spin_unlock(&o->lock);
	return owes;
}

/* A leaf, and what the entries passed on the way down to its page say of it. */
struct leaf {
	vm_map_t      map;              /* where it is, */
	vm_offset_t   va;               /* at this address */
	paddr_t       pa;
	const struct pmap_walk *w;
	vm_prot_t     allowed;          /* by all levels */
	bool          needs_copy;       /* at any level */
};

/* M18, M19, M20, M26 for the page of a leaf, which entry e maps at va. */
static bool
vm_check_leaf_page(const struct leaf *l, vm_map_entry_t e, vm_offset_t va, struct vm_check_failure *f)
{
	vm_object_t o = e->object.vm_object;
	vm_prot_t excess = l->w->prot & ~l->allowed;
	struct vm_page *m = NULL;
	paddr_t says = 0;
	bool top = true;

	if (o->phys_contiguous)
		says = o->phys + e->offset + (va - e->vme_start);
	else if ((m = page_seen(e, va, &top)) != NULL)
		says = vm_page_pa(m);
	if (says != l->pa || l->w->managed == o->phys_contiguous)
		return FAIL(f, "M18", "map %lu: 0x%lx is mapped to 0x%lx, its object says 0x%lx", l->map->id,
		    l->va, l->pa, says);
	if (excess != 0 && !((l->allowed & VM_PROT_WRITE) && excess == VM_PROT_READ))
		return FAIL(f, "M19", "map %lu: leaf at 0x%lx grants %u, its entries %u", l->map->id,
		    l->va, l->w->prot, l->allowed);
	if ((l->w->prot & VM_PROT_WRITE) && (l->needs_copy || !top))
		return FAIL(f, "M20", "map %lu: writable leaf at 0x%lx, needs_copy %u, page %s", l->map->id,
		    l->va, (unsigned)l->needs_copy, top ? "in the top object" : "below the top object");
	if ((l->w->prot & VM_PROT_WRITE) && owes_push(e, va))
		return FAIL(f, "M20", "map %lu: writable leaf at 0x%lx, but its object's copy is owed the page", l->map->id,
		    l->va);
	if ((l->w->prot & VM_PROT_WRITE) && o->pager != NULL && m != NULL && !(m->flags & VM_PAGE_DIRTY))
		return FAIL(f, "M26", "map %lu: writable leaf at 0x%lx, but its pager would not get the page back", l->map->id,
		    l->va);
	return true;
}

/* The same, from address va of map (read-locked) downwards. first: va is where the leaf begins. */
static bool
vm_check_leaf(struct leaf *l, vm_map_t map, vm_offset_t va, bool first, struct vm_check_failure *f)
{
	vm_map_entry_t e;
	bool ok;

	if (!vm_map_lookup_entry(map, va, &e) || (!e->is_sub_map && e->object.vm_object == NULL))
		return FAIL(f, first ? "M18" : "M22", "map %lu: a leaf maps 0x%lx, where nothing is", l->map->id,
		    l->va);
	if (map == l->map && l->w->nested != e->use_pmap)
		return FAIL(f, "M18", "map %lu: the leaf at 0x%lx %s in a submap's table", map->id,
		    va, e->use_pmap ? "should lie" : "lies");
	/* A submap's entry may be wired for the leaf that a window of it has in its parent's tables. */
	if (map == l->map && !l->w->nested && l->w->wired != (e->wired_count != 0) && (l->w->wired || map->submap_level == 0))
		return FAIL(f, "M21", "map %lu: the leaf at 0x%lx is %swired, its entry %u times", map->id,
		    va, l->w->wired ? "" : "not ", e->wired_count);
	l->allowed &= e->protection;
	l->needs_copy |= e->needs_copy;
	if (!e->is_sub_map)
		return vm_check_leaf_page(l, e, va, f);
	vm_map_lock_read(e->object.sub_map);
	ok = vm_check_leaf(l, e->object.sub_map, va - e->vme_start + e->offset, first, f);
	vm_map_unlock_read(e->object.sub_map);
	return ok;
}

/*
 * M18 to M22 for every leaf of the map's pmap. A larger leaf may lie over
 * several entries as long as each of its pages is right for its own entry:
 * clipping alone needs no demotion, a difference in rights brings it about.
 */
static bool
vm_check_leaves(vm_map_t map, struct vm_check_failure *f)
{
	vm_offset_t va = map->min_offset;
	struct pmap_walk w;

	for (; pmap_next_leaf(map->pmap, &va, map->max_offset, &w); va += w.size) {
		if (w.size > PAGE_SIZE && ((va | w.pa) & (w.size - 1)))
			return FAIL(f, "M22", "map %lu: leaf of 0x%lx bytes at 0x%lx to 0x%lx is not aligned", map->id,
			    w.size, va, w.pa);
		for (vm_offset_t at = va; at < va + w.size; at += PAGE_SIZE) {
			struct leaf l = { map, at, w.pa + (at - va), &w, VM_PROT_ALL, false };

			if (!vm_check_leaf(&l, map, at, at == va, f))
				return false;
		}
	}
	return true;
}

/*
 * M21: each page of a wired entry lies in the entry's own object, wired. Its
 * leaf may be away after a change of protection (a leaf that loses every right
 * goes, and rights that come make none) until the next access. That each leaf of the entry
 * is marked, and no other, vm_check_leaves sees.
 */
static bool
vm_check_M21(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f)
{
	vm_object_t o = e->object.vm_object;

	if (e->wired_count == 0 || e->is_sub_map || o == NULL || o->phys_contiguous)
		return true;
	for (vm_offset_t va = e->vme_start; va < e->vme_end; va += PAGE_SIZE) {
		struct vm_page *m;
		unsigned wirings;

		spin_lock(&o->lock);
		m = vm_page_lookup(o, va - e->vme_start + e->offset);
		wirings = m != NULL ? m->wire_count : 0;
		spin_unlock(&o->lock);
		if (wirings == 0)
			return FAIL(f, "M21", "map %lu: entry 0x%lx is wired %u times, the page at 0x%lx %u times", map->id,
			    e->vme_start, e->wired_count, va, wirings);
	}
	return true;
}

/* M23: the pmap's own tables and reverse mappings. */
static bool
vm_check_M23(vm_map_t map, struct vm_check_failure *f)
{
	vm_offset_t where = 0;
	const char *what = pmap_check(map->pmap, &where);

	return what == NULL || FAIL(f, "M23", "map %lu at 0x%lx: %s", map->id, where, what);
}

bool
vm_check_map(vm_map_t map, struct vm_check_failure *f)
{
	vm_map_entry_t e;
	bool ok;

	vm_map_lock_read(map);
	ok = vm_check_M1(map, f) && vm_check_M2(map, f) && vm_check_M3(map, f) && vm_check_M4_map(map, f);
	for (e = vm_map_first_entry(map); ok && e != vm_map_to_entry(map); e = e->vme_next)
		ok = vm_check_M4(map, e, f) && vm_check_M27(map, e, f) && vm_check_M28(map, e, f) && vm_check_M5(map, e, f) && vm_check_M6(map, e, f) &&
		    vm_check_M7(map, e, f) && vm_check_entry_copies(map, e, f) && vm_check_M21(map, e, f);
	if (ok && map->pmap != NULL && map->pmap != pmap_kernel())
		ok = vm_check_leaves(map, f) && vm_check_M23(map, f);
	vm_map_unlock_read(map);
	return ok;
}

/* M10: resident pages: bitmap, counts, and each page's own word. Object locked. */
static bool
vm_check_M10(vm_object_t o, struct vm_check_failure *f)
{
	uint64_t pages = 0, wired = 0;
	struct tree_node *n;

	for (n = tree_first(&o->chunks); n != NULL; n = tree_next(n)) {
		struct vm_chunk *c = container_of(n, struct vm_chunk, node);
		unsigned bits = 0, held = 0;

		for (unsigned slot = 0; slot < VM_CHUNK_PAGES; slot++) {
			struct vm_page *m;

			if (!vm_chunk_populated(c, slot))
				continue;
			bits++;
			m = vm_chunk_page(c, slot);
			if (m == NULL || m->kind != VM_PAGE_OBJECT || m->o.chunk != c || m->slot != slot ||
			    vm_chunk_offset(c, slot) >= o->size)
				return FAIL(f, "M10", "object %lu: slot %u of chunk %lu: page 0x%lx is not its own", o->id,
				    slot, c->index, m != NULL ? vm_page_pa(m) : 0);
			held += m->wire_count != 0;
		}
		if (held != c->wired)
			return FAIL(f, "M10", "object %lu: %u wired pages in chunk %lu, counted as %u", o->id,
			    held, c->index, c->wired);
		wired += held;
		if (bits != c->resident || bits == 0 || c->object != o)
			return FAIL(f, "M10", "object %lu: chunk %lu holds %u pages, counted as %u", o->id,
			    c->index, bits, c->resident);
		pages += bits;
	}
	if (pages != o->resident_page_count || wired != o->wired_pages)
		return FAIL(f, "M10", "object %lu: %lu pages, counted as %lu; %lu of them wired, counted as %u", o->id,
		    pages, o->resident_page_count, wired, o->wired_pages);
	return true;
}

/* M25: the pages that a pager has locked are counted, and nobody else's are. Object locked. */
static bool
vm_check_M25(vm_object_t o, struct vm_check_failure *f)
{
	struct tree_node *n;
	uint32_t locked = 0;
	unsigned slot;

	if (o->pager != NULL)
		for (n = tree_first(&o->chunks); n != NULL; n = tree_next(n)) {
			struct vm_chunk *c = container_of(n, struct vm_chunk, node);

			vm_chunk_foreach(slot, c)
				locked += vm_chunk_page(c, slot)->page_lock != VM_PROT_NONE;
		}
	if (locked != o->locked_pages)
		return FAIL(f, "M25", "object %lu: %u pages are locked, counted as %u", o->id, locked, o->locked_pages);
	return true;
}

/* M11: the shadow chain ends, and its offsets are whole pages. */
static bool
vm_check_M11(vm_object_t object, struct vm_check_failure *f)
{
	unsigned depth = 0;

	for (vm_object_t o = object; o != NULL; o = o->shadow)
		if (++depth > CHAIN_MAX || !o->alive || !page_aligned(o->shadow_offset) || !page_aligned(o->size))
			return FAIL(f, "M11", "object %lu: its chain is broken at depth %u", object->id, depth);
	return true;
}

struct recount {
	struct vm_check_failure *f;
	bool      ok;
	vm_map_t  first, *end;          /* maps seen, in the order they were met: those handed in, then submaps */
	struct vm_check_reserv reserv;
};

static bool
recount_clear(vm_object_t o, void *arg)
{
	(void)arg;
	/* A paging reference comes with one on the object; who waits for a pager to be ready holds one, too. */
	o->recount = o->holders + o->paging_in_progress + (o->pager != NULL ? o->pager->mapping : 0);
	return true;
}

static bool
recount_shadow(vm_object_t o, void *arg)
{
	(void)arg;
	if (o->shadow != NULL)
		o->shadow->recount++;
	return true;
}

static bool
recount_copy(vm_map_copy_t copy, void *arg)
{
	vm_map_entry_t e;

	(void)arg;
	switch (copy->type) {
	case VM_MAP_COPY_ENTRY_LIST:
		for (e = vm_map_copy_first_entry(copy); e != vm_map_copy_to_entry(copy); e = e->vme_next)
			if (e->object.vm_object != NULL)
				e->object.vm_object->recount++;
		break;
	case VM_MAP_COPY_OBJECT:
		if (copy->object != NULL)
			copy->object->recount++;
		break;
	case VM_MAP_COPY_PAGE_LIST:
		for (unsigned i = 0; !copy->page_loose && i < copy->npages; i++)
			if (copy->page_list[i] != NULL)
				copy->page_list[i]->o.chunk->object->recount++;
		break;
	}
	return true;
}

/* M9: ref_count = entries of maps and copies + pages that copies pin + shadows pointing here + registered holders. */
static bool
vm_check_object(vm_object_t o, void *arg)
{
	struct recount *r = arg;

	if (!spin_trylock(&o->lock)) {
		r->reserv.unseen = true;
		return true;
	}
	if (!o->terminating) {
		if (o->recount != o->ref_count)
			r->ok = FAIL(r->f, "M9", "object %lu: %u references found, counted as %u", o->id, o->recount, o->ref_count);
		else
			r->ok = vm_check_M10(o, r->f) && vm_check_M11(o, r->f) && vm_check_object_copies(o, r->f) &&
			    vm_check_M25(o, r->f) && vm_check_reservations(o, &r->reserv, r->f);
	} else
		r->reserv.unseen = true;
	spin_unlock(&o->lock);
	return r->ok;
}

static uint64_t recount_round;

/* A reference on map was found. */
static void
recount_map(struct recount *r, vm_map_t map)
{
	if (map->check_round != recount_round) {
		map->check_round = recount_round;
		map->recount = 0;
		map->check_next = NULL;
		*r->end = map;
		r->end = &map->check_next;
	}
	map->recount++;
}

static bool
recount_named(vm_named_entry_t ne, void *arg)
{
	struct recount *r = arg;

	if (ne->type == NAMED_OBJECT)
		ne->backing.object->recount++;
	else if (ne->type == NAMED_SUBMAP || ne->type == NAMED_ENTRIES)
		recount_map(r, ne->backing.map);
	return true;
}

/* What the entries of map refer to. */
static void
recount_entries(struct recount *r, vm_map_t map)
{
	vm_map_entry_t e;

	vm_map_lock_read(map);
	for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next) {
		if (e->is_sub_map)
			recount_map(r, e->object.sub_map);
		else if (e->object.vm_object != NULL)
			e->object.vm_object->recount++;
	}
	vm_map_unlock_read(map);
}

/* M24: references of a map = windows + named entries; tasks and threads may hold more on theirs. */
static bool
vm_check_M24(vm_map_t map, bool handed_in, struct vm_check_failure *f)
{
	if (map->recount == map->ref_count || (handed_in && map->recount < map->ref_count))
		return true;
	return FAIL(f, "M24", "map %lu: %u references found, counted as %u", map->id, map->recount, map->ref_count);
}

bool
vm_check_all(vm_map_t const *maps, unsigned n, struct vm_check_failure *f)
{
	struct recount r = { .f = f, .ok = true };
	unsigned seen = 0;
	vm_map_t map;

	r.end = &r.first;
	recount_round++;
	vm_object_foreach(recount_clear, NULL);
	vm_object_foreach(recount_shadow, NULL);
	vm_map_copy_foreach(recount_copy, NULL);
	for (unsigned i = 0; i < n; i++)
		recount_map(&r, maps[i]);
	vm_named_entry_foreach(recount_named, &r);
	for (map = r.first; map != NULL; map = map->check_next) {
		if (!vm_check_map(map, f))
			return false;
		recount_entries(&r, map);
	}
	for (map = r.first; map != NULL; map = map->check_next)
		if (!vm_check_M24(map, seen++ < n, f))
			return false;
	vm_object_foreach(vm_check_object, &r);
	return r.ok && vm_check_windows(r.first, f) && vm_check_M31(&r.reserv, f);
}
