/*
 * vm_map_range: FreeBSD's operations on ranges: protection, inheritance, advice,
 * writing back, wiring, looking; each rule of its manual pages where Mach's
 * calls have another one.
 */
#include <kernel/pager.h>
#include <mm/memory_object.h>
#include <mm/vm_map_range.h>
#include <mm/vm_map_stack.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A       (64 * M)
#define R       VM_PROT_READ
#define W       VM_PROT_WRITE
#define X       VM_PROT_EXECUTE
#define SET_PROT    VM_MAP_PROTECT_SET_PROT
#define SET_MAX     VM_MAP_PROTECT_SET_MAXPROT
#define USER        VM_MAP_WIRE_USER
#define HOLESOK     VM_MAP_WIRE_HOLESOK

static vm_map_t map;

/* Pages 0..3 and 6..7 of A, with a hole between. */
static bool
setup(void)
{
	map = fixture_map();
	return fixture_allocate(map, A, 4 * P) && fixture_allocate(map, A + 6 * P, 2 * P);
}

static kern_return_t
protect(vm_offset_t start, vm_offset_t end, vm_prot_t prot, vm_prot_t max, unsigned flags)
{
	const struct vm_map_rights r = { .prot = prot, .max = max, .flags = flags };

	return vm_map_bsd_protect(map, start, end, &r);
}

static bool
rights_are(vm_offset_t va, vm_prot_t prot, vm_prot_t max)
{
	vm_map_entry_t e = fixture_entry(map, va);

	return e != NULL && e->protection == prot && e->max_protection == max;
}

/* A window of 4 pages at A + 16 pages on a map with memory there. */
static bool
add_window(vm_prot_t prot)
{
	vm_map_t sub = vm_map_create(PMAP_NULL, 0, 16 * P, true);
	vm_offset_t at = 0, window = A + 16 * P;
	struct vm_map_enter_args a = {
		.size = 16 * P, .flags = VM_FLAGS_FIXED, .cur = R | W, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_SHARE,
	};
	bool ok = sub != NULL && vm_map_enter(sub, &at, &a) == KERN_SUCCESS;

	a.size = 4 * P;
	a.cur = prot;
	ok = ok && vm_map_enter_submap(map, &window, &a, sub, false) == KERN_SUCCESS;
	vm_map_deallocate(sub);
	return ok;
}

/* --- protect --- */

TEST(vm_map_range, protect_sets_protection_and_maximum_at_once)
{
	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(protect(A, A + P, R, R | W, SET_PROT | SET_MAX), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A, R, R | W));
	ASSERT_TRUE(rights_are(A + P, R | W, VM_PROT_ALL));
	ASSERT_EQ(fixture_store(map, A, 2), KERN_PROTECTION_FAILURE);
	/* The maximum alone cuts the protection; the protection alone leaves the maximum. */
	ASSERT_EQ(protect(A + P, A + 2 * P, 0, R | X, SET_MAX), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A + P, R, R | X));
	ASSERT_EQ(protect(A + P, A + 2 * P, R | X, 0, SET_PROT), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A + P, R | X, R | X));
	/* Neither: nothing happens. */
	ASSERT_EQ(protect(A, A + 4 * P, VM_PROT_ALL, VM_PROT_NONE, 0), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A + 2 * P, R | W, VM_PROT_ALL));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_beyond_its_new_maximum_is_out_of_bounds)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(protect(A, A + P, R | W, R, SET_PROT | SET_MAX), KERN_OUT_OF_BOUNDS);
	ASSERT_EQ(protect(A, A + P, R | W, R, SET_PROT), KERN_SUCCESS);
	ASSERT_EQ(protect(0, 0, R | W, R, SET_PROT | SET_MAX), KERN_OUT_OF_BOUNDS);
	ASSERT_EQ(protect(A, A + P, R, R, 8), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(protect(A, A + P, 8, R, SET_PROT), KERN_INVALID_ARGUMENT);
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_beyond_the_old_maximum_fails_and_changes_nothing)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(protect(A + 6 * P, A + 7 * P, R, R, SET_PROT | SET_MAX), KERN_SUCCESS);
	ASSERT_EQ(protect(A, A + 8 * P, R | X, 0, SET_PROT), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(protect(A, A + 8 * P, R, R | W, SET_PROT | SET_MAX), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(rights_are(A, R | W, VM_PROT_ALL));
	ASSERT_EQ(fixture_entries(map), 3);
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_passes_over_holes_and_guards)
{
	const struct vm_map_new guard = { .cow = MAP_CREATE_GUARD };

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_protect(map, A, A + 8 * P, R, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_fixed(map, A + 4 * P, P, &guard), KERN_SUCCESS);
	ASSERT_EQ(protect(A, A + 8 * P, R, 0, SET_PROT), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A, R, VM_PROT_ALL) && rights_are(A + 7 * P, R, VM_PROT_ALL));
	ASSERT_TRUE(rights_are(A + 4 * P, VM_PROT_NONE, VM_PROT_NONE));
	/* All hole, outside of the map, upside down: nothing to do. */
	ASSERT_EQ(protect(A + 32 * P, A + 33 * P, R, 0, SET_PROT), KERN_SUCCESS);
	ASSERT_EQ(protect(vm_map_max(map), vm_map_max(map) + P, R, 0, SET_PROT), KERN_SUCCESS);
	ASSERT_EQ(protect(A + P, A, VM_PROT_NONE, 0, SET_PROT), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A, R, VM_PROT_ALL));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_refuses_submaps)
{
	ASSERT_TRUE(setup());
	ASSERT_TRUE(add_window(R | W));
	ASSERT_EQ(protect(A, A + 18 * P, R, 0, SET_PROT), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(rights_are(A, R | W, VM_PROT_ALL));
	ASSERT_EQ(vm_map_protect(map, A + 16 * P, A + 20 * P, R, false), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_heeds_wxorx_as_does_machs)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_set_options(map, VM_MAP_WXORX, 0), KERN_SUCCESS);
	ASSERT_EQ(protect(A, A + P, R | W | X, 0, SET_PROT), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(protect(A, A + P, R | X, VM_PROT_ALL, SET_PROT | SET_MAX), KERN_SUCCESS);
	ASSERT_EQ(vm_map_protect(map, A, A + P, VM_PROT_ALL, false), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_protect(map, A, A + P, VM_PROT_ALL | VM_PROT_COPY, false), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_protect(map, A, A + P, VM_PROT_ALL, true), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A, R | X, VM_PROT_ALL));
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_of_a_stacks_gap_is_what_grows)
{
	const struct vm_map_new rw = { .prot = R | W, .max = R | W, .cow = MAP_STACK_GROWS_DOWN };
	vm_offset_t top = A + M;

	map = fixture_map();
	ASSERT_EQ(vm_map_stack(map, A, M, &rw), KERN_SUCCESS);
	/* Judged by the stack's maximum, not by the guard's, which is none. */
	ASSERT_EQ(protect(A, A + P, R | X, 0, SET_PROT), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(protect(A, top - VM_STACK_GROW, R, R, SET_PROT | SET_MAX), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A, VM_PROT_NONE, VM_PROT_NONE));
	ASSERT_EQ(fixture_store(map, top - VM_STACK_GROW - 1, 1), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, top - VM_STACK_GROW - 1, 0);
	ASSERT_TRUE(rights_are(top - VM_STACK_GROW - 1, R, R));
	ASSERT_TRUE(rights_are(top - 1, R | W, R | W));
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_grows_down_to_the_bottom_of_the_stack)
{
	const struct vm_map_new rw = { .prot = R | W, .max = VM_PROT_ALL, .cow = MAP_STACK_GROWS_DOWN };
	vm_offset_t top = A + M;

	map = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, A - P, P));
	ASSERT_EQ(vm_map_stack(map, A, M, &rw), KERN_SUCCESS);
	ASSERT_EQ(vm_map_protect(map, top - 2 * P, top - P, R, false), KERN_SUCCESS);
	ASSERT_EQ(protect(top - P, top, VM_PROT_ALL, 0, SET_PROT | VM_MAP_PROTECT_GROWSDOWN), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(top - VM_STACK_GROW, VM_PROT_ALL, VM_PROT_ALL));
	ASSERT_TRUE(rights_are(A - P, R | W, VM_PROT_ALL));     /* what lies below the stack is not its */
	ASSERT_STORE(map, top - VM_STACK_GROW - 1, 1);
	ASSERT_TRUE(rights_are(top - VM_STACK_GROW - 1, VM_PROT_ALL, VM_PROT_ALL));
	/* Memory that is no stack: the flag means nothing. */
	ASSERT_TRUE(fixture_allocate(map, A + 2 * M, 2 * P));
	ASSERT_EQ(protect(A + 2 * M + P, A + 2 * M + 2 * P, R, 0, SET_PROT | VM_MAP_PROTECT_GROWSDOWN), KERN_SUCCESS);
	ASSERT_TRUE(rights_are(A + 2 * M, R | W, VM_PROT_ALL));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_of_wired_memory_keeps_pages_and_brings_leaves_back)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 2 * P, USER), KERN_SUCCESS);
	ASSERT_EQ(protect(A, A + 2 * P, VM_PROT_NONE, 0, SET_PROT), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_NONE);
	ASSERT_EQ(protect(A, A + 2 * P, X, R | X, SET_PROT | SET_MAX), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A), X);
	ASSERT_TRUE(fixture_sound(map, NULL));
	/* From r to x with a maximum that lacks r: nothing in between takes the leaf away. */
	ASSERT_EQ(protect(A, A + 2 * P, X, X, SET_PROT | SET_MAX), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A), X);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + 2 * P, USER), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_range, protect_that_cannot_cut_changes_nothing)
{
	ASSERT_TRUE(setup());
	for (uint64_t n = 1; n < 4; n++) {
		kern_return_t kr;

		vm_alloc_fail_at(n, true);
		kr = protect(A + P, A + 7 * P, R, R, SET_PROT | SET_MAX);
		vm_alloc_fail_at(0, false);
		if (kr == KERN_SUCCESS)
			break;
		ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
		ASSERT_TRUE(rights_are(A + P, R | W, VM_PROT_ALL) && rights_are(A + 6 * P, R | W, VM_PROT_ALL));
	}
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- inherit --- */

TEST(vm_map_range, inherit_zero_gives_the_child_fresh_memory)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 2);
	ASSERT_EQ(protect(A, A + P, R | W, R | W, SET_PROT | SET_MAX), KERN_SUCCESS);
	ASSERT_EQ(vm_map_inherit(map, A, A + 8 * P, VM_INHERIT_ZERO), KERN_SUCCESS);
	ASSERT_EQ(vm_map_inherit(map, A + P, A + 2 * P, VM_INHERIT_COPY), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + P, USER), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_LOAD(child, A, 0);
	ASSERT_LOAD(child, A + P, 2);
	ASSERT_STORE(child, A, 9);
	ASSERT_LOAD(map, A, 1);
	ASSERT_LOAD(child, A + 7 * P, 0);
	ASSERT_EQ(fixture_entry(child, A)->inheritance, VM_INHERIT_ZERO);
	ASSERT_EQ(fixture_entry(child, A)->max_protection, R | W);
	ASSERT_EQ(fixture_entry(child, A)->wired_count, 0);
	ASSERT_EQ(child->size, map->size);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + P, USER), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_range, inherit_zero_of_shared_memory_is_zero_and_private)
{
	vm_map_t first, second;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_inherit(map, A, A + P, VM_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_STORE(map, A, 1);
	first = vm_map_fork(map);
	ASSERT_LOAD(first, A, 1);
	ASSERT_EQ(vm_map_inherit(map, A, A + P, VM_INHERIT_ZERO), KERN_SUCCESS);
	second = vm_map_fork(map);
	ASSERT_LOAD(second, A, 0);
	ASSERT_FALSE(fixture_entry(second, A)->is_shared);
	ASSERT_STORE(second, A, 7);
	ASSERT_LOAD(first, A, 1);
	ASSERT_TRUE(fixture_sound(map, first, second, NULL));
	vm_map_deallocate(first);
	vm_map_deallocate(second);
	vm_map_deallocate(map);
}

TEST(vm_map_range, inherit_passes_over_holes_and_guards_ignore_zero)
{
	const struct vm_map_new guard = { .cow = MAP_CREATE_GUARD };

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_fixed(map, A + 4 * P, P, &guard), KERN_SUCCESS);
	ASSERT_EQ(vm_map_inherit(map, A, A + 8 * P, VM_INHERIT_ZERO), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A)->inheritance, VM_INHERIT_ZERO);
	ASSERT_EQ(fixture_entry(map, A + 4 * P)->inheritance, VM_INHERIT_COPY);
	ASSERT_EQ(fixture_entry(map, A + 7 * P)->inheritance, VM_INHERIT_ZERO);
	ASSERT_EQ(vm_map_inherit(map, A, A + 8 * P, VM_INHERIT_NONE), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A + 4 * P)->inheritance, VM_INHERIT_NONE);
	ASSERT_TRUE(add_window(R | W));
	ASSERT_EQ(vm_map_inherit(map, A, A + 20 * P, VM_INHERIT_ZERO), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(fixture_entry(map, A)->inheritance, VM_INHERIT_NONE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_range, inherit_refuses_copies_of_superpage_entries)
{
	const struct vm_map_new what = {
		.prot = R | W, .max = VM_PROT_ALL, .cow = MAP_INHERIT_SHARE | 1u << MAP_SPLIT_BOUNDARY_SHIFT,
	};

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_fixed(map, A + 2 * M, 2 * M, &what), KERN_SUCCESS);
	ASSERT_EQ(vm_map_inherit(map, A, A + 4 * M, VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_inherit(map, A, A + 4 * M, VM_INHERIT_NONE), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_range, inherit_zero_survives_shortage_in_fork)
{
	vm_map_t child = NULL;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_inherit(map, A, A + P, VM_INHERIT_ZERO), KERN_SUCCESS);
	for (uint64_t n = 1; child == NULL && n < 64; n++) {
		vm_alloc_fail_at(n, true);
		child = vm_map_fork(map);
		vm_alloc_fail_at(0, false);
		ASSERT_TRUE(fixture_sound(map, NULL));
	}
	ASSERT_TRUE(child != NULL);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* --- madvise --- */

TEST(vm_map_range, madvise_is_kept_by_entries_and_merges)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_madvise(map, A, A + 8 * P, MADV_SEQUENTIAL), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A)->behavior, VM_BEHAVIOR_SEQUENTIAL);
	ASSERT_EQ(fixture_entry(map, A + 7 * P)->behavior, VM_BEHAVIOR_SEQUENTIAL);
	ASSERT_EQ(vm_map_madvise(map, A + P, A + 2 * P, MADV_NOSYNC), KERN_SUCCESS);
	ASSERT_EQ(vm_map_madvise(map, A + P, A + 3 * P, MADV_NOCORE), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 5);
	ASSERT_TRUE(fixture_entry(map, A + P)->no_sync && fixture_entry(map, A + P)->no_core);
	ASSERT_TRUE(!fixture_entry(map, A + 2 * P)->no_sync && fixture_entry(map, A + 2 * P)->no_core);
	ASSERT_EQ(vm_map_madvise(map, A, A + 8 * P, MADV_CORE), KERN_SUCCESS);
	ASSERT_EQ(vm_map_madvise(map, A, A + 8 * P, MADV_AUTOSYNC), KERN_SUCCESS);
	ASSERT_EQ(vm_map_madvise(map, A, A + 8 * P, MADV_NORMAL), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_EQ(fixture_entry(map, A)->behavior, VM_BEHAVIOR_DEFAULT);
	vm_map_deallocate(map);
}

TEST(vm_map_range, madvise_of_nothing_succeeds_and_unknown_advice_does_not)
{
	ASSERT_TRUE(setup());
	for (unsigned advice = MADV_NORMAL; advice <= MADV_CORE; advice++)
		ASSERT_EQ(vm_map_madvise(map, A + 32 * P, A + 40 * P, advice), KERN_SUCCESS);
	ASSERT_EQ(vm_map_madvise(map, 0, ~(vm_offset_t)PAGE_MASK, MADV_DONTNEED), KERN_SUCCESS);
	ASSERT_EQ(vm_map_madvise(map, A, A + P, MADV_CORE + 1), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_madvise(map, A, A, 1000), KERN_INVALID_ARGUMENT);
	/* Mach's callers cannot say what only FreeBSD's may. */
	ASSERT_EQ(vm_map_behavior_set(map, A, A + P, 512), KERN_INVALID_ARGUMENT);
	vm_map_deallocate(map);
}

TEST(vm_map_range, madvise_passes_over_submaps)
{
	ASSERT_TRUE(setup());
	ASSERT_TRUE(add_window(R | W));
	ASSERT_EQ(vm_map_madvise(map, A, A + 20 * P, MADV_RANDOM), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A + 7 * P)->behavior, VM_BEHAVIOR_RANDOM);
	ASSERT_EQ(fixture_entry(map, A + 16 * P)->behavior, VM_BEHAVIOR_DEFAULT);
	ASSERT_STORE(map, A + 17 * P, 5);
	ASSERT_EQ(vm_map_madvise(map, A, A + 20 * P, MADV_FREE), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 17 * P, 5);
	vm_map_deallocate(map);
}

TEST(vm_map_range, madvise_dontneed_keeps_the_data_and_free_may_drop_it)
{
	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 5);
	ASSERT_STORE(map, A + 7 * P, 6);
	ASSERT_EQ(vm_map_madvise(map, A, A + 8 * P, MADV_DONTNEED), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 5);
	ASSERT_LOAD(map, A + 7 * P, 6);
	ASSERT_EQ(vm_map_madvise(map, A, A + 8 * P, MADV_FREE), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 0);
	ASSERT_LOAD(map, A + 7 * P, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* The child's page covers the parent's older one: if FREE dropped it, the child would read that. */
TEST(vm_map_range, madvise_free_is_no_rewind_in_time)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 3);
	child = vm_map_fork(map);
	ASSERT_STORE(child, A, 2);
	ASSERT_EQ(fixture_chain(child, A), 2);
	ASSERT_EQ(vm_map_madvise(child, A, A + P, MADV_FREE), KERN_SUCCESS);
	ASSERT_LOAD(child, A, 2);
	ASSERT_EQ(vm_map_madvise(map, A, A + P, MADV_FREE), KERN_SUCCESS);
	ASSERT_LOAD(child, A, 2);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_range, madvise_willneed_leaves_wired_memory_wired)
{
	struct pmap_stats s;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 4 * P, USER), KERN_SUCCESS);
	ASSERT_EQ(vm_map_madvise(map, A, A + 8 * P, MADV_WILLNEED), KERN_SUCCESS);
	pmap_stats(map->pmap, &s);
	ASSERT_EQ(s.wired, 4);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + 4 * P, USER), KERN_SUCCESS);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- sync --- */

TEST(vm_map_range, sync_refuses_holes_and_wired_memory_to_invalidate)
{
	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 3);
	ASSERT_EQ(vm_map_sync(map, A, A + 4 * P, true, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_sync(map, A, A + 4 * P, false, true), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 3);
	ASSERT_EQ(vm_map_sync(map, A, A + 7 * P, true, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_sync(map, A + 4 * P, A + 7 * P, true, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_sync(map, A + 4 * P, A + 4 * P, true, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A + 3 * P, A + 4 * P, USER), KERN_SUCCESS);
	ASSERT_EQ(vm_map_sync(map, A, A + 4 * P, true, true), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_sync(map, A, A + 3 * P, true, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_sync(map, A, A + 4 * P, true, false), KERN_SUCCESS);
	/* An empty range is the entry that holds it. */
	ASSERT_EQ(vm_map_sync(map, A + P, A + P, true, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_sync(map, A + 3 * P, A + 3 * P, true, true), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_bsd_unwire(map, A + 3 * P, A + 4 * P, USER), KERN_SUCCESS);
	vm_map_deallocate(map);
}

/* What is dropped must be handed to copies of it first: no pager has failed if there is no memory for that. */
TEST(vm_map_range, sync_tells_a_shortage_from_a_pager_that_fails)
{
	vm_address_ut a = vm_address_u(A);
	memory_object_t mo;
	vm_map_t child;

	map = fixture_map();
	ASSERT_EQ(pager_test_create(4 * P, &mo), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_FILL, 1), KERN_SUCCESS);
	ASSERT_EQ(vm_map_user(map, &a, &(struct vm_map_user_args){ .size = vm_size_u(4 * P), .flags = VM_FLAGS_FIXED,
	    .cur = VM_PROT_DEFAULT, .max = VM_PROT_DEFAULT, .inheritance = VM_INHERIT_COPY, .pager = mo }), KERN_SUCCESS);
	ASSERT_STORE(map, A + P, 7);
	child = vm_map_fork(map);
	vm_alloc_fail_at(1, true);
	ASSERT_EQ(vm_map_sync(map, A, A + 4 * P, true, true), KERN_RESOURCE_SHORTAGE);
	vm_alloc_fail_at(0, false);
	ASSERT_LOAD(map, A + P, 7);
	ASSERT_LOAD(child, A + P, 7);
	ASSERT_EQ(vm_map_sync(map, A, A + 4 * P, true, true), KERN_SUCCESS);
	ASSERT_LOAD(child, A + P, 7);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	ASSERT_EQ(pager_test_control(mo, PAGER_DIE, 1), KERN_SUCCESS);
	ASSERT_EQ(vm_map_sync(map, A, A + 4 * P, true, false), KERN_FAILURE);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
	memory_object_release(mo);
}

/* --- wire --- */

TEST(vm_map_range, wire_refuses_holes_and_what_cannot_be_accessed)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 8 * P, USER), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A + 4 * P, A + 8 * P, USER), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A + 7 * P, A + 9 * P, USER), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + P, 8), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_protect(map, A + P, A + 2 * P, VM_PROT_NONE, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 4 * P, USER), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_protect(map, A + P, A + 2 * P, R, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 4 * P, USER | VM_MAP_WIRE_WRITE), KERN_INVALID_ADDRESS);
	ASSERT_EQ(map->user_wired_pages, 0);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 4 * P, USER), KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 4);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_range, wire_with_holes_passes_over_what_cannot_be_wired)
{
	struct pmap_stats s;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_protect(map, A + P, A + 2 * P, VM_PROT_NONE, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_protect(map, A + 2 * P, A + 3 * P, R, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 32 * P, USER | HOLESOK), KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 5);
	pmap_stats(map->pmap, &s);
	ASSERT_EQ(s.wired, 5);
	ASSERT_EQ(fixture_entry(map, A + P)->wired_count, 0);
	ASSERT_EQ(map->transitions, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_bsd_unwire(map, 0, vm_map_max(map), USER | HOLESOK), KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 0);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 32 * P, USER | HOLESOK | VM_MAP_WIRE_WRITE), KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 4);
	ASSERT_EQ(fixture_entry(map, A + 2 * P)->wired_count, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_range, wire_by_the_user_does_not_nest_and_the_kernels_does)
{
	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 2 * P, USER), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 4 * P, USER), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A)->user_wired_count, 1);
	ASSERT_EQ(map->user_wired_pages, 4);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + P, VM_MAP_WIRE_SYSTEM), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + P, VM_MAP_WIRE_SYSTEM), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A)->wired_count, 3);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + 4 * P, USER), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A)->wired_count, 2);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + 2 * P, VM_MAP_WIRE_SYSTEM), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + P, VM_MAP_WIRE_SYSTEM), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + P, VM_MAP_WIRE_SYSTEM), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + P, VM_MAP_WIRE_SYSTEM), KERN_INVALID_ARGUMENT);
	/* Of what the user has not wired, nothing is left to do. */
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + 4 * P, USER), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + 8 * P, USER), KERN_INVALID_ADDRESS);
	/* Mach's wirings nest; FreeBSD's unwiring undoes them all. */
	ASSERT_EQ(vm_map_wire(map, A, A + P, R, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_wire(map, A, A + P, R, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + P, USER), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A)->user_wired_count, 0);
	ASSERT_EQ(map->user_wired_pages, 0);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_range, wire_over_the_limit_undoes_all_runs)
{
	struct vm_map_limits l = { .size = VM_LIMIT_NONE, .wired = 5 * P, .stack = VM_LIMIT_NONE };

	ASSERT_TRUE(setup());
	vm_map_set_limits(map, &l);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + P, USER), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 8 * P, USER | HOLESOK), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(map->user_wired_pages, 1);
	ASSERT_EQ(map->transitions, 0);
	ASSERT_EQ(fixture_entry(map, A)->user_wired_count, 1);
	ASSERT_EQ(fixture_entry(map, A + P)->wired_count, 0);
	ASSERT_EQ(fixture_entries(map), 3);
	l.wired = 6 * P;
	vm_map_set_limits(map, &l);
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 8 * P, USER | HOLESOK), KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 6);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Every allocation fails once: of the notes, the cuts, the objects, the pages, the tables. */
TEST(vm_map_range, wire_under_shortage_undoes_all_runs)
{
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;
	unsigned refused = 0;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_protect(map, A + 2 * P, A + 3 * P, R, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(map, A + 3 * P, A + 4 * P, USER), KERN_SUCCESS);
	for (uint64_t n = 1; kr == KERN_RESOURCE_SHORTAGE && n < 200; n++) {
		vm_alloc_fail_at(n, true);
		kr = vm_map_bsd_wire(map, A + P, A + 7 * P, USER | HOLESOK);
		vm_alloc_fail_at(0, false);
		if (kr == KERN_SUCCESS)
			break;
		refused++;
		ASSERT_EQ(map->user_wired_pages, 1);
		ASSERT_EQ(fixture_entry(map, A + P)->wired_count, 0);
		ASSERT_EQ(fixture_entry(map, A + 6 * P)->wired_count, 0);
		ASSERT_EQ(fixture_entry(map, A + 3 * P)->user_wired_count, 1);
		ASSERT_TRUE(fixture_sound(map, NULL));
	}
	ASSERT_EQ(kr, KERN_SUCCESS);
	ASSERT_GE(refused, 4);
	ASSERT_EQ(map->user_wired_pages, 4);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

static vm_map_t relock_map;
static unsigned relocks;

/* Somebody maps something in the hole, and wires it, while the runs' pages come. */
static void
map_in_the_hole(const char *where, vm_map_t m)
{
	vm_address_ut at = vm_address_u(A + 4 * P);

	(void)where;
	if (m != relock_map || relocks++ != 0)
		return;
	vm_relock_hook = NULL;
	ASSERT_EQ(vm_allocate(m, &at, vm_size_u(2 * P), VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_EQ(vm_map_bsd_wire(m, A + 4 * P, A + 6 * P, VM_MAP_WIRE_SYSTEM), KERN_SUCCESS);
}

TEST(vm_map_range, wire_with_holes_leaves_alone_what_comes_into_them)
{
	ASSERT_TRUE(setup());
	relock_map = map;
	relocks = 0;
	vm_relock_hook = map_in_the_hole;
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 8 * P, USER | HOLESOK), KERN_SUCCESS);
	vm_relock_hook = NULL;
	ASSERT_EQ(relocks, 1);
	ASSERT_EQ(map->user_wired_pages, 6);
	ASSERT_EQ(fixture_entry(map, A + 4 * P)->wired_count, 1);
	ASSERT_EQ(fixture_entry(map, A + 4 * P)->user_wired_count, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_bsd_unwire(map, A + 4 * P, A + 6 * P, VM_MAP_WIRE_SYSTEM), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_range, wire_of_a_window_wires_the_submap_once)
{
	ASSERT_TRUE(setup());
	ASSERT_TRUE(add_window(R | W));
	ASSERT_EQ(vm_map_bsd_wire(map, A, A + 20 * P, USER | HOLESOK), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A + 16 * P)->wired_count, 1);
	ASSERT_EQ(fixture_entry(fixture_entry(map, A + 16 * P)->object.sub_map, 0)->wired_count, 1);
	ASSERT_EQ(vm_map_bsd_unwire(map, A, A + 20 * P, USER | HOLESOK), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(fixture_entry(map, A + 16 * P)->object.sub_map, 0)->wired_count, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- lookup --- */

TEST(vm_map_range, lookup_finds_and_refuses_by_rights)
{
	struct vm_map_lookup l;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_lookup(map, A + P + 5, W, &l), KERN_SUCCESS);
	ASSERT_TRUE(l.map == map && l.entry == fixture_entry(map, A) && l.offset == P + l.entry->offset && l.prot == (R | W) && !l.wired);
	vm_map_lookup_done(map, &l);
	ASSERT_EQ(vm_map_lookup(map, A + 4 * P, R, &l), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_lookup(map, A, X, &l), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_lookup(map, A, VM_PROT_NONE, &l), KERN_SUCCESS);
	vm_map_lookup_done(map, &l);
	/* No rights at all: not even for an access that wants none. */
	ASSERT_EQ(vm_map_protect(map, A, A + P, VM_PROT_NONE, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_lookup(map, A, VM_PROT_NONE, &l), KERN_PROTECTION_FAILURE);
	/* All locks are back. */
	vm_map_lock(map);
	vm_map_unlock(map);
	vm_map_deallocate(map);
}

TEST(vm_map_range, lookup_for_writing_shadows_and_for_reading_strips_write)
{
	struct vm_map_lookup l;
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	child = vm_map_fork(map);
	ASSERT_EQ(vm_map_lookup(child, A, R, &l), KERN_SUCCESS);
	ASSERT_EQ(l.prot, R);
	vm_map_lookup_done(child, &l);
	ASSERT_TRUE(fixture_entry(child, A)->needs_copy);
	ASSERT_EQ(vm_map_lookup(child, A, W, &l), KERN_SUCCESS);
	ASSERT_EQ(l.prot, R | W);
	vm_map_lookup_done(child, &l);
	ASSERT_FALSE(fixture_entry(child, A)->needs_copy);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* A debugger's write: without the check it could write to what is shared and read-only. */
TEST(vm_map_range, lookup_with_copy_writes_to_nobodys_read_only_memory)
{
	struct vm_map_lookup l;
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(vm_map_inherit(map, A + P, A + 2 * P, VM_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_STORE(map, A + P, 2);
	ASSERT_EQ(protect(A, A + 2 * P, R, R, SET_PROT | SET_MAX), KERN_SUCCESS);
	child = vm_map_fork(map);
	/* Shared, and never writable: no. A private copy: yes, although it is read-only. */
	ASSERT_EQ(vm_map_lookup(child, A + P, R | VM_PROT_COPY, &l), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_lookup(child, A, R | VM_PROT_COPY, &l), KERN_SUCCESS);
	vm_map_lookup_done(child, &l);
	ASSERT_FALSE(fixture_entry(child, A)->needs_copy);
	/* It has the object that the parent's entry does not. */
	ASSERT_NE((uintptr_t)fixture_entry(child, A)->object.vm_object, (uintptr_t)fixture_entry(map, A)->object.vm_object);
	ASSERT_LOAD(child, A, 1);
	ASSERT_EQ(vm_map_lookup(child, A, W | VM_PROT_COPY, &l), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_range, lookup_goes_through_submaps_and_grows_stacks_for_faults)
{
	const struct vm_map_new rw = { .prot = R | W, .max = R | W, .cow = MAP_STACK_GROWS_DOWN };
	struct vm_map_lookup l;
	vm_offset_t top = A + 3 * M;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(add_window(R));
	ASSERT_EQ(vm_map_lookup(map, A + 17 * P, R, &l), KERN_SUCCESS);
	ASSERT_TRUE(l.map != map && l.prot == R);
	vm_map_lookup_done(map, &l);
	ASSERT_EQ(vm_map_lookup(map, A + 17 * P, R | VM_PROT_COPY, &l), KERN_FAILURE);
	ASSERT_EQ(vm_map_lookup(map, A + 17 * P, W, &l), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_stack(map, top - M, M, &rw), KERN_SUCCESS);
	ASSERT_EQ(vm_map_lookup(map, top - VM_STACK_GROW - P, W, &l), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_lookup(map, top - VM_STACK_GROW - P, W | VM_PROT_FAULT_LOOKUP, &l), KERN_SUCCESS);
	vm_map_lookup_done(map, &l);
	ASSERT_EQ(vm_map_lookup(map, top - M, W | VM_PROT_FAULT_LOOKUP, &l), KERN_PROTECTION_FAILURE);  /* guard page */
	ASSERT_EQ(vm_map_lookup(map, A, X | VM_PROT_FAULT_LOOKUP, &l), KERN_PROTECTION_FAILURE);
	vm_map_deallocate(map);
}

TEST(vm_map_range, lookup_locked_fails_where_something_would_have_to_change)
{
	struct vm_map_lookup l;
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(add_window(R | W));
	vm_map_lock_read(map);
	ASSERT_EQ(vm_map_bsd_lookup_locked(map, A, R, &l), KERN_FAILURE);       /* no object yet */
	ASSERT_EQ(vm_map_bsd_lookup_locked(map, A + 16 * P, R, &l), KERN_FAILURE);
	ASSERT_EQ(vm_map_bsd_lookup_locked(map, A + 4 * P, R, &l), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_bsd_lookup_locked(map, A, X, &l), KERN_PROTECTION_FAILURE);
	vm_map_unlock_read(map);
	ASSERT_STORE(map, A, 1);
	child = vm_map_fork(map);
	vm_map_lock_read(child);
	ASSERT_EQ(vm_map_bsd_lookup_locked(child, A, R, &l), KERN_SUCCESS);
	ASSERT_TRUE(l.prot == R && l.object == fixture_entry(child, A)->object.vm_object);
	ASSERT_EQ(vm_map_bsd_lookup_locked(child, A, W, &l), KERN_FAILURE);
	ASSERT_EQ(vm_map_bsd_lookup_locked(child, A, R | VM_PROT_COPY, &l), KERN_FAILURE);
	vm_map_unlock_read(child);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* --- small ones --- */

TEST(vm_map_range, check_protection_wants_every_right_of_every_page)
{
	ASSERT_TRUE(setup());
	ASSERT_TRUE(vm_map_check_protection(map, A, A + 4 * P, R | W));
	ASSERT_FALSE(vm_map_check_protection(map, A, A + 8 * P, R));
	ASSERT_FALSE(vm_map_check_protection(map, A, A + P, R | X));
	ASSERT_TRUE(vm_map_check_protection(map, A + 4 * P, A + 4 * P, VM_PROT_ALL));
	ASSERT_TRUE(add_window(R));
	ASSERT_TRUE(vm_map_check_protection(map, A + 16 * P, A + 20 * P, R));
	ASSERT_FALSE(vm_map_check_protection(map, A + 16 * P, A + 20 * P, W));
	vm_map_deallocate(map);
}

TEST(vm_map_range, range_valid_looks_at_addresses_only)
{
	vm_offset_t min, max;

	ASSERT_TRUE(setup());
	min = vm_map_min(map);
	max = vm_map_max(map);
	ASSERT_TRUE(vm_map_range_valid(map, min, max));
	ASSERT_TRUE(vm_map_check_boundary(map, A + 4 * P, A + 5 * P));
	ASSERT_FALSE(vm_map_range_valid(map, A, A));
	ASSERT_FALSE(vm_map_range_valid(map, A + P, A));
	ASSERT_FALSE(vm_map_range_valid(map, A, max + P));
	ASSERT_FALSE(vm_map_check_boundary(map, min - P, A));
	vm_map_deallocate(map);
}
