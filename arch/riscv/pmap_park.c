/*
 * arch/riscv/pmap_park.c: write protection that is put off, a leaf table at a time.
 *
 *   directory: [ pointer | pointer, no V, PTE_PARKED | ... ]
 *                  │            └──> leaf table: 512 leaves, as they were
 *                  └──> leaf table
 *
 * A fork takes WRITE from everything that is mapped: 512 read-modify-writes a
 * table, most of them for nothing when the child soon ends or becomes another
 * program. Instead the pointer to the table loses V: the hardware finds nothing
 * there, the rest of the pointer, the table, its records and counts stay. The
 * first access to the window takes WRITE from the leaves and puts V back
 * (pmap_unpark); no walker can be in the table meanwhile, so plain stores do.
 * So a fork costs by tables, and what it saves is paid for by who goes on to
 * use the memory, with one short fault for each 2 MiB.
 *
 * What a parked table's leaves say of WRITE is more than they grant. Whoever
 * takes leaves or other rights away does so in the table as it is; whoever
 * makes leaves, wires them or resolves a fault unparks first. To questions
 * (extract, walk, next leaf) nothing is mapped there, as to the hardware; a
 * pmap may forget anything but wired pages, and a table that has those, serves
 * other pmaps, or has few leaves is not parked.
 *
 * Tried as an alternative to leaf tables that parent and child share until one
 * writes: that saves the child's faults on what it only reads, too, but gives
 * each table two owners, and reverse mappings a list of pmaps for each record.
 *
 * Locks: the pmap's. Failure: none.
 */
#include "pmap_impl.h"

unsigned pmap_park_leaves = 32;

void
pmap_unpark(pte_t *entry)
{
	pte_t v = pte_load(entry), *e = pte_table(v), *last = e + SV_ENTRIES;

#pragma GCC unroll 4
	for (; e < last; e++)
		pte_store(e, pte_load(e) & ~PTE_W);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	pte_store(entry, (v & ~PTE_PARKED) | PTE_V);
}

bool
pmap_fault_parked(struct pmap *pmap, vm_offset_t va, vm_prot_t access, pte_t need)
{
	unsigned level;
	pte_t *e = pmap_find(pmap, va, &level), v;

	pmap_unpark(e);
	e = &pte_table(pte_load(e))[sv_index(va, 0)];
	v = pte_load(e);
	if (!pte_valid(v) || (sv_bits_prot(v) & access) != access)
		return false;
	pmap_set_ad(e, v, need);
	return true;
}
