/*
 * machine/hart.h: the hart that executes this code.
 *
 * In the kernel tp points to this hart's `struct hart` (machine/hart_asm.h
 * gives the offsets that assembly uses). Kernel code runs with interrupts off
 * and is never moved between harts except where it sleeps, so the value stays
 * true until the caller may have slept.
 */
#ifndef MACHINE_HART_H
#define MACHINE_HART_H

#include <stdint.h>
#include <machine/param.h>

struct thread;
struct pmap;

/*
 * Everything one hart owns. The first bytes are the thread-local block that
 * picolibc's errno and friends reach through tp (local-exec TLS: offset 0 from
 * tp); the linker script asserts that they suffice.
 */
#define HART_TLS_BYTES  64

struct hart {
	char            tls[HART_TLS_BYTES];    /* offset 0: must stay first */
	uint64_t        hartid;                 /* firmware's id */
	uint32_t        index;                  /* dense index, 0 = boot hart */
	uint32_t        online;                 /* 1 once it runs threads */
	struct thread  *thread;                 /* running thread */
	struct thread  *idle;                   /* this hart's idle thread */
	struct pmap    *pmap;                   /* pmap that satp names */
	uint64_t        kstack;                 /* top of the running thread's kernel stack */
	uint64_t        scratch[4];             /* trap entry's spill space */
	uint64_t        emergency_sp;           /* stack for kernel-stack overflow */
	uint64_t        need_resched;           /* set by the timer */
	uint64_t        heartbeat;              /* timer ticks seen; counter, 64 bit */
	uint64_t        asid_generation;        /* tlb.c */
	struct thread  *fp_owner;               /* whose FP registers are loaded */
	uint64_t        fence_asked, fence_done; /* fences wanted of it, and served; hart.c */
} __attribute__((aligned(64)));

extern struct hart harts[MAXHARTS];
extern unsigned    hart_count;          /* harts found usable, online or not */

/*
 * A register variable, not an asm: the compiler forgets its value at every
 * call, as it must, since a callee that sleeps may return on another hart.
 */
register struct hart *hart_tp __asm__("tp");

static inline struct hart *
hart_self(void)
{
	return hart_tp;
}

static inline unsigned
hart_index(void)
{
	return hart_self()->index;
}

/*
 * Stores v so that whoever sees it sees all that came before: a lock's release.
 * By hand, since the compiler makes a fence and an atomic swap of it.
 */
static inline void
hart_store_release(uint32_t *p, uint32_t v)
{
	__asm__ volatile("fence rw, w\n\tsw %1, %0" : "=m"(*p) : "r"(v) : "memory");
}

/* Firmware has no remote fences: harts ask each other. Set once, at boot. */
extern bool hart_fence_by_ipi;
/* Does the fences that other harts have asked of this one. Takes no lock. */
void hart_fence_answer(void);

/*
 * A breath in a spin loop (Zihintpause's encoding, a no-op elsewhere). Every
 * loop that waits for another hart has one: it may be waiting for our fence.
 */
static inline void
hart_relax(void)
{
	__asm__ volatile(".4byte 0x0100000f" ::: "memory");
	if (hart_fence_by_ipi)
		hart_fence_answer();
}

#endif
