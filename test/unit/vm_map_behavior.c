/*
 * vm_map_behavior: advice: what entries keep, and what acts at once; caches;
 * residence.
 */
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)

static kern_return_t
advise(vm_map_t map, vm_offset_t va, vm_size_t size, vm_behavior_t b)
{
	return vm_map_behavior_set(map, va, va + size, b);
}

static uint64_t
resident_leaves(vm_map_t map)
{
	struct pmap_stats s;

	pmap_stats(map->pmap, &s);
	return s.resident;
}

static uint64_t
resident_pages(vm_map_t map, vm_offset_t va)
{
	vm_map_entry_t e = fixture_entry(map, va);

	return e == NULL || e->object.vm_object == NULL ? 0 : e->object.vm_object->resident_page_count;
}

TEST(vm_map_behavior, stored_in_the_part_and_merged_again)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 8 * P));
	ASSERT_EQ(advise(map, A + 2 * P, 2 * P, VM_BEHAVIOR_RANDOM), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_EQ(fixture_entry(map, A + 3 * P)->behavior, VM_BEHAVIOR_RANDOM);
	ASSERT_EQ(fixture_entry(map, A + 4 * P)->behavior, VM_BEHAVIOR_DEFAULT);
	ASSERT_EQ(advise(map, A, 8 * P, VM_BEHAVIOR_RSEQNTL), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_behavior, refusals_by_range_and_value)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_TRUE(fixture_allocate(map, A + 3 * P, 2 * P));
	for (vm_behavior_t b = 0; b <= VM_BEHAVIOR_LAST_VALID; b++) {
		ASSERT_EQ(advise(map, A, 5 * P, b), KERN_INVALID_ADDRESS);
		ASSERT_EQ(advise(map, A + 8 * P, P, b), KERN_INVALID_ADDRESS);
		ASSERT_EQ(advise(map, 0, P, b), KERN_NO_SPACE);
		ASSERT_EQ(advise(map, A, 0, b), KERN_SUCCESS);
	}
	ASSERT_EQ(advise(map, A, P, VM_BEHAVIOR_LAST_VALID + 1), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_behavior, willneed_maps_what_is_resident)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 64 * P));
	for (unsigned i = 0; i < 40; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 1));
	pmap_remove(map->pmap, A, A + 39 * P);
	ASSERT_EQ(resident_leaves(map), 1);
	ASSERT_EQ(advise(map, A, 64 * P, VM_BEHAVIOR_WILLNEED), KERN_SUCCESS);
	ASSERT_EQ(resident_leaves(map), 40);
	for (unsigned i = 0; i < 40; i++)
		ASSERT_LOAD(map, A + i * P, (uint8_t)(i + 1));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_behavior, willneed_of_a_deferred_copy_gives_no_write)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 8 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 1);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_LOAD(child, A + P, 1);
	ASSERT_EQ(advise(child, A, 8 * P, VM_BEHAVIOR_WILLNEED), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(child, A) & VM_PROT_WRITE, 0);
	ASSERT_STORE(child, A, 2);
	ASSERT_LOAD(map, A, 1);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_behavior, dontneed_forgets_references_and_keeps_contents)
{
	vm_map_t map = fixture_map();
	struct pmap_walk w;
	vm_map_entry_t e;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * M));
	ASSERT_STORE(map, A + 5 * P, 5);
	ASSERT_STORE(map, A + M, 6);
	ASSERT_EQ(advise(map, A, 2 * M, VM_BEHAVIOR_DONTNEED), KERN_SUCCESS);
	pmap_walk(map->pmap, A + 5 * P, &w);
	ASSERT_TRUE(w.leaf && !w.accessed);
	e = fixture_entry(map, A);
	ASSERT_FALSE(pmap_is_referenced(vm_page_lookup(e->object.vm_object, e->offset + 5 * P)));
	ASSERT_LOAD(map, A + 5 * P, 5);
	ASSERT_LOAD(map, A + M, 6);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_behavior, free_gives_private_pages_back)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 8 * P));
	for (unsigned i = 0; i < 8; i++)
		ASSERT_STORE(map, A + i * P, 7);
	ASSERT_EQ(advise(map, A + P, 2 * P, VM_BEHAVIOR_FREE), KERN_SUCCESS);
	ASSERT_EQ(resident_pages(map, A), 6);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_LOAD(map, A + P, 0);
	ASSERT_LOAD(map, A + 3 * P, 7);
	ASSERT_EQ(advise(map, A, 8 * P, VM_BEHAVIOR_CAN_REUSE), KERN_SUCCESS);
	ASSERT_EQ(advise(map, A, 8 * P, VM_BEHAVIOR_REUSABLE), KERN_SUCCESS);
	ASSERT_EQ(resident_pages(map, A), 0);
	ASSERT_EQ(advise(map, A, 8 * P, VM_BEHAVIOR_REUSE), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 3 * P, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Nothing is given back that somebody else sees, that is wired, or that may not be written. */
TEST(vm_map_behavior, free_spares_what_is_not_private)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 6 * P));
	for (unsigned i = 0; i < 6; i++)
		ASSERT_STORE(map, A + i * P, 7);
	ASSERT_EQ(vm_map_wire(map, A, A + P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_protect(map, A + P, A + 2 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_inherit(map, A + 2 * P, A + 3 * P, VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	for (unsigned i = 0; i < 6; i++) {
		ASSERT_EQ(advise(map, A + i * P, P, VM_BEHAVIOR_FREE), KERN_SUCCESS);
		ASSERT_EQ(advise(map, A + i * P, P, VM_BEHAVIOR_CAN_REUSE), KERN_INVALID_ARGUMENT);
		ASSERT_EQ(advise(map, A + i * P, P, VM_BEHAVIOR_REUSABLE), KERN_INVALID_ARGUMENT);
		ASSERT_LOAD(map, A + i * P, 7);
		ASSERT_LOAD(child, A + i * P, 7);
	}
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_behavior, zero_reads_zero_and_spares_the_copies)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 8 * P));
	ASSERT_EQ(vm_map_inherit(map, A + 4 * P, A + 6 * P, VM_INHERIT_SHARE), KERN_SUCCESS);
	for (unsigned i = 0; i < 8; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 1));
	ASSERT_EQ(vm_map_wire(map, A + 7 * P, A + 8 * P, VM_PROT_READ, true), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(advise(map, A + P, 7 * P, VM_BEHAVIOR_ZERO), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 1);
	for (unsigned i = 1; i < 8; i++) {
		ASSERT_LOAD(map, A + i * P, 0);
		ASSERT_LOAD(child, A + i * P, i == 4 || i == 5 ? 0 : (uint8_t)(i + 1));
	}
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	ASSERT_STORE(map, A + P, 9);
	ASSERT_LOAD(child, A + P, 2);
	ASSERT_EQ(vm_map_protect(map, A + 2 * P, A + 3 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(advise(map, A, 3 * P, VM_BEHAVIOR_ZERO), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, A, 1);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_behavior, zero_under_shortage_changes_nothing_or_all)
{
	for (uint64_t n = 1; n < 4; n++) {
		vm_map_t map = fixture_map();
		kern_return_t kr;

		ASSERT_TRUE(fixture_allocate(map, A, 8 * P));
		ASSERT_STORE(map, A + 2 * P, 7);
		vm_alloc_fail_at(n, true);
		kr = advise(map, A + P, 3 * P, VM_BEHAVIOR_ZERO);
		vm_alloc_fail_at(0, false);
		ASSERT_TRUE(kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE);
		ASSERT_LOAD(map, A + 2 * P, kr == KERN_SUCCESS ? 0 : 7);
		ASSERT_TRUE(fixture_sound(map, NULL));
		vm_map_deallocate(map);
	}
}

/* Shared memory that was wired under this advice is clear once it is unmapped here. */
TEST(vm_map_behavior, zero_wired_pages_when_they_are_unmapped)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_EQ(vm_map_inherit(map, A, A + 2 * P, VM_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_STORE(map, A, 5);
	ASSERT_STORE(map, A + P, 6);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(vm_map_wire(map, A, A + P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(advise(map, A, 2 * P, VM_BEHAVIOR_ZERO_WIRED_PAGES), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 5);
	ASSERT_EQ(vm_map_remove(map, A, A + 2 * P, 0), KERN_SUCCESS);
	ASSERT_LOAD(child, A, 0);
	ASSERT_LOAD(child, A + P, 6);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_behavior, pageout_forgets_leaves_but_wired_ones)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	for (unsigned i = 0; i < 4; i++)
		ASSERT_STORE(map, A + i * P, 7);
	ASSERT_EQ(vm_map_wire(map, A, A + P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(advise(map, A, 4 * P, VM_BEHAVIOR_PAGEOUT), KERN_SUCCESS);
	ASSERT_EQ(resident_leaves(map), 1);
	ASSERT_LOAD(map, A + 2 * P, 7);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_attribute, cache_operations_and_what_is_refused)
{
	vm_map_t map = fixture_map();
	int value;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	for (value = MATTR_VAL_CACHE_FLUSH; value <= MATTR_VAL_CACHE_SYNC; value++) {
		int v = value;

		ASSERT_EQ(vm_map_machine_attribute(map, A, 2 * P, MATTR_CACHE, &v), KERN_SUCCESS);
		ASSERT_EQ(vm_map_machine_attribute(map, A, 3 * P, MATTR_CACHE, &v), KERN_FAILURE);
		ASSERT_EQ(vm_map_machine_attribute(map, 0, P, MATTR_CACHE, &v), KERN_INVALID_ADDRESS);
		ASSERT_EQ(vm_map_machine_attribute(map, vm_max_address, P, MATTR_CACHE, &v), KERN_INVALID_ADDRESS);
		ASSERT_EQ(vm_map_machine_attribute(map, A, 2 * P, MATTR_MIGRATE, &v), KERN_INVALID_ARGUMENT);
	}
	value = MATTR_VAL_GET;
	ASSERT_EQ(vm_map_machine_attribute(map, A, 2 * P, MATTR_CACHE, &value), KERN_SUCCESS);
	ASSERT_EQ(value, MATTR_VAL_ON);
	value = MATTR_VAL_GET_INFO;
	ASSERT_EQ(vm_map_machine_attribute(map, A, 2 * P, MATTR_CACHE, &value), KERN_INVALID_ARGUMENT);
	value = MATTR_VAL_OFF;
	ASSERT_STORE(map, A, 3);
	ASSERT_EQ(vm_map_machine_attribute(map, A, 2 * P, MATTR_CACHE, &value),
	    pmap_has_cache_attributes() ? KERN_SUCCESS : KERN_NOT_SUPPORTED);
	ASSERT_LOAD(map, A, 3);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_residence, the_last_reference_out_gives_the_leaves_up)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	for (unsigned i = 0; i < 4; i++)
		ASSERT_STORE(map, A + i * P, 7);
	ASSERT_EQ(vm_map_wire(map, A, A + P, VM_PROT_READ, true), KERN_SUCCESS);
	vm_map_reference_swap(map);
	ASSERT_EQ(map->ref_count, 2);
	ASSERT_EQ(map->res_count, 2);
	spin_lock(&map->s_lock);
	vm_map_res_deallocate(map);
	ASSERT_TRUE(map->sw_in);
	vm_map_res_deallocate(map);
	spin_unlock(&map->s_lock);
	ASSERT_FALSE(map->sw_in);
	ASSERT_EQ(resident_leaves(map), 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_LOAD(map, A + 2 * P, 7);         /* works, though it is out */
	spin_lock(&map->s_lock);
	vm_map_res_reference(map);
	spin_unlock(&map->s_lock);
	ASSERT_TRUE(map->sw_in);
	vm_map_reference_swap(map);
	ASSERT_EQ(map->res_count, 2);
	vm_map_deallocate(map);
	vm_map_deallocate(map);                 /* residence follows the references down */
	ASSERT_EQ(map->ref_count, 1);
	ASSERT_EQ(map->res_count, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}
