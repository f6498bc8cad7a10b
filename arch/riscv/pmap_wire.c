/*
 * arch/riscv/pmap_wire.c: wiring, and clearing referenced bits, by range.
 *
 * A wired leaf is one that the pmap may not forget: pmap_collect passes it by,
 * and a wired megapage keeps a table in reserve, so that it can be split when
 * memory is out. The bit means nothing to the hardware, so no change here owes
 * a fence; what counts are the counters (table->t.md, pmap->wired).
 *
 * Whole tables are gone through entry by entry, one load and at most one atomic
 * for each (a walker may set A or D at any moment); a megapage that lies wholly
 * in the range is one entry, and one that does not is split first.
 *
 *   pmap_wire_range   leaves that are there: the bit only
 *   pmap_wire_run     pages of a chunk: missing leaves, missing rights, the bit
 *
 * Locks: the pmap's, inside; for pmap_wire_run the caller holds the object's.
 * Failure: wiring a megapage, or a part of one, takes a table; without memory
 * pmap_wire_range says so and the caller undoes, pmap_wire_run does less.
 */
#include <machine/tlb.h>
#include "pmap_impl.h"

static inline void
count_wired(struct pmap *pmap, struct vm_page *table, uint64_t n)
{
	table->t.md += n;
	pmap->wired += n;
}

/* The leaves from e on, for [start, end) within one leaf table. */
static void
wire_entries(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, bool wired)
{
	struct vm_page *table = sv_table_page(e);
	pte_t *last = e + ((end - start) >> PAGE_SHIFT), v;
	uint64_t n = 0;

	if (!wired) {
		if (table->t.md == 0)
			return;
		for (; e < last; e++)
			if (pte_load(e) & PTE_WIRED) {
				pte_and(e, ~PTE_WIRED);
				n--;
			}
	} else
		for (; e < last; e++) {
			v = pte_load(e);
			if (v != 0 && !(v & PTE_WIRED)) {
				pte_or(e, PTE_WIRED);
				n++;
			}
		}
	count_wired(pmap, table, n);
}

/* [start, end) of the megapage leaf at e. FALSE: no memory. */
static bool
wire_from_mega(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *e, bool wired,
    struct pmap_batch *b)
{
	struct vm_page *table;

	if (((pte_load(e) & PTE_WIRED) != 0) == wired)
		return true;
	if (end - start == MEGAPAGE_SIZE)
		return pmap_wire_mega(pmap, e, wired, b);
	table = wired ? pmap_demote(pmap, start, e, b) : pmap_demote_or_drop(pmap, start, e, NULL, b);
	if (table != NULL)
		wire_entries(pmap, start, end, &sv_entries(table)[sv_index(start, 0)], wired);
	return table != NULL;
}

static bool
wire_range_locked(struct pmap *pmap, vm_offset_t start, vm_offset_t end, bool wired, struct pmap_batch *b)
{
	vm_offset_t next;
	unsigned level;
	pte_t *e;

	for (; start < end; start = next) {
		e = pmap_find(pmap, start, &level);
		next = pmap_piece_end(start, end, level);
		if (unlikely(level == 1 && (pte_load(e) & PTE_PARKED))) {
			pmap_unpark(e);
			e = &pte_table(pte_load(e))[sv_index(start, 0)];
			level = 0;
		}
		if (unlikely(level == 2 && pte_leaf(pte_load(e)))) {
			enum pmap_giga_wired r = pmap_wire_from_giga(pmap, start, next, e, wired, b);

			if (r == PMAP_GIGA_SHORTAGE)
				return false;
			next = r == PMAP_GIGA_SPLIT ? start : next;
			continue;
		}
		if (level == 0)
			wire_entries(pmap, start, next, e, wired);
		else if (pte_leaf(pte_load(e)) && !wire_from_mega(pmap, start, next, e, wired, b))
			return false;
	}
	return true;
}

kern_return_t
pmap_wire_range(pmap_t pmap, vm_offset_t start, vm_offset_t end, bool wired)
{
	struct pmap_batch b;
	bool ok;

	pmap_batch_init(&b, false, wired ? PMAP_SPLIT_WIRE : PMAP_SPLIT_UNWIRE);
	spin_lock(&pmap->lock);
	ok = wire_range_locked(pmap, start, end, wired, &b);
	pmap_flush(pmap, &b);
	spin_unlock(&pmap->lock);
	if (!ok)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page table to keep for a wired megapage in [0x%lx, 0x%lx)",
		    start, end);
	return KERN_SUCCESS;
}

/*
 * One page. Where a megapage cannot be split for want of memory, wiring drops
 * the leaf: who wires a page uses pmap_enter, which can refuse. Unwiring always
 * succeeds.
 */
void
pmap_change_wiring(pmap_t pmap, vm_offset_t va, bool wired)
{
	struct pmap_batch b;
	unsigned level;

	pmap_batch_init(&b, false, wired ? PMAP_SPLIT_WIRE : PMAP_SPLIT_UNWIRE);
	b.harvest = true;
	spin_lock(&pmap->lock);
	if (!wire_range_locked(pmap, va, va + PAGE_SIZE, wired, &b))
		pmap_remove_mega(pmap, va, pmap_find(pmap, va, &level), NULL, &b);
	pmap_flush(pmap, &b);
	spin_unlock(&pmap->lock);
}

/* --- pages of a chunk --- */

/* A leaf of the very page m gets the bits that it lacks; FALSE: it is another's. */
static bool
wire_leaf(struct pmap *pmap, pte_t *e, pte_t v, const struct vm_page *m, pte_t bits)
{
	const pte_t add = bits & (PTE_RWX | PTE_WIRED);

	if (!(v & PTE_MANAGED) || pte_pfn(v) != m->pfn)
		return false;
	if (add & PTE_X & ~v)
		tlb_code_shootdown(pmap);
	if (add & PTE_RWX & ~v)
		pmap_break_at(pmap, e);
	if (add & ~v)
		pte_or(e, add);
	return true;
}

/* The part of pmap_wire_run inside one leaf table, which is made. Returns the pages that are wired now. */
static unsigned
wire_window(struct pmap *pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, pte_t bits,
    struct pmap_batch *b)
{
	struct vm_page *table = pmap_leaf_table(pmap, va, b), *m;
	const vm_offset_t start = va;
	unsigned made = 0, done = 0;
	struct pv *pv = NULL;
	uint64_t wired = 0;
	pte_t *e, v;

	if (table == NULL)
		return 0;
	e = &sv_entries(table)[sv_index(va, 0)];
	for (; n > 0; n--, slot++, e++, va += PAGE_SIZE) {
		if (!vm_chunk_populated(c, slot))
			continue;
		m = vm_chunk_page(c, slot);
		if (m->flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR))
			continue;
		v = pte_load_own(e);
		if (v != 0) {
			if (!wire_leaf(pmap, e, v, m, bits))
				continue;
		} else {
			if (pv != NULL)
				pv->count++;
			else if ((pv = pv_get(pmap, table, m, va)) == NULL)
				break;
			else if (bits & PTE_X)
				tlb_code_shootdown(pmap);
			pte_store(e, pte_make(vm_page_pa(m), bits));
			made++;
		}
		wired += ~v / PTE_WIRED & 1;
		done++;
	}
	table->slot += (uint16_t)made;
	pmap->resident += made;
	count_wired(pmap, table, wired);
	if (unlikely(pmap_napot))
		pmap_groups_join(pmap, start, (unsigned)((va - start) >> PAGE_SHIFT), c);
	if (table->slot == 0)
		pmap_unhook(pmap, start, 0, b);
	return done;
}

static unsigned
wire_run_locked(struct pmap *pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, pte_t bits,
    struct pmap_batch *b)
{
	unsigned done = 0, part;

	if (n == VM_CHUNK_PAGES && (va & MEGAPAGE_MASK) == 0 && vm_chunk_is_megapage(c) &&
	    pmap_enter_mega_locked(pmap, va, c, pte_make((paddr_t)c->base << PAGE_SHIFT,
	    bits | (bits & PTE_W) << 5), b) == KERN_SUCCESS)
		return n;
	for (; n > 0; n -= part, slot += part, va += part * PAGE_SIZE) {
		part = SV_ENTRIES - sv_index(va, 0);
		if (part > n)
			part = n;
		done += wire_window(pmap, va, c, slot, part, bits, b);
	}
	return done;
}

unsigned
pmap_wire_run(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, vm_prot_t prot)
{
	pte_t bits = pmap_leaf_bits(prot, PMAP_WIRED);
	struct pmap_batch b;
	unsigned done;

	if (!pte_leaf(bits) || n == 0)
		return 0;
	pmap_batch_init(&b, false, PMAP_SPLIT_WIRE);
	spin_lock(&pmap->lock);
	if ((bits & (PTE_R | PTE_X)) == PTE_X)
		pmap->execute_only = true;
	done = wire_run_locked(pmap, va, c, slot, n, bits, &b);
	pmap_flush(pmap, &b);
	spin_unlock(&pmap->lock);
	return done;
}

/* --- referenced --- */

/* No fence: a TLB that still has a leaf with A only delays the next setting. */
void
pmap_clear_reference_range(pmap_t pmap, vm_offset_t start, vm_offset_t end)
{
	vm_offset_t next;
	unsigned level;
	pte_t *e, *last;

	spin_lock(&pmap->lock);
	for (; start < end; start = next) {
		e = pmap_find_parked(pmap, start, &level);
		next = pmap_piece_end(start, end, level);
		if (level == 0) {
			if (unlikely(pmap_napot))
				pmap_groups_cut(pmap, e, (unsigned)((next - start) >> PAGE_SHIFT));
			for (last = e + ((next - start) >> PAGE_SHIFT); e < last; e++)
				if (pte_load(e) & PTE_A)
					pte_and(e, ~PTE_A);
		} else if (pte_leaf(pte_load(e)) && next - start == sv_size(level))
			pte_and(e, ~PTE_A);
	}
	spin_unlock(&pmap->lock);
}
