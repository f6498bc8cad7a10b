/*
 * vm_outputs_test: a call that is refused leaves its outputs as they were; so
 * does one that cannot store them, and then nothing has happened. Also: the
 * calls that the library makes of others (vm_wire_all, mach_port_mod_refs).
 */
#include <string.h>
#include "check.h"

#define NOWHERE ((vm_address_t)3)       /* no address for an output */

static void
refused(void)
{
	vm_address_t a = check_memory(2 * P), there = 0x1234567;
	vm_offset_t data = 88;
	vm_size_t size = 42;
	mach_msg_type_number_t n = 77;
	mem_entry_name_port_t handle = 123;
	memory_object_size_t bytes = P;
	vm_prot_t cur = 55, max = 66;
	integer_t d = 33, r = 44;
	natural_t depth = 7;
	task_t child = 9;
	int info[20] = { 5 };

	EXPECT(KERN_INVALID_ADDRESS, vm_read(SELF, 0, 100, &data, &n));
	CHECK(data == 88 && n == 77, "%lu %u", data, n);
	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, 0, 10, a, &size));
	CHECK(size == 42, "%lu", size);
	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, a, 10, 0, &size));
	CHECK(size == 42, "%lu", size);
	EXPECT(KERN_INVALID_ADDRESS, mach_make_memory_entry(SELF, &bytes, 0, VM_PROT_READ, &handle, 0));
	EXPECT(KERN_INVALID_ARGUMENT, vm_region_object_create(SELF, 0, &handle));
	EXPECT(KERN_INVALID_ARGUMENT, mach_memory_object_memory_entry(mach_host_self(), TRUE, 0, VM_PROT_READ, 0, &handle));
	CHECK(handle == 123 && bytes == P, "%u %lu", handle, bytes);
	EXPECT(KERN_INVALID_ARGUMENT, task_create(TASK_NULL, NULL, 0, TRUE, &child));
	CHECK(child == 9, "%u", child);
	EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(SELF, &there, P, 2));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map(SELF, &there, 0, 0, 1, 0, 0, FALSE, 3, 7, 1));
	EXPECT(KERN_INVALID_ADDRESS, vm_remap(SELF, &there, P, 0, 1, SELF, 0, FALSE, &cur, &max, 1));
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &there, &size, 99, info, &n, NULL));
	EXPECT(KERN_INVALID_ARGUMENT, vm_region_recurse(TASK_NULL, &there, &size, &depth, info, &n));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_page_query(TASK_NULL, a, &d, &r));
	CHECK(there == 0x1234567 && cur == 55 && max == 66 && size == 42 && n == 77 && info[0] == 5 && depth == 7 &&
	    d == 33 && r == 44);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

/* Outputs that cannot be stored: nothing was read, written or made. */
static void
nowhere(void)
{
	vm_address_t a = check_memory(2 * P);
	char *p = (char *)a;

	memset(p, 1, P);
	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, a, P, a + P, (vm_size_t *)NOWHERE));
	CHECK(p[P] == 0);
	EXPECT(KERN_INVALID_ADDRESS, vm_allocate(SELF, (vm_address_t *)NOWHERE, P, 1));
	EXPECT(KERN_INVALID_ADDRESS, task_create(SELF, NULL, 0, TRUE, (task_t *)NOWHERE));
	/* Memory that may only be written can take an output, though nobody may read it. */
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + P, P, FALSE, VM_PROT_WRITE));
	EXPECT(KERN_SUCCESS, vm_read_overwrite(SELF, a, 8, a, (vm_size_t *)(a + P)));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + P, P, FALSE, VM_PROT_READ));
	CHECK(*(vm_size_t *)(a + P) == 8);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

static unsigned
wirings(vm_address_t a)
{
	return check_region(a).user_wired_count;
}

static void
wire_all(void)
{
	vm_address_t before = check_memory(P), after;

	EXPECT(KERN_INVALID_HOST, vm_wire_all(HOST_NULL, SELF, VM_WIRE_ALL));
	EXPECT(KERN_INVALID_TASK, vm_wire_all(mach_host_self(), TASK_NULL, VM_WIRE_ALL));
	EXPECT(KERN_INVALID_ARGUMENT, vm_wire_all(mach_host_self(), SELF, 8));
	EXPECT(KERN_SUCCESS, vm_wire_all(mach_host_self(), SELF, VM_WIRE_FUTURE));
	after = check_memory(P);
	CHECK(wirings(before) == 0 && wirings(after) == 1);
	EXPECT(KERN_SUCCESS, vm_wire_all(mach_host_self(), SELF, VM_WIRE_ALL));
	CHECK(wirings(before) == 1 && wirings(after) == 2);
	EXPECT(KERN_SUCCESS, vm_wire_all(mach_host_self(), SELF, VM_WIRE_NONE));
	CHECK(wirings(before) == 0 && wirings(after) == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, after, P));
	after = check_memory(P);
	CHECK(wirings(after) == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, before, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, after, P));
}

static void
names(void)
{
	vm_address_t a = check_memory(P);
	memory_object_size_t bytes = P;
	mem_entry_name_port_t handle;

	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &bytes, a, VM_PROT_READ, &handle, 0));
	EXPECT(KERN_INVALID_VALUE, mach_port_mod_refs(SELF, handle, MACH_PORT_RIGHT_SEND, 1));
	EXPECT(KERN_INVALID_VALUE, mach_port_mod_refs(SELF, handle, 1, -1));
	EXPECT(KERN_SUCCESS, mach_port_mod_refs(SELF, handle, MACH_PORT_RIGHT_SEND, -1));
	EXPECT(KERN_INVALID_NAME, mach_port_deallocate(SELF, handle));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, P));
	CHECK(vm_page_size == P && vm_page_mask == P - 1 && 1ul << vm_page_shift == P);
	CHECK(VM_MAX_ADDRESS == check_limit() && VM_MIN_ADDRESS == P);
}

int
main(void)
{
	refused();
	nowhere();
	wire_all();
	names();
	return check_result("vm_outputs_test");
}
