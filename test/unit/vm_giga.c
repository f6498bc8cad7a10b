/*
 * Gigapages of user memory: the first touch fills a gigabyte; forks keep it whole
 * until somebody writes; superpages of that size.
 *
 * A gigabyte takes seconds to clear on an emulated machine: at boot these run
 * where there are several harts, and the paging mode has three levels or five.
 */
#include "vm_fixture.h"
#include <mm/vm_map_find.h>
#include <mm/vm_page_compact.h>
#include <machine/hart.h>

#define G       GIGAPAGE_SIZE
#define PAGES   (G / P)

/* Has the machine a GiB in one run, and is this the place to use it? If not, says why. */
static bool
wanted(void)
{
	struct vm_page *m;

	if (hart_count == 1 || vm_max_address == 1ul << 47) {
		test_skip("whole gigabytes are tested with several harts, in Sv39 and Sv57");
		return false;
	}
	m = vm_page_alloc_contig(VM_PAGE_ORDER_GIGA);
	if (m == NULL) {
		test_skip("no GiB of memory in one run");
		return false;
	}
	vm_page_free_contig(m, VM_PAGE_ORDER_GIGA);
	return true;
}

static vm_size_t
leaf(vm_map_t map, vm_offset_t va)
{
	struct pmap_walk w;

	pmap_walk(map->pmap, va, &w);
	return w.leaf ? w.size : 0;
}

static struct pmap_stats
stats(vm_map_t map)
{
	struct pmap_stats s;

	pmap_stats(map->pmap, &s);
	return s;
}

/* size bytes at a multiple of 1 GiB. */
static vm_offset_t
find(vm_map_t map, vm_size_t size)
{
	struct vm_map_find_args a = {
		.what = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL }, .length = size,
		.find_space = VMFS_ALIGNED_SPACE(30),
	};
	vm_offset_t at = 0;

	return vm_map_find(map, &at, &a) == KERN_SUCCESS ? at : 0;
}

TEST(vm_giga, the_first_touch_fills_it_a_change_of_a_part_splits_it)
{
	vm_map_t map = fixture_map();
	vm_offset_t at;

	if (!wanted()) {
		vm_map_deallocate(map);
		return;
	}
	at = find(map, G + 4 * M);
	ASSERT_TRUE(at != 0);
	ASSERT_STORE(map, at + 77 * M + 5, 7);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_EQ(stats(map).resident, PAGES);
	ASSERT_LOAD(map, at + G - 1, 0);
	/* What is left over is no gigabyte. */
	ASSERT_STORE(map, at + G + P, 8);
	ASSERT_EQ(leaf(map, at + G), M);
	/* Rights of a page: 512 megapages, one of them in pages; of all: whole again at the next fault. */
	ASSERT_EQ(vm_protect(map, vm_address_u(at + 3 * P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(leaf(map, at), P);
	ASSERT_EQ(leaf(map, at + 77 * M), M);
	ASSERT_EQ(stats(map).giga.split[PMAP_SPLIT_PROTECT], 1);
	ASSERT_EQ(fixture_store(map, at + 3 * P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, at + 77 * M + 5, 7);
	ASSERT_EQ(vm_protect(map, vm_address_u(at + 3 * P), vm_size_u(P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_STORE(map, at + 3 * P, 9);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_EQ(stats(map).giga.promotions, 1);
	/* A page is given back: that one is zero then, all else is as it was. */
	ASSERT_EQ(vm_deallocate(map, vm_address_u(at + 2 * M), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_EQ(leaf(map, at + 77 * M), M);
	ASSERT_EQ(fixture_store(map, at + 2 * M, 1), KERN_INVALID_ADDRESS);
	ASSERT_LOAD(map, at + 3 * P, 9);
	ASSERT_LOAD(map, at + 77 * M + 5, 7);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_giga, a_fork_keeps_it_whole_until_one_writes)
{
	vm_map_t map, child;
	vm_offset_t at;

	if (!wanted())
		return;
	map = fixture_map();
	at = find(map, G);
	ASSERT_STORE(map, at + 9 * M, 1);
	ASSERT_STORE(map, at + 9 * M + P, 2);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_EQ(fixture_leaf(map, at), VM_PROT_READ);
	ASSERT_LOAD(child, at + 9 * M, 1);
	ASSERT_EQ(leaf(child, at), G);
	ASSERT_STORE(child, at + 9 * M, 3);
	ASSERT_EQ(leaf(child, at), M);
	ASSERT_LOAD(map, at + 9 * M, 1);
	ASSERT_LOAD(child, at + 9 * M + P, 2);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_EQ(stats(map).giga.demotions, 0);
	ASSERT_TRUE(fixture_sound(child, NULL));
	/* Alone again, the parent writes in place. */
	vm_map_deallocate(child);
	ASSERT_STORE(map, at + 9 * M, 4);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_EQ(stats(map).giga.demotions, 0);
	ASSERT_EQ(fixture_chain(map, at), 1);
	ASSERT_LOAD(map, at + 9 * M + P, 2);
	vm_map_deallocate(map);
}

TEST(vm_giga, superpages_of_that_size_are_made_at_once_and_stay_wired)
{
	vm_address_ut a = vm_address_u(0);
	vm_map_t map, child;

	if (!wanted())
		return;
	map = fixture_map();
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(G), VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_1GB), KERN_SUCCESS);
	ASSERT_EQ(a.v % G, 0);
	ASSERT_EQ(leaf(map, a.v), G);
	ASSERT_EQ(stats(map).wired, PAGES);
	ASSERT_STORE(map, a.v + G - 1, 5);
	/* What concerns a part concerns all of it; its owner cannot unwire it; it is not inherited. */
	ASSERT_EQ(vm_protect(map, vm_address_u(a.v + 5 * M), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(leaf(map, a.v), G);
	ASSERT_EQ(fixture_store(map, a.v, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_unwire(map, a.v, a.v + G, true), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_clip(map, a.v + M), KERN_INVALID_ARGUMENT);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL && fixture_entry(child, a.v) == NULL);
	vm_map_deallocate(child);
	ASSERT_LOAD(map, a.v + G - 1, 5);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_deallocate(map, vm_address_u(a.v + P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 0);
	ASSERT_EQ(stats(map).resident, 0);
	ASSERT_EQ(stats(map).tables, 1);
	vm_map_deallocate(map);
}
