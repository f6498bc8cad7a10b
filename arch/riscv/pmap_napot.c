/*
 * arch/riscv/pmap_napot.c: groups: 16 leaves of 4 KiB that are one of 64 KiB (Svnapot).
 *
 *   leaf table    by themselves: [ppn 0x40][ppn 0x41] ... [ppn 0x4f]
 *                 as a group:    [N  0x48 ][N  0x48 ] ... [N  0x48 ]     ppn[3:0] = 1000: 64 KiB
 *
 * Each of the 16 entries says that it maps the 64 KiB around it, so a TLB may
 * hold one entry for all of them; a walk is as long as before. A leaf is a member
 * or not by N and four bits of its PPN alone, and which page it maps follows from
 * its place (pte_load_own). So joining and breaking are the same exclusive-or of
 * each entry, which loses no A or D that a walker sets meanwhile.
 *
 * Made: at once, where a run of pages is mapped, or when a leaf comes to be that
 * completes 16 of equal rights over an aligned 64 KiB of one reservation. Their D may differ only where they are writable, for
 * what is writable is taken for written anyway. Broken: before some of the 16
 * change but not all alike; where all do (a range loses a right), each entry
 * changes as it would by itself. Members may differ in A and D, which a
 * walker may set in any of them: what is known of one is what is known of all
 * (sv_leaf), and on breaking each gets that. They may differ in PTE_WIRED, too,
 * which the hardware does not look at.
 *
 * Fences: joining and breaking change no translation and owe none. A TLB may keep
 * what it read of a group as 16 entries or one, and one entry for several pages
 * goes by a fence of any of them. So after a break a page's own change is fenced
 * by its own address, as ever; the break comes first, so that a walk after the
 * fence finds no member of the group that the page has left. Where all members
 * change, all their addresses are fenced.
 *
 * Promotion (pmap_mega.c) takes groups as it takes leaves, and a split makes 32
 * groups. Parked and nested tables hold groups like any other.
 *
 * Locks: the pmap's. Failure: none, but leaves that do not become a group.
 */
#include "pmap_impl.h"

bool pmap_napot;
_Static_assert(SV_GROUP_SIZE == PMAP_GROUP_SIZE, "what mm and Svnapot call a group");

#define STEP    (1ul << PTE_PPN_SHIFT)          /* from a page's leaf to the next page's */

/* Are the entries from g on leaves by themselves that may become a group, the first of them being v? */
static inline bool
group_is_uniform(const pte_t *g, pte_t v)
{
	const pte_t same = ~(PTE_A | ((v & PTE_W) != 0 ? PTE_D : 0));
	pte_t differ = 0;

	/* Memory is mostly touched upwards: while the last one is not there, one look is enough. */
	if (((pte_load(&g[SV_GROUP - 1]) ^ (v + (SV_GROUP - 1) * STEP)) & same) != 0)
		return false;
#pragma GCC unroll 16
	for (unsigned i = 0; i < SV_GROUP - 1; i++, v += STEP)
		differ |= pte_load(&g[i]) ^ v;
	return (differ & same) == 0;
}

/* Each of 16 leaves becomes a member, or none any more. *some, *all: OR and AND of what they were. */
static inline void
group_flip(pte_t *g, pte_t *some, pte_t *all)
{
	pte_t or = 0, and = ~0ul;

#pragma GCC unroll 16
	for (unsigned i = 0; i < SV_GROUP; i++) {
		pte_t v = __atomic_fetch_xor(&g[i], PTE_N | (pte_t)(i ^ SV_GROUP / 2) << PTE_PPN_SHIFT, __ATOMIC_RELAXED);

		or |= v;
		and &= v;
	}
	*some = or;
	*all = and;
}

/* Do the 16 pages from frame pfn on all belong to c's reservation, each at its place? */
static inline bool
group_is_in_chunk(const struct vm_chunk *c, pfn_t pfn)
{
	uint64_t slot = pfn - c->base;

	return c->base != 0 && slot < VM_CHUNK_PAGES && slot % SV_GROUP == 0 &&
	    (uint16_t)(c->popmap[slot / 64] >> (slot % 64)) == 0xffff;
}
_Static_assert(SV_GROUP == 16 && VM_CHUNK_PAGES % 64 == 0, "a group's pages are 16 bits of one word");

void
pmap_group_join(struct pmap *pmap, pte_t *e, const struct vm_chunk *c)
{
	pte_t *g = pte_group(e), v = pte_load(e), some, all;

	if (v == 0)
		return;
	v -= (pte_t)(e - g) * STEP;
	if ((v & (PTE_N | PTE_MANAGED | PTE_V)) != (PTE_MANAGED | PTE_V) || !group_is_in_chunk(c, pte_pfn(v)) ||
	    !group_is_uniform(g, v))
		return;
	group_flip(g, &some, &all);
	PMAP_COUNT(pmap, joined);
}

bool
pmap_group_is_free(const pte_t *e, const struct vm_chunk *c, unsigned slot)
{
	const struct vm_page *m = c->head + slot;
	pte_t there = 0;
	unsigned flags = 0;

	if (e != pte_group(e) || !group_is_in_chunk(c, c->base + slot))
		return false;
#pragma GCC unroll 16
	for (unsigned i = 0; i < SV_GROUP; i++) {
		there |= pte_load(&e[i]);
		flags |= m[i].flags;
	}
	return there == 0 && (flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR)) == 0;
}

void
pmap_group_make(struct pmap *pmap, pte_t *e, pte_t v)
{
	v |= PTE_N | SV_GROUP / 2 << PTE_PPN_SHIFT;
#pragma GCC unroll 16
	for (unsigned i = 0; i < SV_GROUP; i++)
		pte_store(&e[i], v);
	PMAP_COUNT(pmap, joined);
}

void
pmap_groups_join(struct pmap *pmap, vm_offset_t va, unsigned n, const struct vm_chunk *c)
{
	unsigned level;
	pte_t *e = pmap_find(pmap, va, &level), *last = level == 0 ? e + n : e;

	for (; e < last; e = pte_group(e) + SV_GROUP)
		pmap_group_join(pmap, e, c);
}

void
pmap_group_break(struct pmap *pmap, pte_t *e)
{
	pte_t *g = pte_group(e), some, all;
	unsigned i;

	group_flip(g, &some, &all);
	some &= ~all & (PTE_A | PTE_D);
	if (some != 0)
		for (i = 0; i < SV_GROUP; i++)
			pte_or(&g[i], some);
	if (pmap != NULL)
		PMAP_COUNT(pmap, broken);
}

void
pmap_groups_break(struct pmap *pmap, pte_t *e, unsigned n)
{
	pte_t *last = e + n;

	for (; e < last; e = pte_group(e) + SV_GROUP)
		pmap_break_at(pmap, e);
}

void
pmap_groups_cut(struct pmap *pmap, pte_t *e, unsigned n)
{
	pte_t *end = e + n;

	if (n != 0 && e != pte_group(e))
		pmap_break_at(pmap, e);
	if (n != 0 && end != pte_group(end))
		pmap_break_at(pmap, end - 1);
}

void
pmap_group_or(pte_t *e, pte_t bits)
{
	pte_t *g = pte_group(e);

#pragma GCC unroll 16
	for (unsigned i = 0; i < SV_GROUP; i++)
		pte_or(&g[i], bits);
}

void
pmap_group_add_write(struct pmap *pmap, pte_t *e, const struct vm_chunk *c, unsigned slot, unsigned n, pte_t write)
{
	pte_t v = pte_load_own(e);

	if (write == 0 || !(v & PTE_R) || !vm_chunk_populated(c, slot) || pte_pfn(v) != vm_chunk_pfn(c, slot))
		return;
	if (e == pte_group(e) && n >= SV_GROUP)
		pmap_group_or(e, write);
	else {
		pmap_group_break(pmap, e);
		pte_or(e, write);
	}
}

bool
pmap_has_groups(void)
{
	return pmap_napot;
}

/* Below `table` of `level`; a table of level 0 is looked at once for each 16 entries. */
static uint64_t
groups_below(const pte_t *table, unsigned level, unsigned entries)
{
	uint64_t n = 0;
	unsigned i;
	pte_t v;

	for (i = 0; i < entries; i += level == 0 ? SV_GROUP : 1) {
		v = pte_load(&table[i]);
		if (level == 0)
			n += v / PTE_N;
		else if (!pte_leaf(v) && (v & (PTE_V | PTE_PARKED)) && !(v & PTE_NESTED))
			n += groups_below(pte_table(v), level - 1, SV_ENTRIES);
	}
	return n;
}

uint64_t
pmap_groups(struct pmap *pmap)
{
	return pmap_is_kernel(pmap) ? 0 : groups_below(pmap->root, pmap->levels - 1u, SV_ENTRIES / 2);
}
