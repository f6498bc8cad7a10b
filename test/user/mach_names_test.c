/*
 * mach_names_test: the calls as programs for Mach and Darwin write them: the
 * headers they include, the types they use, mach_vm_ names, the _64 forms.
 */
#include <mach/boolean.h>
#include <mach/error.h>
#include <mach/host_priv.h>
#include <mach/kern_return.h>
#include <mach/mach.h>
#include <mach/mach_error.h>
#include <mach/mach_host.h>
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mach_time.h>
#include <mach/mach_types.h>
#include <mach/mach_vm.h>
#include <mach/machine/vm_param.h>
#include <mach/memory_entry.h>
#include <mach/memory_object_types.h>
#include <mach/port.h>
#include <mach/task.h>
#include <mach/vm_attributes.h>
#include <mach/vm_behavior.h>
#include <mach/vm_inherit.h>
#include <mach/vm_map.h>
#include <mach/vm_page_size.h>
#include <mach/vm_param.h>
#include <mach/vm_prot.h>
#include <mach/vm_region.h>
#include <mach/vm_statistics.h>
#include <mach/vm_sync.h>
#include <mach/vm_types.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

/* Memory made, shared, copied and looked at by the modern names. */
static void
modern(void)
{
	mach_vm_address_t address = 0, copy = 0, data = 0, there;
	mach_vm_size_t size = 4 * vm_page_size, length;
	memory_object_size_t entry_size = size;
	mach_port_t object_name;
	mem_entry_name_port_t entry = MACH_PORT_NULL;
	vm_prot_t cur = VM_PROT_NONE, max = VM_PROT_NONE;
	vm_region_basic_info_data_64_t info;
	vm_region_submap_short_info_data_64_t submap;
	mach_msg_type_number_t count;
	natural_t depth = 0;
	kern_return_t kr;
	integer_t disposition, refs;
	vm_offset_t read_data;

	kr = mach_vm_allocate(mach_task_self(), &address, size, VM_FLAGS_ANYWHERE);
	CHECK(kr == KERN_SUCCESS, "%s", mach_error_string(kr));
	memset((void *)address, 0x41, (size_t)size);
	EXPECT(KERN_SUCCESS, mach_vm_protect(mach_task_self(), address, vm_page_size, FALSE, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, mach_vm_inherit(mach_task_self(), address, vm_page_size, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, mach_vm_remap(mach_task_self(), &copy, size, 0, VM_FLAGS_ANYWHERE, mach_task_self(), address,
	    TRUE, &cur, &max, VM_INHERIT_DEFAULT));
	CHECK(cur == VM_PROT_READ && max == VM_PROT_ALL);
	CHECK(memcmp((void *)copy, (void *)address, (size_t)size) == 0);
	EXPECT(KERN_SUCCESS, mach_vm_deallocate(mach_task_self(), copy, size));
	entry_size = 3 * vm_page_size;
	EXPECT(KERN_SUCCESS, mach_make_memory_entry_64(mach_task_self(), &entry_size, address + vm_page_size,
	    MAP_MEM_VM_SHARE | VM_PROT_DEFAULT, &entry, MEMORY_OBJECT_NULL));
	CHECK(MACH_PORT_VALID(entry));
	copy = 0;
	EXPECT(KERN_SUCCESS, mach_vm_map(mach_task_self(), &copy, entry_size, 0, VM_FLAGS_ANYWHERE, entry, 0, FALSE,
	    VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_DEFAULT));
	*(char *)copy = 'B';
	CHECK(*(char *)(address + vm_page_size) == 'B');
	EXPECT(KERN_SUCCESS, mach_port_deallocate(mach_task_self(), entry));
	EXPECT(KERN_SUCCESS, mach_vm_read(mach_task_self(), address, size, &read_data, &count));
	CHECK(count == size && *(char *)read_data == 'A');
	EXPECT(KERN_SUCCESS, vm_deallocate(mach_task_self(), read_data, count));
	EXPECT(KERN_SUCCESS, mach_vm_allocate(mach_task_self(), &data, size, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(VM_MEMORY_MALLOC)));
	EXPECT(KERN_SUCCESS, mach_vm_read_overwrite(mach_task_self(), address, size, data, &length));
	EXPECT(KERN_SUCCESS, mach_vm_write(mach_task_self(), data, (vm_offset_t)"xyz", 3));
	CHECK(length == size && memcmp((char *)data, "xyz", 3) == 0);
	EXPECT(KERN_SUCCESS, mach_vm_deallocate(mach_task_self(), data, size));
	EXPECT(KERN_SUCCESS, mach_vm_allocate(mach_task_self(), &data, size, VM_FLAGS_FIXED | VM_MAKE_TAG(VM_MEMORY_MALLOC)));
	EXPECT(KERN_SUCCESS, mach_vm_behavior_set(mach_task_self(), data, size, VM_BEHAVIOR_SEQUENTIAL));
	EXPECT(KERN_SUCCESS, mach_vm_wire(mach_host_self(), mach_task_self(), data, size, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, mach_vm_msync(mach_task_self(), data, size, VM_SYNC_SYNCHRONOUS));
	count = VM_REGION_BASIC_INFO_COUNT_64;
	length = 0;
	there = data;
	EXPECT(KERN_SUCCESS, mach_vm_region(mach_task_self(), &there, &length, VM_REGION_BASIC_INFO_64,
	    (vm_region_info_t)&info, &count, &object_name));
	CHECK(there == data && length == size && info.behavior == VM_BEHAVIOR_SEQUENTIAL && info.user_wired_count == 1 &&
	    info.max_protection == VM_PROT_ALL && !info.shared && !info.reserved);
	count = VM_REGION_SUBMAP_SHORT_INFO_COUNT_64;
	EXPECT(KERN_SUCCESS, mach_vm_region_recurse(mach_task_self(), &there, &length, &depth,
	    (vm_region_recurse_info_t)&submap, &count));
	CHECK(submap.user_tag == VM_MEMORY_MALLOC && submap.share_mode == SM_PRIVATE);
	EXPECT(KERN_SUCCESS, mach_vm_wire(mach_host_self(), mach_task_self(), data, size, VM_PROT_NONE));
	EXPECT(KERN_SUCCESS, mach_vm_page_query(mach_task_self(), data, &disposition, &refs));
	CHECK(disposition & VM_PAGE_QUERY_PAGE_PRESENT);
	memcpy((char *)data, "xyz", 3);
	EXPECT(KERN_SUCCESS, mach_vm_copy(mach_task_self(), data, vm_page_size, copy));
	CHECK(memcmp((char *)copy, "xyz", 3) == 0 && memcmp((char *)address + vm_page_size, "xyz", 3) == 0);
	EXPECT(KERN_SUCCESS, mach_vm_deallocate(mach_task_self_, data, size));
	EXPECT(KERN_SUCCESS, mach_vm_deallocate(mach_task_self_, address, size));
}

/* The first Mach's: a boolean for anywhere, vm_offset_t for addresses. */
static void
first(void)
{
	vm_address_t where = 0;
	vm_size_t page, length;
	pointer_t data;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT;
	vm_region_basic_info_data_t info;
	port_t name = 0;
	memory_object_t none = MEMORY_OBJECT_NULL;

	(void)name;
	EXPECT(KERN_SUCCESS, host_page_size(mach_host_self(), &page));
	CHECK(page == vm_page_size && trunc_page(where + 1) == 0 && round_page(1) == page);
	EXPECT(KERN_SUCCESS, vm_allocate(mach_task_self(), &where, 3 * page, TRUE));
	EXPECT(KERN_SUCCESS, vm_deallocate(mach_task_self(), where, page));
	EXPECT(KERN_SUCCESS, vm_map(mach_task_self(), &where, page, 0, FALSE, none, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
	    VM_INHERIT_COPY));
	EXPECT(KERN_SUCCESS, vm_read(mach_task_self(), where, page, &data, &count));
	EXPECT(KERN_SUCCESS, vm_deallocate(mach_task_self(), data, count));
	count = VM_REGION_BASIC_INFO_COUNT;
	EXPECT(KERN_SUCCESS, vm_region_64(mach_task_self(), &where, &length, VM_REGION_BASIC_INFO, (vm_region_info_t)&info,
	    &count, NULL));
	EXPECT(KERN_SUCCESS, vm_deallocate(mach_task_self(), where, 3 * page));
	EXPECT(KERN_NO_SPACE, vm_map(mach_task_self(), &where, page, ~(vm_offset_t)0, TRUE, none, 0, FALSE, VM_PROT_READ,
	    VM_PROT_READ, VM_INHERIT_COPY));
}

/* The kernel's types, structures by their tags, sets of flags, and what Mach's messages would say. */
static void
rest_of_the_names(void)
{
	struct vm_region_submap_short_info_64 submap;
	struct vm_region_basic_info_64 info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	vm_map_offset_t at = 0, there;
	vm_map_size_t size = PAGE_SIZE;
	mach_error_t error;
	natural_t depth = 1;

	EXPECT(KERN_SUCCESS, mach_vm_allocate(mach_task_self(), &at, size, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(VM_MEMORY_SCENEKIT)));
	there = at;
	EXPECT(KERN_SUCCESS, mach_vm_region(mach_task_self(), &there, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_64_t)&info,
	    &count, &(mach_port_t){ 0 }));
	CHECK(there == at && info.protection == VM_PROT_DEFAULT);
	count = VM_REGION_SUBMAP_SHORT_INFO_COUNT_64;
	EXPECT(KERN_SUCCESS, mach_vm_region_recurse(mach_task_self(), &there, &size, &depth, (vm_region_recurse_info_64_t)&submap,
	    &count));
	CHECK(submap.user_tag == VM_MEMORY_SCENEKIT && depth == 0);
	for (unsigned bit = 0; bit < 32; bit++) {
		vm_map_offset_t new = at;

		if (((unsigned)VM_FLAGS_USER_MAP & 1u << bit) == 0)
			EXPECT(KERN_INVALID_ARGUMENT, mach_vm_map(mach_task_self(), &new, PAGE_SIZE, 0,
			    (int)(1u << bit) | VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT));
	}
	EXPECT(KERN_SUCCESS, mach_vm_deallocate(mach_task_self(), at, PAGE_SIZE));
	error = mach_vm_deallocate(VM_MAP_NULL, at, PAGE_SIZE);
	CHECK(error == MACH_SEND_INVALID_DEST);
	CHECK(mach_vm_write(mach_task_self(), at, at, 1) == MACH_SEND_INVALID_MEMORY);
	/* A count has 32 bits; nothing is no right to give up. */
	EXPECT(KERN_INVALID_ARGUMENT, mach_vm_read(mach_task_self(), at, 1ull << 32, &(vm_offset_t){ 0 }, &count));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(mach_task_self(), MACH_PORT_NULL));
}

int
main(void)
{
	mach_timebase_info_data_t base;
	uint64_t before = mach_absolute_time();

	modern();
	first();
	rest_of_the_names();
	EXPECT(KERN_SUCCESS, mach_timebase_info(&base));
	CHECK((mach_absolute_time() - before) * base.numer / base.denom > 0);
	errno = ENOENT;
	warn("expected: %d", 1);
	warnx("expected, too");
	if (check_failed > 1000)
		errx(1, "%u", check_failed);
	return check_result("mach_names_test");
}
