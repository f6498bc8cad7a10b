/*
 * vm_map_manual: what Mach's manual page of vm_map promises, point by point, in
 * the page's order.
 */
#include "check.h"
#include <atlas/memory_object.h>
#include <atlas/syscall.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define RW      VM_PROT_DEFAULT
#define ALL     VM_PROT_ALL
#define COPY    VM_INHERIT_COPY

static kern_return_t
map(task_t task, vm_address_t *addr, vm_size_t size, vm_address_t mask, boolean_t anywhere, mem_entry_name_port_t object)
{
	return vm_map(task, addr, size, mask, anywhere, object, 0, FALSE, RW, ALL, COPY);
}

static volatile char *
bytes(vm_address_t addr)
{
	return (volatile char *)addr;
}

static void
target_task_is_another(void)
{
	vm_address_t there = 64 * MEGA, data = check_memory(P);
	mach_msg_type_number_t n;
	task_t other;

	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &other));
	EXPECT(KERN_SUCCESS, map(other, &there, P, 0, FALSE, MEMORY_OBJECT_NULL));
	*bytes(data) = 7;
	EXPECT(KERN_SUCCESS, vm_write(other, there, data, 1));
	EXPECT(KERN_SUCCESS, vm_read(other, there, P, &data, &n));
	CHECK(*bytes(data) == 7);
	EXPECT(KERN_SUCCESS, task_terminate(other));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, other));
}

static void
address_and_size_are_pages(void)
{
	vm_address_t addr = 64 * MEGA + 123;
	vm_region_basic_info_data_t info;
	mach_msg_type_number_t n = VM_REGION_BASIC_INFO_COUNT;
	vm_address_t at;
	vm_size_t size;

	EXPECT(KERN_SUCCESS, map(SELF, &addr, P + 1, 0, FALSE, MEMORY_OBJECT_NULL));
	CHECK(addr == 64 * MEGA, "0x%lx", addr);
	at = addr;
	EXPECT(KERN_SUCCESS, vm_region(SELF, &at, &size, VM_REGION_BASIC_INFO, (vm_region_info_t)&info, &n, NULL));
	CHECK(at == addr && size == 2 * P, "0x%lx 0x%lx", at, size);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, 2 * P));
}

/* A mask of 2^n - 1, with and without anywhere; the start of a region by masking; a larger page. */
static void
mask_aligns(void)
{
	vm_address_t addr = 64 * MEGA + P, inside;
	const vm_size_t large = 16 * P;

	EXPECT(KERN_SUCCESS, map(SELF, &addr, 3 * P, MEGA - 1, TRUE, MEMORY_OBJECT_NULL));
	CHECK(addr % MEGA == 0 && addr > 64 * MEGA, "0x%lx", addr);
	inside = addr + 2 * P + 17;
	CHECK((inside & ~(MEGA - 1)) == addr);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, 3 * P));
	addr = 64 * MEGA + P;
	EXPECT(KERN_NO_SPACE, map(SELF, &addr, P, MEGA - 1, FALSE, MEMORY_OBJECT_NULL));
	for (unsigned i = 0; i < 4; i++) {      /* as on a machine with pages of 64 KiB */
		addr = 64 * MEGA;
		EXPECT(KERN_SUCCESS, map(SELF, &addr, large, large - 1, TRUE, MEMORY_OBJECT_NULL));
		CHECK(addr == 64 * MEGA + i * large, "0x%lx", addr);
	}
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, 64 * MEGA, 4 * large));
}

static void
anywhere(void)
{
	vm_address_t addr = 64 * MEGA, same = 64 * MEGA;

	EXPECT(KERN_SUCCESS, map(SELF, &addr, P, 0, TRUE, MEMORY_OBJECT_NULL));
	CHECK(addr == 64 * MEGA);
	EXPECT(KERN_NO_SPACE, map(SELF, &same, P, 0, FALSE, MEMORY_OBJECT_NULL));
	EXPECT(KERN_SUCCESS, map(SELF, &same, P, 0, TRUE, MEMORY_OBJECT_NULL));
	CHECK(same == addr + P, "0x%lx", same);
	CHECK(*bytes(addr) == 0 && *bytes(same) == 0);  /* MEMORY_OBJECT_NULL reads as zero */
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, 2 * P));
}

/* One object several times, at offsets, in several tasks: all see each other's stores; a copy sees none. */
static void
objects_are_coherent(void)
{
	memory_object_t object;
	vm_address_t a = 0, b = 0, copied = 0;
	int status;
	pid_t child;

	EXPECT(KERN_SUCCESS, atlas_memory_object_test(4 * P, &object));
	EXPECT(KERN_SUCCESS, vm_map(SELF, &a, 4 * P, 0, TRUE, object, 0, FALSE, RW, ALL, VM_INHERIT_SHARE));
	EXPECT(KERN_SUCCESS, vm_map(SELF, &b, 2 * P, 0, TRUE, object, 2 * P, FALSE, RW, ALL, VM_INHERIT_SHARE));
	bytes(a)[2 * P] = 1;
	CHECK(bytes(b)[0] == 1);
	bytes(b)[P] = 2;
	CHECK(bytes(a)[3 * P] == 2);
	EXPECT(KERN_SUCCESS, vm_map(SELF, &copied, 4 * P, 0, TRUE, object, 0, TRUE, RW, ALL, COPY));
	CHECK(bytes(copied)[2 * P] == 1);
	bytes(copied)[2 * P] = 9;
	bytes(a)[3 * P] = 3;
	CHECK(bytes(a)[2 * P] == 1 && bytes(copied)[3 * P] == 2);
	child = fork();
	if (child == 0) {
		bytes(b)[0] = 4;
		_exit(bytes(a)[2 * P] == 4 && bytes(copied)[2 * P] == 9 ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(bytes(a)[2 * P] == 4);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, b, 2 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, copied, 4 * P));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, object));
}

static void
protections(void)
{
	vm_address_t addr = 0;

	EXPECT(KERN_SUCCESS, vm_map(SELF, &addr, P, 0, TRUE, MEMORY_OBJECT_NULL, 0, FALSE, VM_PROT_READ, RW, COPY));
	EXPECT(KERN_PROTECTION_FAILURE, vm_write(SELF, addr, (vm_offset_t)"x", 1));
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(SELF, addr, P, FALSE, ALL));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, addr, P, FALSE, RW));
	*bytes(addr) = 1;
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, P));
}

static void
inheritance(void)
{
	static const vm_inherit_t how[] = { VM_INHERIT_SHARE, VM_INHERIT_COPY, VM_INHERIT_NONE };
	vm_address_t addr[3] = { 0, 0, 0 }, probe;
	int status;
	pid_t child;

	for (unsigned i = 0; i < 3; i++) {
		EXPECT(KERN_SUCCESS, vm_map(SELF, &addr[i], P, 0, TRUE, MEMORY_OBJECT_NULL, 0, FALSE, RW, ALL, how[i]));
		*bytes(addr[i]) = 1;
	}
	child = fork();
	if (child == 0) {
		*bytes(addr[0]) = 2;
		*bytes(addr[1]) = 2;
		probe = addr[2];
		_exit(vm_allocate(SELF, &probe, P, VM_FLAGS_FIXED) == KERN_SUCCESS ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(*bytes(addr[0]) == 2 && *bytes(addr[1]) == 1 && *bytes(addr[2]) == 1);
	for (unsigned i = 0; i < 3; i++)
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr[i], P));
}

static void *
make_ready(void *object)
{
	usleep(50000);
	EXPECT(KERN_SUCCESS, atlas_memory_object_tell((memory_object_t)(uintptr_t)object, ATLAS_PAGER_READY, 1));
	return NULL;
}

/* A pager that is slow to be ready is waited for; one that died, or what is none, is an error. */
static void
objects_that_do_not_serve(void)
{
	memory_object_t object;
	vm_address_t addr = 0;
	pthread_t helper;
	uint64_t start;

	EXPECT(KERN_SUCCESS, atlas_memory_object_test(P, &object));
	EXPECT(KERN_SUCCESS, atlas_memory_object_tell(object, ATLAS_PAGER_READY, 0));
	start = atlas_syscall0(ATLAS_SYS_clock_us);
	CHECK(pthread_create(&helper, NULL, make_ready, (void *)(uintptr_t)object) == 0);
	EXPECT(KERN_SUCCESS, map(SELF, &addr, P, 0, TRUE, object));
	CHECK(atlas_syscall0(ATLAS_SYS_clock_us) - start >= 50000);
	CHECK(pthread_join(helper, NULL) == 0);
	CHECK(*bytes(addr) == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, P));
	EXPECT(KERN_SUCCESS, atlas_memory_object_tell(object, ATLAS_PAGER_DIE, KERN_FAILURE));
	EXPECT(KERN_INVALID_OBJECT, map(SELF, &addr, P, 0, TRUE, object));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, object));
	EXPECT(KERN_INVALID_ARGUMENT, map(SELF, &addr, P, 0, TRUE, 4711));
	EXPECT(KERN_INVALID_ARGUMENT, map(SELF, &addr, P, 0, TRUE, SELF));
}

static void
relatives(void)
{
	vm_address_t addr = check_memory(2 * P), other = 0;
	vm_prot_t cur, max;

	EXPECT(KERN_SUCCESS, vm_remap(SELF, &other, 2 * P, 0, TRUE, SELF, addr, FALSE, &cur, &max, VM_INHERIT_SHARE));
	*bytes(addr) = 5;
	CHECK(*bytes(other) == 5 && cur == RW && max == ALL);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, other, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_inherit(SELF, other, P, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, addr, 2 * P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, other, 2 * P));
}

int
main(void)
{
	target_task_is_another();
	address_and_size_are_pages();
	mask_aligns();
	anywhere();
	objects_are_coherent();
	protections();
	inheritance();
	objects_that_do_not_serve();
	relatives();
	return check_result("vm_map_manual");
}
