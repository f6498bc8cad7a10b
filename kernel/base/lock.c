/*
 * lock.c: waiting for a spinlock, and the order of locks.
 *
 * The ranks of base/lock.h are a total order that acquisitions must climb.
 * Debug builds keep, per thread, what it holds; each acquisition is compared
 * with the highest rank held. That finds a deadlock that could happen, not
 * only one that does. A lock that was got by a try is recorded, so that taking
 * it again is found, but constrains nothing.
 *
 * A thread that waits for a lock which its own hart holds would wait for ever:
 * kernel code is not preempted. Debug builds say so at once, and name the
 * holder when the wait takes suspiciously long.
 *
 * No locks of its own. Failure: panic, with both locks.
 */
#include <base/lock.h>

#define SPIN_REPORT     (1ul << 28)     /* turns before the wait is reported */

static const struct {
	uint16_t    rank;
	bool        chain;
	const char *name;
} lock_ranks[] = {
#define X(name, rank, chain) { rank, chain, #name },
	LOCK_RANKS(X)
#undef X
};

const char *
lock_rank_name(unsigned rank)
{
	for (unsigned i = 0; i < nitems(lock_ranks); i++)
		if (lock_ranks[i].rank == (rank & ~LOCK_SLEEPS))
			return lock_ranks[i].name;
	return "?";
}

static bool
rank_chains(unsigned rank)
{
	for (unsigned i = 0; i < nitems(lock_ranks); i++)
		if (lock_ranks[i].rank == rank)
			return lock_ranks[i].chain;
	return false;
}

static unsigned
spin_owner(const struct spinlock *l)
{
	return __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
}

void
spin_lock_slow(struct spinlock *l)
{
	uint64_t turns = 0;

	if (ATLAS_DEBUG && spin_owner(l) == hart_index() + 1)
		panic("hart %u waits for %s lock %p, which it holds", hart_index(),
		    lock_rank_name(l->rank), (void *)l);
	do {
		/* Look without writing, so that waiters share the cache line. */
		while (spin_held(l)) {
			hart_relax();
			if (ATLAS_DEBUG && ++turns == SPIN_REPORT)
				kprintf("hart %u waits long for %s lock %p, held by hart %d\n",
				    hart_index(), lock_rank_name(l->rank), (void *)l, (int)spin_owner(l) - 1);
		}
	} while (__atomic_exchange_n(&l->v, 1, __ATOMIC_ACQUIRE) != 0);
}

/*
 * The trace is emptied before the panic, so that the crash report, which takes
 * the console's lock, cannot fail on the same grounds.
 */
static void
order_panic(struct lock_trace *t, unsigned i, const char *what, const void *lock, unsigned rank)
{
	const void *held = t->held[i].lock;
	unsigned held_rank = t->held[i].rank;

	t->n = 0;
	panic("lock order: %s %s %p while %s %p is held", what, lock_rank_name(rank), lock,
	    lock_rank_name(held_rank), held);
}

void
lock_order_acquire(const void *lock, unsigned rank)
{
	struct lock_trace *t = lock_trace();
	unsigned r = rank & ~LOCK_SLEEPS;

	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->n; i++) {
		unsigned held = t->held[i].rank & ~LOCK_SLEEPS;

		if (t->held[i].lock == lock)
			order_panic(t, i, "again", lock, t->held[i].rank);
		if (r != LOCK_ANY_ORDER && (held > r || (held == r && !rank_chains(r))))
			order_panic(t, i, "taking", lock, rank);
	}
	KASSERT(t->n < LOCK_TRACE_MAX, ("%u locks held", t->n));
	t->held[t->n].lock = lock;
	t->held[t->n].rank = rank;
	t->n++;
}

void
lock_order_release(const void *lock, unsigned rank)
{
	struct lock_trace *t = lock_trace();
	unsigned i;

	if (t == NULL)
		return;
	for (i = t->n; i > 0 && t->held[i - 1].lock != lock; i--)
		;
	if (i == 0)
		panic("release of %s lock %p, which is not held", lock_rank_name(rank), lock);
	for (; i < t->n; i++)
		t->held[i - 1] = t->held[i];
	t->n--;
}

void
lock_order_none(void)
{
	struct lock_trace *t = lock_trace();

	if (t != NULL && t->n != 0)
		panic("%s lock %p is still held, and %u others", lock_rank_name(t->held[0].rank),
		    t->held[0].lock, t->n - 1);
}

void
lock_order_sleep(void)
{
	struct lock_trace *t = lock_trace();

	for (unsigned i = 0; t != NULL && i < t->n; i++)
		if (!(t->held[i].rank & LOCK_SLEEPS))
			panic("sleep with %s lock %p held", lock_rank_name(t->held[i].rank),
			    t->held[i].lock);
}
