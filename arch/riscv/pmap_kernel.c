/*
 * arch/riscv/pmap_kernel.c: the kernel's own pmap.
 *
 * The boot code's tables live on as the kernel's pmap. Every entry of the
 * kernel's half of the root that will ever be needed is made here, at boot, so
 * a pmap copies that half once and never hears of changes: in Sv39 one table
 * for each GiB of kernel_map and device windows; in Sv48 and Sv57 the whole
 * kernel half hangs below the last root entry, which the boot code made.
 *
 * Kernel leaves have G, A and (with W) D set and no reverse mapping. Tables
 * below kernel_map grow by pmap_growkernel and stay for ever, so kernel walks
 * need no lock; entries are written by whoever owns the address (kmem).
 *
 * Locks: the pmap's lock serialises pmap_growkernel; kenter and kremove take
 * none. Failure: pmap_growkernel keeps what it made and can be asked again.
 */
#include <base/print.h>
#include <machine/hart.h>
#include <machine/tlb.h>
#include <arch/pmap_boot.h>
#include "pmap_impl.h"

struct pmap pmap_kernel_store;
uint64_t    pmap_uncached_bits;
uint64_t    vm_max_address;
unsigned    pmap_kernel_first;

static vm_offset_t kernel_end = KERNEL_MAP_MIN; /* tables exist below it */

extern struct zone pmap_zone;

pmap_t
pmap_kernel(void)
{
	return &pmap_kernel_store;
}

/* Table pages below and including `table`. */
static uint64_t
pmap_count_tables(const pte_t *table, unsigned level)
{
	uint64_t n = 1;
	unsigned i;

	for (i = 0; level > 0 && i < SV_ENTRIES; i++)
		if (pte_valid(table[i]) && !pte_leaf(table[i]))
			n += pmap_count_tables(pte_table(table[i]), level - 1);
	return n;
}

/* Tables of level 1 for [start, end): what a root of three levels must have. */
static void
pmap_fill_root(struct pmap *k, vm_offset_t start, vm_offset_t end)
{
	unsigned level, made;

	for (; start < end; start += GIGAPAGE_SIZE) {
		if (sv_make(k->root, k->levels, start, 1, &level, &made) == NULL)
			panic("no memory for the kernel's page tables at 0x%lx", (unsigned long)start);
		k->tables += made;
	}
}

void
pmap_bootstrap(paddr_t root, unsigned levels, unsigned asid_bits)
{
	struct pmap *k = &pmap_kernel_store;

	*k = (struct pmap){
		.ref_count = 1, .users = 1, .levels = (uint16_t)levels,
		.root = phys_to_virt(root), .leaf_window = PMAP_NO_WINDOW, .dir_window = PMAP_NO_WINDOW,
	};
	spin_init(&k->lock, LOCK_PMAP);
	k->tables = pmap_count_tables(k->root, levels - 1);
	kernel_end = KERNEL_MAP_MIN;
	vm_max_address = 1ul << (sv_va_bits(levels) - 1);
	zone_init(&pmap_zone, "pmap", sizeof(struct pmap));
	pv_init();
	pmap_nest_init();
	sv_reserve_init();
	if (levels == 3) {
		pmap_fill_root(k, KERNEL_MAP_MIN, KERNEL_MAP_MAX);
		pmap_fill_root(k, DEVMAP_BASE, DEVMAP_BASE + DEVMAP_SIZE);
	}
	/* All kernel addresses lie in the top 256 GiB (machine/vmparam.h). */
	pmap_kernel_first = sv_index(0 - (256ul << 30), levels - 1);
	tlb_init(k, asid_bits);
	tlb_hart_online();
}

void
pmap_kenter(vm_offset_t va, paddr_t pa, vm_prot_t prot, unsigned flags)
{
	struct pmap *k = &pmap_kernel_store;
	pte_t bits = sv_prot_bits(prot), old, *e;
	unsigned level;

	e = sv_find(k->root, k->levels, va, &level);
	KASSERT(level == 0 && va >= DIRECT_BASE, ("no page table for kernel address 0x%lx", (unsigned long)va));
	bits |= PTE_G | PTE_A | (bits & PTE_W) << 5;
	if (flags & PMAP_UNCACHED)
		bits |= pmap_uncached_bits;
	old = pte_load(e);
	KASSERT(old == 0, ("kernel address 0x%lx is mapped already: 0x%lx", (unsigned long)va, (unsigned long)old));
	if (bits & PTE_X)
		tlb_code_shootdown(k);
	pte_store(e, pte_make(pa, bits));
	__atomic_fetch_add(&k->resident, 1, __ATOMIC_RELAXED);
	tlb_kernel_valid(va);
}

void
pmap_kremove(vm_offset_t va, vm_size_t size)
{
	struct pmap *k = &pmap_kernel_store;
	vm_offset_t start = va, end = va + size;
	uint64_t n = 0;
	unsigned level;
	pte_t *e;

	for (; va < end; va += PAGE_SIZE) {
		e = sv_find(k->root, k->levels, va, &level);
		if (level != 0 || pte_load(e) == 0)
			continue;
		pte_store(e, 0);
		n++;
	}
	if (n == 0)
		return;
	__atomic_fetch_sub(&k->resident, n, __ATOMIC_RELAXED);
	tlb_shootdown(k, start, end);
}

kern_return_t
pmap_growkernel(vm_offset_t end)
{
	struct pmap *k = &pmap_kernel_store;
	unsigned level, made;

	KASSERT(end <= KERNEL_MAP_MAX, ("kernel_map cannot grow to 0x%lx", (unsigned long)end));
	if (end <= __atomic_load_n(&kernel_end, __ATOMIC_ACQUIRE))
		return KERN_SUCCESS;
	spin_lock(&k->lock);
	while (kernel_end < end) {
		if (sv_make(k->root, k->levels, kernel_end, 0, &level, &made) == NULL) {
			spin_unlock(&k->lock);
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE,
			    "no memory for the kernel's page table at 0x%lx", kernel_end);
		}
		k->tables += made;
		__atomic_store_n(&kernel_end, kernel_end + MEGAPAGE_SIZE, __ATOMIC_RELEASE);
	}
	spin_unlock(&k->lock);
	return KERN_SUCCESS;
}
