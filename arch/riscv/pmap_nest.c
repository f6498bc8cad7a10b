/*
 * arch/riscv/pmap_nest.c: leaf tables of a submap that serve its parents, too.
 *
 *   parent's directory            sub's directory
 *     [ ... | pointer* | ... ]      [ ... | pointer | ... ]       * PTE_NESTED
 *                 └──────────> leaf table <────┘                  (SV_PINNED)
 *                               [leaf|leaf|...]      records name sub
 *
 * The unit is a window of 2 MiB, so one leaf table. Leaves are made and taken
 * away in sub, at its addresses, and all parents see it at once. To a parent
 * the pointer is the end of the way (sv_find): ranges skip it, nothing below
 * is counted or changed by it; only looking goes through (sv_find_through),
 * and pmap_fault, which does what a walker does.
 *
 * A table that serves others must stay where it is: it counts one entry more
 * (and has one on its record without chunk), so it never looks empty, is not
 * unhooked whole, and no megapage leaf takes its place. Pins last as long as
 * sub: a parent that comes later finds the tables, and a window that is being
 * un-nested needs no agreement about who was the last.
 *
 * Fences: a hart that runs a parent holds sub's leaves at parent's addresses
 * under parent's ASID. A struct pmap_nest for each GiB of parent is on the
 * lists of both; whoever takes rights away in sub goes through sub's list and
 * fences each parent (tlb.c). It has sub's lock, not the parent's, so:
 *   - a record, and its bit for a window, is there before parent's pointer, and
 *     goes after parent's fence for the pointer's removal;
 *   - a parent lives as long as a record names it (pmap_destroy un-nests);
 *   - tlb.c keeps the stale bits of a parent for the hart that owes the fence.
 *
 * Locks: pmap_nest holds both pmaps' locks, taken by address; pmap_unnest first
 * parent's, then sub's. Bits of a record's map come under both, and go under
 * parent's alone.
 *
 * Failure: pmap_nest checks and allocates first. Pinned tables of an attempt
 * that failed stay with sub.
 */
#include "pmap_impl.h"

#define NEST_WINDOWS    (GIGAPAGE_SIZE / MEGAPAGE_SIZE)

static struct zone pmap_nest_zone;

void
pmap_nest_init(void)
{
	zone_init(&pmap_nest_zone, "pmap_nest", sizeof(struct pmap_nest));
}

static inline unsigned
nest_bit(const struct pmap_nest *n, vm_offset_t va)
{
	return (unsigned)((va - n->va) >> MEGAPAGE_SHIFT);
}

bool
pmap_nest_has(const struct pmap_nest *n, vm_offset_t va)
{
	unsigned i = nest_bit(n, va);

	return va - n->va < GIGAPAGE_SIZE && (__atomic_load_n(&n->map[i / 64], __ATOMIC_RELAXED) >> (i % 64) & 1);
}

/* --- records --- */

static void
nest_free(struct pmap_nest *list)
{
	struct pmap_nest *n;

	while ((n = list) != NULL) {
		list = n->p_next;
		zfree(&pmap_nest_zone, n);
	}
}

/* A record for each GiB of [va, va + size), linked by p_next; FALSE: no memory. */
static bool
nest_records(pmap_t parent, pmap_t sub, vm_offset_t va, vm_offset_t sub_va, vm_size_t size,
    struct pmap_nest **list)
{
	struct pmap_nest *n;
	vm_offset_t at;

	*list = NULL;
	for (at = va & ~GIGAPAGE_MASK; at < va + size; at += GIGAPAGE_SIZE) {
		n = zalloc(&pmap_nest_zone);
		if (n == NULL) {
			nest_free(*list);
			return false;
		}
		*n = (struct pmap_nest){ .p_next = *list, .parent = parent, .sub = sub, .va = at, .delta = sub_va - va };
		*list = n;
	}
	return true;
}

/* --- nesting; both pmaps locked --- */

/* Nothing of parent's, and no other's table, in [va, va + size). */
static bool
nest_place_is_free(struct pmap *parent, vm_offset_t va, vm_offset_t end)
{
	unsigned level;

	for (; va < end; va = pmap_piece_end(va, end, level))
		if (pte_load(sv_find(parent->root, parent->levels, va, &level)) != 0 || level == 0)
			return false;
	return true;
}

/* No window of sub is served by somebody else's table. */
static bool
nest_is_own(struct pmap *sub, vm_offset_t va, vm_offset_t end)
{
	unsigned level;
	pte_t v;

	for (; va < end; va = pmap_piece_end(va, end, level)) {
		v = pte_load(sv_find(sub->root, sub->levels, va, &level));
		if (level != 0 && v != 0 && !pte_leaf(v) && !(v & PTE_PARKED))
			return false;
	}
	return true;
}

/* The leaf table of sub for va, made if need be, stays. FALSE: no memory. */
static bool
nest_pin(struct pmap *sub, vm_offset_t va, struct pmap_batch *b)
{
	struct vm_page *table = pmap_leaf_table(sub, va, b);

	if (table == NULL)
		return false;
	if (table->flags & SV_PINNED)
		return true;
	if (pv_get(sub, table, NULL, va) == NULL) {
		if (table->slot == 0)
			pmap_unhook(sub, va, 0, b);
		return false;
	}
	table->slot++;
	table->flags |= SV_PINNED;
	sub->pinned = true;
	return true;
}

/* Directories without entries, of an attempt that failed, go again. */
static void
nest_prune(struct pmap *parent, vm_offset_t va, vm_offset_t end, struct pmap_batch *b)
{
	unsigned level;
	pte_t *e;

	for (; va < end; va = (va | GIGAPAGE_MASK) + 1) {
		e = sv_find(parent->root, parent->levels, va, &level);
		if (level == 1 && sv_table_page(e)->slot == 0)
			pmap_unhook(parent, va, 1, b);
	}
}

/* Directories of parent for [va, end). FALSE: no memory. */
static bool
nest_make_room(struct pmap *parent, vm_offset_t va, vm_offset_t end)
{
	unsigned level, made;

	for (; va < end; va = (va | GIGAPAGE_MASK) + 1) {
		if (sv_make(parent->root, parent->levels, va, 1, &level, &made) == NULL)
			return false;
		parent->tables += made;
	}
	return true;
}

/* What can fail; b: sub's. */
static kern_return_t
nest_prepare(struct pmap *parent, struct pmap *sub, vm_offset_t va, vm_offset_t sub_va, vm_size_t size,
    struct pmap_batch *b)
{
	struct pmap_batch dead;
	vm_size_t at;

	pmap_batch_init(&dead, false, PMAP_SPLIT_NEST);
	pmap_unhook_cached(parent, &dead);
	pmap_flush(parent, &dead);
	if (!nest_place_is_free(parent, va, va + size))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "leaves or nested tables in [0x%lx, 0x%lx)", va, va + size);
	if (!nest_is_own(sub, sub_va, sub_va + size))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "tables nested in [0x%lx, 0x%lx) are not nested again",
		    sub_va, sub_va + size);
	for (at = 0; at < size; at += MEGAPAGE_SIZE)
		if (!nest_pin(sub, sub_va + at, b))
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a page table for 0x%lx", sub_va + at);
	if (nest_make_room(parent, va, va + size))
		return KERN_SUCCESS;
	nest_prune(parent, va, va + size, &dead);
	pmap_flush(parent, &dead);
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a directory in [0x%lx, 0x%lx)", va, va + size);
}

static void
nest_commit(struct pmap_nest *list, vm_offset_t va, vm_offset_t end)
{
	struct pmap_nest *n = list, *next;
	struct pmap *parent = n->parent, *sub = n->sub;
	pte_t *e, *from;
	unsigned i;

	for (; n != NULL; n = next) {
		next = n->p_next;
		n->p_next = parent->nests;
		parent->nests = n;
		n->s_next = sub->parents;
		sub->parents = n;
		pmap_reference(sub);
		for (i = 0; i < NEST_WINDOWS; i++) {
			vm_offset_t at = n->va + i * MEGAPAGE_SIZE;

			if (at - va < end - va)
				n->map[i / 64] |= 1ul << (i % 64);
		}
	}
	/* The records, and the tables' contents, before the pointers. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (; va < end; va += MEGAPAGE_SIZE) {
		from = sv_entry(sub->root, sub->levels, va + list->delta, 1);
		e = sv_entry(parent->root, parent->levels, va, 1);
		sv_set(sv_table_page(e), e, pte_load(from) | PTE_NESTED);
		parent->nested++;
	}
}

static kern_return_t
nest_check(pmap_t parent, pmap_t sub, vm_offset_t va, vm_offset_t sub_va, vm_size_t size)
{
	if (((va | sub_va | size) & MEGAPAGE_MASK) != 0 || size == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx, 0x%lx, size 0x%lx: nesting is by whole 2 MiB",
		    va, sub_va, size);
	if (va >= vm_max_address || size > vm_max_address - va || sub_va >= vm_max_address ||
	    size > vm_max_address - sub_va)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx or 0x%lx go beyond user space",
		    size, va, sub_va);
	if (parent == sub || pmap_is_kernel(parent) || pmap_is_kernel(sub))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "page tables are nested in another task's only, at 0x%lx", va);
	return KERN_SUCCESS;
}

kern_return_t
pmap_nest(pmap_t parent, pmap_t sub, vm_offset_t va, vm_offset_t sub_va, vm_size_t size)
{
	kern_return_t kr = nest_check(parent, sub, va, sub_va, size);
	struct pmap *first = parent < sub ? parent : sub;
	struct pmap_nest *list;
	struct pmap_batch b;

	if (kr != KERN_SUCCESS)
		return kr;
	if (!nest_records(parent, sub, va, sub_va, size, &list))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to nest 0x%lx bytes at 0x%lx", size, va);
	pmap_batch_init(&b, false, PMAP_SPLIT_NEST);
	spin_lock(&first->lock);
	spin_lock(first == sub ? &parent->lock : &sub->lock);
	kr = nest_prepare(parent, sub, va, sub_va, size, &b);
	if (kr == KERN_SUCCESS)
		nest_commit(list, va, va + size);
	pmap_flush(sub, &b);
	spin_unlock(&parent->lock);
	spin_unlock(&sub->lock);
	if (kr != KERN_SUCCESS)
		nest_free(list);
	return kr;
}

/* --- un-nesting --- */

/* parent (locked) loses its pointers for the windows of n in [start, end). */
static void
unnest_pointers(struct pmap *parent, struct pmap_nest *n, vm_offset_t start, vm_offset_t end, struct pmap_batch *b)
{
	vm_offset_t va;
	struct vm_page *dir;
	unsigned i;
	pte_t *e;

	for (i = 0; i < NEST_WINDOWS; i++) {
		va = n->va + i * MEGAPAGE_SIZE;
		if (va - start >= end - start || !pmap_nest_has(n, va))
			continue;
		e = sv_entry(parent->root, parent->levels, va, 1);
		dir = sv_table_page(e);
		sv_clear(dir, e);
		parent->nested--;
		b->all = true;
		if (dir->slot == 0)
			pmap_unhook(parent, va, 1, b);
	}
}

/* After the fence: n forgets its windows in [start, end). TRUE: none is left. */
static bool
unnest_bits(struct pmap_nest *n, vm_offset_t start, vm_offset_t end)
{
	uint64_t left = 0, drop;
	unsigned w, i;

	for (w = 0; w < nitems(n->map); w++) {
		for (drop = 0, i = 0; i < 64; i++)
			if (n->va + (w * 64 + i) * MEGAPAGE_SIZE - start < end - start)
				drop |= 1ul << i;
		left |= __atomic_and_fetch(&n->map[w], ~drop, __ATOMIC_RELAXED);
	}
	return left == 0;
}

/* Off sub's list; no lock held. */
static void
nest_forget(struct pmap_nest *n)
{
	struct pmap_nest **p;

	spin_lock(&n->sub->lock);
	for (p = &n->sub->parents; *p != n; p = &(*p)->s_next)
		continue;
	*p = n->s_next;
	spin_unlock(&n->sub->lock);
	pmap_destroy(n->sub);
	zfree(&pmap_nest_zone, n);
}

void
pmap_unnest(pmap_t parent, vm_offset_t va, vm_size_t size)
{
	struct pmap_nest *n, **p, *gone = NULL;
	struct pmap_batch b;

	DASSERT(((va | size) & MEGAPAGE_MASK) == 0, ("pmap_unnest at 0x%lx", (unsigned long)va));
	pmap_batch_init(&b, false, PMAP_SPLIT_NEST);
	spin_lock(&parent->lock);
	for (n = parent->nests; n != NULL; n = n->p_next)
		if (n->va < va + size && va < n->va + GIGAPAGE_SIZE)
			unnest_pointers(parent, n, va, va + size, &b);
	pmap_flush(parent, &b);
	for (p = &parent->nests; (n = *p) != NULL;) {
		if (unnest_bits(n, va, va + size)) {
			*p = n->p_next;
			n->p_next = gone;
			gone = n;
		} else
			p = &n->p_next;
	}
	spin_unlock(&parent->lock);
	while ((n = gone) != NULL) {
		gone = n->p_next;
		nest_forget(n);
	}
}

/* --- the end of a pmap that others were nested on --- */

void
pmap_drop_pins(struct pmap *sub)
{
	struct pmap_batch b;
	struct vm_page *table;
	vm_offset_t va, next;
	unsigned level;
	pte_t *e;

	pmap_batch_init(&b, false, PMAP_SPLIT_NEST);
	spin_lock(&sub->lock);
	KASSERT(sub->parents == NULL, ("a pmap dies while its tables serve pmap %p", (void *)sub->parents->parent));
	for (va = 0; va < vm_max_address; va = next) {
		e = sv_find(sub->root, sub->levels, va, &level);
		next = pmap_piece_end(va, vm_max_address, level);
		if (level != 0)
			continue;
		table = sv_table_page(e);
		if (!(table->flags & SV_PINNED))
			continue;
		table->flags &= (uint8_t)~SV_PINNED;
		pv_drop(pv_find(table, &pv_no_chunk, va), 1, &b);
		if (--table->slot == 0)
			pmap_unhook(sub, va, 0, &b);
	}
	sub->pinned = false;
	pmap_flush(sub, &b);
	spin_unlock(&sub->lock);
}

/* --- faults --- */

/*
 * The leaf in another pmap's table that decides about va gets A, and D for a
 * write, if it permits the access: by compare-and-swap, as a walker does it,
 * since that pmap is not locked.
 */
bool
pmap_fault_nested(struct pmap *pmap, vm_offset_t va, vm_prot_t access, pte_t need)
{
	unsigned level;
	pte_t *e = sv_find_through(pmap->root, pmap->levels, va, &level), v = pte_load(e);

	do {
		if (!pte_leaf(v) || (sv_bits_prot(v) & access) != access)
			return false;
	} while ((v & need) != need &&
	    !__atomic_compare_exchange_n(e, &v, v | need, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}
