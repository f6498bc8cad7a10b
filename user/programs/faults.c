/*
 * faults: takes each kind of fault, and handles it.
 *
 * Every case runs under sigsetjmp with one SA_SIGINFO handler; the handler
 * notes signal, code and address and jumps back. Cases where the handler mends
 * the cause and returns follow; last come children without a handler, whose
 * parent learns how they ended.
 */
#include <atlas/thread.h>
#include <mach/mach.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static __thread sigjmp_buf back;
static __thread siginfo_t seen;
static __thread volatile int seen_mend; /* mprotect to this in the handler, and return */
static unsigned failures;
static char *rw;                        /* two pages, a hole of two, and two more */

static void
handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	(void)sig;
	seen = *info;
	if (seen_mend != 0) {
		char *page = (char *)((uintptr_t)info->si_addr & ~4095ul);

		if (mmap(page, 4096, seen_mend, MAP_PRIVATE | MAP_ANON | MAP_FIXED | MAP_EXCL,
		    -1, 0) == MAP_FAILED)
			mprotect(page, 4096, seen_mend);
		seen_mend = 0;
		return;
	}
	siglongjmp(back, 1);
}

static void
verdict(const char *what, bool faulted, int sig, int code, const void *low, const void *high)
{
	const char *a = seen.si_addr;

	if (faulted && seen.si_signo == sig && seen.si_code == code &&
	    a >= (const char *)low && a <= (const char *)high)
		return;
	failures++;
	if (!faulted)
		printf("faults: %s: no fault\n", what);
	else
		printf("faults: %s: signal %d code %d at %p, not signal %d code %d at %p\n", what,
		    seen.si_signo, seen.si_code, seen.si_addr, sig, code, low);
}

/* Runs the statement, which must fault with this signal, code and address. */
#define FAULTS_WITHIN(what, sig, code, low, high, statement) do { \
	volatile bool faulted_ = true; \
	memset(&seen, 0, sizeof(seen)); \
	if (sigsetjmp(back, 1) == 0) { \
		statement; \
		faulted_ = false; \
	} \
	verdict(what, faulted_, sig, code, low, high); \
} while (0)
#define FAULTS(what, sig, code, addr, statement) \
	FAULTS_WITHIN(what, sig, code, (const void *)(addr), (const void *)(addr), statement)

/* An address the compiler knows nothing about, so that it accesses it. */
static uintptr_t
plain(uintptr_t addr)
{
	__asm__ volatile("" : "+r"(addr));
	return addr;
}

#define LOAD(p)         ((void)*(volatile char *)plain((uintptr_t)(p)))
#define STORE(p)        (*(volatile char *)plain((uintptr_t)(p)) = 1)
#define CALL(p)         (((void (*)(void))plain((uintptr_t)(p)))())

static void
unmapped(void)
{
	char *hole = rw + 2 * 4096;

	FAULTS("read unmapped", SIGSEGV, SEGV_MAPERR, hole + 5, LOAD(hole + 5));
	FAULTS("write unmapped", SIGSEGV, SEGV_MAPERR, hole, STORE(hole));
	FAULTS("jump to unmapped", SIGSEGV, SEGV_MAPERR, hole + 16, CALL(hole + 16));
	FAULTS("read address 0", SIGSEGV, SEGV_MAPERR, 0, LOAD(0));
	FAULTS("write address 8", SIGSEGV, SEGV_MAPERR, 8, STORE(8));
	FAULTS("jump to 0", SIGSEGV, SEGV_MAPERR, 0, CALL(0));
	FAULTS("read the end of page 0", SIGSEGV, SEGV_MAPERR, 4095, LOAD(4095));
}

static void
kernel_addresses(void)
{
	static const uintptr_t addr[] = {
		1ul << 38, 1ul << 47, 1ul << 56, 1ul << 62, 0x8000000000000000,
		0xffffffc000000000, 0xffffffe000000000, 0xffffffff80000000,
		0xfffffffffffffff8,
	};

	for (volatile unsigned i = 0; i < sizeof(addr) / sizeof(addr[0]); i++) {
		FAULTS("read above user space", SIGSEGV, SEGV_MAPERR, addr[i], LOAD(addr[i]));
		FAULTS("write above user space", SIGSEGV, SEGV_MAPERR, addr[i], STORE(addr[i]));
	}
	FAULTS("jump into the kernel", SIGSEGV, SEGV_MAPERR, 0xffffffff80000000,
	    CALL(0xffffffff80000000));
}

static void
forbidden(void)
{
	FAULTS("write own code", SIGSEGV, SEGV_ACCERR, forbidden, STORE(forbidden));
	mprotect(rw, 4096, PROT_READ);
	FAULTS("write read-only", SIGSEGV, SEGV_ACCERR, rw + 7, STORE(rw + 7));
	LOAD(rw);
	FAULTS("execute read-only", SIGSEGV, SEGV_ACCERR, rw, CALL(rw));
	mprotect(rw, 4096, PROT_NONE);
	FAULTS("read PROT_NONE", SIGSEGV, SEGV_ACCERR, rw, LOAD(rw));
	FAULTS("write PROT_NONE", SIGSEGV, SEGV_ACCERR, rw, STORE(rw));
	mprotect(rw, 4096, PROT_EXEC);
	FAULTS("read execute-only", SIGSEGV, SEGV_ACCERR, rw, LOAD(rw));
	mprotect(rw, 4096, PROT_READ | PROT_WRITE);
	FAULTS("execute read-write", SIGSEGV, SEGV_ACCERR, rw, CALL(rw));
	STORE(rw);
	FAULTS("execute own data", SIGSEGV, SEGV_ACCERR, &failures, CALL(&failures));
}

/* Data that crosses into another page: the address reported is in that page. */
static void
misaligned(void)
{
	char *last = rw + 2 * 4096 - 3;
	volatile uint64_t *p = (volatile uint64_t *)(rw + 4096 - 3);
	uint32_t word = 0;

	*p = 0x1122334455667788;
	if (*p != 0x1122334455667788 || rw[4096] != 0x55) {
		printf("faults: a misaligned access over a page border went wrong\n");
		failures++;
	}
	FAULTS_WITHIN("misaligned read into a hole", SIGSEGV, SEGV_MAPERR, last, last + 7,
	    (void)*(volatile uint64_t *)last);
	FAULTS_WITHIN("misaligned write into a hole", SIGSEGV, SEGV_MAPERR, last, last + 7,
	    *(volatile uint64_t *)last = 1);
	FAULTS("misaligned atomic", SIGBUS, BUS_ADRALN, rw + 1,
	    __asm__ volatile("amoadd.w %0, %0, (%1)" : "+r"(word) : "r"(rw + 1) : "memory"));
}

/* The address is that of the instruction. */
static void
instructions(void)
{
	extern char at_unimp[], at_ebreak[], at_csr[], at_sret[], at_wfi[];

	FAULTS("illegal instruction", SIGILL, ILL_ILLOPC, at_unimp,
	    __asm__ volatile(".globl at_unimp\nat_unimp: unimp"));
	FAULTS("ebreak", SIGTRAP, TRAP_BRKPT, at_ebreak,
	    __asm__ volatile(".globl at_ebreak\nat_ebreak: ebreak"));
	FAULTS("supervisor's CSR", SIGILL, ILL_ILLOPC, at_csr,
	    __asm__ volatile(".globl at_csr\nat_csr: csrr t0, sstatus" ::: "t0"));
	FAULTS("sret", SIGILL, ILL_ILLOPC, at_sret,
	    __asm__ volatile(".globl at_sret\nat_sret: sret"));
	FAULTS("sfence.vma", SIGILL, ILL_ILLOPC, at_wfi,
	    __asm__ volatile(".globl at_wfi\nat_wfi: sfence.vma"));
}

static int __attribute__((noinline))
recurse(volatile char *above, int n)
{
	volatile char frame[512];

	frame[0] = n;
	if (n == (int)plain(0))
		return 0;
	return recurse(frame, n + 1) + frame[0] + above[0];
}

static void *
overflow(void *argument)
{
	static char stack[SIGSTKSZ] __attribute__((aligned(16)));
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	char here;
	const char *top = (const char *)plain((uintptr_t)&here);

	(void)argument;
	sigaltstack(&alternate, NULL);
	FAULTS_WITHIN("stack overflow", SIGSEGV, SEGV_ACCERR, top - (80 << 10), top,
	    recurse(&here, 1));
	alternate.ss_flags = SS_DISABLE;
	sigaltstack(&alternate, NULL);
	return NULL;
}

/* The handler makes the access possible and returns; it is then done. */
static void
mended(void)
{
	volatile char *hole = rw + 2 * 4096;

	seen_mend = PROT_READ | PROT_WRITE;
	hole[100] = 42;
	if (hole[100] != 42 || seen.si_addr != hole + 100) {
		printf("faults: a write mended by its handler is not there\n");
		failures++;
	}
	mprotect(rw, 4096, PROT_NONE);
	seen_mend = PROT_READ;
	LOAD(rw);
	mprotect(rw, 4096, PROT_READ | PROT_WRITE);
	munmap((void *)hole, 4096);
}

static void
child_ends(const char *what, int sig, void (*f)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGILL, SIG_DFL);
		f();
		_exit(0);
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	    WTERMSIG(status) == sig)
		return;
	printf("faults: child that %s: status 0x%x\n", what, status);
	failures++;
}

static void child_reads_null(void) { LOAD(0); }
static void child_runs_nonsense(void) { __asm__ volatile("unimp"); }
static void child_loses_stack(void) { __asm__ volatile("li sp, 16\nsd zero, 0(sp)"); }

static void
child_faults_in_handler(void)
{
	struct sigaction action = { .sa_handler = (_sig_func_ptr)child_reads_null };

	sigaction(SIGSEGV, &action, NULL);
	LOAD(0);                /* the second fault happens while the signal is blocked */
}

int
main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	atlas_thread_t thread;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
	rw = mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
	if (rw == MAP_FAILED || munmap(rw + 2 * 4096, 2 * 4096) != 0) {
		printf("faults: mmap failed\n");
		return 1;
	}
	unmapped();
	kernel_addresses();
	forbidden();
	misaligned();
	instructions();
	mended();
	if (atlas_thread_create_stack(&thread, overflow, NULL, 64 << 10) == KERN_SUCCESS) {
		atlas_thread_join(thread);
	} else {
		printf("faults: no thread\n");
		failures++;
	}
	child_ends("reads address 0", SIGSEGV, child_reads_null);
	child_ends("runs an illegal instruction", SIGILL, child_runs_nonsense);
	child_ends("has no stack", SIGSEGV, child_loses_stack);
	child_ends("faults in its handler", SIGSEGV, child_faults_in_handler);
	if (failures == 0)
		printf("faults: every kind was taken and handled\n");
	return failures != 0;
}
