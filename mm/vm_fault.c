/*
 * vm_fault.c: the page fault.
 *
 *   1 lookup    map, read-locked -> entry -> object, offset, rights granted now
 *               (vm_map_lookup_locked: needs_copy shadowed, NULL object allocated)
 *   2 page      top object has it ............................ use it (A)
 *               chain ends ................................... zero a page in the top (B)
 *               found below, write ........................... copy it up to the top (C)
 *               found below, read ............................ use it, without WRITE (D)
 *               a level's pager may have it .................. ask (E)
 *   3 enter     megapage leaf if the whole chunk qualifies, else a 4 KiB leaf;
 *               neighbours that are resident already come along (A, D)
 *   4 unlock
 *
 *   entry ──> top ──shadow──> ... ──> bottom ──> pager
 *              │                │                  │
 *            A,B,C              D, source of C     E
 *
 * The map's read lock and the lock of the object that holds the page are held
 * until the leaf is made: whoever write-protects for a copy (map write lock)
 * or removes the page (object lock) therefore sees the leaf.
 *
 * Megapages come by themselves when the last page of a window is there. Where the
 * user asks for them (entry->megapages), B clears and C copies the whole window
 * at its first page, if it has a reservation of its own; and where he asks for gigapages, B is done
 * for a whole gigabyte, with nothing locked (vm_fault_giga.c).
 *
 * C: the old page may be mapped read-only through the top object by others who
 * must now see the new one. When the top object has one reference only, the
 * only such mapping is ours, and entering the new page replaces it; else all
 * mappings of the old page go. Only then may the chain be shortened: until our
 * leaf of the old page is gone, the top's reference must keep its object alive.
 *
 * E: everything is let go but a reference on the object, memory_object_get_page
 * waits, and the fault begins again at 1: nothing that was seen before counts,
 * except that this pager said it has nothing at this offset. A page that
 * its pager has locked, or that is on its way back to it (BUSY), is waited for in the same way.
 *
 * Memory that is filled in order, as the resident pages before a fresh one
 * show, is cleared some pages ahead (fill_ahead), and memory that is written
 * over in order is copied so (copy_ahead).
 *
 * Quick and special. vm_fault itself knows A and B of an ordinary object. All
 * else, and objects that vm_object_classify calls special, is fault_slow's:
 *   pager    first writes must be seen: a leaf is only made writable for a
 *            write, then the page is dirty; neighbours come along read-only
 *   copy     the push rule: before a page changes, the copy object gets the old
 *            one; a page that a push is owed for is never mapped writable
 *   device   physical memory without pages: pmap_enter_phys
 *
 * An access that is refused in the gap of a stack lets the stack grow, and begins
 * again (vm_map_stack.c); only faults do this, not the copies that the kernel makes
 * of and for other tasks.
 *
 * Nothing is fenced where a leaf only becomes valid: a hart that remembers the
 * invalid entry faults once more, finds the page (A), and pmap_enter fences.
 *
 * Where a window deserves a megapage and none is free, everything is let go once,
 * vm_page_compact makes some, and the fault begins again.
 *
 * Locks: map (read) < objects, top first < pmap. Failure: RESOURCE_SHORTAGE
 * after reservations were broken for pages in vain; the map is as it was, but
 * for an allocated object or shadow, which no user can see. A pager that answers
 * without ever giving the page is asked FAULT_ASKS times, then it is MEMORY_ERROR.
 */
#include <mm/memory_object.h>
#include <mm/vm_page_compact.h>
#include <mm/vm_reserv.h>
#include "vm_map_impl.h"

#define FAULT_AROUND    16u     /* pages, a power of two: mapped together when resident */
#define FAULT_AROUND_SEQUENTIAL 64u     /* where the entry's behavior says that they will be used */
#define FAULT_AHEAD     16u     /* pages, a power of two: cleared together where memory is filled in order: after twice as many */
#define FAULT_AHEAD_MOST 64u    /* after as many, at a multiple: the bits of one word of a chunk's map */
#define FAULT_TRIES     8       /* rounds of breaking reservations for memory */
#define FAULT_ASKS      64      /* rounds of asking a pager */
#define VISIT_PAGES     64u     /* pages that the kernel copies under one hold of the map lock */

/* Internal results, beside the KERN_ codes: no lock is held, and the fault must begin again ... */
#define FAULT_AGAIN     (-1)    /* at once */
#define FAULT_ASK       (-2)    /* when the pager of `asked` has answered */
#define FAULT_FILL      (-3)    /* when the gigabyte of `asked` around asked_offset is resident */

struct fault {
	struct vm_map_lookup l;
	vm_map_t        map;    /* where it began */
	vm_map_t        only;   /* map, if our leaf of an old page will be replaced; NULL: none will be made */
	vm_offset_t     va;
	vm_prot_t       access;
	/* the page */
	struct vm_page *m;
	vm_object_t     level;  /* locked, holds m; the top object or one below it */
	vm_prot_t       prot;
	bool            fresh;  /* made by this fault */
	bool            copied; /* case C: the chain may be shorter once the old leaf is gone */
	unsigned        ahead;  /* case C: pages behind m that were copied with it */
	/* what a pager is asked for, and what it has said */
	vm_object_t     asked;
	vm_object_offset_t asked_offset;
	bool            asked_unlock;
	bool            no_run; /* there is no gigabyte of memory in one run */
	struct memory_object_wait said;
	unsigned        asks, tries;    /* rounds so far: of asking, of making memory free */
};

/* --- step 2: the page --- */

/* Once, a fault lets a megapage be made for the page that it needs. */
static inline unsigned
patience(const struct fault *f)
{
	return f->tries == 0 ? VM_OBJECT_PATIENT : 0;
}

/* B: a zeroed page in the top object (locked). */
static noinline kern_return_t
zero_fill(struct fault *f)
{
	vm_object_t top = f->l.object;

	if (unlikely(f->l.entry->gigapages) && !f->no_run && vm_fault_giga_is_due(&f->l, f->va)) {
		vm_object_reference(top);
		top->paging_in_progress++;
		f->asked = top;
		f->asked_offset = f->l.offset;
		spin_unlock(&top->lock);
		return FAULT_FILL;
	}
	f->m = vm_object_page_alloc(top, f->l.offset, (top->no_zero_fill ? 0 : VM_OBJECT_ZERO) | patience(f));
	if (unlikely(f->m == NULL)) {
		spin_unlock(&top->lock);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page to zero for offset 0x%lx of object %lu",
		    f->l.offset, top->id);
	}
	f->level = top;
	f->fresh = true;
	return KERN_SUCCESS;
}

/* Why no leaf over the whole of c, a block and full, can be: it would give somebody more or other than he has. */
static enum pmap_refusal
why_no_megapage(const struct vm_map_lookup *l, const struct vm_page *m, vm_object_t level, vm_offset_t va)
{
	vm_offset_t window = va & ~MEGAPAGE_MASK;
	uint64_t at;

	if (m->slot != (((va + l->pmap_shift) >> PAGE_SHIFT) & (VM_CHUNK_PAGES - 1)))
		return PMAP_REFUSED_PLACE;
	if (window < l->lo || l->hi - window < MEGAPAGE_SIZE)
		return PMAP_REFUSED_ENTRY;
	if (l->wired)
		return PMAP_REFUSED_WIRED;
	if (level == l->object)
		return PMAP_REFUSALS;
	/* Nothing in front of it that would show through for some pages. */
	at = l->offset + l->object->color;
	if (level != l->object->shadow || vm_chunk_find(l->object, at >> VM_CHUNK_SHIFT) != NULL ||
	    m->o.chunk->object != level)
		return PMAP_REFUSED_COPY;
	return PMAP_REFUSALS;
}

/*
 * C, in memory whose user wants megapages: old, of a full reservation, has just been copied to the first page f->m of one
 * of the top object's. The others follow, and all leaves of the old ones that show them through the top object go.
 */
static noinline void
copy_window(struct fault *f, const struct vm_page *old)
{
	struct vm_chunk *from = old->o.chunk, *c = f->m->o.chunk;
	vm_offset_t window = (f->va & ~MEGAPAGE_MASK) + f->l.pmap_shift;

	/* An object between the two may have newer pages. */
	if (f->level != f->l.object->shadow || c->base == 0 || c->resident != 1 || !vm_chunk_is_megapage(from) ||
	    old->slot != f->m->slot || from->wired != 0 || f->level->special || f->l.object->special ||
	    why_no_megapage(&f->l, f->m, f->l.object, f->va) != PMAP_REFUSALS)
		return;
	if (__atomic_load_n(&f->l.object->ref_count, __ATOMIC_ACQUIRE) > 1 || f->l.map != f->only)
		pmap_chunk_protect(from, VM_PROT_NONE);
	else
		pmap_remove(f->l.pmap, window, window + MEGAPAGE_SIZE);
	vm_chunk_fill_copy(c, from);
}

/* Pages from slot on that are worth making now: by how many before it are there without a gap. */
static unsigned
pages_ahead(const struct vm_chunk *c, unsigned slot)
{
	unsigned w, shift;
	uint32_t before;

	if (slot < 2 * FAULT_AHEAD)
		return 1;
	if (slot % FAULT_AHEAD_MOST == 0 && c->popmap[slot / 64 - 1] == ~0ul)
		return FAULT_AHEAD_MOST;
	w = (slot - 2 * FAULT_AHEAD) / 64;
	shift = (slot - 2 * FAULT_AHEAD) % 64;
	before = (uint32_t)(c->popmap[w] >> shift);
	if (shift > 32)
		before |= (uint32_t)(c->popmap[w + 1] << (64 - shift));
	return before == ~0u ? FAULT_AHEAD : 1;
}
_Static_assert(FAULT_AHEAD == 16 && FAULT_AHEAD_MOST == 64, "32 bits before, or a word");

/*
 * C, in memory that is written over in order: f->m, the copy of old, begins a group. The rest of the group is copied with
 * it, as far as it is old's object that shows through here, and nobody else sees it through the top object. Our leaves of
 * the old pages go; what comes instead is entered with f->m. Not the last page of a chunk, as in fill_ahead.
 */
static noinline void
copy_ahead(struct fault *f, const struct vm_page *old)
{
	struct vm_chunk *c = f->m->o.chunk, *from = old->o.chunk;
	vm_offset_t at = f->va + f->l.pmap_shift;
	unsigned slot = f->m->slot, n = FAULT_AHEAD, i;

	if (f->level != f->l.object->shadow || old->slot != slot || f->level->special || f->l.object->special ||
	    f->l.map != f->only || f->l.wired || f->l.entry->behavior == VM_BEHAVIOR_RANDOM ||
	    __atomic_load_n(&f->l.object->ref_count, __ATOMIC_ACQUIRE) > 1)
		return;
	if (n > (f->l.hi - f->va) >> PAGE_SHIFT)
		n = (unsigned)((f->l.hi - f->va) >> PAGE_SHIFT);
	if (slot + n == VM_CHUNK_PAGES)
		n--;
	for (i = 1; i < n && vm_chunk_populated(from, slot + i) && !vm_chunk_populated(c, slot + i); i++) {
		struct vm_page *m = vm_object_page_alloc(f->l.object, f->l.offset + i * PAGE_SIZE, 0);

		if (m == NULL)
			break;
		vm_page_copy(m, vm_chunk_page(from, slot + i));
		m->flags |= VM_PAGE_DIRTY;
	}
	if (i > 1)
		pmap_remove(f->l.pmap, at + PAGE_SIZE, at + i * PAGE_SIZE);
	f->ahead = i - 1;
}

/*
 * C: f->m, found in f->level (locked), is copied into the top object (locked).
 * Our own leaf of the old page is replaced by the caller if `only` is the map
 * that holds the entry; other leaves, and ours if not, are removed here.
 */
static kern_return_t
copy_up(struct fault *f)
{
	vm_object_t top = f->l.object;
	struct vm_page *m = f->m;

	f->m = vm_object_page_alloc(top, f->l.offset,
	    vm_chunk_is_megapage(m->o.chunk) ? VM_OBJECT_DENSE | patience(f) : 0);
	if (f->m == NULL) {
		spin_unlock(&f->level->lock);
		spin_unlock(&top->lock);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page to copy offset 0x%lx of object %lu",
		    f->l.offset, top->id);
	}
	vm_page_copy(f->m, m);
	f->m->flags |= VM_PAGE_DIRTY;
	f->fresh = f->copied = true;
	if (unlikely(f->l.entry->megapages))
		copy_window(f, m);
	if (unlikely(f->m->slot % FAULT_AHEAD == 0) && pages_ahead(f->m->o.chunk, f->m->slot) > 1)
		copy_ahead(f, m);
	if (__atomic_load_n(&top->ref_count, __ATOMIC_ACQUIRE) > 1 || f->l.map != f->only || top->special)
		pmap_page_protect(m, VM_PROT_NONE);
	spin_unlock(&f->level->lock);
	f->level = top;
	return KERN_SUCCESS;
}

static void
release_page(const struct fault *f)
{
	if (f->level != f->l.object)
		spin_unlock(&f->level->lock);
	spin_unlock(&f->l.object->lock);
}

/* E: the pager of f->level, for the page at offset; gives up the object locks. */
static kern_return_t
ask(struct fault *f, vm_object_offset_t offset, bool unlock)
{
	vm_object_t level = f->level;

	vm_object_reference(level);
	level->paging_in_progress++;
	f->asked = level;
	f->asked_offset = offset;
	f->asked_unlock = unlock;
	f->said.behavior = f->l.entry->behavior;
	release_page(f);
	return FAULT_ASK;
}

static bool
said_unavailable(const struct fault *f, vm_object_offset_t offset)
{
	return f->said.unavailable && f->said.object_id == f->level->id && f->said.offset == offset;
}

/*
 * f->level, locked, is special; f->m is its page at offset, or NULL. May the
 * page be used, or its absence be believed? If not, the object locks are gone.
 */
static noinline kern_return_t
ask_level(struct fault *f, vm_object_offset_t offset)
{
	vm_object_t level = f->level;
	vm_prot_t need = level == f->l.object ? f->access : f->access & ~VM_PROT_WRITE;

	if (level->phys_contiguous || (f->m == NULL && (level->shadow_severed ||
	    (level->pager != NULL && offset >= level->size)))) {
		kern_return_t kr = level->phys_contiguous ?
		    KERN_FAIL(KERN_MEMORY_ERROR, "object %lu is device memory, which has no pages", level->id) :
		    KERN_FAIL(KERN_MEMORY_ERROR, "the pager of object %lu has no page at offset 0x%lx", level->id, offset);

		release_page(f);
		return kr;
	}
	if (level->pager == NULL)
		return KERN_SUCCESS;
	if (f->m == NULL)
		return said_unavailable(f, offset) ? KERN_SUCCESS : ask(f, offset, false);
	if (f->m->flags & VM_PAGE_BUSY)
		return ask(f, offset, false);
	if (f->m->page_lock & (need != 0 ? need : VM_PROT_READ))
		return ask(f, offset, true);
	f->prot &= ~f->m->page_lock;
	return KERN_SUCCESS;
}

/*
 * Down the chain to the first page, from the top object (locked), where f->m was found. On success
 * f->m is that page, in f->level (locked, beside the top); or NULL, and just the top
 * is locked.
 */
static kern_return_t
descend(struct fault *f)
{
	vm_object_t top = f->l.object, level = top, next;
	vm_object_offset_t offset = f->l.offset;
	kern_return_t kr;

	for (;;) {
		f->level = level;
		if (unlikely(level->special)) {
			kr = ask_level(f, offset);
			if (kr != KERN_SUCCESS)
				return kr;
		}
		if (f->m != NULL || (next = level->shadow) == NULL)
			break;
		spin_lock(&next->lock);
		offset += level->shadow_offset;
		if (level != top)
			spin_unlock(&level->lock);
		level = next;
		f->m = offset < level->size ? vm_page_lookup(level, offset) : NULL;
	}
	if (f->m == NULL && level != top)
		spin_unlock(&level->lock);
	return KERN_SUCCESS;
}

/*
 * What a special top object, locked, asks for before its page f->m, which may
 * still lie below it, is used: the push rule, and that first writes are seen.
 */
static noinline kern_return_t
prepare_special(struct fault *f)
{
	vm_object_t top = f->l.object;

	if (top->pager != NULL) {
		if (f->fresh)
			f->m->page_lock = VM_PROT_NONE;
		if (f->access & VM_PROT_WRITE)
			f->m->flags |= VM_PAGE_DIRTY;
		else
			f->prot &= ~VM_PROT_WRITE;
	}
	if (top->copy == NULL)
		return KERN_SUCCESS;
	if (!(f->access & VM_PROT_WRITE)) {
		if ((f->prot & VM_PROT_WRITE) && vm_object_owes_push(top, f->l.offset))
			f->prot &= ~VM_PROT_WRITE;
		return KERN_SUCCESS;
	}
	switch (vm_object_push(top, f->l.offset, f->m)) {
	case PUSH_DONE:
		return KERN_SUCCESS;
	case PUSH_AGAIN:
		release_page(f);
		return FAULT_AGAIN;
	default:
		release_page(f);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page for the copy of offset 0x%lx of object %lu",
		    f->l.offset, top->id);
	}
}

/*
 * Step 2 in full; the top object is locked, f->m its page or NULL. On success it and f->level (maybe
 * the same) are locked; else neither.
 */
static noinline kern_return_t
find_page_slow(struct fault *f)
{
	vm_object_t top = f->l.object;
	kern_return_t kr;

	f->prot = f->l.prot;
	f->fresh = f->copied = false;
	f->ahead = 0;
	kr = descend(f);
	if (kr != KERN_SUCCESS)
		return kr;
	if (f->m == NULL)
		kr = zero_fill(f);
	else if (f->level != top) {
		if (f->access & VM_PROT_WRITE)
			kr = copy_up(f);
		else
			f->prot &= ~VM_PROT_WRITE;
	}
	if (kr == KERN_SUCCESS && unlikely(top->special))
		kr = prepare_special(f);
	return kr;
}

/* --- step 3: the leaf --- */

static noinline bool
megapage_fits(const struct vm_map_lookup *l, const struct vm_page *m, vm_object_t level, vm_offset_t va)
{
	enum pmap_refusal why = why_no_megapage(l, m, level, va);

	if (why != PMAP_REFUSALS)
		pmap_refuse(l->pmap, why);
	return why == PMAP_REFUSALS;
}

/* c is no megapage. */
static void
refuse_chunk(const struct vm_map_lookup *l, const struct vm_chunk *c)
{
	pmap_refuse(l->pmap, c->resident < VM_CHUNK_PAGES ? PMAP_REFUSED_NOT_FULL : PMAP_REFUSED_SCATTERED);
}

/*
 * Resident neighbours in the aligned group around the page, within the entry.
 * Only for pages that were resident before: a fresh one's neighbours, in an
 * object filled in order, are not there yet or are mapped already.
 */
static noinline void
enter_around(const struct vm_map_lookup *l, const struct vm_page *m, vm_offset_t va, vm_prot_t prot)
{
	unsigned slot = m->slot, around = FAULT_AROUND, back, n;
	vm_offset_t start;

	if (!vm_chunk_is_megapage(m->o.chunk))
		refuse_chunk(l, m->o.chunk);
	/* Of a wired entry every leaf is marked, and only its own fault knows how. */
	if (unlikely(l->entry->behavior != VM_BEHAVIOR_DEFAULT || l->wired)) {
		if (l->entry->behavior == VM_BEHAVIOR_RANDOM || l->wired)
			return;
		around = FAULT_AROUND_SEQUENTIAL;
	}
	back = slot & (around - 1);
	if (back > (va - l->lo) >> PAGE_SHIFT)
		back = (unsigned)((va - l->lo) >> PAGE_SHIFT);
	start = va - ((vm_offset_t)back << PAGE_SHIFT);
	n = (slot | (around - 1)) + 1 - (slot - back);
	if (n > (l->hi - start) >> PAGE_SHIFT)
		n = (unsigned)((l->hi - start) >> PAGE_SHIFT);
	(void)pmap_enter_run(l->pmap, start + l->pmap_shift, m->o.chunk, slot - back, n, prot);
}

/*
 * m is fresh and begins a group (or ends one: then only a megapage that was
 * not to be had is counted). When all the pages before it are there, the
 * rest of the group is cleared and mapped now, from the reservation that holds
 * it anyway. Never the last page of a chunk: a megapage is made of memory that
 * was asked for.
 */
static noinline void
fill_ahead(const struct vm_map_lookup *l, const struct vm_page *m, vm_offset_t va)
{
	struct vm_chunk *c = m->o.chunk;
	unsigned slot = m->slot, n;

	if (slot % FAULT_AHEAD != 0) {
		if (slot == VM_CHUNK_PAGES - 1 && !vm_chunk_is_megapage(c))
			refuse_chunk(l, c);
		return;
	}
	if (c->base == 0 || l->wired || l->entry->behavior == VM_BEHAVIOR_RANDOM)
		return;
	n = pages_ahead(c, slot);
	if (n > (l->hi - va) >> PAGE_SHIFT)
		n = (unsigned)((l->hi - va) >> PAGE_SHIFT);
	if (slot + n == VM_CHUNK_PAGES)
		n--;
	if (n <= 1)
		return;
	vm_chunk_fill(c, slot + 1, n - 1);
	(void)pmap_enter_run(l->pmap, va + l->pmap_shift + PAGE_SIZE, c, slot + 1, n - 1, l->prot);
}

/*
 * m is the first page of its window: where the user wants megapages, the others are cleared now, too. (Of an ordinary
 * object that shadows nothing.)
 */
static noinline void
fill_window(const struct vm_map_lookup *l, const struct vm_page *m, vm_offset_t va)
{
	if (l->entry->megapages && m->o.chunk->base != 0 && why_no_megapage(l, m, l->object, va) == PMAP_REFUSALS)
		vm_chunk_fill(m->o.chunk, 0, VM_CHUNK_PAGES);
}

/* A of an ordinary object: m, resident or fresh in the top object (locked). */
static inline kern_return_t
enter_quick(const struct vm_map_lookup *l, struct vm_page *m, vm_offset_t va, vm_prot_t access, bool fresh)
{
	struct vm_chunk *c = m->o.chunk;
	kern_return_t kr;

	if (unlikely(c->resident == 1) && fresh)
		fill_window(l, m, va);
	if (unlikely(c->run) && vm_chunk_is_megapage(c) && vm_fault_giga_enter(l, m, l->object, va, l->prot, access))
		return KERN_SUCCESS;
	if (unlikely(vm_chunk_is_megapage(c)) && megapage_fits(l, m, l->object, va) &&
	    pmap_enter_mega(l->pmap, (va + l->pmap_shift) & ~MEGAPAGE_MASK, c, l->prot, access) == KERN_SUCCESS)
		return KERN_SUCCESS;
	/* An entry being wired may not have come to this page yet. */
	if (unlikely(l->wired) && m->wire_count != 0)
		access |= PMAP_WIRED;
	kr = pmap_enter(l->pmap, va + l->pmap_shift, m, l->prot, access);
	if (unlikely(kr != KERN_SUCCESS))
		return kr;
	if (fresh) {
		if (unlikely(((m->slot + 1u) & (FAULT_AHEAD - 2)) == 0))        /* the first or last of a group */
			fill_ahead(l, m, va);
	} else if (c->resident > 1)
		enter_around(l, m, va, l->prot);
	return KERN_SUCCESS;
}

static inline unsigned
uncached(const struct fault *f)
{
	return unlikely(f->level->uncached) ? PMAP_UNCACHED : 0;
}

/* A page that was resident: the rest of its chunk may come along. Of special objects, only where nobody has to hear of its use. */
static noinline kern_return_t
enter_resident(struct fault *f)
{
	bool special = f->level->special || f->l.object->special;
	vm_offset_t at = f->va + f->l.pmap_shift;
	struct vm_chunk *c = f->m->o.chunk;
	vm_prot_t flags = f->access | uncached(f);
	bool around = f->level->locked_pages == 0 && !f->level->uncached;
	kern_return_t kr;

	if (vm_chunk_is_megapage(c)) {
		if (!around || (special && (f->prot & VM_PROT_WRITE)))
			pmap_refuse(f->l.pmap, PMAP_REFUSED_RIGHTS);
		else if (unlikely(c->run) && vm_fault_giga_enter(&f->l, f->m, f->level, f->va, f->prot, flags))
			return KERN_SUCCESS;
		else if (megapage_fits(&f->l, f->m, f->level, f->va) &&
		    pmap_enter_mega(f->l.pmap, at & ~MEGAPAGE_MASK, c, f->prot, flags) == KERN_SUCCESS)
			return KERN_SUCCESS;
	} else if (f->level != f->l.object)
		refuse_chunk(&f->l, c);
	if (f->l.wired && f->m->wire_count != 0)
		flags |= PMAP_WIRED;
	kr = pmap_enter(f->l.pmap, at, f->m, f->prot, flags);
	if (kr == KERN_SUCCESS && f->level == f->l.object && c->resident > 1 && around)
		enter_around(&f->l, f->m, f->va, special ? f->prot & ~VM_PROT_WRITE : f->prot);
	return kr;
}

/* A page made by this fault: copied up, or the first of zeros in a chain or in a special object. */
static inline kern_return_t
enter_fresh(struct fault *f)
{
	vm_prot_t flags = f->access | uncached(f);
	vm_offset_t at = f->va + f->l.pmap_shift;
	struct vm_chunk *c = f->m->o.chunk;
	kern_return_t kr;

	if (unlikely(f->no_run) && c->resident == 1 && f->level == f->l.object)
		fill_window(&f->l, f->m, f->va);
	if (unlikely(f->l.wired && f->m->wire_count != 0))
		flags |= PMAP_WIRED;
	kr = pmap_enter(f->l.pmap, at, f->m, f->prot, flags);
	if (unlikely(f->ahead != 0) && kr == KERN_SUCCESS)
		(void)pmap_enter_run(f->l.pmap, at + PAGE_SIZE, c, f->m->slot + 1u, f->ahead, f->prot);
	/* The last page of a window: what is copied becomes a megapage again. */
	if (unlikely(vm_chunk_is_megapage(c)) && kr == KERN_SUCCESS && !f->l.object->special &&
	    megapage_fits(&f->l, f->m, f->level, f->va))
		(void)pmap_enter_mega(f->l.pmap, at & ~MEGAPAGE_MASK, c, f->prot, flags);
	return kr;
}

/* The top object, locked, is device memory. */
static noinline kern_return_t
enter_device(struct fault *f)
{
	vm_object_t o = f->l.object;
	kern_return_t kr;

	if (f->l.offset >= o->size)
		kr = KERN_FAIL(KERN_MEMORY_ERROR, "offset 0x%lx is beyond the 0x%lx bytes of the device", f->l.offset, o->size);
	else
		kr = pmap_enter_phys(f->l.pmap, f->va + f->l.pmap_shift, o->phys + f->l.offset, f->l.prot,
		    f->access | (f->l.wired ? PMAP_WIRED : 0) | (o->uncached ? PMAP_UNCACHED : 0));
	spin_unlock(&o->lock);
	return kr;
}

/* --- all of it --- */

/* Steps 2 to 4: looked up, the map and the top object are locked, f->m is its page or NULL; nothing is locked afterwards. */
static always_inline kern_return_t
resolve(struct fault *f)
{
	kern_return_t kr;

	if (unlikely(f->l.object->phys_contiguous))
		kr = enter_device(f);
	else if ((kr = find_page_slow(f)) == KERN_SUCCESS) {
		kr = f->fresh ? enter_fresh(f) : enter_resident(f);
		if (f->copied) {
			if (unlikely(kr != KERN_SUCCESS)) {     /* the old leaf may be there still */
				vm_offset_t at = f->va + f->l.pmap_shift;

				pmap_remove(f->l.pmap, at, at + PAGE_SIZE);
			}
			vm_object_collapse(f->l.object);
		}
		release_page(f);
	}
	vm_map_lookup_done(f->map, &f->l);
	return kr;
}

/*
 * After a step that ended in kr, nothing locked: KERN_SUCCESS: begin again, now
 * that the pager has answered or there is some memory; else what the fault comes to.
 */
static kern_return_t
try_again(struct fault *f, kern_return_t kr)
{
	switch (kr) {
	case FAULT_AGAIN:
		hart_relax();
		break;
	case FAULT_ASK:
		if (++f->asks > FAULT_ASKS) {
			vm_object_paging_end(f->asked);
			return KERN_FAIL(KERN_MEMORY_ERROR, "the pager has answered %u times, but the page at 0x%lx is not there",
			    FAULT_ASKS, f->va);
		}
		kr = memory_object_get_page(f->asked, f->asked_offset, f->access, f->asked_unlock, &f->said);
		if (kr != KERN_SUCCESS)
			return kr;
		VM_RELOCK_POINT(f->map, "vm_fault.pager");
		break;
	case FAULT_FILL: {
		bool filled;

		kr = vm_fault_giga_fill(f->asked, f->asked_offset, f->map->pmap, &filled);
		vm_object_paging_end(f->asked);
		if (kr != KERN_SUCCESS)
			return kr;
		f->no_run = !filled;
		break;
	}
	case KERN_RESOURCE_SHORTAGE:
		if (++f->tries == 1 && vm_page_compact_is_due())
			(void)vm_page_compact(VM_PAGE_COMPACT_MOST, false);
		else if (f->tries > FAULT_TRIES || vm_reserv_break(1) == 0)
			return kr;
		break;
	default:
		return kr;
	}
	return KERN_SUCCESS;
}

static void
fault_begin(struct fault *f, vm_map_t map, vm_offset_t va, vm_prot_t access)
{
	f->map = map;
	f->only = map;
	f->va = va;
	f->access = access;
	f->said.unavailable = false;
	f->no_run = false;
	f->tries = 0;
}

/* On KERN_SUCCESS the top object is locked, f->m is its page or NULL, and the maps are locked for reading (vm_map_lookup_done). */
static kern_return_t
fault_lookup(struct fault *f)
{
	kern_return_t kr;

	vm_map_lock_read(f->map);
	kr = vm_map_lookup_locked(f->map, f->va, f->access, &f->l);
	if (kr == KERN_SUCCESS) {
		spin_lock(&f->l.object->lock);
		f->m = vm_page_lookup(f->l.object, f->l.offset);
	}
	return kr;
}

/* A step came to kr; nothing is locked. Until the fault is resolved or refused. */
static noinline kern_return_t
fault_loop(struct fault *f, kern_return_t kr)
{
	f->asks = f->tries = 0;
	while ((kr = try_again(f, kr)) == KERN_SUCCESS) {
		kr = fault_lookup(f);
		if (kr == KERN_SUCCESS && (kr = resolve(f)) == KERN_SUCCESS)
			break;
	}
	return kr;
}

/* The quick way is not enough; looked up, the map and the top object are locked, m is its page or NULL. */
static noinline kern_return_t
fault_slow(struct fault *f, vm_map_t map, vm_offset_t va, vm_prot_t access, struct vm_page *m)
{
	kern_return_t kr;

	fault_begin(f, map, va, access);
	f->m = m;
	kr = resolve(f);
	return likely(kr == KERN_SUCCESS) ? kr : fault_loop(f, kr);
}

/* The quick way had not the memory; nothing is locked. */
static noinline kern_return_t
fault_short(struct fault *f, vm_map_t map, vm_offset_t va, vm_prot_t access)
{
	fault_begin(f, map, va, access);
	return fault_loop(f, KERN_RESOURCE_SHORTAGE);
}

/* The lookup came to kr; nothing is locked. Where a stack grows the fault begins again. */
static noinline kern_return_t
fault_refused(struct fault *f, vm_map_t map, vm_offset_t va, vm_prot_t access, kern_return_t kr)
{
	if (unlikely(f->l.may_grow)) {
		kern_return_t grown;
		unsigned tries = 0;

		do
			grown = vm_map_fault_growstack(map, va, access, kr);
		while (grown == KERN_RESOURCE_SHORTAGE && ++tries <= FAULT_TRIES && vm_reserv_break(1) != 0);
		return grown == KERN_SUCCESS ? vm_fault(map, va, access) : grown;
	}
	return kr == KERN_RESOURCE_SHORTAGE ? fault_short(f, map, va, access) : kr;
}

kern_return_t
vm_fault(vm_map_t map, vm_offset_t va, vm_prot_t access)
{
	struct fault f;
	struct vm_page *m;
	vm_object_t top;
	kern_return_t kr;
	bool fresh = false;

	va = trunc_page(va);
	vm_map_lock_read(map);
	kr = vm_map_lookup_locked(map, va, access, &f.l);
	if (unlikely(kr != KERN_SUCCESS))
		return fault_refused(&f, map, va, access, kr);
	top = f.l.object;
	spin_lock(&top->lock);
	m = vm_page_lookup(top, f.l.offset);
	if (unlikely(top->special))
		return fault_slow(&f, map, va, access, m);
	if (m == NULL) {
		if (top->shadow != NULL || (unlikely(f.l.entry->gigapages) && vm_fault_giga_is_due(&f.l, va)) ||
		    (m = vm_object_page_alloc(top, f.l.offset, VM_OBJECT_ZERO | VM_OBJECT_PATIENT)) == NULL)
			return fault_slow(&f, map, va, access, NULL);
		fresh = true;
	}
	kr = enter_quick(&f.l, m, va, access, fresh);
	spin_unlock(&top->lock);
	vm_map_lookup_done(map, &f.l);
	return likely(kr == KERN_SUCCESS) ? kr : fault_short(&f, map, va, access);
}

/* --- copies by the kernel --- */

/* The pages of one entry from f->va on, some at a time, so that writers get their turn. Looked up, as fault_lookup leaves it; the map stays locked. */
static kern_return_t
visit_pages(struct fault *f, bool (*fn)(struct vm_page *m, void *arg), void *arg, bool *more)
{
	kern_return_t kr;
	unsigned n = 0;

	for (;;) {
		/* No leaf is made here, as `only` says: a copied page's old leaves go. */
		if (likely(f->m != NULL && !f->l.object->special)) {
			f->level = f->l.object;
			f->copied = false;
		} else if ((kr = find_page_slow(f)) != KERN_SUCCESS)
			return kr;
		*more = fn(f->m, arg);
		if (f->access & VM_PROT_WRITE)
			f->m->flags |= VM_PAGE_DIRTY;
		if (f->copied)
			vm_object_collapse(f->l.object);
		release_page(f);
		f->va += PAGE_SIZE;
		f->l.offset += PAGE_SIZE;
		if (!*more || f->va >= f->l.hi || ++n == VISIT_PAGES)
			return KERN_SUCCESS;
		spin_lock(&f->l.object->lock);
		f->m = vm_page_lookup(f->l.object, f->l.offset);
	}
}

kern_return_t
vm_fault_with(vm_map_t map, vm_offset_t va, vm_prot_t access,
    bool (*fn)(struct vm_page *m, void *arg), void *arg)
{
	struct fault f;
	kern_return_t kr;
	bool more = true;

	fault_begin(&f, map, trunc_page(va), access);
	f.only = NULL;
	f.asks = f.tries = 0;
	while (more) {
		kr = fault_lookup(&f);
		if (kr == KERN_SUCCESS) {
			kr = visit_pages(&f, fn, arg, &more);
			vm_map_lookup_done(map, &f.l);
		}
		if (kr == KERN_SUCCESS)
			f.asks = f.tries = 0;
		else if ((kr = try_again(&f, kr)) != KERN_SUCCESS)
			return kr;
	}
	return KERN_SUCCESS;
}

static bool
visit_one(struct vm_page *m, void *arg)
{
	(void)m;
	(void)arg;
	return false;
}

kern_return_t
vm_fault_resident(vm_map_t map, vm_offset_t va, vm_prot_t access)
{
	/* In tables that are nested, only faults through windows know the rights. */
	return map->pmap != NULL && !map->own_tables ? vm_fault(map, va, access) : vm_fault_with(map, va, access, visit_one, NULL);
}
