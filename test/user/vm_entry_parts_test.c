/*
 * vm_entry_parts_test: parts of memory entries, page by page and byte by byte.
 *
 * The entry is of bytes that begin and end within pages. For each form of it,
 * with and without RETURN_DATA_ADDR, each pair of a small set of borders is
 * mapped: what is refused, the address within its page, the region, and the
 * contents follow from the borders. Then the tags of entries of several
 * regions, offsets that wrap, and one byte.
 */
#include "check.h"
#include <stdbool.h>
#include <string.h>

#define KB16    (16ul << 10)
#define FIRST   (KB16 - 128)            /* of the entry, in the memory below */
#define BYTES   (KB16 + 256)

static vm_address_t memory;             /* 3 * KB16 bytes; each word holds its index */

/* What mapping [offset, offset + size) of an entry of this form must do. */
struct expected {
	bool         refused;
	vm_offset_t  in_page;           /* of the address given back */
	vm_size_t    region;
	vm_offset_t  from;              /* in the memory: what the region begins with */
};

static struct expected
expect(int form, int flags, vm_offset_t offset, vm_size_t size)
{
	bool whole = (form & (MAP_MEM_VM_COPY | MAP_MEM_VM_SHARE)) != 0, data = (flags & VM_FLAGS_RETURN_DATA_ADDR) != 0;
	vm_offset_t used = (data ? offset : 0) + (data && (form & MAP_MEM_USE_DATA_ADDR) ? FIRST : 0);
	struct expected x = {
		.refused = round_page(used + size) > round_page(FIRST + BYTES) || (!page_aligned(offset) && !data && !whole),
		.in_page = used & PAGE_MASK, .region = round_page(used + size) - trunc_page(used),
		.from = trunc_page(offset) + trunc_page(FIRST),
	};

	if (form & MAP_MEM_USE_DATA_ADDR)
		x.from = trunc_page(offset + FIRST);
	if (whole) {
		x.region = round_page(FIRST + BYTES) - trunc_page(FIRST);
		x.from = trunc_page(FIRST);
	}
	return x;
}

static void
map_part(int form, int flags, vm_offset_t offset, vm_size_t size)
{
	struct expected x = expect(form, flags, offset, size);
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	vm_address_t addr = 0, at;
	vm_size_t length = BYTES;
	vm_region_basic_info_data_64_t info;
	mem_entry_name_port_t e;
	kern_return_t kr;

	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &length, memory + FIRST, VM_PROT_DEFAULT | form, &e, MACH_PORT_NULL));
	CHECK(length == (form & MAP_MEM_USE_DATA_ADDR ? (FIRST & PAGE_MASK) + BYTES : round_page((FIRST & PAGE_MASK) + BYTES)),
	    "form 0x%x: 0x%lx", form, length);
	kr = vm_map(SELF, &addr, size, 0, VM_FLAGS_ANYWHERE | flags, e, offset, TRUE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
	    VM_INHERIT_DEFAULT);
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, e));
	CHECK(kr == (x.refused ? KERN_INVALID_ARGUMENT : KERN_SUCCESS), "form 0x%x flags 0x%x: 0x%lx at 0x%lx: %s", form, flags,
	    size, offset, mach_error_name(kr));
	if (kr != KERN_SUCCESS)
		return;
	at = addr;
	EXPECT(KERN_SUCCESS, vm_region(SELF, &at, &length, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count, NULL));
	CHECK(at == trunc_page(addr) && length == x.region && (addr & PAGE_MASK) == x.in_page,
	    "form 0x%x flags 0x%x: 0x%lx at 0x%lx: 0x%lx of a region of 0x%lx from 0x%lx", form, flags, size, offset, addr, length, at);
	for (vm_offset_t i = 4; i < length; i += PAGE_SIZE)
		CHECK(*(uint32_t *)(at + i) == (x.from + i) / 4, "form 0x%x flags 0x%x: 0x%lx at 0x%lx: 0x%x at 0x%lx", form, flags,
		    size, offset, *(uint32_t *)(at + i), i);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, at, length));
}

static void
parts(void)
{
	static const int forms[] = { 0, MAP_MEM_VM_COPY, MAP_MEM_VM_SHARE };
	static const vm_offset_t border[] = { 0, 64, P - 64, P, P + 64, 2 * P - 64, 2 * P };
	unsigned n = sizeof(border) / sizeof(border[0]);

	EXPECT(KERN_SUCCESS, vm_map(SELF, &memory, 3 * KB16, (64 << 10) - 1, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, TRUE,
	    VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_DEFAULT));
	CHECK((memory & 0xffff) == 0, "0x%lx", memory);
	for (uint32_t i = 0; i < 3 * KB16 / 4; i++)
		((uint32_t *)memory)[i] = i;
	for (unsigned form = 0; form < 6; form++)
		for (unsigned i = 0; i < n * n * 4; i++) {
			unsigned from = i % n, to = i / n % n;

			if (from < to)
				map_part(forms[form / 2] | (form & 1 ? MAP_MEM_USE_DATA_ADDR : 0),
				    i / n / n & 1 ? VM_FLAGS_RETURN_DATA_ADDR : 0, border[from],
				    border[to] - border[from] + (i / n / n & 2 ? KB16 : 0));
		}
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, memory, 3 * KB16));
}

static unsigned
tag_at(vm_address_t addr, vm_size_t want)
{
	vm_region_submap_short_info_data_64_t info = { 0 };
	mach_msg_type_number_t count = VM_REGION_SUBMAP_SHORT_INFO_COUNT_64;
	vm_address_t at = addr;
	vm_size_t size = 0;
	natural_t depth = 1;

	EXPECT(KERN_SUCCESS, vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	CHECK(at == addr && (want == 0 || size == want), "0x%lx at 0x%lx, not 0x%lx at 0x%lx", size, at, want, addr);
	return info.user_tag;
}

/* Memory keeps its tags where it is mapped through an entry, unless the mapping has one of its own. */
static void
tags(int form, int tag)
{
	vm_address_t a = check_memory(3 * KB16), b = 0;
	vm_size_t size = 3 * KB16;
	mem_entry_name_port_t e;

	for (vm_address_t i = 0, piece = a; i < 3; i++, piece += KB16) {
		EXPECT(KERN_SUCCESS, vm_allocate(SELF, &piece, KB16, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE | VM_MAKE_TAG(100 + i)));
		*(char *)piece = 'x';
	}
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a, VM_PROT_DEFAULT | form, &e, MACH_PORT_NULL));
	CHECK(size == 3 * KB16, "0x%lx", size);
	EXPECT(KERN_SUCCESS, vm_map(SELF, &b, size, 0, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(tag), e, 0, FALSE, VM_PROT_DEFAULT,
	    VM_PROT_DEFAULT, VM_INHERIT_DEFAULT));
	*(char *)a = 'X';
	CHECK(*(char *)b == (form == MAP_MEM_VM_SHARE ? 'X' : 'x'));
	for (unsigned i = 0; i < 3; i++)
		CHECK(tag_at(b + i * KB16, tag != 0 ? 0 : KB16) == (tag != 0 ? (unsigned)tag : 100 + i), "%u of 0x%x", i, form);
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, e));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 3 * KB16));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, b, 3 * KB16));
}

/* The entry's bytes begin within a page: offsets near the end of all addresses wrap only with that. */
static void
wraps(void)
{
	static const vm_offset_t offset[] = { -1ul, -KB16 - 1, -KB16, -2 * KB16, -P, 1ul << 63 };
	vm_address_t a = check_memory(2 * KB16), b = 0;
	vm_size_t size = KB16;
	mem_entry_name_port_t e;

	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a + KB16 / 2 + 64, MAP_MEM_VM_COPY | MAP_MEM_USE_DATA_ADDR |
	    VM_PROT_ALL, &e, MACH_PORT_NULL));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map(SELF, &b, -1ul, 0, VM_FLAGS_ANYWHERE, e, 0, TRUE, VM_PROT_ALL, VM_PROT_ALL,
	    VM_INHERIT_DEFAULT));
	for (unsigned i = 0; i < sizeof(offset) / sizeof(offset[0]); i++)
		EXPECT(KERN_INVALID_ARGUMENT, vm_map(SELF, &b, KB16, 0, VM_FLAGS_ANYWHERE | VM_FLAGS_RETURN_DATA_ADDR, e, offset[i],
		    TRUE, VM_PROT_ALL, VM_PROT_ALL, VM_INHERIT_DEFAULT));
	CHECK(b == 0);
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, e));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * KB16));
}

/* A snapshot of one byte is a page that can be written. */
static void
one_byte(void)
{
	vm_address_t a = check_memory(1), b = 0;
	mem_entry_name_port_t e;
	vm_size_t size = 1;

	*(char *)a = '1';
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, a, MAP_MEM_VM_COPY | VM_PROT_DEFAULT, &e, MACH_PORT_NULL));
	EXPECT(KERN_SUCCESS, vm_map(SELF, &b, size, 0, VM_FLAGS_ANYWHERE, e, 0, TRUE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
	    VM_INHERIT_DEFAULT));
	CHECK(*(char *)b == '1');
	*(char *)b = '2';
	CHECK(*(char *)a == '1');
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, e));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, b, P));
}

int
main(void)
{
	parts();
	for (unsigned i = 0; i < 4; i++)
		tags(i & 1 ? MAP_MEM_VM_SHARE : MAP_MEM_VM_COPY, i & 2 ? 200 : 0);
	wraps();
	one_byte();
	return check_result("vm_entry_parts_test");
}
