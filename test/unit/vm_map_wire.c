/*
 * vm_map_wire: wiring and unwiring: counts, pages, leaves, limits, what stands
 * in whose way, and what happens when it fails half way.
 */
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)

/* Wirings of the page that an entry's own object has for va; -1: none resident. */
static int
page_wirings(vm_map_t map, vm_offset_t va)
{
	vm_map_entry_t e = fixture_entry(map, va);
	struct vm_page *m;

	if (e == NULL || e->object.vm_object == NULL)
		return -1;
	spin_lock(&e->object.vm_object->lock);
	m = vm_page_lookup(e->object.vm_object, trunc_page(va) - e->vme_start + e->offset);
	spin_unlock(&e->object.vm_object->lock);
	return m != NULL ? m->wire_count : -1;
}

static bool
leaf_wired(vm_map_t map, vm_offset_t va)
{
	struct pmap_walk w;

	pmap_walk(map->pmap, va, &w);
	return w.leaf && w.wired;
}

static uint64_t
wired_leaves(vm_map_t map)
{
	struct pmap_stats s;

	pmap_stats(map->pmap, &s);
	return s.wired;
}

static kern_return_t
wire(vm_map_t map, vm_offset_t va, vm_size_t size)
{
	return vm_map_wire(map, va, va + size, VM_PROT_DEFAULT, true);
}

static kern_return_t
unwire(vm_map_t map, vm_offset_t va, vm_size_t size)
{
	return vm_map_unwire(map, va, va + size, true);
}

TEST(vm_map_wire, untouched_memory_becomes_resident_zero_and_stays)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 8 * P));
	ASSERT_EQ(wire(map, A + 2 * P, 3 * P), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_EQ(wired_leaves(map), 3);
	for (unsigned i = 2; i < 5; i++) {
		ASSERT_EQ(page_wirings(map, A + i * P), 1);
		ASSERT_TRUE(leaf_wired(map, A + i * P));
		ASSERT_EQ(fixture_leaf(map, A + i * P), VM_PROT_DEFAULT);
	}
	ASSERT_STORE(map, A + 3 * P, 9);
	pmap_collect(map->pmap);
	ASSERT_TRUE(leaf_wired(map, A + 3 * P));
	ASSERT_LOAD(map, A + 3 * P, 9);
	ASSERT_LOAD(map, A + 4 * P, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(unwire(map, A + 2 * P, 3 * P), KERN_SUCCESS);
	ASSERT_EQ(wired_leaves(map), 0);
	ASSERT_EQ(page_wirings(map, A + 3 * P), 0);
	ASSERT_LOAD(map, A + 3 * P, 9);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_wire, users_count_once_and_kernel_each_time)
{
	vm_map_t map = fixture_map();
	vm_map_entry_t e;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_EQ(wire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(wire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(vm_map_wire(map, A, A + 2 * P, VM_PROT_READ, false), KERN_SUCCESS);
	e = fixture_entry(map, A);
	ASSERT_EQ(e->user_wired_count, 2);
	ASSERT_EQ(e->wired_count, 2);
	ASSERT_EQ(page_wirings(map, A), 1);
	ASSERT_EQ(unwire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(unwire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(e->user_wired_count, 0);
	ASSERT_EQ(e->wired_count, 1);
	ASSERT_EQ(unwire(map, A, 2 * P), KERN_SUCCESS);         /* not wired by users: no error, no effect */
	ASSERT_EQ(e->wired_count, 1);
	ASSERT_EQ(page_wirings(map, A + P), 1);
	ASSERT_EQ(vm_map_unwire(map, A, A + 2 * P, false), KERN_SUCCESS);
	ASSERT_EQ(page_wirings(map, A + P), 0);
	ASSERT_EQ(vm_map_unwire(map, A, A + 2 * P, false), KERN_FAILURE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_wire, counts_are_tested_before_they_wrap)
{
	vm_map_t map = fixture_map();
	vm_map_entry_t e;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_EQ(wire(map, A, 2 * P), KERN_SUCCESS);
	e = fixture_entry(map, A);
	e->user_wired_count = MAX_WIRE_COUNT;
	ASSERT_EQ(wire(map, A, P), KERN_FAILURE);
	ASSERT_EQ(fixture_entries(map), 1);
	e->user_wired_count = 1;
	e->wired_count = MAX_WIRE_COUNT;
	ASSERT_EQ(vm_map_wire(map, A, A + P, VM_PROT_READ, false), KERN_FAILURE);
	e->wired_count = 1;
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_wire, refusals_change_nothing)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_TRUE(fixture_allocate(map, A + 6 * P, 4 * P));
	ASSERT_EQ(wire(map, A + P, 8 * P), KERN_INVALID_ADDRESS);
	ASSERT_EQ(wire(map, A + 20 * P, P), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_protect(map, A + 8 * P, A + 9 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(wire(map, A + 6 * P, 4 * P), KERN_PROTECTION_FAILURE);
	/* Tested on entries that are wired already, too. */
	ASSERT_EQ(vm_map_wire(map, A + 8 * P, A + 9 * P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(wire(map, A + 8 * P, P), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(fixture_entries(map), 4);
	ASSERT_EQ(wired_leaves(map), 1);
	ASSERT_EQ(vm_map_wire(map, A + 9 * P, A + 9 * P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(unwire(map, A + 5 * P, 6 * P), KERN_INVALID_ADDRESS);
	ASSERT_EQ(unwire(map, A + 2 * P, 20 * P), KERN_SUCCESS);
	ASSERT_EQ(wired_leaves(map), 0);
	ASSERT_EQ(map->user_wired_pages, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_wire, limits_count_users_pages)
{
	vm_map_t map = fixture_map(), other = fixture_map();
	uint64_t before = vm_map_user_wired_all;

	ASSERT_TRUE(fixture_allocate(map, A, 16 * P));
	ASSERT_TRUE(fixture_allocate(other, A, 16 * P));
	vm_map_wire_limit = 4;
	ASSERT_EQ(wire(map, A, 5 * P), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(wire(map, A, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(wire(map, A, 4 * P), KERN_SUCCESS);           /* nested: nothing new */
	ASSERT_EQ(wire(map, A + 8 * P, P), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(vm_map_wire(map, A + 8 * P, A + 9 * P, VM_PROT_READ, false), KERN_SUCCESS);
	vm_map_wire_limit_all = before + 6;
	ASSERT_EQ(wire(other, A, 3 * P), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(wire(other, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(vm_map_user_wired_all, before + 6);
	ASSERT_EQ(vm_map_remove(other, A, A + P, 0), KERN_SUCCESS);
	ASSERT_EQ(vm_map_user_wired_all, before + 5);
	ASSERT_EQ(other->user_wired_pages, 1);
	vm_map_wire_limit = vm_map_wire_limit_all = 0;
	ASSERT_EQ(vm_map_unwire(map, A + 8 * P, A + 9 * P, false), KERN_SUCCESS);
	ASSERT_TRUE(fixture_sound(map, other, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(other);
	ASSERT_EQ(vm_map_user_wired_all, before);
}

TEST(vm_map_wire, whole_megapage_keeps_its_leaf_and_survives_a_cut)
{
	vm_map_t map = fixture_map();
	struct pmap_stats s;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * M));
	ASSERT_EQ(wire(map, A, M), KERN_SUCCESS);
	pmap_stats(map->pmap, &s);
	ASSERT_EQ(s.wired, 512);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_STORE(map, A + 5 * P, 5);
	/* Rights of a part change: all of it stays wired. */
	ASSERT_EQ(vm_map_protect(map, A + 5 * P, A + 6 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_TRUE(leaf_wired(map, A + 5 * P));
	ASSERT_EQ(fixture_leaf(map, A + 5 * P), VM_PROT_READ);
	ASSERT_EQ(unwire(map, A, M / 2), KERN_SUCCESS);
	pmap_stats(map->pmap, &s);
	ASSERT_EQ(s.wired, 256);
	ASSERT_LOAD(map, A + 5 * P, 5);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_wire, protection_none_keeps_pages_and_gives_leaves_back)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_EQ(wire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_STORE(map, A, 3);
	ASSERT_EQ(vm_map_protect(map, A, A + 2 * P, VM_PROT_NONE, false), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_NONE);
	ASSERT_EQ(page_wirings(map, A), 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_protect(map, A, A + 2 * P, VM_PROT_DEFAULT, false), KERN_SUCCESS);
	ASSERT_TRUE(leaf_wired(map, A));
	ASSERT_TRUE(leaf_wired(map, A + P));
	ASSERT_LOAD(map, A, 3);
	/* No right in common with the one before. */
	ASSERT_EQ(vm_map_protect(map, A, A + 2 * P, VM_PROT_EXECUTE, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_protect(map, A, A + 2 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_TRUE(leaf_wired(map, A + P));
	ASSERT_EQ(fixture_leaf(map, A + P), VM_PROT_READ);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* The deferred copy is made now, though only reading is asked for. */
TEST(vm_map_wire, deferred_copy_is_resolved_even_for_reading)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 2);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(vm_map_wire(child, A, A + 4 * P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_FALSE(fixture_entry(child, A)->needs_copy);
	ASSERT_EQ(page_wirings(child, A), 1);
	ASSERT_EQ(page_wirings(child, A + P), 1);
	ASSERT_STORE(map, A, 9);
	ASSERT_LOAD(child, A, 1);
	ASSERT_STORE(child, A + P, 8);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	ASSERT_EQ(unwire(child, A, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(wired_leaves(child), 0);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* A part of a larger object is wired: copies of the neighbours leave it alone. */
TEST(vm_map_wire, part_of_an_object_and_later_copies_of_the_rest)
{
	vm_map_t map = fixture_map(), child;
	int before;

	ASSERT_TRUE(fixture_allocate(map, A, 6 * P));
	for (unsigned i = 0; i < 6; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 1));
	ASSERT_EQ(wire(map, A + 2 * P, 2 * P), KERN_SUCCESS);
	before = page_wirings(map, A + 2 * P);
	ASSERT_EQ(before, 1);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(fixture_entry(child, A + 2 * P)->wired_count, 0);
	ASSERT_FALSE(fixture_entry(map, A + 2 * P)->needs_copy);
	for (unsigned i = 0; i < 6; i++) {
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 11));
		ASSERT_LOAD(child, A + i * P, (uint8_t)(i + 1));
	}
	ASSERT_TRUE(leaf_wired(map, A + 2 * P));
	ASSERT_EQ(page_wirings(map, A + 3 * P), 1);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	ASSERT_EQ(unwire(map, A, 6 * P), KERN_SUCCESS);
	for (unsigned i = 0; i < 6; i++)
		ASSERT_LOAD(map, A + i * P, (uint8_t)(i + 11));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_wire, two_maps_wire_one_shared_page_twice)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_EQ(vm_map_inherit(map, A, A + 2 * P, VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(wire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(wire(child, A, P), KERN_SUCCESS);
	ASSERT_EQ(page_wirings(map, A), 2);
	ASSERT_EQ(page_wirings(map, A + P), 1);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	ASSERT_EQ(page_wirings(map, A), 1);
	ASSERT_EQ(unwire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(page_wirings(map, A), 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_wire, removal_drops_users_wirings_and_heeds_the_kernels)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_EQ(wire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(wire(map, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(vm_map_remove(map, A, A + P, 0), KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 1);
	ASSERT_EQ(vm_map_wire(map, A + 2 * P, A + 3 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_remove(map, A, A + 4 * P, 0), KERN_FAILURE);
	ASSERT_LOAD(map, A + P, 0);
	ASSERT_EQ(map->size, 3 * P);
	ASSERT_EQ(vm_map_wire(map, A + 2 * P, A + 3 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_remove(map, A, A + 4 * P, VM_MAP_REMOVE_KUNWIRE), KERN_FAILURE);
	ASSERT_EQ(vm_map_unwire(map, A + 2 * P, A + 3 * P, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_remove(map, A, A + 4 * P, VM_MAP_REMOVE_KUNWIRE), KERN_SUCCESS);
	ASSERT_EQ(map->size, 0);
	ASSERT_EQ(map->user_wired_pages, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Each allocation of a wiring fails in turn: what was wired before stays, nothing else is. */
TEST(vm_map_wire, shortage_at_each_allocation_undoes_this_call_only)
{
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	for (uint64_t n = 1; kr != KERN_SUCCESS && n < 200; n++) {
		vm_map_t map = fixture_map(), child;

		ASSERT_TRUE(fixture_allocate(map, A, 6 * P));
		ASSERT_STORE(map, A + 2 * P, 7);
		child = vm_map_fork(map);
		ASSERT_TRUE(child != NULL);
		ASSERT_EQ(wire(map, A + 4 * P, P), KERN_SUCCESS);
		vm_alloc_fail_at(n, true);
		kr = wire(map, A + P, 5 * P);
		vm_alloc_fail_at(0, false);
		if (kr != KERN_SUCCESS) {
			ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
			ASSERT_EQ(wired_leaves(map), 1);
			ASSERT_EQ(map->user_wired_pages, 1);
			ASSERT_EQ(fixture_entry(map, A + 4 * P)->user_wired_count, 1);
			ASSERT_EQ(fixture_entry(map, A + 2 * P)->wired_count, 0);
			ASSERT_TRUE(page_wirings(map, A + 2 * P) <= 0);
		}
		ASSERT_LOAD(map, A + 2 * P, 7);
		ASSERT_TRUE(fixture_sound(map, child, NULL));
		vm_map_deallocate(child);
		vm_map_deallocate(map);
	}
	ASSERT_EQ(kr, KERN_SUCCESS);
}

/* --- what happens at the points where the lock is dropped --- */

static vm_map_t hooked;
static unsigned hook_calls;
static vm_map_entry_t hook_seen;

static void
hook_cuts(const char *where, vm_map_t map)
{
	(void)where;
	if (map != hooked || hook_calls++ != 0)
		return;
	/* Inheritance may change meanwhile: the entry in transition is cut. */
	(void)vm_map_inherit(map, A + P, A + 2 * P, VM_INHERIT_NONE);
	hook_seen = fixture_entry(map, A + P);
}

TEST(vm_map_wire, pieces_cut_in_transition_are_all_released)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	hooked = map;
	hook_calls = 0;
	vm_relock_hook = hook_cuts;
	ASSERT_EQ(wire(map, A, 4 * P), KERN_SUCCESS);
	vm_relock_hook = NULL;
	ASSERT_TRUE(hook_calls > 0 && hook_seen != NULL);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(unwire(map, A, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(vm_map_inherit(map, A, A + 4 * P, VM_INHERIT_COPY), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- memory that is wired from the start --- */

TEST(vm_map_wire, wiring_required_wires_what_is_entered)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_EQ(task_wire(map, true), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + P, 2 * P));
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_EQ(fixture_entry(map, A)->wired_count, 0);
	ASSERT_EQ(fixture_entry(map, A + P)->user_wired_count, 1);
	ASSERT_EQ(wired_leaves(map), 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Its pages are there when it gets rights. */
TEST(vm_map_wire, wiring_required_wires_what_has_no_rights_yet)
{
	struct vm_map_enter_args a = { .size = 2 * P, .flags = VM_FLAGS_ANYWHERE, .max = VM_PROT_ALL };
	vm_map_t map = fixture_map();
	vm_offset_t at = A;

	ASSERT_EQ(task_wire(map, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_enter(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, at)->user_wired_count, 1);
	ASSERT_EQ(wired_leaves(map), 0);
	ASSERT_EQ(fixture_load(map, at, &(uint8_t){ 0 }), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_protect(map, at, at + 2 * P, VM_PROT_DEFAULT, false), KERN_SUCCESS);
	ASSERT_EQ(wired_leaves(map), 2);
	ASSERT_STORE(map, at, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_wire, overwrite_that_cannot_be_wired_puts_everything_back)
{
	vm_map_t map = fixture_map();
	vm_address_ut a = vm_address_u(A + P);

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A + P, 5);
	ASSERT_STORE(map, A + 2 * P, 6);
	ASSERT_EQ(wire(map, A + 2 * P, P), KERN_SUCCESS);
	ASSERT_EQ(task_wire(map, true), KERN_SUCCESS);
	vm_map_wire_limit = 1;
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(3 * P), VM_FLAGS_OVERWRITE), KERN_RESOURCE_SHORTAGE);
	vm_map_wire_limit = 0;
	ASSERT_LOAD(map, A + P, 5);
	ASSERT_LOAD(map, A + 2 * P, 6);
	ASSERT_TRUE(leaf_wired(map, A + 2 * P));
	ASSERT_EQ(map->size, 4 * P);
	ASSERT_EQ(map->user_wired_pages, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(3 * P), VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 2 * P, 0);
	ASSERT_EQ(map->user_wired_pages, 3);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* A page that comes up into a shared object for its wiring is what the other sharers see from then on. */
TEST(vm_map_wire, sharers_see_the_page_that_wiring_brought_up)
{
	vm_map_t map = fixture_map(), one, two;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_STORE(map, A, 1);
	one = vm_map_fork(map);
	ASSERT_TRUE(one != NULL);
	ASSERT_EQ(vm_map_inherit(one, A, A + 2 * P, VM_INHERIT_SHARE), KERN_SUCCESS);
	two = vm_map_fork(one);
	ASSERT_TRUE(two != NULL);
	ASSERT_LOAD(two, A, 1);
	ASSERT_EQ(page_wirings(one, A), -1);
	ASSERT_EQ(vm_map_wire(one, A, A + P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(page_wirings(one, A), 1);
	ASSERT_STORE(one, A, 9);
	ASSERT_LOAD(two, A, 9);
	ASSERT_LOAD(map, A, 1);
	ASSERT_TRUE(fixture_sound(map, one, two, NULL));
	vm_map_deallocate(one);
	vm_map_deallocate(two);
	vm_map_deallocate(map);
}

/* --- through windows of submaps --- */

#define B (8 * M)

static bool
enter_window(vm_map_t map, vm_map_t sub, bool copy, uint32_t flags)
{
	vm_offset_t at = A;
	struct vm_map_enter_args args = {
		.size = M, .offset = B, .needs_copy = copy, .flags = flags, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_SHARE,
	};

	return vm_map_enter_submap(map, &at, &args, sub, (flags & VM_FLAGS_ALIAS_MASK) != 0) == KERN_SUCCESS;
}

TEST(vm_map_wire, windows_wire_the_submap_once_each)
{
	vm_map_t one = fixture_map(), two = fixture_map(), sub = vm_map_create(PMAP_NULL, 0, 64 * M, true);

	ASSERT_TRUE(fixture_allocate(sub, B, M));
	ASSERT_TRUE(enter_window(one, sub, false, 0) && enter_window(two, sub, false, 0));
	ASSERT_STORE(one, A + P, 7);
	ASSERT_EQ(wire(one, A, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(one, A)->user_wired_count, 1);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 1);
	ASSERT_EQ(page_wirings(sub, B + P), 1);
	ASSERT_TRUE(leaf_wired(one, A + P));
	/* The other one sees the page, and does not hold it. */
	ASSERT_LOAD(two, A + P, 7);
	ASSERT_FALSE(leaf_wired(two, A + P));
	ASSERT_TRUE(fixture_sound(one, two, sub, NULL));
	ASSERT_EQ(wire(two, A, 2 * P), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 2);
	ASSERT_EQ(page_wirings(sub, B + P), 1);
	ASSERT_TRUE(leaf_wired(two, A));
	ASSERT_TRUE(leaf_wired(two, A + P));
	ASSERT_TRUE(fixture_sound(one, two, sub, NULL));
	ASSERT_EQ(unwire(one, A, 4 * P), KERN_SUCCESS);
	ASSERT_EQ(wired_leaves(one), 0);
	ASSERT_EQ(page_wirings(sub, B + P), 1);
	ASSERT_EQ(page_wirings(sub, B + 3 * P), 0);
	ASSERT_TRUE(fixture_sound(one, two, sub, NULL));
	vm_map_deallocate(two);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 0);
	ASSERT_EQ(page_wirings(sub, B + P), 0);
	ASSERT_TRUE(fixture_sound(one, sub, NULL));
	vm_map_deallocate(one);
	vm_map_deallocate(sub);
}

TEST(vm_map_wire, copy_on_write_windows_are_un_nested_first)
{
	vm_map_t one = fixture_map(), sub = vm_map_create(PMAP_NULL, 0, 64 * M, true);

	ASSERT_TRUE(fixture_allocate(sub, B, M));
	ASSERT_TRUE(enter_window(one, sub, true, 0));
	ASSERT_LOAD(one, A + P, 0);
	ASSERT_EQ(wire(one, A, 4 * P), KERN_SUCCESS);
	ASSERT_FALSE(fixture_entry(one, A)->is_sub_map);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 0);
	ASSERT_EQ(page_wirings(one, A + P), 1);
	ASSERT_STORE(one, A + P, 5);
	ASSERT_TRUE(fixture_sound(one, sub, NULL));
	vm_map_deallocate(one);
	vm_map_deallocate(sub);
}

TEST(vm_map_wire, a_hole_in_the_submap_undoes_the_window)
{
	vm_map_t one = fixture_map(), sub = vm_map_create(PMAP_NULL, 0, 64 * M, true);

	ASSERT_TRUE(fixture_allocate(sub, B, 2 * P));
	ASSERT_TRUE(fixture_allocate(one, A - 2 * P, 2 * P));
	ASSERT_TRUE(enter_window(one, sub, false, 0));
	ASSERT_EQ(wire(one, A - 2 * P, 5 * P), KERN_INVALID_ADDRESS);
	ASSERT_EQ(fixture_entry(one, A)->wired_count, 0);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 0);
	ASSERT_EQ(wired_leaves(one), 0);
	ASSERT_EQ(one->user_wired_pages, 0);
	ASSERT_TRUE(fixture_sound(one, sub, NULL));
	ASSERT_EQ(wire(one, A - 2 * P, 4 * P), KERN_SUCCESS);
	ASSERT_TRUE(fixture_sound(one, sub, NULL));
	vm_map_deallocate(one);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 0);
	vm_map_deallocate(sub);
}

TEST(vm_map_wire, nested_tables_hold_the_leaves_of_a_wired_window)
{
	vm_map_t one = fixture_map(), sub = vm_map_create(PMAP_NULL, 0, 64 * M, true);

	ASSERT_TRUE(fixture_allocate(sub, B, M));
	ASSERT_TRUE(enter_window(one, sub, false, VM_MAKE_TAG(VM_MEMORY_SHARED_PMAP)));
	ASSERT_TRUE(fixture_entry(one, A)->use_pmap);
	ASSERT_STORE(one, A + P, 7);
	ASSERT_EQ(wire(one, A, M), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(sub, B)->wired_count, 1);
	ASSERT_TRUE(leaf_wired(sub, B + P));
	ASSERT_TRUE(leaf_wired(one, A + P));
	ASSERT_TRUE(fixture_sound(one, sub, NULL));
	ASSERT_EQ(unwire(one, A, M), KERN_SUCCESS);
	ASSERT_FALSE(leaf_wired(one, A + P));
	ASSERT_LOAD(one, A + P, 7);
	ASSERT_TRUE(fixture_sound(one, sub, NULL));
	vm_map_deallocate(one);
	vm_map_deallocate(sub);
}
