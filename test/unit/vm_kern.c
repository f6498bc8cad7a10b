/*
 * vm_kern: kernel memory between guards, and nothing left behind on failure.
 */
#include <base/test.h>
#include <mm/pmap.h>
#include <mm/vm_kern.h>
#include <mm/vm_map.h>
#include <mm/vm_page.h>
#include <mm/zone.h>

static uint64_t
settled_free(void)
{
	struct vm_page_counts c;

	zone_gc();
	vm_page_drain();
	vm_page_counts(&c);
	return c.free;
}

/* The page under a kernel address, through the direct map; NULL: a hole. */
static uint64_t *
contents(vm_offset_t va)
{
	paddr_t pa;

	return pmap_extract(pmap_kernel(), va, &pa) ? phys_to_virt(pa) : NULL;
}

TEST(vm_kern, memory_is_clear_and_between_holes)
{
	vm_offset_t a;
	uint64_t entries = kernel_map->hdr.nentries;

	ASSERT_EQ(kmem_alloc(&a, 3 * PAGE_SIZE - 5, 2), KERN_SUCCESS);
	ASSERT_TRUE(page_aligned(a));
	ASSERT_FALSE(kmem_mapped(a - PAGE_SIZE));
	ASSERT_FALSE(kmem_mapped(a - 2 * PAGE_SIZE));
	ASSERT_FALSE(kmem_mapped(a + 3 * PAGE_SIZE));
	ASSERT_FALSE(kmem_mapped(a + 4 * PAGE_SIZE));
	for (unsigned i = 0; i < 3; i++) {
		uint64_t *p = contents(a + i * PAGE_SIZE);

		ASSERT_TRUE(p != NULL);
		for (unsigned w = 0; w < PAGE_SIZE / 8; w++)
			ASSERT_EQ(p[w], 0);
		p[0] = ~0ul;
	}
	ASSERT_EQ(kernel_map->hdr.nentries, entries + 1);
	kmem_free(a, 3 * PAGE_SIZE - 5, 2);
	ASSERT_FALSE(kmem_mapped(a));
	ASSERT_EQ(kernel_map->hdr.nentries, entries);
}

/* Neighbours stay apart, so that each can be freed without cutting an entry. */
TEST(vm_kern, neighbours_do_not_merge)
{
	vm_offset_t a[8];
	uint64_t entries = kernel_map->hdr.nentries, before = settled_free();

	for (unsigned i = 0; i < nitems(a); i++) {
		ASSERT_EQ(kmem_alloc(&a[i], PAGE_SIZE, 0), KERN_SUCCESS);
		*contents(a[i]) = i;
	}
	ASSERT_EQ(kernel_map->hdr.nentries, entries + nitems(a));
	for (unsigned i = 0; i < nitems(a); i += 2)
		kmem_free(a[i], PAGE_SIZE, 0);
	for (unsigned i = 1; i < nitems(a); i += 2) {
		ASSERT_EQ(*contents(a[i]), i);
		kmem_free(a[i], PAGE_SIZE, 0);
	}
	ASSERT_EQ(settled_free(), before);
}

TEST(vm_kern, sizes_that_cannot_be)
{
	vm_offset_t a = 7;

	ASSERT_EQ(kmem_alloc(&a, 0, 0), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(kmem_alloc(&a, ~0ul, 0), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(kmem_alloc(&a, KERNEL_MAP_MAX - KERNEL_MAP_MIN, 1), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(kmem_alloc(&a, PAGE_SIZE, ~0u), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(a, 7);
}

TEST(vm_kern, every_failure_leaves_nothing_behind)
{
	vm_offset_t a;
	uint64_t before, entries = kernel_map->hdr.nentries;
	kern_return_t kr = KERN_FAILURE;
	unsigned n;

	/* Tables that kernel addresses once needed stay: make them first. */
	ASSERT_EQ(kmem_alloc(&a, 16 * PAGE_SIZE, 4), KERN_SUCCESS);
	kmem_free(a, 16 * PAGE_SIZE, 4);
	before = settled_free();
	for (n = 1; kr != KERN_SUCCESS; n++) {
		ASSERT_LE(n, 100);
		vm_alloc_fail_at(n, n % 2);
		kr = kmem_alloc(&a, 16 * PAGE_SIZE, 4);
		vm_alloc_fail_at(0, false);
		if (kr != KERN_SUCCESS) {
			ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
			ASSERT_EQ(settled_free(), before);
			ASSERT_EQ(kernel_map->hdr.nentries, entries);
		}
	}
	ASSERT_GE(n, 16);
	kmem_free(a, 16 * PAGE_SIZE, 4);
	ASSERT_EQ(settled_free(), before);
}
