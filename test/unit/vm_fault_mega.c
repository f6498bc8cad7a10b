/*
 * vm_fault, in memory whose user asks for megapages: the first touch fills a
 * window, the first write copies one; and copies that become megapages by themselves.
 */
#include "vm_fixture.h"
#include <mm/vm_reserv.h>

#define A (64 * M)

/* Megapage leaves of the map. */
static uint64_t
megapages(vm_map_t map)
{
	struct pmap_stats s;

	pmap_stats(map->pmap, &s);
	return s.megapages;
}

static uint64_t
resident(vm_map_t map, vm_offset_t va)
{
	vm_map_entry_t e;

	return vm_map_lookup_entry(map, va, &e) && e->object.vm_object != NULL ? e->object.vm_object->resident_page_count : 0;
}

/* Free megapages for the test, or it has nothing to say. */
static bool
enough(unsigned n)
{
	struct vm_page_counts c;

	vm_page_drain();
	vm_page_counts(&c);
	return c.free_blocks[VM_PAGE_ORDER_MEGA] >= n;
}

static bool
ask(vm_map_t map, vm_offset_t addr, vm_size_t size, vm_behavior_t behavior)
{
	return vm_behavior_set(map, vm_address_u(addr), vm_size_u(size), behavior) == KERN_SUCCESS;
}

TEST(vm_fault_mega, asked_for_the_first_touch_fills_a_window)
{
	vm_map_t map = fixture_map();

	if (!enough(6)) {
		vm_map_deallocate(map);
		test_skip("no free megapages");
		return;
	}
	ASSERT_TRUE(fixture_allocate(map, A, 4 * M));
	ASSERT_TRUE(ask(map, A, 2 * M, VM_BEHAVIOR_MEGAPAGES));
	ASSERT_STORE(map, A + M + 77 * P, 5);
	ASSERT_EQ(resident(map, A), VM_CHUNK_PAGES);
	ASSERT_EQ(megapages(map), 1);
	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++)
		ASSERT_LOAD(map, A + M + i * P, i == 77 ? 5 : 0);
	/* A read as well; beyond the range that asked, a page is a page. */
	ASSERT_LOAD(map, A + 3 * P, 0);
	ASSERT_EQ(megapages(map), 2);
	ASSERT_STORE(map, A + 2 * M, 1);
	ASSERT_EQ(resident(map, A + 2 * M), 1);
	/* Taken back before the next window is touched. */
	ASSERT_TRUE(ask(map, A + 3 * M, M, VM_BEHAVIOR_MEGAPAGES));
	ASSERT_TRUE(ask(map, A + 3 * M, M, VM_BEHAVIOR_SMALL_PAGES));
	ASSERT_STORE(map, A + 3 * M, 1);
	ASSERT_EQ(resident(map, A + 3 * M), 2);         /* of one object, cut in two */
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_fault_mega, a_window_that_is_not_wholly_asked_for_comes_page_by_page)
{
	vm_map_t map = fixture_map();

	if (!enough(4)) {
		vm_map_deallocate(map);
		test_skip("no free megapages");
		return;
	}
	ASSERT_TRUE(fixture_allocate(map, A, 2 * M));
	ASSERT_TRUE(ask(map, A + P, 2 * M - P, VM_BEHAVIOR_MEGAPAGES));
	ASSERT_STORE(map, A + 2 * P, 1);
	ASSERT_EQ(resident(map, A + P), 1);
	ASSERT_STORE(map, A + M, 1);
	ASSERT_EQ(resident(map, A + P), 1 + VM_CHUNK_PAGES);
	ASSERT_EQ(megapages(map), 1);
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(A), vm_size_u(P), VM_BEHAVIOR_SMALL_PAGES + 1), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(A), vm_size_u(P), VM_BEHAVIOR_LAST_VALID + 1), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* 2 MiB at A, full, page i beginning with i; asked: with the advice. */
static vm_map_t
full_window(bool asked)
{
	vm_map_t map = fixture_map();

	if (!fixture_allocate(map, A, M) || (asked && !ask(map, A, M, VM_BEHAVIOR_MEGAPAGES)))
		return NULL;
	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++)
		if (fixture_store(map, A + i * P, (uint8_t)i) != KERN_SUCCESS)
			return NULL;
	return map;
}

static bool
shows(vm_map_t map, unsigned changed, uint8_t value)
{
	uint8_t v = 0;

	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++)
		if (fixture_load(map, A + i * P, &v) != KERN_SUCCESS || v != (i == changed ? value : (uint8_t)i))
			return false;
	return true;
}

TEST(vm_fault_mega, asked_for_the_first_write_copies_a_window)
{
	vm_map_t map, child;

	if (!enough(6)) {
		test_skip("no free megapages");
		return;
	}
	map = full_window(true);
	ASSERT_TRUE(map != NULL);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(shows(child, 512, 0));
	ASSERT_STORE(child, A + 9 * P, 200);
	ASSERT_EQ(resident(child, A), VM_CHUNK_PAGES);
	ASSERT_EQ(megapages(child), 1);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	ASSERT_STORE(map, A + 8 * P, 201);
	ASSERT_EQ(megapages(map), 1);
	ASSERT_TRUE(shows(child, 9, 200));
	ASSERT_TRUE(shows(map, 8, 201));
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(map);
	ASSERT_TRUE(shows(child, 9, 200));
	vm_map_deallocate(child);
}

/* Two maps share the copy: the one that did not write must see the new pages, all of them. */
TEST(vm_fault_mega, a_shared_copy_of_a_window_is_new_for_all)
{
	vm_map_t map, child, peer;

	if (!enough(6)) {
		test_skip("no free megapages");
		return;
	}
	map = full_window(true);
	ASSERT_TRUE(map != NULL);
	child = vm_map_fork(map);
	ASSERT_EQ(vm_inherit(child, vm_address_u(A), vm_size_u(M), VM_INHERIT_SHARE), KERN_SUCCESS);
	peer = vm_map_fork(child);
	ASSERT_TRUE(peer != NULL);
	ASSERT_TRUE(shows(peer, 512, 0));
	ASSERT_STORE(child, A + 9 * P, 200);
	ASSERT_STORE(child, A + 10 * P, 210);
	ASSERT_LOAD(peer, A + 9 * P, 200);
	ASSERT_LOAD(peer, A + 10 * P, 210);
	ASSERT_STORE(peer, A + 9 * P, 9);
	ASSERT_LOAD(child, A + 9 * P, 9);
	ASSERT_TRUE(shows(map, 512, 0));
	ASSERT_TRUE(fixture_sound(map, child, peer, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(peer);
	vm_map_deallocate(map);
}

/* map's pages lie in two objects: a window is never copied past the newer ones. */
TEST(vm_fault_mega, newer_pages_in_between_are_not_passed_over)
{
	vm_map_t map, child, grandchild;

	if (!enough(8)) {
		test_skip("no free megapages");
		return;
	}
	map = full_window(false);
	ASSERT_TRUE(map != NULL);
	child = vm_map_fork(map);
	ASSERT_STORE(child, A + 5 * P, 99);
	grandchild = vm_map_fork(child);
	ASSERT_TRUE(ask(grandchild, A, M, VM_BEHAVIOR_MEGAPAGES));
	ASSERT_STORE(grandchild, A + 6 * P, 6);
	ASSERT_TRUE(shows(grandchild, 5, 99));
	ASSERT_TRUE(shows(map, 512, 0));
	ASSERT_TRUE(fixture_sound(map, child, grandchild, NULL));
	vm_map_deallocate(child);
	ASSERT_TRUE(shows(grandchild, 5, 99));
	vm_map_deallocate(grandchild);
	vm_map_deallocate(map);
}

/* Without being asked: a copy of what is full gets a reservation, and is a megapage when its last page is written. */
TEST(vm_fault_mega, copies_of_megapages_become_megapages)
{
	struct vm_reserv_counts before, after;
	vm_map_t map, child;

	if (!enough(6)) {
		test_skip("no free megapages");
		return;
	}
	map = full_window(false);
	ASSERT_TRUE(map != NULL);
	child = vm_map_fork(map);
	vm_reserv_counts(&before);
	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++) {
		ASSERT_STORE(child, A + i * P, (uint8_t)i);
		ASSERT_EQ(megapages(child), i == VM_CHUNK_PAGES - 1);
	}
	vm_reserv_counts(&after);
	ASSERT_EQ(after.made, before.made + 1);
	ASSERT_TRUE(shows(child, 512, 0));
	ASSERT_TRUE(shows(map, 512, 0));
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(child);
}
