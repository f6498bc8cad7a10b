/*
 * vm_map_submap: windows of one map in another: making them, going through
 * them, copy-on-write of them, and what is done to either side.
 */
#include <string.h>
#include <kernel/pager.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)      /* the window, in the parent */
#define B (8 * M)       /* what it shows, in the submap */

/* A map without page tables. */
static vm_map_t
submap(vm_size_t size)
{
	return vm_map_create(PMAP_NULL, 0, size, true);
}

static kern_return_t
window(vm_map_t map, vm_offset_t at, vm_size_t size, vm_map_t sub, vm_offset_t offset, bool copy, vm_prot_t cur)
{
	struct vm_map_enter_args args = {
		.size = size, .offset = offset, .needs_copy = copy, .cur = cur, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_SHARE,
	};

	return vm_map_enter_submap(map, &at, &args, sub, false);
}

static kern_return_t
placeholder(vm_map_t map, vm_offset_t at, vm_size_t size)
{
	struct vm_map_enter_args args = {
		.size = size, .object = vm_submap_object, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
	};
	kern_return_t kr;

	vm_object_reference(vm_submap_object);
	kr = vm_map_enter(map, &at, &args);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(vm_submap_object);
	return kr;
}

static kern_return_t
protect(vm_map_t map, vm_offset_t at, vm_size_t size, vm_prot_t prot)
{
	return vm_protect(map, vm_address_u(at), vm_size_u(size), false, prot);
}

static kern_return_t
deallocate(vm_map_t map, vm_offset_t at, vm_size_t size)
{
	return vm_deallocate(map, vm_address_u(at), vm_size_u(size));
}

/* Two maps with the same 8 pages of a submap at A; rights of the window, and whether it is copied. */
static vm_map_t one, two, sub;

static bool
setup(bool copy)
{
	one = fixture_map();
	two = fixture_map();
	sub = submap(16 * M);
	return fixture_allocate(sub, B, 8 * P) &&
	    window(one, A, 8 * P, sub, B, copy, VM_PROT_DEFAULT) == KERN_SUCCESS &&
	    window(two, A, 8 * P, sub, B, false, VM_PROT_DEFAULT) == KERN_SUCCESS;
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

TEST(vm_map_submap, two_maps_see_the_same_through_their_windows)
{
	ASSERT_TRUE(setup(false));
	ASSERT_EQ(sub->ref_count, 3);
	ASSERT_STORE(one, A + P, 7);
	ASSERT_LOAD(two, A + P, 7);
	ASSERT_STORE(two, A + P, 8);
	ASSERT_LOAD(one, A + P, 8);
	ASSERT_LOAD(one, A + 2 * P, 0);
	ASSERT_STORE(two, A + 2 * P, 9);
	ASSERT_LOAD(one, A + 2 * P, 9);
	ASSERT_TRUE(sound());
	/* The leaf of a plain window lies in the parent, at its address. */
	ASSERT_EQ(fixture_leaf(one, A + P), VM_PROT_DEFAULT);
	teardown();
}

TEST(vm_map_submap, hole_in_the_submap_is_an_invalid_address)
{
	uint8_t v;

	ASSERT_TRUE(setup(false));
	ASSERT_EQ(deallocate(sub, B + 3 * P, P), KERN_SUCCESS);
	ASSERT_EQ(fixture_load(one, A + 3 * P, &v), KERN_INVALID_ADDRESS);
	ASSERT_STORE(one, A + 4 * P, 1);
	ASSERT_TRUE(sound());
	teardown();
}

/* The submap's entry begins so far before the window that, in the parent, it would begin below address 0. */
TEST(vm_map_submap, neighbours_beyond_the_window_are_not_mapped_along)
{
	vm_map_t map = fixture_map(), below = submap(16 * M);

	ASSERT_TRUE(fixture_allocate(below, B, 64 * P));
	for (unsigned i = 0; i < 64; i++)
		ASSERT_EQ(vm_map_write_user(below, "x", B + i * P, 1), KERN_SUCCESS);
	ASSERT_EQ(window(map, 8 * P, 2 * P, below, B + 34 * P, false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_LOAD(map, 9 * P, 'x');
	ASSERT_EQ(fixture_leaf(map, 8 * P), VM_PROT_READ);
	ASSERT_EQ(fixture_leaf(map, 7 * P), VM_PROT_NONE);
	ASSERT_EQ(fixture_leaf(map, 10 * P), VM_PROT_NONE);
	ASSERT_TRUE(fixture_sound(map, below, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(below);
}

TEST(vm_map_submap, rights_are_those_that_all_levels_allow)
{
	uint8_t v;

	ASSERT_TRUE(setup(false));
	ASSERT_EQ(window(one, A + 16 * P, 8 * P, sub, B, false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_STORE(one, A, 1);
	ASSERT_LOAD(one, A + 16 * P, 1);
	ASSERT_EQ(fixture_leaf(one, A + 16 * P), VM_PROT_READ);
	ASSERT_EQ(fixture_store(one, A + 16 * P, 2), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(protect(sub, B + P, P, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_EQ(fixture_load(one, A + P, &v), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, read_that_came_with_write_goes_with_it)
{
	uint8_t v;

	ASSERT_TRUE(setup(false));
	/* WRITE alone below: a leaf that may be written may be read. */
	ASSERT_EQ(protect(sub, B, P, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_STORE(one, A, 1);
	ASSERT_EQ(protect(one, A, P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_load(one, A, &v), KERN_PROTECTION_FAILURE);
	/* And above. */
	ASSERT_EQ(protect(one, A + P, P, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_STORE(one, A + P, 1);
	ASSERT_EQ(protect(sub, B + P, P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_load(one, A + P, &v), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(two, A + P, 1);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, a_read_through_a_copied_window_grants_no_write)
{
	ASSERT_TRUE(setup(true));
	ASSERT_STORE(two, A, 5);
	ASSERT_LOAD(one, A, 5);
	ASSERT_EQ(fixture_leaf(one, A), VM_PROT_READ);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, a_write_through_a_copied_window_is_private)
{
	vm_map_entry_t e;

	ASSERT_TRUE(setup(true));
	ASSERT_STORE(two, A, 5);
	ASSERT_STORE(two, A + P, 6);
	ASSERT_LOAD(one, A, 5);
	ASSERT_STORE(one, A, 50);
	ASSERT_LOAD(one, A, 50);
	ASSERT_LOAD(one, A + P, 6);
	ASSERT_LOAD(two, A, 5);
	ASSERT_STORE(two, A, 51);
	ASSERT_STORE(two, A + P, 61);
	ASSERT_LOAD(one, A, 50);
	ASSERT_LOAD(one, A + P, 6);
	e = fixture_entry(one, A);
	ASSERT_FALSE(e->is_sub_map);
	ASSERT_EQ(e->inheritance, VM_INHERIT_COPY);
	ASSERT_EQ(sub->ref_count, 2);
	ASSERT_TRUE(sound());
	teardown();
}

/* Spec: the distance counts when the submap's entry begins before the window. */
TEST(vm_map_submap, un_nesting_a_window_that_begins_inside_an_entry)
{
	ASSERT_TRUE(setup(true));
	for (vm_offset_t i = 0; i < 8; i++)
		ASSERT_STORE(two, A + i * P, (uint8_t)(i + 1));
	ASSERT_EQ(window(one, A + 16 * P, 3 * P, sub, B + 2 * P, true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_STORE(one, A + 17 * P, 40);
	ASSERT_LOAD(one, A + 16 * P, 3);
	ASSERT_LOAD(one, A + 17 * P, 40);
	ASSERT_LOAD(one, A + 18 * P, 5);
	ASSERT_LOAD(two, A + 3 * P, 4);
	ASSERT_EQ(fixture_entry(one, A + 17 * P)->vme_start, A + 16 * P);
	ASSERT_EQ(fixture_entry(one, A + 17 * P)->vme_end, A + 19 * P);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, only_the_part_that_one_entry_serves_is_un_nested)
{
	ASSERT_TRUE(setup(true));
	ASSERT_EQ(protect(sub, B + 2 * P, 2 * P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(deallocate(sub, B + 6 * P, P), KERN_SUCCESS);
	ASSERT_STORE(one, A + 5 * P, 1);
	ASSERT_EQ(fixture_entries(one), 3);
	ASSERT_TRUE(fixture_entry(one, A)->is_sub_map);
	ASSERT_FALSE(fixture_entry(one, A + 4 * P)->is_sub_map);
	ASSERT_TRUE(fixture_entry(one, A + 6 * P)->is_sub_map);
	ASSERT_EQ(fixture_entry(one, A + 6 * P)->offset, B + 6 * P);
	/* What the submap's entry forbids stays forbidden, though its maximum would allow it. */
	ASSERT_EQ(fixture_store(one, A + 2 * P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(fixture_store(one, A + 6 * P, 1), KERN_INVALID_ADDRESS);
	ASSERT_STORE(one, A, 1);
	ASSERT_LOAD(two, A, 0);
	ASSERT_EQ(fixture_entries(one), 4);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, un_nesting_gives_no_right_that_either_level_lacked)
{
	vm_map_entry_t e;

	ASSERT_TRUE(setup(true));
	ASSERT_EQ(vm_protect(sub, vm_address_u(B), vm_size_u(8 * P), true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_STORE(one, A, 1);
	e = fixture_entry(one, A);
	ASSERT_EQ(e->protection, VM_PROT_DEFAULT);
	ASSERT_EQ(e->max_protection, VM_PROT_DEFAULT);
	ASSERT_EQ(protect(one, A, P, VM_PROT_EXECUTE), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, a_write_goes_through_a_chain_of_windows)
{
	vm_map_t middle = submap(16 * M);

	ASSERT_TRUE(setup(false));
	ASSERT_EQ(window(middle, M, 8 * P, sub, B, true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(one, 2 * A, 8 * P, middle, M, true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(two, 2 * A, 8 * P, middle, M, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_STORE(one, A, 1);
	ASSERT_LOAD(one, 2 * A, 1);
	ASSERT_LOAD(two, 2 * A, 1);
	/* Private to one. */
	ASSERT_STORE(one, 2 * A, 2);
	ASSERT_LOAD(one, A, 1);
	ASSERT_LOAD(two, 2 * A, 1);
	/* Private to all users of the middle map. */
	ASSERT_STORE(two, 2 * A + P, 3);
	ASSERT_LOAD(one, A + P, 0);
	ASSERT_LOAD(one, 2 * A, 2);
	ASSERT_LOAD(two, 2 * A, 1);
	ASSERT_TRUE(sound());
	ASSERT_TRUE(fixture_sound(middle, NULL));
	teardown();
	vm_map_deallocate(middle);
}

TEST(vm_map_submap, untouched_memory_is_copied_as_zeros)
{
	ASSERT_TRUE(setup(true));
	ASSERT_STORE(one, A, 1);
	ASSERT_LOAD(two, A, 0);
	ASSERT_STORE(two, A + P, 2);
	ASSERT_LOAD(one, A + P, 0);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, placeholder_becomes_a_window)
{
	uint8_t v;

	ASSERT_TRUE(setup(false));
	ASSERT_EQ(placeholder(one, 2 * A, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(fixture_load(one, 2 * A, &v), KERN_MEMORY_ERROR);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A + 4 * P, sub, B + 2 * P, false), KERN_SUCCESS);
	ASSERT_EQ(sub->ref_count, 4);
	ASSERT_STORE(one, 2 * A, 3);
	ASSERT_LOAD(two, A + 2 * P, 3);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, refuses_what_is_not_exactly_one_placeholder_and_changes_nothing)
{
	uint64_t entries;

	ASSERT_TRUE(setup(false));
	ASSERT_EQ(placeholder(one, 2 * A, 4 * P), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(one, 3 * A, 4 * P));
	entries = fixture_entries(one);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A + 3 * P, sub, B, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 2 * A + P, 2 * A + 4 * P, sub, B, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A + 5 * P, sub, B, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A, sub, B, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 3 * A, 3 * A + 4 * P, sub, B, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, A, A + 8 * P, sub, B, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 4 * A, 4 * A + 4 * P, sub, B, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A + 4 * P, sub, 16 * M - 3 * P, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A + 4 * P, sub, ~0ul - 4 * P + 1, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A + 4 * P, sub, B + 1, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A + 4 * P, NULL, B, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(fixture_entries(one), entries);
	ASSERT_EQ(sub->ref_count, 3);
	ASSERT_EQ(vm_map_submap(one, 2 * A, 2 * A + 4 * P, sub, 16 * M - 4 * P, false), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, no_map_lies_within_itself)
{
	vm_map_t a = submap(16 * M), b = submap(16 * M), c = submap(16 * M);

	ASSERT_EQ(window(a, M, M, a, 0, false, VM_PROT_ALL), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(window(a, M, M, b, 0, false, VM_PROT_ALL), KERN_SUCCESS);
	ASSERT_EQ(window(b, M, M, c, 0, false, VM_PROT_ALL), KERN_SUCCESS);
	ASSERT_EQ(window(b, 4 * M, M, a, 0, false, VM_PROT_ALL), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(window(c, 4 * M, M, a, 0, false, VM_PROT_ALL), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(window(a, 4 * M, M, c, 0, false, VM_PROT_ALL), KERN_SUCCESS);
	ASSERT_TRUE(fixture_sound(a, b, c, NULL));
	vm_map_deallocate(c);
	vm_map_deallocate(b);
	vm_map_deallocate(a);
}

TEST(vm_map_submap, eight_deep_and_no_deeper)
{
	vm_map_t top = fixture_map(), m[VM_SUBMAP_DEPTH_MAX + 1];

	for (int i = 0; i <= VM_SUBMAP_DEPTH_MAX; i++)
		m[i] = submap(16 * M);
	/* From the inside out, then one more on either end. */
	for (int i = VM_SUBMAP_DEPTH_MAX - 1; i > 0; i--)
		ASSERT_EQ(window(m[i - 1], 0, 4 * P, m[i], i * P, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(top, A, 4 * P, m[0], 0, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(m[7], M, 4 * P, m[8], 0, false, VM_PROT_DEFAULT), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(window(m[8], M, 4 * P, m[0], 0, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(top, 2 * A, 4 * P, m[8], M, false, VM_PROT_DEFAULT), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(fixture_allocate(m[7], 0, 16 * P));
	/* 0 of m[i-1] is i pages into m[i], where that has its window at 0 only: the first that is not shows a hole. */
	ASSERT_EQ(fixture_store(top, A, 1), KERN_INVALID_ADDRESS);
	for (int i = 0; i <= VM_SUBMAP_DEPTH_MAX; i++)
		vm_map_deallocate(m[i]);
	vm_map_deallocate(top);
}

TEST(vm_map_submap, an_access_goes_eight_maps_down)
{
	vm_map_t top = fixture_map(), m[VM_SUBMAP_DEPTH_MAX];

	for (int i = 0; i < VM_SUBMAP_DEPTH_MAX; i++) {
		m[i] = submap(16 * M);
		ASSERT_EQ(window(i == 0 ? top : m[i - 1], i == 0 ? A : (vm_offset_t)i * P, 4 * P, m[i], (vm_offset_t)(i + 1) * P, false,
		    VM_PROT_DEFAULT), KERN_SUCCESS);
	}
	ASSERT_TRUE(fixture_allocate(m[7], 0, 16 * P));
	ASSERT_STORE(top, A + 3 * P, 9);
	ASSERT_LOAD(top, A + 3 * P, 9);
	ASSERT_TRUE(fixture_sound(top, m[0], m[6], m[7], NULL));
	for (int i = 0; i < VM_SUBMAP_DEPTH_MAX; i++)
		vm_map_deallocate(m[i]);
	vm_map_deallocate(top);
}

/* A walk without memory of where it was would take 200^7 steps. */
TEST(vm_map_submap, many_windows_on_every_level_are_checked_in_time)
{
	vm_map_t m[7];

	for (int i = 0; i < 7; i++)
		m[i] = submap(16 * M);
	for (int i = 5; i >= 0; i--)
		for (vm_offset_t n = 0; n < 200; n++)
			ASSERT_EQ(window(m[i], 2 * n * P, P, m[i + 1], 0, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(m[6], 0, P, m[0], 0, false, VM_PROT_DEFAULT), KERN_INVALID_ARGUMENT);
	for (int i = 0; i < 7; i++)
		vm_map_deallocate(m[i]);
}

TEST(vm_map_submap, a_failed_entering_takes_no_reference)
{
	ASSERT_TRUE(setup(false));
	ASSERT_EQ(window(one, A, 8 * P, sub, B, false, VM_PROT_DEFAULT), KERN_NO_SPACE);
	ASSERT_EQ(window(one, A + M, 32 * M, sub, B, false, VM_PROT_DEFAULT), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(sub->ref_count, 3);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, the_parents_range_operations_act_on_the_window)
{
	uint8_t v;

	ASSERT_TRUE(setup(false));
	for (vm_offset_t i = 0; i < 8; i++)
		ASSERT_STORE(one, A + i * P, (uint8_t)(i + 1));
	ASSERT_LOAD(two, A + 2 * P, 3);
	ASSERT_EQ(protect(one, A + 2 * P, P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(one, A + 2 * P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_STORE(two, A + 2 * P, 30);
	ASSERT_LOAD(one, A + 2 * P, 30);
	ASSERT_EQ(deallocate(one, A + 4 * P, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(one, A + 4 * P), VM_PROT_NONE);
	ASSERT_EQ(fixture_load(one, A + 5 * P, &v), KERN_INVALID_ADDRESS);
	ASSERT_LOAD(two, A + 5 * P, 6);
	ASSERT_LOAD(one, A + 6 * P, 7);
	ASSERT_EQ(vm_inherit(one, vm_address_u(A), vm_size_u(P), VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(sound());
	ASSERT_EQ(deallocate(one, A, 8 * P), KERN_SUCCESS);
	ASSERT_EQ(sub->ref_count, 2);
	ASSERT_EQ(fixture_entries(one), 0);
	ASSERT_LOAD(two, A, 1);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, what_is_taken_from_the_submap_is_taken_from_all)
{
	uint8_t v;

	ASSERT_TRUE(setup(false));
	for (vm_offset_t i = 0; i < 8; i++) {
		ASSERT_STORE(one, A + i * P, (uint8_t)(i + 1));
		ASSERT_LOAD(two, A + i * P, i + 1);
	}
	ASSERT_EQ(protect(sub, B + P, P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_FALSE(fixture_leaf(one, A + P) & VM_PROT_WRITE);
	ASSERT_EQ(fixture_store(one, A + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(fixture_store(two, A + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(two, A + P, 2);
	ASSERT_EQ(deallocate(sub, B + 3 * P, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(one, A + 3 * P), VM_PROT_NONE);
	ASSERT_EQ(fixture_leaf(two, A + 4 * P), VM_PROT_NONE);
	ASSERT_EQ(fixture_load(one, A + 3 * P, &v), KERN_INVALID_ADDRESS);
	ASSERT_EQ(fixture_load(two, A + 4 * P, &v), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(sound());
	/* New memory in the same place. */
	ASSERT_TRUE(fixture_allocate(sub, B + 3 * P, P));
	ASSERT_LOAD(one, A + 3 * P, 0);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, and_through_a_map_between)
{
	vm_map_t middle = submap(16 * M);

	ASSERT_TRUE(setup(false));
	ASSERT_EQ(window(middle, M, 8 * P, sub, B, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(one, 2 * A, 8 * P, middle, M, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	for (vm_offset_t i = 0; i < 4; i++)
		ASSERT_STORE(one, 2 * A + i * P, 1);
	ASSERT_EQ(deallocate(sub, B, P), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(one, 2 * A), VM_PROT_NONE);
	ASSERT_EQ(protect(middle, M + P, P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(one, 2 * A + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(deallocate(middle, M + 2 * P, P), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(one, 2 * A + 2 * P), VM_PROT_NONE);
	ASSERT_LOAD(two, A + 2 * P, 1);
	ASSERT_LOAD(one, 2 * A + 3 * P, 1);
	ASSERT_TRUE(sound());
	ASSERT_TRUE(fixture_sound(middle, NULL));
	teardown();
	vm_map_deallocate(middle);
}

/* A copy of what the submap maps must not see stores that go through windows. */
TEST(vm_map_submap, a_copy_of_the_submaps_memory_is_of_that_moment)
{
	vm_address_ut data;
	vm_size_ut count;

	ASSERT_TRUE(setup(false));
	ASSERT_STORE(one, A, 1);
	ASSERT_LOAD(two, A, 1);
	ASSERT_EQ(vm_read(sub, vm_address_u(B), vm_size_u(8 * P), two, &data, &count), KERN_SUCCESS);
	ASSERT_STORE(one, A, 2);
	ASSERT_LOAD(two, data.v, 1);
	ASSERT_LOAD(two, A, 2);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, what_can_never_be_written_is_not_overwritten)
{
	vm_address_ut a = vm_address_u(A);

	ASSERT_TRUE(setup(true));
	ASSERT_EQ(vm_protect(sub, vm_address_u(B + 5 * P), vm_size_u(P), true, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_allocate(one, &a, vm_size_u(8 * P), VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(fixture_entries(one), 1);
	ASSERT_TRUE(fixture_entry(one, A)->is_sub_map);
	ASSERT_EQ(vm_allocate(one, &a, vm_size_u(5 * P), VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	/* A window that is shared is the parent's to give up. */
	ASSERT_EQ(vm_allocate(two, &a, vm_size_u(8 * P), VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, forks_share_the_window)
{
	vm_map_t child;

	ASSERT_TRUE(setup(true));
	ASSERT_STORE(two, A, 1);
	ASSERT_LOAD(one, A, 1);
	child = vm_map_fork(two);
	ASSERT_TRUE(child != NULL);
	ASSERT_STORE(child, A, 2);
	ASSERT_LOAD(two, A, 2);
	ASSERT_LOAD(one, A, 2);
	vm_map_deallocate(child);
	child = vm_map_fork(one);
	ASSERT_STORE(child, A, 3);
	ASSERT_LOAD(two, A, 2);
	ASSERT_LOAD(one, A, 2);
	ASSERT_TRUE(sound());
	ASSERT_TRUE(fixture_sound(child, NULL));
	vm_map_deallocate(child);
	teardown();
}

/* Something else happens while the lock is dropped to give a window its copy. */
static const char *hook_where;
static unsigned hook_times;

static void
take_the_window_away(const char *where, vm_map_t map)
{
	(void)map;
	if (hook_times == 0 && strcmp(where, hook_where) == 0) {
		hook_times++;
		(void)deallocate(one, A, 8 * P);
	}
}

TEST(vm_map_submap, a_window_that_goes_meanwhile_is_not_copied)
{
	ASSERT_TRUE(setup(true));
	ASSERT_STORE(two, A, 1);
	hook_times = 0;
	hook_where = "vm_map_lookup.copy_window";
	vm_relock_hook = take_the_window_away;
	ASSERT_EQ(fixture_store(one, A, 1), KERN_INVALID_ADDRESS);
	vm_relock_hook = NULL;
	ASSERT_EQ(hook_times, 1);
	ASSERT_EQ(fixture_entries(one), 0);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, the_last_window_holds_the_submap)
{
	ASSERT_TRUE(setup(true));
	ASSERT_STORE(two, A, 4);
	vm_map_deallocate(sub);
	ASSERT_EQ(deallocate(two, A, 8 * P), KERN_SUCCESS);
	/* The last reference goes with the un-nesting. */
	ASSERT_STORE(one, A + P, 5);
	ASSERT_LOAD(one, A, 4);
	ASSERT_FALSE(fixture_entry(one, A)->is_sub_map);
	ASSERT_TRUE(fixture_sound(one, two, NULL));
	vm_map_deallocate(one);
	vm_map_deallocate(two);
}

/* --- wiring --- */

static kern_return_t
wire(vm_map_t map, vm_offset_t at, vm_size_t size, vm_prot_t access)
{
	return vm_map_wire(map, at, at + size, access, true);
}

TEST(vm_map_submap, wiring_through_a_window)
{
	ASSERT_TRUE(setup(false));
	ASSERT_STORE(two, A, 1);
	ASSERT_EQ(wire(one, A, 4 * P, VM_PROT_READ), KERN_SUCCESS);
	pmap_collect(one->pmap);
	ASSERT_TRUE(fixture_leaf(one, A + 3 * P) != VM_PROT_NONE);
	ASSERT_TRUE(sound());
	/* The other window's leaves are its own: not wired. */
	ASSERT_LOAD(two, A + 2 * P, 0);
	ASSERT_TRUE(sound());
	ASSERT_STORE(one, A, 2);
	ASSERT_LOAD(two, A, 2);
	ASSERT_EQ(vm_map_unwire(one, A, A + 4 * P, true), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 0);
	ASSERT_TRUE(sound());
	teardown();
}

TEST(vm_map_submap, wiring_a_copied_window_for_reading_needs_no_right_to_write)
{
	ASSERT_TRUE(setup(true));
	ASSERT_STORE(two, A, 1);
	ASSERT_EQ(protect(sub, B, 8 * P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(wire(one, A, 2 * P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_FALSE(fixture_entry(one, A)->is_sub_map);
	ASSERT_LOAD(one, A, 1);
	ASSERT_EQ(fixture_store(one, A, 2), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(sound());
	ASSERT_EQ(deallocate(one, A, 8 * P), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
}

/* A copied window further down must not be written through by wiring. */
TEST(vm_map_submap, wiring_through_two_windows_of_which_the_inner_is_copied)
{
	vm_map_t middle = submap(16 * M);

	ASSERT_TRUE(setup(false));
	ASSERT_STORE(two, A, 1);
	ASSERT_EQ(window(middle, M, 8 * P, sub, B, true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(one, 2 * A, 8 * P, middle, M, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(wire(one, 2 * A, 4 * P, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_TRUE(sound() && fixture_sound(middle, NULL));
	ASSERT_STORE(one, 2 * A, 2);
	ASSERT_LOAD(two, A, 1);
	ASSERT_EQ(vm_map_unwire(one, 2 * A, 2 * A + 4 * P, true), KERN_SUCCESS);
	ASSERT_TRUE(sound() && fixture_sound(middle, NULL));
	teardown();
	vm_map_deallocate(middle);
}

/* What is wired in the submap is copied at once, for the one who writes. */
TEST(vm_map_submap, un_nesting_wired_memory)
{
	ASSERT_TRUE(setup(true));
	for (vm_offset_t i = 0; i < 8; i++)
		ASSERT_STORE(two, A + i * P, (uint8_t)(i + 1));
	ASSERT_LOAD(one, A + 3 * P, 4);
	ASSERT_EQ(vm_map_wire(sub, B, B + 8 * P, VM_PROT_DEFAULT, true), KERN_SUCCESS);
	ASSERT_STORE(one, A + 2 * P, 30);
	ASSERT_LOAD(one, A + 3 * P, 4);
	ASSERT_STORE(two, A + 3 * P, 40);
	ASSERT_LOAD(one, A + 3 * P, 4);
	ASSERT_LOAD(two, A + 2 * P, 3);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_map_unwire(sub, B, B + 8 * P, true), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
}

/* The copy is made without locks: what it was made of may be another by then. */
static void
change_the_submap(const char *where, vm_map_t map)
{
	(void)map;
	if (hook_times == 0 && strcmp(where, hook_where) == 0) {
		hook_times++;
		(void)vm_map_unwire(sub, B, B + 8 * P, true);
		(void)deallocate(sub, B, 8 * P);
		(void)fixture_allocate(sub, B, 8 * P);
	}
}

TEST(vm_map_submap, a_copy_of_what_the_submap_no_longer_maps_is_thrown_away)
{
	ASSERT_TRUE(setup(true));
	ASSERT_STORE(two, A, 1);
	ASSERT_STORE(two, A + P, 2);
	ASSERT_EQ(vm_map_wire(sub, B, B + 8 * P, VM_PROT_DEFAULT, true), KERN_SUCCESS);
	hook_times = 0;
	hook_where = "vm_map_submap.unnest_copy";
	vm_relock_hook = change_the_submap;
	ASSERT_STORE(one, A, 9);
	vm_relock_hook = NULL;
	ASSERT_EQ(hook_times, 1);
	ASSERT_LOAD(one, A, 9);
	ASSERT_LOAD(one, A + P, 0);
	ASSERT_LOAD(two, A, 0);
	ASSERT_TRUE(sound());
	teardown();
}

/* Wirings of the submap's entry at `at`. */
static unsigned
wirings(vm_map_t in, vm_offset_t at)
{
	return fixture_entry(in, at)->wired_count;
}

TEST(vm_map_submap, part_of_a_wired_window_goes_and_takes_its_own_wirings_only)
{
	vm_map_t map = fixture_map(), inner = submap(64 * M);

	ASSERT_TRUE(fixture_allocate(inner, B, 16 * P));
	ASSERT_EQ(window(map, A, 16 * P, inner, B, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(wire(map, A, 16 * P, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(wirings(inner, B), 1);
	ASSERT_EQ(deallocate(map, A, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(wirings(inner, B), 0);
	ASSERT_EQ(wirings(inner, B + 4 * P), 1);
	ASSERT_EQ(vm_map_unwire(map, A + 8 * P, A + 12 * P, true), KERN_SUCCESS);
	ASSERT_EQ(wirings(inner, B + 4 * P), 1);
	ASSERT_EQ(wirings(inner, B + 8 * P), 0);
	ASSERT_EQ(wirings(inner, B + 12 * P), 1);
	ASSERT_TRUE(fixture_sound(map, inner, NULL));
	ASSERT_EQ(deallocate(map, A, 16 * P), KERN_SUCCESS);
	ASSERT_EQ(wirings(inner, B + 12 * P), 0);
	ASSERT_TRUE(fixture_sound(map, inner, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(inner);
}

TEST(vm_map_submap, what_two_windows_wired_side_by_side_is_unwired_one_by_one)
{
	vm_map_t map = fixture_map(), inner = submap(64 * M);

	ASSERT_TRUE(fixture_allocate(inner, B, 16 * P));
	ASSERT_EQ(window(map, A, 8 * P, inner, B, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(window(map, A + 32 * P, 8 * P, inner, B + 8 * P, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(wire(map, A, 8 * P, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(wire(map, A + 32 * P, 8 * P, VM_PROT_DEFAULT), KERN_SUCCESS);
	vm_map_simplify(inner, B + 8 * P);
	ASSERT_EQ(vm_map_unwire(map, A, A + 8 * P, true), KERN_SUCCESS);
	ASSERT_EQ(wirings(inner, B), 0);
	ASSERT_EQ(wirings(inner, B + 8 * P), 1);
	ASSERT_TRUE(fixture_sound(map, inner, NULL));
	ASSERT_EQ(deallocate(map, A + 32 * P, 8 * P), KERN_SUCCESS);
	ASSERT_EQ(wirings(inner, B + 8 * P), 0);
	ASSERT_TRUE(fixture_sound(map, inner, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(inner);
}

/* --- pagers behind submaps --- */

/* 8 pages of a test pager at B of the submap, beside what setup made at 2 * B. */
static memory_object_t
pager_in_submap(uint64_t strategy)
{
	struct vm_map_user_args a = {
		.size = vm_size_u(8 * P), .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_SHARE,
	};
	vm_address_ut at = vm_address_u(B);
	memory_object_t mo;

	one = fixture_map();
	two = fixture_map();
	sub = submap(16 * M);
	if (pager_test_create(8 * P, &mo) != KERN_SUCCESS)
		return NULL;
	(void)pager_test_control(mo, PAGER_STRATEGY, strategy);
	(void)pager_test_control(mo, PAGER_FILL, 1);
	a.pager = mo;
	if (vm_map_user(sub, &at, &a) != KERN_SUCCESS ||
	    window(one, A, 8 * P, sub, B, true, VM_PROT_DEFAULT) != KERN_SUCCESS ||
	    window(two, A, 8 * P, sub, B, false, VM_PROT_DEFAULT) != KERN_SUCCESS)
		return NULL;
	return mo;
}

TEST(vm_map_submap, a_pagers_memory_is_copied_with_no_lock_held)
{
	static const uint64_t strategies[] = { MEMORY_OBJECT_COPY_DELAY, MEMORY_OBJECT_COPY_NONE };

	for (int i = 0; i < 2; i++) {
		memory_object_t mo = pager_in_submap(strategies[i]);

		ASSERT_TRUE(mo != NULL);
		ASSERT_LOAD(one, A + 2 * P, 3);
		ASSERT_STORE(two, A + P, 20);
		ASSERT_STORE(one, A, 10);
		ASSERT_LOAD(one, A + P, 20);
		ASSERT_LOAD(one, A + 3 * P, 4);
		ASSERT_STORE(two, A + 4 * P, 50);
		ASSERT_LOAD(one, A + 4 * P, 5);
		ASSERT_LOAD(two, A, 1);
		ASSERT_FALSE(fixture_entry(one, A)->is_sub_map);
		ASSERT_TRUE(sound());
		teardown();
		memory_object_release(mo);
	}
}

static memory_object_t to_die;

static void
let_the_pager_die(const char *where, vm_map_t map)
{
	(void)map;
	if (hook_times == 0 && strcmp(where, hook_where) == 0) {
		hook_times++;
		(void)pager_test_control(to_die, PAGER_DIE, KERN_FAILURE);
	}
}

TEST(vm_map_submap, a_pager_that_dies_before_its_memory_is_copied)
{
	uint8_t v;

	to_die = pager_in_submap(MEMORY_OBJECT_COPY_NONE);
	ASSERT_TRUE(to_die != NULL);
	ASSERT_LOAD(one, A, 1);
	hook_times = 0;
	hook_where = "vm_map_lookup.copy_window";
	vm_relock_hook = let_the_pager_die;
	ASSERT_EQ(fixture_store(one, A, 9), KERN_MEMORY_ERROR);
	vm_relock_hook = NULL;
	ASSERT_EQ(hook_times, 1);
	ASSERT_TRUE(fixture_entry(one, A)->is_sub_map);
	ASSERT_LOAD(one, A, 1);
	ASSERT_EQ(fixture_load(one, A + P, &v), KERN_MEMORY_ERROR);
	ASSERT_TRUE(sound());
	teardown();
	memory_object_release(to_die);
}

/* A submap has no page tables: whatever is asked of it must do without. */
TEST(vm_map_submap, every_advice_to_a_submap)
{
	ASSERT_TRUE(setup(false));
	ASSERT_STORE(one, A, 1);
	for (vm_behavior_t b = 0; b <= VM_BEHAVIOR_LAST_VALID; b++)
		(void)vm_behavior_set(sub, vm_address_u(B), vm_size_u(8 * P), b);
	for (vm_behavior_t b = 0; b <= VM_BEHAVIOR_LAST_VALID; b++)
		(void)vm_behavior_set(one, vm_address_u(A), vm_size_u(8 * P), b);
	(void)vm_msync(sub, vm_address_u(B), vm_size_u(8 * P), VM_SYNC_KILLPAGES);
	(void)vm_msync(one, vm_address_u(A), vm_size_u(8 * P), VM_SYNC_KILLPAGES);
	ASSERT_EQ(vm_map_wire(sub, B, B + 8 * P, VM_PROT_DEFAULT, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_unwire(sub, B, B + 8 * P, true), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
}

/* What is given back in a submap must not stay readable through its windows. */
TEST(vm_map_submap, contents_given_back_are_gone_for_all)
{
	ASSERT_TRUE(setup(false));
	ASSERT_STORE(one, A, 1);
	ASSERT_LOAD(two, A, 1);
	ASSERT_EQ(vm_behavior_set(sub, vm_address_u(B), vm_size_u(8 * P), VM_BEHAVIOR_ZERO), KERN_SUCCESS);
	ASSERT_LOAD(one, A, 0);
	ASSERT_LOAD(two, A, 0);
	ASSERT_STORE(two, A + P, 2);
	ASSERT_EQ(vm_behavior_set(sub, vm_address_u(B), vm_size_u(8 * P), VM_BEHAVIOR_FREE), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
}

/* Leaves are found through their pages: what another map has wired must stay so. */
TEST(vm_map_submap, what_others_have_wired_stays_wired_for_them)
{
	vm_map_t other = fixture_map();
	struct vm_named_entry_args name = { .offset = B, .size = 8 * P, .permission = VM_PROT_DEFAULT };
	struct vm_map_user_args a = {
		.size = vm_size_u(8 * P), .cur = VM_PROT_DEFAULT, .max = VM_PROT_DEFAULT, .inheritance = VM_INHERIT_SHARE,
	};
	vm_address_ut at = vm_address_u(A);
	vm_size_t size;

	ASSERT_TRUE(setup(false));
	name.map = sub;
	ASSERT_EQ(vm_named_entry_make(&name, &size, &a.entry), KERN_SUCCESS);
	ASSERT_EQ(vm_map_user(other, &at, &a), KERN_SUCCESS);
	vm_named_entry_release(a.entry);
	ASSERT_EQ(wire(other, A, 8 * P, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_STORE(one, A, 1);
	ASSERT_STORE(two, A + P, 2);
	ASSERT_EQ(deallocate(sub, B, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(protect(sub, B + 4 * P, 2 * P, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_EQ(protect(sub, B + 6 * P, 2 * P, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_TRUE(sound() && fixture_sound(other, NULL));
	ASSERT_LOAD(other, A, 1);
	vm_map_deallocate(other);
	teardown();
}

TEST(vm_map_submap, windows_of_a_map_whose_memory_is_wired_at_once)
{
	struct vm_map_enter_args args = {
		.size = 4 * P, .offset = B, .flags = VM_FLAGS_NO_CACHE, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
	};
	vm_offset_t at = 3 * A;

	ASSERT_TRUE(setup(false));
	ASSERT_STORE(two, A, 1);
	one->wiring_required = true;
	ASSERT_EQ(window(one, 2 * A, 4 * P, sub, B, false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 1);
	ASSERT_EQ(window(one, 4 * A, 4 * P, sub, B, true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	ASSERT_LOAD(one, 4 * A, 1);
	ASSERT_STORE(one, 4 * A, 2);
	ASSERT_LOAD(two, A, 1);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_map_enter_submap(one, &at, &args, sub, false),
	    pmap_has_cache_attributes() ? KERN_INVALID_ARGUMENT : KERN_NOT_SUPPORTED);
	ASSERT_EQ(deallocate(one, 2 * A, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 0);
	ASSERT_TRUE(sound());
	teardown();
}

/* A pager that makes a window of its own whenever it hears something. */
static unsigned heard;

static void
pager_hears(void)
{
	ASSERT_EQ(window(two, 2 * A + heard++ * 8 * P, 8 * P, sub, B, false, VM_PROT_READ), KERN_SUCCESS);
}

static void
hears_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	(void)access;
	pager_hears();
	(void)memory_object_data_unavailable(mo, offset, length);
}

static void
hears_return(memory_object_t mo, vm_object_offset_t offset, const void *data, vm_size_t length, bool dirty, bool copy)
{
	(void)mo, (void)offset, (void)data, (void)length, (void)dirty, (void)copy;
	pager_hears();
}

static void hears_terminate(memory_object_t mo) { (void)mo; pager_hears(); }

static const struct memory_object_attr_info hears_attributes = { MEMORY_OBJECT_COPY_DELAY, P, 0, 0 };
static const struct memory_object_ops hears_ops = {
	.name = "hears", .attributes = &hears_attributes, .data_request = hears_request, .data_return = hears_return,
	.terminate = hears_terminate,
};

static bool
map_hearing_pager(vm_map_t map, vm_offset_t at)
{
	memory_object_t mo = memory_object_create(&hears_ops, NULL, 8 * P, VM_PROT_ALL);
	struct vm_map_user_args args = {
		.size = vm_size_u(8 * P), .flags = VM_FLAGS_FIXED, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_SHARE, .pager = mo,
	};
	vm_address_ut a = vm_address_u(at);
	kern_return_t kr = vm_map_user(map, &a, &args);

	memory_object_release(mo);
	return kr == KERN_SUCCESS;
}

TEST(vm_map_submap, pagers_hear_of_a_new_window_with_no_lock_held)
{
	struct vm_map_enter_args args = {
		.size = 8 * P, .offset = B, .flags = VM_FLAGS_OVERWRITE, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
	};
	vm_offset_t at = 4 * A;

	ASSERT_TRUE(setup(false));
	heard = 0;
	/* The window takes the place of a pager's last mapping: a page comes back, and the end is told. */
	ASSERT_TRUE(map_hearing_pager(one, 4 * A));
	ASSERT_STORE(one, 4 * A, 1);
	ASSERT_EQ(heard, 1);
	ASSERT_EQ(vm_map_enter_submap(one, &at, &args, sub, false), KERN_SUCCESS);
	ASSERT_EQ(heard, 3);
	/* What it shows is wired at once, and comes from a pager. */
	ASSERT_TRUE(map_hearing_pager(sub, B + M));
	ASSERT_EQ(task_wire(one, true), KERN_SUCCESS);
	ASSERT_EQ(window(one, 6 * A, 8 * P, sub, B + M, false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(task_wire(one, false), KERN_SUCCESS);
	ASSERT_EQ(heard, 11);
	ASSERT_TRUE(sound());
	ASSERT_EQ(deallocate(one, 6 * A, 8 * P), KERN_SUCCESS);
	ASSERT_EQ(deallocate(sub, B + M, 8 * P), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	teardown();
}
