/*
 * vm_behavior_test: advice that is kept, advice that acts, and vm_msync and
 * vm_machine_attribute on memory without a pager.
 */
#include "check.h"
#include "touch.h"
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
behavior(vm_address_t addr)
{
	return check_region(addr).behavior;
}

static unsigned
resident(vm_address_t addr, vm_size_t size)
{
	static int disposition[1024];
	mach_vm_size_t count = 1024;
	unsigned n = 0;

	EXPECT(KERN_SUCCESS, mach_vm_page_range_query(SELF, addr, size, (uintptr_t)disposition, &count));
	for (unsigned i = 0; i < count; i++)
		n += (disposition[i] & VM_PAGE_QUERY_PAGE_PRESENT) != 0;
	return n;
}

static void
arguments(void)
{
	vm_address_t a = check_memory(4 * P);

	EXPECT(KERN_INVALID_ARGUMENT, vm_behavior_set(0, a, P, VM_BEHAVIOR_RANDOM));
	EXPECT(KERN_INVALID_ARGUMENT, vm_behavior_set(SELF, a, P, 13));
	EXPECT(KERN_INVALID_ARGUMENT, vm_behavior_set(SELF, a, P, -1));
	EXPECT(KERN_INVALID_ARGUMENT, vm_behavior_set(SELF, a, -a, VM_BEHAVIOR_RANDOM));
	EXPECT(KERN_NO_SPACE, vm_behavior_set(SELF, a, -a - 1, VM_BEHAVIOR_RANDOM));
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, 0, VM_BEHAVIOR_RANDOM));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a + P, P));
	EXPECT(KERN_INVALID_ADDRESS, vm_behavior_set(SELF, a, 3 * P, VM_BEHAVIOR_RANDOM));
	EXPECT(KERN_INVALID_ADDRESS, vm_behavior_set(SELF, a + P, P, VM_BEHAVIOR_WILLNEED));
	CHECK(behavior(a) == VM_BEHAVIOR_DEFAULT && behavior(a + 2 * P) == VM_BEHAVIOR_DEFAULT);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
}

static void
kept(void)
{
	vm_address_t a = check_memory(4 * P);

	for (int b = VM_BEHAVIOR_DEFAULT; b <= VM_BEHAVIOR_RSEQNTL; b++) {
		EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a + P, P, b));
		CHECK(behavior(a + P) == b && behavior(a) == 0 && behavior(a + 2 * P) == 0);
	}
	memset((void *)a, 1, 4 * P);
	/* Actions change no attribute. */
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, 4 * P, VM_BEHAVIOR_WILLNEED));
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, 4 * P, VM_BEHAVIOR_DONTNEED));
	CHECK(behavior(a + P) == VM_BEHAVIOR_RSEQNTL && behavior(a) == 0);
	for (unsigned i = 0; i < 4 * P; i += 512)
		CHECK(((char *)a)[i] == 1);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
}

static void
acting(void)
{
	vm_size_t size = 64 * P;
	vm_address_t a = check_memory(size);

	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, size, VM_BEHAVIOR_WILLNEED));
	CHECK(*(char *)a == 0);
	memset((void *)a, 2, size);
	CHECK(resident(a, size) == 64, "%u", resident(a, size));
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, size, VM_BEHAVIOR_PAGEOUT));
	CHECK(*(char *)(a + 63 * P) == 2);
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a + P, 2 * P, VM_BEHAVIOR_ZERO));
	CHECK(*(char *)a == 2 && *(char *)(a + P) == 0 && *(char *)(a + 3 * P - 1) == 0 && *(char *)(a + 3 * P) == 2);
	/* May become zero, or stay; a store after it stays. */
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, 8 * P, VM_BEHAVIOR_FREE));
	CHECK(*(char *)a == 0 || *(char *)a == 2);
	*(char *)a = 3;
	CHECK(*(char *)a == 3 && *(char *)(a + 8 * P) == 2);
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, size, VM_BEHAVIOR_CAN_REUSE));
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, size, VM_BEHAVIOR_REUSABLE));
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, size, VM_BEHAVIOR_REUSE));
	memset((void *)a, 4, size);
	CHECK(*(char *)(a + size - 1) == 4);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, size));
}

/* What one task gives up, its parent's copy keeps. */
static void
private_copies(void)
{
	vm_address_t a = check_memory(16 * P);
	int status;
	pid_t pid;

	memset((void *)a, 'k', 16 * P);
	pid = fork();
	if (pid == 0) {
		bool ok = vm_behavior_set(SELF, a, 8 * P, VM_BEHAVIOR_ZERO) == KERN_SUCCESS;

		ok = ok && *(char *)a == 0 && *(char *)(a + 8 * P) == 'k';
		vm_behavior_set(SELF, a + 8 * P, 8 * P, VM_BEHAVIOR_FREE);
		_exit(!ok);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	for (unsigned i = 0; i < 16; i++)
		CHECK(*(char *)(a + i * P) == 'k', "page %u", i);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 16 * P));
}

/* Memory that may not be written is not zeroed. */
static void
read_only(void)
{
	vm_address_t a = check_memory(2 * P);
	kern_return_t kr;

	memset((void *)a, 'r', 2 * P);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a, 2 * P, FALSE, VM_PROT_READ));
	kr = vm_behavior_set(SELF, a, P, VM_BEHAVIOR_ZERO);
	CHECK(kr != KERN_SUCCESS, "%s", mach_error_name(kr));
	vm_behavior_set(SELF, a, P, VM_BEHAVIOR_FREE);          /* nothing, or a refusal */
	CHECK(*(char *)a == 'r' && *(char *)(a + P) == 'r');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

/* Wired pages stay, whatever the advice. */
static void
wired(void)
{
	vm_address_t a = check_memory(4 * P);

	memset((void *)a, 'w', 4 * P);
	EXPECT(KERN_SUCCESS, vm_wire(mach_host_self(), SELF, a, 2 * P, VM_PROT_DEFAULT));
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, 4 * P, VM_BEHAVIOR_DONTNEED));
	EXPECT(KERN_SUCCESS, vm_behavior_set(SELF, a, 4 * P, VM_BEHAVIOR_PAGEOUT));
	vm_behavior_set(SELF, a, 4 * P, VM_BEHAVIOR_FREE);
	CHECK(resident(a, 2 * P) == 2 && *(char *)a == 'w' && *(char *)(a + P) == 'w');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
}

static void
msync_calls(void)
{
	vm_address_t a = check_memory(6 * P);

	EXPECT(KERN_INVALID_ARGUMENT, vm_msync(SELF, a, P, VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS));
	EXPECT(KERN_INVALID_TASK, vm_msync(0, a, P, VM_SYNC_SYNCHRONOUS));
	EXPECT(KERN_INVALID_TASK, vm_msync(99999, a, P, VM_SYNC_SYNCHRONOUS));
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, 0, VM_SYNC_SYNCHRONOUS));
	EXPECT(KERN_INVALID_ADDRESS, vm_msync(SELF, a, -a, VM_SYNC_SYNCHRONOUS));
	EXPECT(KERN_INVALID_ADDRESS, vm_msync(SELF, a, -a - 1, VM_SYNC_SYNCHRONOUS));
	memset((void *)a, 'm', 6 * P);
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, 6 * P, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE));
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, 6 * P, VM_SYNC_ASYNCHRONOUS));
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, 6 * P, VM_SYNC_DEACTIVATE));
	CHECK(*(char *)a == 'm' && *(char *)(a + 5 * P) == 'm');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a + 2 * P, P));
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, 6 * P, VM_SYNC_SYNCHRONOUS));
	EXPECT(KERN_INVALID_ADDRESS, vm_msync(SELF, a, 6 * P, VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS));
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, 2 * P, VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 6 * P));
	/* Pages of nobody else's are dropped. */
	a = check_memory(4 * P);
	memset((void *)a, 'k', 4 * P);
	EXPECT(KERN_SUCCESS, vm_msync(SELF, a, 2 * P, VM_SYNC_KILLPAGES));
	CHECK(*(char *)a == 0 && *(char *)(a + P) == 0 && *(char *)(a + 2 * P) == 'k', "%d", *(char *)a);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
}

static void
machine_attributes(void)
{
	vm_address_t a = check_memory(4 * P);
	int value = MATTR_VAL_ICACHE_FLUSH;

	EXPECT(KERN_INVALID_ARGUMENT, vm_machine_attribute(0, a, P, MATTR_CACHE, &value));
	EXPECT(KERN_SUCCESS, vm_machine_attribute(SELF, a, 0, MATTR_CACHE, &value));
	EXPECT(KERN_INVALID_ARGUMENT, vm_machine_attribute(SELF, a, -a, MATTR_CACHE, &value));
	EXPECT(KERN_INVALID_ADDRESS, vm_machine_attribute(SELF, a, -a - 1, MATTR_CACHE, &value));
	EXPECT(KERN_SUCCESS, vm_machine_attribute(SELF, a, 4 * P, MATTR_CACHE, &value));
	value = MATTR_VAL_CACHE_SYNC;
	EXPECT(KERN_SUCCESS, vm_machine_attribute(SELF, a, 4 * P, MATTR_CACHE, &value));
	value = MATTR_VAL_DCACHE_FLUSH;
	EXPECT(KERN_SUCCESS, vm_machine_attribute(SELF, a, 4 * P, MATTR_CACHE, &value));
	value = MATTR_VAL_CACHE_FLUSH;
	EXPECT(KERN_SUCCESS, vm_machine_attribute(SELF, a, 4 * P, MATTR_CACHE, &value));
	value = 77;
	EXPECT(KERN_INVALID_ARGUMENT, vm_machine_attribute(SELF, a, 4 * P, MATTR_CACHE, &value));
	value = MATTR_VAL_ON;
	EXPECT(KERN_INVALID_ARGUMENT, vm_machine_attribute(SELF, a, 4 * P, MATTR_MIGRATE, &value));
	EXPECT(KERN_INVALID_ARGUMENT, vm_machine_attribute(SELF, a, 4 * P, 0x1000, &value));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a + P, P));
	value = MATTR_VAL_CACHE_SYNC;
	EXPECT(KERN_FAILURE, vm_machine_attribute(SELF, a, 4 * P, MATTR_CACHE, &value));
	EXPECT(KERN_INVALID_ADDRESS, vm_machine_attribute(SELF, check_limit(), P, MATTR_CACHE, &value));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
}

/* Instructions written, synchronised and run, twice. */
static void
new_code(void)
{
	vm_address_t a = check_memory(P);
	volatile uint32_t *code = (volatile uint32_t *)a;
	int value;

	EXPECT(KERN_SUCCESS, vm_protect(SELF, a, P, FALSE, VM_PROT_ALL));
	for (unsigned i = 1; i <= 2; i++) {
		code[0] = 0x00000513 | i << 20;         /* li a0, i */
		code[1] = 0x00008067;                   /* ret */
		value = MATTR_VAL_CACHE_SYNC;
		EXPECT(KERN_SUCCESS, vm_machine_attribute(SELF, a, P, MATTR_CACHE, &value));
		CHECK(((unsigned (*)(void))a)() == i);
	}
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, P));
}

int
main(void)
{
	touch_init();
	arguments();
	kept();
	acting();
	private_copies();
	read_only();
	wired();
	msync_calls();
	machine_attributes();
	new_code();
	return check_result("vm_behavior_test");
}
