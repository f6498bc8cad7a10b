/*
 * fptest [THREADS [ROUNDS]]: the floating-point registers belong to the thread.
 *
 * Each thread loads 32 values and a rounding mode of its own, runs long enough
 * to be preempted, sleeps and yields now and then, and looks whether all of
 * them are still there. So does a forked child, and code interrupted by a
 * signal whose handler computes.
 */
#include <atlas/abi.h>
#include <atlas/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 32

enum { SPIN, YIELD, FAULT };

static unsigned threads = 8, rounds = 20;
static volatile char *trap_page;

#define FP_ALL(op) \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) \
	op(12) op(13) op(14) op(15) op(16) op(17) op(18) op(19) op(20) op(21) op(22) \
	op(23) op(24) op(25) op(26) op(27) op(28) op(29) op(30) op(31)
#define FP_LOAD(n)  "fld f" #n ", " #n "*8(%[in])\n"
#define FP_STORE(n) "fsd f" #n ", " #n "*8(%[out])\n"
#define FP_CLOBBERS \
	"ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", \
	"fa2", "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", \
	"fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"

/*
 * Loads f0-f31 from in and fcsr, does `instructions`, stores them to out.
 * No C in between: the compiler would use the registers.
 */
#define WITH_REGISTERS(in_, fcsr_, out_, out_fcsr, instructions, ...) \
	__asm__ volatile("fscsr %[fcsr]\n" FP_ALL(FP_LOAD) instructions \
	    FP_ALL(FP_STORE) "frcsr %[got]\nfscsr zero\n" \
	    : [got] "=&r"(out_fcsr) \
	    : [in] "r"(in_), [out] "r"(out_), [fcsr] "r"(fcsr_), ##__VA_ARGS__ \
	    : "memory", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", \
	      "t3", "t4", "t5", "t6", FP_CLOBBERS)

static int
one_round(unsigned id, unsigned round, int how)
{
	uint64_t in[32], out[32], fcsr = round % 5 << 5, got;

	for (unsigned i = 0; i < 32; i++) {
		in[i] = (uint64_t)(id + 1) << 48 ^ (uint64_t)round << 16 ^ i * 0x10001;
		out[i] = ~in[i];
	}
	switch (how) {
	case SPIN:
		WITH_REGISTERS(in, fcsr, out, got, "1: addi %[n], %[n], -1\nbnez %[n], 1b\n",
		    [n] "r"(2000000));
		break;
	case YIELD:
		WITH_REGISTERS(in, fcsr, out, got, "li a7, %[call]\necall\n",
		    [call] "i"(ATLAS_SYS_thread_yield));
		break;
	default:
		WITH_REGISTERS(in, fcsr, out, got, "lb t0, 0(%[page])\n",
		    [page] "r"(trap_page));
		break;
	}
	if (memcmp(in, out, sizeof(in)) == 0 && got == fcsr)
		return 0;
	for (unsigned i = 0; i < 32; i++) {
		if (in[i] != out[i])
			printf("fptest: thread %u round %u: f%u is 0x%016lx instead of 0x%016lx\n",
			    id, round, i, out[i], in[i]);
	}
	if (got != fcsr)
		printf("fptest: thread %u round %u: fcsr is 0x%lx instead of 0x%lx\n", id, round,
		    got, fcsr);
	return 1;
}

static void *
run(void *argument)
{
	unsigned id = (uintptr_t)argument;
	uintptr_t bad = 0;

	for (unsigned i = 0; i < rounds && bad == 0; i++) {
		bad = one_round(id, i, SPIN) + one_round(id, i, YIELD);
		if (i % 8 == 0)
			usleep(1000);
	}
	return (void *)bad;
}

/* A handler that uses many FP registers, and opens the page. */
static void
handler(int sig)
{
	volatile double x[8];

	(void)sig;
	for (int i = 0; i < 8; i++)
		x[i] = i * 1.5;
	for (int i = 1; i < 8; i++)
		x[i] = x[i] / x[i - 1] + x[0] * 0.25;
	mprotect((void *)trap_page, 4096, PROT_READ | PROT_WRITE);
}

/* Registers held over the call of fork, in parent and child alike. */
static int
forked(void)
{
	int bad = 0, status;
	uint64_t in[32], out[32], fcsr = 2 << 5, got;
	uint32_t child;
	uint64_t in_child;

	for (unsigned i = 0; i < 32; i++)
		in[i] = 0xfedc000000000000u + i;
	WITH_REGISTERS(in, fcsr, out, got, "mv a0, %[child]\nli a7, %[call]\necall\n"
	    "sd a1, 0(%[flag])\n",
	    [child] "r"(&child), [flag] "r"(&in_child), [call] "i"(ATLAS_SYS_task_fork));
	bad = memcmp(in, out, sizeof(in)) != 0 || got != fcsr;
	if (in_child == 1)
		_exit(bad);
	if (wait(&status) < 0 || status != 0) {
		printf("fptest: a forked child lost its registers (status 0x%x)\n", status);
		bad = 1;
	}
	return bad;
}

int
main(int argc, char **argv)
{
	atlas_thread_t thread[THREADS_MAX];
	int bad = 0;

	if (argc > 1)
		threads = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		rounds = strtoul(argv[2], NULL, 0);
	if (threads == 0 || threads > THREADS_MAX) {
		printf("usage: fptest [THREADS [ROUNDS]] (1 to %d threads)\n", THREADS_MAX);
		return 2;
	}
	for (unsigned i = 0; i < threads; i++) {
		kern_return_t kr = atlas_thread_create(&thread[i], run, (void *)(uintptr_t)i);

		if (kr != KERN_SUCCESS) {
			printf("fptest: thread %u: error %d\n", i, kr);
			return 1;
		}
	}
	for (unsigned i = 0; i < threads; i++)
		bad |= atlas_thread_join(thread[i]) != NULL;
	signal(SIGSEGV, handler);
	trap_page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
	bad |= one_round(99, 1, FAULT);
	bad |= forked();
	if (!bad)
		printf("fptest: %u threads kept their registers\n", threads);
	return bad;
}
