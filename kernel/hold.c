/*
 * hold.c: the machine at rest, while somebody looks at all of it.
 *
 *	harts_hold      HOLD_NONE ──> HOLD_COMING ──> HOLD_CLOSED ──> HOLD_NONE
 *	other harts       as ever      drain, idle      stay idle       as ever
 *
 * No critical section is cut: a thread in the kernel goes on until it sleeps or
 * returns to U-mode. At that return it sleeps (hold_thread); a software
 * interrupt makes those in U-mode come there. So queues run dry, harts fall into
 * their idle loops and say so (at_rest). What is woken meanwhile, by a timer for
 * instance, still runs. When all are at rest the doors close: an idle hart then
 * leaves ready threads in its queue, and waits for interrupts.
 *
 * Invariants
 *   - A hart takes its at_rest back, and counts that in `left`, before it takes a
 *     thread out of its queue. Who wakes a thread queues it before it rests
 *     itself. So two looks that find all at rest, all queues empty and nothing
 *     left in between have seen a moment at which nobody ran.
 *   - An idle hart takes at_rest back, then looks at the phase; harts_hold closes,
 *     then looks at at_rest. One of them sees.
 *   - The holder's own hart runs on: where the holder sleeps for a lock, its owner
 *     is taken from wherever it is queued.
 *
 * Asleep in the kernel is not the same as between operations: who waits for a
 * pager may hold an entry in transition.
 *
 * Locks: hold_lock (rank TASK) for the sleep of the threads; the rest is atomics.
 */
#include <kernel/hold.h>
#include <kernel/thread.h>
#include <base/wait.h>
#include <arch/hart_start.h>

#define LOOK_US     200
#define LOOKS       50000u

struct hold_hart {
	uint32_t at_rest;               /* the hold for which it is; else 0 or an earlier one */
	uint32_t left;                  /* how often it took that back */
} __attribute__((aligned(64)));

static struct hold_hart hold_harts[MAXHARTS];
static struct spinlock  hold_lock = SPINLOCK_INIT(TASK);
static uint32_t         hold_number;    /* of this hold, from 1 on */
static unsigned         hold_by;        /* the holder's hart */
static uint64_t         hold_pinned;    /* where the holder may run otherwise */
uint32_t                hold_phase;

static inline void
set_phase(enum hold_phase phase)
{
	__atomic_store_n(&hold_phase, phase, __ATOMIC_SEQ_CST);
}

void
hold_thread(void)
{
	spin_lock(&hold_lock);
	while (hold_phase != HOLD_NONE) {
		if (!wait_on(&hold_phase, &hold_lock, true))
			return;
		spin_lock(&hold_lock);
	}
	spin_unlock(&hold_lock);
}

bool
hold_idle(unsigned hart, bool work)
{
	struct hold_hart *hh = &hold_harts[hart];
	uint32_t number = __atomic_load_n(&hold_number, __ATOMIC_SEQ_CST);

	if (hart == hold_by)
		return false;
	if (work) {
		if (hh->at_rest == number) {
			__atomic_fetch_add(&hh->left, 1, __ATOMIC_SEQ_CST);
			__atomic_store_n(&hh->at_rest, 0, __ATOMIC_SEQ_CST);
		}
		if (__atomic_load_n(&hold_phase, __ATOMIC_SEQ_CST) != HOLD_CLOSED)
			return false;
	}
	__atomic_store_n(&hh->at_rest, number, __ATOMIC_SEQ_CST);
	return true;
}

/* Harts that are not at rest, or have threads to run; *left: how often any took its rest back. */
static uint64_t
look(uint64_t *left)
{
	uint64_t set = __atomic_load_n(&harts_online, __ATOMIC_ACQUIRE), missing = 0;

	*left = 0;
	for (; set != 0; set &= set - 1) {
		unsigned i = (unsigned)__builtin_ctzl(set);

		if ((i != hold_by && __atomic_load_n(&hold_harts[i].at_rest, __ATOMIC_SEQ_CST) != hold_number) ||
		    sched_ready(i) != 0)
			missing |= 1ul << i;
		*left += __atomic_load_n(&hold_harts[i].left, __ATOMIC_SEQ_CST);
	}
	return missing;
}

/* Harts that have not come; 0: all are at rest and the doors are closed. */
static uint64_t
try_close(void)
{
	uint64_t before, after, missing = look(&before);

	if (missing == 0)
		missing = look(&after);
	if (missing != 0)
		return missing;
	set_phase(HOLD_CLOSED);
	missing = look(&after);
	if (missing == 0 && before == after)
		return 0;
	set_phase(HOLD_COMING);
	return missing != 0 ? missing : 1ul << hold_by;
}

uint64_t
harts_hold(void)
{
	uint64_t missing, self = 1ul << hart_index();

	KASSERT(hold_phase == HOLD_NONE, ("held already, by hart %u", hold_by));
	hold_pinned = current_thread()->pinned;
	thread_pin(self);
	hold_by = hart_index();
	__atomic_fetch_add(&hold_number, 1, __ATOMIC_SEQ_CST);
	set_phase(HOLD_COMING);
	for (unsigned n = 0; (missing = try_close()) != 0 && n < LOOKS; n++) {
		hart_kick_set(missing & ~self);
		(void)thread_sleep_us(LOOK_US);
	}
	set_phase(HOLD_CLOSED);
	return missing;
}

void
harts_release(void)
{
	uint64_t others = __atomic_load_n(&harts_online, __ATOMIC_ACQUIRE) & ~(1ul << hold_by);

	spin_lock(&hold_lock);
	set_phase(HOLD_NONE);
	spin_unlock(&hold_lock);
	wake_all(&hold_phase);
	hart_kick_set(others);
	thread_pin(hold_pinned);
}
