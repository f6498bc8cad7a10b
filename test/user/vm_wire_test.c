/*
 * vm_wire_test: wiring: who may, what of, how often; what wired memory keeps,
 * and what fork, protect and deallocate do with it; task_wire.
 */
#include "check.h"
#include "touch.h"
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST    mach_host_self()

static unsigned
wired(vm_address_t addr)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	vm_address_t at = addr;
	vm_size_t size;

	if (vm_region(SELF, &at, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count, NULL) != KERN_SUCCESS ||
	    at > addr)
		return 99;
	return info.user_wired_count;
}

static bool
resident(vm_address_t addr)
{
	int disposition, refs;

	EXPECT(KERN_SUCCESS, vm_map_page_query(SELF, addr, &disposition, &refs));
	return (disposition & VM_PAGE_QUERY_PAGE_PRESENT) != 0;
}

static void
arguments(void)
{
	vm_address_t a = check_memory(4 * P);

	EXPECT(KERN_INVALID_HOST, vm_wire(0, SELF, a, P, VM_PROT_READ));
	EXPECT(KERN_INVALID_HOST, vm_wire(SELF, SELF, a, P, VM_PROT_READ));
	EXPECT(KERN_INVALID_HOST, vm_wire(0, 0, a, P, 99));
	EXPECT(KERN_INVALID_TASK, vm_wire(HOST, 0, a, P, VM_PROT_READ));
	EXPECT(KERN_INVALID_TASK, vm_wire(HOST, 4711, a, P, 99));
	EXPECT(KERN_INVALID_ARGUMENT, vm_wire(HOST, SELF, a, P, 8));
	EXPECT(KERN_INVALID_ARGUMENT, vm_wire(HOST, SELF, a, 0, 8));
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 0, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, 1, 0, VM_PROT_READ));
	EXPECT(KERN_INVALID_ARGUMENT, vm_wire(HOST, SELF, a, -a, VM_PROT_READ));
	EXPECT(KERN_INVALID_ARGUMENT, vm_wire(HOST, SELF, a, -1ul, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a + P, P));
	EXPECT(KERN_INVALID_ADDRESS, vm_wire(HOST, SELF, a, 3 * P, VM_PROT_READ));
	CHECK(wired(a) == 0 && wired(a + 2 * P) == 0, "a failed wiring leaves %u %u", wired(a), wired(a + 2 * P));
	EXPECT(KERN_INVALID_ADDRESS, vm_wire(HOST, SELF, a + P, P, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 4 * P, VM_PROT_NONE));      /* holes and unwired parts */
	EXPECT(KERN_INVALID_ADDRESS, vm_wire(HOST, SELF, a + P, P, VM_PROT_NONE));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + 2 * P, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_PROTECTION_FAILURE, vm_wire(HOST, SELF, a + 2 * P, 2 * P, VM_PROT_DEFAULT));
	EXPECT(KERN_PROTECTION_FAILURE, vm_wire(HOST, SELF, a + 2 * P, P, VM_PROT_EXECUTE));
	CHECK(wired(a + 2 * P) == 0 && wired(a + 3 * P) == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
}

static void
pages(void)
{
	vm_address_t a = check_memory(8 * P);

	CHECK(!resident(a + P));
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a + P + 5, P, VM_PROT_READ));  /* two pages */
	CHECK(!resident(a) && resident(a + P) && resident(a + 2 * P) && !resident(a + 3 * P));
	CHECK(wired(a) == 0 && wired(a + P) == 1 && wired(a + 2 * P) == 1 && wired(a + 3 * P) == 0);
	CHECK(*(char *)(a + P) == 0);
	*(char *)(a + P) = 5;
	/* Twice wired is to be unwired twice. */
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a + P, P, VM_PROT_DEFAULT));
	CHECK(wired(a + P) == 2 && wired(a + 2 * P) == 1);
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 8 * P, VM_PROT_NONE));
	CHECK(wired(a + P) == 1 && wired(a + 2 * P) == 0);
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 8 * P, VM_PROT_NONE));
	CHECK(wired(a + P) == 0);
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 8 * P, VM_PROT_NONE));
	CHECK(*(char *)(a + P) == 5 && resident(a + P));
	/* Merged again: one region. */
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 8 * P, VM_PROT_DEFAULT));
	for (unsigned i = 0; i < 8; i++)
		CHECK(resident(a + i * P), "page %u", i);
	/* Deallocated while wired. */
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 8 * P));
	CHECK(touch_read((void *)a) == SIGSEGV);
}

/* Less protection: still wired and resident, and what may not be done faults. */
static void
protect(void)
{
	vm_address_t a = check_memory(2 * P);

	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 2 * P, VM_PROT_DEFAULT));
	*(char *)a = 1;
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a, P, FALSE, VM_PROT_READ));
	CHECK(wired(a) == 1 && resident(a));
	CHECK(touch_write((void *)a, 2) == SIGSEGV && touch_read((void *)a) == 0 && *(char *)a == 1);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a, P, FALSE, VM_PROT_NONE));
	CHECK(wired(a) == 1 && touch_read((void *)a) == SIGSEGV);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a, P, FALSE, VM_PROT_DEFAULT));
	CHECK(touch_write((void *)a, 3) == 0 && *(char *)a == 3);
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 2 * P, VM_PROT_NONE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

/* The child has the contents, and not the wiring; neither sees the other's stores. */
static void
forked(void)
{
	vm_address_t a = check_memory(4 * P);
	int status;
	pid_t pid;

	memset((void *)a, 'w', 4 * P);
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a + P, 2 * P, VM_PROT_DEFAULT));
	pid = fork();
	if (pid == 0) {
		bool ok = wired(a + P) == 0 && *(char *)(a + P) == 'w' && *(char *)a == 'w';

		memset((void *)a, 'c', 4 * P);
		_exit(!ok || *(char *)(a + P) != 'c');
	}
	*(char *)(a + P) = 'p';
	CHECK(wired(a + P) == 1 && resident(a + P));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	CHECK(*(char *)(a + P) == 'p' && *(char *)(a + 2 * P) == 'w' && *(char *)a == 'w');
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 4 * P));
}

/* Wiring what a fork has made copy-on-write: the copy is made now, each has its own. */
static void
after_fork(void)
{
	vm_address_t a = check_memory(2 * P);
	int status;
	pid_t pid;

	memset((void *)a, 1, 2 * P);
	pid = fork();
	if (pid == 0) {
		usleep(30000);
		_exit(*(char *)a != 1 || *(char *)(a + P) != 1);
	}
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, P, VM_PROT_READ));
	*(char *)a = 2;
	*(char *)(a + P) = 2;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, P, VM_PROT_NONE));
	CHECK(*(char *)a == 2);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

static void
future(void)
{
	vm_address_t a;

	EXPECT(KERN_INVALID_ARGUMENT, task_wire(0, TRUE));
	EXPECT(KERN_SUCCESS, task_wire(SELF, TRUE));
	a = check_memory(2 * P);
	CHECK(wired(a) == 1 && resident(a) && resident(a + P), "%u", wired(a));
	EXPECT(KERN_SUCCESS, task_wire(SELF, FALSE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
	a = check_memory(2 * P);
	CHECK(wired(a) == 0 && !resident(a));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * P));
}

/* Whole megapages, in and out, and a part of one. */
static void
megapages(void)
{
	vm_address_t a = 0;

	EXPECT(KERN_SUCCESS, vm_map(SELF, &a, 2 * MEGA, MEGA - 1, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, FALSE,
	    VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 2 * MEGA, VM_PROT_DEFAULT));
	memset((void *)a, 7, 2 * MEGA);
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a + 5 * P, P, VM_PROT_READ));
	CHECK(wired(a + 5 * P) == 2 && wired(a + 6 * P) == 1);
	EXPECT(KERN_SUCCESS, vm_protect(SELF, a + 9 * P, P, FALSE, VM_PROT_READ));
	EXPECT(KERN_SUCCESS, vm_wire(HOST, SELF, a, 2 * MEGA, VM_PROT_NONE));
	CHECK(wired(a + 5 * P) == 1 && wired(a) == 0);
	CHECK(*(char *)(a + MEGA) == 7 && touch_write((void *)(a + 9 * P), 1) == SIGSEGV);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 2 * MEGA));
}

/* More than there is: refused, nothing stays wired, and the machine goes on. */
static void
too_much(void)
{
	vm_address_t a = 0;
	kern_return_t kr;

	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &a, 64ul << 30, VM_FLAGS_ANYWHERE));
	kr = vm_wire(HOST, SELF, a, 64ul << 30, VM_PROT_DEFAULT);
	CHECK(kr == KERN_RESOURCE_SHORTAGE, "%s", mach_error_name(kr));
	CHECK(wired(a) == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, a, 64ul << 30));
}

int
main(void)
{
	touch_init();
	arguments();
	pages();
	protect();
	forked();
	after_fork();
	future();
	megapages();
	too_much();
	return check_result("vm_wire_test");
}
