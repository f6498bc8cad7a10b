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
