/*
 * paging.c: the boot page tables, the paging mode, and device windows.
 *
 *	Sv57 root ─[511]─> Sv48 root ─[511]─> Sv39 root (256..511 used)
 *	                                        ├─ direct map     1G/2M/4K leaves
 *	                                        ├─ kernel_map     (pmap_growkernel)
 *	                                        ├─ device windows 2M/4K leaves
 *	                                        └─ [510] image    2M leaves
 *
 * The kernel's half lies in the top 256 GiB, which is exactly the upper half of
 * an Sv39 root; so that table serves all modes, at level 2, and a wider mode
 * adds a root with one entry above it. Boot enters paging with Sv39 and the
 * image alone; the tree is read, the direct map is filled in, and the mode is
 * changed by a single write of satp, under which the kernel's addresses mean
 * the same as before.
 *
 * W^X: no leaf here has W and X, and no page that is executable through the
 * image mapping is writable through the direct map. So the padding behind the
 * text, which shares its megapage leaf, stays unused; that behind the read-only
 * data is ordinary memory (paging_direct_map maps it RW in pieces of 4 KiB).
 *
 * All tables come from a small pool in BSS, reached through the image mapping;
 * the arithmetic (image_to_phys, table_at) holds before and after paging is on.
 * One hart only; afterwards the tables belong to pmap_kernel().
 */
#include <arch/paging.h>
#include <arch/csr.h>
#include <arch/early.h>
#include <arch/pmap_boot.h>
#include <arch/sbi.h>
#include <arch/sv.h>

#define BOOT_TABLES     28
#define TOP_LEVEL       2               /* of the Sv39 root */
#define RX              (PTE_R | PTE_X | PTE_A | PTE_G)
#define RO              (PTE_R | PTE_A | PTE_G)
#define RW              (PTE_R | PTE_W | PTE_A | PTE_D | PTE_G)

paddr_t  kernel_root;
paddr_t  kernel_pa;
unsigned paging_levels;
unsigned asid_bits;
uint64_t kernel_satp;

static pte_t boot_table[BOOT_TABLES][SV_ENTRIES]
    __attribute__((section(".bss.page_aligned"), aligned(PAGE_SIZE)));
static unsigned boot_tables_used;

/* The first three are the roots. */
#define root39  boot_table[0]
#define root48  boot_table[1]
#define root57  boot_table[2]

/* pmap_bootstrap may have added tables of its own, outside the pool. */
static pte_t *
table_at(paddr_t pa)
{
	if (pa - image_to_phys(boot_table) >= sizeof(boot_table))
		return phys_to_virt(pa);
	return (pte_t *)(void *)(_start + (pa - kernel_pa));
}

static pte_t
table_entry(const pte_t *table)
{
	return pte_make(image_to_phys(table), 0);
}

/*
 * The table below *e, made when there is none; a leaf in *e becomes 512 smaller
 * leaves that mean the same. NULL: the pool is empty.
 */
static pte_t *
table_below(pte_t *e, unsigned level)
{
	pte_t old = *e, *t;

	if (pte_valid(old) && !pte_leaf(old))
		return table_at(pte_pa(old));
	if (boot_tables_used == BOOT_TABLES)
		return NULL;
	t = boot_table[boot_tables_used++];
	for (unsigned i = 0; pte_valid(old) && i < SV_ENTRIES; i++)
		t[i] = old + (i * sv_size(level - 1) >> PAGE_SHIFT << PTE_PPN_SHIFT);
	*e = table_entry(t);
	return t;
}

/* Maps [va, va + size) to pa.. with the largest leaves that fit; bits 0: to nothing. FALSE: no table left. */
static bool
paging_map(uint64_t va, paddr_t pa, uint64_t size, pte_t bits)
{
	while (size > 0) {
		unsigned level = TOP_LEVEL;
		pte_t *e = &root39[sv_index(va, level)], *t;

		while (level > 0 && (((va | pa) & (sv_size(level) - 1)) != 0 ||
		    size < sv_size(level) || (pte_valid(*e) && !pte_leaf(*e)))) {
			t = table_below(e, level);
			if (t == NULL)
				return false;
			level--;
			e = &t[sv_index(va, level)];
		}
		*e = bits != 0 ? pte_make(pa, bits) : 0;
		va += sv_size(level);
		pa += sv_size(level);
		size -= size < sv_size(level) ? size : sv_size(level);
	}
	return true;
}

uint64_t
paging_boot(paddr_t dtb)
{
	kernel_pa = (paddr_t)_start;
	early_puts("\nAtlas, loaded at ");
	early_puthex(kernel_pa);
	early_puts(", device tree at ");
	early_puthex(dtb);
	early_puts("\n");

	boot_tables_used = 3;
	root57[SV_ENTRIES - 1] = table_entry(root48);
	root48[SV_ENTRIES - 1] = table_entry(root39);
	paging_map(KERNEL_BASE, kernel_pa, (uint64_t)(_rodata_start - _start), RX);
	paging_map(KERNEL_BASE + (uint64_t)(_rodata_start - _start), image_to_phys(_rodata_start),
	    (uint64_t)(_data_start - _rodata_start), RO);
	paging_map(KERNEL_BASE + (uint64_t)(_data_start - _start), image_to_phys(_data_start),
	    ((uint64_t)(_image_end - _data_start) + MEGAPAGE_MASK) & ~MEGAPAGE_MASK, RW);
	paging_levels = 3;
	kernel_root = image_to_phys(root39);
	kernel_satp = SATP_MODE_SV39 << SATP_MODE_SHIFT | kernel_root >> PAGE_SHIFT;
	return kernel_satp;
}

void
paging_refused(void)
{
	early_stop("this hart has no Sv39 paging");
}

static bool
direct_map_piece(paddr_t start, paddr_t end, paddr_t from, paddr_t to, pte_t bits)
{
	if (start < from)
		start = from;
	if (end > to)
		end = to;
	return start >= end ||
	    paging_map((uint64_t)phys_to_virt(start), start, end - start, bits);
}

bool
paging_direct_map(paddr_t start, paddr_t end)
{
	paddr_t ro = kernel_pa, rw = round_page(image_to_phys(_rodata_end));
	bool ok;

	start = round_page(start);
	end = trunc_page(end);
	if (start >= end || end > DIRECT_SIZE)
		return false;
	/* Text with its padding and read-only data are R, everything else RW. */
	ok = direct_map_piece(start, end, 0, ro, RW) &&
	    direct_map_piece(start, end, ro, rw, RO) &&
	    direct_map_piece(start, end, rw, DIRECT_SIZE, RW);
	sfence_vma_all();
	return ok;
}

/* TRUE: satp took the mode, and the hart runs in it now. */
static bool
paging_try(uint64_t mode, const pte_t *root)
{
	uint64_t satp = mode << SATP_MODE_SHIFT | image_to_phys(root) >> PAGE_SHIFT;

	csr_write(satp, satp);
	sfence_vma_all();
	if (csr_read(satp) != satp)
		return false;
	kernel_root = image_to_phys(root);
	kernel_satp = satp;
	return true;
}

void
paging_choose_mode(unsigned max_levels)
{
	uint64_t ones = SATP_ASID_MASK << SATP_ASID_SHIFT;

	if (max_levels >= 5 && paging_try(SATP_MODE_SV57, root57))
		paging_levels = 5;
	else if (max_levels >= 4 && paging_try(SATP_MODE_SV48, root48))
		paging_levels = 4;
	csr_write(satp, kernel_satp | ones);
	asid_bits = (unsigned)__builtin_popcountl(csr_read(satp) & ones);
	csr_write(satp, kernel_satp);
	sfence_vma_all();
}

const char *
paging_mode_name(void)
{
	return paging_levels == 5 ? "Sv57" : paging_levels == 4 ? "Sv48" : "Sv39";
}

/*
 * Device windows. Given out from the bottom and never given back; an address of
 * the window has the same offset in its megapage as the registers, so that
 * large devices get megapage leaves. Windows are remembered: drivers of one
 * device share them. With Svpbmt they are I/O memory by their leaves; without it
 * the machine's physical memory attributes must say so.
 */
#define DEVMAP_WINDOWS  32

static struct { paddr_t pa, end; uint64_t va; } devmap_window[DEVMAP_WINDOWS];
static unsigned devmap_count;
static uint64_t devmap_next = DEVMAP_BASE;

/* Where the first window will be: so its table serves both. */
volatile void *
paging_window(paddr_t pa, uint64_t pbmt)
{
	pte_t bits = pa == ~0ul ? 0 : RW | pbmt;
	bool ok = paging_map(DEVMAP_BASE, bits == 0 ? 0 : trunc_page(pa), PAGE_SIZE, bits);

	sfence_vma_all();
	return ok && bits != 0 ? (volatile void *)(DEVMAP_BASE + (pa & PAGE_MASK)) : NULL;
}

volatile void *
devmap(uint64_t pa, size_t size)
{
	paddr_t start = trunc_page(pa), end;
	uint64_t va, align;

	if (size == 0 || pa + size < pa || pa + size > 1ul << 56)
		return NULL;
	end = round_page(pa + size);
	for (unsigned i = 0; i < devmap_count; i++)
		if (start >= devmap_window[i].pa && end <= devmap_window[i].end)
			return (volatile void *)(devmap_window[i].va + (pa - devmap_window[i].pa));
	align = end - start >= MEGAPAGE_SIZE ? MEGAPAGE_SIZE : PAGE_SIZE;
	va = devmap_next + ((start - devmap_next) & (align - 1));
	if (devmap_count == DEVMAP_WINDOWS || end - start > DEVMAP_BASE + DEVMAP_SIZE - va ||
	    !paging_map(va, start, end - start, RW | pmap_uncached_bits))
		return NULL;
	sfence_vma_all();
	devmap_window[devmap_count].pa = start;
	devmap_window[devmap_count].end = end;
	devmap_window[devmap_count++].va = va;
	devmap_next = va + (end - start);
	return (volatile void *)(va + (pa - start));
}
