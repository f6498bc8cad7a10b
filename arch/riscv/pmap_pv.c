/*
 * arch/riscv/pmap_pv.c: from pages and chunks to the leaves that map them.
 *
 *   chunk ──pv──> pv ──> pv ──> ...              (chunk->pv_lock)
 *                 │      │
 *   leaf table ──t.pv──> ...                     (pmap->lock)
 *
 * One record stands for all leaves of one table that map pages of one chunk
 * with one origin (machine/pmap.h), so mapping or unmapping a page changes a
 * count, and finding the leaves of a page looks at one PTE per record. A
 * record is found through the shorter of its two lists, walked in lockstep;
 * nearly always it is the table's first.
 *
 * Page-wise operations start with the object's lock and a chunk's list, and
 * need pmap locks, which rank below pv_lock: pv_lock is held and each pmap is
 * only tried. When a try fails, the pmap is pinned (it is alive while one of
 * its records is on the list, and its destroyer waits for pv_lock), pv_lock is
 * dropped, both are taken in order, and all records of that pmap are handled.
 * Each record handled gets the number of the walk, so a walk that starts over
 * skips it. Records are added to a chunk only under the object's lock, which
 * the walker holds: the set of records not handled only shrinks, by one at
 * least each time round. So the walk ends whatever others do.
 *
 * A record whose count is 0 (its leaves are gone, the fence is not complete)
 * exists only while its pmap is locked, so a walker waits for that fence.
 *
 * What lives how long: a record on a chunk's list keeps pmap and chunk. A
 * walker that holds pv_lock may lock such a pmap without pinning it, and take
 * its last record away: so whoever destroys a pmap takes its lock once, be it
 * empty or not. Whoever unlinks a chunk's last record has pv_lock still to
 * release: so whoever frees a chunk takes pv_lock once (chunk_free).
 * m->o.chunk of a page that a leaf maps is constant while the pmap is locked:
 * who moves the page to another chunk, the object locked, first takes its
 * leaves away, and so waits for the pmap's lock.
 *
 * Failure: pv_get and pv_new return NULL, nothing changed.
 */
#include "pmap_impl.h"

struct vm_chunk    pv_no_chunk;
static struct zone pv_zone;
static uint64_t    pv_passes;           /* walks begun; atomic */

void
pv_init(void)
{
	zone_init(&pv_zone, "pv", sizeof(struct pv));
	pv_no_chunk.pv = NULL;
	spin_init(&pv_no_chunk.pv_lock, LOCK_PV);
}

/* --- records --- */

static inline void
pv_link_table(struct pv *pv, struct vm_page *table)
{
	pv->table = table;
	pv->t_next = table->t.pv;
	pv->t_prev = &table->t.pv;
	if (pv->t_next != NULL)
		pv->t_next->t_prev = &pv->t_next;
	table->t.pv = pv;
}

static inline void
pv_unlink_table(struct pv *pv)
{
	*pv->t_prev = pv->t_next;
	if (pv->t_next != NULL)
		pv->t_next->t_prev = pv->t_prev;
}

static inline void
pv_link_chunk(struct pv *pv, struct vm_chunk *c)
{
	pv->c_next = c->pv;
	pv->c_prev = &c->pv;
	if (pv->c_next != NULL)
		pv->c_next->c_prev = &pv->c_next;
	__atomic_store_n(&c->pv, pv, __ATOMIC_RELEASE);
}

static inline void
pv_unlink_chunk(struct pv *pv)
{
	__atomic_store_n(pv->c_prev, pv->c_next, __ATOMIC_RELEASE);
	if (pv->c_next != NULL)
		pv->c_next->c_prev = pv->c_prev;
}

static noinline struct pv *
pv_find_slow(struct vm_page *table, struct vm_chunk *c, vm_offset_t origin)
{
	struct pv *a, *b, *found = NULL;

	spin_lock(&c->pv_lock);
	for (a = table->t.pv, b = c->pv; a != NULL && b != NULL; a = a->t_next, b = b->c_next) {
		if (a->chunk == c && a->origin == origin)
			found = a;
		else if (b->pmap == a->pmap && b->table == table && b->origin == origin && b->count != 0)
			found = b;
		else
			continue;
		break;
	}
	spin_unlock(&c->pv_lock);
	if (found != NULL) {            /* the next page is likely to ask for the same */
		pv_unlink_table(found);
		pv_link_table(found, table);
	}
	return found;
}

/* What pv_get and pv_of_leaf go through, so a part of both. */
static inline struct pv *
pv_find_near(struct vm_page *table, struct vm_chunk *c, vm_offset_t origin)
{
	struct pv *pv = table->t.pv;

	if (pv == NULL || (pv->chunk == c && pv->origin == origin))
		return pv;
	/* While a range is being copied, its old and its new chunk take turns. */
	pv = pv->t_next;
	if (pv == NULL || (pv->chunk == c && pv->origin == origin))
		return pv;
	return pv_find_slow(table, c, origin);
}

struct pv *
pv_find(struct vm_page *table, struct vm_chunk *c, vm_offset_t origin)
{
	return pv_find_near(table, c, origin);
}

struct pv *
pv_new(struct pmap *pmap, struct vm_page *table, struct vm_chunk *c, vm_offset_t origin,
    vm_offset_t window, unsigned count, bool mega)
{
	struct pv *pv = zalloc(&pv_zone);

	if (pv == NULL)
		return NULL;
	pv->pmap = pmap;
	pv->chunk = c;
	pv->origin = origin;
	pv->window = window;
	pv->count = count;
	pv->mega = mega;
	pv->pass = 0;
	pv_link_table(pv, table);
	spin_lock(&c->pv_lock);
	pv_link_chunk(pv, c);
	spin_unlock(&c->pv_lock);
	return pv;
}

/* Whose leaf at va, of m (NULL: of memory without pages), it would be: *c and *origin; it, if there is one. */
static inline struct pv *
pv_find_leaf(struct vm_page *table, struct vm_page *m, vm_offset_t va, struct vm_chunk **c, vm_offset_t *origin)
{
	*c = &pv_no_chunk;
	*origin = va & ~MEGAPAGE_MASK;
	if (likely(m != NULL)) {
		*c = m->o.chunk;
		*origin = va - ((vm_offset_t)m->slot << PAGE_SHIFT);
	}
	return pv_find_near(table, *c, *origin);
}

struct pv *
pv_get(struct pmap *pmap, struct vm_page *table, struct vm_page *m, vm_offset_t va)
{
	struct vm_chunk *c;
	vm_offset_t origin;
	struct pv *pv = pv_find_leaf(table, m, va, &c, &origin);

	if (likely(pv != NULL)) {
		pv->count++;
		return pv;
	}
	return pv_new(pmap, table, c, origin, va & ~MEGAPAGE_MASK, 1, false);
}

void
pv_drop(struct pv *pv, unsigned n, struct pmap_batch *b)
{
	pv->count -= n;
	if (pv->count == 0) {
		pv_unlink_table(pv);
		pv->t_next = b->pvs;
		b->pvs = pv;
	}
}

struct pv *
pv_of_leaf(struct vm_page *table, vm_offset_t va, pte_t v)
{
	struct vm_chunk *c;
	vm_offset_t origin;
	struct pv *pv = pv_find_leaf(table, pmap_leaf_page(v), va, &c, &origin);

	KASSERT(pv != NULL, ("leaf at 0x%lx has no reverse mapping", (unsigned long)va));
	return pv;
}

/* The chunk is mapped once in most cases, the directory has many records. */
struct pv *
pv_of_mega(struct vm_page *dir, struct vm_chunk *c, vm_offset_t va)
{
	struct pv *pv;
	bool found;

	spin_lock(&c->pv_lock);
	pv = c->pv;
	found = pv != NULL && pv->table == dir && pv->origin == va && pv->count != 0;
	spin_unlock(&c->pv_lock);
	if (unlikely(!found))
		pv = pv_find_near(dir, c, va);
	KASSERT(pv != NULL && pv->mega, ("megapage at 0x%lx has no reverse mapping", (unsigned long)va));
	return pv;
}

void
pv_move(struct pv *pv, struct vm_page *table)
{
	pv_unlink_table(pv);
	pv_link_table(pv, table);
}

void
pv_drop_table(struct vm_page *table, struct pmap_batch *b)
{
	struct pv *pv = table->t.pv;

	if (pv == NULL)
		return;
	for (;; pv = pv->t_next) {
		pv->count = 0;
		if (pv->t_next == NULL)
			break;
	}
	pv->t_next = b->pvs;
	b->pvs = table->t.pv;
	table->t.pv = NULL;
}

void
pv_release_last(struct pv *pv, bool pv_locked)
{
	struct vm_chunk *c = pv->chunk;

	pv_unlink_table(pv);
	if (!pv_locked)
		spin_lock(&c->pv_lock);
	pv_unlink_chunk(pv);
	if (!pv_locked)
		spin_unlock(&c->pv_lock);
	zfree(&pv_zone, pv);
}

void
pv_release(struct pv *list, bool pv_locked)
{
	struct pv *pv, *next, *freed = NULL;
	uint32_t n = 0;

	for (pv = list; pv != NULL; pv = next, n++) {
		next = pv->t_next;
		if (!pv_locked)
			spin_lock(&pv->chunk->pv_lock);
		pv_unlink_chunk(pv);
		if (!pv_locked)
			spin_unlock(&pv->chunk->pv_lock);
		pv->c_next = freed;
		freed = pv;
	}
	zfree_chain(&pv_zone, freed, list, n);
}
_Static_assert(offsetof(struct pv, c_next) == 0, "freed records are linked by their first word");

/* --- walking a chunk's records --- */

struct pv_op {
	/* Acts on one record; pmap and pv_lock held. What it owes goes into b. */
	void          (*fn)(struct pv *pv, struct pv_op *op, struct pmap_batch *b);
	struct vm_page *m;              /* one page, or NULL */
	pte_t           keep;           /* rights that may stay */
	pte_t           bits;           /* A or D: asked for, or to be cleared */
	enum pmap_split cause;          /* of splits */
	bool            found;
};

static void
pv_run_op(struct pv *pv, struct pv_op *op, uint64_t pass)
{
	struct pmap *pmap = pv->pmap;
	struct pmap_batch b;

	pv->pass = pass;
	pmap_batch_init(&b, true, op->cause);
	b.harvest = true;
	op->fn(pv, op, &b);
	pmap_flush(pmap, &b);
}

/* All records of one pmap, its lock taken the long way. pv_lock held; dropped and taken again. */
static void
pv_run_blocking(struct vm_chunk *c, struct pmap *pmap, struct pv_op *op, uint64_t pass)
{
	struct pv *pv, *next;

	__atomic_fetch_add(&pmap->users, 1, __ATOMIC_RELAXED);
	spin_unlock(&c->pv_lock);
	spin_lock(&pmap->lock);
	spin_lock(&c->pv_lock);
	for (pv = c->pv; pv != NULL; pv = next) {
		next = pv->c_next;
		if (pv->pmap == pmap && pv->pass != pass)
			pv_run_op(pv, op, pass);
	}
	spin_unlock(&c->pv_lock);
	spin_unlock(&pmap->lock);
	pmap_unpin(pmap);
	spin_lock(&c->pv_lock);
}

static void
pv_foreach(struct vm_chunk *c, struct pv_op *op)
{
	uint64_t pass;
	struct pv *pv, *next;
	struct pmap *pmap;

	/* None can be added meanwhile, and the last one goes after its fence. */
	if (__atomic_load_n(&c->pv, __ATOMIC_ACQUIRE) == NULL)
		return;
	pass = __atomic_add_fetch(&pv_passes, 1, __ATOMIC_RELAXED);
	spin_lock(&c->pv_lock);
	for (pv = c->pv; pv != NULL; pv = next) {
		next = pv->c_next;
		pmap = pv->pmap;
		if (pv->pass == pass)
			continue;
		if (spin_trylock(&pmap->lock)) {
			pv_run_op(pv, op, pass);
			spin_unlock(&pmap->lock);
		} else {
			pv_run_blocking(c, pmap, op, pass);
			next = c->pv;
		}
	}
	spin_unlock(&c->pv_lock);
}

/* --- operations on one page --- */

/* The leaf of a record that counts a megapage: of 2 MiB, or the gigapage around it. */
static pte_t *
pv_large_leaf(const struct pv *pv)
{
	if (likely(!(pv->table->flags & SV_ASIDE)))
		return &sv_entries(pv->table)[sv_index(pv->window, 1)];
	return sv_entry(pv->pmap->root, pv->pmap->levels, pv->window, 2);
}

/* The same, of 2 MiB: a gigapage is split. */
static pte_t *
pv_mega_leaf(struct pv *pv, struct pmap_batch *b)
{
	pte_t *e = pv_large_leaf(pv);

	return likely(!(pv->table->flags & SV_ASIDE)) ? e : pmap_split_giga(pv->pmap, pv->window, e, b);
}

/*
 * The 4 KiB leaf that maps op->m under this record, to be changed; NULL: none.
 * Larger ones are split first; where that is not possible the megapage is dropped.
 */
static pte_t *
pv_page_leaf(struct pv *pv, struct vm_page *m, struct pmap_batch *b)
{
	vm_offset_t va = pv->origin + ((vm_offset_t)m->slot << PAGE_SHIFT);
	pte_t *e;

	if (va - pv->window >= MEGAPAGE_SIZE)
		return NULL;
	if (pv->mega) {
		e = pv_mega_leaf(pv, b);
		if (pmap_demote_or_drop(pv->pmap, va, e, pv, b) == NULL)
			return NULL;
	}
	e = &sv_entries(pv->table)[sv_index(va, 0)];
	if (pte_pfn(pte_load_own(e)) != m->pfn || !(pte_load(e) & PTE_MANAGED))
		return NULL;
	pmap_break_at(pv->pmap, e);
	return e;
}

/* The leaf of either size that covers m, as a value; 0: none. */
static pte_t
pv_page_value(struct pv *pv, struct vm_page *m)
{
	vm_offset_t va = pv->origin + ((vm_offset_t)m->slot << PAGE_SHIFT);
	pte_t v;

	if (va - pv->window >= MEGAPAGE_SIZE)
		return 0;
	v = unlikely(pv->mega) ? pte_load(pv_large_leaf(pv)) : sv_leaf(&sv_entries(pv->table)[sv_index(va, 0)]);
	return pv->mega || (pte_pfn(v) == m->pfn && (v & PTE_MANAGED)) ? v : 0;
}

/* One leaf of 4 KiB keeps at most `keep`. */
static void
pv_protect_leaf(struct pv *pv, vm_offset_t va, pte_t *e, pte_t keep, struct pmap_batch *b)
{
	pte_t v = pte_load(e);

	if ((v & keep & (PTE_R | PTE_X)) == 0)
		pmap_clear_leaf(pv->pmap, va, e, pv, b);
	else if (v & PTE_RWX & ~keep) {
		pv->pmap->execute_only |= !(keep & PTE_R);
		pte_and(e, ~(PTE_RWX & ~keep));
		batch_leaf(b, va);
	}
}

static void
pv_op_protect_page(struct pv *pv, struct pv_op *op, struct pmap_batch *b)
{
	vm_offset_t va = pv->origin + ((vm_offset_t)op->m->slot << PAGE_SHIFT);
	pte_t *e;

	if ((pv_page_value(pv, op->m) & PTE_RWX & ~op->keep) == 0)
		return;
	e = pv_page_leaf(pv, op->m, b);
	if (e != NULL)
		pv_protect_leaf(pv, va, e, op->keep, b);
}

void
pmap_page_protect(struct vm_page *m, vm_prot_t prot)
{
	struct pv_op op = { .fn = pv_op_protect_page, .m = m, .keep = pmap_keep_bits(prot), .cause = PMAP_SPLIT_PAGE };

	pv_foreach(m->o.chunk, &op);
}

/* --- operations on a chunk --- */

static void
pv_protect_mega(struct pv *pv, pte_t keep, struct pmap_batch *b)
{
	pte_t *e = pv_large_leaf(pv), v = pte_load(e);

	if ((v & PTE_RWX & ~keep) == 0)
		return;
	e = pv_mega_leaf(pv, b);
	if ((v & keep & (PTE_R | PTE_X)) == 0)
		pmap_remove_mega(pv->pmap, pv->window, e, pv, b);
	else {
		pv->pmap->execute_only |= !(keep & PTE_R);
		pte_and(e, ~(PTE_RWX & ~keep));
		b->all = true;
	}
}

static void
pv_op_protect_chunk(struct pv *pv, struct pv_op *op, struct pmap_batch *b)
{
	pte_t *entries = sv_entries(pv->table);
	unsigned i, left = pv->count;

	if (pv->mega) {
		pv_protect_mega(pv, op->keep, b);
		return;
	}
	for (i = 0; i < SV_ENTRIES && left > 0; i++) {
		vm_offset_t va = pv->window + i * PAGE_SIZE;
		uint64_t slot = (va - pv->origin) >> PAGE_SHIFT;
		pte_t v = pte_load_own(&entries[i]);
		struct vm_page *m;

		/* Most have nothing to lose when a copy is followed by another: the page is not looked at. */
		if (!(v & PTE_MANAGED) || !(v & PTE_RWX & ~op->keep) || slot >= VM_CHUNK_PAGES)
			continue;
		m = vm_page_of_pfn(pte_pfn(v));
		if (m->o.chunk != pv->chunk || m->slot != slot)
			continue;
		left--;
		pv_protect_leaf(pv, va, &entries[i], op->keep, b);
	}
}

void
pmap_chunk_protect(struct vm_chunk *c, vm_prot_t prot)
{
	struct pv_op op = { .fn = pv_op_protect_chunk, .keep = pmap_keep_bits(prot) };

	pv_foreach(c, &op);
}

/* --- referenced and modified --- */

static void
pv_op_test(struct pv *pv, struct pv_op *op, struct pmap_batch *b)
{
	(void)b;
	if (pv_page_value(pv, op->m) & op->bits)
		op->found = true;
}

static bool
pmap_test(struct vm_page *m, pte_t bits)
{
	struct pv_op op = { .fn = pv_op_test, .m = m, .bits = bits };

	if (__atomic_load_n(&m->o.ad, __ATOMIC_RELAXED) & bits)
		return true;
	pv_foreach(m->o.chunk, &op);
	/* A leaf may have gone, and left its bits, before the walk came to it. */
	return op.found || (__atomic_load_n(&m->o.ad, __ATOMIC_RELAXED) & bits) != 0;
}

bool
pmap_is_modified(struct vm_page *m)
{
	return (m->flags & VM_PAGE_DIRTY) != 0 || pmap_test(m, PTE_D);
}

bool
pmap_is_referenced(struct vm_page *m)
{
	return (m->flags & VM_PAGE_REFERENCED) != 0 || pmap_test(m, PTE_A);
}

/* A writable megapage always has D: one page of it is made clean by splitting. */
static void
pv_op_clear_modify(struct pv *pv, struct pv_op *op, struct pmap_batch *b)
{
	pte_t *e;

	if (!(pv_page_value(pv, op->m) & PTE_D))
		return;
	e = pv_page_leaf(pv, op->m, b);
	if (e != NULL && (pte_and(e, ~PTE_D) & PTE_D))
		batch_leaf(b, pv->origin + ((vm_offset_t)op->m->slot << PAGE_SHIFT));
}

void
pmap_clear_modify(struct vm_page *m)
{
	struct pv_op op = { .fn = pv_op_clear_modify, .m = m, .cause = PMAP_SPLIT_CLEAN };

	pv_foreach(m->o.chunk, &op);
	__atomic_fetch_and(&m->o.ad, ~PTE_D, __ATOMIC_RELAXED);
	m->flags &= (uint8_t)~VM_PAGE_DIRTY;
}

/*
 * No fence for A: a TLB that still has the entry only delays the next setting.
 * One A stands for a whole megapage or gigapage; it is cleared with the first
 * page, so that a scan over all pages clears it once and splits nothing.
 */
static void
pv_op_clear_reference(struct pv *pv, struct pv_op *op, struct pmap_batch *b)
{
	vm_offset_t va = pv->origin + ((vm_offset_t)op->m->slot << PAGE_SHIFT);

	(void)b;
	if (!(pv_page_value(pv, op->m) & PTE_A))
		return;
	if (!pv->mega) {
		pmap_break_at(pv->pmap, &sv_entries(pv->table)[sv_index(va, 0)]);
		pte_and(&sv_entries(pv->table)[sv_index(va, 0)], ~PTE_A);
	} else if (op->m->slot == 0 && (!(pv->table->flags & SV_ASIDE) || (va & GIGAPAGE_MASK) == 0))
		pte_and(pv_large_leaf(pv), ~PTE_A);
}

void
pmap_clear_reference(struct vm_page *m)
{
	struct pv_op op = { .fn = pv_op_clear_reference, .m = m };

	pv_foreach(m->o.chunk, &op);
	__atomic_fetch_and(&m->o.ad, ~PTE_A, __ATOMIC_RELAXED);
	m->flags &= (uint8_t)~VM_PAGE_REFERENCED;
}
