/*
 * arch/hart_start.h: harts: found in the tree, started by HSM, kicked, stopped.
 *
 * harts[0] is the boot hart, the others follow in the order of the tree; the
 * dense index is what the kernel uses everywhere. A hart that does not answer
 * within two seconds keeps its index, but never comes online.
 */
#ifndef ARCH_HART_START_H
#define ARCH_HART_START_H

#include <base/types.h>
#include <machine/hart.h>

/* SiFive U7: selective fences are suspect (errata): only full ones. */
extern bool hart_full_fences_only;

/* Set of harts that have come online (bit = index); only grows. */
extern uint64_t harts_online;

/* tp, stacks and index 0 for the boot hart; called by entry.S's C part. */
void hart_init_boot(uint64_t hartid);
/* Adds a usable hart of the tree; FALSE: no room, or it is the boot hart. */
bool hart_add(uint64_t hartid);
/* On each hart, when it can take traps: counters and interrupt sources on, online set. */
void hart_init_local(void);
/* Upcall (kernel/main.c): a started hart has its stack and tp; goes into the scheduler. */
void kernel_hart_main(void) noreturn_fn;
/* Starts all added harts and waits, bounded; reports who is missing. Returns harts online. */
unsigned hart_start_all(void);

/* Software interrupt: wakes an idle hart, or makes a running one look. */
void hart_kick(unsigned index);
/* As hart_kick for a set of indices. */
void hart_kick_set(uint64_t set);

/*
 * Where hart_fence_by_ipi: these harts, which run the kernel, drop all
 * translations and see all stores to code when this returns. Any lock may be
 * held; the calling hart may be in the set. Interrupts are off.
 */
void hart_fence_set(uint64_t set);

/*
 * Panic: asks the other harts to stop and waits at most 100 ms. Harts in the
 * kernel have interrupts off and may not answer: reported by the return value,
 * the set that did.
 */
uint64_t hart_stop_others(void);
/* trap.c: a software interrupt arrived. Stops here for ever when a panic wants it. */
void hart_ipi(void);

#endif
