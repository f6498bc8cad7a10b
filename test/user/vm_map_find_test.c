/*
 * vm_map_find_test: FreeBSD's placement from a program: strategies, limits, the
 * object's handle, memory that is replaced, and outputs.
 */
#include "check.h"
#include <string.h>
#include <atlas/syscall.h>
#include <vm/vm_map.h>

#define BASE    0x30000000ul            /* where nothing is mapped */

static vm_map_t child;

static kern_return_t
find(vm_offset_t *addr, vm_size_t length, vm_offset_t max_addr, int space)
{
	return vm_map_find(child, VM_OBJECT_NULL, 0, addr, length, max_addr, space, VM_PROT_DEFAULT, VM_PROT_ALL, 0);
}

static void
strategies(void)
{
	vm_offset_t at = BASE + P;

	EXPECT(KERN_SUCCESS, find(&at, P, 0, VMFS_ANY_SPACE));
	CHECK(at == BASE + P, "0x%lx", at);
	EXPECT(KERN_SUCCESS, find(&at, P, 0, VMFS_ANY_SPACE));
	CHECK(at == BASE + 2 * P, "0x%lx", at);
	EXPECT(KERN_NO_SPACE, find(&at, P, 0, VMFS_NO_SPACE));
	at = BASE + P;
	EXPECT(KERN_NO_SPACE, find(&at, 2 * P, BASE + 4 * P, VMFS_ANY_SPACE));
	at = BASE + P;
	EXPECT(KERN_SUCCESS, find(&at, MEGA, 0, VMFS_SUPER_SPACE));
	CHECK(at == BASE + MEGA, "0x%lx", at);
	at = BASE + P;
	EXPECT(KERN_SUCCESS, find(&at, P, 0, VMFS_ALIGNED_SPACE(16)));
	CHECK(at == BASE + 0x10000, "0x%lx", at);
	at = BASE + P;
	EXPECT(KERN_SUCCESS, find(&at, MEGA, 0, VMFS_OPTIMAL_SPACE));
	CHECK(at == BASE + 2 * MEGA, "without an object as any: 0x%lx", at);
	EXPECT(KERN_INVALID_ARGUMENT, find(&at, P, 0, VMFS_ALIGNED_SPACE(11)));
	EXPECT(KERN_INVALID_ARGUMENT, find(&at, P, 0, 4));
	EXPECT(KERN_INVALID_ARGUMENT, find(&at, P + 1, 0, VMFS_ANY_SPACE));
	at = 0;
	EXPECT(KERN_INVALID_ADDRESS, find(&at, P, 0, VMFS_NO_SPACE));
	at = -P;
	EXPECT(KERN_INVALID_ADDRESS, find(&at, 2 * P, 0, VMFS_NO_SPACE));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_find(child, VM_OBJECT_NULL, 0, &at, P, 0, VMFS_ANY_SPACE, VM_PROT_DEFAULT,
	    VM_PROT_READ, 0));
	at = check_limit() - P;
	EXPECT(KERN_SUCCESS, vm_map_find_min(child, VM_OBJECT_NULL, 0, &at, 2 * P, BASE, 0, VMFS_ANY_SPACE, VM_PROT_DEFAULT,
	    VM_PROT_ALL, 0));
	CHECK(at == BASE + 3 * P, "begins again at its minimum: 0x%lx", at);
	CHECK(vm_map_findspace(child, BASE, 2 * P) == BASE + 5 * P, "0x%lx", vm_map_findspace(child, BASE, 2 * P));
	CHECK(vm_map_findspace(child, BASE, 1ul << 62) == check_limit() - (1ul << 62) + 1, "none");
	CHECK(vm_map_findspace(child, BASE, 0) == ~0ul && vm_map_findspace(child, BASE + 1, P) == ~0ul, "no pages");
	at = BASE + P;
	EXPECT(KERN_SUCCESS, vm_map_find_aligned(child, &at, P, 0, 4 * P));
	CHECK(at == BASE + 8 * P, "0x%lx", at);
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_find_aligned(child, &at, P, 0, 3 * P));
}

/* An object's handle stays; mappings are congruent; a private one is private. */
static void
objects(void)
{
	vm_address_t mine = check_memory(4 * MEGA);
	volatile unsigned char *p, *q;
	vm_offset_t at = 0, twice = 0, alone = 0;
	mem_entry_name_port_t object;
	vm_size_t size = 4 * MEGA;

	memset((void *)mine, 5, size);
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, mine, VM_PROT_DEFAULT, &object, MACH_PORT_NULL));
	EXPECT(KERN_SUCCESS, vm_map_find(SELF, object, P, &at, 3 * MEGA, 0, VMFS_OPTIMAL_SPACE, VM_PROT_READ, VM_PROT_DEFAULT,
	    MAP_PREFAULT));
	CHECK(((at - mine - P) & (MEGA - 1)) == 0, "0x%lx shows 0x%lx", at, mine + P);
	EXPECT(KERN_SUCCESS, vm_map_find(SELF, object, 0, &twice, size, 0, VMFS_SUPER_SPACE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
	    MAP_INHERIT_SHARE | MAP_PREFAULT_PARTIAL));
	EXPECT(KERN_SUCCESS, vm_map_find(SELF, object, 0, &alone, size, 0, VMFS_ANY_SPACE, VM_PROT_DEFAULT, VM_PROT_ALL,
	    MAP_COPY_ON_WRITE | MAP_PREFAULT));
	p = (void *)twice;
	q = (void *)alone;
	p[P] = 6;
	q[P + 1] = 7;
	CHECK(*(volatile unsigned char *)at == 6 && ((unsigned char *)mine)[P] == 6, "shared");
	CHECK(p[P + 1] == 5 && q[P] == 5, "private: %u %u", p[P + 1], q[P]);
	CHECK(check_region(twice).inheritance == VM_INHERIT_SHARE, "inherited shared");
	EXPECT(KERN_INVALID_RIGHT, vm_map_find(SELF, object, 0, &at, P, 0, VMFS_ANY_SPACE, VM_PROT_READ, VM_PROT_ALL, 0));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_find(SELF, object, P, &at, size, 0, VMFS_ANY_SPACE, VM_PROT_READ, VM_PROT_READ, 0));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_find(SELF, 12345, 0, &at, P, 0, VMFS_ANY_SPACE, VM_PROT_READ, VM_PROT_READ, 0));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, object));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_find(SELF, object, 0, &at, P, 0, VMFS_ANY_SPACE, VM_PROT_READ, VM_PROT_READ, 0));
	vm_deallocate(SELF, mine, size);
	CHECK(p[P] == 6, "lives on");
	vm_deallocate(SELF, twice, size);
	vm_deallocate(SELF, alone, size);
}

static void
replacing(void)
{
	vm_address_t at = check_memory(4 * P);
	volatile unsigned char *p = (void *)at;

	p[0] = p[P] = p[2 * P] = 1;
	EXPECT(KERN_SUCCESS, vm_map_fixed(SELF, VM_OBJECT_NULL, 0, at + P, P, VM_PROT_DEFAULT, VM_PROT_ALL, 0));
	CHECK(p[0] == 1 && p[P] == 0 && p[2 * P] == 1, "%u %u %u", p[0], p[P], p[2 * P]);
	EXPECT(KERN_NO_SPACE, vm_map_fixed(SELF, VM_OBJECT_NULL, 0, at, P, VM_PROT_READ, VM_PROT_ALL, MAP_CHECK_EXCL));
	EXPECT(KERN_NO_SPACE, vm_map_insert(SELF, VM_OBJECT_NULL, 0, at, at + P, VM_PROT_READ, VM_PROT_ALL, 0));
	EXPECT(KERN_INVALID_ADDRESS, vm_map_insert(SELF, VM_OBJECT_NULL, 0, at, at, VM_PROT_READ, VM_PROT_ALL, 0));
	EXPECT(KERN_INVALID_ADDRESS, vm_map_fixed(SELF, VM_OBJECT_NULL, 0, 0, P, VM_PROT_READ, VM_PROT_ALL, 0));
	EXPECT(KERN_SUCCESS, vm_map_find(SELF, VM_OBJECT_NULL, 0, &at, P, 0, VMFS_NO_SPACE, VM_PROT_READ, VM_PROT_ALL, MAP_REMAP));
	CHECK(p[0] == 0 && p[2 * P] == 1, "remapped");
	EXPECT(KERN_SUCCESS, vm_map_fixed(SELF, VM_OBJECT_NULL, 0, at, P, VM_PROT_NONE, VM_PROT_NONE, MAP_CREATE_GUARD));
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, at, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, at, 4 * P));
}

static void
options(void)
{
	vm_offset_t a = BASE, b = BASE;

	EXPECT(KERN_INVALID_ARGUMENT, vm_map_set_options(child, 1, 0));
	EXPECT(KERN_SUCCESS, vm_map_set_options(child, VM_MAP_ASLR | VM_MAP_WXORX, 9));
	EXPECT(KERN_SUCCESS, find(&a, P, 0, VMFS_ANY_SPACE));
	EXPECT(KERN_SUCCESS, vm_deallocate(child, a, P));
	EXPECT(KERN_SUCCESS, vm_map_set_options(child, VM_MAP_ASLR | VM_MAP_WXORX, 9));
	EXPECT(KERN_SUCCESS, find(&b, P, 0, VMFS_ANY_SPACE));
	CHECK(a == b && a != BASE, "the same seed: 0x%lx, 0x%lx", a, b);
	EXPECT(KERN_PROTECTION_FAILURE, vm_map_find(child, VM_OBJECT_NULL, 0, &b, P, 0, VMFS_ANY_SPACE, VM_PROT_ALL, VM_PROT_ALL, 0));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_set_options(0, 0, 0));
}

/* Pointers that lead nowhere: nothing is mapped. */
static void
outputs(void)
{
	vm_offset_t at = vm_map_findspace(child, BASE, P);

	EXPECT(KERN_INVALID_ADDRESS, atlas_syscall1(ATLAS_SYS_vm_map_find, 8));
	EXPECT(KERN_INVALID_ADDRESS, atlas_syscall1(ATLAS_SYS_vm_map_fixed, ~0ul));
	EXPECT(KERN_INVALID_ADDRESS, atlas_syscall4(ATLAS_SYS_vm_map_findspace, child, BASE, P, 8));
	EXPECT(KERN_INVALID_ADDRESS, atlas_syscall5(ATLAS_SYS_vm_map_find_aligned, child, 8, P, 0, P));
	CHECK(vm_map_findspace(child, BASE, P) == at, "something was mapped");
}

int
main(void)
{
	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &child));
	strategies();
	objects();
	replacing();
	options();
	outputs();
	EXPECT(KERN_SUCCESS, task_terminate(child));
	return check_result("vm_map_find_test");
}
