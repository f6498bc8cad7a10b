/*
 * paging.c: the kernel's own mappings, as the hardware sees them.
 *
 * Walks every leaf below the kernel's root and holds it against the rules:
 * never writable and executable, no second writable way to the image's text
 * and read-only data, nothing for U-mode, A and D preset, global.
 */
#include <arch/paging.h>
#include <arch/pmap_boot.h>
#include <arch/sv.h>
#include <base/test.h>
#include <kernel/boot.h>

struct leaf {
	uint64_t va;
	paddr_t  pa;
	uint64_t size;
	pte_t    pte;
};

/* Calls fn for every leaf of the table; va: of its first entry. */
static void
leaves(const pte_t *table, unsigned level, uint64_t va, void (*fn)(const struct leaf *))
{
	for (unsigned i = 0; i < SV_ENTRIES; i++, va += sv_size(level)) {
		pte_t p = pte_load(&table[i]);

		/* Above the top table's middle addresses are negative. */
		if (i == SV_ENTRIES / 2 && level == paging_levels - 1)
			va |= ~(sv_size(level) * SV_ENTRIES - 1);
		if (!pte_valid(p))
			continue;
		if (pte_leaf(p)) {
			struct leaf l = { va, pte_pa(p), sv_size(level), p };

			fn(&l);
		} else if (level > 0) {
			leaves(pte_table(p), level - 1, va, fn);
		}
	}
}

static void
kernel_leaves(void (*fn)(const struct leaf *))
{
	leaves(phys_to_virt(kernel_root), paging_levels - 1, 0, fn);
}

static uint64_t seen, bad_va;

static void
check_rights(const struct leaf *l)
{
	pte_t p = l->pte;

	seen++;
	if (((p & PTE_W) && (p & PTE_X)) || (p & PTE_U) || !(p & PTE_R) || !(p & PTE_A) ||
	    !(p & PTE_G) || ((p & PTE_W) && !(p & PTE_D)) || l->va < DIRECT_BASE ||
	    (l->pa & (l->size - 1)) != 0)
		bad_va = l->va;
	/* Only the image is executable. */
	if ((p & PTE_X) && l->va < KERNEL_BASE)
		bad_va = l->va;
}

TEST(paging, kernel_leaves_keep_the_rules)
{
	seen = bad_va = 0;
	kernel_leaves(check_rights);
	ASSERT_EQ(bad_va, 0);
	ASSERT_GE(seen, 4);
}

/* Everything that the image executes, and its read-only data. */
static void
check_alias(const struct leaf *l)
{
	paddr_t start = kernel_pa, end = round_page(image_to_phys(_rodata_end));

	if (l->pa < end && l->pa + l->size > start) {
		seen++;
		if (l->pte & PTE_W)
			bad_va = l->va;
	}
}

TEST(paging, text_and_constants_have_no_writable_alias)
{
	seen = bad_va = 0;
	kernel_leaves(check_alias);
	ASSERT_EQ(bad_va, 0);
	ASSERT_GE(seen, 2);
}

static pte_t
rights_of(const void *p)
{
	unsigned level;

	return pte_load(sv_find(phys_to_virt(kernel_root), paging_levels, (uint64_t)p, &level)) &
	    PTE_RWX;
}

TEST(paging, image_parts_have_their_rights)
{
	static const char constant[] = "constant";
	static char variable;

	ASSERT_EQ(rights_of((const void *)(uintptr_t)rights_of), PTE_R | PTE_X);
	ASSERT_EQ(rights_of(constant), PTE_R);
	ASSERT_EQ(rights_of(&variable), PTE_R | PTE_W);
	ASSERT_EQ(rights_of(_start), PTE_R | PTE_X);
}

static void
check_window(const struct leaf *l)
{
	if (l->va < DEVMAP_BASE || l->va >= DEVMAP_BASE + DEVMAP_SIZE)
		return;
	seen++;
	if ((l->pte & PTE_PBMT) != pmap_uncached_bits)
		bad_va = l->va;
}

/* With Svpbmt, leaves of device windows say so themselves. */
TEST(paging, device_windows_are_device_memory)
{
	seen = bad_va = 0;
	kernel_leaves(check_window);
	ASSERT_EQ(bad_va, 0);
	ASSERT_GE(seen, 1);
	ASSERT_TRUE(pmap_uncached_bits == 0 || (boot_platform.isa_common & ISA_SVPBMT) != 0);
}

TEST(paging, the_mode_is_what_satp_says)
{
	ASSERT_TRUE(paging_levels >= 3 && paging_levels <= 5);
	ASSERT_EQ(vm_max_address, 1ul << (sv_va_bits(paging_levels) - 1));
	ASSERT_EQ(kernel_satp >> 60, 8 + paging_levels - 3);
}

TEST(paging, refuses_device_windows_that_make_no_sense)
{
	ASSERT_TRUE(devmap(0x10000000, 0) == NULL);
	ASSERT_TRUE(devmap(~0ul - PAGE_SIZE, 3 * PAGE_SIZE) == NULL);
	ASSERT_TRUE(devmap(0x10000000, 2 * DEVMAP_SIZE) == NULL);
}
