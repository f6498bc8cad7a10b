/*
 * vm_map_range_test: FreeBSD's operations on ranges, from a program: each code
 * and rule that a program can see, and those of the POSIX calls above them.
 */
#include "check.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vm/vm_map.h>

#define BASE    0x30000000ul            /* where nothing is mapped */
#define BOTH    (VM_MAP_PROTECT_SET_PROT | VM_MAP_PROTECT_SET_MAXPROT)
#define RW      VM_PROT_DEFAULT
#define RO      VM_PROT_READ

static vm_map_t self;

/* Pages 0..3 and 6..7 of BASE. */
static void
fresh(void)
{
	vm_address_t at = BASE;

	vm_deallocate(self, BASE, 16 * P);
	EXPECT(KERN_SUCCESS, vm_allocate(self, &at, 4 * P, VM_FLAGS_FIXED));
	at += 6 * P;
	EXPECT(KERN_SUCCESS, vm_allocate(self, &at, 2 * P, VM_FLAGS_FIXED));
}

static void
protection(void)
{
	fresh();
	EXPECT(KERN_OUT_OF_BOUNDS, vm_map_protect(self, BASE, BASE + P, RW, RO, BOTH));
	EXPECT(KERN_SUCCESS, vm_map_protect(self, BASE, BASE + P, RO, RW, BOTH));
	CHECK(vm_map_check_protection(self, BASE, BASE + P, RO), "r");
	CHECK(!vm_map_check_protection(self, BASE, BASE + P, RW), "no w");
	EXPECT(KERN_PROTECTION_FAILURE, vm_map_protect(self, BASE, BASE + 8 * P, RO | VM_PROT_EXECUTE, 0, VM_MAP_PROTECT_SET_PROT));
	EXPECT(KERN_SUCCESS, vm_map_protect(self, BASE, BASE + 8 * P, RW, 0, VM_MAP_PROTECT_SET_PROT));
	CHECK(vm_map_check_protection(self, BASE, BASE + 4 * P, RW), "rw again");
	CHECK(!vm_map_check_protection(self, BASE, BASE + 8 * P, RO), "a hole allows nothing");
	CHECK(vm_map_check_protection(self, BASE + 4 * P, BASE + 4 * P, VM_PROT_ALL), "nothing allows all");
	EXPECT(KERN_SUCCESS, vm_map_protect(self, BASE, BASE + 4 * P, 0, RO, VM_MAP_PROTECT_SET_MAXPROT));
	CHECK(vm_map_check_protection(self, BASE, BASE + 4 * P, RO), "cut to the maximum");
	EXPECT(KERN_PROTECTION_FAILURE, vm_protect(self, BASE, P, FALSE, RW));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_protect(self, BASE, BASE + P, RO, 0, 16));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_protect(self, BASE + 1, BASE + P, RO, 0, VM_MAP_PROTECT_SET_PROT));
	EXPECT(KERN_SUCCESS, vm_map_protect(self, BASE + P, BASE, 0, 0, BOTH));
	EXPECT(KERN_SUCCESS, vm_map_protect(self, -P, ~(vm_offset_t)(P - 1), 0, 0, BOTH));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_protect(0, BASE, BASE + P, RO, 0, VM_MAP_PROTECT_SET_PROT));
}

/* What a child finds at p: its exit status. */
static int
child_sees(const volatile unsigned char *p)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(*p);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
inheritance(void)
{
	volatile unsigned char *p = (unsigned char *)BASE;

	fresh();
	p[0] = 7;
	p[P] = 8;
	EXPECT(KERN_SUCCESS, vm_map_inherit(self, BASE, BASE + P, VM_INHERIT_ZERO));
	CHECK(child_sees(p) == 0 && child_sees(p + P) == 8, "zero and copy");
	CHECK(p[0] == 7, "the parent's stays");
	EXPECT(KERN_SUCCESS, vm_map_inherit(self, BASE, BASE + 8 * P, VM_INHERIT_COPY));
	CHECK(child_sees(p) == 7, "copy");
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_inherit(self, BASE, BASE + P, 4));
	EXPECT(KERN_INVALID_ARGUMENT, vm_inherit(self, BASE, P, VM_INHERIT_ZERO));
	CHECK(minherit((void *)BASE, P, INHERIT_ZERO) == 0 && child_sees(p) == 0, "minherit");
	CHECK(minherit((void *)BASE, P, 4) == -1 && errno == EINVAL, "minherit of no inheritance: %d", errno);
}

static void
advice(void)
{
	volatile unsigned char *p = (unsigned char *)BASE;

	fresh();
	p[0] = 7;
	for (int a = MADV_NORMAL; a <= MADV_CORE; a++)
		if (a != MADV_FREE)
			EXPECT(KERN_SUCCESS, vm_map_madvise(self, BASE, BASE + 16 * P, a));
	CHECK(p[0] == 7, "contents stay");
	EXPECT(KERN_SUCCESS, vm_map_madvise(self, BASE, BASE + 16 * P, MADV_FREE));
	CHECK(p[0] == 0 || p[0] == 7, "contents stay or go: %d", p[0]);
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_madvise(self, BASE, BASE + P, MADV_CORE + 1));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_madvise(self, BASE, BASE + P, -1));
	CHECK(madvise((void *)BASE, P, MADV_NOSYNC) == 0 && madvise((void *)BASE, P, MADV_NOCORE) == 0, "madvise");
}

static void
wiring(void)
{
	fresh();
	EXPECT(KERN_INVALID_ADDRESS, vm_map_wire(self, BASE, BASE + 8 * P, VM_MAP_WIRE_USER));
	EXPECT(KERN_SUCCESS, vm_map_wire(self, BASE, BASE + 8 * P, VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK));
	EXPECT(KERN_SUCCESS, vm_map_wire(self, BASE, BASE + 4 * P, VM_MAP_WIRE_USER));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_sync(self, BASE, BASE + P, TRUE, TRUE));
	EXPECT(KERN_SUCCESS, vm_map_unwire(self, BASE, BASE + 8 * P, VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK));
	EXPECT(KERN_SUCCESS, vm_map_sync(self, BASE, BASE + P, TRUE, TRUE));
	EXPECT(KERN_INVALID_ADDRESS, vm_map_sync(self, BASE, BASE + 8 * P, TRUE, FALSE));
	EXPECT(KERN_SUCCESS, vm_map_sync(self, BASE + P, BASE + P, FALSE, FALSE));
	EXPECT(KERN_INVALID_ADDRESS, vm_map_unwire(self, BASE, BASE + 8 * P, VM_MAP_WIRE_USER));
	EXPECT(KERN_NO_ACCESS, vm_map_wire(self, BASE, BASE + P, VM_MAP_WIRE_SYSTEM));
	EXPECT(KERN_NO_ACCESS, vm_map_unwire(self, BASE, BASE + P, VM_MAP_WIRE_SYSTEM));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_wire(self, BASE, BASE + P, VM_MAP_WIRE_USER | 8));
	EXPECT(KERN_SUCCESS, vm_map_protect(self, BASE, BASE + P, 0, 0, VM_MAP_PROTECT_SET_PROT));
	EXPECT(KERN_SUCCESS, vm_map_protect(self, BASE + P, BASE + 2 * P, RO, 0, VM_MAP_PROTECT_SET_PROT));
	EXPECT(KERN_INVALID_ADDRESS, vm_map_wire(self, BASE, BASE + 4 * P, VM_MAP_WIRE_USER));
	EXPECT(KERN_INVALID_ADDRESS, vm_map_wire(self, BASE + P, BASE + 4 * P, VM_MAP_WIRE_USER | VM_MAP_WIRE_WRITE));
	EXPECT(KERN_SUCCESS, vm_map_wire(self, BASE, BASE + 8 * P, VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK | VM_MAP_WIRE_WRITE));
	EXPECT(KERN_SUCCESS, vm_map_unwire(self, BASE, BASE + 4 * P, VM_MAP_WIRE_USER));
	/* Above them: what has no rights is passed over by mlockall, and refused by mlock. */
	CHECK(mlock((void *)BASE, P) == -1 && errno == ENOMEM, "mlock of no rights: %d", errno);
	CHECK(mlockall(MCL_CURRENT) == 0, "mlockall: %d", errno);
	CHECK(mlock((void *)(BASE + P), P) == 0 && munlock((void *)(BASE + P), P) == 0, "one munlock");
	CHECK(msync((void *)(BASE + P), P, MS_SYNC | MS_INVALIDATE) == 0, "undoes all: %d", errno);
	CHECK(mlock((void *)BASE, 8 * P) == -1 && errno == ENOMEM, "mlock of a hole: %d", errno);
	CHECK(munlock((void *)BASE, 8 * P) == -1 && errno == ENOMEM, "munlock of a hole: %d", errno);
	CHECK(mlockall(0) == -1 && errno == EINVAL && mlockall(4) == -1 && errno == EINVAL, "mlockall of nothing: %d", errno);
	CHECK(munlockall() == 0, "munlockall: %d", errno);
}

int
main(void)
{
	self = mach_task_self();
	protection();
	inheritance();
	advice();
	wiring();
	CHECK(vm_map_range_valid(self, BASE, BASE + P) && !vm_map_range_valid(self, BASE, BASE) &&
	    !vm_map_check_boundary(self, BASE, 1ul << 63), "range_valid");
	return check_result("vm_map_range_test");
}
