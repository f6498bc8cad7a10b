/*
 * stack_test: the main thread's stack grows to its limit and no further; who
 * runs past it hears of it on another stack, by a signal or by the kernel's own
 * exception; threads' stacks; FreeBSD's calls for stacks, and limits.
 */
#include "posix.h"
#include <atlas/syscall.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <vm/vm_map_stack.h>

#define MiB     (1ul << 20)
#define STACK   0x30000000ul            /* where nothing is mapped */
#define GROW    (128ul << 10)

static jmp_buf back;
static volatile uintptr_t lowest, fault_at, handler_sp;
static volatile int fault_code;

/* Frames of over 1 KiB, until one lies `bytes` below top; a sum over all of them. */
static __attribute__((noinline)) unsigned
recurse(uintptr_t top, size_t bytes)
{
	volatile unsigned char frame[1024];
	unsigned sum = 1;

	frame[0] = frame[1023] = 1;
	lowest = (uintptr_t)frame;
	if (top - lowest < bytes)
		sum += recurse(top, bytes);
	return sum * frame[1023] + frame[0] - 1;
}

/* The end of the region that holds this frame: where the main thread's stack began. */
static uintptr_t
stack_top(void)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	vm_address_t at = (vm_address_t)&info;
	vm_size_t size;

	EXPECT(KERN_SUCCESS, vm_region(mach_task_self(), &at, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count, NULL));
	return at + size;
}

/* --- the limit --- */

static int
runs_8_mib_deep(void *nothing)
{
	uintptr_t top = stack_top();

	(void)nothing;
	CHECK(recurse(top, 8 * MiB - 16384) > 6000);
	CHECK(top - lowest <= 8 * MiB);
	return check_failed != 0;
}

static void
hear(int sig, siginfo_t *info, void *context)
{
	char here;

	(void)sig;
	(void)context;
	fault_at = (uintptr_t)info->si_addr;
	fault_code = info->si_code;
	handler_sp = (uintptr_t)&here;
	longjmp(back, 1);
}

/* A handler on a stack of its own: the program goes on, and hears of the next time, too. */
static int
hears_of_it(void *nothing)
{
	static char other[SIGSTKSZ] __attribute__((aligned(16)));
	stack_t alternate = { .ss_sp = other, .ss_size = sizeof(other) };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	uintptr_t top = stack_top();

	(void)nothing;
	action.sa_sigaction = hear;
	OK(sigaltstack(&alternate, NULL));
	OK(sigaction(SIGSEGV, &action, NULL));
	for (int i = 0; i < 3; i++) {
		fault_at = 0;
		if (setjmp(back) == 0) {
			CHECK(recurse(top, 16 * MiB) == 0, "it ran past its limit");
			continue;
		}
		CHECK(top - fault_at > 8 * MiB && top - fault_at <= 8 * MiB + 2 * P, "0x%lx below the top", (unsigned long)(top - fault_at));
		CHECK(handler_sp - (uintptr_t)other < sizeof(other), "the handler ran at 0x%lx", (unsigned long)handler_sp);
		CHECK(fault_code == SEGV_ACCERR || fault_code == SEGV_MAPERR);
	}
	return check_failed != 0;
}

static void
native(struct atlas_exception *e)
{
	char here;

	fault_at = e->addr;
	fault_code = (int)e->code;
	handler_sp = (uintptr_t)&here;
	longjmp(back, 1);
}

/* The same by the kernel's interface, without the library. */
static int
hears_of_it_natively(void *nothing)
{
	static char other[8192] __attribute__((aligned(16)));
	uintptr_t top = stack_top();

	(void)nothing;
	EXPECT(KERN_SUCCESS, (kern_return_t)atlas_syscall2(ATLAS_SYS_exception_handler, (uintptr_t)native,
	    (uintptr_t)(other + sizeof(other))));
	if (setjmp(back) == 0)
		CHECK(recurse(top, 16 * MiB) == 0, "it ran past its limit");
	CHECK(top - fault_at > 8 * MiB && fault_code == KERN_PROTECTION_FAILURE, "0x%lx below the top, code %d",
	    (unsigned long)(top - fault_at), fault_code);
	CHECK(handler_sp - (uintptr_t)other < sizeof(other));
	return check_failed != 0;
}

static int
ends(void *nothing)
{
	(void)nothing;
	return (int)recurse(stack_top(), 16 * MiB);
}

/* Nobody listens: the end, as SIGSEGV to the parent. */
static void
nobody_listens(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ends(NULL));
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status 0x%x", status);
}

static int
limit_is_raised_and_lowered(void *nothing)
{
	struct rlimit r;
	uintptr_t top = stack_top();

	(void)nothing;
	OK(getrlimit(RLIMIT_STACK, &r));
	CHECK(r.rlim_cur == 8 * MiB);
	r.rlim_cur = 12 * MiB;
	OK(setrlimit(RLIMIT_STACK, &r));
	CHECK(recurse(top, 11 * MiB) > 0);
	/* What is there stays; the next page is refused. */
	r.rlim_cur = MiB;
	OK(setrlimit(RLIMIT_STACK, &r));
	OK(getrlimit(RLIMIT_STACK, &r));
	CHECK(r.rlim_cur == MiB);
	CHECK(recurse(top, 11 * MiB) > 0);
	EXPECT(KERN_NO_SPACE, vm_map_growstack(mach_task_self(), top - 12 * MiB));
	return check_failed != 0;
}

/* A child goes on where its parent was, each on its own. */
static void
forks_deep_down(uintptr_t top, size_t bytes)
{
	volatile char frame[4096];

	frame[0] = 1;
	if (top - (uintptr_t)frame < bytes) {
		forks_deep_down(top, bytes);
	} else {
		int status;
		pid_t pid = fork();

		CHECK(recurse(top, 2 * bytes) > 0);
		if (pid == 0)
			_exit(check_failed != 0);
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	}
	CHECK(frame[0] == 1);
}

/* --- threads --- */

static void *
deep_thread(void *bytes)
{
	char here;

	CHECK(recurse((uintptr_t)&here, (size_t)bytes) > 0);
	return NULL;
}

static void
threads(void)
{
	pthread_attr_t a;
	pthread_t t[4];

	OK(pthread_attr_init(&a));
	OK(pthread_attr_setstacksize(&a, 2 * MiB));
	for (int i = 0; i < 4; i++)
		OK(pthread_create(&t[i], &a, deep_thread, (void *)(2 * MiB - 65536)));
	for (int i = 0; i < 4; i++)
		OK(pthread_join(t[i], NULL));
}

/* --- FreeBSD's calls --- */

static void
calls(void)
{
	task_t self = mach_task_self();
	const vm_prot_t rw = VM_PROT_READ | VM_PROT_WRITE;
	vm_address_t at = STACK;

	EXPECT(KERN_SUCCESS, vm_map_stack(self, STACK, MiB, rw, VM_PROT_ALL, MAP_STACK_GROWS_DOWN));
	EXPECT(KERN_NO_SPACE, vm_map_stack(self, STACK + MiB - P, MiB, rw, VM_PROT_ALL, MAP_STACK_GROWS_DOWN));
	EXPECT(KERN_NO_SPACE, vm_map_stack(self, ~0ul << 12, MiB, rw, VM_PROT_ALL, MAP_STACK_GROWS_DOWN));
	EXPECT(KERN_INVALID_ADDRESS, vm_map_stack(self, STACK - MiB, 0, rw, VM_PROT_ALL, MAP_STACK_GROWS_DOWN));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_stack(self, STACK - MiB, 1, rw, VM_PROT_ALL, MAP_STACK_GROWS_DOWN));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_stack(self, STACK - MiB, MiB, VM_PROT_ALL, rw, MAP_STACK_GROWS_DOWN));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_stack(0, STACK - MiB, MiB, rw, rw, MAP_STACK_GROWS_DOWN));
	EXPECT(KERN_NO_SPACE, vm_allocate(self, &at, P, VM_FLAGS_FIXED));
	*(volatile char *)(STACK + MiB - 3 * GROW) = 1;
	CHECK(((volatile char *)STACK)[MiB - 3 * GROW] == 1 && ((volatile char *)STACK)[MiB - 1] == 0);
	EXPECT(KERN_SUCCESS, vm_map_growstack(self, STACK + P));
	EXPECT(KERN_NO_SPACE, vm_map_growstack(self, STACK));
	EXPECT(KERN_SUCCESS, vm_map_growstack(self, STACK - 1));
	EXPECT(KERN_SUCCESS, vm_deallocate(self, STACK, MiB));
	EXPECT(KERN_SUCCESS, vm_map_stack(self, STACK, MiB, rw, VM_PROT_ALL, MAP_STACK_GROWS_UP));
	*(volatile char *)(STACK + MiB - P - 1) = 1;
	EXPECT(KERN_NO_SPACE, vm_map_growstack(self, STACK + MiB - 1));
	EXPECT(KERN_SUCCESS, vm_deallocate(self, STACK, MiB));
	EXPECT(KERN_INVALID_ARGUMENT, vm_map_stack_rules(self, 2, TRUE));
	EXPECT(KERN_SUCCESS, vm_map_stack_rules(self, VM_STACK_CLASSIC, TRUE));
	EXPECT(KERN_SUCCESS, vm_map_stack(self, STACK, MiB, rw, VM_PROT_ALL, MAP_STACK_GROWS_DOWN));
	EXPECT(KERN_SUCCESS, vm_allocate(self, &at, P, VM_FLAGS_FIXED));
	*(volatile char *)(STACK + 2 * P) = 1;
	EXPECT(KERN_NO_SPACE, vm_map_growstack(self, STACK + P));
	EXPECT(KERN_SUCCESS, vm_map_stack_rules(self, VM_STACK_GAP, TRUE));
	EXPECT(KERN_SUCCESS, vm_deallocate(self, STACK, MiB));
}

/* FreeBSD's MAP_STACK and MAP_GUARD. */
static int
by_mmap(void *nothing)
{
	char *s = mmap(NULL, MiB, RW, MAP_STACK | MAP_PRIVATE, -1, 0), *g;
	struct rlimit r = { 24 * MiB, 24 * MiB };

	(void)nothing;
	CHECK(s != MAP_FAILED);
	s[P] = 1;
	CHECK(s[MiB - 1] == 0 && s[P] == 1);
	EXPECT(KERN_NO_SPACE, vm_map_growstack(mach_task_self(), (vm_address_t)s));
	OK(mprotect(s, MiB, PROT_READ));
	OK(munmap(s, MiB));
	CHECK(mmap(s, MiB, RW, MAP_STACK | MAP_PRIVATE | MAP_FIXED, -1, 0) == s);
	s[MiB / 2] = 1;
	FAILS(EINVAL, mmap(s, MiB, RW, MAP_STACK | MAP_PRIVATE | MAP_FIXED | MAP_EXCL, -1, 0));
	FAILS(EINVAL, mmap(NULL, P, RW, MAP_STACK | MAP_PRIVATE, -1, 0));
	s = mmap(NULL, 4 * MiB, RW, MAP_STACK | MAP_PRIVATE | MAP_ALIGNED(22), -1, 0);
	CHECK(s != MAP_FAILED && ((uintptr_t)s & (4 * MiB - 1)) == 0);
	/* Guards are not counted, and get no rights. */
	OK(setrlimit(RLIMIT_AS, &r));
	g = mmap(NULL, 64 * MiB, PROT_NONE, MAP_GUARD, -1, 0);
	CHECK(g != MAP_FAILED, "errno %d", errno);
	FAILS(ENOMEM, mmap(NULL, 64 * MiB, RW, PRIVATE, -1, 0));
	FAILS(EACCES, mprotect(g, P, PROT_READ));
	CHECK(mmap(g, P, RW, PRIVATE | MAP_FIXED, -1, 0) == g && g[0] == 0);
	OK(munmap(g, 64 * MiB));
	return check_failed != 0;
}

/* What the kernel writes for a call grows the stack as a store does. */
static void
results_below_the_stack(void)
{
	task_t self = mach_task_self();
	uint64_t *addr = (uint64_t *)(STACK + MiB - 2 * GROW);
	struct atlas_limits l;

	EXPECT(KERN_SUCCESS, vm_map_stack(self, STACK, MiB, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, 0));
	EXPECT(KERN_SUCCESS, vm_allocate(self, (vm_address_t *)addr, P, VM_FLAGS_ANYWHERE));
	EXPECT(KERN_SUCCESS, vm_deallocate(self, *addr, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(self, STACK, MiB));
	/* A task that is made without memory has its parent's limits. */
	{
		struct atlas_limits mine = { ATLAS_LIMIT_NONE, 5 * P, 0 };
		task_t child;

		EXPECT(KERN_SUCCESS, task_limits(self, TASK_LIMIT_WIRED, &mine));
		EXPECT(KERN_SUCCESS, task_create(self, NULL, 0, FALSE, &child));
		EXPECT(KERN_SUCCESS, task_limits(child, 0, &l));
		CHECK(l.wired == 5 * P && l.stack == mine.stack);
		EXPECT(KERN_SUCCESS, task_terminate(child));
	}
	EXPECT(KERN_INVALID_ARGUMENT, task_limits(self, 8, &l));
	EXPECT(KERN_INVALID_ADDRESS, task_limits(self, 0, NULL));
}

int
main(void)
{
	CHECK(in_child(runs_8_mib_deep, NULL) == 0);
	CHECK(in_child(hears_of_it, NULL) == 0);
	CHECK(in_child(hears_of_it_natively, NULL) == 0);
	CHECK(in_child(limit_is_raised_and_lowered, NULL) == 0);
	CHECK(in_child(by_mmap, NULL) == 0);
	nobody_listens();
	forks_deep_down(stack_top(), MiB);
	threads();
	calls();
	results_below_the_stack();
	return check_result("stack_test");
}
