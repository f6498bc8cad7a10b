/*
 * signal_test: delivery, masks, alternate stacks, longjmp out of handlers,
 * registers across a handler, raise, abort, and how parents see the ends.
 */
#include "check.h"
#include <atlas/thread.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int calls;
static volatile uintptr_t last_addr, last_sp;
static __thread sigjmp_buf back;
static volatile char *page;

/* A store the compiler knows nothing about. */
static void
touch(uintptr_t addr)
{
	__asm__ volatile("sb zero, 0(%0)" :: "r"(addr) : "memory");
}

static void
open_page(int sig, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	CHECK(sig == info->si_signo);
	calls++;
	last_addr = (uintptr_t)info->si_addr;
	last_sp = (uintptr_t)&here;
	mprotect((void *)page, P, PROT_READ | PROT_WRITE);
}

static void
leave(int sig)
{
	calls++;
	siglongjmp(back, sig);
}

static void
set(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_flags = flags | SA_SIGINFO };

	action.sa_sigaction = handler;
	CHECK(sigaction(sig, &action, NULL) == 0);
}

/* All registers, and what the access loads, are right after the handler. */
static void
registers(void)
{
	uint64_t in[16], out[16];
	long loaded;

	for (int i = 0; i < 16; i++)
		in[i] = 0x0101010101010101u * (i + 1);
	mprotect((void *)page, P, PROT_NONE);
	calls = 0;
	__asm__ volatile(
	    "ld t1, 0(%1)\nld t2, 8(%1)\nld t3, 16(%1)\nld t4, 24(%1)\nld t5, 32(%1)\n"
	    "ld t6, 40(%1)\nld a2, 48(%1)\nld a3, 56(%1)\nld a4, 64(%1)\nld a5, 72(%1)\n"
	    "ld a6, 80(%1)\nld a7, 88(%1)\nld s2, 96(%1)\nld s3, 104(%1)\nld s4, 112(%1)\n"
	    "ld ra, 120(%1)\n"
	    "lbu t0, 0(%3)\n"
	    "sd t1, 0(%2)\nsd t2, 8(%2)\nsd t3, 16(%2)\nsd t4, 24(%2)\nsd t5, 32(%2)\n"
	    "sd t6, 40(%2)\nsd a2, 48(%2)\nsd a3, 56(%2)\nsd a4, 64(%2)\nsd a5, 72(%2)\n"
	    "sd a6, 80(%2)\nsd a7, 88(%2)\nsd s2, 96(%2)\nsd s3, 104(%2)\nsd s4, 112(%2)\n"
	    "sd ra, 120(%2)\nmv %0, t0\n"
	    : "=r"(loaded) : "r"(in), "r"(out), "r"(page)
	    : "memory", "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a2", "a3", "a4", "a5",
	      "a6", "a7", "s2", "s3", "s4");
	CHECK(calls == 1 && loaded == 0x42, "%d calls, loaded %ld", calls, loaded);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
}

static void
stacks(void)
{
	static char stack[SIGSTKSZ];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;
	char here;

	CHECK(sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE) != 0);
	set(SIGSEGV, open_page, 0);
	mprotect((void *)page, P, PROT_NONE);
	page[5] = 1;
	CHECK(last_addr == (uintptr_t)page + 5, "0x%lx", last_addr);
	CHECK((uintptr_t)&here - last_sp < 65536, "handler not on our stack");
	CHECK(sigaltstack(&alternate, NULL) == 0);
	mprotect((void *)page, P, PROT_NONE);
	page[6] = 1;                    /* no SA_ONSTACK: still our stack */
	CHECK((uintptr_t)&here - last_sp < 65536, "handler not on our stack");
	set(SIGSEGV, open_page, SA_ONSTACK);
	mprotect((void *)page, P, PROT_NONE);
	page[7] = 1;
	CHECK(last_sp - (uintptr_t)stack < sizeof(stack), "handler not on the alternate stack");
	alternate.ss_size = 100;
	CHECK(sigaltstack(&alternate, NULL) == -1 && errno == ENOMEM);
	alternate.ss_flags = 64;
	CHECK(sigaltstack(&alternate, NULL) == -1 && errno == EINVAL);
	alternate.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&alternate, NULL) == 0);
}

/* Out of the handler by siglongjmp, ten thousand times, to the same stack depth. */
static void
jumps(void)
{
	volatile int n = 0;
	sigset_t mask;

	signal(SIGSEGV, leave);
	calls = 0;
	if (sigsetjmp(back, 1) != 0)
		n++;
	if (n < 10000)
		touch(8);
	CHECK(n == 10000 && calls == 10000, "%d jumps, %d calls", n, calls);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && mask == 0, "mask 0x%lx", mask);
}

static void
nested_handler(int sig)
{
	(void)sig;
	calls++;
	if (calls < 5)
		touch(8);        /* SA_NODEFER: again, on top of this one */
	siglongjmp(back, 1);
}

static void
nested(void)
{
	struct sigaction action = { .sa_handler = nested_handler, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	calls = 0;
	if (sigsetjmp(back, 1) == 0)
		touch(8);
	CHECK(calls == 5, "%d", calls);
}

/* How a child that runs f ends, as waitpid says. */
static int
ends(void (*f)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		f();
		_exit(7);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

static void
count_call(int sig)
{
	(void)sig;
	calls++;
}

static void
null_default(void)
{
	signal(SIGSEGV, SIG_DFL);
	touch(8);
}

static void
null_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	touch(8);
}

static void
null_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	touch(8);
}

static void
reset_hand(void)
{
	struct sigaction action = { .sa_handler = count_call, .sa_flags = SA_RESETHAND };

	sigaction(SIGSEGV, &action, NULL);
	touch(8);
}

static void
aborts_with_handler(void)
{
	signal(SIGABRT, count_call);
	abort();
}

static void
raises(void)
{
	raise(SIGTERM);
}

static void
raises_handled(void)
{
	calls = 0;
	signal(SIGTERM, count_call);
	raise(SIGTERM);
	_exit(calls == 1 ? 9 : 8);
}

static void
exits_42(void)
{
	exit(42);
}

static void
kills_self(void)
{
	kill(getpid(), SIGKILL);
}

static void
parents_view(void)
{
	int s, status;
	pid_t pid;

	s = ends(null_default);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && !WIFEXITED(s), "0x%x", s);
	s = ends(null_ignored);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV, "0x%x", s);
	s = ends(null_blocked);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV, "0x%x", s);
	s = ends(reset_hand);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV, "0x%x", s);
	s = ends(abort);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGABRT, "0x%x", s);
	s = ends(aborts_with_handler);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGABRT, "0x%x", s);
	s = ends(raises);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM, "0x%x", s);
	s = ends(raises_handled);
	CHECK(WIFEXITED(s) && WEXITSTATUS(s) == 9, "0x%x", s);
	s = ends(exits_42);
	CHECK(WIFEXITED(s) && WEXITSTATUS(s) == 42, "0x%x", s);
	s = ends(kills_self);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL, "0x%x", s);
	CHECK(waitpid(-1, &status, 0) == -1 && errno == ECHILD, "errno %d", errno);
	pid = fork();
	if (pid == 0)
		for (;;)
			usleep(1000000);
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK(kill(pid, 0) == 0 && kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	    "0x%x", status);
	CHECK(waitpid(pid, &status, 0) == -1 && errno == ECHILD);
	CHECK(sigaction(SIGKILL, &(struct sigaction){ 0 }, NULL) == -1 && errno == EINVAL);
	CHECK(sigaction(0, NULL, NULL) == -1 && sigaction(NSIG, NULL, NULL) == -1);
}

/* Threads fault at the same time, each on its own stack and mask. */
static void *
faulting_thread(void *argument)
{
	volatile int n = 0;

	if (sigsetjmp(back, 1) != 0)
		n++;
	if (n < 500)
		touch((uintptr_t)argument * 8);
	return (void *)(uintptr_t)n;
}

static void
in_threads(void)
{
	atlas_thread_t t[6];

	signal(SIGSEGV, leave);
	for (uintptr_t i = 0; i < 6; i++)
		EXPECT(KERN_SUCCESS, atlas_thread_create(&t[i], faulting_thread, (void *)i));
	for (unsigned i = 0; i < 6; i++)
		CHECK((uintptr_t)atlas_thread_join(t[i]) == 500);
}

int
main(void)
{
	page = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
	CHECK(page != MAP_FAILED);
	page[0] = 0x42;
	set(SIGSEGV, open_page, 0);
	registers();
	stacks();
	jumps();
	nested();
	parents_view();
	in_threads();
	return check_result("signal_test");
}
