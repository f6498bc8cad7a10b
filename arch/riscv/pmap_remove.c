/*
 * arch/riscv/pmap_remove.c: taking ranges away, wholly or in part.
 *
 * A range is walked table by table: where an upper entry is empty, or points to
 * another pmap's table (pmap_nest.c), its whole span is skipped, and a leaf table that lies wholly inside is unhooked in one
 * step, without a look at its entries (their pv records are on the table's
 * list, their numbers in its page). Only the first and the last table are
 * gone through entry by entry. A table that loses its last entry goes too, but
 * for the one in the pmap's cache.
 *
 * A and D are collected (pmap_remove) either by swapping entries out one by
 * one, or, for unhooked tables, after the fence, when no walker can set them
 * any more. Pages that are about to be freed do not need them (pmap_remove_dead).
 *
 * Reducing rights leaves tables alone: one atomic AND per leaf, whatever its
 * value, where all leaves are known to keep R. (An AND that took all of R, W
 * and X would make a leaf look like a pointer for a moment, so execute-only
 * leaves take the slow path.)
 */
#include "pmap_impl.h"

/* Drops from pv records leaf by leaf, a run of the same record at a time. */
struct pv_run {
	struct pv *pv;
	unsigned   n;
};

static void
pv_run_end(struct pv_run *r, struct pmap_batch *b)
{
	if (r->n != 0)
		pv_drop(r->pv, r->n, b);
	r->n = 0;
}

static void
pv_run_add(struct pv_run *r, struct vm_page *table, vm_offset_t va, pte_t v, struct pmap_batch *b)
{
	struct vm_page *m = pmap_leaf_page(v);

	if (r->n == 0 || m == NULL || r->pv->chunk != m->o.chunk ||
	    r->pv->origin != va - ((vm_offset_t)m->slot << PAGE_SHIFT)) {
		pv_run_end(r, b);
		r->pv = pv_of_leaf(table, va, v);
	}
	r->n++;
}

void
pmap_clear_leaf(struct pmap *pmap, vm_offset_t va, pte_t *e, struct pv *pv, struct pmap_batch *b)
{
	struct vm_page *table = sv_table_page(e);
	pte_t v;

	pmap_break_at(pmap, e);
	v = pte_swap(e, 0);
	pmap_harvest(pmap_leaf_page(v), v);
	if (v & PTE_WIRED) {
		table->t.md--;
		pmap->wired--;
	}
	pmap->resident--;
	batch_leaf(b, va);
	pv_drop(pv != NULL ? pv : pv_of_leaf(table, va, v), 1, b);
	if (--table->slot == 0)
		pmap_table_emptied(pmap, va, table, b);
}

/* Entries from e on, for [start, end) within one leaf table that has entries. */
static void
pmap_remove_entries(struct pmap *pmap, vm_offset_t start, vm_offset_t end, struct vm_page *table, pte_t *e,
    unsigned how, struct pmap_batch *b)
{
	struct pv *only = table->t.pv->t_next == NULL ? table->t.pv : NULL;
	struct pv_run run = { NULL, 0 };
	unsigned n = 0, wired = 0, left = table->slot;
	vm_offset_t va;

	if (unlikely(pmap_napot)) {
		/* Where nothing is asked of the leaves, nothing needs to be known of each. */
		bool all = only == NULL || (how & (PMAP_REMOVE_HARVEST | PMAP_KEEP_WIRED));

		(all ? pmap_groups_break : pmap_groups_cut)(pmap, e, (unsigned)((end - start) >> PAGE_SHIFT));
	}
	for (va = start; va < end && n < left; va += PAGE_SIZE, e++) {
		pte_t v = pte_load(e);

		if (v == 0 || ((how & PMAP_KEEP_WIRED) && (v & PTE_WIRED)))
			continue;
		if (how & PMAP_REMOVE_HARVEST) {
			v = pte_swap(e, 0);
			pmap_harvest(pmap_leaf_page(v), v);
		} else
			pte_store(e, 0);
		wired += v / PTE_WIRED & 1;
		batch_leaf(b, va);
		n++;
		if (only == NULL)
			pv_run_add(&run, table, va, v, b);
	}
	if (n == 0)
		return;
	if (only != NULL)
		pv_drop(only, n, b);
	else
		pv_run_end(&run, b);
	pmap->resident -= n;
	pmap->wired -= wired;
	table->t.md -= wired;
	table->slot -= (uint16_t)n;
	if (table->slot == 0)
		pmap_table_emptied(pmap, start, table, b);
}

/* [start, end) within the leaf table that holds e. */
static void
pmap_remove_table(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, unsigned how,
    struct pmap_batch *b)
{
	struct vm_page *table = sv_table_page(e);

	if (end - start == MEGAPAGE_SIZE) {
		if ((table->t.md == 0 || !(how & PMAP_KEEP_WIRED)) && !(table->flags & SV_PINNED)) {
			pmap->resident -= table->slot;
			pmap->wired -= table->t.md;
			pmap_unhook(pmap, start, 0, b);
			return;
		}
	}
	if (table->slot != 0)
		pmap_remove_entries(pmap, start, end, table, e, how, b);
}

/* [start, end) within the megapage leaf at e. */
static void
pmap_remove_from_mega(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, unsigned how,
    struct pmap_batch *b)
{
	struct vm_page *table;

	if ((how & PMAP_KEEP_WIRED) && (pte_load(e) & PTE_WIRED))
		return;
	if (end - start == MEGAPAGE_SIZE)
		pmap_remove_mega(pmap, start, e, NULL, b);
	else if ((table = pmap_demote_or_drop(pmap, start, e, NULL, b)) != NULL)
		pmap_remove_entries(pmap, start, end, table, &sv_entries(table)[sv_index(start, 0)], how, b);
}

/* What the directory's entry e points to or maps is no more in the pmap; it keeps others. */
static inline void
pmap_clear_window(struct pmap *pmap, pte_t *e, uint64_t leaves, struct pmap_batch *b)
{
	pmap->resident -= leaves;
	sv_clear(pmap->dir_page, e);
	b->all = true;
}

/*
 * Whole windows from start on, entry by entry of the directory used last; where
 * it went no further: at the directory's end, or where the directory itself has gone.
 */
static vm_offset_t
pmap_remove_windows(struct pmap *pmap, vm_offset_t start, vm_offset_t end, unsigned how, struct pmap_batch *b)
{
	vm_offset_t last = pmap_piece_end(start, end, 2) & ~MEGAPAGE_MASK;
	pte_t *e = &pmap->dir[sv_index(start, 1)];

	for (; start < last; start += MEGAPAGE_SIZE, e++) {
		struct vm_page *page;           /* the table, or the megapage's first */
		pte_t v = pte_load(e);

		if (v == 0)
			continue;
		if (unlikely(pmap->dir_window == PMAP_NO_WINDOW))
			break;
		if ((v & (PTE_RWX | PTE_NESTED)) == PTE_NESTED)
			continue;
		page = vm_page_of_pfn(pte_pfn(v));
		if (pte_leaf(v)) {
			if (unlikely((v & PTE_WIRED) || b->harvest || pmap->dir_page->slot == 1)) {
				pmap_remove_from_mega(pmap, start, start + MEGAPAGE_SIZE, e, how, b);
				continue;
			}
			pv_drop(pv_of_mega(pmap->dir_page, page->o.chunk, start), SV_ENTRIES, b);
			pmap->megapages--;
			pmap_clear_window(pmap, e, SV_ENTRIES, b);
			continue;
		}
		if (unlikely(page->t.md != 0 || (page->flags & SV_PINNED) || pmap->dir_page->slot == 1)) {
			pmap_remove_table(pmap, start, start + MEGAPAGE_SIZE, pte_table(v), how, b);
			continue;
		}
		pmap_uncache_leaf(pmap, start);
		pmap->tables--;
		pmap_clear_window(pmap, e, page->slot, b);
		sv_push(&b->tables, page);
	}
	return start;
}

void
pmap_remove_locked(struct pmap *pmap, vm_offset_t start, vm_offset_t end, unsigned how,
    struct pmap_batch *b)
{
	vm_offset_t next;
	unsigned level;
	pte_t *e;

	if (how & PMAP_REMOVE_HARVEST)
		b->harvest = true;
	for (; start < end; start = next) {
		if (pmap->dir_window == start >> GIGAPAGE_SHIFT && (start & MEGAPAGE_MASK) == 0 &&
		    end - start >= MEGAPAGE_SIZE) {
			next = pmap_remove_windows(pmap, start, end, how, b);
			continue;
		}
		e = pmap_find_parked(pmap, start, &level);
		next = pmap_piece_end(start, end, level);
		if (level == 0)
			pmap_remove_table(pmap, start, next, e, how, b);
		else if (unlikely(level == 2 && pte_leaf(pte_load(e))))
			next = pmap_remove_from_giga(pmap, start, next, e, how, b) ? next : start;
		else if (pte_leaf(pte_load(e)))
			pmap_remove_from_mega(pmap, start, next, e, how, b);
	}
}

/* A part of the window that the cache is about? Never so for the kernel's pmap. */
static inline bool
pmap_is_in_cache(const struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	return pmap->leaf_window == start >> MEGAPAGE_SHIFT &&
	    end - start < MEGAPAGE_SIZE - (start & MEGAPAGE_MASK);
}

/* pmap locked; unlocks it. */
static noinline void
pmap_remove_unlock(struct pmap *pmap, vm_offset_t start, vm_offset_t end, unsigned how)
{
	struct pmap_batch b;

	if (end > vm_max_address)
		end = vm_max_address;
	pmap_batch_init(&b, false, how & PMAP_REMOVE_ADVISED ? PMAP_SPLIT_ADVICE : PMAP_SPLIT_REMOVE);
	if (pmap_is_in_cache(pmap, start, end)) {
		if (pmap->leaf_page->slot != 0)
			pmap_remove_entries(pmap, start, end, pmap->leaf_page, &pmap->leaf[sv_index(start, 0)],
			    how, &b);
	} else if (pmap->resident != 0)
		pmap_remove_locked(pmap, start, end, how, &b);
	else if ((pmap->leaf_window << MEGAPAGE_SHIFT) - start < end - start)
		pmap_unhook_cached(pmap, &b);   /* nothing else can be there */
	pmap_flush(pmap, &b);
	spin_unlock(&pmap->lock);
}

static void
pmap_remove_how(struct pmap *pmap, vm_offset_t start, vm_offset_t end, unsigned how)
{
	if (pmap_is_kernel(pmap)) {
		pmap_kremove(start, end - start);
		return;
	}
	spin_lock(&pmap->lock);
	pmap_remove_unlock(pmap, start, end, how);
}

void
pmap_remove(pmap_t pmap, vm_offset_t start, vm_offset_t end)
{
	pmap_remove_how(pmap, start, end, PMAP_REMOVE_HARVEST);
}

/* Fences [start, end), then lets the record go if it counts nothing any more; it is its table's only one. */
static void
pmap_finish_only(struct pmap *pmap, struct pv *only, vm_offset_t start, vm_offset_t end)
{
	tlb_shootdown(pmap, start, end);
	if (only->count == 0)
		pv_release_last(only, false);
	spin_unlock(&pmap->lock);
}

/*
 * Leaves in the cached table, all of one record, that nobody asks A and D of,
 * none of them wired: what a program has just touched goes again by a few stores
 * and one fence.
 */
static always_inline void
pmap_remove_dead_how(struct pmap *pmap, vm_offset_t start, vm_offset_t end, bool groups)
{
	struct vm_page *table;
	pte_t *e, *last;
	struct pv *only;
	unsigned n = 0;

	if (unlikely(pmap_is_kernel(pmap))) {
		pmap_kremove(start, end - start);
		return;
	}
	spin_lock(&pmap->lock);
	table = pmap->leaf_page;
	if (unlikely(!pmap_is_in_cache(pmap, start, end)) || table->t.md != 0 ||
	    (only = table->t.pv) == NULL || only->t_next != NULL) {
		pmap_remove_unlock(pmap, start, end, 0);
		return;
	}
	e = &pmap->leaf[sv_index(start, 0)];
	if (groups)
		pmap_groups_cut(pmap, e, (unsigned)((end - start) >> PAGE_SHIFT));
	for (last = e + ((end - start) >> PAGE_SHIFT); e < last; e++)
		if (pte_load(e) != 0) {
			pte_store(e, 0);
			n++;
		}
	if (n == 0) {
		spin_unlock(&pmap->lock);
		return;
	}
	only->count -= n;
	table->slot -= (uint16_t)n;
	pmap->resident -= n;
	pmap_finish_only(pmap, only, start, end);
}

static noinline void
pmap_remove_dead_grouped(struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	pmap_remove_dead_how(pmap, start, end, true);
}

void
pmap_remove_dead(pmap_t pmap, vm_offset_t start, vm_offset_t end)
{
	if (unlikely(pmap_napot))
		pmap_remove_dead_grouped(pmap, start, end);
	else
		pmap_remove_dead_how(pmap, start, end, false);
}

void
pmap_remove_advised(pmap_t pmap, vm_offset_t start, vm_offset_t end, bool dead)
{
	pmap_remove_how(pmap, start, end, PMAP_REMOVE_ADVISED | (dead ? 0 : PMAP_REMOVE_HARVEST));
}

void
pmap_collect(pmap_t pmap)
{
	if (!pmap_is_kernel(pmap))
		pmap_remove_how(pmap, 0, vm_max_address, PMAP_REMOVE_HARVEST | PMAP_KEEP_WIRED);
}

/* --- reducing rights --- */

/* Leaves that would keep neither R nor X go; the table may go with the last. */
static void
pmap_protect_slow(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, pte_t keep,
    struct pmap_batch *b)
{
	struct vm_page *table = sv_table_page(e);
	unsigned left = table->slot;

	if (unlikely(pmap_napot))
		pmap_groups_break(pmap, e, (unsigned)((end - start) >> PAGE_SHIFT));
	for (; start < end && left > 0; start += PAGE_SIZE, e++) {
		pte_t v = pte_load(e);

		if (v == 0)
			continue;
		if ((v & keep & (PTE_R | PTE_X)) == 0) {
			left--;
			pmap_clear_leaf(pmap, start, e, NULL, b);
		} else if (v & PTE_RWX & ~keep) {
			pte_and(e, ~(PTE_RWX & ~keep)); /* no W without R: keep has none */
			batch_leaf(b, start);
		}
	}
}

static void
pmap_protect_table(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, pte_t keep,
    struct pmap_batch *b)
{
	pte_t mask = ~(PTE_RWX & ~keep), all = 0, *last;

	if (!(keep & PTE_R) || pmap->execute_only) {
		pmap_protect_slow(pmap, start, end, e, keep, b);
		return;
	}
	if (end - start == PAGE_SIZE) {
		if (pte_and(e, mask) & ~mask)
			batch_leaf(b, start);
		return;
	}
	last = e + ((end - start) >> PAGE_SHIFT);
#pragma GCC unroll 4
	for (; e < last; e++)
		all |= pte_and(e, mask);
	if (all & ~mask) {
		batch_leaf(b, start);
		batch_leaf(b, end - PAGE_SIZE);
	}
}

/* The same for a part of a table that may hold groups. */
static noinline void
pmap_protect_part(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, pte_t keep,
    struct pmap_batch *b)
{
	pmap_groups_cut(pmap, e, (unsigned)((end - start) >> PAGE_SHIFT));
	pmap_protect_table(pmap, start, end, e, keep, b);
}

static void
pmap_protect_mega(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, pte_t keep,
    struct pmap_batch *b)
{
	pte_t v = pte_load(e);
	struct vm_page *table;

	if ((v & PTE_RWX & ~keep) == 0)
		return;
	if (end - start == MEGAPAGE_SIZE && (v & keep & (PTE_R | PTE_X))) {
		pte_and(e, ~(PTE_RWX & ~keep));
		b->all = true;
		return;
	}
	if (end - start == MEGAPAGE_SIZE)
		pmap_remove_mega(pmap, start, e, NULL, b);
	else if ((table = pmap_demote_or_drop(pmap, start, e, NULL, b)) != NULL)
		(unlikely(pmap_napot) ? pmap_protect_part : pmap_protect_table)(pmap, start, end, &sv_entries(table)[sv_index(start, 0)], keep, b);
}

/*
 * Whole windows from start on, entry by entry of the directory used last, when
 * all leaves keep R, so that none goes. park: only WRITE goes. Where it went no further.
 */
static vm_offset_t
pmap_protect_windows(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t keep, bool park,
    struct pmap_batch *b)
{
	vm_offset_t last = pmap_piece_end(start, end, 2) & ~MEGAPAGE_MASK;
	pte_t *e = &pmap->dir[sv_index(start, 1)], lose = PTE_RWX & ~keep, all = 0;

	for (; start < last; start += MEGAPAGE_SIZE, e++) {
		pte_t v = pte_load(e);

		if (pte_leaf(v)) {
			if (v & lose)
				all |= pte_and(e, ~lose);
		} else if (v == 0 || (v & PTE_NESTED) || (park && (v & PTE_PARKED)))
			continue;
		else if (park && pmap_park(pmap, start, e, v))
			all |= PTE_W;
		else
			pmap_protect_table(pmap, start, start + MEGAPAGE_SIZE, pte_table(v), keep, b);
	}
	b->all |= all != 0;
	return start;
}

/* pmap locked; unlocks it. */
static noinline void
pmap_protect_unlock(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t keep, bool park)
{
	bool windows = (keep & PTE_R) && (park || !pmap->execute_only);
	struct pmap_batch b;
	vm_offset_t next;
	unsigned level;
	pte_t *e;

	pmap_batch_init(&b, false, PMAP_SPLIT_PROTECT);
	b.harvest = true;
	/* Under the lock: the last leaf may have gone on another hart, its fence not be complete. */
	if (pmap->resident == 0) {
		spin_unlock(&pmap->lock);
		return;
	}
	if (!(keep & PTE_R))
		pmap->execute_only = true;
	for (; start < end; start = next) {
		if (windows && (start & MEGAPAGE_MASK) == 0 && end - start >= MEGAPAGE_SIZE) {
			if (pmap->dir_window != start >> GIGAPAGE_SHIFT)
				(void)pmap_find_far(pmap, start, &level);
			if (pmap->dir_window == start >> GIGAPAGE_SHIFT) {
				next = pmap_protect_windows(pmap, start, end, keep, park, &b);
				continue;
			}
		}
		e = pmap_find_parked(pmap, start, &level);
		next = pmap_piece_end(start, end, level);
		if (level == 0)
			(unlikely(pmap_napot) ? pmap_protect_part : pmap_protect_table)(pmap, start, next, e, keep, &b);
		else if (unlikely(level == 2 && pte_leaf(pte_load(e))))
			next = pmap_protect_giga(pmap, start, next, e, keep, &b) ? next : start;
		else if (pte_leaf(pte_load(e)))
			pmap_protect_mega(pmap, start, next, e, keep, &b);
	}
	pmap_flush(pmap, &b);
	spin_unlock(&pmap->lock);
}

/*
 * Leaves in the cached table, all of which keep R: one AMO each, and one fence.
 * pmap locked; unlocks it.
 */
static inline void
pmap_protect_few(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t mask)
{
	pte_t *e = &pmap->leaf[sv_index(start, 0)], *last = e + ((end - start) >> PAGE_SHIFT), all = 0;

	for (; last - e >= 8; e += 8)
		all |= pte_and(e, mask) | pte_and(e + 1, mask) | pte_and(e + 2, mask) | pte_and(e + 3, mask) |
		    pte_and(e + 4, mask) | pte_and(e + 5, mask) | pte_and(e + 6, mask) | pte_and(e + 7, mask);
	for (; e < last; e++)
		all |= pte_and(e, mask);
	if (all & ~mask)
		tlb_shootdown(pmap, start, end);
	spin_unlock(&pmap->lock);
}

static noinline void
pmap_protect_few_grouped(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t mask)
{
	pmap_groups_cut(pmap, &pmap->leaf[sv_index(start, 0)], (unsigned)((end - start) >> PAGE_SHIFT));
	pmap_protect_few(pmap, start, end, mask);
}

void
pmap_protect(pmap_t pmap, vm_offset_t start, vm_offset_t end, vm_prot_t prot)
{
	pte_t keep = pmap_keep_bits(prot);

	if (keep == 0) {
		pmap_remove(pmap, start, end);
		return;
	}
	if (keep == PTE_RWX)
		return;
	spin_lock(&pmap->lock);
	if (pmap_is_in_cache(pmap, start, end) && (keep & PTE_R) && !pmap->execute_only) {
		if (unlikely(pmap_napot))
			pmap_protect_few_grouped(pmap, start, end, ~(PTE_RWX & ~keep));
		else
			pmap_protect_few(pmap, start, end, ~(PTE_RWX & ~keep));
	} else
		pmap_protect_unlock(pmap, start, end, keep, false);
}

void
pmap_write_protect(pmap_t pmap, vm_offset_t start, vm_offset_t end, vm_prot_t prot)
{
	pte_t keep = pmap_keep_bits(prot & ~VM_PROT_WRITE);

	if (!(keep & PTE_R) || end - start < MEGAPAGE_SIZE) {
		pmap_protect(pmap, start, end, prot & ~VM_PROT_WRITE);
		return;
	}
	spin_lock(&pmap->lock);
	pmap_protect_unlock(pmap, start, end, keep, true);
}
