/*
 * arch/riscv/pmap_mega.c: megapage leaves.
 *
 *   promotion                                demotion
 *   dir entry ──> leaf table ──> 512 pages   dir entry = leaf ──> 2 MiB
 *   dir entry = leaf ──> 2 MiB               dir entry ──> leaf table, 512 leaves alike
 *
 * mm decides on promotion: it knows from the chunk that the 512 pages are one
 * block. Here the leaf table is thrown away, and kept nowhere: 1 GiB of memory
 * costs one table. A wired megapage has a table in reserve (pmap->spares),
 * because a wired page must survive a demotion without memory. For the others
 * there is a reserve that all share (sv_table_alloc_last), so that a partial
 * protect or unmap keeps the rest mapped; when that is used up too, the leaf is
 * dropped, which is counted: the map is the truth.
 *
 * A writable megapage has D set from the start (which of its pages were written
 * is not known anyway); a read-only one inherits D if any of its pages had it.
 *
 * Fences: whatever changes at level 1 drops the whole pmap from the TLBs, with
 * its non-leaf entries, because a TLB may hold 4 KiB pieces and the megapage
 * side by side, and a walker may be inside the old leaf table.
 */
#include <machine/tlb.h>
#include "pmap_impl.h"

static struct vm_page *
pmap_dir_page(pte_t *entry)
{
	return sv_table_page(entry);
}

static struct vm_page *
pmap_take_spare(struct pmap *pmap)
{
	struct vm_page *t = sv_pop(&pmap->spares);

	pmap->nspares--;
	return t;
}

static void
pmap_keep_spare(struct pmap *pmap, struct vm_page *t)
{
	sv_push(&pmap->spares, t);
	pmap->nspares++;
}

struct pmap_mega_counts pmap_all;

/* A table for a leaf that is to be split, which may be refused or (last) not. */
static struct vm_page *
pmap_split_table(struct pmap *pmap, pte_t mega, bool last)
{
	struct vm_page *t;

	if (mega & PTE_WIRED)
		return pmap_take_spare(pmap);
	t = last ? sv_table_alloc_last() : sv_table_alloc(0, false);
	if (t != NULL)
		pmap->tables++;
	return t;
}

static void
pmap_demote_with(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pv *pv, struct vm_page *t,
    struct pmap_batch *b)
{
	pte_t mega = pte_load(entry), late;
	bool wired = (mega & PTE_WIRED) != 0;
	struct vm_page *dir = pmap_dir_page(entry);
	unsigned i;

	if (pv == NULL)
		pv = pv_of_mega(dir, vm_page_of_pfn(pte_pfn(mega))->o.chunk, va & ~MEGAPAGE_MASK);
	if (unlikely(pmap_napot))
		sv_split_groups(mega, t);
	else
		sv_split(mega, 1, t);
	t->slot = SV_ENTRIES;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	late = pte_swap(entry, pte_make(vm_page_pa(t), 0));
	if (unlikely(late != mega))     /* a walker set A or D meanwhile */
		for (i = 0; i < SV_ENTRIES; i++)
			pte_or(&sv_entries(t)[i], late & (PTE_A | PTE_D));
	if (wired) {
		dir->t.md--;
		t->t.md = SV_ENTRIES;
	}
	pv_move(pv, t);
	pv->mega = false;
	pmap->megapages--;
	PMAP_COUNT(pmap, demotions);
	PMAP_COUNT(pmap, split[b->cause]);
	b->all = true;
}

struct vm_page *
pmap_demote(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pmap_batch *b)
{
	struct vm_page *t;

	KASSERT(pte_leaf(pte_load(entry)), ("0x%lx lies in another pmap's table", (unsigned long)va));
	t = pmap_split_table(pmap, pte_load(entry), false);
	if (t != NULL)
		pmap_demote_with(pmap, va, entry, NULL, t, b);
	return t;
}

struct vm_page *
pmap_demote_or_drop(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pv *pv, struct pmap_batch *b)
{
	struct vm_page *t = pmap_split_table(pmap, pte_load(entry), true);

	if (likely(t != NULL))
		pmap_demote_with(pmap, va, entry, pv, t, b);
	else {
		PMAP_COUNT(pmap, dropped);
		b->harvest = true;
		pmap_remove_mega(pmap, va, entry, pv, b);
	}
	return t;
}

/* What the leaf knows, its megapage's pages learn; a wired one's spare goes. */
static noinline void
pmap_retire_mega(struct pmap *pmap, struct vm_page *dir, pte_t mega, struct pmap_batch *b)
{
	struct vm_page *m = vm_page_of_pfn(pte_pfn(mega));
	unsigned i;

	if (b->harvest)
		for (i = 0; i < SV_ENTRIES; i++)
			pmap_harvest(&m[i], mega);
	if (mega & PTE_WIRED) {
		dir->t.md--;
		pmap->wired -= SV_ENTRIES;
		m = pmap_take_spare(pmap);
		pmap->tables--;
		m->slot = SV_ENTRIES;   /* contents unknown: not to be taken for zeroes */
		sv_push(&b->tables, m);
	}
}

void
pmap_remove_mega(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pv *pv, struct pmap_batch *b)
{
	struct vm_page *dir = pmap_dir_page(entry);
	pte_t mega = pte_swap(entry, 0);

	if (pv == NULL)
		pv = pv_of_mega(dir, vm_page_of_pfn(pte_pfn(mega))->o.chunk, va & ~MEGAPAGE_MASK);
	if (unlikely(b->harvest || (mega & PTE_WIRED)))
		pmap_retire_mega(pmap, dir, mega, b);
	pv_drop(pv, SV_ENTRIES, b);
	pmap->megapages--;
	pmap->resident -= SV_ENTRIES;
	b->all = true;
	if (--dir->slot == 0)
		pmap_unhook(pmap, va, 1, b);
}

bool
pmap_add_spare(struct pmap *pmap)
{
	struct vm_page *t = sv_table_alloc(0, false);

	if (t == NULL)
		return false;
	pmap->tables++;
	pmap_keep_spare(pmap, t);
	return true;
}

void
pmap_drop_spare(struct pmap *pmap, struct pmap_batch *b)
{
	struct vm_page *t = pmap_take_spare(pmap);

	pmap->tables--;
	t->slot = SV_ENTRIES;
	sv_push(&b->tables, t);
}

/*
 * The same megapage with other rights, or other wiring (a spare is there if
 * wanted). Nothing new at all: the hart that faulted holds something stale,
 * perhaps the absence of the leaf, which a fence of one address may leave.
 */
static void
pmap_change_mega(struct pmap *pmap, vm_offset_t va, pte_t *entry, pte_t new, struct pmap_batch *b)
{
	pte_t old = pte_load(entry), now;

	do {
		now = new | (old & (PTE_A | PTE_D));
	} while (!__atomic_compare_exchange_n(entry, &old, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if ((old ^ new) & PTE_WIRED) {
		bool wired = (new & PTE_WIRED) != 0;

		pmap_dir_page(entry)->t.md += wired ? 1 : -1ul;
		pmap->wired += wired ? SV_ENTRIES : -(uint64_t)SV_ENTRIES;
		if (!wired)
			pmap_drop_spare(pmap, b);
	}
	if (old & ~new & PTE_RWX)
		b->all = true;
	else if (old != now)
		pmap_drop_local(pmap, va);
	else
		tlb_fence_all();
}

bool
pmap_wire_mega(struct pmap *pmap, pte_t *entry, bool wired, struct pmap_batch *b)
{
	struct vm_page *dir = pmap_dir_page(entry);

	if (((pte_load(entry) & PTE_WIRED) != 0) == wired)
		return true;
	if (wired && !pmap_add_spare(pmap))
		return false;
	if (wired)
		pte_or(entry, PTE_WIRED);
	else {
		pte_and(entry, ~PTE_WIRED);
		pmap_drop_spare(pmap, b);
	}
	dir->t.md += wired ? 1 : -1ul;
	pmap->wired += wired ? SV_ENTRIES : -(uint64_t)SV_ENTRIES;
	return true;
}

/* Do all leaves of the table map pages of c at their places? Then c's megapage may take over. */
static bool
pmap_table_is_part_of(struct vm_page *table, struct vm_chunk *c, vm_offset_t va)
{
	struct pv *pv = table->t.pv;

	return pv != NULL && pv->t_next == NULL && pv->chunk == c && pv->origin == va;
}

/*
 * The leaf table at `entry` gives way to the leaf `new`. Translations of either
 * kind are right until the fence, so nothing needs to be broken first.
 */
static void
pmap_promote(struct pmap *pmap, vm_offset_t va, pte_t *entry, pte_t new, struct pmap_batch *b)
{
	struct vm_page *table = sv_table_page(pte_table(pte_load(entry)));
	struct vm_page *dir = pmap_dir_page(entry);
	struct pv *pv = table->t.pv;

	pmap_uncache_leaf(pmap, va);
	pte_store(entry, new);
	pv_move(pv, dir);
	pv->mega = true;
	pmap->resident += SV_ENTRIES - pv->count;
	pv->count = SV_ENTRIES;
	pmap->wired -= table->t.md;
	table->t.md = 0;
	b->all = true;
	pmap_flush(pmap, b);
	/* Nobody is in the old table any more: its D bits are final. */
	if (!(new & PTE_D))
		pte_or(entry, sv_or_all(sv_entries(table)) & PTE_D);
	pmap->tables--;
	sv_table_free(table, false);
	PMAP_COUNT(pmap, promotions);
}

/* Puts the leaf where nothing is. FALSE: no memory for its record. */
static bool
pmap_insert_mega(struct pmap *pmap, vm_offset_t va, pte_t *entry, pte_t new, struct vm_chunk *c)
{
	struct vm_page *dir = pmap_dir_page(entry);

	if (pv_new(pmap, dir, c, va, va, SV_ENTRIES, true) == NULL)
		return false;
	sv_set(dir, entry, new);
	pmap->resident += SV_ENTRIES;
	PMAP_COUNT(pmap, entered);
	return true;
}

static kern_return_t
pmap_mega_shortage(struct pmap *pmap, vm_offset_t va)
{
	pmap_refuse(pmap, PMAP_REFUSED_SHORTAGE);
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a megapage mapping at 0x%lx", va);
}

/*
 * Room at level 1 for the leaf `new`: what is there of other pages goes. On
 * failure nothing changed. KERN_SUCCESS: *entry is 0, or maps the same pages; entry
 * NULL: a gigapage leaf maps them as wanted.
 */
static kern_return_t
pmap_clear_way(struct pmap *pmap, vm_offset_t va, pte_t new, struct vm_chunk *c, pte_t **entry,
    struct pmap_batch *b)
{
	unsigned level, made;
	pte_t *e = sv_make(pmap->root, pmap->levels, va, 1, &level, &made), v;

	if (e == NULL)
		return pmap_mega_shortage(pmap, va);
	pmap->tables += made;
	if (unlikely(level == 2)) {
		if (pmap_large_suffices(va, 2, e, new)) {
			*entry = NULL;
			return KERN_SUCCESS;
		}
		e = pmap_open_giga(pmap, va, e, &level, b);
	}
	*entry = e;
	v = pte_load(e);
	if (v == 0 || (pte_leaf(v) ? pte_pfn(v) == pte_pfn(new) :
	    pmap_table_is_part_of(sv_table_page(pte_table(v)), c, va)))
		return KERN_SUCCESS;
	if (!pte_leaf(v) && (sv_table_page(pte_table(v))->flags & SV_PINNED)) {
		pmap_refuse(pmap, PMAP_REFUSED_NESTED);
		return KERN_FAIL(KERN_NOT_SUPPORTED, "the page table for 0x%lx serves other tasks: no megapage", va);
	}
	b->harvest = true;
	pmap_remove_locked(pmap, va, va + MEGAPAGE_SIZE, PMAP_REMOVE_HARVEST, b);
	pmap_flush(pmap, b);
	e = sv_make(pmap->root, pmap->levels, va, 1, &level, &made);
	if (e == NULL)
		return pmap_mega_shortage(pmap, va);
	pmap->tables += made;
	*entry = e;
	return KERN_SUCCESS;
}

kern_return_t
pmap_enter_mega_locked(struct pmap *pmap, vm_offset_t va, struct vm_chunk *c, pte_t new,
    struct pmap_batch *b)
{
	kern_return_t kr;
	bool spare = false, ok;
	pte_t *e, v;

	kr = pmap_clear_way(pmap, va, new, c, &e, b);
	if (kr != KERN_SUCCESS || e == NULL)
		return kr;
	v = pte_load(e);
	if ((new & (PTE_R | PTE_X)) == PTE_X)
		pmap->execute_only = true;
	if ((new & PTE_WIRED) && !(pte_leaf(v) && (v & PTE_WIRED))) {
		if (!pmap_add_spare(pmap))
			goto shortage_prune;
		spare = true;
	}
	if ((new & PTE_X) && !(v & PTE_X))
		tlb_code_shootdown(pmap);
	if (pte_leaf(v)) {
		pmap_change_mega(pmap, va, e, new, b);
		return KERN_SUCCESS;
	}
	ok = true;
	if (v != 0)
		pmap_promote(pmap, va, e, new, b);
	else
		ok = pmap_insert_mega(pmap, va, e, new, c);
	if (ok) {
		pmap->megapages++;
		if (spare) {
			pmap_dir_page(e)->t.md++;
			pmap->wired += SV_ENTRIES;
		}
		return KERN_SUCCESS;
	}
	if (spare)
		pmap_drop_spare(pmap, b);
shortage_prune:
	if (pmap_dir_page(e)->slot == 0)
		pmap_unhook(pmap, va, 1, b);
	return pmap_mega_shortage(pmap, va);
}

kern_return_t
pmap_enter_mega(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, vm_prot_t prot, unsigned flags)
{
	struct pmap_batch b;
	pte_t new = pte_make((paddr_t)c->base << PAGE_SHIFT, pmap_leaf_bits(prot, flags | VM_PROT_WRITE));
	kern_return_t kr = KERN_SUCCESS;

	DASSERT((va & MEGAPAGE_MASK) == 0 && va < vm_max_address && vm_chunk_is_megapage(c),
	    ("pmap_enter_mega at 0x%lx", (unsigned long)va));
	pmap_batch_init(&b, false, PMAP_SPLIT_COPY);
	spin_lock(&pmap->lock);
	pmap->enters++;
	if (pte_leaf(new))
		kr = pmap_enter_mega_locked(pmap, va, c, new, &b);
	else
		pmap_remove_locked(pmap, va, va + MEGAPAGE_SIZE, PMAP_REMOVE_HARVEST, &b);
	pmap_flush(pmap, &b);
	spin_unlock(&pmap->lock);
	return kr;
}
