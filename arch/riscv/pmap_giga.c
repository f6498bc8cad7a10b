/*
 * arch/riscv/pmap_giga.c: gigapage leaves of user pmaps.
 *
 *   root, or a table of level 2          root, or a table of level 2
 *     entry ──> directory ──> 512 leaves   entry = leaf ──> 1 GiB
 *                  │   of 2 MiB                      directory, laid aside (SV_ASIDE)
 *                  └──t.pv──> 512 records                └──t.pv──> the same 512 records
 *
 * A gigapage leaf is a directory of 512 megapage leaves, alike, that has been
 * folded: the directory is laid aside with all its reverse mappings, and the
 * entry that pointed to it becomes the leaf. So a split needs no memory and
 * touches no record: it writes the directory's 512 entries and hooks it in again.
 * Where nothing was mapped the directory and its records are made, and laid
 * aside at once. That costs 4 KiB, and 45 KiB of records, for each GiB.
 *
 * A wired gigapage has, besides, the 512 tables in pmap->spares that its megapages
 * would have, since each of them may have to be split when memory is out.
 *
 * A record of an aside directory looks as it does when the megapage leaf is there,
 * but its leaf is found by a walk to level 2. The list of directories laid aside is
 * the pmap's, and short; which GiB one is for, its first record says.
 *
 * A and D are one for the whole leaf: writable: D from the start; splits give
 * both to all 512, folding gathers them, removal hands them to all pages.
 *
 * Invariants (pmap_check): as many directories aside as gigapage leaves, each with
 * 512 records of 512 pages. Locks: the pmap's; the caller of pmap_enter_giga has
 * the object's. Fences: whatever changes at level 2 drops the whole pmap from the
 * TLBs (see pmap_mega.c). Failure: pmap_enter_giga alone, for directory, records
 * or spares; leaves of 2 MiB that it made on the way stay.
 */
#include <machine/tlb.h>
#include "pmap_impl.h"

#define GIGA_PAGES  ((uint64_t)SV_ENTRIES * SV_ENTRIES)

struct pmap_mega_counts pmap_all_giga;

/* --- directories laid aside --- */

static void
lay_aside(struct pmap *pmap, struct vm_page *dir)
{
	dir->slot = SV_ENTRIES;
	dir->flags |= SV_ASIDE;
	sv_push(&pmap->dirs, dir);
}

/* That of the gigapage over va, off the list. */
static struct vm_page *
take_dir(struct pmap *pmap, vm_offset_t va)
{
	struct vm_page *dir = pmap->dirs, *prev = NULL;

	for (; dir != NULL && (dir->t.pv->window ^ va) >> GIGAPAGE_SHIFT != 0; dir = sv_link(dir))
		prev = dir;
	KASSERT(dir != NULL, ("the gigapage at 0x%lx has no directory", (unsigned long)va));
	if (prev == NULL)
		pmap->dirs = sv_link(dir);
	else
		prev->t.md = dir->t.md;
	dir->t.md = 0;
	dir->flags &= (uint8_t)~SV_ASIDE;
	return dir;
}

/* The 512 tables that a wired gigapage keeps. FALSE: no memory, none was added. */
static bool
add_spares(struct pmap *pmap, struct pmap_batch *b)
{
	for (unsigned n = 0; n < SV_ENTRIES; n++)
		if (!pmap_add_spare(pmap)) {
			while (n-- > 0)
				pmap_drop_spare(pmap, b);
			return false;
		}
	return true;
}

static void
drop_spares(struct pmap *pmap, struct pmap_batch *b)
{
	for (unsigned n = 0; n < SV_ENTRIES; n++)
		pmap_drop_spare(pmap, b);
}

/* The leaf in table `up` has become wired, or is so no more. */
static void
count_wired(struct pmap *pmap, struct vm_page *up, bool wired)
{
	up->t.md += wired ? 1 : -1ul;
	pmap->wired += wired ? GIGA_PAGES : -GIGA_PAGES;
}

/* --- splitting, removing --- */

pte_t *
pmap_split_giga(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pmap_batch *b)
{
	struct vm_page *dir = take_dir(pmap, va);
	pte_t giga = pte_load(entry), late, *e = sv_entries(dir);

	sv_split(giga, 2, dir);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	late = pte_swap(entry, pte_make(vm_page_pa(dir), 0));
	for (unsigned i = 0; unlikely(late != giga) && i < SV_ENTRIES; i++)     /* a walker set A or D meanwhile */
		pte_or(&e[i], late & (PTE_A | PTE_D));
	if (giga & PTE_WIRED) {
		sv_table_page(entry)->t.md--;
		dir->t.md = SV_ENTRIES;
	}
	pmap->gigapages--;
	pmap->megapages += SV_ENTRIES;
	PMAP_COUNT_GIGA(pmap, demotions);
	PMAP_COUNT_GIGA(pmap, split[b->cause]);
	b->all = true;
	return &e[sv_index(va, 1)];
}

static void
remove_giga(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pmap_batch *b)
{
	struct vm_page *up = sv_table_page(entry), *dir = take_dir(pmap, va), *m;
	pte_t giga = pte_swap(entry, 0);

	KASSERT(!b->pv_locked, ("gigapage at 0x%lx removed with one chunk's records locked", (unsigned long)va));
	m = vm_page_of_pfn(pte_pfn(giga));
	for (uint64_t i = 0; b->harvest && i < GIGA_PAGES; i++)
		pmap_harvest(&m[i], giga);
	if (giga & PTE_WIRED) {
		count_wired(pmap, up, false);
		drop_spares(pmap, b);
	}
	pmap->gigapages--;
	pmap->tables--;
	pmap->resident -= GIGA_PAGES;
	sv_push(&b->tables, dir);       /* its records go with it */
	b->all = true;
	if (--up->slot == 0)
		pmap_unhook(pmap, va, 2, b);
}

bool
pmap_remove_from_giga(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, unsigned how,
    struct pmap_batch *b)
{
	if ((how & PMAP_KEEP_WIRED) && (pte_load(e) & PTE_WIRED))
		return true;
	if (end - start == GIGAPAGE_SIZE) {
		remove_giga(pmap, start, e, b);
		return true;
	}
	(void)pmap_split_giga(pmap, start, e, b);
	return false;
}

bool
pmap_protect_giga(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, pte_t keep, struct pmap_batch *b)
{
	pte_t v = pte_load(e);

	if ((v & PTE_RWX & ~keep) == 0)
		return true;
	if (end - start != GIGAPAGE_SIZE) {
		(void)pmap_split_giga(pmap, start, e, b);
		return false;
	}
	if (v & keep & (PTE_R | PTE_X)) {
		pte_and(e, ~(PTE_RWX & ~keep));
		b->all = true;
	} else
		remove_giga(pmap, start, e, b);
	return true;
}

enum pmap_giga_wired
pmap_wire_from_giga(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, bool wired, struct pmap_batch *b)
{
	if (((pte_load(e) & PTE_WIRED) != 0) == wired)
		return PMAP_GIGA_DONE;
	if (end - start != GIGAPAGE_SIZE) {
		(void)pmap_split_giga(pmap, start, e, b);
		return PMAP_GIGA_SPLIT;
	}
	if (wired) {
		if (!add_spares(pmap, b))
			return PMAP_GIGA_SHORTAGE;
		pte_or(e, PTE_WIRED);
	} else {
		pte_and(e, ~PTE_WIRED);
		drop_spares(pmap, b);
	}
	count_wired(pmap, sv_table_page(e), wired);
	return PMAP_GIGA_DONE;
}

/* --- making --- */

/* The chunk of the i-th megapage of the run that leaf v maps. */
static struct vm_chunk *
chunk_of(pte_t v, unsigned i)
{
	return vm_page_of_pfn(pte_pfn(v) + i * VM_CHUNK_PAGES)->o.chunk;
}

/* The leaf where nothing is. FALSE: no memory; nothing changed. */
static bool
insert_giga(struct pmap *pmap, vm_offset_t va, pte_t *entry, pte_t new, struct pmap_batch *b)
{
	struct vm_page *up = sv_table_page(entry), *dir;
	bool wired = (new & PTE_WIRED) != 0;
	unsigned i;

	if (wired && !add_spares(pmap, b))
		return false;
	dir = sv_table_alloc(1, false);
	for (i = 0; dir != NULL && i < SV_ENTRIES; i++) {
		vm_offset_t at = va + i * MEGAPAGE_SIZE;

		if (pv_new(pmap, dir, chunk_of(new, i), at, at, SV_ENTRIES, true) == NULL)
			break;
	}
	if (i < SV_ENTRIES) {
		if (dir != NULL) {
			dir->slot = SV_ENTRIES;         /* contents unknown: not to be taken for zeroes */
			sv_push(&b->tables, dir);
		}
		if (wired)
			drop_spares(pmap, b);
		return false;
	}
	lay_aside(pmap, dir);
	sv_set(up, entry, new);
	pmap->tables++;
	pmap->gigapages++;
	pmap->resident += GIGA_PAGES;
	if (wired)
		count_wired(pmap, up, true);
	PMAP_COUNT_GIGA(pmap, entered);
	return true;
}

/* The same memory with other rights, or other wiring. FALSE: no memory to wire it. */
static bool
change_giga(struct pmap *pmap, vm_offset_t va, pte_t *entry, pte_t new, struct pmap_batch *b)
{
	pte_t old = pte_load(entry), now;

	if ((new & ~old & PTE_WIRED) && !add_spares(pmap, b))
		return false;
	do {
		now = new | (old & (PTE_A | PTE_D));
	} while (!__atomic_compare_exchange_n(entry, &old, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if ((old ^ new) & PTE_WIRED) {
		count_wired(pmap, sv_table_page(entry), (new & PTE_WIRED) != 0);
		if (old & PTE_WIRED)
			drop_spares(pmap, b);
	}
	if (old & ~new & PTE_RWX)
		b->all = true;
	else if (old != now)
		pmap_drop_local(pmap, va);
	else
		tlb_fence_all();
	return true;
}

/*
 * The directory that entry points to, full of megapage leaves of the run, gives
 * way to the leaf `new`. Translations of either kind are right until the fence.
 */
static void
fold(struct pmap *pmap, vm_offset_t va, pte_t *entry, pte_t new, struct pmap_batch *b)
{
	struct vm_page *up = sv_table_page(entry), *dir = sv_table_page(pte_table(pte_load(entry)));

	if (pmap->dir_window == va >> GIGAPAGE_SHIFT)
		pmap->dir_window = PMAP_NO_WINDOW;
	pte_store(entry, new);
	if (new & PTE_WIRED)
		up->t.md++;
	dir->t.md = 0;
	pmap->megapages -= SV_ENTRIES;
	pmap->gigapages++;
	b->all = true;
	pmap_flush(pmap, b);
	/* Nobody is in the directory any more: its D bits are final. */
	if (!(new & PTE_D))
		pte_or(entry, sv_or_all(sv_entries(dir)) & PTE_D);
	lay_aside(pmap, dir);
	PMAP_COUNT_GIGA(pmap, promotions);
}

/* Each of the 512 places below a directory gets the megapage leaf that `new` stands for; then they are folded. */
static kern_return_t
promote(struct pmap *pmap, vm_offset_t va, pte_t new, struct pmap_batch *b)
{
	pte_t *dir = sv_entry(pmap->root, pmap->levels, va, 1);

	for (unsigned i = 0; i < SV_ENTRIES; i++) {
		pte_t want = new + i * (MEGAPAGE_SIZE >> (PAGE_SHIFT - PTE_PPN_SHIFT));
		kern_return_t kr;

		if (((pte_load(&dir[i]) ^ want) & ~(PTE_A | PTE_D)) == 0)
			continue;
		kr = pmap_enter_mega_locked(pmap, va + i * MEGAPAGE_SIZE, chunk_of(new, i), want, b);
		if (kr != KERN_SUCCESS)
			return kr;
		/* Its only leaf may have gone, and the directory with it, before this one came. */
		dir = sv_entry(pmap->root, pmap->levels, va, 1);
	}
	pmap_flush(pmap, b);
	fold(pmap, va, sv_entry(pmap->root, pmap->levels, va, 2), new, b);
	return KERN_SUCCESS;
}

static kern_return_t
shortage(struct pmap *pmap, vm_offset_t va)
{
	pmap_refuse_giga(pmap, PMAP_REFUSED_SHORTAGE);
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a gigapage mapping at 0x%lx", va);
}

static kern_return_t
enter_giga_locked(struct pmap *pmap, vm_offset_t va, pte_t new, struct pmap_batch *b)
{
	unsigned level, made;
	pte_t *e = sv_make(pmap->root, pmap->levels, va, 2, &level, &made), v;

	if (e == NULL)
		return shortage(pmap, va);
	pmap->tables += made;
	v = pte_load(e);
	if (pte_leaf(v) && pte_pfn(v) != pte_pfn(new)) {
		pmap_remove_locked(pmap, va, va + GIGAPAGE_SIZE, PMAP_REMOVE_HARVEST, b);
		pmap_flush(pmap, b);
		e = sv_make(pmap->root, pmap->levels, va, 2, &level, &made);
		if (e == NULL)
			return shortage(pmap, va);
		pmap->tables += made;
		v = 0;
	}
	if ((new & (PTE_R | PTE_X)) == PTE_X)
		pmap->execute_only = true;
	if ((new & PTE_X) && !(v & PTE_X))
		tlb_code_shootdown(pmap);
	if (v != 0 && !pte_leaf(v))
		return promote(pmap, va, new, b);
	if (v != 0 ? change_giga(pmap, va, e, new, b) : insert_giga(pmap, va, e, new, b))
		return KERN_SUCCESS;
	if (sv_table_page(e)->slot == 0)
		pmap_unhook(pmap, va, 2, b);
	return shortage(pmap, va);
}

kern_return_t
pmap_enter_giga(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, vm_prot_t prot, unsigned flags)
{
	pte_t new = pte_make((paddr_t)c->base << PAGE_SHIFT, pmap_leaf_bits(prot, flags | VM_PROT_WRITE));
	struct pmap_batch b;
	kern_return_t kr = KERN_SUCCESS;

	DASSERT((va & GIGAPAGE_MASK) == 0 && va < vm_max_address && (c->base & (GIGA_PAGES - 1)) == 0,
	    ("pmap_enter_giga at 0x%lx of page 0x%x", (unsigned long)va, c->base));
	pmap_batch_init(&b, false, PMAP_SPLIT_COPY);
	spin_lock(&pmap->lock);
	pmap->enters++;
	if (pte_leaf(new))
		kr = enter_giga_locked(pmap, va, new, &b);
	else
		pmap_remove_locked(pmap, va, va + GIGAPAGE_SIZE, PMAP_REMOVE_HARVEST, &b);
	pmap_flush(pmap, &b);
	spin_unlock(&pmap->lock);
	return kr;
}

/* --- questions --- */

void
pmap_refuse_giga(pmap_t pmap, enum pmap_refusal why)
{
	PMAP_COUNT_GIGA(pmap, refused[why]);
}

void
pmap_giga_totals(struct pmap_mega_counts *c)
{
	*c = pmap_all_giga;
}

const char *
pmap_check_giga(struct pmap *pmap, vm_offset_t va, pte_t v)
{
	struct vm_page *dir = pmap->dirs;
	unsigned n = 0;

	while (dir != NULL && (dir->t.pv == NULL || (dir->t.pv->window ^ va) >> GIGAPAGE_SHIFT != 0))
		dir = sv_link(dir);
	if (dir == NULL || dir->kind != VM_PAGE_TABLE || dir->level != 1 || dir->slot != SV_ENTRIES || !(dir->flags & SV_ASIDE))
		return "gigapage without a directory laid aside";
	for (struct pv *pv = dir->t.pv; pv != NULL; pv = pv->t_next, n++)
		if (pv->pmap != pmap || pv->table != dir || !pv->mega || pv->count != SV_ENTRIES || pv->origin != pv->window ||
		    (pv->window ^ va) >> GIGAPAGE_SHIFT != 0 || pv->chunk != chunk_of(v, sv_index(pv->window, 1)))
			return "gigapage with a wrong reverse mapping";
	return n == SV_ENTRIES ? NULL : "gigapage with a wrong number of reverse mappings";
}
