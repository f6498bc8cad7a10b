/*
 * vm_fault, vm_object: zero-fill, copy-on-write, shadows, collapse, sharing,
 * reservations and megapages, copies between maps.
 */
#include "vm_fixture.h"

#define A (64 * M)

TEST(vm_fault, unmapped_and_forbidden_accesses_are_told_apart)
{
	vm_map_t map = fixture_map();
	uint8_t v;

	ASSERT_EQ(fixture_load(map, A, &v), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_EQ(vm_fault(map, A, VM_PROT_EXECUTE), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, A, 0);
	ASSERT_EQ(fixture_load(map, A + P, &v), KERN_INVALID_ADDRESS);
	ASSERT_EQ(fixture_load(map, A - 1, &v), KERN_INVALID_ADDRESS);
	vm_map_deallocate(map);
}

TEST(vm_fault, fork_copies_and_both_sides_go_their_own_way)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 2);
	child = vm_map_fork(map);
	ASSERT_LOAD(child, A, 1);
	ASSERT_STORE(map, A, 3);
	ASSERT_LOAD(child, A, 1);
	ASSERT_STORE(child, A + P, 4);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_STORE(child, A + 2 * P, 5);
	ASSERT_LOAD(map, A + 2 * P, 0);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(map);
	ASSERT_LOAD(child, A, 1);
	ASSERT_LOAD(child, A + P, 4);
	ASSERT_TRUE(fixture_sound(child, NULL));
	vm_map_deallocate(child);
}

TEST(vm_fault, inherited_shares_see_each_others_stores)
{
	vm_map_t map = fixture_map(), child, grandchild;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(2 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A + 2 * P), vm_size_u(P), VM_INHERIT_NONE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_LOAD(child, A, 1);
	ASSERT_STORE(child, A, 2);
	ASSERT_LOAD(map, A, 2);
	ASSERT_STORE(map, A + P, 3);
	ASSERT_LOAD(child, A + P, 3);
	ASSERT_EQ(fixture_load(child, A + 2 * P, &(uint8_t){ 0 }), KERN_INVALID_ADDRESS);
	grandchild = vm_map_fork(child);
	ASSERT_STORE(grandchild, A + P, 9);
	ASSERT_LOAD(map, A + P, 9);
	ASSERT_STORE(grandchild, A + 3 * P, 1);
	ASSERT_LOAD(map, A + 3 * P, 0);
	ASSERT_TRUE(fixture_sound(map, child, grandchild, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
	ASSERT_LOAD(grandchild, A, 2);
	vm_map_deallocate(grandchild);
}

TEST(vm_fault, sharing_after_a_copy_takes_write_from_old_leaves)
{
	vm_map_t map = fixture_map(), copy, share;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_STORE(map, A, 1);
	copy = vm_map_fork(map);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(2 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	share = vm_map_fork(map);
	ASSERT_STORE(map, A, 2);
	ASSERT_LOAD(share, A, 2);
	ASSERT_LOAD(copy, A, 1);
	ASSERT_TRUE(fixture_sound(map, copy, share, NULL));
	vm_map_deallocate(copy);
	vm_map_deallocate(share);
	vm_map_deallocate(map);
}

TEST(vm_fault, a_shared_copy_on_write_page_changes_for_all_sharers)
{
	vm_map_t map = fixture_map(), copy, a;

	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_STORE(map, A, 1);
	copy = vm_map_fork(map);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(P), VM_INHERIT_SHARE), KERN_SUCCESS);
	a = vm_map_fork(map);
	/* Both sharers read the page below the shared shadow; then one writes. */
	ASSERT_LOAD(map, A, 1);
	ASSERT_LOAD(a, A, 1);
	ASSERT_STORE(a, A, 2);
	ASSERT_LOAD(map, A, 2);
	ASSERT_LOAD(copy, A, 1);
	ASSERT_TRUE(fixture_sound(map, copy, a, NULL));
	vm_map_deallocate(a);
	vm_map_deallocate(copy);
	vm_map_deallocate(map);
}

TEST(vm_fault, chains_stay_short_over_a_thousand_generations)
{
	vm_map_t map = fixture_map(), next;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A + P, 77);
	for (unsigned i = 0; i < 1000; i++) {
		next = vm_map_fork(map);
		ASSERT_TRUE(next != NULL);
		ASSERT_STORE(next, A, (uint8_t)i);
		ASSERT_STORE(map, A + 2 * P, (uint8_t)i);
		if (i % 2 == 0) {
			vm_map_deallocate(map);
			map = next;
		} else
			vm_map_deallocate(next);
		ASSERT_LE(fixture_chain(map, A), 4);
	}
	ASSERT_LOAD(map, A + P, 77);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_fault, sole_owner_writes_without_copying)
{
	vm_map_t map = fixture_map(), child;
	paddr_t before, after;

	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_STORE(map, A, 1);
	ASSERT_TRUE(pmap_extract(map->pmap, A, &before));
	child = vm_map_fork(map);
	vm_map_deallocate(child);
	ASSERT_STORE(map, A, 2);
	ASSERT_TRUE(pmap_extract(map->pmap, A, &after));
	ASSERT_EQ(before, after);
	ASSERT_EQ(fixture_chain(map, A), 1);
	vm_map_deallocate(map);
}

TEST(vm_fault, a_filled_chunk_becomes_one_leaf_and_splits_again)
{
	vm_map_t map = fixture_map();
	struct pmap_walk w;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * M));
	for (uint64_t i = 0; i < 2 * MEGAPAGE_PAGES; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)i);
	pmap_walk(map->pmap, A, &w);
	if (!w.leaf || w.size != M) {
		vm_map_deallocate(map);
		test_skip("no megapage of physical memory was free");
		return;
	}
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_protect(map, vm_address_u(A + 5 * P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(map, A + 5 * P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_STORE(map, A + 6 * P, 99);
	ASSERT_LOAD(map, A + 5 * P, 5);
	ASSERT_LOAD(map, A + 511 * P, 255);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A + M + 7 * P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_LOAD(map, A + M + 8 * P, 8);
	ASSERT_EQ(fixture_load(map, A + M + 7 * P, &(uint8_t){ 0 }), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_fault, copy_on_write_of_a_megapage_copies_one_page)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, M));
	for (uint64_t i = 0; i < MEGAPAGE_PAGES; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)i);
	child = vm_map_fork(map);
	ASSERT_LOAD(child, A + 3 * P, 3);
	ASSERT_STORE(child, A + 3 * P, 100);
	ASSERT_LOAD(map, A + 3 * P, 3);
	ASSERT_STORE(map, A + 4 * P, 101);
	ASSERT_LOAD(child, A + 4 * P, 4);
	for (uint64_t i = 5; i < MEGAPAGE_PAGES; i += 37) {
		ASSERT_LOAD(map, A + i * P, (uint8_t)i);
		ASSERT_LOAD(child, A + i * P, (uint8_t)i);
	}
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(map);
	for (uint64_t i = 5; i < MEGAPAGE_PAGES; i += 37)
		ASSERT_STORE(child, A + i * P, 1);
	ASSERT_EQ(fixture_chain(child, A), 1);
	ASSERT_LOAD(child, A + 511 * P, 255);
	ASSERT_TRUE(fixture_sound(child, NULL));
	vm_map_deallocate(child);
}

TEST(vm_fault, pages_nobody_can_reach_are_freed_with_part_of_an_object)
{
	vm_map_t map = fixture_map();
	vm_map_entry_t e;

	ASSERT_TRUE(fixture_allocate(map, A, 8 * P));
	for (uint64_t i = 0; i < 8; i++)
		ASSERT_STORE(map, A + i * P, 1);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A + 2 * P), vm_size_u(4 * P)), KERN_SUCCESS);
	ASSERT_TRUE(vm_map_lookup_entry(map, A, &e));
	ASSERT_EQ(e->object.vm_object->resident_page_count, 4);
	vm_map_deallocate(map);
}

TEST(vm_copy, read_gives_the_contents_of_the_moment)
{
	vm_map_t map = fixture_map(), into = fixture_map();
	vm_address_ut data;
	vm_size_ut n;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	for (uint64_t i = 0; i < 4; i++)
		ASSERT_STORE(map, A + i * P + 10, (uint8_t)(i + 1));
	ASSERT_EQ(vm_read(map, vm_address_u(A + 10), vm_size_u(3 * P), into, &data, &n), KERN_SUCCESS);
	ASSERT_EQ(n.v, 3 * P);
	ASSERT_EQ(data.v & PAGE_MASK, 10);
	ASSERT_STORE(map, A + P + 10, 50);
	ASSERT_LOAD(into, data.v, 1);
	ASSERT_LOAD(into, data.v + P, 2);
	ASSERT_STORE(into, data.v + 2 * P, 60);
	ASSERT_LOAD(map, A + 2 * P + 10, 3);
	ASSERT_EQ(vm_read(map, vm_address_u(A + 2 * P), vm_size_u(3 * P), into, &data, &n), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(fixture_sound(map, into, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(into);
}

TEST(vm_copy, copy_within_a_task_aligned_unaligned_and_overlapping)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 8 * P));
	for (uint64_t i = 0; i < 8; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 1));
	ASSERT_EQ(vm_copy(map, vm_address_u(A), vm_size_u(4 * P), vm_address_u(A + 2 * P)), KERN_SUCCESS);
	for (uint64_t i = 0; i < 4; i++)
		ASSERT_LOAD(map, A + (2 + i) * P, i + 1);
	ASSERT_STORE(map, A + 2 * P, 42);
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(vm_copy(map, vm_address_u(A + P), vm_size_u(2 * P), vm_address_u(A + 5 * P + 7)), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 5 * P + 7, 2);
	ASSERT_LOAD(map, A + 6 * P + 7, 42);
	ASSERT_LOAD(map, A + 7 * P, 0);
	ASSERT_EQ(vm_copy(map, vm_address_u(A), vm_size_u(2 * P), vm_address_u(A + 7 * P)), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + 4 * P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_copy(map, vm_address_u(A), vm_size_u(2 * P), vm_address_u(A + 3 * P)), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, A + 3 * P, 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_copy, write_into_shared_memory_is_seen_by_all_sharers)
{
	vm_map_t map = fixture_map(), child, from = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_TRUE(fixture_allocate(from, A, 2 * P));
	ASSERT_STORE(from, A, 7);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(2 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_LOAD(child, A, 0);
	ASSERT_EQ(vm_write(map, vm_address_u(A), from, vm_address_u(A), vm_size_u(2 * P)), KERN_SUCCESS);
	ASSERT_LOAD(child, A, 7);
	ASSERT_LOAD(map, A, 7);
	ASSERT_TRUE(fixture_sound(map, child, from, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(child);
	vm_map_deallocate(from);
}

TEST(vm_copy, kernel_writes_break_copy_on_write)
{
	vm_map_t map = fixture_map(), child;
	uint32_t word = 0x01020304;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_STORE(map, A, 9);
	child = vm_map_fork(map);
	ASSERT_LOAD(map, A, 9);
	ASSERT_EQ(vm_map_write_user(map, &word, A + P - 2, 4), KERN_SUCCESS);
	ASSERT_LOAD(map, A + P - 1, 3);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_LOAD(child, A + P, 0);
	ASSERT_LOAD(child, A, 9);
	word = 0;
	ASSERT_EQ(vm_map_read_user(map, A + P - 2, &word, 4), KERN_SUCCESS);
	ASSERT_EQ(word, 0x01020304);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(child);
}

/*
 * One page of each 2 MiB is touched until no memory is left but in
 * reservations; then single pages are asked for in ways that cannot wait.
 */
TEST(vm_fault, reservations_give_way_to_copies_and_forks)
{
	vm_map_t map = fixture_map(), child, grandchild;
	struct vm_page_counts n;
	uint64_t windows = 0;

	ASSERT_TRUE(fixture_allocate(map, A, 256 * P));
	for (uint64_t i = 0; i < 256; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)i);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(256 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(vm_inherit(child, vm_address_u(A), vm_size_u(256 * P), VM_INHERIT_COPY), KERN_SUCCESS);
	vm_page_counts(&n);
	if (n.free > 400000) {
		vm_map_deallocate(child);
		vm_map_deallocate(map);
		test_skip("too much memory to fill");
		return;
	}
	windows = n.free / MEGAPAGE_PAGES;
	ASSERT_TRUE(fixture_allocate(map, 512 * M, windows * M));
	for (uint64_t i = 0; i < windows; i++)
		ASSERT_STORE(map, 512 * M + i * M, 1);
	/* What is left in loose pages goes to objects that are too small for a reservation. */
	for (uint64_t i = 0; i < 4 * MEGAPAGE_PAGES; i++) {
		vm_page_drain();
		vm_page_counts(&n);
		if (n.free <= 100 + n.reserved)
			break;
		if (i % 64 == 0)
			ASSERT_TRUE(fixture_allocate(map, 4096 * M + i * 2 * P, 64 * P));
		ASSERT_STORE(map, 4096 * M + (i - i % 64) * 2 * P + i % 64 * P, 1);
	}
	grandchild = vm_map_fork(child);
	ASSERT_TRUE(grandchild != NULL);
	for (uint64_t i = 0; i < 256; i++)
		ASSERT_LOAD(grandchild, A + i * P, (uint8_t)i);
	ASSERT_LOAD(map, 512 * M, 1);
	ASSERT_TRUE(fixture_sound(map, child, grandchild, NULL));
	vm_map_deallocate(grandchild);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* Pages of the object behind va that are resident. */
static uint64_t
resident(vm_map_t map, vm_offset_t va)
{
	vm_map_entry_t e;

	return vm_map_lookup_entry(map, va, &e) && e->object.vm_object != NULL ? e->object.vm_object->resident_page_count : 0;
}

TEST(vm_fault, memory_filled_in_order_is_cleared_ahead)
{
	vm_offset_t at = 64 * M;
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, at, 2 * M));
	for (unsigned i = 0; i < 32; i++) {
		ASSERT_STORE(map, at + i * P, 1);
		ASSERT_EQ(resident(map, at), i + 1);
	}
	ASSERT_STORE(map, at + 32 * P, 1);
	ASSERT_EQ(resident(map, at), 48);
	ASSERT_EQ(fixture_leaf(map, at + 47 * P), VM_PROT_DEFAULT);
	ASSERT_LOAD(map, at + 47 * P, 0);
	ASSERT_STORE(map, at + 48 * P, 1);
	ASSERT_EQ(resident(map, at), 64);
	ASSERT_STORE(map, at + 64 * P, 1);
	ASSERT_EQ(resident(map, at), 128);
	for (unsigned i = 65; i < 511; i++)
		ASSERT_STORE(map, at + i * P, 1);
	ASSERT_EQ(resident(map, at), 511);      /* never the page that would complete a megapage */
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_STORE(map, at + 511 * P, 1);
	ASSERT_STORE(map, at + M + 112 * P, 1);
	ASSERT_EQ(resident(map, at), 513);      /* nothing in order there */
	vm_map_deallocate(map);
}

TEST(vm_fault, a_gap_before_a_page_stops_the_clearing_ahead)
{
	vm_offset_t at = 64 * M;

	for (unsigned gap = 0; gap < 32; gap++) {
		vm_map_t map = fixture_map();

		ASSERT_TRUE(fixture_allocate(map, at, M));
		for (unsigned i = 48; i < 80; i++)
			if (i != 48 + gap)
				ASSERT_STORE(map, at + i * P, 1);
		ASSERT_STORE(map, at + 80 * P, 1);
		ASSERT_EQ(resident(map, at), 32);
		vm_map_deallocate(map);
	}
}

TEST(vm_fault, nothing_is_cleared_ahead_beyond_the_entry_or_of_random_use)
{
	vm_offset_t at = 64 * M;
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, at, 2 * M));
	ASSERT_STORE(map, at, 1);       /* one object for both entries */
	ASSERT_EQ(vm_protect(map, vm_address_u(at + 34 * P), vm_size_u(M), false, VM_PROT_READ), KERN_SUCCESS);
	for (unsigned i = 0; i < 33; i++)
		ASSERT_STORE(map, at + i * P, 1);
	ASSERT_EQ(resident(map, at), 34);
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(at), vm_size_u(2 * M), VM_BEHAVIOR_RANDOM), KERN_SUCCESS);
	for (unsigned i = 34; i < 49; i++)
		ASSERT_LOAD(map, at + i * P, 0);
	ASSERT_EQ(resident(map, at), 49);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* A map with pages [0, 256) at `at`, forked: its own memory shows the child's pages until it is written. */
static bool
forked(vm_offset_t at, vm_map_t *map, vm_map_t *child)
{
	*map = fixture_map();
	if (!fixture_fill(*map, at, 256, 0))
		return false;
	*child = vm_map_fork(*map);
	return *child != NULL;
}

TEST(vm_fault, memory_written_over_in_order_is_copied_ahead)
{
	vm_offset_t at = 64 * M;
	vm_map_t map, child;

	ASSERT_TRUE(forked(at, &map, &child));
	for (unsigned i = 0; i < 32; i++) {
		ASSERT_STORE(map, at + i * P, (uint8_t)(i + 100));
		ASSERT_EQ(resident(map, at), i + 1);
	}
	ASSERT_LOAD(map, at + 33 * P, 33);      /* through the old page, which must not stay */
	ASSERT_STORE(map, at + 32 * P, 132);
	ASSERT_EQ(resident(map, at), 48);
	ASSERT_EQ(fixture_leaf(map, at + 33 * P), VM_PROT_DEFAULT);
	ASSERT_EQ(fixture_leaf(map, at + 47 * P), VM_PROT_DEFAULT);
	for (unsigned i = 33; i < 48; i++) {
		ASSERT_LOAD(map, at + i * P, (uint8_t)i);
		ASSERT_STORE(map, at + i * P, (uint8_t)(i + 100));
	}
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	for (unsigned i = 48; i < 256; i++)
		ASSERT_STORE(map, at + i * P, (uint8_t)(i + 100));
	ASSERT_EQ(resident(map, at), 256);      /* no more than there is to copy */
	ASSERT_TRUE(fixture_holds(map, at, 256, 100));
	ASSERT_TRUE(fixture_holds(child, at, 256, 0));
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	ASSERT_TRUE(fixture_holds(map, at, 256, 100));
	vm_map_deallocate(map);
}

TEST(vm_fault, copying_ahead_stops_at_what_is_newer_and_at_the_entry)
{
	vm_offset_t at = 64 * M;
	vm_map_t map, child;

	ASSERT_TRUE(forked(at, &map, &child));
	ASSERT_STORE(map, at + 40 * P, 1);      /* newer in front */
	for (unsigned i = 0; i < 33; i++)
		ASSERT_STORE(map, at + i * P, 2);
	ASSERT_EQ(resident(map, at), 41);
	ASSERT_LOAD(map, at + 40 * P, 1);
	ASSERT_LOAD(map, at + 39 * P, 39);
	/* The child's next pages are an entry of their own. */
	ASSERT_EQ(vm_protect(child, vm_address_u(at + 36 * P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	for (unsigned i = 0; i < 33; i++)
		ASSERT_STORE(child, at + i * P, 3);
	ASSERT_EQ(resident(child, at), 36);
	ASSERT_LOAD(child, at + 36 * P, 36);
	ASSERT_LOAD(map, at + 35 * P, 35);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(child);
}

TEST(vm_fault, nothing_is_copied_ahead_of_random_use_or_in_front_of_two)
{
	vm_offset_t at = 64 * M;
	vm_map_t map, child, grandchild;

	ASSERT_TRUE(forked(at, &map, &child));
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(at), vm_size_u(256 * P), VM_BEHAVIOR_RANDOM), KERN_SUCCESS);
	for (unsigned i = 0; i < 33; i++)
		ASSERT_STORE(map, at + i * P, 1);
	ASSERT_EQ(resident(map, at), 33);
	/* An object between the written one and the pages: it might have newer ones. */
	ASSERT_STORE(child, at + 200 * P, 9);
	grandchild = vm_map_fork(child);
	ASSERT_TRUE(grandchild != NULL);
	for (unsigned i = 0; i < 33; i++)
		ASSERT_STORE(grandchild, at + i * P, 2);
	ASSERT_EQ(resident(grandchild, at), 33);
	ASSERT_LOAD(grandchild, at + 200 * P, 9);
	ASSERT_TRUE(fixture_sound(map, child, grandchild, NULL));
	vm_map_deallocate(grandchild);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}
