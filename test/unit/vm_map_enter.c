/*
 * vm_map_enter: flags, joining with neighbours, and the kernel's ways to a
 * place.
 */
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)

static kern_return_t
enter(vm_map_t map, vm_offset_t *addr, vm_size_t size, uint32_t flags)
{
	struct vm_map_enter_args args = {
		.size = size, .flags = flags, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT,
	};

	return vm_map_enter(map, addr, &args);
}

static kern_return_t
enter_at(vm_map_t map, vm_offset_t addr, vm_size_t size, uint32_t flags)
{
	vm_offset_t at = addr;

	return enter(map, &at, size, flags);
}

static uint64_t
wired_leaves(vm_map_t map)
{
	struct pmap_stats s;

	pmap_stats(map->pmap, &s);
	return s.wired;
}

TEST(vm_map_enter, joins_with_the_neighbours_on_both_sides)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A + 4 * P, 2 * P));
	ASSERT_TRUE(fixture_allocate(map, A + 2 * P, 2 * P));           /* from above */
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_TRUE(fixture_allocate(map, A + P, P));                   /* from both: one */
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_EQ(fixture_entry(map, A)->vme_start, A);
	ASSERT_EQ(fixture_entry(map, A)->vme_end, A + 6 * P);
	ASSERT_EQ(map->size, 6 * P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_enter, does_not_join_what_differs)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_EQ(enter_at(map, A + P, P, VM_MAKE_TAG(7)), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_EQ(enter_at(map, A + 2 * P, P, VM_FLAGS_PERMANENT), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + 3 * P, P));
	ASSERT_EQ(fixture_entries(map), 4);
	ASSERT_EQ(vm_map_wire(map, A + 3 * P, A + 4 * P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + 4 * P, P));
	ASSERT_EQ(fixture_entries(map), 5);
	ASSERT_EQ(vm_map_behavior_set(map, A + 4 * P, A + 5 * P, VM_BEHAVIOR_RANDOM), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + 5 * P, P));
	ASSERT_EQ(fixture_entries(map), 6);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Memory that was unmapped must not show through when its neighbour grows over it again. */
TEST(vm_map_enter, grows_over_old_pages_and_reads_zero)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	for (unsigned i = 0; i < 4; i++)
		ASSERT_STORE(map, A + i * P, 7);
	ASSERT_EQ(vm_map_remove(map, A + 2 * P, A + 4 * P, 0), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + 2 * P, 2 * P));
	ASSERT_LOAD(map, A + 2 * P, 0);
	ASSERT_LOAD(map, A + P, 7);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_enter, permanent_memory_loses_its_rights_and_stays)
{
	vm_map_t map = fixture_map();

	ASSERT_EQ(enter_at(map, A, 4 * P, VM_FLAGS_PERMANENT), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + 4 * P, 2 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + 4 * P, 1);
	ASSERT_EQ(vm_map_remove(map, A + P, A + 6 * P, 0), KERN_SUCCESS);
	ASSERT_EQ(map->size, 4 * P);
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(fixture_entry(map, A + P)->max_protection, VM_PROT_NONE);
	ASSERT_EQ(vm_map_protect(map, A + P, A + 2 * P, VM_PROT_READ, false), KERN_PROTECTION_FAILURE);
	ASSERT_FALSE(fixture_allocate(map, A + P, P));
	/* Overwriting: refused, the rest as it was, but what is permanent is out of reach. */
	ASSERT_TRUE(fixture_allocate(map, A + 4 * P, 2 * P));
	ASSERT_STORE(map, A + 4 * P, 9);
	ASSERT_EQ(enter_at(map, A, 6 * P, VM_FLAGS_OVERWRITE), KERN_NO_SPACE);
	ASSERT_EQ(fixture_entry(map, A)->protection, VM_PROT_NONE);
	ASSERT_LOAD(map, A + 4 * P, 9);
	ASSERT_EQ(vm_map_protect(map, A, A + P, VM_PROT_READ | VM_PROT_COPY, false), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);         /* and then it goes: the leak check sees to that */
}

TEST(vm_map_enter, superpages_are_resident_wired_and_whole)
{
	vm_map_t map = fixture_map(), child;
	vm_offset_t at = A + M;

	ASSERT_EQ(enter_at(map, A, M + P, VM_FLAGS_SUPERPAGE_SIZE_2MB), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(enter_at(map, A + P, M, VM_FLAGS_SUPERPAGE_SIZE_2MB), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(enter_at(map, A, M, 3u << 16), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(enter(map, &at, M - P, VM_FLAGS_SUPERPAGE_SIZE_ANY), KERN_SUCCESS);
	ASSERT_EQ(at, A + M);
	ASSERT_EQ(map->size, M);
	ASSERT_EQ(wired_leaves(map), 512);
	ASSERT_EQ(fixture_entry(map, at)->inheritance, VM_INHERIT_NONE);
	ASSERT_STORE(map, at + 5 * P, 5);
	ASSERT_EQ(vm_map_unwire(map, at, at + M, true), KERN_INVALID_ADDRESS);
	/* A part means the whole. */
	ASSERT_EQ(vm_map_protect(map, at + P, at + 2 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, at)->protection, VM_PROT_READ);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_LOAD(map, at + 5 * P, 5);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(child->size, 0);
	vm_map_deallocate(child);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_remove(map, at + 7 * P, at + 8 * P, 0), KERN_SUCCESS);
	ASSERT_EQ(map->size, 0);
	ASSERT_EQ(map->user_wired_pages, 0);
	at = vm_map_min(map);
	ASSERT_EQ(enter(map, &at, 2 * M, VM_FLAGS_SUPERPAGE_SIZE_2MB | VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(at & (M - 1), 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_enter, superpages_under_shortage_leave_nothing)
{
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	for (uint64_t n = 1; kr != KERN_SUCCESS && n < 600; n += n < 20 ? 1 : 100) {
		vm_map_t map = fixture_map();

		ASSERT_TRUE(fixture_allocate(map, A, P));
		ASSERT_STORE(map, A, 3);
		vm_alloc_fail_at(n, true);
		kr = enter_at(map, A, M, VM_FLAGS_SUPERPAGE_SIZE_2MB | VM_FLAGS_OVERWRITE);
		vm_alloc_fail_at(0, false);
		if (kr != KERN_SUCCESS) {
			ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
			ASSERT_EQ(map->size, P);
			ASSERT_LOAD(map, A, 3);
			ASSERT_EQ(map->user_wired_pages, 0);
		}
		ASSERT_TRUE(fixture_sound(map, NULL));
		vm_map_deallocate(map);
	}
	ASSERT_EQ(kr, KERN_SUCCESS);
}

TEST(vm_map_enter, random_places_differ_and_are_free)
{
	vm_map_t map = fixture_map();
	vm_offset_t one = 0, two = 0;

	ASSERT_EQ(enter_at(map, A, P, VM_FLAGS_RANDOM_ADDR), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(enter(map, &one, P, VM_FLAGS_RANDOM_ADDR | VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(enter(map, &two, P, VM_FLAGS_RANDOM_ADDR | VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_TRUE(one != two && page_aligned(one) && one >= vm_map_min(map) && one < vm_map_max(map));
	ASSERT_STORE(map, one, 1);
	ASSERT_STORE(map, two, 2);
	vm_map_deallocate(map);
	/* However full it is, what fits is found. */
	map = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, vm_map_min(map), vm_map_max(map) - vm_map_min(map)));
	ASSERT_EQ(vm_map_remove(map, A, A + P, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(map, &one, P, VM_FLAGS_RANDOM_ADDR | VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(one, A);
	ASSERT_EQ(enter(map, &one, P, VM_FLAGS_RANDOM_ADDR | VM_FLAGS_ANYWHERE), KERN_NO_SPACE);
	vm_map_deallocate(map);
}

TEST(vm_map_enter, uncached_memory_where_leaves_can_say_so)
{
	vm_map_t map = fixture_map();
	kern_return_t kr = enter_at(map, A, 4 * P, VM_FLAGS_NO_CACHE);

	ASSERT_EQ(kr, pmap_has_cache_attributes() ? KERN_SUCCESS : KERN_NOT_SUPPORTED);
	if (kr == KERN_SUCCESS) {
		ASSERT_STORE(map, A, 3);
		ASSERT_EQ(vm_map_wire(map, A, A + 2 * P, VM_PROT_READ, true), KERN_SUCCESS);
		ASSERT_LOAD(map, A, 3);
		ASSERT_EQ(enter_at(map, A + M, M, VM_FLAGS_NO_CACHE | VM_FLAGS_SUPERPAGE_SIZE_2MB), KERN_INVALID_ARGUMENT);
	} else
		ASSERT_EQ(map->size, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_enter, overwrite_over_a_kernel_wiring_is_refused_whole)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(vm_map_wire(map, A + 2 * P, A + 3 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(enter_at(map, A, 4 * P, VM_FLAGS_OVERWRITE), KERN_FAILURE);
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(vm_map_unwire(map, A + 2 * P, A + 3 * P, false), KERN_SUCCESS);
	ASSERT_EQ(enter_at(map, A, 4 * P, VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_enter, first_free_is_the_entry_before_the_first_hole)
{
	vm_map_t map = fixture_map();
	vm_offset_t min = vm_map_min(map);

	ASSERT_TRUE(vm_map_first_free(map) == vm_map_to_entry(map));
	ASSERT_TRUE(fixture_allocate(map, min + P, P));
	ASSERT_TRUE(vm_map_first_free(map) == vm_map_to_entry(map));
	ASSERT_EQ(enter_at(map, min, P, VM_MAKE_TAG(1)), KERN_SUCCESS);
	ASSERT_TRUE(vm_map_first_free(map) == fixture_entry(map, min + P));
	ASSERT_TRUE(fixture_allocate(map, min + 2 * P, vm_map_max(map) - min - 2 * P));
	ASSERT_TRUE(vm_map_first_free(map) == vm_map_last_entry(map));
	ASSERT_EQ(vm_map_remove(map, min + P, min + 2 * P, 0), KERN_SUCCESS);
	ASSERT_TRUE(vm_map_first_free(map) == fixture_entry(map, min));
	ASSERT_EQ(vm_map_remove(map, min, min + P, 0), KERN_SUCCESS);
	ASSERT_TRUE(vm_map_first_free(map) == vm_map_to_entry(map));
	vm_map_deallocate(map);
}

TEST(vm_map_enter, find_space_links_an_entry_and_keeps_the_lock)
{
	vm_map_t map = fixture_map();
	struct vm_map_entry like;
	vm_map_entry_t e, n;
	vm_offset_t at;

	ASSERT_TRUE(fixture_allocate(map, vm_map_min(map), P));
	ASSERT_EQ(vm_map_find_space(map, &at, 3 * P, M - 1, &e), KERN_SUCCESS);
	ASSERT_TRUE(rw_write_held(&map->lock));
	ASSERT_EQ(at, M);
	ASSERT_EQ(e->vme_end, M + 3 * P);
	ASSERT_EQ(e->protection, VM_PROT_DEFAULT);
	ASSERT_EQ(e->max_protection, VM_PROT_ALL);
	/* Another one after it, with fields of the caller's. */
	like = *e;
	like.vme_start = M + 3 * P;
	like.vme_end = M + 4 * P;
	like.protection = VM_PROT_READ;
	n = vm_map_entry_insert(map, e, &like);
	ASSERT_TRUE(n != NULL && n->vme_prev == e && n->protection == VM_PROT_READ);
	vm_map_unlock(map);
	ASSERT_EQ(map->size, 5 * P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_find_space(map, &at, vm_map_max(map), 0, &e), KERN_NO_SPACE);
	ASSERT_FALSE(rw_held(&map->lock));
	ASSERT_EQ(vm_map_find_space(map, &at, 0, 0, &e), KERN_INVALID_ARGUMENT);
	vm_map_deallocate(map);
}
