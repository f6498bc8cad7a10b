/*
 * base/wait.h: sleeping until an event, as Mach does it.
 *
 * An event is an address. wait_on queues the caller on the event while the
 * caller still holds `interlock`, releases the interlock and sleeps; a
 * wake_all(event) after that moment wakes it, so no wake-up is lost as long as
 * wakers change the condition under the same interlock. The interlock is NOT
 * held on return. Wake-ups may be spurious: recheck the condition.
 *
 * Supplied by kernel/ (the scheduler) and by the host rig (condition
 * variables). Never call with another spinlock held.
 */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <base/lock.h>

/* TRUE: woken. FALSE: interruptible, and the thread is being terminated. */
bool wait_on(const void *event, struct spinlock *interlock, bool interruptible);
void wake_all(const void *event);

/* Microseconds of a clock that only goes forward. */
uint64_t wait_clock_us(void);

enum wait_end { WAIT_WOKEN, WAIT_ABORTED, WAIT_TIMED_OUT };
/*
 * As wait_on, until wait_clock_us() has reached deadline at the latest. WAIT_ABORTED is wait_on's FALSE.
 * What a wake-up is for may have come just before the time was over: recheck the condition in any case.
 */
enum wait_end wait_on_until(const void *event, struct spinlock *interlock, bool interruptible, uint64_t deadline);

#endif
