/*
 * host.h: what the host rig offers to tests and host programs.
 *
 *	memory.c    simulated physical memory: two segments with a hole
 *	boot.c      the boot order of kernel/main.c, as far as it concerns mm
 *	runtime.c   panic, kprintf, wait_on, threads as harts
 *	testing.c   assertions of base/test.h
 *	runner.c    runs the unit tests
 */
#ifndef HOST_H
#define HOST_H

#include <setjmp.h>
#include <string.h>
#include <base/test.h>

#define HOST_MEM_DEFAULT    (64ul << 20)
#define HOST_MEM_GIGA       (1280ul << 20)      /* in which one GiB, aligned, is free; what suites *_giga are given */
#define HOST_MEM_LOW        0x80000000ul        /* the smaller segment starts a little above */
#define HOST_MEM_HIGH       0x100000000ul       /* the larger one */

/*
 * Throws all memory away and starts with `size` bytes of new, filled with
 * junk: a quarter of it at HOST_MEM_LOW, the rest at HOST_MEM_HIGH, neither
 * aligned to megapages. Pages and zones are as at boot. HOST_MEM_GIGA: 32 MiB of
 * it at HOST_MEM_LOW, the rest begins at HOST_MEM_HIGH, and is not touched here.
 */
void host_mem_init(size_t size);
/* host_mem_init, then everything of mm up to kmem_init. */
void host_boot(size_t size);
extern unsigned host_generation;        /* counts host_mem_init */

/* Free pages once every cache has been given back. */
uint64_t host_free_pages(void);

/*
 * Runs fn(hart, arg) for harts 0..n-1, each in its own thread, and returns when
 * all have. The caller is hart 0 before and after.
 */
void host_run_harts(unsigned n, void (*fn)(unsigned hart, void *arg), void *arg);

/* On: every interruptible wait ends at once, as if its thread were to be terminated. */
void host_abort(bool on);

/* Threads that sleep in wait_on now, and were not woken yet. */
unsigned host_sleepers(void);

/* --- panics that a test asks for --- */

extern sigjmp_buf host_panic_jump;
extern bool       host_panic_armed;
extern char       host_panic_text[512];
/* Called with the message before an unexpected panic aborts; may be NULL. */
extern void     (*host_panic_hook)(const char *text);

/*
 * The statement must panic with a message that contains `text`. Locks that it
 * held stay held: tests put right what they broke.
 */
#define ASSERT_PANICS(statement, text) \
	do { \
		test_count_assertion(); \
		if (sigsetjmp(host_panic_jump, 0) == 0) { \
			host_panic_armed = true; \
			statement; \
			host_panic_armed = false; \
			test_fail(__FILE__, __LINE__, "no panic: %s", #statement); \
			return; \
		} \
		if (strstr(host_panic_text, (text)) == NULL) { \
			test_fail(__FILE__, __LINE__, "panic \"%s\" lacks \"%s\"", \
			    host_panic_text, (text)); \
			return; \
		} \
	} while (0)

/* --- testing.c, for the runner --- */

struct host_test_state {
	unsigned    assertions;
	bool        failed;
	const char *skipped;            /* reason, or NULL */
	char        text[512];          /* of the first failure */
};
extern struct host_test_state host_test;

/* --- allocation sites, for failure sweeps (vm_alloc_fail_at) --- */

#define HOST_SITES_MAX  512
struct host_site {
	const void *address;            /* return address in the code that asked */
	uint64_t    asked, failed;
};
extern struct host_site host_site[HOST_SITES_MAX];
extern unsigned         host_nsites;
/* Starts recording from scratch; vm_alloc_fail_at must be armed for anything to be seen. */
void host_sites_record(void);

/* The next of a hart's own random numbers (xorshift); *s is not 0. */
static inline uint64_t
host_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

#endif
