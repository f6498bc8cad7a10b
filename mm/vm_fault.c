/*
 * vm_fault.c: the page fault.
 *
 *   1 lookup    map, read-locked -> entry -> object, offset, rights granted now
 *               (vm_map_lookup_locked: needs_copy shadowed, NULL object allocated)
 *   2 page      top object has it ............................ use it (A)
 *               chain ends ................................... zero a page in the top (B)
 *               found below, write ........................... copy it up to the top (C)
 *               found below, read ............................ use it, without WRITE (D)
 *   3 enter     megapage leaf if the whole chunk qualifies, else a 4 KiB leaf;
 *               neighbours that are resident already come along (A, D)
 *   4 unlock
 *
 *   entry ──> top ──shadow──> ... ──> bottom
 *              │                │
 *            A,B,C              D, source of C
 *
 * The map's read lock and the lock of the object that holds the page are held
 * until the leaf is made: whoever write-protects for a copy (map write lock)
 * or removes the page (object lock) therefore sees the leaf.
 *
 * C: the old page may be mapped read-only through the top object by others who
 * must now see the new one. When the top object has one reference only, the
 * only such mapping is ours, and entering the new page replaces it; else all
 * mappings of the old page go. Only then may the chain be shortened: until our
 * leaf of the old page is gone, the top's reference must keep its object alive.
 *
 * Nothing is fenced where a leaf only becomes valid: a hart that remembers the
 * invalid entry faults once more, finds the page (A), and pmap_enter fences.
 *
 * Locks: map (read) < objects, top first < pmap. Failure: RESOURCE_SHORTAGE
 * after reservations were broken for pages in vain; the map is as it was, but
 * for an allocated object or shadow, which no user can see.
 */
#include "vm_map_impl.h"

#define FAULT_AROUND    16u     /* pages, a power of two: mapped together when resident */
#define FAULT_TRIES     8       /* rounds of breaking reservations for memory */
#define VISIT_PAGES     64u     /* pages that the kernel copies under one hold of the map lock */

struct fault_page {
	struct vm_page *m;
	vm_object_t     level;  /* locked, holds m; the top object or one below it */
	vm_prot_t       prot;
	bool            fresh;  /* made by this fault */
	bool            copied; /* case C: the chain may be shorter once the old leaf is gone */
};

/* B: a zeroed page in the top object (locked). */
static kern_return_t
zero_fill(const struct vm_map_lookup *l, struct fault_page *f)
{
	f->m = vm_object_page_alloc(l->object, l->offset, true);
	if (unlikely(f->m == NULL)) {
		spin_unlock(&l->object->lock);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page to zero for offset 0x%lx of object %lu",
		    l->offset, l->object->id);
	}
	f->fresh = true;
	return KERN_SUCCESS;
}

/*
 * C: m, found in level (locked), is copied into the top object (locked). Our
 * own leaf of the old page is replaced by the caller if `only` is the map that
 * holds the entry; other leaves, and ours if not, are removed here.
 */
static kern_return_t
copy_up(const struct vm_map_lookup *l, vm_map_t only, struct fault_page *f, vm_object_t level,
    struct vm_page *m)
{
	vm_object_t top = l->object;

	f->m = vm_object_page_alloc(top, l->offset, false);
	if (f->m == NULL) {
		spin_unlock(&level->lock);
		spin_unlock(&top->lock);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page to copy offset 0x%lx of object %lu",
		    l->offset, top->id);
	}
	vm_page_copy(f->m, m);
	f->m->flags |= VM_PAGE_DIRTY;
	f->fresh = f->copied = true;
	if (__atomic_load_n(&top->ref_count, __ATOMIC_ACQUIRE) > 1 || l->map != only)
		pmap_page_protect(m, VM_PROT_NONE);
	spin_unlock(&level->lock);
	return KERN_SUCCESS;
}

/* The top object (locked) lacks the page and has a shadow. */
static kern_return_t
look_below(const struct vm_map_lookup *l, vm_map_t only, vm_prot_t access, struct fault_page *f)
{
	vm_object_t top = l->object, level = top, next;
	vm_object_offset_t offset = l->offset;
	struct vm_page *m = NULL;

	while (m == NULL && (next = level->shadow) != NULL) {
		spin_lock(&next->lock);
		offset += level->shadow_offset;
		if (level != top)
			spin_unlock(&level->lock);
		level = next;
		m = offset < level->size ? vm_page_lookup(level, offset) : NULL;
	}
	if (m == NULL) {
		spin_unlock(&level->lock);
		return zero_fill(l, f);
	}
	if (access & VM_PROT_WRITE)
		return copy_up(l, only, f, level, m);
	f->m = m;
	f->level = level;
	f->prot &= ~VM_PROT_WRITE;
	return KERN_SUCCESS;
}

/* Step 2. On success l->object and f->level (maybe the same) are locked; else neither. */
static inline kern_return_t
find_page(const struct vm_map_lookup *l, vm_map_t only, vm_prot_t access, struct fault_page *f)
{
	vm_object_t top = l->object;

	f->level = top;
	f->prot = l->prot;
	f->fresh = f->copied = false;
	spin_lock(&top->lock);
	f->m = vm_page_lookup(top, l->offset);
	if (f->m != NULL)
		return KERN_SUCCESS;
	if (likely(top->shadow == NULL))
		return zero_fill(l, f);
	return look_below(l, only, access, f);
}

static inline void
release_page(const struct vm_map_lookup *l, const struct fault_page *f)
{
	if (f->level != l->object)
		spin_unlock(&f->level->lock);
	spin_unlock(&l->object->lock);
}

/* Does one leaf over the whole chunk give nobody more or other than he has? */
static bool
megapage_fits(const struct vm_map_lookup *l, const struct fault_page *f, vm_offset_t va)
{
	struct vm_chunk *c = f->m->o.chunk;
	vm_offset_t window = va & ~MEGAPAGE_MASK;
	uint64_t at;

	if (f->m->slot != ((va >> PAGE_SHIFT) & (VM_CHUNK_PAGES - 1)) || l->wired ||
	    window < l->lo || l->hi - window < MEGAPAGE_SIZE)
		return false;
	if (f->level == l->object)
		return true;
	/* Nothing in front of it that would show through for some pages. */
	at = l->offset + l->object->color;
	return f->level == l->object->shadow &&
	    vm_chunk_find(l->object, at >> VM_CHUNK_SHIFT) == NULL &&
	    c->object == f->level;
}

/*
 * Resident neighbours in the aligned group around the page, within the entry.
 * Only for pages that were resident before: a fresh one's neighbours, in an
 * object filled in order, are not there yet or are mapped already.
 */
static void
enter_around(const struct vm_map_lookup *l, const struct fault_page *f, vm_offset_t va)
{
	unsigned slot = f->m->slot, back = slot & (FAULT_AROUND - 1), n;
	vm_offset_t start;

	if (back > (va - l->lo) >> PAGE_SHIFT)
		back = (unsigned)((va - l->lo) >> PAGE_SHIFT);
	start = va - ((vm_offset_t)back << PAGE_SHIFT);
	n = (slot | (FAULT_AROUND - 1)) + 1 - (slot - back);
	if (n > (l->hi - start) >> PAGE_SHIFT)
		n = (unsigned)((l->hi - start) >> PAGE_SHIFT);
	(void)pmap_enter_run(l->pmap, start, f->m->o.chunk, slot - back, n, f->prot);
}

/* Step 3. */
static inline kern_return_t
enter_page(const struct vm_map_lookup *l, const struct fault_page *f, vm_offset_t va, vm_prot_t access)
{
	struct vm_chunk *c = f->m->o.chunk;
	kern_return_t kr;

	if (unlikely(vm_chunk_is_megapage(c)) && megapage_fits(l, f, va) &&
	    pmap_enter_mega(l->pmap, va & ~MEGAPAGE_MASK, c, f->prot, access) == KERN_SUCCESS)
		return KERN_SUCCESS;
	kr = pmap_enter(l->pmap, va, f->m, f->prot, access | (l->wired ? PMAP_WIRED : 0));
	if (!f->fresh && kr == KERN_SUCCESS && f->level == l->object && c->resident > 1)
		enter_around(l, f, va);
	return kr;
}

kern_return_t
vm_fault(vm_map_t map, vm_offset_t va, vm_prot_t access)
{
	struct vm_map_lookup l;
	struct fault_page f;
	kern_return_t kr;

	va = trunc_page(va);
	for (int tries = 0;; tries++) {
		vm_map_lock_read(map);
		kr = vm_map_lookup_locked(map, va, access, &l);
		if (likely(kr == KERN_SUCCESS)) {
			kr = find_page(&l, map, access, &f);
			if (likely(kr == KERN_SUCCESS)) {
				kr = enter_page(&l, &f, va, access);
				if (unlikely(f.copied)) {
					if (kr != KERN_SUCCESS)         /* the old leaf may be there still */
						pmap_remove(l.pmap, va, va + PAGE_SIZE);
					vm_object_collapse(l.object);
				}
				release_page(&l, &f);
			}
			vm_map_unlock_read(l.map);
		}
		if (likely(kr != KERN_RESOURCE_SHORTAGE) || tries == FAULT_TRIES ||
		    vm_reserv_break(1) == 0)
			return kr;
	}
}

/* The pages of one entry from *va on, some at a time, so that writers get their turn. */
static kern_return_t
visit_pages(struct vm_map_lookup *l, vm_offset_t *va, vm_prot_t access,
    bool (*fn)(struct vm_page *m, void *arg), void *arg, bool *more)
{
	struct fault_page f;
	kern_return_t kr;

	for (unsigned n = 0; *more && *va < l->hi && n < VISIT_PAGES; n++) {
		/* No leaf is made here: NULL, so that a copied page's old leaves go. */
		kr = find_page(l, NULL, access, &f);
		if (kr != KERN_SUCCESS)
			return kr;
		*more = fn(f.m, arg);
		if (access & VM_PROT_WRITE)
			f.m->flags |= VM_PAGE_DIRTY;
		if (f.copied)
			vm_object_collapse(l->object);
		release_page(l, &f);
		*va += PAGE_SIZE;
		l->offset += PAGE_SIZE;
	}
	return KERN_SUCCESS;
}

kern_return_t
vm_fault_with(vm_map_t map, vm_offset_t va, vm_prot_t access,
    bool (*fn)(struct vm_page *m, void *arg), void *arg)
{
	struct vm_map_lookup l;
	kern_return_t kr;
	bool more = true;

	va = trunc_page(va);
	for (int tries = 0;; tries++) {
		vm_map_lock_read(map);
		kr = vm_map_lookup_locked(map, va, access, &l);
		if (kr == KERN_SUCCESS) {
			kr = visit_pages(&l, &va, access, fn, arg, &more);
			vm_map_unlock_read(l.map);
			if (kr == KERN_SUCCESS) {
				if (!more)
					return kr;
				tries = 0;
				continue;
			}
		}
		if (kr != KERN_RESOURCE_SHORTAGE || tries == FAULT_TRIES || vm_reserv_break(1) == 0)
			return kr;
	}
}
