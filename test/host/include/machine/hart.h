/*
 * machine/hart.h of the host build: a hart is a thread.
 *
 * The main thread is hart 0; host_run_harts gives others. The fields are those
 * that code shared with the kernel (pmap, TLB) uses.
 */
#ifndef MACHINE_HART_H
#define MACHINE_HART_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <machine/param.h>

struct pmap;

struct hart {
	uint64_t        hartid;
	uint32_t        index;
	uint32_t        online;
	struct pmap    *pmap;                   /* pmap that the simulated satp names */
	uint64_t        asid_generation;
} __attribute__((aligned(64)));

extern struct hart harts[MAXHARTS];
extern unsigned    hart_count;
extern _Thread_local unsigned host_hart;        /* index of the hart that this thread is */

static inline struct hart *hart_self(void) { return &harts[host_hart]; }
static inline unsigned hart_index(void) { return host_hart; }
/* Tests of races: the thread pauses at random around each release of a lock. */
extern bool host_jitter;
void host_pause(void);

static inline void
hart_store_release(uint32_t *p, uint32_t v)
{
	if (host_jitter)
		host_pause();
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
	if (host_jitter)
		host_pause();
}
/* There may be fewer processors than harts: let the holder run. */
static inline void hart_relax(void) { sched_yield(); }

#endif
