/*
 * vm_region2_test: vm_region's other flavours, vm_region_recurse, page queries
 * and vm_read_list.
 */
#include "check.h"
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static vm_region_extended_info_data_t
extended(vm_address_t addr)
{
	vm_region_extended_info_data_t info = { 0 };
	mach_msg_type_number_t count = VM_REGION_EXTENDED_INFO_COUNT;
	vm_address_t at = addr;
	vm_size_t size;

	EXPECT(KERN_SUCCESS, vm_region(SELF, &at, &size, VM_REGION_EXTENDED_INFO, (vm_region_info_t)&info, &count, NULL));
	CHECK(at <= addr && addr < at + size && count == VM_REGION_EXTENDED_INFO_COUNT);
	return info;
}

static vm_region_top_info_data_t
top(vm_address_t addr)
{
	vm_region_top_info_data_t info = { 0 };
	mach_msg_type_number_t count = VM_REGION_TOP_INFO_COUNT;
	vm_size_t size;

	EXPECT(KERN_SUCCESS, vm_region(SELF, &addr, &size, VM_REGION_TOP_INFO, (vm_region_info_t)&info, &count, NULL));
	return info;
}

static void
flavours(void)
{
	vm_address_t a = check_memory(64 * P), at = a;
	vm_region_extended_info_data_t info;
	mach_msg_type_number_t count;
	mach_port_t name = 99;
	vm_size_t size = 77;

	count = VM_REGION_EXTENDED_INFO_COUNT - 1;
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &at, &size, VM_REGION_EXTENDED_INFO, (vm_region_info_t)&info, &count,
	    &name));
	count = VM_REGION_TOP_INFO_COUNT - 1;
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &at, &size, VM_REGION_TOP_INFO, (vm_region_info_t)&info, &count, &name));
	for (int flavor = -1; flavor < 20; flavor++)
		if (flavor < 9 || flavor > 13) {
			count = 100;
			EXPECT(KERN_INVALID_ARGUMENT, vm_region(SELF, &at, &size, flavor, (vm_region_info_t)&info, &count,
			    &name));
		}
	EXPECT(KERN_INVALID_ARGUMENT, vm_region(0, &at, &size, VM_REGION_EXTENDED_INFO, (vm_region_info_t)&info, &count,
	    &name));
	CHECK(at == a && size == 77 && name == 99, "outputs of a refusal");
	count = 100;
	EXPECT(KERN_SUCCESS, vm_region(SELF, &at, &size, VM_REGION_EXTENDED_INFO, (vm_region_info_t)&info, &count, &name));
	CHECK(count == VM_REGION_EXTENDED_INFO_COUNT && name == MACH_PORT_NULL);
	at = -P;
	EXPECT(KERN_INVALID_ADDRESS, vm_region(SELF, &at, &size, VM_REGION_EXTENDED_INFO, (vm_region_info_t)&info, &count,
	    &name));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 64 * P));
}

static void
counts(void)
{
	vm_size_t size = 3 * MEGA;
	vm_address_t a = 0;
	vm_region_extended_info_data_t x;
	vm_region_top_info_data_t t;
	int status;
	pid_t pid;

	EXPECT(KERN_SUCCESS, vm_map(SELF, &a, size, 0, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(242), MACH_PORT_NULL, 0, FALSE,
	    VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	x = extended(a);
	CHECK(x.protection == VM_PROT_DEFAULT && x.user_tag == 242 && x.share_mode == SM_EMPTY && x.pages_resident == 0 &&
	    x.ref_count == 0 && !x.external_pager, "tag %u mode %u", x.user_tag, x.share_mode);
	CHECK(top(a).share_mode == SM_EMPTY && top(a).obj_id == 0);
	for (unsigned i = 0; i < 3; i++)
		*(char *)(a + i * MEGA + i * P) = 1;
	*(volatile char *)(a + P);
	x = extended(a);
	CHECK(x.share_mode == SM_PRIVATE && x.ref_count == 1 && x.shadow_depth == 0, "mode %u", x.share_mode);
	CHECK(x.pages_resident >= 3 && x.pages_dirtied >= 3 && x.pages_dirtied <= x.pages_resident, "%u %u",
	    x.pages_resident, x.pages_dirtied);
	t = top(a);
	CHECK(t.share_mode == SM_PRIVATE && t.private_pages_resident == x.pages_resident && t.obj_id != 0);
	/* A child makes it copy-on-write; what is written is one's own then. */
	pid = fork();
	if (pid == 0) {
		usleep(100000);
		_exit(0);
	}
	x = extended(a);
	CHECK(x.share_mode == SM_COW, "mode %u", x.share_mode);
	*(char *)a = 2;
	x = extended(a);
	CHECK(x.share_mode == SM_COW && x.shadow_depth == 1 && x.pages_shared_now_private == 1, "mode %u depth %u own %u",
	    x.share_mode, x.shadow_depth, x.pages_shared_now_private);
	CHECK(x.pages_resident >= 3);
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, size));
}

/* One object in several places, here and elsewhere. */
static void
sharing(void)
{
	vm_address_t a = check_memory(4 * P), b = 0, there = 0;
	vm_prot_t cur, max;
	uint8_t mode;
	task_t child;

	*(char *)a = 1;
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + P, P, FALSE, VM_PROT_READ));
	mode = extended(a).share_mode;
	CHECK(mode == SM_PRIVATE_ALIASED || mode == SM_SHARED_ALIASED, "mode %u", mode);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + P, P, FALSE, VM_PROT_DEFAULT));
	CHECK(extended(a).share_mode == SM_PRIVATE, "mode %u", extended(a).share_mode);
	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &child));
	EXPECT(KERN_SUCCESS, vm_remap(child, &there, 4 * P, 0, VM_FLAGS_ANYWHERE, SELF, a, FALSE, &cur, &max,
	    VM_INHERIT_NONE));
	mode = extended(a).share_mode;
	CHECK(mode == SM_TRUESHARED || mode == SM_SHARED, "mode %u", mode);
	CHECK(extended(a).ref_count == 2);
	EXPECT(KERN_SUCCESS, vm_remap(SELF, &b, 4 * P, 0, VM_FLAGS_ANYWHERE, SELF, a, FALSE, &cur, &max, VM_INHERIT_NONE));
	mode = extended(a).share_mode;
	CHECK(mode == SM_SHARED_ALIASED || mode == SM_TRUESHARED || mode == SM_SHARED, "mode %u", mode);
	CHECK(extended(b).ref_count == 3 && top(a).obj_id == top(b).obj_id);
	EXPECT(KERN_SUCCESS, task_terminate(child));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, child));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, b, 4 * P));
}

static void
recurse(void)
{
	vm_address_t a = check_memory(4 * P), at = a, w = 0, in = MEGA;
	vm_region_submap_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_SUBMAP_INFO_COUNT_64;
	mem_entry_name_port_t s;
	natural_t depth = 0;
	vm_size_t size;

	EXPECT(KERN_SUCCESS, vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	CHECK(at == a && size == 4 * P && depth == 0 && !info.is_submap && info.protection == VM_PROT_DEFAULT);
	depth = 5;
	EXPECT(KERN_SUCCESS, vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	CHECK(at == a && depth == 0);
	count = 3;
	EXPECT(KERN_INVALID_ARGUMENT, vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	count = VM_REGION_SUBMAP_INFO_COUNT_64;
	at = -P;
	EXPECT(KERN_INVALID_ADDRESS, vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
	/* A window of [P, +4M) of a submap that has 16 pages at 2M. */
	EXPECT(KERN_SUCCESS, vm_region_object_create(SELF, 8 * MEGA, &s));
	EXPECT(KERN_SUCCESS, vm_allocate(s, &in, 16 * P, VM_FLAGS_FIXED));
	EXPECT(KERN_SUCCESS, vm_map(SELF, &w, 2 * MEGA, 0, VM_FLAGS_ANYWHERE, s, P, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
	    VM_INHERIT_SHARE));
	at = w;
	depth = 0;
	EXPECT(KERN_SUCCESS, vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	CHECK(at == w && size == 2 * MEGA && depth == 0 && info.is_submap);
	depth = 1;
	EXPECT(KERN_SUCCESS, vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	CHECK(at == w + MEGA - P && size == 16 * P && depth == 1 && !info.is_submap, "0x%lx 0x%lx %u", at - w, size, depth);
	at = w + MEGA + 15 * P;                         /* behind it: what comes next at the top */
	depth = 1;
	if (vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count) == KERN_SUCCESS)
		CHECK(at >= w + 2 * MEGA && depth == 0, "0x%lx", at - w);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, w, 2 * MEGA));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, s));
}

static void
pages(void)
{
	vm_address_t a = check_memory(600 * P);
	static int d[700];
	int one = 77, refs = 77;
	mach_vm_size_t n = 700;

	*(char *)(a + 3 * P) = 1;
	*(char *)(a + 599 * P) = 1;
	EXPECT(KERN_SUCCESS, vm_map_page_query(SELF, a + 3 * P + 17, &one, &refs));
	CHECK((one & VM_PAGE_QUERY_PAGE_PRESENT) && (one & VM_PAGE_QUERY_PAGE_DIRTY) && (one & VM_PAGE_QUERY_PAGE_REF) &&
	    refs == 1, "0x%x %d", one, refs);
	EXPECT(KERN_SUCCESS, vm_map_page_query(SELF, a + 100 * P, &one, &refs));
	CHECK(one == 0);
	EXPECT(KERN_SUCCESS, vm_map_page_query(SELF, 0, &one, &refs));
	CHECK(one == 0 && refs == 0);
	EXPECT(KERN_SUCCESS, vm_map_page_query(SELF, -1ul, &one, &refs));
	CHECK(one == 0 && refs == 0);
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_page_query(0, a, &one, &refs));
	memset(d, 0x55, sizeof(d));
	EXPECT(KERN_SUCCESS, mach_vm_page_range_query(SELF, a + 1, 600 * P - 1, (uintptr_t)d, &n));
	CHECK(n == 600 && d[3] != 0 && d[599] != 0 && d[50] == 0 && d[600] == 0x55555555, "%lu", n);
	n = 5;
	memset(d, 0x55, sizeof(d));
	EXPECT(KERN_SUCCESS, mach_vm_page_range_query(SELF, a, 600 * P, (uintptr_t)d, &n));
	CHECK(n == 5 && d[5] == 0x55555555);
	EXPECT(KERN_SUCCESS, mach_vm_page_range_query(SELF, a, 0, (uintptr_t)d, &n));
	CHECK(n == 0);
	n = 5;
	EXPECT(KERN_INVALID_ARGUMENT, mach_vm_page_range_query(SELF, a, -a + 1, (uintptr_t)d, &n));
	EXPECT(KERN_INVALID_ADDRESS, mach_vm_page_range_query(SELF, a, P, 8, &n));
	CHECK(n == 5);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a + 2 * P, P));
	EXPECT(KERN_SUCCESS, mach_vm_page_range_query(SELF, a, 5 * P, (uintptr_t)d, &n));
	CHECK(n == 5 && d[2] == 0 && d[3] != 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 600 * P));
}

static void
read_list(void)
{
	static vm_read_entry_t list;
	vm_address_t a = check_memory(8 * P);

	for (unsigned i = 0; i < 8; i++)
		*(char *)(a + i * P + i) = (char)('a' + i);
	for (unsigned i = 0; i < 8; i++)
		list[i].address = a + i * P, list[i].size = i % 2 == 0 ? P : 100;
	EXPECT(KERN_SUCCESS, vm_read_list(SELF, list, 8));
	for (unsigned i = 0; i < 8; i++) {
		CHECK(list[i].address != a + i * P && *(char *)(list[i].address + i) == (char)('a' + i), "range %u", i);
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, list[i].address, list[i].size));
	}
	/* All or none. */
	for (unsigned i = 0; i < 8; i++)
		list[i].address = i == 5 ? 0 : a + i * P, list[i].size = P;
	EXPECT(KERN_INVALID_ADDRESS, vm_read_list(SELF, list, 8));
	CHECK(list[0].address == a && list[7].address == a + 7 * P);
	EXPECT(KERN_SUCCESS, vm_read_list(SELF, list, 0));
	EXPECT(KERN_INVALID_ARGUMENT, vm_read_list(SELF, list, VM_MAP_ENTRY_MAX + 1));
	EXPECT(KERN_INVALID_ARGUMENT, vm_read_list(0, list, 1));
	for (unsigned i = 0; i < VM_MAP_ENTRY_MAX; i++)
		list[i].address = a, list[i].size = 16;
	EXPECT(KERN_SUCCESS, vm_read_list(SELF, list, VM_MAP_ENTRY_MAX));
	for (unsigned i = 0; i < VM_MAP_ENTRY_MAX; i++)
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, list[i].address, 16));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 8 * P));
}

/* A walk over many entries is no slower per entry than over few. */
static void
many(void)
{
	enum { N = 4000 };
	vm_address_t a = check_memory(2 * N * P), at = a;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	unsigned n = 0;
	vm_size_t size;

	for (unsigned i = 0; i < N; i++)
		EXPECT(KERN_SUCCESS, vm_protect(SELF, a + 2 * i * P, P, FALSE, VM_PROT_READ));
	while (vm_region(SELF, &at, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count, NULL) == KERN_SUCCESS &&
	    at < a + 2 * N * P) {
		at += size;
		n++;
	}
	CHECK(n == 2 * N, "%u", n);
	for (unsigned i = 0; i < 2 * N; i += 500)
		CHECK(extended(a + i * P).protection == (i % 2 == 0 ? VM_PROT_READ : VM_PROT_DEFAULT));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * N * P));
}

int
main(void)
{
	flavours();
	counts();
	sharing();
	recurse();
	pages();
	read_list();
	many();
	return check_result("vm_region2_test");
}
