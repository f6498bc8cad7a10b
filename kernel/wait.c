/*
 * wait.c: sleeping on an event (base/wait.h).
 *
 * Events are hashed into buckets; a bucket lists who sleeps on any of its
 * events. wait_on puts the thread on the list while its caller still holds the
 * interlock, so a waker that changed the condition under the same interlock
 * finds it, even before it is off its stack (sched.c: on_hart).
 *
 * A sleep with a deadline is on its hart's list of sleepers, too (sched.c); when
 * the time is over, wait_time_over looks where the thread sleeps and ends that.
 *
 * thread_interrupt ends an interruptible sleep: it sets `terminating`, then
 * looks where the thread sleeps; wait_on enters the bucket, then looks at
 * `terminating`.
 *
 * Locks: a bucket's (rank SCHED) inside the interlock and outside the queues.
 */
#include <base/wait.h>
#include <kernel/thread.h>
#include <arch/hart_start.h>
#include <arch/timer.h>

#define WAIT_BUCKETS    256u

struct wait_bucket {
	struct spinlock lock;
	struct list     sleepers;
};

static struct wait_bucket wait_buckets[WAIT_BUCKETS];

void
wait_init(void)
{
	for (unsigned i = 0; i < WAIT_BUCKETS; i++) {
		spin_init(&wait_buckets[i].lock, LOCK_SCHED);
		list_init(&wait_buckets[i].sleepers);
	}
}

static inline struct wait_bucket *
wait_bucket(const void *event)
{
	uint64_t e = (uint64_t)event;

	return &wait_buckets[(e >> 3 ^ e >> 11) % WAIT_BUCKETS];
}

/* A sleeper of the bucket becomes ready. */
static void
wait_end(struct thread *th, bool result)
{
	list_remove(&th->run_link);
	th->wait_event = NULL;
	th->wait_result = result;
	sched_enqueue(th);
}

bool
wait_on(const void *event, struct spinlock *interlock, bool interruptible)
{
	struct thread *th = current_thread();
	struct wait_bucket *b = wait_bucket(event);

	DASSERT(th != hart_self()->idle, ("the idle thread may not sleep"));
	spin_lock(&b->lock);
	th->wait_interruptible = interruptible;
	th->state = THREAD_SLEEPING;
	__atomic_store_n(&th->wait_event, event, __ATOMIC_RELAXED);
	list_push_back(&b->sleepers, &th->run_link);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (interruptible && __atomic_load_n(&th->terminating, __ATOMIC_RELAXED)) {
		list_remove(&th->run_link);
		th->wait_event = NULL;
		th->state = THREAD_RUNNING;
		spin_unlock(&b->lock);
		spin_unlock(interlock);
		return false;
	}
	spin_unlock(&b->lock);
	spin_unlock(interlock);
	if (ATLAS_DEBUG)
		lock_order_sleep();
	sched_switch();
	return th->wait_result;
}

uint64_t
wait_clock_us(void)
{
	return timer_us();
}

enum wait_end
wait_on_until(const void *event, struct spinlock *interlock, bool interruptible, uint64_t deadline)
{
	uint64_t now = timer_us();
	bool woken;

	if (now >= deadline) {
		spin_unlock(interlock);
		return WAIT_TIMED_OUT;
	}
	sched_deadline_set(deadline - now);
	woken = wait_on(event, interlock, interruptible);
	if (sched_deadline_clear())
		return woken ? WAIT_WOKEN : WAIT_ABORTED;
	return WAIT_TIMED_OUT;
}

void
wait_time_over(struct thread *th)
{
	const void *event = __atomic_load_n(&th->wait_event, __ATOMIC_RELAXED);
	struct wait_bucket *b;

	if (event == NULL)
		return;
	b = wait_bucket(event);
	spin_lock(&b->lock);
	if (th->wait_event == event)
		wait_end(th, true);
	spin_unlock(&b->lock);
}

void
wake_all(const void *event)
{
	struct wait_bucket *b = wait_bucket(event);
	struct list *l, *next;

	/*
	 * Who sleeps on the event got there before the caller took the interlock,
	 * so an empty list needs no lock to be believed.
	 */
	if (__atomic_load_n(&b->sleepers.next, __ATOMIC_RELAXED) == &b->sleepers)
		return;
	spin_lock(&b->lock);
	list_foreach_safe(l, next, &b->sleepers) {
		struct thread *th = list_entry(l, struct thread, run_link);

		if (th->wait_event == event)
			wait_end(th, true);
	}
	spin_unlock(&b->lock);
}

void
thread_interrupt(struct thread *th)
{
	const void *event;

	__atomic_store_n(&th->terminating, true, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (th == current_thread()) {
		hart_self()->need_resched = 1;
		return;
	}
	event = __atomic_load_n(&th->wait_event, __ATOMIC_RELAXED);
	if (event != NULL) {
		struct wait_bucket *b = wait_bucket(event);

		spin_lock(&b->lock);
		if (th->wait_event == event && th->wait_interruptible)
			wait_end(th, false);
		spin_unlock(&b->lock);
	}
	if (__atomic_load_n(&th->on_hart, __ATOMIC_RELAXED))
		hart_kick(th->hart);
}
