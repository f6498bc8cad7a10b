/*
 * vm_flags_test: vm_allocate's and vm_map's flags: tags, overwriting, permanent
 * memory, superpages, random places; and what is refused.
 */
#include "check.h"
#include "touch.h"
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static vm_region_submap_info_data_64_t
region(vm_address_t addr)
{
	vm_region_submap_info_data_64_t info = { 0 };
	mach_msg_type_number_t count = VM_REGION_SUBMAP_INFO_COUNT_64;
	natural_t depth = 0;
	vm_address_t at = addr;
	vm_size_t size;

	EXPECT(KERN_SUCCESS, vm_region_recurse(SELF, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	CHECK(at <= addr && addr < at + size, "0x%lx is in no region", addr);
	return info;
}

static void
unknown(void)
{
	static const unsigned known = 0xff07409b & ~0x2u;
	vm_address_t a = 4711;

	for (unsigned bit = 0; bit < 24; bit++)
		if (!(known >> bit & 1) && bit != 7) {
			EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(SELF, &a, P, (int)(1u << bit | VM_FLAGS_ANYWHERE)));
			CHECK(a == 4711, "bit %u", bit);
		}
	EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(SELF, &a, P, VM_FLAGS_PURGABLE | VM_FLAGS_ANYWHERE));
	EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(SELF, &a, 0, VM_FLAGS_PURGABLE));
	EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(SELF, &a, MEGA, VM_FLAGS_ANYWHERE | 4 << VM_FLAGS_SUPERPAGE_SHIFT));
}

static void
tags(void)
{
	vm_address_t a = 0, b;

	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &a, 2 * P, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(200)));
	CHECK(region(a).user_tag == 200, "%u", region(a).user_tag);
	b = a + P;
	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &b, P, VM_FLAGS_OVERWRITE | VM_MAKE_TAG(201)));
	CHECK(region(a).user_tag == 200 && region(b).user_tag == 201);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

static void
overwriting(void)
{
	vm_address_t a = check_memory(8 * P), at = a + 2 * P;

	memset((void *)a, 'o', 8 * P);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + 3 * P, P, FALSE, VM_PROT_NONE));
	EXPECT(KERN_NO_SPACE, vm_allocate(SELF, &at, 4 * P, VM_FLAGS_FIXED));
	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &at, 4 * P, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
	CHECK(at == a + 2 * P && *(char *)(a + 2 * P) == 0 && *(char *)(a + 3 * P) == 0 && *(char *)(a + 5 * P) == 0);
	CHECK(*(char *)(a + P) == 'o' && *(char *)(a + 6 * P) == 'o');
	/* A refusal takes nothing away. */
	at = a;
	EXPECT(KERN_INVALID_ARGUMENT, vm_map(SELF, &at, 8 * P, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, 4711, 0, FALSE,
	    VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY));
	CHECK(*(char *)a == 'o');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 8 * P));
}

/* It cannot be removed: it loses its rights, and its place stays taken. */
static int
permanent(void)
{
	vm_address_t a = 0, at;

	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &a, 4 * P, VM_FLAGS_ANYWHERE | VM_FLAGS_PERMANENT));
	memset((void *)a, 'p', 4 * P);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, P));
	CHECK(region(a).protection == VM_PROT_NONE && region(a).max_protection == VM_PROT_NONE);
	CHECK(touch_read((void *)a) == SIGSEGV && touch_read((void *)(a + P)) == 0);
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, a, P, FALSE, VM_PROT_READ));
	at = a;
	EXPECT(KERN_NO_SPACE, vm_allocate(SELF, &at, P, VM_FLAGS_FIXED));
	at = a + 2 * P;
	EXPECT(KERN_NO_SPACE, vm_allocate(SELF, &at, P, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
	CHECK(touch_read((void *)(a + 2 * P)) == SIGSEGV, "overwriting takes the rights, too");
	CHECK(*(char *)(a + P) == 'p' && *(char *)(a + 3 * P) == 'p');
	EXPECT(KERN_NO_SPACE, vm_protect(SELF, a + 3 * P, P, FALSE, VM_PROT_DEFAULT | VM_PROT_COPY));
	return check_failed != 0;
}

static void
superpages(void)
{
	vm_address_t a = 0, odd = 4711;
	int status, value, refs;
	pid_t pid;

	EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(SELF, &odd, MEGA + P, VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_2MB));
	CHECK(odd == 4711);
	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &a, P, VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_ANY));
	CHECK((a & (MEGA - 1)) == 0 && region(a).inheritance == VM_INHERIT_NONE && region(a).user_wired_count == 1,
	    "0x%lx inherit %u wired %u", a, region(a).inheritance, region(a).user_wired_count);
	EXPECT(KERN_SUCCESS, vm_map_page_query(SELF, a + MEGA - P, &value, &refs));
	CHECK(value & VM_PAGE_QUERY_PAGE_PRESENT);
	memset((void *)a, 's', MEGA);
	EXPECT(KERN_INVALID_ADDRESS, vm_wire(mach_host_self(), SELF, a, P, VM_PROT_NONE));
	/* Whole superpages, whatever is asked for. */
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + 5 * P, P, FALSE, VM_PROT_READ));
	CHECK(region(a).protection == VM_PROT_READ && touch_write((void *)a, 1) == SIGSEGV);
	pid = fork();
	if (pid == 0)
		_exit(touch_read((void *)a) != SIGSEGV);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "children do not have it: 0x%x", status);
	CHECK(*(char *)a == 's');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a + 7 * P, P));
	CHECK(touch_read((void *)a) == SIGSEGV && touch_read((void *)(a + MEGA - P)) == SIGSEGV);
	a = 0;
	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &a, 2 * MEGA, VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_2MB));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * MEGA));
}

static void
random_places(void)
{
	vm_address_t a[8];
	bool differ = false;

	for (unsigned i = 0; i < 8; i++) {
		a[i] = 0;
		EXPECT(KERN_SUCCESS, vm_allocate(SELF, &a[i], P, VM_FLAGS_ANYWHERE | VM_FLAGS_RANDOM_ADDR));
		CHECK((a[i] & PAGE_MASK) == 0 && touch_write((void *)a[i], 1) == 0);
		differ |= a[i] > a[0] + 64 * P || a[0] > a[i] + 64 * P;
	}
	CHECK(differ, "eight random places beside each other");
	for (unsigned i = 0; i < 8; i++)
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a[i], P));
}

/* With an object some of them make no sense. */
static void
objects(void)
{
	mem_entry_name_port_t e;
	vm_address_t a = 0;
	vm_size_t size = 2 * MEGA;

	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, 0, MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT, &e, 0));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map(SELF, &a, MEGA, 0, VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_2MB, e, 0, FALSE,
	    VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY));
	EXPECT(KERN_SUCCESS, vm_map(SELF, &a, MEGA, MEGA - 1, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(7), e, MEGA, FALSE,
	    VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_COPY));
	CHECK(region(a).user_tag == 7 && (a & (MEGA - 1)) == 0 && region(a).offset == MEGA);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, MEGA));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, e));
}

int
main(void)
{
	int status;
	pid_t pid;

	touch_init();
	unknown();
	tags();
	overwriting();
	pid = fork();                   /* what is permanent goes with its task */
	if (pid == 0)
		_exit(permanent());
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	superpages();
	random_places();
	objects();
	return check_result("vm_flags_test");
}
