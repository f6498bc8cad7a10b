/*
 * vm_map_names: the small names of the layer: accessors, fast references,
 * locks and versions, the first hole, residence, the constants.
 */
#include <mm/vm_named_entry.h>
#include <mm/zone.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)

TEST(vm_map_names, accessors_of_a_map)
{
	vm_map_t map = fixture_map();
	vm_map_entry_t header = vm_map_to_entry(map);
	vm_map_object_t what;

	ASSERT_EQ(vm_map_min(map), map->min_offset);
	ASSERT_EQ(vm_map_max(map), map->max_offset);
	ASSERT_EQ(vm_map_max(map), vm_max_address);
	ASSERT_TRUE(vm_map_pmap(map) == map->pmap && map->hdr.entries_pageable);
	ASSERT_TRUE(vm_map_first_entry(map) == header && vm_map_last_entry(map) == header);
	ASSERT_TRUE(fixture_allocate(map, A, P) && fixture_allocate(map, A + 2 * P, P));
	ASSERT_EQ(vm_map_first_entry(map)->vme_start, A);
	ASSERT_EQ(vm_map_last_entry(map)->vme_end, A + 3 * P);
	ASSERT_TRUE(header->vme_next == vm_map_first_entry(map) && header->vme_prev == vm_map_last_entry(map));
	ASSERT_EQ(map->hdr.nentries, 2);
	what = vm_map_first_entry(map)->object;
	ASSERT_TRUE(what.vm_object == NULL);
	vm_map_deallocate(map);
}

TEST(vm_map_names, references_quick_and_slow)
{
	vm_map_t map = fixture_map();

	vm_map_ref_fast(map);
	kernel_vm_map_reference(map);
	ASSERT_EQ(map->ref_count, 3);
	vm_map_dealloc_fast(map);
	vm_map_deallocate(map);
	ASSERT_EQ(map->ref_count, 1);
	vm_map_reference(NULL);
	vm_map_deallocate(NULL);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);         /* vm_map_destroy: the runner counts what comes back */
}

TEST(vm_map_names, locks_count_versions)
{
	vm_map_t map = fixture_map();
	vm_map_version_t v;

	vm_map_lock(map);
	v.main_timestamp = map->timestamp;
	vm_map_lock_write_to_read(map);
	ASSERT_FALSE(vm_map_lock_read_to_write(map));
	ASSERT_EQ(map->timestamp, v.main_timestamp + 1);
	vm_map_unlock(map);
	ASSERT_FALSE(vm_map_verify(map, &v));
	vm_map_lock_read(map);
	v.main_timestamp = map->timestamp;
	vm_map_unlock_read(map);
	ASSERT_TRUE(vm_map_verify(map, &v));
	vm_map_verify_done(map);
	vm_map_lock_init(map);
	ASSERT_EQ(map->timestamp, 0);
	vm_map_deallocate(map);
}

TEST(vm_map_names, first_free_is_the_entry_before_the_first_hole)
{
	vm_map_t map = fixture_map();
	vm_offset_t min = vm_map_min(map);

	ASSERT_TRUE(vm_map_first_free(map) == vm_map_to_entry(map));
	ASSERT_TRUE(fixture_allocate(map, min + P, P));
	ASSERT_TRUE(vm_map_first_free(map) == vm_map_to_entry(map));
	ASSERT_TRUE(fixture_allocate(map, min, P));
	ASSERT_EQ(vm_map_first_free(map)->vme_end, min + 2 * P);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(min), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_TRUE(vm_map_first_free(map) == vm_map_to_entry(map));
	vm_map_deallocate(map);
}

TEST(vm_map_names, residence_has_two_states)
{
	vm_map_t map = fixture_map();

	ASSERT_EQ(vm_map_sw_state(map), MAP_SW_IN);
	spin_lock(&map->s_lock);
	vm_map_res_deallocate(map);
	spin_unlock(&map->s_lock);
	ASSERT_EQ(vm_map_sw_state(map), MAP_SW_OUT);
	vm_map_reference_swap(map);
	ASSERT_EQ(vm_map_sw_state(map), MAP_SW_IN);
	vm_map_deallocate(map);
	vm_map_deallocate(map);
}

TEST(vm_map_names, lookup_locked_finds_object_offset_and_rights)
{
	vm_map_t map = fixture_map();
	struct vm_map_lookup l;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	vm_map_lock_read(map);
	ASSERT_EQ(vm_map_lookup_locked(map, A + 2 * P + 5, VM_PROT_WRITE, &l), KERN_SUCCESS);
	ASSERT_TRUE(l.map == map && l.object != NULL && l.pmap == map->pmap && l.pmap_shift == 0);
	ASSERT_EQ(l.offset, 2 * P);
	ASSERT_EQ(l.prot, VM_PROT_DEFAULT);
	ASSERT_EQ(l.lo, A);
	ASSERT_EQ(l.hi, A + 4 * P);
	vm_map_unlock_read(map);
	vm_map_lock_read(map);
	ASSERT_EQ(vm_map_lookup_locked(map, A - P, VM_PROT_READ, &l), KERN_INVALID_ADDRESS);
	vm_map_deallocate(map);
}

TEST(vm_map_names, locks_of_named_entries_and_regions)
{
	struct vm_named_entry ne = { .size = P };
	struct shared_region_mapping region = { .depth = 1 };

	named_entry_lock_init(&ne);
	named_entry_lock(&ne);
	ASSERT_FALSE(spin_trylock(&ne.lock));
	named_entry_unlock(&ne);
	shared_region_mapping_lock_init(&region);
	shared_region_mapping_lock(&region);
	ASSERT_FALSE(spin_trylock(&region.lock));
	shared_region_mapping_unlock(&region);
}

static kern_return_t
no_more(vm_map_copyin_args_t args, vm_map_copy_t *next)
{
	(void)args;
	if (next != NULL)
		*next = NULL;
	return KERN_SUCCESS;
}

TEST(vm_map_names, copies_tell_kind_pages_and_bytes)
{
	vm_map_copy_cont_t cont = no_more;
	vm_map_t map = fixture_map();
	vm_map_copy_t small, large;
	struct zone_info zi;
	bool zone = false;

	ASSERT_TRUE(fixture_allocate(map, A, 32 * P));
	ASSERT_STORE(map, A + 5, 42);
	ASSERT_EQ(vm_map_copyin(map, A + 5, 2, false, &small), KERN_SUCCESS);
	ASSERT_EQ(small->type, VM_MAP_COPY_KERNEL_BUFFER);
	ASSERT_TRUE(small->kdata != NULL && small->kalloc_size >= 2);
	ASSERT_EQ(*(uint8_t *)small->kdata, 42);
	ASSERT_EQ(vm_map_copy_page_count(small), 1);
	vm_map_copy_discard(small);
	ASSERT_EQ(vm_map_copyin(map, A + 100, 31 * P, false, &large), KERN_SUCCESS);
	ASSERT_EQ(large->type, VM_MAP_COPY_ENTRY_LIST);
	ASSERT_EQ(vm_map_copy_page_count(large), 32);
	ASSERT_EQ(vm_map_copy_first_entry(large)->vme_start, 0);
	ASSERT_EQ(vm_map_copy_last_entry(large)->vme_end, 32 * P);
	ASSERT_TRUE(vm_map_copy_first_entry(large)->vme_prev == vm_map_copy_to_entry(large));
	vm_map_copy_discard(large);
	ASSERT_EQ(VM_MAP_COPY_PAGE_LIST_MAX_SIZE, VM_MAP_COPY_PAGE_LIST_MAX * PAGE_SIZE);
	ASSERT_EQ(VM_MAP_COPYIN_OPT_VM_PROT, VM_PROT_ALL);
	ASSERT_TRUE(cont != VM_MAP_COPY_CONT_NULL);
	for (unsigned i = 0; zone_info(i, &zi); i++)
		zone |= zi.name == vm_map_copy_zone.name;
	ASSERT_TRUE(zone);
	vm_map_deallocate(map);
}
