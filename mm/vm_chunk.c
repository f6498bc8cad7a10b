/*
 * vm_chunk.c: the pages of an object, 512 at a time.
 *
 *   chunk with a reservation              chunk of single pages
 *   base ──> [p0][p1][p2]...[p511]        leaf[0] ──> 64 pfns ──> pages anywhere
 *             1   1   0  ...  1  popmap   leaf[3] ──> 64 pfns
 *
 * The first page that an object needs in a 2 MiB window which lies wholly
 * inside it reserves a physical megapage, if there is a free one; the popmap
 * says which of its pages are resident. When it is full, one leaf can map it
 * (vm_fault.c asks vm_chunk_is_megapage). Unpopulated pages of a reservation
 * belong to it but hold nothing (vm_reserv.c: who gets a reservation, and who
 * loses it).
 *
 * Invariants: resident = bits in popmap; a set bit's page has kind OBJECT and
 * names chunk and slot; the head page of a reservation has kind OBJECT or RSVP
 * and names the chunk; the other unpopulated pages of a reservation are covered
 * by their head (vm_page.c: only heads of blocks are described). A chunk has
 * at least one resident page, except between its making and the first
 * insertion, under the object's lock.
 *
 * Locks: the object's.
 *
 * Failure: no chunk, leaf or page: NULL, nothing changed.
 */
#include <string.h>
#include <base/tree_inline.h>
#include <mm/vm_page_compact.h>
#include <mm/vm_reserv.h>
#include <mm/zone.h>
#include <mm/pmap.h>
#include "vm_object_impl.h"
#include "vm_page_impl.h"

static struct zone vm_chunk_zone, vm_chunk_leaf_zone;

void
vm_chunk_bootstrap(void)
{
	zone_init(&vm_chunk_zone, "vm_chunk", sizeof(struct vm_chunk));
	vm_reserv_bootstrap();
	zone_init(&vm_chunk_leaf_zone, "vm_chunk_leaf", VM_CHUNK_LEAF * sizeof(pfn_t));
}

static inline struct vm_chunk *
chunk_of(struct tree_node *n)
{
	return container_of(n, struct vm_chunk, node);
}

struct vm_chunk *
vm_chunk_find_slow(vm_object_t object, uint64_t index)
{
	struct tree_node *n = object->chunks.root;

	/* Memory that is touched upwards asks for what is not there. */
	if (object->last != NULL && index > object->last->index)
		return NULL;
	while (n != NULL) {
		struct vm_chunk *c = chunk_of(n);

		if (c->index == index) {
			object->hint = c;
			return c;
		}
		n = index < c->index ? n->left : n->right;
	}
	return NULL;
}

/* The first chunk with index >= the given one, or NULL. */
struct vm_chunk *
vm_chunk_at_or_after(vm_object_t object, uint64_t index)
{
	struct tree_node *n = object->chunks.root;
	struct vm_chunk *best = NULL;

	while (n != NULL) {
		struct vm_chunk *c = chunk_of(n);

		if (c->index >= index) {
			best = c;
			n = n->left;
		} else
			n = n->right;
	}
	return best;
}

bool
vm_chunk_visit(vm_object_t object, vm_object_offset_t start, vm_object_offset_t end, vm_chunk_visitor *fn, void *arg)
{
	struct vm_chunk *c;

	if (end > object->size)
		end = object->size;
	if (start >= end)
		return true;
	start += object->color;
	end += object->color;
	for (c = vm_chunk_at_or_after(object, start >> VM_CHUNK_SHIFT);
	    c != NULL && c->index <= (end - 1) >> VM_CHUNK_SHIFT;
	    c = vm_chunk_at_or_after(object, c->index + 1)) {
		uint64_t base = c->index << VM_CHUNK_SHIFT;

		if (!fn(c, start > base ? (unsigned)((start - base) >> PAGE_SHIFT) : 0,
		    end - base < MEGAPAGE_SIZE ? (unsigned)((end - base) >> PAGE_SHIFT) : VM_CHUNK_PAGES, arg))
			return false;
	}
	return true;
}

/* Anywhere in the tree. */
static noinline void
chunk_insert(vm_object_t object, struct vm_chunk *c)
{
	struct tree_node *n = object->chunks.root, *p = NULL;
	bool left = false, highest = true;

	while (n != NULL) {
		p = n;
		left = c->index < chunk_of(n)->index;
		highest &= !left;
		n = left ? n->left : n->right;
	}
	if (highest)
		object->last = c;
	tree_insert(&object->chunks, &c->node, p, left, NULL);
}

static inline void
chunk_link(vm_object_t object, struct vm_chunk *c)
{
	struct vm_chunk *last = object->last;

	if (last != NULL && c->index > last->index) {
		tree_append(&object->chunks, &c->node, &last->node);
		object->last = c;
	} else if (object->chunks.root == NULL) {
		tree_hang(&object->chunks, &c->node, NULL, false);
		object->last = c;
	} else
		chunk_insert(object, c);
	object->hint = c;
}

static void
chunk_unlink(struct vm_chunk *c)
{
	vm_object_t object = c->object;

	tree_remove(&object->chunks, &c->node, NULL);
	if (object->hint == c)
		object->hint = NULL;
	if (object->last == c)
		object->last = NULL;
}

static struct vm_chunk *
chunk_allocate(vm_object_t object, uint64_t index)
{
	struct vm_chunk *c = zalloc(&vm_chunk_zone);

	if (c == NULL)
		return NULL;
	/* Field by field: a library call that clears 200 bytes costs twice as much. */
	c->object = object;
	c->index = index;
	c->pv = NULL;
	spin_init(&c->pv_lock, LOCK_PV);
	c->resident = c->wired = 0;
	c->base = 0;
	c->zeroed = c->run = false;
#pragma GCC unroll 8
	for (unsigned i = 0; i < nitems(c->popmap); i++) {
		c->popmap[i] = 0;
		c->leaf[i] = NULL;
	}
	chunk_link(object, c);
	return c;
}

struct vm_chunk *
vm_chunk_after(struct vm_chunk *c)
{
	struct tree_node *after = tree_next(&c->node);

	return after != NULL ? chunk_of(after) : NULL;
}

/*
 * Frees an empty chunk and its leaves; the reservation has been given back. Whoever took the last
 * mapping away may have unlinked its record, as all can see, and be about to
 * release pv_lock: taking the lock waits for that last store to the chunk.
 */
static void
chunk_free(struct vm_chunk *c)
{
	spin_lock(&c->pv_lock);
	KASSERT(c->pv == NULL, ("chunk %p of object %lu freed while mapped", (void *)c,
	    (unsigned long)c->object->id));
	spin_unlock(&c->pv_lock);
	chunk_unlink(c);
	for (unsigned i = 0; i < nitems(c->leaf); i++)
		if (c->leaf[i] != NULL)
			zfree(&vm_chunk_leaf_zone, c->leaf[i]);
	zfree(&vm_chunk_zone, c);
}

/* Room for a pfn at slot of a chunk of single pages. */
static bool
chunk_make_leaf(struct vm_chunk *c, unsigned slot)
{
	pfn_t **leaf = &c->leaf[slot / VM_CHUNK_LEAF];

	if (*leaf == NULL)
		*leaf = zalloc(&vm_chunk_leaf_zone);
	return *leaf != NULL;
}

static inline void
chunk_set_resident(struct vm_chunk *c, unsigned slot, struct vm_page *m)
{
	m->kind = VM_PAGE_OBJECT;
	m->flags = 0;
	m->wire_count = 0;
	m->o.chunk = c;
	m->o.ad = 0;
	m->slot = (uint16_t)slot;
	c->popmap[slot / 64] |= 1ul << (slot % 64);
	c->object->resident_page_count++;
	if (++c->resident == VM_CHUNK_PAGES && c->base != 0)
		vm_reserv_filled(c);
}

/*
 * A page of its own for slot, with room for its number. When memory is out,
 * other objects' reservations give back what they do not use.
 */
static struct vm_page *
chunk_single_page(struct vm_chunk *c, unsigned slot, bool zero)
{
	do {
		struct vm_page *m = NULL;

		if (likely(chunk_make_leaf(c, slot)))
			m = vm_page_alloc(VM_PAGE_USER | (zero ? VM_PAGE_ZERO : 0));
		if (likely(m != NULL))
			return m;
	} while (vm_reserv_break(1) != 0);
	return NULL;
}

struct vm_page *
vm_object_page_alloc(vm_object_t object, vm_object_offset_t offset, unsigned flags)
{
	uint64_t at = offset + object->color;
	unsigned slot = (unsigned)(at >> PAGE_SHIFT) % VM_CHUNK_PAGES;
	struct vm_chunk *c = vm_chunk_find(object, at >> VM_CHUNK_SHIFT);
	struct vm_page *m;

	if (c == NULL) {
		c = chunk_allocate(object, at >> VM_CHUNK_SHIFT);
		if (c == NULL)
			return NULL;
		if (unlikely(!vm_reserv_make(c, flags))) {
			chunk_free(c);
			return NULL;
		}
	}
	DASSERT(!vm_chunk_populated(c, slot), ("object %lu: offset 0x%lx is resident already",
	    (unsigned long)object->id, (unsigned long)offset));
	if (c->base != 0) {
		m = c->head + slot;
		if ((flags & VM_OBJECT_ZERO) && !c->zeroed)
			vm_page_zero(m);
	} else {
		m = chunk_single_page(c, slot, (flags & VM_OBJECT_ZERO) != 0);
		if (m == NULL) {
			if (c->resident == 0)
				chunk_free(c);
			return NULL;
		}
		c->leaf[slot / VM_CHUNK_LEAF][slot % VM_CHUNK_LEAF] = m->pfn;
	}
	chunk_set_resident(c, slot, m);
	return m;
}

/* m, at slot of a reservation, as chunk_set_resident has it, in four stores. */
static inline void
chunk_describe(struct vm_chunk *c, struct vm_page *m, uint64_t number, unsigned flags)
{
	_Static_assert(offsetof(struct vm_page, slot) == offsetof(struct vm_page, pfn) + 4 &&
	    offsetof(struct vm_page, wire_count) == offsetof(struct vm_page, pfn) + 6, "one word");
	m->o.chunk = c;
	m->o.ad = 0;
	*(uint64_t *)(void *)&m->pfn = number;
	vm_page_describe(m, VM_PAGE_OBJECT, 0, flags);
}

/* As chunk_set_resident, for slots [slot, end) of a reservation, none of them populated. */
static void
chunk_set_run(struct vm_chunk *c, unsigned slot, unsigned end, unsigned flags)
{
	uint64_t number = (c->base + slot) | (uint64_t)slot << 32;
	struct vm_page *m = c->head + slot, *last = c->head + end;
	unsigned n = end - slot;

	for (; last - m >= 8; m += 8, number += 8 * (1 + (1ul << 32))) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < 8; i++)
			chunk_describe(c, m + i, number + i * (1 + (1ul << 32)), flags);
	}
	for (; m < last; m++, number += 1 + (1ul << 32))
		chunk_describe(c, m, number, flags);
	if (slot == 0)
		c->head->order = VM_PAGE_ORDER_MEGA;
	for (unsigned next; slot < end; slot = next) {
		next = (slot | 63) + 1 < end ? (slot | 63) + 1 : end;
		c->popmap[slot / 64] |= ~0ul >> (63 - (next - 1 - slot)) << (slot % 64);
	}
	c->object->resident_page_count += n;
	c->resident += (uint16_t)n;
	if (c->resident == VM_CHUNK_PAGES)
		vm_reserv_filled(c);
}

void
vm_chunk_fill(struct vm_chunk *c, unsigned slot, unsigned n)
{
	for (unsigned end = slot + n, stop; slot < end; slot = stop + 1) {
		stop = vm_chunk_next(c, slot);
		if (stop > end)
			stop = end;
		if (stop == slot)
			continue;
		if (!c->zeroed)
			for (unsigned i = slot; i < stop; i++)
				vm_page_zero(c->head + i);
		chunk_set_run(c, slot, stop, 0);
	}
}

void
vm_chunk_fill_copy(struct vm_chunk *c, const struct vm_chunk *from)
{
	for (unsigned slot = 0, stop; slot < VM_CHUNK_PAGES; slot = stop + 1) {
		stop = vm_chunk_next(c, slot);
		if (stop == slot)
			continue;
		for (unsigned i = slot; i < stop; i++)
			vm_page_copy(c->head + i, vm_chunk_page(from, i));
		chunk_set_run(c, slot, stop, VM_PAGE_DIRTY);
	}
}

bool
vm_object_page_insert(vm_object_t object, vm_object_offset_t offset, struct vm_page *m)
{
	uint64_t at = offset + object->color;
	unsigned slot = (unsigned)(at >> PAGE_SHIFT) % VM_CHUNK_PAGES;
	struct vm_chunk *c = vm_chunk_find(object, at >> VM_CHUNK_SHIFT);

	if (c == NULL) {
		if ((c = chunk_allocate(object, at >> VM_CHUNK_SHIFT)) == NULL)
			return false;
		vm_reserv_refused(VM_RESERV_REFUSED_OVERLAP);
	}
	if (!vm_chunk_make_single(c, VM_RESERV_BROKEN_OVERLAP) || !chunk_make_leaf(c, slot)) {
		if (c->resident == 0)
			chunk_free(c);
		return false;
	}
	c->leaf[slot / VM_CHUNK_LEAF][slot % VM_CHUNK_LEAF] = m->pfn;
	chunk_set_resident(c, slot, m);
	return true;
}

bool
vm_object_page_take(struct vm_page *m)
{
	struct vm_chunk *c = m->o.chunk;
	unsigned slot = m->slot;

	if (c->base != 0)
		return false;
	DASSERT(m->wire_count == 0, ("page 0x%lx taken with %u wirings", (unsigned long)vm_page_pa(m), m->wire_count));
	c->popmap[slot / 64] &= ~(1ul << (slot % 64));
	c->object->resident_page_count--;
	if (--c->resident == 0)
		chunk_free(c);
	vm_page_describe(m, VM_PAGE_KERNEL, 0, 0);
	return true;
}

bool
vm_object_populate(vm_object_t object, vm_object_offset_t offset, unsigned n)
{
	uint64_t at = offset + object->color;
	unsigned slot = (unsigned)(at >> PAGE_SHIFT) % VM_CHUNK_PAGES;
	struct vm_chunk *c = vm_chunk_find(object, at >> VM_CHUNK_SHIFT);

	for (; n > 0; n--, slot++, offset += PAGE_SIZE) {
		if (c != NULL && c->base != 0) {
			vm_chunk_fill(c, slot, n);
			break;
		}
		if (c != NULL && vm_chunk_populated(c, slot))
			continue;
		if (vm_object_page_alloc(object, offset, true) == NULL)
			return false;
		c = vm_chunk_find(object, at >> VM_CHUNK_SHIFT);
	}
	return true;
}

/* The run's windows become full reservations. Object locked. FALSE: no memory for a chunk; those made are gone again, the run is the caller's. */
static bool
attach_run(vm_object_t object, uint64_t index, struct vm_page *m, uint64_t windows)
{
	const bool giga = windows << VM_CHUNK_SHIFT == GIGAPAGE_SIZE;
	uint64_t n = 0;

	for (; n < windows; n++) {
		struct vm_chunk *c = chunk_allocate(object, index + n);

		if (c == NULL)
			break;
		vm_reserv_attach(c, m + n * VM_CHUNK_PAGES);
		chunk_set_run(c, 0, VM_CHUNK_PAGES, 0);
		c->run = giga;
	}
	if (n == windows)
		return true;
	while (n-- > 0) {
		struct vm_chunk *c = vm_chunk_find(object, index + n);

		vm_reserv_detach(c);
		object->resident_page_count -= VM_CHUNK_PAGES;
		chunk_free(c);
	}
	return false;
}

kern_return_t
vm_object_populate_run(vm_object_t object, vm_object_offset_t offset, unsigned order)
{
	uint64_t size = PAGE_SIZE << order, at = offset + object->color, index = at >> VM_CHUNK_SHIFT;
	struct vm_chunk *c;
	struct vm_page *m;
	kern_return_t kr = KERN_SUCCESS;

	if (order <= VM_PAGE_ORDER_MEGA || order > VM_PAGE_ORDER_GIGA || (at & (size - 1)) != 0 ||
	    object->size < size || offset > object->size - size)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at offset 0x%lx of object %lu are no aligned part of it", size, offset, object->id);
	m = vm_page_alloc_contig(order);
	if (m == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no 0x%lx bytes of memory in one run", size);
	for (uint64_t i = 0; i < size >> PAGE_SHIFT; i++)
		vm_page_zero(m + i);
	spin_lock(&object->lock);
	c = vm_chunk_at_or_after(object, index);
	if (c != NULL && c->index < index + (size >> VM_CHUNK_SHIFT))
		kr = KERN_FAIL(KERN_MEMORY_PRESENT, "object %lu has pages in the 0x%lx bytes at 0x%lx", object->id, size, offset);
	else if (!attach_run(object, index, m, size >> VM_CHUNK_SHIFT))
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for the chunks of 0x%lx bytes", size);
	spin_unlock(&object->lock);
	if (kr != KERN_SUCCESS)
		vm_page_free_contig(m, order);
	return kr;
}

bool
vm_object_is_run(vm_object_t object, vm_object_offset_t offset, unsigned order)
{
	uint64_t at = offset + object->color, windows = 1ul << (order - VM_PAGE_ORDER_MEGA);
	struct vm_chunk *first = vm_chunk_find(object, at >> VM_CHUNK_SHIFT), *c;

	if ((at & ((PAGE_SIZE << order) - 1)) != 0 || first == NULL || (first->base & ((1u << order) - 1)) != 0)
		return false;
	for (uint64_t i = 0; i < windows; i++) {
		c = vm_chunk_find(object, (at >> VM_CHUNK_SHIFT) + i);
		if (c == NULL || !vm_chunk_is_megapage(c) || c->base != first->base + i * VM_CHUNK_PAGES)
			return false;
	}
	return true;
}

/*
 * Takes the pages of mask out of word w. Pages of a reservation stay in it;
 * single pages go back to the allocator.
 */
static uint64_t
chunk_free_word(struct vm_chunk *c, unsigned w, uint64_t mask)
{
	struct vm_page *m[64];
	uint64_t bits = c->popmap[w] & mask;
	unsigned n = 0;

	if (bits == 0)
		return 0;
	if (c->base != 0)
		n = (unsigned)__builtin_popcountl(bits);
	else
		for (uint64_t b = bits; b != 0; b &= b - 1) {
			unsigned slot = w * 64 + (unsigned)__builtin_ctzl(b);

			m[n++] = vm_chunk_page(c, slot);
		}
	if (c->base == 0)
		vm_page_free_batch(m, n);
	else {
		c->zeroed = false;
		if ((bits & 1) && w == 0)
			c->head->kind = VM_PAGE_RSVP;
	}
	c->popmap[w] &= ~bits;
	c->resident -= (uint16_t)n;
	c->object->resident_page_count -= n;
	return n;
}

/* Frees the resident pages with slots [first, last]; the chunk too when that empties it. */
static uint64_t
chunk_free_slots(struct vm_chunk *c, unsigned first, unsigned last)
{
	bool was_full = vm_chunk_is_megapage(c);
	uint64_t n = 0;

	if (c->base != 0 && first == 0 && last == VM_CHUNK_PAGES - 1) {
		n = c->resident;
		c->object->resident_page_count -= n;
		c->resident = 0;
	} else
		for (unsigned w = first / 64; w <= last / 64; w++) {
			uint64_t mask = ~0ul;

			if (w == first / 64)
				mask &= ~0ul << (first % 64);
			if (w == last / 64)
				mask &= ~0ul >> (63 - last % 64);
			n += chunk_free_word(c, w, mask);
		}
	if (c->resident == 0) {
		if (c->base != 0)
			vm_reserv_release(c, was_full);
		chunk_free(c);
	} else if (was_full && n != 0)
		vm_reserv_thinned(c);
	return n;
}

uint64_t
vm_object_page_remove(vm_object_t object, vm_object_offset_t start, vm_object_offset_t end)
{
	uint64_t first, last, n = 0;
	struct vm_chunk *c, *next;

	if (start >= end || object->resident_page_count == 0)
		return 0;
	first = (start + object->color) >> PAGE_SHIFT;
	last = (end - 1 + object->color) >> PAGE_SHIFT;
	for (c = vm_chunk_at_or_after(object, first / VM_CHUNK_PAGES);
	    c != NULL && c->index <= last / VM_CHUNK_PAGES; c = next) {
		uint64_t base = c->index * VM_CHUNK_PAGES;

		next = vm_chunk_after(c);
		n += chunk_free_slots(c, first > base ? (unsigned)(first - base) : 0,
		    last - base < VM_CHUNK_PAGES ? (unsigned)(last - base) : VM_CHUNK_PAGES - 1);
	}
	return n;
}

/* Any megapage leaf over the chunk must be gone or be split: the caller sees to that. */
bool
vm_chunk_make_single(struct vm_chunk *c, enum vm_reserv_cause cause)
{
	unsigned slot;

	if (c->base == 0)
		return true;
	for (slot = 0; slot < VM_CHUNK_PAGES; slot += VM_CHUNK_LEAF)
		if (c->popmap[slot / 64] != 0 && !chunk_make_leaf(c, slot))
			return false;
	vm_chunk_foreach(slot, c)
		c->leaf[slot / VM_CHUNK_LEAF][slot % VM_CHUNK_LEAF] = c->base + slot;
	vm_reserv_dissolve(c, cause);
	return true;
}

/*
 * Moves what `from` has and `to` lacks, for collapse. Both objects locked;
 * offsets in `from` are offset_in_to + delta. Whole chunks move as they are
 * (with their mappings: page identity does not change) where `to` has no chunk
 * and the grids agree; otherwise page by page, and such pages are unmapped
 * first, since reverse mappings belong to chunks. FALSE: no memory for a chunk
 * or leaf; what moved stays moved, which is correct at every point.
 */
static bool
chunk_move_pages(vm_object_t to, vm_object_t from, struct vm_chunk *c, vm_object_offset_t delta)
{
	unsigned slot;

	vm_chunk_foreach(slot, c) {
		vm_object_offset_t off = vm_chunk_offset(c, slot);
		struct vm_chunk *d;
		struct vm_page *m;
		uint64_t at;
		unsigned s;

		if (off < delta || off - delta >= to->size ||
		    vm_page_lookup(to, off - delta) != NULL)
			continue;
		at = off - delta + to->color;
		s = (unsigned)(at >> PAGE_SHIFT) % VM_CHUNK_PAGES;
		d = vm_chunk_find(to, at >> VM_CHUNK_SHIFT);
		if (d == NULL) {
			if ((d = chunk_allocate(to, at >> VM_CHUNK_SHIFT)) == NULL)
				return false;
			vm_reserv_refused(VM_RESERV_REFUSED_OVERLAP);
		}
		if (!vm_chunk_make_single(d, VM_RESERV_BROKEN_COLLAPSE) || !chunk_make_leaf(d, s)) {
			if (d->resident == 0)
				chunk_free(d);
			return false;
		}
		m = vm_chunk_page(c, slot);
		c->popmap[slot / 64] &= ~(1ul << (slot % 64));
		c->resident--;
		from->resident_page_count--;
		d->leaf[s / VM_CHUNK_LEAF][s % VM_CHUNK_LEAF] = m->pfn;
		chunk_set_resident(d, s, m);
	}
	return true;
}

bool
vm_chunk_move_all(vm_object_t to, vm_object_t from, vm_object_offset_t delta)
{
	bool congruent = ((to->color - (from->color + delta)) & MEGAPAGE_MASK) == 0;
	struct tree_node *n, *next;

	for (n = tree_first(&from->chunks); n != NULL; n = next) {
		struct vm_chunk *c = chunk_of(n);
		vm_object_offset_t first = vm_chunk_offset(c, 0);
		uint64_t at = first - delta + to->color;

		next = tree_next(n);
		if (congruent && first >= delta && to->size >= MEGAPAGE_SIZE &&
		    first - delta <= to->size - MEGAPAGE_SIZE &&
		    vm_chunk_find(to, at >> VM_CHUNK_SHIFT) == NULL) {
			chunk_unlink(c);
			from->resident_page_count -= c->resident;
			to->resident_page_count += c->resident;
			c->index = at >> VM_CHUNK_SHIFT;
			/* vm_reserv_break trusts c->object while it holds the queue's lock. */
			vm_reserv_renamed(c, to);
			chunk_link(to, c);
			continue;
		}
		pmap_chunk_protect(c, VM_PROT_NONE);
		if (!vm_chunk_make_single(c, VM_RESERV_BROKEN_COLLAPSE) || !chunk_move_pages(to, from, c, delta))
			return false;
		if (c->resident == 0)
			chunk_free(c);
	}
	return true;
}

struct cover {
	vm_object_t        top;
	vm_object_offset_t delta;       /* offset in the object below, of top's offset 0 */
};

/* Has top a page for each of the slots [first, last) of c that are populated? */
static bool
chunk_is_covered(struct vm_chunk *c, unsigned first, unsigned last, void *arg)
{
	const struct cover *v = arg;
	vm_object_offset_t at = vm_chunk_offset(c, first) - v->delta + v->top->color;
	struct vm_chunk *t = vm_chunk_find(v->top, at >> VM_CHUNK_SHIFT);

	for (unsigned w = first / 64; w * 64 < last; w++) {
		uint64_t bits = c->popmap[w] & ~(t != NULL ? t->popmap[w] : 0);

		if (w == first / 64)
			bits &= ~0ul << (first % 64);
		if (last - w * 64 < 64)
			bits &= ~(~0ul << (last - w * 64));
		if (bits != 0)
			return false;
	}
	return true;
}

/*
 * Does `top` have a page wherever `below` has one inside top's window? Bitmaps
 * are compared where the grids agree. Where they do not, the answer is no:
 * bypass is an optimisation. Both locked.
 */
bool
vm_chunk_covered(vm_object_t top, vm_object_t below, vm_object_offset_t delta)
{
	struct cover v = { top, delta };
	vm_object_offset_t end = delta + top->size;

	if (((top->color - (below->color + delta)) & MEGAPAGE_MASK) != 0)
		return below->resident_page_count == 0;
	return vm_chunk_visit(below, delta, end > delta ? end : below->size, chunk_is_covered, &v);
}
