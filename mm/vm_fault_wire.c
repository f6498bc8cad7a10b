/*
 * vm_fault_wire.c: the pages behind wired entries.
 *
 * What wiring promises for a page of a wired entry:
 *   - it is resident in the entry's own object, not further down its chain;
 *   - its wire_count counts the wired entries that see it there, and it
 *     cannot be paged out, moved or replaced while that is not 0;
 *   - no copy of the object is owed its contents (no push is pending), and
 *     no lazy copy of it can be made: copies of wired pages are made at once;
 *   - the pmap has a leaf for it, marked, which it may not forget.
 *
 * So a page that is found further down is copied up even for reading, and a
 * pending push is made now: afterwards nothing can put another page in its
 * place behind the entry's back, and unwiring finds it by one look.
 *
 *   chunk by chunk:   object lock ─ absent pages zeroed ─ leaves (pmap_wire_run) ─ counts
 *   page by page:     what has a shadow, a pager, a copy or locked pages
 *
 * A page that only a pager can bring is faulted in as an access would do, with
 * no lock held; then we look again. The entries are in transition meanwhile,
 * so they are still there, with the same object.
 *
 * Leaves first, which may fail, then the counts, which cannot: on failure the
 * marks of the piece are taken back and the caller unwires what lies before it.
 *
 * Device memory (phys_contiguous) has no pages to count, only leaves.
 *
 * Invariants: M21; chunk->wired and object->wired_pages count the pages with
 * wire_count != 0 (M10). Locks: map (read) < object, top first < pmap.
 */
#include <mm/vm_reserv.h>
#include "vm_map_impl.h"

#define WIRE_TRIES  64u         /* times that a page may slip away between its fault and our look */

/* One page or run of pages, looked up: map read-locked, object locked. */
struct wire_at {
	vm_map_entry_t     e;
	vm_object_t        object;
	vm_object_offset_t offset;
	vm_prot_t          prot;
};

enum wire_result { WIRE_DONE, WIRE_SHORTAGE, WIRE_FAULT, WIRE_AGAIN };

/* --- counts --- */

/* The page of a slot, as vm_chunk_page; m: that of the slot before. Pages of a reservation follow each other. */
static inline struct vm_page *
next_page(const struct vm_chunk *c, unsigned slot, struct vm_page *m)
{
	return likely(c->base != 0) ? m + 1 : vm_chunk_page(c, slot);
}

/* Are all of slots [slot, slot + n) resident? */
static bool
all_resident(const struct vm_chunk *c, unsigned slot, unsigned n)
{
	if (c->resident == VM_CHUNK_PAGES)
		return true;
	for (; n > 0 && vm_chunk_populated(c, slot); n--)
		slot++;
	return n == 0;
}

/* The resident pages of slots [slot, slot + n) lose one wiring each. */
static void
unwire_slots(struct vm_chunk *c, unsigned slot, unsigned n)
{
	struct vm_page *m = c->base != 0 ? c->head + slot - 1 : NULL;
	unsigned end = slot + n, gone = 0;

	for (; slot < end; slot++) {
		if (unlikely(!vm_chunk_populated(c, slot))) {
			m = c->base != 0 ? m + 1 : NULL;
			continue;
		}
		m = next_page(c, slot, m);
		KASSERT(m->wire_count != 0, ("object %lu: the page at 0x%lx is unwired, but was not wired",
		    c->object->id, vm_chunk_offset(c, slot)));
		gone += --m->wire_count == 0;
	}
	c->wired -= (uint16_t)gone;
	c->object->wired_pages -= gone;
}

void
vm_fault_unwire_pages(const struct vm_map_entry *e)
{
	vm_object_t object = e->object.vm_object;
	uint64_t at, last;

	if (object->phys_contiguous)
		return;
	spin_lock(&object->lock);
	at = (e->offset + object->color) >> PAGE_SHIFT;
	last = at + ((e->vme_end - e->vme_start) >> PAGE_SHIFT);
	while (at < last) {
		struct vm_chunk *c = vm_chunk_find(object, at / VM_CHUNK_PAGES);
		unsigned slot = (unsigned)(at % VM_CHUNK_PAGES), n = VM_CHUNK_PAGES - slot;

		if (n > last - at)
			n = (unsigned)(last - at);
		if (c != NULL)
			unwire_slots(c, slot, n);
		at += n;
	}
	spin_unlock(&object->lock);
}

void
vm_fault_zero_wired(const struct vm_map_entry *e)
{
	vm_object_t object = e->object.vm_object;

	if (object->phys_contiguous)
		return;
	spin_lock(&object->lock);
	for (vm_size_t at = 0; at < e->vme_end - e->vme_start; at += PAGE_SIZE) {
		struct vm_page *m = vm_page_lookup(object, e->offset + at);

		if (m != NULL) {
			vm_page_zero(m);
			m->flags |= VM_PAGE_DIRTY;
		}
	}
	spin_unlock(&object->lock);
}

/* --- leaves --- */

/* Wired leaves for n pages of c, all resident. FALSE: shortage. Object locked. */
static bool
enter_leaves(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, vm_prot_t prot)
{
	if (pmap_wire_run(pmap, va, c, slot, n, prot) == n)
		return true;
	for (; n > 0; n--, slot++, va += PAGE_SIZE)
		if (pmap_enter(pmap, va, vm_chunk_page(c, slot), prot, PMAP_WIRED) != KERN_SUCCESS)
			return false;
	return true;
}

static inline unsigned
wired_leaf(vm_object_t object)
{
	return PMAP_WIRED | (object->uncached ? PMAP_UNCACHED : 0);
}

/* What the leaf of a wired page may grant: WRITE only where no copy is owed the page, and its pager will get it back. */
static vm_prot_t
leaf_prot(vm_object_t object, vm_object_offset_t offset, vm_prot_t prot, const struct vm_page *m)
{
	if (object->pager != NULL)
		prot &= ~(m->page_lock | (m->flags & VM_PAGE_DIRTY ? 0 : VM_PROT_WRITE));
	if (object->copy != NULL && vm_object_owes_push(object, offset))
		prot &= ~VM_PROT_WRITE;
	return prot;
}

bool
vm_fault_wire_leaves(const struct vm_wire_view *v, const struct vm_map_entry *e, vm_offset_t start, vm_offset_t end)
{
	vm_object_t object = e->object.vm_object;
	vm_prot_t prot = e->protection & v->prot;
	bool ok = true;

	if (v->top->pmap == NULL || object->phys_contiguous || !(prot & (VM_PROT_READ | VM_PROT_EXECUTE)))
		return true;    /* what can have no leaf now gets one by fault */
	spin_lock(&object->lock);
	for (vm_offset_t va = start; ok && va < end; va += PAGE_SIZE) {
		vm_object_offset_t offset = e->offset + (va - e->vme_start);
		struct vm_page *m = vm_page_lookup(object, offset);

		ok = m == NULL || pmap_enter(v->top->pmap, va + v->shift, m, leaf_prot(object, offset, prot, m),
		    wired_leaf(object)) == KERN_SUCCESS;
	}
	spin_unlock(&object->lock);
	return ok;
}

/* --- one page, the long way --- */

/* No page in the top object (locked): the one below is copied up, or where there is none a page is cleared. */
static enum wire_result
bring_up(const struct wire_at *w, struct vm_page **page)
{
	vm_object_t top = w->object, level = top, next;
	vm_object_offset_t offset = w->offset;
	struct vm_page *m = NULL;
	bool foreign = top->pager != NULL || top->shadow_severed;

	while (m == NULL && !foreign && (next = level->shadow) != NULL) {
		spin_lock(&next->lock);
		offset += level->shadow_offset;
		if (level != top)
			spin_unlock(&level->lock);
		level = next;
		m = offset < level->size ? vm_page_lookup(level, offset) : NULL;
		foreign = m == NULL && (level->pager != NULL || level->shadow_severed);
	}
	if (!foreign) {
		*page = vm_object_page_alloc(top, w->offset, m == NULL);
		if (*page != NULL && m != NULL) {
			vm_page_copy(*page, m);
			(*page)->flags |= VM_PAGE_DIRTY;
			pmap_page_protect(m, VM_PROT_NONE);
		}
	}
	if (level != top)
		spin_unlock(&level->lock);
	return foreign ? WIRE_FAULT : *page != NULL ? WIRE_DONE : WIRE_SHORTAGE;
}

/* Object locked. WIRE_FAULT: somebody must be asked for the page, or for the access to it. */
static enum wire_result
wire_page(const struct vm_wire_view *v, const struct wire_at *w, vm_offset_t va, vm_prot_t access)
{
	struct vm_page *m = vm_page_lookup(w->object, w->offset);
	enum wire_result r = WIRE_DONE;
	vm_prot_t prot;

	if (m == NULL)
		r = bring_up(w, &m);
	if (r != WIRE_DONE)
		return r;
	if (w->object->pager != NULL && ((m->page_lock & access) || (m->flags & VM_PAGE_BUSY)))
		return WIRE_FAULT;
	if (m->wire_count == UINT16_MAX)
		return WIRE_SHORTAGE;
	if (w->object->copy != NULL && vm_object_owes_push(w->object, w->offset)) {
		switch (vm_object_push(w->object, w->offset, m)) {
		case PUSH_AGAIN:
			return WIRE_AGAIN;
		case PUSH_SHORTAGE:
			return WIRE_SHORTAGE;
		default:
			break;
		}
	}
	if (w->prot & VM_PROT_WRITE)
		m->flags |= VM_PAGE_DIRTY;
	prot = leaf_prot(w->object, w->offset, w->prot, m);
	if (v->top->pmap != NULL &&
	    pmap_enter(v->top->pmap, va + v->shift, m, prot, (access & prot) | wired_leaf(w->object)) != KERN_SUCCESS)
		return WIRE_SHORTAGE;
	vm_page_wire(m);
	return WIRE_DONE;
}

/* --- runs of pages --- */

/* Nothing but the object itself and memory is needed for its pages. */
static inline bool
plain(vm_object_t object)
{
	return object->shadow == NULL && object->pager == NULL && object->copy == NULL &&
	    object->locked_pages == 0 && !object->phys_contiguous && !object->shadow_severed && !object->uncached;
}

/* n pages within one chunk of a plain object, locked. */
static enum wire_result
wire_run(const struct vm_wire_view *v, const struct wire_at *w, vm_offset_t va, unsigned n)
{
	uint64_t at = w->offset + w->object->color;
	unsigned slot = (unsigned)(at >> PAGE_SHIFT) % VM_CHUNK_PAGES, end = slot + n, fresh = 0;
	struct vm_chunk *c;
	struct vm_page *m;

	c = vm_chunk_find(w->object, at >> VM_CHUNK_SHIFT);
	if (c == NULL || !all_resident(c, slot, n)) {
		if (!vm_object_populate(w->object, w->offset, n))
			return WIRE_SHORTAGE;
		c = vm_chunk_find(w->object, at >> VM_CHUNK_SHIFT);
	}
	if (c->wired != 0)
		for (unsigned s = slot; s < end; s++)
			if (vm_chunk_page(c, s)->wire_count == UINT16_MAX)
				return WIRE_SHORTAGE;
	if (v->top->pmap != NULL && !enter_leaves(v->top->pmap, va + v->shift, c, slot, n, w->prot))
		return WIRE_SHORTAGE;
	m = c->base != 0 ? c->head + slot - 1 : NULL;
	for (; slot < end; slot++) {
		m = next_page(c, slot, m);
		fresh += m->wire_count++ == 0;
	}
	c->wired += (uint16_t)fresh;
	w->object->wired_pages += fresh;
	return WIRE_DONE;
}

/* --- ranges --- */

/* The next piece of [va, end): a run or a page. *next: where it ends. */
static enum wire_result
wire_piece(const struct vm_wire_view *v, vm_offset_t va, vm_offset_t end, vm_prot_t access, vm_offset_t *next)
{
	struct wire_at w;
	enum wire_result r;
	unsigned n;

	vm_map_lock_read(v->map);
	if (!vm_map_lookup_entry(v->map, va, &w.e))
		panic("map %lu: 0x%lx vanished in transition", v->map->id, va);
	w.object = w.e->object.vm_object;
	w.offset = w.e->offset + (va - w.e->vme_start);
	w.prot = w.e->protection & v->prot;
	spin_lock(&w.object->lock);
	if (w.object->phys_contiguous)
		r = WIRE_FAULT;
	else if (plain(w.object)) {
		n = VM_CHUNK_PAGES - (unsigned)((w.offset + w.object->color) >> PAGE_SHIFT) % VM_CHUNK_PAGES;
		if (end > w.e->vme_end)
			end = w.e->vme_end;
		if (n > (end - va) >> PAGE_SHIFT)
			n = (unsigned)((end - va) >> PAGE_SHIFT);
		r = wire_run(v, &w, va, n);
		*next = va + ((vm_offset_t)n << PAGE_SHIFT);
	} else {
		r = wire_page(v, &w, va, access);
		*next = va + PAGE_SIZE;
	}
	spin_unlock(&w.object->lock);
	vm_map_unlock_read(v->map);
	return r;
}

/* A device's page: its leaf is all there is, and comes wired since the entry is. */
static bool
is_device(const struct vm_wire_view *v, vm_offset_t va)
{
	vm_map_entry_t e;
	bool device;

	vm_map_lock_read(v->map);
	device = vm_map_lookup_entry(v->map, va, &e) && e->object.vm_object->phys_contiguous;
	vm_map_unlock_read(v->map);
	return device;
}

/* wire_piece until it is done, with whatever that needs in between. */
static kern_return_t
wire_next(const struct vm_wire_view *v, vm_offset_t va, vm_offset_t end, vm_prot_t access, vm_offset_t *next)
{
	kern_return_t kr;

	for (unsigned tries = 0; tries < WIRE_TRIES; ) {
		switch (wire_piece(v, va, end, access, next)) {
		case WIRE_DONE:
			return KERN_SUCCESS;
		case WIRE_AGAIN:
			break;
		case WIRE_SHORTAGE:
			if (vm_reserv_break(1) == 0)
				return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to wire the page at 0x%lx", va);
			break;
		case WIRE_FAULT:
			tries++;
			kr = vm_fault_resident(v->top, va + v->shift, access);
			if (kr != KERN_SUCCESS)
				return kr;
			VM_RELOCK_POINT(v->map, "vm_fault_wire.page");
			if (is_device(v, va)) {
				*next = va + PAGE_SIZE;
				return KERN_SUCCESS;
			}
			break;
		}
	}
	return KERN_FAIL(KERN_MEMORY_ERROR, "the page at 0x%lx is taken away again and again", va);
}

kern_return_t
vm_fault_wire(const struct vm_wire_view *v, vm_offset_t start, vm_offset_t end, vm_prot_t access, vm_offset_t *done)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_offset_t next = start;

	for (*done = start; kr == KERN_SUCCESS && *done < end; ) {
		kr = wire_next(v, *done, end, access, &next);
		if (kr == KERN_SUCCESS)
			*done = next;
	}
	if (kr == KERN_SUCCESS && unlikely(end - start >= GIGAPAGE_SIZE))
		vm_fault_giga_wired(v, start, end);
	/* Marks that the piece which failed has left. */
	if (kr != KERN_SUCCESS && v->top->pmap != NULL)
		(void)pmap_wire_range(v->top->pmap, *done + v->shift, end + v->shift, false);
	return kr;
}
