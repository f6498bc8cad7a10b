/*
 * kernel/hold.h: the machine at rest, while somebody looks at all of it.
 */
#ifndef KERNEL_HOLD_H
#define KERNEL_HOLD_H

#include <base/types.h>

/*
 * Lets every other thread run until it is about to return to U-mode, or sleeps; from then on no other thread runs until
 * harts_release. The caller is a thread without locks, pinned to its hart meanwhile; it may go on to sleep, and then
 * gives way to what is ready. Returns the set of harts that did not come in ten seconds (the caller's own: threads of
 * its queue did not); those go on as before. Not to be nested.
 */
uint64_t harts_hold(void);
void harts_release(void);

/* --- between hold.c and sched.c --- */

enum hold_phase { HOLD_NONE, HOLD_COMING, HOLD_CLOSED };
extern uint32_t hold_phase;

/* While hold_phase is set, at a return to U-mode: sleeps until the release, or until the thread is to end. */
void hold_thread(void);
/* While hold_phase is set, in a hart's idle loop; work: its queue is not empty. TRUE: it has to stay there. */
bool hold_idle(unsigned hart, bool work);
/* Threads that are ready on a hart. */
unsigned sched_ready(unsigned hart);

#endif
