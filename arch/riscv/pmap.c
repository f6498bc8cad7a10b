/*
 * arch/riscv/pmap.c: the life of a pmap, and mapping single pages.
 *
 * A pmap is a page-table tree with one lock. The kernel's half of the root is
 * copied when it is made and never changes (pmap_kernel.c), so all pmaps agree
 * on it for ever. Leaves of user pmaps name pages of objects (PTE_MANAGED) or
 * device memory, and are counted by pv records (pmap_pv.c); the kernel's own
 * leaves are not.
 *
 * The path that matters is a fault into an existing leaf table: one compare
 * finds the table (the pmap remembers the one used last, and keeps it even when
 * it gets empty), one compare finds the pv record (the table's first), one store
 * makes the leaf. Making a leaf valid
 * owes no fence: a hart that remembers the invalid entry faults, and pmap_fault
 * finds nothing wrong.
 *
 * Replacing: rights of the same page change by compare-and-swap, because
 * another hart's walker may set A or D at any moment. Another page: the old
 * leaf goes, everyone drops it, then the new one comes (break before make).
 *
 * Two counts keep a pmap alive. ref_count is the holders of its name; when it
 * drops to 0 everything in it is removed. users counts the harts that have it
 * loaded, whoever pins it for a moment, and 1 for all names together; when it
 * drops to 0 the root goes. So nobody waits for a hart that idles on a dead
 * task's tables: the hart frees them when it turns to something else.
 *
 * D stays in a leaf that loses W: it says that the page was written through
 * this mapping. It is collected into page->o.ad when the leaf goes.
 *
 * Locks: OBJECT < PMAP < PV < ZONE < PAGE; see pmap_pv.c for page-wise
 * operations, which start from the far side. Failure: pmap_enter makes sure of
 * table and record before it changes anything.
 */
#include <machine/tlb.h>
#include <arch/pmap_boot.h>
#include "pmap_impl.h"

struct zone pmap_zone;

/* --- life --- */

pmap_t
pmap_create(void)
{
	struct pmap *p = zalloc(&pmap_zone), *k = &pmap_kernel_store;
	struct vm_page *root;
	pte_t *to;
	unsigned i;

	if (p == NULL)
		return NULL;
	root = sv_table_alloc(k->levels - 1, true);
	if (root == NULL) {
		zfree(&pmap_zone, p);
		return NULL;
	}
	*p = (struct pmap){
		.ref_count = 1, .users = 1, .levels = k->levels,
		.root = sv_entries(root), .leaf_window = PMAP_NO_WINDOW, .dir_window = PMAP_NO_WINDOW, .tables = 1,
	};
	spin_init(&p->lock, LOCK_PMAP);
	to = p->root;
	for (i = pmap_kernel_first; i < SV_ENTRIES; i++)
		to[i] = k->root[i];
	return p;
}

void
pmap_reference(pmap_t pmap)
{
	__atomic_fetch_add(&pmap->ref_count, 1, __ATOMIC_RELAXED);
}

/* The last hart or pin has left a dead pmap: only the root is still there. */
static void
pmap_free(struct pmap *p)
{
	struct vm_page *root = sv_table_page(p->root);
	unsigned i;

	KASSERT(root->slot == 0 && p->spares == NULL && p->dirs == NULL && p->resident == 0,
	    ("pmap %p freed with %lu pages in %u root entries", (void *)p,
	    (unsigned long)p->resident, root->slot));
	for (i = pmap_kernel_first; i < SV_ENTRIES; i++)
		p->root[i] = 0;
	sv_table_free(root, true);
	zfree(&pmap_zone, p);
}

void
pmap_unpin(struct pmap *pmap)
{
	if (__atomic_sub_fetch(&pmap->users, 1, __ATOMIC_ACQ_REL) == 0)
		pmap_free(pmap);
}

void
pmap_destroy(pmap_t pmap)
{
	if (__atomic_sub_fetch(&pmap->ref_count, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	KASSERT(!pmap_is_kernel(pmap), ("the kernel's pmap lost its last reference"));
	/* Even an empty pmap: a walk over a chunk's records may have it locked, unpinned. */
	pmap_remove(pmap, 0, vm_max_address);
	if (unlikely(pmap->nests != NULL))
		pmap_unnest(pmap, 0, vm_max_address);
	if (unlikely(pmap->pinned))
		pmap_drop_pins(pmap);
	if (hart_self()->pmap == pmap)
		pmap_switch(pmap_kernel());
	pmap_unpin(pmap);
}

/* --- what a call owes --- */

static void
pmap_harvest_table(struct vm_page *table)
{
	pte_t *e = sv_entries(table), *end = e + SV_ENTRIES;

	for (; e < end; e++)
		if (*e != 0) {
			pmap_break_at(NULL, e);
			pmap_harvest(pmap_leaf_page(*e), *e);
		}
}

/* The fence is complete: unhooked tables go, their records onto b. */
static noinline void
pmap_free_tables(struct pmap_batch *b)
{
	struct vm_page *used[16], *t;
	unsigned n = 0;

	while (b->tables != NULL) {
		t = sv_pop(&b->tables);
		if (t->t.pv != NULL && b->harvest && t->level == 0)
			pmap_harvest_table(t);
		pv_drop_table(t, b);
		if (t->slot == 0 || (n == 0 && b->tables == NULL) || unlikely(sv_reserve_lacks())) {
			sv_table_free(t, t->slot == 0);
			continue;
		}
		sv_table_retire(t, false);
		used[n++] = t;
		if (n == nitems(used)) {
			vm_page_free_batch(used, n);
			n = 0;
		}
	}
	vm_page_free_batch(used, n);
}

void
pmap_flush_slow(struct pmap *pmap, struct pmap_batch *b)
{
	if (b->all)
		tlb_shootdown(pmap, 0, TLB_ALL);
	else if (b->start < b->end)
		tlb_shootdown(pmap, b->start, b->end);
	if (b->tables != NULL)
		pmap_free_tables(b);
	if (b->pvs != NULL)
		pv_release(b->pvs, b->pv_locked);
	b->start = ~0ul;
	b->end = 0;
	b->all = false;
	b->pvs = NULL;
}

void
pmap_unhook(struct pmap *pmap, vm_offset_t va, unsigned level, struct pmap_batch *b)
{
	unsigned n;

	pmap_uncache_leaf(pmap, va);
	n = sv_unhook(pmap->root, pmap->levels, va, level, &b->tables);
	pmap->tables -= n;
	if (level + n > 1)
		pmap->dir_window = PMAP_NO_WINDOW;
	b->all = true;
}

/* From the root; a user pmap's directory that is met is remembered. */
static noinline pte_t *
pmap_find_from_root(struct pmap *pmap, vm_offset_t va, unsigned *level)
{
	unsigned l = pmap->levels - 1, shift = sv_shift(l);
	pte_t *table = pmap->root, *e, v;

	for (;; l--, shift -= SV_INDEX_BITS) {
		if (l == 1 && !pmap_is_kernel(pmap)) {  /* whose finders hold no lock */
			pmap->dir_window = va >> GIGAPAGE_SHIFT;
			pmap->dir = table;
			pmap->dir_page = sv_table_page(table);
		}
		e = &table[(va >> shift) % SV_ENTRIES];
		if (l == 0 || ((v = pte_load(e)) & (PTE_V | PTE_RWX | PTE_NESTED)) != PTE_V)
			break;
		table = pte_table(v);
	}
	*level = l;
	return e;
}

/* Two steps from the directory used last. */
pte_t *
pmap_find_far(struct pmap *pmap, vm_offset_t va, unsigned *level)
{
	pte_t *e, v;

	if (unlikely(pmap->dir_window != va >> GIGAPAGE_SHIFT))
		return pmap_find_from_root(pmap, va, level);
	e = &pmap->dir[sv_index(va, 1)];
	v = pte_load(e);
	*level = 1;
	if ((v & (PTE_V | PTE_RWX | PTE_NESTED)) != PTE_V)
		return e;
	*level = 0;
	return &pte_table(v)[sv_index(va, 0)];
}

/* --- making mappings --- */

/* pmap_leaf_table, from what sv_find said of va; va's window is not in the cache. */
static inline struct vm_page *
pmap_leaf_table_from(struct pmap *pmap, vm_offset_t va, pte_t *e, unsigned level, struct pmap_batch *b)
{
	struct vm_page *t;
	unsigned made;

	if (level == 1 && unlikely(pte_load(e) & PTE_PARKED)) {
		pmap_unpark(e);
		e = &pte_table(pte_load(e))[sv_index(va, 0)];
		level = 0;
	}
	e = pmap_open_giga(pmap, va, e, &level, b);
	e = sv_grow(e, va, 0, &level, &made);
	if (e == NULL)
		return NULL;
	pmap->tables += made;
	t = level == 0 ? sv_table_page(e) : pmap_demote(pmap, va, e, b);
	if (t != NULL) {
		pmap_unhook_cached(pmap, b);
		pmap_cache_leaf(pmap, va, t);
	}
	return t;
}

struct vm_page *
pmap_leaf_table(struct pmap *pmap, vm_offset_t va, struct pmap_batch *b)
{
	unsigned level;
	pte_t *e;

	if (pmap->leaf_window == va >> MEGAPAGE_SHIFT)
		return pmap->leaf_page;
	e = pmap_find_far(pmap, va, &level);
	return pmap_leaf_table_from(pmap, va, e, level, b);
}

static inline void
pmap_count_wired(struct pmap *pmap, struct vm_page *table, pte_t old, pte_t new)
{
	uint64_t d = (new / PTE_WIRED & 1) - (old / PTE_WIRED & 1);

	table->t.md += d;
	pmap->wired += d;
}

/*
 * Other rights for the same page; A and D stay. Nothing new at all: the hart
 * that faulted holds something stale, perhaps the absence of a table.
 */
static void
pmap_change_leaf(struct pmap *pmap, vm_offset_t va, struct vm_page *table, pte_t *e, pte_t new,
    struct pmap_batch *b)
{
	pte_t old = pte_load(e), now;

	if ((new & PTE_X) && !(old & PTE_X))
		tlb_code_shootdown(pmap);
	do {
		now = new | (old & (PTE_A | PTE_D));
	} while (!__atomic_compare_exchange_n(e, &old, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	pmap_count_wired(pmap, table, old, new);
	if (old & ~new & PTE_RWX)
		batch_leaf(b, va);
	else if (old != now)
		pmap_drop_local(pmap, va);      /* the access that asked would meet the old leaf again */
	else
		tlb_fence_all();
}

static kern_return_t
pmap_no_record(vm_offset_t va)
{
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a reverse mapping of 0x%lx", va);
}

static kern_return_t
pmap_no_table(vm_offset_t va)
{
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a page table for 0x%lx", va);
}

/* Bits that make two leaves for one frame different things, not the same one with other rights. */
#define LEAF_KIND   (PTE_PPN_MASK | PTE_MANAGED | PTE_PBMT)

/*
 * Another page (m; NULL: a device's) in place of the leaf at e. No fence is
 * pending.
 */
static kern_return_t
pmap_replace_page(struct pmap *pmap, vm_offset_t va, struct vm_page *table, pte_t *e, pte_t new,
    struct vm_page *m)
{
	struct pv *gone;
	pte_t old;

	if (pv_get(pmap, table, m, va) == NULL)
		return pmap_no_record(va);
	old = pte_swap(e, 0);
	pmap_harvest(pmap_leaf_page(old), old);
	gone = pv_of_leaf(table, va, old);
	tlb_shootdown(pmap, va, va + PAGE_SIZE);
	if (--gone->count == 0)
		pv_release_last(gone, false);
	if (unlikely(new & PTE_X))
		tlb_code_shootdown(pmap);
	pte_store(e, new);
	if (unlikely((old | new) & PTE_WIRED))
		pmap_count_wired(pmap, table, old, new);
	return KERN_SUCCESS;
}

/* A leaf is there already. */
static noinline kern_return_t
pmap_replace(struct pmap *pmap, vm_offset_t va, struct vm_page *table, pte_t *e, pte_t new,
    struct vm_page *m, struct pmap_batch *b)
{
	pmap_break_at(pmap, e);
	if (((pte_load(e) ^ new) & LEAF_KIND) == 0) {
		pmap_change_leaf(pmap, va, table, e, new, b);
		return KERN_SUCCESS;
	}
	pmap_flush(pmap, b);
	return pmap_replace_page(pmap, va, table, e, new, m);
}

/* Where no leaf is. */
static inline kern_return_t
pmap_insert(struct pmap *pmap, vm_offset_t va, struct vm_page *table, pte_t *e, pte_t new,
    struct vm_page *m)
{
	if (unlikely(pv_get(pmap, table, m, va) == NULL))
		return pmap_no_record(va);
	if (unlikely(new & PTE_X))
		tlb_code_shootdown(pmap);
	sv_set(table, e, new);
	pmap->resident++;
	if (unlikely(new & PTE_WIRED))
		pmap_count_wired(pmap, table, 0, new);
	return KERN_SUCCESS;
}

/* A and D (which a fault may be about) are all that there is to set. */
noinline bool
pmap_large_suffices(vm_offset_t va, unsigned level, pte_t *e, pte_t new)
{
	pte_t v = pte_load(e);

	if (!pte_leaf(v) || pte_pfn(v) + ((va & (sv_size(level) - 1)) >> PAGE_SHIFT) != pte_pfn(new) ||
	    ((new ^ v) & (PTE_RWX | PTE_WIRED | PTE_MANAGED | PTE_PBMT)) != 0)
		return false;
	pte_or(e, new & (PTE_A | PTE_D));
	tlb_fence_all();
	return true;
}

static kern_return_t
pmap_enter_locked(struct pmap *pmap, vm_offset_t va, struct vm_page *m, pte_t new, struct pmap_batch *b)
{
	struct vm_page *table;
	kern_return_t kr;
	unsigned level;
	pte_t *e;

	if (!pte_leaf(new)) {
		pmap_remove_locked(pmap, va, va + PAGE_SIZE, PMAP_REMOVE_HARVEST, b);
		return KERN_SUCCESS;
	}
	if (pmap->leaf_window == va >> MEGAPAGE_SHIFT)
		table = pmap->leaf_page;
	else {
		e = pmap_find_far(pmap, va, &level);
		if (level != 0 && pte_load(e) != 0 && pmap_large_suffices(va, level, e, new))
			return KERN_SUCCESS;
		table = pmap_leaf_table_from(pmap, va, e, level, b);
	}
	if ((new & (PTE_R | PTE_X)) == PTE_X)
		pmap->execute_only = true;
	if (table == NULL)
		return pmap_no_table(va);
	e = &sv_entries(table)[sv_index(va, 0)];
	if (pte_load(e) != 0)
		return pmap_replace(pmap, va, table, e, new, m, b);
	kr = pmap_insert(pmap, va, table, e, new, m);
	if (kr != KERN_SUCCESS && table->slot == 0)
		pmap_unhook(pmap, va, 0, b);
	return kr;
}

/* pmap locked; unlocks it. */
static noinline kern_return_t
pmap_enter_slow(struct pmap *pmap, vm_offset_t va, struct vm_page *m, pte_t new)
{
	struct pmap_batch b;
	kern_return_t kr;

	pmap_batch_init(&b, false, PMAP_SPLIT_COPY);
	kr = pmap_enter_locked(pmap, va, m, new, &b);
	pmap_flush(pmap, &b);
	spin_unlock(&pmap->lock);
	return kr;
}

static noinline kern_return_t
pmap_enter_contended(struct pmap *pmap, vm_offset_t va, struct vm_page *m, pte_t new)
{
	spin_lock(&pmap->lock);
	return pmap_enter_slow(pmap, va, m, new);
}

/*
 * The first leaf of a window beside one that has a table: table, record and leaf
 * are made before anybody can see them. pmap locked; unlocks it.
 */
static kern_return_t
pmap_enter_fresh(struct pmap *pmap, vm_offset_t va, struct vm_page *m, pte_t new)
{
	kern_return_t kr = KERN_SUCCESS;
	struct vm_page *t = sv_table_alloc(0, true);

	if (t == NULL)
		kr = pmap_no_table(va);
	else if (pv_new(pmap, t, m->o.chunk, va - ((vm_offset_t)m->slot << PAGE_SHIFT), va & ~MEGAPAGE_MASK,
	    1, false) == NULL) {
		sv_table_free(t, true);
		kr = pmap_no_record(va);
	} else {
		pmap_cache_leaf(pmap, va, t);
		sv_set(t, &pmap->leaf[sv_index(va, 0)], new);
		sv_hook_in(pmap->dir_page, &pmap->dir[sv_index(va, 1)], t);
		pmap->tables++;
		pmap->resident++;
	}
	spin_unlock(&pmap->lock);
	return kr;
}

/* In the cached table, but not where nothing is. pmap locked; unlocks it. */
static noinline kern_return_t
pmap_enter_here(struct pmap *pmap, vm_offset_t va, struct vm_page *m, pte_t new)
{
	pte_t *e = &pmap->leaf[sv_index(va, 0)], old = pte_load(e);
	kern_return_t kr;

	if (old == 0 || ((old ^ new) & LEAF_KIND) == 0)
		return pmap_enter_slow(pmap, va, m, new);
	kr = pmap_replace_page(pmap, va, pmap->leaf_page, e, new, m);
	spin_unlock(&pmap->lock);
	return kr;
}

/* Not the way that pmap_enter goes itself. pmap locked; unlocks it. */
static noinline kern_return_t
pmap_enter_other(struct pmap *pmap, vm_offset_t va, struct vm_page *m, pte_t new)
{
	if (pmap->leaf_window != va >> MEGAPAGE_SHIFT && (new & (PTE_R | PTE_X | PTE_WIRED)) == PTE_R &&
	    !pmap_cached_is_empty(pmap)) {
		unsigned level;

		if (pmap->dir_window != va >> GIGAPAGE_SHIFT)
			(void)pmap_find_from_root(pmap, va, &level);
		if (pmap->dir_window == va >> GIGAPAGE_SHIFT && pte_load(&pmap->dir[sv_index(va, 1)]) == 0)
			return pmap_enter_fresh(pmap, va, m, new);
	}
	return pmap_enter_slow(pmap, va, m, new);
}

/*
 * Where leaf table and pv record are those of the last fault, and the leaf is
 * neither there, wired nor executable, nothing but the leaf and four counts
 * changes. FALSE: not so, and nothing changed. pmap locked.
 */
static inline bool
pmap_enter_cached(struct pmap *pmap, vm_offset_t va, struct vm_page *m, pte_t new)
{
	struct pv *pv = pmap->leaf_page->t.pv;
	pte_t *e = &pmap->leaf[sv_index(va, 0)];

	if (unlikely(pte_load(e) != 0 || pv == NULL || pv->chunk != m->o.chunk ||
	    pv->origin != va - ((vm_offset_t)m->slot << PAGE_SHIFT)))
		return false;
	pv->count++;
	pmap->leaf_page->slot++;
	pte_store(e, new);
	pmap->resident++;
	return true;
}

/* Is va's leaf table the one in the cache, and new what pmap_enter_cached can make? */
static inline bool
pmap_enter_is_near(const struct pmap *pmap, vm_offset_t va, pte_t new)
{
	return likely(pmap->leaf_window == va >> MEGAPAGE_SHIFT && (new & (PTE_R | PTE_X | PTE_WIRED)) == PTE_R);
}

/* pmap_enter where leaves may become groups: this one may be the last of 16. */
static noinline kern_return_t
pmap_enter_grouped(struct pmap *pmap, vm_offset_t va, struct vm_page *m, pte_t new)
{
	kern_return_t kr = KERN_SUCCESS;
	bool near;

	spin_lock(&pmap->lock);
	pmap->enters++;
	near = pmap_enter_is_near(pmap, va, new);
	if (!near || !pmap_enter_cached(pmap, va, m, new)) {
		kr = near ? pmap_enter_slow(pmap, va, m, new) : pmap_enter_other(pmap, va, m, new);
		spin_lock(&pmap->lock);         /* whatever became of the leaf meanwhile */
	}
	if (kr == KERN_SUCCESS && pmap->leaf_window == va >> MEGAPAGE_SHIFT)
		pmap_group_join(pmap, &pmap->leaf[sv_index(va, 0)], m->o.chunk);
	spin_unlock(&pmap->lock);
	return kr;
}

/* On the usual way (pmap_enter_cached) no call is made, so no register is saved. */
kern_return_t
pmap_enter(pmap_t pmap, vm_offset_t va, struct vm_page *m, vm_prot_t prot, unsigned flags)
{
	pte_t new = pte_make(vm_page_pa(m), pmap_leaf_bits(prot, flags));

	DASSERT(va < vm_max_address && page_aligned(va), ("pmap_enter at 0x%lx", (unsigned long)va));
	if (unlikely(pmap_napot))
		return pmap_enter_grouped(pmap, va, m, new);
	if (ATLAS_DEBUG)
		spin_lock(&pmap->lock);         /* checks the order of locks */
	else if (unlikely(!spin_trylock(&pmap->lock)))
		return pmap_enter_contended(pmap, va, m, new);
	pmap->enters++;
	if (unlikely(!pmap_enter_is_near(pmap, va, new)))
		return pmap_enter_other(pmap, va, m, new);
	if (unlikely(!pmap_enter_cached(pmap, va, m, new)))
		return pmap_enter_here(pmap, va, m, new);
	spin_unlock(&pmap->lock);
	return KERN_SUCCESS;
}

/* D is preset with A: nobody wants to know whether a device was written. */
kern_return_t
pmap_enter_phys(pmap_t pmap, vm_offset_t va, paddr_t pa, vm_prot_t prot, unsigned flags)
{
	pte_t bits = pmap_leaf_bits(prot, flags | VM_PROT_WRITE) & ~PTE_MANAGED;

	DASSERT(va < vm_max_address && page_aligned(va | pa), ("pmap_enter_phys at 0x%lx", (unsigned long)va));
	return pmap_enter_contended(pmap, va, NULL, pte_make(pa, bits));
}

bool
pmap_has_cache_attributes(void)
{
	return pmap_uncached_bits != 0;
}

/*
 * The leaf v at e, that is there already, gets WRITE if it is the very page's. No
 * fence: a hart that remembers the weaker leaf faults once more.
 */
static inline void
pmap_add_write(pte_t *e, pte_t v, const struct vm_chunk *c, unsigned slot)
{
	if ((v & (PTE_R | PTE_MANAGED)) == (PTE_R | PTE_MANAGED) && vm_chunk_populated(c, slot) &&
	    pte_pa(v) >> PAGE_SHIFT == vm_chunk_pfn(c, slot))
		pte_or(e, PTE_W);
}

/* Is the page there, its leaf not, and does nobody wait for it? c has a reservation. */
static inline bool
pmap_may_enter(const pte_t *e, const struct vm_chunk *c, unsigned slot)
{
	return pte_load(e) == 0 && vm_chunk_populated(c, slot) &&
	    !(c->head[slot].flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR));
}

/*
 * Leaves from e on for at most n slots of a reservation, up to the first that may not be: page numbers, structures and
 * leaves go in step. How many were made; they are the caller's to count.
 */
static noinline unsigned
pmap_enter_in_step(pte_t *e, const struct vm_chunk *c, unsigned slot, unsigned n, pte_t bits)
{
	const pte_t step = pte_make(PAGE_SIZE, 0) - pte_make(0, 0);
	const struct vm_page *m = c->head + slot, *first = m, *last = m + n;
	pte_t leaf = pte_make(vm_page_pa(m), bits);
	uint64_t there = c->popmap[slot / 64] >> slot % 64;

	for (; m < last; m++, e++, leaf += step, there >>= 1) {
		if (unlikely(slot++ % 64 == 0))
			there = c->popmap[(slot - 1) / 64];
		if (!(there & 1) || pte_load(e) != 0 || (m->flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR)))
			break;
		pte_store(e, leaf);
	}
	return (unsigned)(m - first);
}

/* The record for the first leaf of a run in `table`, counting it; NULL: shortage. */
static inline struct pv *
pmap_run_record(struct pmap *pmap, struct vm_page *table, struct vm_page *m, vm_offset_t va, pte_t bits)
{
	struct pv *pv = pv_get(pmap, table, m, va);

	if (pv != NULL && (bits & PTE_X))
		tlb_code_shootdown(pmap);
	return pv;
}

/*
 * The part of pmap_enter_run inside one leaf table. A is set: the point is to
 * save the faults; D is not, for nobody has written. groups: leaves may be
 * members of groups; of those WRITE is added to whole ones only, so they stay.
 */
static always_inline unsigned
pmap_enter_window(struct pmap *pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n,
    pte_t bits, bool groups)
{
	struct vm_page *table, *m;
	struct pv *pv = NULL;
	unsigned level, made = 0;
	pte_t *e = pmap_find(pmap, va, &level);

	if (level != 0)
		return 0;
	table = sv_table_page(e);
	/* Mostly the first page is the one that faulted, and the others lack leaves. */
	if (!groups && c->base != 0 && n > 1 && pte_load(e) != 0 && !(bits & PTE_W & ~pte_load(e)))
		n--, slot++, e++, va += PAGE_SIZE;
	if (!groups && c->base != 0 && pmap_may_enter(e, c, slot) && (pv = pv_get(pmap, table, c->head + slot, va)) != NULL) {
		if (bits & PTE_X)
			tlb_code_shootdown(pmap);
		made = pmap_enter_in_step(e, c, slot, n, bits);
		pv->count += made - 1;          /* it counts one */
		n -= made;
		slot += made;
		e += made;
		va += made * PAGE_SIZE;
	}
	for (; n > 0; n--, slot++, e++, va += PAGE_SIZE) {
		pte_t v = pte_load(e);

		if (groups && v == 0 && n >= SV_GROUP && pmap_group_is_free(e, c, slot)) {
			if (pv == NULL && (pv = pmap_run_record(pmap, table, vm_chunk_page(c, slot), va, bits)) == NULL)
				break;
			pv->count += SV_GROUP - (made == 0);    /* the record came with a count of 1 */
			pmap_group_make(pmap, e, pte_make(vm_page_pa(vm_chunk_page(c, slot)), bits));
			made += SV_GROUP;
			n -= SV_GROUP - 1;
			slot += SV_GROUP - 1;
			e += SV_GROUP - 1;
			va += (SV_GROUP - 1) * PAGE_SIZE;
			continue;
		}
		if (v != 0) {
			if (groups && (v & PTE_N))
				pmap_group_add_write(pmap, e, c, slot, n, bits & PTE_W & ~v);
			else if (bits & PTE_W & ~v)
				pmap_add_write(e, v, c, slot);
			continue;
		}
		if (!vm_chunk_populated(c, slot))
			continue;
		m = vm_chunk_page(c, slot);
		if (m->flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR))
			continue;
		if (pv != NULL)
			pv->count++;
		else if ((pv = pmap_run_record(pmap, table, m, va, bits)) == NULL)
			break;
		pte_store(e, pte_make(vm_page_pa(m), bits));
		made++;
	}
	table->slot += (uint16_t)made;
	pmap->resident += made;
	return made;
}

static always_inline unsigned
pmap_enter_windows(struct pmap *pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, pte_t bits,
    bool groups)
{
	unsigned made = 0, part;

	spin_lock(&pmap->lock);
	if ((bits & (PTE_R | PTE_X)) == PTE_X)
		pmap->execute_only = true;
	for (; n > 0; n -= part, slot += part, va += part * PAGE_SIZE) {
		part = SV_ENTRIES - sv_index(va, 0);
		if (part > n)
			part = n;
		made += pmap_enter_window(pmap, va, c, slot, part, bits, groups);
		if (groups)
			pmap_groups_join(pmap, va, part, c);
	}
	spin_unlock(&pmap->lock);
	return made;
}

static noinline unsigned
pmap_enter_run_grouped(struct pmap *pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, pte_t bits)
{
	return pmap_enter_windows(pmap, va, c, slot, n, bits, true);
}

unsigned
pmap_enter_run(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, vm_prot_t prot)
{
	pte_t bits = pmap_leaf_bits(prot, 0);

	if (!pte_leaf(bits))
		return 0;
	if (unlikely(pmap_napot))
		return pmap_enter_run_grouped(pmap, va, c, slot, n, bits);
	return pmap_enter_windows(pmap, va, c, slot, n, bits, false);
}

/* --- faults --- */

static inline bool
pmap_permits(const struct pmap *pmap, pte_t v, vm_prot_t access)
{
	return pte_valid(v) && pte_leaf(v) && (sv_bits_prot(v) & access) == access &&
	    ((v & PTE_U) != 0) == !pmap_is_kernel(pmap);
}

/*
 * User pmaps are looked at under the lock, so that no table is freed under the
 * walk. The kernel's tables are for ever, and its lock may be held by whoever
 * met the fault.
 */
bool
pmap_fault(pmap_t pmap, vm_offset_t va, vm_prot_t access)
{
	pte_t need = PTE_A | (access & VM_PROT_WRITE ? PTE_D : 0), v, *e;
	bool kernel = pmap_is_kernel(pmap), ok;
	unsigned level;

	access &= VM_PROT_ALL;
	if (!kernel) {
		if (va >= vm_max_address)
			return false;
		spin_lock(&pmap->lock);
	} else if (va < DIRECT_BASE)
		return false;
	e = pmap_find(pmap, va, &level);
	v = pte_load(e);
	ok = pmap_permits(pmap, v, access);
	if (ok) {
		if ((v & need) != need)
			pmap_set_ad(e, v, need);
	} else if (unlikely(v & (PTE_NESTED | PTE_PARKED)) && !pte_leaf(v))
		ok = v & PTE_PARKED ? pmap_fault_parked(pmap, va, access, need) : pmap_fault_nested(pmap, va, access, need);
	if (!kernel)
		spin_unlock(&pmap->lock);
	if (ok) {
		if ((v & need) != need && pte_leaf(v))
			tlb_drop_local(va);
		else
			tlb_fence_all();        /* whatever is stale, perhaps the absence of a table */
	}
	return ok;
}

void
pmap_sync_icache(pmap_t pmap)
{
	spin_lock(&pmap->lock);
	tlb_code_shootdown(pmap);
	spin_unlock(&pmap->lock);
}
