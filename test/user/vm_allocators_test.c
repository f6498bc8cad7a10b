/*
 * vm_allocators_test: each way to get memory, with each size, place and fault.
 *
 * vm_allocate; vm_map with three masks; vm_map of a new memory entry. Then
 * vm_read, vm_write and vm_copy over holes and over what cannot be read or
 * written, by sizes around a page; and the borders of all addresses.
 */
#include "check.h"
#include "touch.h"
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define LAST    (UINT64_MAX - PAGE_MASK)        /* the last page of all addresses */

static vm_offset_t mask;
static bool by_entry;

static kern_return_t
map(vm_map_t task, vm_address_t *addr, vm_size_t size, int flags)
{
	mem_entry_name_port_t e = MACH_PORT_NULL;
	vm_size_t asked = size;
	kern_return_t kr;

	if (by_entry) {
		EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, 0, MAP_MEM_NAMED_CREATE | VM_PROT_ALL, &e, MACH_PORT_NULL));
		CHECK(size == round_page(asked) && MACH_PORT_VALID(e) == (size != 0), "0x%lx", size);
	}
	kr = vm_map(task, addr, size, mask, flags, e, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT);
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, e));
	return kr;
}

typedef kern_return_t allocator(vm_map_t task, vm_address_t *addr, vm_size_t size, int flags);

/* Memory that was just got at addr: it is zero, nobody else gets it, and it goes whole, twice. */
static void
is_memory(allocator *get, vm_address_t addr, vm_size_t size)
{
	vm_address_t end = addr + round_page(size), at;

	for (vm_address_t p = addr; p < end; p += P) {
		CHECK(*(char *)p == 0 && *(char *)(p + P - 1) == 0);
		at = p;
		EXPECT(KERN_NO_SPACE, (mask > P ? vm_allocate : get)(SELF, &at, P, VM_FLAGS_FIXED));
	}
	memset((void *)addr, 0x5a, size);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, addr + size - 1, 1, FALSE, VM_PROT_READ));
	CHECK(touch_write((void *)(end - 1), 1) == SIGSEGV && touch_read((void *)(end - 1)) == 0);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, addr, size, FALSE, VM_PROT_WRITE));
	CHECK(touch_read((void *)addr) == SIGSEGV);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr + size - 1, 1));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, size));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, size));
	CHECK(touch_read((void *)addr) == SIGSEGV && touch_read((void *)(end - 1)) == SIGSEGV);
	at = addr;
	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &at, size, VM_FLAGS_FIXED));
	CHECK(*(char *)at == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, at, size));
}

/* Of one size: anywhere, at 0, beside a boundary of 2 MiB, at an address within a page. */
static void
places(allocator *get, vm_size_t size)
{
	kern_return_t none = get == vm_allocate ? KERN_SUCCESS : KERN_INVALID_ARGUMENT, kr;
	vm_address_t addr = 0, beside;

	EXPECT(size != 0 ? KERN_SUCCESS : none, get(SELF, &addr, size, VM_FLAGS_ANYWHERE));
	CHECK((addr != 0) == (size != 0) && (addr & (mask | PAGE_MASK)) == 0, "0x%lx", addr);
	if (size != 0)
		is_memory(get, addr, size);
	addr = 0;
	EXPECT(size != 0 ? KERN_INVALID_ADDRESS : none, get(SELF, &addr, size, VM_FLAGS_FIXED));
	CHECK(addr == 0);
	EXPECT(KERN_SUCCESS, vm_map(SELF, &addr, 2 * MEGA + size, MEGA - 1, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, FALSE,
	    VM_PROT_NONE, VM_PROT_NONE, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, 2 * MEGA + size));
	beside = addr + P + 1;
	kr = get(SELF, &beside, size, VM_FLAGS_FIXED);
	CHECK(kr == (size == 0 ? none : mask > P ? KERN_NO_SPACE : KERN_SUCCESS), "%s", mach_error_name(kr));
	if (kr == KERN_SUCCESS && size != 0) {
		CHECK(beside == addr + P, "0x%lx", beside);
		is_memory(get, beside, size);
	}
	addr = 0;
	EXPECT(KERN_INVALID_ARGUMENT, get(VM_MAP_NULL, &addr, size, VM_FLAGS_ANYWHERE));
}

static void
allocating(const char *name, allocator *get)
{
	static const vm_size_t size[] = { 64 * P, 0, P, 1, P - 1, P + 1 };
	vm_address_t one = LAST, two;

	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		places(get, size[i]);
	/* A hint is where vm_map begins to look, and it does not wrap. */
	EXPECT(get == vm_allocate ? KERN_SUCCESS : KERN_NO_SPACE, get(SELF, &one, P, VM_FLAGS_ANYWHERE));
	if (get == vm_allocate)
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, one, P));
	one = 0;
	EXPECT(KERN_SUCCESS, get(SELF, &one, P, VM_FLAGS_ANYWHERE));
	two = one;
	EXPECT(KERN_SUCCESS, get(SELF, &two, P, VM_FLAGS_ANYWHERE));
	CHECK(two > one);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, one, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, two, P));
	if (!by_entry) {
		one = 0;
		EXPECT(KERN_NO_SPACE, get(SELF, &one, LAST, VM_FLAGS_ANYWHERE));
		EXPECT(KERN_INVALID_ARGUMENT, get(SELF, &one, UINT64_MAX, VM_FLAGS_ANYWHERE));
	}
	printf("%s: %u of %u points failed so far\n", name, check_failed, check_points);
}

/* Nothing, and ranges that wrap, at the borders of all addresses. */
static void
borders(void)
{
	static const vm_address_t at[] = { 0, 1, P - 1, P, P + 1, UINT_MAX - PAGE_MASK, UINT_MAX, LAST, UINT64_MAX };
	static const struct { vm_address_t addr; vm_size_t size; } wrap[] = {
		{ UINT64_MAX - UINT_MAX + 1, UINT_MAX }, { UINT64_MAX - UINT_MAX + P, UINT_MAX - PAGE_MASK }, { LAST, P }, { UINT64_MAX, 1 },
	};
	vm_address_t here = check_memory(P);
	mach_msg_type_number_t count;
	vm_offset_t data;
	vm_size_t done;

	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, at[i], 0));
		EXPECT(KERN_SUCCESS, vm_protect(SELF, at[i], 0, FALSE, VM_PROT_READ));
		EXPECT(KERN_SUCCESS, vm_inherit(SELF, at[i], 0, VM_INHERIT_SHARE));
		EXPECT(KERN_SUCCESS, vm_read(SELF, at[i], 0, &data, &count));
		EXPECT(KERN_SUCCESS, vm_read_overwrite(SELF, at[i], 0, here, &done));
		EXPECT(KERN_SUCCESS, vm_write(SELF, at[i], here, 0));
		EXPECT(KERN_SUCCESS, vm_copy(SELF, at[i], 0, here));
		EXPECT(KERN_INVALID_ADDRESS, vm_copy(SELF, at[i], UINT_MAX - 1, here));
	}
	for (unsigned i = 0; i < sizeof(wrap) / sizeof(wrap[0]); i++) {
		EXPECT(KERN_INVALID_ADDRESS, vm_read(SELF, wrap[i].addr, wrap[i].size, &data, &count));
		EXPECT(KERN_INVALID_ADDRESS, vm_copy(SELF, wrap[i].addr, wrap[i].size, here));
		EXPECT(KERN_INVALID_ARGUMENT, vm_deallocate(SELF, wrap[i].addr, wrap[i].size));
		EXPECT(KERN_INVALID_ARGUMENT, vm_protect(SELF, wrap[i].addr, wrap[i].size, FALSE, VM_PROT_READ));
	}
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, here, P));
}

/* A code that must be this one; what goes by a kernel buffer may say INVALID_ADDRESS to everything. */
static void
refused(kern_return_t want, kern_return_t kr, vm_size_t size, const char *what)
{
	CHECK(kr == want || (size < 2 * P && kr == KERN_INVALID_ADDRESS), "%s of 0x%lx bytes: %s", what, size, mach_error_name(kr));
}

/* The middle page of one side is a hole, or has not the right that is needed. */
static void
middles(vm_size_t size, bool hole)
{
	vm_address_t a = check_memory(size + P), b = check_memory(size + P), middle = trunc_page(a + size / 2);
	kern_return_t want = hole ? KERN_INVALID_ADDRESS : KERN_PROTECTION_FAILURE;
	mach_msg_type_number_t count;
	vm_offset_t data;

	if (hole)
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, middle, P));
	else
		EXPECT(KERN_SUCCESS, vm_protect(SELF, middle, P, FALSE, VM_PROT_WRITE));
	refused(want, vm_read(SELF, a, size, &data, &count), size, "read");
	refused(want, vm_copy(SELF, a, size, b), size, "copy");
	EXPECT(MACH_SEND_INVALID_MEMORY, vm_write(SELF, b, a, (mach_msg_type_number_t)size));
	if (!hole)
		EXPECT(KERN_SUCCESS, vm_protect(SELF, middle, P, FALSE, VM_PROT_READ));
	*(char *)b = 1;
	refused(want, vm_copy(SELF, b, size, a), size, "copy to it");
	refused(want, vm_write(SELF, a, b, (mach_msg_type_number_t)size), size, "write to it");
	CHECK(middle == a || *(char *)a == 0);          /* refused whole */
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, size + P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, b, size + P));
}

int
main(void)
{
	static const vm_size_t size[] = { 1, P - 1, P, P + 1, 2 * P - 1, 2 * P, 3 * P + 5, 20 * P };

	touch_init();
	allocating("vm_allocate", vm_allocate);
	allocating("vm_map", map);
	mask = P - 1;
	allocating("vm_map, mask of a page", map);
	mask = MEGA - 1;
	allocating("vm_map, mask of a megapage", map);
	mask = 0;
	by_entry = true;
	allocating("vm_map of an entry", map);
	borders();
	for (unsigned i = 0; i < 16; i++)
		middles(size[i / 2], i & 1);
	return check_result("vm_allocators_test");
}
