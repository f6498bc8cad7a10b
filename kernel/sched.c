/*
 * sched.c: which thread a hart runs.
 *
 *	runq[hart]: ready ──pop──> sched_switch ──> running
 *	    ^   ^                                     |
 *	    |   +--- yield, end of a time slice ------+
 *	sched_enqueue: the hart where it ran last, or an idle one (kicked by IPI)
 *	idle hart: steals from the longest queue, clears pages ahead, waits
 *
 * Invariants
 *   - on_hart is set from before a thread runs until its stack is not in use
 *     any more. While it is set, the thread is only ever queued on its own
 *     hart, and nobody steals it: so whoever pops a thread may run it at once.
 *   - An idle hart sets its bit in idle_set, then looks at the queues; who
 *     queues work first queues, then looks at idle_set. One of them sees.
 *   - Who ends a thread sets `terminating`, then looks where it runs; the hart
 *     that takes it up sets on_hart, then looks at `terminating`.
 *
 * Time: a hart that runs threads has a timer interrupt each SLICE_US; an idle
 * one only for its sleepers. Nothing is armed at a switch.
 *
 * Floating point: FS is off until a thread's first FP instruction traps; then
 * its registers are loaded and it owns the hart's (fp_owner). They are saved
 * when it leaves the hart and has changed them, and stay loaded; FS is switched
 * on at once if they are still its own when it comes back to the same hart.
 *
 * Locks: rank SCHED: sleepers, then wait buckets (wait.c), then run queues.
 */
#include <kernel/thread.h>
#include <kernel/hold.h>
#include <base/wait.h>
#include <arch/csr.h>
#include <arch/hart_start.h>
#include <arch/switch.h>
#include <arch/timer.h>
#include <arch/tlb.h>
#include <arch/trap.h>
#include <mm/vm_page.h>

#define SLICE_US        10000
#define NEVER           (~(uint64_t)0)

struct runq {
	struct spinlock lock;
	uint32_t        count;          /* read without the lock as a hint */
	struct list     ready;
	struct spinlock sleep_lock;
	struct list     sleepers;       /* by deadline */
	uint64_t        armed;          /* deadline of the next timer interrupt */
	bool            ticking;        /* that is at most a slice away */
} __attribute__((aligned(64)));

static struct runq runqs[MAXHARTS];
static uint64_t    idle_set;

void
sched_init(void)
{
	for (unsigned i = 0; i < MAXHARTS; i++) {
		spin_init(&runqs[i].lock, LOCK_SCHED);
		spin_init(&runqs[i].sleep_lock, LOCK_SCHED);
		list_init(&runqs[i].ready);
		list_init(&runqs[i].sleepers);
		runqs[i].armed = NEVER;
	}
}

/* --- queues --- */

static unsigned
sched_place(const struct thread *th)
{
	uint64_t allowed, idle;

	if (hart_count == 1 || __atomic_load_n(&th->on_hart, __ATOMIC_ACQUIRE))
		return th->hart;
	allowed = th->pinned & __atomic_load_n(&harts_online, __ATOMIC_RELAXED);
	idle = __atomic_load_n(&idle_set, __ATOMIC_SEQ_CST) & allowed;
	if (idle != 0)
		return (idle >> th->hart & 1) ? th->hart : (unsigned)__builtin_ctzl(idle);
	if (allowed == 0 || (allowed >> th->hart & 1))
		return th->hart;
	return (unsigned)__builtin_ctzl(allowed);
}

void
sched_enqueue(struct thread *th)
{
	unsigned hart = sched_place(th);
	struct runq *q = &runqs[hart];

	spin_lock(&q->lock);
	th->state = THREAD_READY;
	list_push_back(&q->ready, &th->run_link);
	q->count++;
	spin_unlock(&q->lock);
	if (hart == hart_index())
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&idle_set, __ATOMIC_RELAXED) >> hart & 1)
		if (__atomic_fetch_and(&idle_set, ~(1ul << hart), __ATOMIC_SEQ_CST) >> hart & 1)
			hart_kick(hart);
}

static struct thread *
runq_pop(struct runq *q)
{
	struct thread *th = NULL;

	if (q->count == 0)
		return NULL;
	spin_lock(&q->lock);
	if (!list_empty(&q->ready)) {
		th = list_first(&q->ready, struct thread, run_link);
		list_remove(&th->run_link);
		q->count--;
	}
	spin_unlock(&q->lock);
	return th;
}

/* Takes a thread that may run on `hart` from q. */
static struct thread *
runq_steal(struct runq *q, unsigned hart)
{
	struct list *l;

	spin_lock(&q->lock);
	list_foreach(l, &q->ready) {
		struct thread *th = list_entry(l, struct thread, run_link);

		if (__atomic_load_n(&th->on_hart, __ATOMIC_ACQUIRE) || !(th->pinned >> hart & 1))
			continue;
		list_remove(l);
		q->count--;
		spin_unlock(&q->lock);
		return th;
	}
	spin_unlock(&q->lock);
	return NULL;
}

static struct thread *
sched_steal(unsigned self)
{
	for (unsigned i = 1; i < hart_count; i++) {
		struct runq *q = &runqs[(self + i) % hart_count];
		struct thread *th;

		if (__atomic_load_n(&q->count, __ATOMIC_RELAXED) != 0 &&
		    (th = runq_steal(q, self)) != NULL)
			return th;
	}
	return NULL;
}

/* --- time --- */

/* Sets this hart's timer: the end of a slice if it runs threads, and the first sleeper. */
static void
sched_arm(struct hart *h, uint64_t now)
{
	struct runq *q = &runqs[h->index];
	uint64_t deadline = NEVER;

	q->ticking = h->thread != h->idle;
	if (q->ticking)
		deadline = now + timer_us_to_ticks(SLICE_US);
	spin_lock(&q->sleep_lock);
	if (!list_empty(&q->sleepers)) {
		struct thread *first = list_first(&q->sleepers, struct thread, sleep_link);

		if (first->deadline < deadline)
			deadline = first->deadline;
	}
	spin_unlock(&q->sleep_lock);
	q->armed = deadline;
	timer_set(deadline);
}

static void
sched_wake_sleepers(struct runq *q, uint64_t now)
{
	spin_lock(&q->sleep_lock);
	while (!list_empty(&q->sleepers)) {
		struct thread *th = list_first(&q->sleepers, struct thread, sleep_link);

		if (th->deadline > now)
			break;
		list_remove(&th->sleep_link);
		__atomic_store_n(&th->sleep_hart, THREAD_NO_HART, __ATOMIC_RELAXED);
		wait_time_over(th);
	}
	spin_unlock(&q->sleep_lock);
}

void
sched_tick(void)
{
	struct hart *h = hart_self();
	struct runq *q = &runqs[h->index];
	uint64_t now = timer_now();

	h->heartbeat++;
	h->thread->ticks++;
	sched_wake_sleepers(q, now);
	if (q->count != 0)
		h->need_resched = 1;
	sched_arm(h, now);
}

/*
 * Queues the running thread as a sleeper of this hart for so long; sleep_lock held. Only this hart's timer ends it, which
 * cannot be before the thread is off the hart.
 */
static void
sched_add_sleeper(struct runq *q, struct thread *th, uint64_t us)
{
	uint64_t ticks = timer_us_to_ticks(us);
	struct list *l = q->sleepers.prev;

	th->deadline = ticks > NEVER / 2 ? NEVER : timer_now() + ticks + 1;
	th->sleep_hart = hart_index();
	while (l != &q->sleepers && list_entry(l, struct thread, sleep_link)->deadline > th->deadline)
		l = l->prev;
	list_insert_after(l, &th->sleep_link);
	if (th->deadline < q->armed) {
		q->armed = th->deadline;
		timer_set(th->deadline);
	}
}

void
sched_deadline_set(uint64_t us)
{
	struct runq *q = &runqs[hart_index()];

	spin_lock(&q->sleep_lock);
	sched_add_sleeper(q, current_thread(), us);
	spin_unlock(&q->sleep_lock);
}

bool
sched_deadline_clear(void)
{
	struct thread *th = current_thread();
	unsigned hart = __atomic_load_n(&th->sleep_hart, __ATOMIC_RELAXED);
	struct runq *q = &runqs[hart];
	bool early;

	if (hart == THREAD_NO_HART)
		return false;
	spin_lock(&q->sleep_lock);
	early = th->sleep_hart != THREAD_NO_HART;
	if (early) {
		list_remove(&th->sleep_link);
		th->sleep_hart = THREAD_NO_HART;
	}
	spin_unlock(&q->sleep_lock);
	return early;
}

bool
thread_sleep_us(uint64_t us)
{
	struct thread *th = current_thread();
	struct runq *q = &runqs[hart_index()];
	bool woken;

	spin_lock(&q->sleep_lock);
	sched_add_sleeper(q, th, us);
	do {
		woken = wait_on(&th->deadline, &q->sleep_lock, true);
		spin_lock(&q->sleep_lock);
	} while (woken && th->sleep_hart != THREAD_NO_HART);
	if (th->sleep_hart != THREAD_NO_HART) {
		list_remove(&th->sleep_link);
		th->sleep_hart = THREAD_NO_HART;
	}
	spin_unlock(&q->sleep_lock);
	return woken;
}

/* --- floating point --- */

static inline void
fpu_leave(struct thread *prev)
{
	uint64_t fs = fpu_state();

	if (likely(fs == SSTATUS_FS_OFF))
		return;
	if (fs == SSTATUS_FS_DIRTY)
		fpu_save(prev->fp);
	csr_clear(sstatus, SSTATUS_FS);
}

static inline void
fpu_enter(struct hart *h, struct thread *next)
{
	if (next->fp_hart == h->index && h->fp_owner == next)
		csr_set(sstatus, SSTATUS_FS_CLEAN);
}

bool
user_fp_fault(void)
{
	struct hart *h = hart_self();
	struct thread *th = h->thread;

	if (fpu_state() != SSTATUS_FS_OFF)
		return false;
	csr_set(sstatus, SSTATUS_FS_INITIAL);
	if (fpu_state() == SSTATUS_FS_OFF)
		return false;                   /* this hart has no FPU */
	if (!th->fp_used) {
		for (unsigned i = 0; i < nitems(th->fp); i++)
			th->fp[i] = 0;
		th->fp_used = true;
	}
	fpu_restore(th->fp);
	fpu_set_state(SSTATUS_FS_CLEAN);
	h->fp_owner = th;
	th->fp_hart = h->index;
	return true;
}

/* The running thread's registers are in th->fp afterwards. */
void
thread_fp_sync(struct thread *th)
{
	if (fpu_state() == SSTATUS_FS_DIRTY) {
		fpu_save(th->fp);
		fpu_set_state(SSTATUS_FS_CLEAN);
	}
}

/* --- the switch --- */

/* The thread that ran before on this hart is off its stack. */
static inline void
sched_finish(struct thread *prev)
{
	bool requeue = prev->requeue;

	prev->requeue = false;
	__atomic_store_n(&prev->on_hart, 0, __ATOMIC_RELEASE);
	/* A dead or sleeping prev may be gone from here on. */
	if (unlikely(requeue))
		sched_enqueue(prev);
}

void
sched_switch(void)
{
	struct hart *h = hart_self();
	struct runq *q = &runqs[h->index];
	struct thread *prev = h->thread, *next = runq_pop(q);

	if (next == NULL && hart_count > 1 && prev != h->idle)
		next = sched_steal(h->index);
	if (next == NULL)
		next = h->idle;
	if (next == prev) {
		prev->state = THREAD_RUNNING;
		return;
	}
	DASSERT(!next->on_hart, ("thread %lu is popped while on hart %u", next->id, next->hart));
	fpu_leave(prev);
	next->hart = h->index;
	next->state = THREAD_RUNNING;
	__atomic_store_n(&next->on_hart, 1, __ATOMIC_RELAXED);
	h->thread = next;
	h->kstack = next->kstack_top - TF_SIZE;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	h->need_resched = next->terminating;
	fpu_enter(h, next);
	/* Kernel threads run on whatever is loaded. */
	if (next->map != NULL && next->map->pmap != h->pmap)
		pmap_switch(next->map->pmap);
	tlb_kernel_sync();              /* its stack may be mapped since this hart last looked */
	if (unlikely(!q->ticking) && next != h->idle)
		sched_arm(h, timer_now());
	sched_finish(switch_context(prev, next));
}

/* First C code of a thread (switch.S). */
void
sched_started(struct thread *prev)
{
	struct thread *th = current_thread();

	sched_finish(prev);
	th->start(th->start_arg);
	thread_exit();
}

void
thread_yield(void)
{
	struct hart *h = hart_self();
	struct thread *th = h->thread;
	struct runq *q = &runqs[h->index];

	h->need_resched = 0;
	if (unlikely(!(th->pinned >> h->index & 1))) {
		th->requeue = true;             /* elsewhere, once off this stack */
		th->state = THREAD_READY;
		sched_switch();
		return;
	}
	if (q->count == 0)
		return;
	spin_lock(&q->lock);
	th->state = THREAD_READY;
	list_push_back(&q->ready, &th->run_link);
	q->count++;
	spin_unlock(&q->lock);
	sched_switch();
}

void
thread_pin(uint64_t harts_set)
{
	struct thread *th = current_thread();

	th->pinned = harts_set;
	if (!(harts_set >> hart_index() & 1) &&
	    (harts_set & __atomic_load_n(&harts_online, __ATOMIC_ACQUIRE)) != 0)
		thread_yield();
}

void
thread_checkpoint(void)
{
	trap_window();
	if (hart_self()->need_resched)
		thread_yield();
}

void
user_return_work(void)
{
	if (current_thread()->terminating)
		thread_exit();
	thread_yield();
	if (unlikely(hold_phase != HOLD_NONE))
		hold_thread();
}

unsigned
sched_ready(unsigned hart)
{
	return __atomic_load_n(&runqs[hart].count, __ATOMIC_SEQ_CST);
}

/* --- idle --- */

/* Until an interrupt. A sleeping hart must not hold a dead task's tables. */
static void
sched_rest(void)
{
	pmap_switch(pmap_kernel());
	if (unlikely(timer_silent)) {
		if (timer_due())
			sched_tick();
	} else {
		wfi();
	}
}

/* Nothing to run: useful work a page at a time, else sleep until an interrupt. */
static void
sched_idle(struct hart *h)
{
	struct runq *q = &runqs[h->index];
	uint64_t self = 1ul << h->index;
	struct thread *stolen;

	__atomic_fetch_or(&idle_set, self, __ATOMIC_SEQ_CST);
	if (unlikely(hold_phase != HOLD_NONE) && hold_idle(h->index, sched_ready(h->index) != 0)) {
		sched_rest();
		trap_window();
		return;
	}
	stolen = q->count == 0 && hart_count > 1 ? sched_steal(h->index) : NULL;
	if (stolen == NULL && q->count == 0) {
		if (!vm_page_clear_ahead())
			sched_rest();
		trap_window();
	}
	if (stolen != NULL) {
		spin_lock(&q->lock);
		list_push_back(&q->ready, &stolen->run_link);
		q->count++;
		spin_unlock(&q->lock);
	}
	if (q->count != 0) {
		__atomic_fetch_and(&idle_set, ~self, __ATOMIC_SEQ_CST);
		h->need_resched = 0;
		sched_switch();
	}
}

void
sched_start(void)
{
	struct hart *h = hart_self();
	struct thread *idle = thread_make_idle(h->kstack);

	/* From here on this code and its stack are the hart's idle thread. */
	idle->pinned = 1ul << h->index;
	idle->hart = h->index;
	idle->on_hart = 1;
	idle->state = THREAD_RUNNING;
	h->kstack = idle->kstack_top - TF_SIZE;
	h->idle = idle;
	h->thread = idle;
	for (;;)
		sched_idle(h);
}
