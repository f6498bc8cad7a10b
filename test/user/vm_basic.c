/*
 * vm_basic: result codes of vm_allocate, vm_deallocate, vm_protect, vm_inherit,
 * vm_map and the copying calls at the borders of their arguments, from U-mode.
 */
#include "check.h"

#define MINUS(n)        (-(vm_size_t)(n))
#define ALLOCATE(at, size, flags) \
	({ addr = (at); vm_allocate(SELF, &addr, (size), (flags)); })

static uint64_t limit;

static void
allocate(void)
{
	vm_address_t addr, base = check_memory(4 * P);

	EXPECT(KERN_SUCCESS, ALLOCATE(0x1234567, 0, VM_FLAGS_ANYWHERE));
	CHECK(addr == 0, "addr 0x%lx", addr);
	EXPECT(KERN_SUCCESS, ALLOCATE(base, 0, VM_FLAGS_FIXED));
	CHECK(addr == 0, "addr 0x%lx", addr);
	EXPECT(KERN_INVALID_ARGUMENT, ALLOCATE(0, MINUS(1), VM_FLAGS_ANYWHERE));
	CHECK(addr == 0, "a refused call wrote 0x%lx", addr);
	EXPECT(KERN_INVALID_ARGUMENT, ALLOCATE(0, MINUS(P - 1), VM_FLAGS_ANYWHERE));
	EXPECT(KERN_NO_SPACE, ALLOCATE(0, MINUS(P), VM_FLAGS_ANYWHERE));
	EXPECT(KERN_NO_SPACE, ALLOCATE(0, limit, VM_FLAGS_ANYWHERE));
	EXPECT(KERN_INVALID_ARGUMENT, ALLOCATE(base, MINUS(1), VM_FLAGS_FIXED));
	EXPECT(KERN_INVALID_ADDRESS, ALLOCATE(base, MINUS(P), VM_FLAGS_FIXED));
	EXPECT(KERN_NO_SPACE, ALLOCATE(base, P, VM_FLAGS_FIXED));
	EXPECT(KERN_NO_SPACE, ALLOCATE(base + 3 * P, 2 * P, VM_FLAGS_FIXED));
	EXPECT(KERN_INVALID_ADDRESS, ALLOCATE(0, P, VM_FLAGS_FIXED));
	EXPECT(KERN_INVALID_ADDRESS, ALLOCATE(P - 1, P, VM_FLAGS_FIXED));
	EXPECT(KERN_INVALID_ADDRESS, ALLOCATE(limit, P, VM_FLAGS_FIXED));
	EXPECT(KERN_INVALID_ADDRESS, ALLOCATE(limit - P, 2 * P, VM_FLAGS_FIXED));
	EXPECT(KERN_INVALID_ADDRESS, ALLOCATE(MINUS(P), P, VM_FLAGS_FIXED));
	EXPECT(KERN_INVALID_ARGUMENT, ALLOCATE(0, P, 0x400));
	EXPECT(KERN_INVALID_ARGUMENT, ALLOCATE(0, P, 0x8000));
	EXPECT(KERN_SUCCESS, ALLOCATE(0, P, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(7)));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 4 * P));
	/* fixed: address down, size up, by themselves */
	EXPECT(KERN_SUCCESS, ALLOCATE(base + P + 5, P + 1, VM_FLAGS_FIXED));
	CHECK(addr == base + P, "addr 0x%lx, base 0x%lx", addr, base);
	EXPECT(KERN_SUCCESS, ALLOCATE(base, P, VM_FLAGS_FIXED));
	EXPECT(KERN_NO_SPACE, ALLOCATE(base + 2 * P, P, VM_FLAGS_FIXED));
	EXPECT(KERN_SUCCESS, ALLOCATE(base + 3 * P, P, VM_FLAGS_FIXED));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 4 * P));
	EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(MACH_PORT_NULL, &addr, P, VM_FLAGS_ANYWHERE));
	EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(0x12345, &addr, P, VM_FLAGS_ANYWHERE));
	EXPECT(KERN_INVALID_ADDRESS, vm_allocate(SELF, (vm_address_t *)8, P, VM_FLAGS_ANYWHERE));
}

static void
zero_filled(void)
{
	vm_address_t base = check_memory(2 * MEGA);
	volatile uint64_t *w = (volatile uint64_t *)base;
	uint64_t all = 0;

	for (size_t i = 0; i < 2 * MEGA / 8; i += 64)
		all |= w[i];
	CHECK(all == 0, "0x%lx", all);
	for (size_t i = 0; i < 2 * MEGA / 8; i += 512)
		w[i] = i + 1;
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 2 * MEGA));
	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &base, 2 * MEGA, VM_FLAGS_FIXED));
	for (size_t i = 0; i < 2 * MEGA / 8; i += 64)
		all |= w[i];
	CHECK(all == 0, "freed memory came back: 0x%lx", all);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 2 * MEGA));
}

static void
deallocate(void)
{
	vm_address_t base = check_memory(4 * P);

	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 0));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, MINUS(1), 0));
	EXPECT(KERN_INVALID_ARGUMENT, vm_deallocate(SELF, base, MINUS(1)));
	EXPECT(KERN_INVALID_ARGUMENT, vm_deallocate(SELF, base, MINUS(base)));
	EXPECT(KERN_INVALID_ARGUMENT, vm_deallocate(SELF, MINUS(1), 1));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, limit, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, limit - 1, 2));
	*(volatile char *)(base + P) = 3;
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base + P - 1, 1));
	CHECK(*(volatile char *)(base + P) == 3);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 4 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 4 * P));
	EXPECT(KERN_INVALID_ARGUMENT, vm_deallocate(MACH_PORT_NULL, base, P));
}

static void
protect(void)
{
	vm_address_t base = check_memory(4 * P);

	EXPECT(KERN_SUCCESS, vm_protect(SELF, base, 0, FALSE, VM_PROT_READ));
	EXPECT(KERN_INVALID_ARGUMENT, vm_protect(SELF, base, 0, FALSE, 0x40));
	EXPECT(KERN_INVALID_ARGUMENT, vm_protect(SELF, base, P, FALSE, 8));
	EXPECT(KERN_INVALID_ARGUMENT, vm_protect(SELF, base, MINUS(1), FALSE, VM_PROT_READ));
	EXPECT(KERN_INVALID_ARGUMENT, vm_protect(SELF, base, MINUS(base), FALSE, VM_PROT_READ));
	EXPECT(KERN_INVALID_ADDRESS, vm_protect(SELF, 0, MINUS(1), FALSE, VM_PROT_READ));
	EXPECT(KERN_INVALID_ADDRESS, vm_protect(SELF, 0, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_INVALID_ADDRESS, vm_protect(SELF, limit, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_INVALID_ADDRESS, vm_protect(SELF, MINUS(2 * P), P, FALSE, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base + 2 * P, P));
	EXPECT(KERN_INVALID_ADDRESS, vm_protect(SELF, base, 4 * P, FALSE, VM_PROT_READ));
	*(volatile char *)base = 1;     /* nothing changed before the hole was found */
	EXPECT(KERN_INVALID_ADDRESS, vm_protect(SELF, base + 2 * P, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, base, 2 * P, TRUE, VM_PROT_DEFAULT));
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, base, P, FALSE, VM_PROT_ALL));
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, base, P, TRUE, VM_PROT_ALL));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, base, P, TRUE, VM_PROT_READ));
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, base, 2 * P, FALSE, VM_PROT_DEFAULT));
	*(volatile char *)(base + P) = 1;
	CHECK(*(volatile char *)base == 1);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 4 * P));
}

static void
inherit(void)
{
	vm_address_t base = check_memory(3 * P);

	EXPECT(KERN_SUCCESS, vm_inherit(SELF, base, 0, VM_INHERIT_NONE));
	EXPECT(KERN_INVALID_ARGUMENT, vm_inherit(SELF, base, 0, 3));
	EXPECT(KERN_INVALID_ARGUMENT, vm_inherit(SELF, base, P, 3));
	EXPECT(KERN_INVALID_ARGUMENT, vm_inherit(SELF, base, P, ~0u));
	EXPECT(KERN_INVALID_ARGUMENT, vm_inherit(SELF, base, MINUS(1), VM_INHERIT_NONE));
	EXPECT(KERN_INVALID_ARGUMENT, vm_inherit(SELF, base, MINUS(base), VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base + P, P));
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, base, 3 * P, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, limit, P, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, 0, P, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 3 * P));
}

static kern_return_t
map(vm_address_t *addr, vm_size_t size, vm_address_t mask, int flags, vm_prot_t cur,
    vm_prot_t max, vm_inherit_t inheritance)
{
	return vm_map(SELF, addr, size, mask, flags, MACH_PORT_NULL, 0, FALSE, cur, max,
	    inheritance);
}

static void
mapping(void)
{
	vm_address_t addr = 0, base = check_memory(4 * P);

	EXPECT(KERN_INVALID_ARGUMENT, map(&addr, 0, 0, VM_FLAGS_ANYWHERE, 3, 7, 1));
	EXPECT(KERN_INVALID_ARGUMENT, map(&addr, MINUS(1), 0, VM_FLAGS_ANYWHERE, 3, 7, 1));
	EXPECT(KERN_INVALID_ARGUMENT, map(&addr, P, 0, VM_FLAGS_ANYWHERE, 8, 7, 1));
	EXPECT(KERN_INVALID_ARGUMENT, map(&addr, P, 0, VM_FLAGS_ANYWHERE, 3, 0x1000, 1));
	EXPECT(KERN_INVALID_ARGUMENT, map(&addr, P, 0, VM_FLAGS_ANYWHERE, 3, 7, 3));
	EXPECT(KERN_NO_SPACE, map(&addr, limit, 0, VM_FLAGS_ANYWHERE, 3, 7, 1));
	for (unsigned bit = 12; bit <= 30; bit += 3) {
		addr = 0;
		EXPECT(KERN_SUCCESS, map(&addr, P, (1ul << bit) - 1, VM_FLAGS_ANYWHERE, 3, 7, 1));
		CHECK((addr & ((1ul << bit) - 1)) == 0, "0x%lx, mask of %u bits", addr, bit);
		*(volatile char *)addr = 1;
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, P));
	}
	addr = base + P;
	EXPECT(KERN_NO_SPACE, map(&addr, P, 0, VM_FLAGS_FIXED, 3, 7, 1));
	*(volatile char *)addr = 5;
	EXPECT(KERN_SUCCESS, map(&addr, P, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, 3, 7, 1));
	CHECK(addr == base + P && *(volatile char *)addr == 0, "0x%lx", addr);
	addr = limit;
	EXPECT(KERN_INVALID_ADDRESS, map(&addr, P, 0, VM_FLAGS_FIXED, 3, 7, 1));
	/* cur is cut down to max */
	addr = 0;
	EXPECT(KERN_SUCCESS, map(&addr, P, 0, VM_FLAGS_ANYWHERE, 7, 1, 1));
	EXPECT(KERN_PROTECTION_FAILURE, vm_write(SELF, addr, base, 1));
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, addr, P, FALSE, 3));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 4 * P));
}

static void
copying(void)
{
	vm_address_t base = check_memory(4 * P), data;
	mach_msg_type_number_t n;
	vm_size_t size;

	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base + 2 * P, P));
	EXPECT(KERN_SUCCESS, vm_read(SELF, base, 0, &data, &n));
	EXPECT(KERN_INVALID_ADDRESS, vm_read(SELF, base, MINUS(1), &data, &n));
	EXPECT(KERN_INVALID_ADDRESS, vm_read(SELF, base, 4 * P, &data, &n));
	EXPECT(KERN_INVALID_ADDRESS, vm_read(SELF, limit, P, &data, &n));
	EXPECT(KERN_SUCCESS, vm_read_overwrite(SELF, base, 0, base, &size));
	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, base, MINUS(1), base, &size));
	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, base, P, base + 2 * P, &size));
	EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, base + 2 * P, P, base, &size));
	EXPECT(KERN_SUCCESS, vm_write(SELF, base, base + P, 0));
	EXPECT(KERN_INVALID_ADDRESS, vm_write(SELF, base + 2 * P, base, P));
	EXPECT(KERN_INVALID_ADDRESS, vm_write(SELF, base, base + 2 * P, P));
	EXPECT(KERN_INVALID_ADDRESS, vm_write(SELF, base + P, base, 2 * P));
	EXPECT(KERN_SUCCESS, vm_copy(SELF, base, 0, base + P));
	EXPECT(KERN_INVALID_ADDRESS, vm_copy(SELF, base, MINUS(1), base + P));
	EXPECT(KERN_INVALID_ADDRESS, vm_copy(SELF, base, P, base + 2 * P));
	EXPECT(KERN_INVALID_ADDRESS, vm_copy(SELF, base + 2 * P, P, base));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, base, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_PROTECTION_FAILURE, vm_write(SELF, base, base + P, 8));
	EXPECT(KERN_PROTECTION_FAILURE, vm_copy(SELF, base + P, P, base));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, base, 4 * P));
}

static void
other_task(void)
{
	task_t child;
	vm_address_t addr = 0, mine = check_memory(P), data;
	mach_msg_type_number_t n;

	EXPECT(KERN_INVALID_ARGUMENT, task_create(TASK_NULL, NULL, 0, TRUE, &child));
	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &child));
	EXPECT(KERN_SUCCESS, vm_allocate(child, &addr, 3 * P, VM_FLAGS_ANYWHERE));
	*(volatile uint32_t *)mine = 0xabad1dea;
	EXPECT(KERN_SUCCESS, vm_write(child, addr + 100, mine, 4));
	EXPECT(KERN_SUCCESS, vm_read(child, addr + 100, 4, &data, &n));
	CHECK(n == 4 && *(uint32_t *)data == 0xabad1dea, "count %u", n);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, data, n));
	EXPECT(KERN_SUCCESS, vm_protect(child, addr, P, FALSE, VM_PROT_NONE));
	EXPECT(KERN_SUCCESS, task_terminate(child));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, child));
	EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(child, &addr, P, VM_FLAGS_ANYWHERE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, mine, P));
}

int
main(void)
{
	limit = check_limit();
	allocate();
	zero_filled();
	deallocate();
	protect();
	inherit();
	mapping();
	copying();
	other_task();
	return check_result("vm_basic");
}
