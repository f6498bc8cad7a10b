/*
 * vm_map_stack: stacks in both forms, what makes them grow and what keeps them
 * from it, limits, and guards in every operation.
 */
#include <string.h>
#include <mm/vm_map_copy.h>
#include <mm/vm_map_stack.h>
#include <mm/vm_named_entry.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A       (64 * M)
#define MAX     (1 * M)                 /* of the stack at A */
#define TOP     (A + MAX)
#define G       VM_STACK_GROW
#define ANYWHERE 0ul

static vm_map_t map;

static const struct vm_map_new rw = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .cow = MAP_STACK_GROWS_DOWN };
static const struct vm_map_new rw_up = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .cow = MAP_STACK_GROWS_UP };

static bool
setup(void)
{
	map = fixture_map();
	return vm_map_stack(map, A, MAX, &rw) == KERN_SUCCESS;
}

static bool
setup_classic(void)
{
	map = fixture_map();
	vm_map_set_stack_rules(map, VM_STACK_CLASSIC, true);
	return vm_map_stack(map, A, MAX, &rw) == KERN_SUCCESS;
}

/* As vm_allocate: at `at`, or ANYWHERE. */
static kern_return_t
allocate(vm_map_t m, vm_offset_t at, vm_size_t size)
{
	vm_address_ut a = vm_address_u(at);

	return vm_allocate(m, &a, vm_size_u(size), at == ANYWHERE ? VM_FLAGS_ANYWHERE : VM_FLAGS_FIXED);
}

/* Entry at va is [start, end). */
static bool
entry_is(vm_offset_t va, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t e = fixture_entry(map, va);

	return e != NULL && e->vme_start == start && e->vme_end == end;
}

TEST(vm_map_stack, the_whole_range_is_taken_and_a_part_mapped)
{
	vm_offset_t a = A;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(entry_is(A, A, TOP - G) && entry_is(TOP - 1, TOP - G, TOP));
	ASSERT_TRUE(fixture_entry(map, A)->guard && fixture_entry(map, A)->stack_gap);
	ASSERT_EQ(map->size, G);
	ASSERT_EQ(allocate(map, a, P), KERN_NO_SPACE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_remove(map, A, TOP, 0), KERN_SUCCESS);
	ASSERT_EQ(map->size, 0);
	vm_map_deallocate(map);
}

TEST(vm_map_stack, an_access_to_the_gap_grows_it_in_chunks)
{
	vm_map_entry_t e;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, TOP - 1, 1);
	ASSERT_STORE(map, TOP - G - 1, 2);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - 2 * G, TOP));
	/* Three chunks at once. */
	ASSERT_STORE(map, TOP - 5 * G + 8, 3);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - 5 * G, TOP));
	e = fixture_entry(map, TOP - 1);
	ASSERT_EQ(e->object.vm_object->ref_count, 1);
	ASSERT_EQ(map->size, 5 * G);
	ASSERT_LOAD(map, TOP - 1, 1);
	ASSERT_LOAD(map, TOP - G - 1, 2);
	ASSERT_LOAD(map, TOP - 5 * G + 8, 3);
	ASSERT_LOAD(map, TOP - 3 * G, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, the_guard_page_ends_it)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(fixture_store(map, A, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_growstack(map, A + 8), KERN_NO_SPACE);
	ASSERT_TRUE(entry_is(A, A, TOP - G));
	ASSERT_STORE(map, A + P, 1);
	ASSERT_TRUE(entry_is(A, A, A + P) && entry_is(TOP - 1, A + P, TOP));
	ASSERT_EQ(fixture_store(map, A + P - 1, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, without_a_guard_page_the_gap_is_used_up)
{
	map = fixture_map();
	vm_map_set_stack_rules(map, VM_STACK_GAP, false);
	ASSERT_EQ(vm_map_stack(map, A, MAX, &rw), KERN_SUCCESS);
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(entry_is(A, A, TOP));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
	map = fixture_map();
	vm_map_set_stack_rules(map, VM_STACK_GAP, false);
	/* No more than the first part: no gap at all. */
	ASSERT_EQ(vm_map_stack(map, A, G, &rw), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 1);
	vm_map_deallocate(map);
}

TEST(vm_map_stack, growing_up)
{
	map = fixture_map();
	ASSERT_EQ(vm_map_stack(map, A, MAX, &rw_up), KERN_SUCCESS);
	ASSERT_TRUE(entry_is(A, A, A + G) && entry_is(TOP - 1, A + G, TOP));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + G, 2);
	ASSERT_TRUE(entry_is(A, A, A + 2 * G));
	ASSERT_STORE(map, A + 4 * G, 3);
	ASSERT_TRUE(entry_is(A, A, A + 5 * G));
	ASSERT_EQ(fixture_store(map, TOP - P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_STORE(map, TOP - P - 1, 4);
	ASSERT_LOAD(map, A, 1);
	ASSERT_LOAD(map, A + G, 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, codes_of_the_page)
{
	struct vm_map_new w = rw;
	vm_offset_t min, max, a = TOP - P;

	map = fixture_map();
	min = map->min_offset;
	max = map->max_offset;
	ASSERT_EQ(vm_map_stack(map, max + P, MAX, &rw), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_stack(map, min - P, MAX, &rw), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_stack(map, max - P, MAX, &rw), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_stack(map, A, ~0ul & ~PAGE_MASK, &rw), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_stack(map, A, 0, &rw), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_stack(map, A, P, &rw), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_stack(map, A + 1, MAX, &rw), KERN_INVALID_ARGUMENT);
	w.cow |= MAP_STACK_GROWS_UP;
	ASSERT_EQ(vm_map_stack(map, A, MAX, &w), KERN_INVALID_ARGUMENT);
	w = rw;
	w.max = VM_PROT_READ;
	ASSERT_EQ(vm_map_stack(map, A, MAX, &w), KERN_INVALID_ARGUMENT);
	w = rw;
	w.cow |= MAP_CREATE_GUARD;
	ASSERT_EQ(vm_map_stack(map, A, MAX, &w), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(allocate(map, a, P), KERN_SUCCESS);
	ASSERT_EQ(vm_map_stack(map, A, MAX, &rw), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_stack(map, a, MAX, &rw), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_stack(map, A, MAX - P, &rw), KERN_SUCCESS);
	/* Mapped, or outside of every stack: nothing to do. */
	ASSERT_EQ(vm_map_growstack(map, a), KERN_SUCCESS);
	ASSERT_EQ(vm_map_growstack(map, a - 1), KERN_SUCCESS);
	ASSERT_EQ(vm_map_growstack(map, A - 1), KERN_SUCCESS);
	ASSERT_EQ(vm_map_growstack(map, ~0ul), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* FreeBSD's PR 272585: what grows below a protected page had its rights. */
TEST(vm_map_stack, what_grows_has_the_rights_that_the_stack_was_made_with)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_protect(map, TOP - G, TOP - G + P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_STORE(map, TOP - G - 1, 2);
	ASSERT_EQ(fixture_entry(map, TOP - G - 1)->protection, VM_PROT_DEFAULT);
	ASSERT_EQ(fixture_store(map, TOP - G, 1), KERN_PROTECTION_FAILURE);
	/* And the next part extends the one just made. */
	ASSERT_STORE(map, TOP - 2 * G - 1, 3);
	ASSERT_TRUE(entry_is(TOP - G - 1, TOP - 3 * G, TOP - G));
	ASSERT_LOAD(map, TOP - G - 1, 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, protection_of_the_gap_is_that_of_what_grows)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_protect(map, A, TOP, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A)->protection, VM_PROT_NONE);
	ASSERT_EQ(fixture_store(map, TOP - G - 1, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - G, TOP));
	ASSERT_LOAD(map, TOP - G - 1, 0);
	ASSERT_EQ(fixture_entry(map, TOP - G - 1)->protection, VM_PROT_READ);
	/* The maximum is judged, too. */
	ASSERT_EQ(vm_map_protect(map, A, TOP, VM_PROT_READ | VM_PROT_WRITE, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_protect(map, A, TOP, VM_PROT_EXECUTE, false), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_protect(map, A, TOP, VM_PROT_DEFAULT, false), KERN_SUCCESS);
	ASSERT_STORE(map, A + P, 7);
	ASSERT_EQ(fixture_entry(map, A + P)->max_protection, VM_PROT_DEFAULT);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, flags_go_to_what_grows_too)
{
	struct vm_map_new w = rw;
	vm_map_entry_t e;

	map = fixture_map();
	w.cow |= MAP_INHERIT_SHARE | MAP_DISABLE_SYNCER | MAP_DISABLE_COREDUMP;
	ASSERT_EQ(vm_map_stack(map, A, MAX, &w), KERN_SUCCESS);
	ASSERT_EQ(vm_map_wire(map, TOP - G, TOP, VM_PROT_READ, true), KERN_SUCCESS);    /* what grows is an entry of its own */
	ASSERT_STORE(map, TOP - G - 1, 1);
	e = fixture_entry(map, TOP - G - 1);
	ASSERT_EQ(e->vme_end, TOP - G);
	ASSERT_TRUE(e->inheritance == VM_INHERIT_SHARE && e->no_sync && e->no_core && e->grows_down);
	ASSERT_EQ(fixture_entry(map, A)->inheritance, VM_INHERIT_SHARE);
	vm_map_deallocate(map);
}

/* vm_protect with VM_PROT_COPY, and vm_copy, put other objects there: it is a stack still. */
TEST(vm_map_stack, a_stack_whose_memory_was_replaced_grows)
{
	ASSERT_TRUE(setup());
	ASSERT_STORE(map, TOP - G, 1);
	ASSERT_EQ(vm_map_protect(map, TOP - G, TOP - G + P, VM_PROT_DEFAULT | VM_PROT_COPY, false), KERN_SUCCESS);
	ASSERT_LOAD(map, TOP - G, 1);
	ASSERT_STORE(map, TOP - G - 1, 2);
	ASSERT_TRUE(fixture_fill(map, 2 * A, 4, 7));
	ASSERT_EQ(vm_copy(map, vm_address_u(2 * A), vm_size_u(4 * P), vm_address_u(TOP - 2 * G)), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(map, TOP - 2 * G, 4, 7));
	ASSERT_STORE(map, TOP - 2 * G - 1, 3);
	ASSERT_LOAD(map, TOP - G - 1, 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, a_part_that_cannot_be_extended_gets_a_neighbour)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, TOP - 1, 1);
	ASSERT_EQ(vm_map_inherit(map, A, TOP, VM_INHERIT_COPY), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	/* Both go their own way, and inherit the form. */
	ASSERT_STORE(map, TOP - G - 1, 2);
	ASSERT_STORE(child, TOP - G - 1, 3);
	ASSERT_STORE(child, TOP - 3 * G - 1, 4);
	ASSERT_LOAD(map, TOP - G - 1, 2);
	ASSERT_LOAD(child, TOP - G - 1, 3);
	ASSERT_LOAD(child, TOP - 1, 1);
	ASSERT_EQ(fixture_entries(child), 3);
	ASSERT_EQ(child->size, 4 * G);
	ASSERT_TRUE(fixture_sound_all(map, child, NULL));
	vm_map_deallocate(child);
	/* Wired: what grows is not. */
	ASSERT_EQ(vm_map_wire(map, TOP - P, TOP, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_STORE(map, TOP - 3 * G, 5);
	ASSERT_EQ(map->user_wired_pages, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, inheritance_of_the_stack_goes_with_it)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_inherit(map, A, TOP, VM_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_STORE(map, TOP - G - 1, 2);
	ASSERT_EQ(fixture_entry(map, TOP - G - 1)->inheritance, VM_INHERIT_SHARE);
	child = vm_map_fork(map);
	ASSERT_STORE(child, TOP - G - 1, 3);
	ASSERT_LOAD(map, TOP - G - 1, 3);
	ASSERT_TRUE(fixture_entry(child, A)->guard && fixture_entry(child, A)->object.vm_object == NULL);
	ASSERT_TRUE(fixture_sound_all(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_stack, a_gap_whose_stack_is_gone_is_a_guard)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_remove(map, TOP - G, TOP, 0), KERN_SUCCESS);
	ASSERT_EQ(vm_map_growstack(map, TOP - G - 1), KERN_FAILURE);
	ASSERT_EQ(fixture_store(map, TOP - G - 1, 1), KERN_PROTECTION_FAILURE);
	/* Other memory beside it is no stack. */
	ASSERT_TRUE(fixture_allocate(map, TOP - G, P));
	ASSERT_EQ(fixture_store(map, TOP - G - 1, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_growstack(map, TOP - G - 1), KERN_FAILURE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, pieces_of_a_gap_merge_again_and_two_gaps_never_do)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_inherit(map, A + 2 * P, A + 4 * P, VM_INHERIT_NONE), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 4);
	ASSERT_EQ(vm_map_inherit(map, A, TOP, VM_INHERIT_COPY), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 2);
	/* A stack below, whose mapped part goes: its gap moves up to the other's but by the hole's width. */
	ASSERT_EQ(vm_map_stack(map, A - MAX, MAX, &rw_up), KERN_SUCCESS);
	ASSERT_EQ(vm_map_inherit(map, A - MAX, TOP, VM_INHERIT_NONE), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 4);
	ASSERT_STORE(map, A - MAX + G, 1);
	ASSERT_STORE(map, TOP - G - 1, 1);
	ASSERT_TRUE(entry_is(A - 1, A - MAX + 2 * G, A) && entry_is(A, A, TOP - 2 * G));
	ASSERT_TRUE(fixture_sound(map, NULL));
	/* Two that grow down: the gap that has lost its stack does not become the other's. */
	ASSERT_EQ(vm_map_stack(map, 2 * A, MAX, &rw), KERN_SUCCESS);
	ASSERT_EQ(vm_map_remove(map, 2 * A + MAX - G, 2 * A + MAX, VM_MAP_NO_FLAGS), KERN_SUCCESS);
	ASSERT_EQ(vm_map_stack(map, 2 * A + MAX - G, MAX, &rw), KERN_SUCCESS);
	ASSERT_EQ(vm_map_inherit(map, 2 * A, 2 * A + 2 * MAX, VM_INHERIT_NONE), KERN_SUCCESS);
	ASSERT_TRUE(entry_is(2 * A, 2 * A, 2 * A + MAX - G));
	ASSERT_EQ(vm_map_growstack(map, 2 * A + MAX - G - 1), KERN_FAILURE);
	ASSERT_EQ(vm_map_growstack(map, 2 * A + MAX - G), KERN_NO_SPACE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, limits_of_size_and_of_the_main_stack)
{
	struct vm_map_limits l = { 2 * G, VM_LIMIT_NONE, 3 * G };
	vm_offset_t a = 2 * A;

	ASSERT_TRUE(setup());
	vm_map_set_main_stack(map, A, TOP, VM_LIMIT_NONE);
	vm_map_set_limits(map, &l);
	ASSERT_EQ(vm_map_growstack(map, TOP - G - 1), KERN_SUCCESS);
	ASSERT_EQ(vm_map_growstack(map, TOP - 2 * G - 1), KERN_NO_SPACE);       /* size */
	ASSERT_EQ(allocate(map, a, P), KERN_NO_SPACE);
	ASSERT_EQ(allocate(map, ANYWHERE, P), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_stack(map, 3 * A, MAX, &rw), KERN_NO_SPACE);
	l.size = VM_LIMIT_NONE;
	vm_map_set_limits(map, &l);
	ASSERT_EQ(vm_map_growstack(map, TOP - 3 * G), KERN_SUCCESS);
	ASSERT_EQ(vm_map_growstack(map, TOP - 3 * G - 1), KERN_NO_SPACE);       /* stack */
	ASSERT_EQ(fixture_store(map, TOP - 3 * G - 1, 1), KERN_PROTECTION_FAILURE);
	/* Clipped to what the limit leaves, pages. */
	l.stack = 3 * G + 2 * P + 5;
	vm_map_set_limits(map, &l);
	ASSERT_STORE(map, TOP - 3 * G - 1, 1);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - 3 * G - 2 * P, TOP));
	ASSERT_EQ(vm_map_growstack(map, TOP - 3 * G - 2 * P - 1), KERN_NO_SPACE);
	/* Other stacks are not the main one. */
	ASSERT_EQ(vm_map_stack(map, 3 * A, MAX, &rw), KERN_SUCCESS);
	ASSERT_STORE(map, 3 * A + P, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, overwriting_is_charged_for_the_difference)
{
	struct vm_map_enter_args args = {
		.size = 4 * P, .flags = VM_FLAGS_OVERWRITE, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT,
	};
	struct vm_map_limits l = { 6 * P, VM_LIMIT_NONE, VM_LIMIT_NONE };
	vm_offset_t a = A;

	map = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	vm_map_set_limits(map, &l);
	a = A + 2 * P;
	ASSERT_EQ(vm_map_enter(map, &a, &args), KERN_SUCCESS);
	a = A + 5 * P;
	ASSERT_EQ(vm_map_enter(map, &a, &args), KERN_NO_SPACE);
	ASSERT_EQ(map->size, 6 * P);
	/* A child may have what its parent has, and no more. */
	{
		vm_map_t child = vm_map_fork(map);

		ASSERT_EQ(allocate(child, ANYWHERE, P), KERN_NO_SPACE);
		vm_map_deallocate(child);
	}
	vm_map_deallocate(map);
}

TEST(vm_map_stack, wired_memory_has_its_limit)
{
	struct vm_map_limits l = { VM_LIMIT_NONE, 2 * P, VM_LIMIT_NONE };

	ASSERT_TRUE(setup());
	vm_map_set_limits(map, &l);
	ASSERT_EQ(vm_map_wire(map, TOP - 3 * P, TOP, VM_PROT_READ, true), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(vm_map_wire(map, TOP - 2 * P, TOP, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_wire(map, TOP - 4 * P, TOP - 3 * P, VM_PROT_READ, true), KERN_RESOURCE_SHORTAGE);
	/* The kernel's wirings are not the user's. */
	ASSERT_EQ(vm_map_wire(map, TOP - 4 * P, TOP - 3 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_unwire(map, TOP - 4 * P, TOP - 3 * P, false), KERN_SUCCESS);
	/* New memory is wired: a stack that grows is refused beyond the limit, before anything is done. */
	map->wiring_required = true;
	ASSERT_EQ(vm_map_growstack(map, TOP - G - 1), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_stack(map, 2 * A, MAX, &rw), KERN_NO_SPACE);
	l.wired = 3 * G;
	vm_map_set_limits(map, &l);
	ASSERT_EQ(vm_map_growstack(map, TOP - G - 1), KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 2 + G / P);
	ASSERT_EQ(vm_map_stack(map, 2 * A, MAX, &rw), KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 2 + 2 * G / P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, a_growth_that_cannot_be_wired_leaves_the_gap)
{
	uint64_t all = vm_map_wire_limit_all;

	ASSERT_TRUE(setup());
	map->wiring_required = true;
	vm_map_wire_limit_all = __atomic_load_n(&vm_map_user_wired_all, __ATOMIC_RELAXED) + 1;
	ASSERT_EQ(vm_map_growstack(map, TOP - G - 1), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(vm_map_stack(map, 2 * A, MAX, &rw), KERN_RESOURCE_SHORTAGE);
	ASSERT_TRUE(entry_is(A, A, TOP - G) && entry_is(TOP - 1, TOP - G, TOP));
	ASSERT_EQ(fixture_entries(map), 2);
	/* Used up by it, the gap comes back. */
	vm_map_set_stack_rules(map, VM_STACK_GAP, false);
	vm_map_wire_limit_all = all;
	ASSERT_EQ(vm_map_stack(map, 2 * A, 2 * G, &rw), KERN_SUCCESS);
	vm_map_wire_limit_all = __atomic_load_n(&vm_map_user_wired_all, __ATOMIC_RELAXED) + 1;
	ASSERT_EQ(vm_map_growstack(map, 2 * A), KERN_RESOURCE_SHORTAGE);
	ASSERT_TRUE(entry_is(2 * A, 2 * A, 2 * A + G) && fixture_entry(map, 2 * A)->stack_gap);
	vm_map_wire_limit_all = all;
	ASSERT_EQ(vm_map_growstack(map, 2 * A), KERN_SUCCESS);
	ASSERT_TRUE(!fixture_entry(map, 2 * A)->guard);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- classic rules --- */

TEST(vm_map_stack, classic_maps_the_first_part_only)
{
	vm_offset_t a = A;

	ASSERT_TRUE(setup_classic());
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - G, TOP));
	ASSERT_STORE(map, TOP - 1, 1);
	ASSERT_STORE(map, TOP - G - 1, 2);
	ASSERT_STORE(map, TOP - 3 * G - 1, 3);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - 4 * G, TOP));
	ASSERT_EQ(fixture_entry(map, TOP - 1)->stack, MAX - 4 * G);
	/* The rest is anybody's, and then ends the stack, a page apart. */
	ASSERT_EQ(allocate(map, a, P), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(map, A + P, 1), KERN_INVALID_ADDRESS);
	ASSERT_STORE(map, A + 2 * P, 4);
	ASSERT_TRUE(entry_is(TOP - 1, A + 2 * P, TOP));
	ASSERT_LOAD(map, TOP - 1, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, classic_growth_stops_at_what_it_may_come_to)
{
	ASSERT_TRUE(setup_classic());
	ASSERT_EQ(vm_map_growstack(map, A - 1), KERN_NO_SPACE);
	ASSERT_EQ(fixture_store(map, A - 1, 1), KERN_INVALID_ADDRESS);
	ASSERT_STORE(map, A, 1);
	ASSERT_TRUE(entry_is(A, A, TOP));
	ASSERT_EQ(vm_map_growstack(map, A - 1), KERN_NO_SPACE);
	/* Above it nothing grows. */
	ASSERT_EQ(vm_map_growstack(map, TOP), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(map, TOP, 1), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, classic_growth_remembers_what_was_left_when_it_was_refused)
{
	vm_offset_t a = TOP - 3 * G;

	ASSERT_TRUE(setup_classic());
	ASSERT_EQ(allocate(map, a, G), KERN_SUCCESS);
	ASSERT_EQ(vm_map_growstack(map, TOP - 2 * G), KERN_NO_SPACE);   /* the guard page */
	ASSERT_EQ(fixture_entry(map, TOP - 1)->stack, G);
	ASSERT_EQ(vm_map_growstack(map, TOP - 2 * G + P), KERN_SUCCESS);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - 2 * G + P, TOP));
	ASSERT_EQ(vm_deallocate(map, vm_address_u(a), vm_size_u(G)), KERN_SUCCESS);
	ASSERT_EQ(vm_map_growstack(map, TOP - 2 * G - 1), KERN_NO_SPACE);
	vm_map_deallocate(map);
}

TEST(vm_map_stack, classic_in_both_directions)
{
	struct vm_map_new w = rw;
	vm_offset_t low, high;

	map = fixture_map();
	vm_map_set_stack_rules(map, VM_STACK_CLASSIC, true);
	w.cow |= MAP_STACK_GROWS_UP;
	ASSERT_EQ(vm_map_stack(map, A, MAX, &w), KERN_SUCCESS);
	low = A + (MAX - G) / 2;
	high = low + G;
	ASSERT_TRUE(entry_is(low, low, high));
	ASSERT_STORE(map, low - 1, 1);
	ASSERT_STORE(map, high, 2);
	ASSERT_TRUE(entry_is(low, low - G, high + G));
	ASSERT_EQ(fixture_entry(map, low)->stack, MAX - 3 * G);
	ASSERT_LOAD(map, low - 1, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, classic_between_two_the_nearer_grows)
{
	map = fixture_map();
	vm_map_set_stack_rules(map, VM_STACK_CLASSIC, false);
	ASSERT_EQ(vm_map_stack(map, A, MAX, &rw_up), KERN_SUCCESS);
	ASSERT_EQ(vm_map_stack(map, TOP, MAX, &rw), KERN_SUCCESS);
	ASSERT_STORE(map, A + G, 1);
	ASSERT_STORE(map, TOP + MAX - G - 1, 2);
	ASSERT_TRUE(entry_is(A, A, A + 2 * G) && entry_is(TOP + MAX - 1, TOP + MAX - 2 * G, TOP + MAX));
	/* As near to one as to the other: the lower. */
	ASSERT_EQ(vm_map_growstack(map, TOP), KERN_NO_SPACE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* The gap of a stack that was made by the other rules is no part that grows. */
TEST(vm_map_stack, classic_growth_begins_at_no_gap)
{
	map = fixture_map();
	ASSERT_EQ(vm_map_stack(map, A, MAX, &rw_up), KERN_SUCCESS);
	vm_map_set_stack_rules(map, VM_STACK_CLASSIC, true);
	ASSERT_EQ(vm_map_growstack(map, TOP), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, TOP) == NULL);
	ASSERT_EQ(fixture_store(map, TOP + P, 1), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(entry_is(TOP - 1, A + G, TOP));
	/* It grows into its gap as before. */
	ASSERT_STORE(map, A + G, 2);
	ASSERT_TRUE(entry_is(A, A, A + 2 * G));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
	/* A stack below a gap of the other kind. */
	map = fixture_map();
	ASSERT_EQ(vm_map_stack(map, A, MAX, &rw_up), KERN_SUCCESS);
	vm_map_set_stack_rules(map, VM_STACK_CLASSIC, true);
	ASSERT_EQ(vm_map_stack(map, A + 2 * MAX, MAX, &rw), KERN_SUCCESS);
	ASSERT_STORE(map, TOP + 2 * MAX - G - P, 1);
	ASSERT_EQ(vm_map_growstack(map, TOP), KERN_NO_SPACE);   /* the stack's above, not the gap's */
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, classic_part_of_other_rights_takes_the_growing_over)
{
	ASSERT_TRUE(setup_classic());
	ASSERT_EQ(vm_map_wire(map, TOP - G, TOP, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_STORE(map, TOP - G - 1, 1);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_TRUE(!fixture_entry(map, TOP - 1)->grows_down && fixture_entry(map, TOP - G - 1)->grows_down);
	ASSERT_EQ(fixture_entry(map, TOP - G - 1)->stack, MAX - 2 * G);
	ASSERT_STORE(map, TOP - 2 * G - 1, 1);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- guards, in each operation --- */

static bool
setup_guard(void)
{
	struct vm_map_entry g = {
		.vme_start = A + P, .vme_end = A + 3 * P, .guard = true, .inheritance = VM_INHERIT_COPY,
	};
	vm_map_entry_t after;

	map = fixture_map();
	if (!fixture_allocate(map, A, P) || !fixture_allocate(map, A + 3 * P, P) || fixture_store(map, A, 1) != KERN_SUCCESS)
		return false;
	vm_map_lock(map);
	(void)vm_map_lookup_entry(map, A, &after);
	(void)vm_map_entry_insert(map, after, &g);
	vm_map_unlock(map);
	return fixture_sound(map, NULL);
}

TEST(vm_map_stack, a_guard_gives_nobody_rights)
{
	vm_offset_t a;
	uint8_t byte;

	ASSERT_TRUE(setup_guard());
	ASSERT_EQ(map->size, 2 * P);
	ASSERT_EQ(fixture_load(map, A + P, &byte), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_growstack(map, A + P), KERN_FAILURE);
	ASSERT_EQ(vm_map_protect(map, A, A + 4 * P, VM_PROT_READ, false), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_protect(map, A + P, A + 2 * P, VM_PROT_WRITE | VM_PROT_COPY, false), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_protect(map, A + P, A + 2 * P, VM_PROT_NONE, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_wire(map, A, A + 4 * P, VM_PROT_READ, true), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_wire(map, A + P, A + 2 * P, VM_PROT_NONE, true), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_read_user(map, A + P, &byte, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(!vm_map_check_protection(map, A, A + 4 * P, VM_PROT_READ));
	a = A + 2 * P;
	ASSERT_EQ(allocate(map, a, P), KERN_NO_SPACE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, a_guard_stays_one_in_every_operation)
{
	struct vm_remap_user_args r = {
		.size = vm_size_u(4 * P), .flags = VM_FLAGS_ANYWHERE, .src_addr = vm_address_u(A), .copy = true,
		.inheritance = VM_INHERIT_COPY,
	};
	vm_address_ut at = vm_address_u(0);
	vm_prot_t cur, max;
	vm_map_t child;
	uint8_t byte;

	ASSERT_TRUE(setup_guard());
	ASSERT_EQ(vm_map_inherit(map, A, A + 4 * P, VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(fixture_entry(child, A + P)->guard);
	ASSERT_EQ(child->size, 2 * P);
	ASSERT_TRUE(fixture_sound_all(map, child, NULL));
	vm_map_deallocate(child);
	for (vm_behavior_t b = 0; b <= VM_BEHAVIOR_LAST_VALID; b++)
		(void)vm_map_behavior_set(map, A + P, A + 2 * P, b);
	ASSERT_EQ(vm_map_msync(map, A, A + 4 * P, VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, A + P)->guard && fixture_entry(map, A + 2 * P)->guard);
	/* Remapped: the same without rights. */
	r.src = map;
	ASSERT_EQ(vm_remap(map, &at, &r, &cur, &max), KERN_SUCCESS);
	ASSERT_EQ(max, VM_PROT_NONE);
	ASSERT_EQ(fixture_load(map, at.v + P, &byte), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, at.v, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	/* Cut, and gone like anything else. */
	ASSERT_EQ(vm_map_remove(map, A, A + 2 * P, 0), KERN_SUCCESS);
	ASSERT_TRUE(entry_is(A + 2 * P, A + 2 * P, A + 3 * P) && fixture_entry(map, A + 2 * P)->guard);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* What vm_map_insert makes of the flags: the parts of a stack, without the rights that a gap of vm_map_stack keeps. */
TEST(vm_map_stack, guards_and_stacks_by_vm_map_insert)
{
	struct vm_map_new w = { .cow = MAP_CREATE_GUARD };
	vm_offset_t at = A;
	const struct vm_map_find_args find = { .what = rw, .length = MAX, .find_space = VMFS_ANY_SPACE };

	map = fixture_map();
	ASSERT_EQ(vm_map_fixed(map, A, P, &w), KERN_SUCCESS);
	w.cow |= MAP_STACK_GROWS_DOWN;
	ASSERT_EQ(vm_map_fixed(map, A + P, P, &w), KERN_INVALID_ARGUMENT);
	w.cow = MAP_CREATE_GUARD | MAP_CREATE_STACK_GAP_UP;
	ASSERT_EQ(vm_map_fixed(map, A + P, P, &w), KERN_SUCCESS);
	w.cow = MAP_CREATE_GUARD | MAP_CREATE_STACK_GAP_DN;
	ASSERT_EQ(vm_map_fixed(map, A + 2 * P, P, &w), KERN_SUCCESS);
	w = rw;
	vm_map_lock(map);
	ASSERT_EQ(vm_map_insert(map, A + 3 * P, A + 4 * P, &w), KERN_SUCCESS);
	vm_map_unlock(map);
	ASSERT_EQ(fixture_entries(map), 4);
	ASSERT_EQ(map->size, P);
	ASSERT_EQ(fixture_store(map, A + 2 * P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_STORE(map, A + 3 * P, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	/* And vm_map_find makes a whole one. */
	ASSERT_EQ(vm_map_find(map, &at, &find), KERN_SUCCESS);
	ASSERT_EQ(at, A + 4 * P);
	ASSERT_STORE(map, at + P, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	/* Nothing of a guard is wired, where all that is new is. */
	map->wiring_required = true;
	w = (struct vm_map_new){ .cow = MAP_CREATE_GUARD };
	ASSERT_EQ(vm_map_fixed(map, 2 * A, P, &w), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, 2 * A)->wired_count == 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, vm_map_fixed_puts_a_stack_in_the_place_of_others)
{
	struct vm_map_new w = rw;
	uint64_t all = vm_map_wire_limit_all;

	map = fixture_map();
	ASSERT_TRUE(fixture_fill(map, A, 4, 1));
	w.cow |= MAP_CHECK_EXCL;
	ASSERT_EQ(vm_map_fixed(map, A, MAX, &w), KERN_NO_SPACE);
	/* What is there comes back if the stack cannot be made. */
	map->wiring_required = true;
	vm_map_wire_limit_all = __atomic_load_n(&vm_map_user_wired_all, __ATOMIC_RELAXED) + 1;
	ASSERT_EQ(vm_map_fixed(map, A, MAX, &rw), KERN_RESOURCE_SHORTAGE);
	vm_map_wire_limit_all = all;
	map->wiring_required = false;
	ASSERT_EQ(vm_map_fixed(map, A, P, &rw), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(fixture_holds(map, A, 4, 1));
	ASSERT_EQ(vm_map_fixed(map, A, MAX, &rw), KERN_SUCCESS);
	ASSERT_TRUE(entry_is(A, A, TOP - G));
	ASSERT_STORE(map, A + P, 1);
	ASSERT_LOAD(map, A + 2 * P, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_stack, another_tasks_stack_is_not_grown_by_copies)
{
	vm_map_t other;
	vm_map_copy_t copy;
	char byte = 1;

	ASSERT_TRUE(setup());
	other = fixture_map();
	ASSERT_TRUE(fixture_allocate(other, A, P));
	ASSERT_EQ(vm_map_copyin(map, TOP - G - P, P, false, &copy), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_copyin(other, A, P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copy_overwrite(map, TOP - G - P, copy, false), KERN_PROTECTION_FAILURE);
	vm_map_copy_discard(copy);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - G, TOP));
	ASSERT_EQ(vm_map_write_user(map, &byte, TOP - G - P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(entry_is(TOP - 1, TOP - G, TOP));
	ASSERT_TRUE(fixture_sound_all(map, other, NULL));
	vm_map_deallocate(other);
	vm_map_deallocate(map);
}
