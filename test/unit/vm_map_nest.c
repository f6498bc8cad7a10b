/*
 * vm_map_nest: windows that share their submap's page tables: what they save,
 * and when they stop to.
 */
#include <kernel/pager.h>
#include <mm/vm_page.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A   (64 * M)
#define N   8                   /* megapages of the window */

static vm_map_t one, two, sub;

static kern_return_t
window(vm_map_t map, vm_offset_t at, vm_size_t size, vm_offset_t offset, bool copy, vm_prot_t cur)
{
	struct vm_map_enter_args args = {
		.size = size, .offset = offset, .needs_copy = copy, .cur = cur, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_SHARE,
	};

	return vm_map_enter_submap(map, &at, &args, sub, true);
}

static bool
nested(vm_map_t map, vm_offset_t at)
{
	struct pmap_walk w;

	pmap_walk(map->pmap, at, &w);
	return fixture_entry(map, at)->use_pmap && (!w.leaf || w.nested);
}

static uint64_t
tables(vm_map_t map)
{
	struct pmap_stats s;

	pmap_stats(map->pmap, &s);
	return s.tables;
}

static bool
setup(void)
{
	one = fixture_map();
	two = fixture_map();
	sub = vm_map_create(PMAP_NULL, 0, 2 * N * M, true);
	return fixture_allocate(sub, 0, N * M) &&
	    window(one, A, N * M, 0, false, VM_PROT_DEFAULT) == KERN_SUCCESS &&
	    window(two, 2 * A, N * M, 0, false, VM_PROT_DEFAULT) == KERN_SUCCESS;
}

static bool
sound(void)
{
	return fixture_sound(one, two, sub, NULL);
}

static void
teardown(void)
{
	vm_map_deallocate(one);
	vm_map_deallocate(two);
	vm_map_deallocate(sub);
}

TEST(vm_map_nest, what_one_has_touched_needs_no_fault_of_the_other)
{
	struct pmap_walk w;
	uint64_t before;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(nested(one, A) && nested(two, 2 * A));
	before = tables(two);
	ASSERT_STORE(one, A + 3 * M + P, 7);
	pmap_walk(two->pmap, 2 * A + 3 * M + P, &w);
	ASSERT_TRUE(w.leaf && w.nested);
	ASSERT_EQ(w.prot, VM_PROT_DEFAULT);
	ASSERT_LOAD(two, 2 * A + 3 * M + P, 7);
	for (vm_offset_t i = 0; i < N; i++)
		ASSERT_STORE(two, 2 * A + i * M, (uint8_t)i);
	ASSERT_EQ(tables(two), before);
	ASSERT_LOAD(one, A + 5 * M, 5);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_nest, a_second_mapping_makes_no_leaf_table)
{
	struct vm_page_counts pages;
	vm_map_t three;
	uint64_t before, after;

	/* A megapage is reserved for each window; with less memory than that pages move, and leave no leaf where they were. */
	vm_page_counts(&pages);
	if (pages.free < 2 * N * VM_CHUNK_PAGES) {
		test_skip("no memory for as many megapages");
		return;
	}
	three = fixture_map();
	ASSERT_TRUE(setup());
	for (vm_offset_t i = 0; i < N; i++)
		ASSERT_STORE(one, A + i * M, 1);
	before = tables(three);
	ASSERT_EQ(window(three, A, N * M, 0, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	after = tables(three);
	for (vm_offset_t i = 0; i < N; i++)
		ASSERT_EQ(fixture_leaf(three, A + i * M), VM_PROT_DEFAULT);
	ASSERT_EQ(tables(three), after);
	/* At most the upper tables on the way to one address. */
	ASSERT_TRUE(after - before <= PMAP_LEVELS - 2);
	ASSERT_TRUE(sound() && fixture_sound(three, NULL));
	vm_map_deallocate(three);
	teardown();
}

TEST(vm_map_nest, what_is_done_to_the_submap_reaches_all)
{
	uint8_t v;

	ASSERT_TRUE(setup());
	ASSERT_STORE(one, A, 1);
	ASSERT_STORE(one, A + P, 2);
	ASSERT_EQ(vm_protect(sub, vm_address_u(0), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_FALSE(fixture_leaf(two, 2 * A) & VM_PROT_WRITE);
	ASSERT_EQ(fixture_store(one, A, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_deallocate(sub, vm_address_u(P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(two, 2 * A + P), VM_PROT_NONE);
	ASSERT_EQ(fixture_load(two, 2 * A + P, &v), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(nested(one, A) && nested(two, 2 * A));
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_nest, another_protection_un_nests_just_that_part)
{
	ASSERT_TRUE(setup());
	ASSERT_STORE(one, A + 3 * M, 1);
	ASSERT_STORE(one, A + 4 * M, 1);
	ASSERT_EQ(vm_protect(one, vm_address_u(A + 3 * M + P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_TRUE(nested(one, A + 2 * M));
	ASSERT_FALSE(nested(one, A + 3 * M));
	ASSERT_FALSE(nested(one, A + 3 * M + P));
	ASSERT_TRUE(nested(one, A + 4 * M));
	ASSERT_TRUE(nested(two, 2 * A + 3 * M));
	ASSERT_EQ(fixture_store(one, A + 3 * M + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_STORE(two, 2 * A + 3 * M + P, 2);
	ASSERT_LOAD(one, A + 3 * M + P, 2);
	ASSERT_EQ(fixture_leaf(one, A + 3 * M + P), VM_PROT_READ);
	ASSERT_LOAD(one, A + 3 * M, 1);
	ASSERT_TRUE(sound());
	/* What stays the same need not be un-nested. */
	ASSERT_EQ(vm_protect(two, vm_address_u(2 * A), vm_size_u(4 * M), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_TRUE(nested(two, 2 * A));
	/* Whole megapages. */
	ASSERT_EQ(vm_protect(two, vm_address_u(2 * A), vm_size_u(2 * M), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_FALSE(nested(two, 2 * A + M));
	ASSERT_TRUE(nested(two, 2 * A + 2 * M));
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_nest, a_partial_removal_leaves_the_rest_nested)
{
	uint8_t v;

	ASSERT_TRUE(setup());
	for (vm_offset_t i = 0; i < N; i++)
		ASSERT_STORE(two, 2 * A + i * M, 1);
	ASSERT_EQ(vm_deallocate(one, vm_address_u(A + M + 3 * P), vm_size_u(2 * M)), KERN_SUCCESS);
	ASSERT_TRUE(nested(one, A));
	ASSERT_FALSE(nested(one, A + M));
	ASSERT_FALSE(nested(one, A + 3 * M + 3 * P));
	ASSERT_TRUE(nested(one, A + 4 * M));
	ASSERT_LOAD(one, A + M, 1);
	ASSERT_EQ(fixture_load(one, A + 2 * M, &v), KERN_INVALID_ADDRESS);
	ASSERT_EQ(fixture_load(one, A + 3 * M, &v), KERN_INVALID_ADDRESS);
	ASSERT_LOAD(one, A + 4 * M, 1);
	ASSERT_LOAD(two, 2 * A + 2 * M, 1);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_deallocate(one, vm_address_u(A), vm_size_u(N * M)), KERN_SUCCESS);
	ASSERT_EQ(sub->ref_count, 2);
	ASSERT_LOAD(two, 2 * A, 1);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_nest, inheritance_differs_without_un_nesting)
{
	ASSERT_TRUE(setup());
	ASSERT_STORE(one, A, 1);
	ASSERT_EQ(vm_inherit(one, vm_address_u(A), vm_size_u(2 * M), VM_INHERIT_NONE), KERN_SUCCESS);
	ASSERT_TRUE(nested(one, A) && nested(one, A + 2 * M));
	ASSERT_EQ(vm_inherit(one, vm_address_u(A), vm_size_u(P), VM_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_FALSE(nested(one, A));
	ASSERT_TRUE(nested(one, A + M));
	ASSERT_LOAD(one, A, 1);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_nest, children_nest_too)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_STORE(one, A, 1);
	child = vm_map_fork(one);
	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(nested(child, A));
	ASSERT_EQ(fixture_leaf(child, A), VM_PROT_DEFAULT);
	ASSERT_STORE(child, A + P, 2);
	ASSERT_LOAD(two, 2 * A + P, 2);
	ASSERT_TRUE(sound() && fixture_sound(child, NULL));
	vm_map_deallocate(child);
	teardown();
}

TEST(vm_map_nest, what_cannot_share_tables_is_an_ordinary_window)
{
	vm_map_t three = fixture_map(), task = fixture_map();
	struct vm_map_enter_args args = { .size = N * M, .offset = A, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL };
	vm_offset_t at = 4 * A;

	ASSERT_TRUE(setup());
	ASSERT_STORE(one, A, 1);
	/* Another protection, copy-on-write, no alignment, a map that runs. */
	ASSERT_EQ(window(three, A, N * M, 0, false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(window(three, 2 * A, N * M, 0, true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(three, 3 * A + P, M, 0, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(vm_map_enter_submap(three, &at, &args, task, true), KERN_SUCCESS);
	ASSERT_FALSE(nested(three, A));
	ASSERT_FALSE(nested(three, 2 * A));
	ASSERT_FALSE(nested(three, 3 * A + P));
	ASSERT_FALSE(nested(three, 4 * A));
	ASSERT_LOAD(three, A, 1);
	ASSERT_EQ(fixture_leaf(three, A), VM_PROT_READ);
	ASSERT_STORE(three, 2 * A, 2);
	ASSERT_LOAD(one, A, 1);
	ASSERT_LOAD(three, 3 * A + P, 1);
	ASSERT_TRUE(sound() && fixture_sound(three, NULL));
	vm_map_deallocate(three);
	vm_map_deallocate(task);
	teardown();
}

TEST(vm_map_nest, asked_for_outright_it_is_done_or_refused)
{
	struct vm_map_enter_args args = { .size = M, .object = vm_submap_object, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL };
	vm_offset_t at = 4 * A;

	ASSERT_TRUE(setup());
	vm_object_reference(vm_submap_object);
	ASSERT_EQ(vm_map_enter(one, &at, &args), KERN_SUCCESS);
	ASSERT_EQ(vm_map_submap(one, at, at + M, sub, P, true), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(fixture_entry(one, at)->object.vm_object == vm_submap_object && !fixture_entry(one, at)->is_sub_map);
	ASSERT_EQ(vm_map_submap(one, at, at + M, sub, M, true), KERN_SUCCESS);
	ASSERT_TRUE(nested(one, at));
	ASSERT_STORE(one, at, 3);
	ASSERT_LOAD(two, 2 * A + M, 3);
	ASSERT_TRUE(sound());
	teardown();
}

/* The leaf of a window whose map is itself shown elsewhere goes there, not to the tables below. */
TEST(vm_map_nest, a_task_that_is_a_submap_with_nested_windows)
{
	vm_map_t three = fixture_map();
	struct vm_map_enter_args args = { .size = N * M, .offset = A, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL };
	vm_offset_t at = A;
	uint8_t v;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_enter_submap(three, &at, &args, one, true), KERN_SUCCESS);
	ASSERT_STORE(two, 2 * A + P, 4);
	ASSERT_LOAD(three, A + P, 4);
	ASSERT_STORE(three, A + 2 * P, 5);
	ASSERT_LOAD(one, A + 2 * P, 5);
	ASSERT_EQ(vm_protect(one, vm_address_u(A), vm_size_u(M), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(three, A + 2 * P, 6), KERN_PROTECTION_FAILURE);
	ASSERT_STORE(two, 2 * A + 2 * P, 6);
	ASSERT_EQ(vm_deallocate(one, vm_address_u(A), vm_size_u(M)), KERN_SUCCESS);
	ASSERT_EQ(fixture_load(three, A + 2 * P, &v), KERN_INVALID_ADDRESS);
	ASSERT_EQ(fixture_leaf(three, A + 2 * P), VM_PROT_NONE);
	ASSERT_TRUE(sound() && fixture_sound(three, NULL));
	vm_map_deallocate(three);
	teardown();
}

TEST(vm_map_nest, copy_on_write_inside_the_submap)
{
	vm_address_ut data = vm_address_u(0);
	vm_size_ut count;

	ASSERT_TRUE(setup());
	ASSERT_STORE(one, A, 1);
	ASSERT_EQ(vm_read(one, vm_address_u(A), vm_size_u(M), one, &data, &count), KERN_SUCCESS);
	ASSERT_STORE(two, 2 * A, 2);
	ASSERT_LOAD(one, A, 2);
	ASSERT_LOAD(one, data.v, 1);
	ASSERT_TRUE(nested(one, A));
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_nest, parents_may_go_first)
{
	ASSERT_TRUE(setup());
	ASSERT_STORE(one, A, 1);
	vm_map_deallocate(sub);
	vm_map_deallocate(one);
	ASSERT_LOAD(two, 2 * A, 1);
	ASSERT_TRUE(fixture_sound(two, NULL));
	vm_map_deallocate(two);
}

TEST(vm_map_nest, an_overwrite_that_begins_or_ends_in_a_window_does_not_cut_it)
{
	const vm_offset_t end = A + N * M, from = 512 * M;
	const vm_size_t size = 4 * M;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(fixture_allocate(one, A - 4 * M, 4 * M) && fixture_allocate(one, end, 4 * M) &&
	    fixture_allocate(one, from, size));
	for (vm_size_t at = 0; at < size; at += P)
		ASSERT_STORE(one, from + at, (uint8_t)(1 + at / P));
	ASSERT_EQ(vm_copy(one, vm_address_u(from), vm_size_u(size), vm_address_u(end - P)), KERN_SUCCESS);
	ASSERT_TRUE(nested(one, end - M) && fixture_entry(one, end - 1)->vme_end == end);
	ASSERT_EQ(fixture_entry(one, end - 1)->vme_start, A);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_copy(one, vm_address_u(from), vm_size_u(size), vm_address_u(A + P - size)), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(one, A)->vme_start, A);
	ASSERT_TRUE(sound());
	ASSERT_LOAD(one, end - P, 1);
	ASSERT_LOAD(one, end, 2);
	ASSERT_LOAD(one, A - P, (uint8_t)(size / P - 1));
	ASSERT_LOAD(two, 2 * A, (uint8_t)(size / P));
	ASSERT_EQ(vm_deallocate(one, vm_address_u(end - P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
}

/* What is made resident for the submap itself, or for a window by wiring, grants no more than the windows do. */
TEST(vm_map_nest, wiring_grants_no_more_than_the_windows)
{
	one = fixture_map();
	two = fixture_map();
	sub = vm_map_create(PMAP_NULL, 0, 2 * N * M, true);
	ASSERT_TRUE(fixture_allocate(sub, 0, N * M));
	ASSERT_EQ(window(one, A, N * M, 0, false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(one, A)->use_pmap);
	ASSERT_EQ(vm_wire(sub, vm_address_u(P), vm_size_u(P), VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(one, A + P) & VM_PROT_WRITE, 0);
	ASSERT_EQ(fixture_store(one, A + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_wire(one, vm_address_u(A + M), vm_size_u(M), VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(one, A + M + P), VM_PROT_READ);
	ASSERT_EQ(vm_behavior_set(sub, vm_address_u(0), vm_size_u(N * M), VM_BEHAVIOR_WILLNEED), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(one, A + M + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_nest, what_is_made_at_the_submaps_own_addresses_grants_no_more_than_the_windows)
{
	vm_map_t from = fixture_map();
	vm_size_t size = 2 * M;
	memory_object_t mo;
	uint8_t v;

	one = fixture_map();
	two = fixture_map();
	sub = vm_map_create(PMAP_NULL, 0, 2 * N * M, true);
	ASSERT_TRUE(fixture_allocate(sub, 0, 4 * M));
	ASSERT_EQ(window(one, A, N * M, 0, false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(window(two, 2 * A, N * M, 0, false, VM_PROT_READ), KERN_SUCCESS);
	/* Pages that are there before. */
	ASSERT_TRUE(fixture_allocate(from, A, P));
	ASSERT_STORE(from, A, 7);
	ASSERT_EQ(vm_write(sub, vm_address_u(P), from, vm_address_u(A), vm_size_u(16)), KERN_SUCCESS);
	ASSERT_EQ(vm_behavior_set(sub, vm_address_u(0), vm_size_u(M), VM_BEHAVIOR_WILLNEED), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_wire(sub, vm_address_u(P), vm_size_u(2 * P), VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(one, A + P), VM_PROT_READ);
	ASSERT_EQ(fixture_store(one, A + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(sound());
	/* Rights of a wired entry that come back. */
	ASSERT_EQ(vm_protect(sub, vm_address_u(P), vm_size_u(P), false, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_EQ(vm_protect(sub, vm_address_u(P), vm_size_u(P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	ASSERT_LOAD(two, 2 * A + P, 7);
	/* A pager's pages, one by one. */
	ASSERT_EQ(pager_test_create(size, &mo), KERN_SUCCESS);
	ASSERT_EQ(vm_map_user(sub, &(vm_address_ut){ 4 * M }, &(struct vm_map_user_args){ .size = vm_size_u(size), .pager = mo,
	    .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL }), KERN_SUCCESS);
	ASSERT_EQ(vm_behavior_set(sub, vm_address_u(4 * M), vm_size_u(4 * P), VM_BEHAVIOR_WILLNEED), KERN_SUCCESS);
	ASSERT_EQ(vm_wire(sub, vm_address_u(4 * M + P), vm_size_u(P), VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(fixture_load(two, 2 * A + 4 * M + P, &v), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
	vm_map_deallocate(from);
	memory_object_release(mo);
}

TEST(vm_map_nest, a_submap_whose_windows_allow_nothing_can_be_wired)
{
	struct pmap_stats s;
	memory_object_t mo;

	one = fixture_map();
	two = fixture_map();
	sub = vm_map_create(PMAP_NULL, 0, 2 * N * M, true);
	ASSERT_TRUE(fixture_allocate(sub, 0, M));
	ASSERT_EQ(window(one, A, N * M, 0, false, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_EQ(pager_test_create(M, &mo), KERN_SUCCESS);
	ASSERT_EQ(vm_map_user(sub, &(vm_address_ut){ M }, &(struct vm_map_user_args){ .size = vm_size_u(M), .pager = mo,
	    .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL }), KERN_SUCCESS);
	ASSERT_EQ(vm_wire(sub, vm_address_u(P), vm_size_u(2 * P), VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(vm_wire(sub, vm_address_u(M + P), vm_size_u(2 * P), VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(vm_behavior_set(sub, vm_address_u(0), vm_size_u(2 * M), VM_BEHAVIOR_WILLNEED), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(one, A + P), VM_PROT_NONE);
	ASSERT_EQ(fixture_leaf(one, A + M + P), VM_PROT_NONE);
	pmap_stats(sub->pmap, &s);
	ASSERT_EQ(s.resident, 0);
	ASSERT_TRUE(sound());
	teardown();
	memory_object_release(mo);
}
