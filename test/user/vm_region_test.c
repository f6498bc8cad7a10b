/*
 * vm_region_test: what vm_region says of entries, holes and the end, and how
 * count, flavour and pointers are checked.
 */
#include "check.h"
#include <string.h>

static vm_region_basic_info_data_t info;

static kern_return_t
region(vm_address_t *at, vm_size_t *size)
{
	mach_msg_type_number_t n = VM_REGION_BASIC_INFO_COUNT;
	mach_port_t name = 17;
	kern_return_t kr;

	memset(&info, 0xff, sizeof(info));
	kr = vm_region(SELF, at, size, VM_REGION_BASIC_INFO, (vm_region_info_t)&info, &n, &name);
	if (kr == KERN_SUCCESS)
		CHECK(n == VM_REGION_BASIC_INFO_COUNT && name == MACH_PORT_NULL, "%u %u", n, name);
	return kr;
}

/* The entry found from `from` must be [start, start+size) with these attributes. */
static void
expect_region(vm_address_t from, vm_address_t start, vm_size_t size, vm_prot_t cur,
    vm_prot_t max, vm_inherit_t inherit)
{
	vm_address_t at = from;
	vm_size_t n = 0;

	EXPECT(KERN_SUCCESS, region(&at, &n));
	CHECK(at == start && n == size, "0x%lx+0x%lx, not 0x%lx+0x%lx", at, n, start, size);
	CHECK(info.protection == cur && info.max_protection == max && info.inheritance == inherit,
	    "%d/%d %u, not %d/%d %u", info.protection, info.max_protection, info.inheritance, cur,
	    max, inherit);
	CHECK(info.reserved == FALSE && info.behavior == 0 && info.user_wired_count == 0);
}

static void
attributes(void)
{
	vm_address_t base = check_memory(8 * P);

	/* holes on both sides, so that no neighbour merges with it */
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base + 7 * P, P));
	expect_region(base, base + P, 6 * P, 3, 7, 1);          /* from the hole before */
	expect_region(base + P, base + P, 6 * P, 3, 7, 1);
	expect_region(base + 7 * P - 1, base + P, 6 * P, 3, 7, 1);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, base + 3 * P, P, FALSE, VM_PROT_READ));
	expect_region(base + P, base + P, 2 * P, 3, 7, 1);
	expect_region(base + 3 * P, base + 3 * P, P, 1, 7, 1);
	expect_region(base + 5 * P, base + 4 * P, 3 * P, 3, 7, 1);
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, base + 4 * P, P, VM_INHERIT_SHARE));
	expect_region(base + 4 * P, base + 4 * P, P, 3, 7, 0);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, base + 5 * P, P, TRUE, VM_PROT_READ));
	expect_region(base + 5 * P, base + 5 * P, P, 1, 1, 1);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base + P, 6 * P));
}

/* Walks the whole map: entries ascend, do not overlap, end with INVALID_ADDRESS. */
static void
whole_map(void)
{
	vm_address_t at = 0, end = 0;
	vm_size_t size;
	unsigned n = 0;
	char here;
	int stack_seen = 0, code_seen = 0;

	while (region(&at, &size) == KERN_SUCCESS) {
		CHECK(at >= end && size > 0 && at % P == 0 && size % P == 0, "0x%lx+0x%lx", at, size);
		CHECK((info.protection & ~info.max_protection) == 0);
		CHECK((info.protection & 6) != 6, "0x%lx is writable and executable", at);
		stack_seen |= (vm_address_t)&here - at < size;
		code_seen |= (vm_address_t)whole_map - at < size;
		end = at + size;
		at = end;
		n++;
	}
	CHECK(n > 2 && stack_seen && code_seen, "%u entries", n);
	EXPECT(KERN_INVALID_ADDRESS, region(&at, &size));
	at = check_limit();
	EXPECT(KERN_INVALID_ADDRESS, region(&at, &size));
	at = ~0ul;
	EXPECT(KERN_INVALID_ADDRESS, region(&at, &size));
	CHECK(at == ~0ul, "a refused call wrote 0x%lx", at);
}

static void
arguments(void)
{
	vm_address_t at = 0;
	vm_size_t size = 1;
	mach_msg_type_number_t n = VM_REGION_BASIC_INFO_COUNT;
	vm_region_info_t out = (vm_region_info_t)&info;

	EXPECT(KERN_INVALID_ARGUMENT, vm_region(MACH_PORT_NULL, &at, &size, 10, out, &n, NULL));
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &at, &size, 0, out, &n, NULL));
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &at, &size, 99, out, &n, NULL));
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &at, &size, -1, out, &n, NULL));
	n = VM_REGION_BASIC_INFO_COUNT - 1;
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &at, &size, 10, out, &n, NULL));
	n = 0;
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &at, &size, 10, out, &n, NULL));
	n = 1000;
	EXPECT(KERN_SUCCESS, vm_region(SELF, &at, &size, 10, out, &n, NULL));
	CHECK(n == VM_REGION_BASIC_INFO_COUNT, "%u", n);
	at = 0;
	EXPECT(KERN_INVALID_ADDRESS, vm_region(SELF, &at, &size, 10, (vm_region_info_t)8, &n, NULL));
	EXPECT(KERN_INVALID_ADDRESS, vm_region(SELF, (vm_address_t *)8, &size, 10, out, &n, NULL));
	CHECK(at == 0, "0x%lx", at);
}

int
main(void)
{
	attributes();
	whole_map();
	arguments();
	return check_result("vm_region_test");
}
