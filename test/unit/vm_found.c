/*
 * vm_found: what the reference model, the shortage sweep and the grid found.
 * Each test failed before its fix.
 */
#include <mm/vm_page.h>
#include "vm_fixture.h"

#define A (64 * M)

/* A fork that fails for want of memory must not be seen in the parent. */
TEST(vm_found, failed_fork_does_not_mark_entries_shared)
{
	struct vm_region_basic_info info;
	vm_map_t map = fixture_map(), child;
	vm_address_ut at;
	vm_size_ut size;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_TRUE(fixture_allocate(map, A + 8 * P, 4 * P));
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(12 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	for (uint64_t n = 1; n < 64; n++) {
		vm_alloc_fail_at(n, true);
		child = vm_map_fork(map);
		vm_alloc_fail_at(0, false);
		at = vm_address_u(A);
		ASSERT_EQ(vm_region_basic(map, &at, &size, &info), KERN_SUCCESS);
		ASSERT_EQ(info.shared, child != VM_MAP_NULL);
		if (child != VM_MAP_NULL)
			break;
	}
	ASSERT_TRUE(child != VM_MAP_NULL);
	ASSERT_STORE(child, A + P, 2);
	ASSERT_LOAD(map, A + P, 2);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/*
 * Parts of an object with a wired page go by what is resident: the rest of the
 * address space is no work. (Page by page it is seconds on Sv39, and for ever on Sv57.)
 */
TEST(vm_found, unmapping_half_an_address_space_beside_a_wired_page)
{
	vm_map_t map = fixture_map();
	vm_size_t half = vm_max_address / 2;
	vm_object_t object;

	ASSERT_TRUE(fixture_allocate(map, A, half));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 2);
	ASSERT_STORE(map, A + 6 * M, 3);
	ASSERT_EQ(vm_map_wire(map, A, A + P, VM_PROT_READ, true), KERN_SUCCESS);
	object = fixture_entry(map, A)->object.vm_object;
	ASSERT_EQ(object->resident_page_count, 3);
	ASSERT_TRUE(object->ref_count > 1 && object->one_mapping && object->wired_pages == 1);
	ASSERT_EQ(vm_map_remove(map, A + P, A + half, 0), KERN_SUCCESS);
	ASSERT_EQ(object->resident_page_count, 1);
	ASSERT_LOAD(map, A, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}
