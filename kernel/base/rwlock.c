/*
 * rwlock.c: sleepable reader/writer locks: where the fast paths give up.
 *
 *	state:  readers * 4 | WAITERS | WRITER
 *
 *	0 ──reader──> 4 ──reader──> 8 ...        0 ──writer──> WRITER
 *	any | WAITERS: somebody sleeps, or a writer is about to come: fast paths
 *	fail, and whoever makes the lock free (or lets readers in) calls rw_wake.
 *
 * A reader adds itself first and looks afterwards. When it may not stay it
 * takes itself out again; meanwhile it looks like a reader, and may have kept
 * a release from seeing "free, and somebody waits". So its taking out is a
 * release like any other: if that leaves just WAITERS, it wakes.
 *
 * Why no wake-up is lost: WAITERS is set and cleared under the interlock only.
 * A sleeper sets it (or sees it set) while the state shows a holder, and is
 * queued before the interlock is free again. That holder's release comes
 * after, sees WAITERS, and its rw_wake has to get the interlock first: it finds
 * the sleeper queued. A reader that sleeps because a writer waits and not
 * because of a holder relies on the writer: that one was woken, or will be,
 * takes the lock with WAITERS left set, and wakes when it releases.
 *
 * Why writers do not starve: WAITERS stays set as long as a writer waits, so
 * new readers take the slow path, and they queue up behind writers_waiting.
 * Readers do not starve unless writers never pause.
 *
 * Everybody is woken and looks for himself: simple, and waits are rare.
 *
 * Locks: interlock (rank RWLOCK), around sleeping only.
 */
#include <base/lock.h>
#include <base/wait.h>

void
rw_init(struct rwlock *l, enum lock_rank rank)
{
	l->state = 0;
	l->rank = (uint16_t)rank;
	spin_init(&l->interlock, LOCK_RWLOCK);
	l->writers_waiting = 0;
}

static inline bool
rw_replace(struct rwlock *l, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&l->state, &from, to, false, __ATOMIC_ACQUIRE,
	    __ATOMIC_RELAXED);
}

/* Interlock held, and again on return: sleeps if the state is still `seen`. */
static void
rw_sleep(struct rwlock *l, uint32_t seen)
{
	if (!rw_replace(l, seen, seen | RW_WAITERS))
		return;
	wait_on(l, &l->interlock, false);
	spin_lock(&l->interlock);
}

/* The caller has added RW_READER and seen that it may not stay. */
void
rw_read_slow(struct rwlock *l)
{
	if (__atomic_sub_fetch(&l->state, RW_READER, __ATOMIC_RELEASE) == RW_WAITERS)
		rw_wake(l);
	spin_lock(&l->interlock);
	for (;;) {
		uint32_t s = __atomic_load_n(&l->state, __ATOMIC_RELAXED);

		if ((s & RW_WRITER) || l->writers_waiting != 0)
			rw_sleep(l, s);
		else if (rw_replace(l, s, s + RW_READER))
			break;
	}
	spin_unlock(&l->interlock);
}

void
rw_write_slow(struct rwlock *l)
{
	spin_lock(&l->interlock);
	l->writers_waiting++;
	for (;;) {
		uint32_t s = __atomic_load_n(&l->state, __ATOMIC_RELAXED);

		if ((s & ~RW_WAITERS) != 0)
			rw_sleep(l, s);
		else if (rw_replace(l, s, s | RW_WRITER))
			break;
	}
	l->writers_waiting--;
	spin_unlock(&l->interlock);
}

void
rw_wake(struct rwlock *l)
{
	spin_lock(&l->interlock);
	if (l->writers_waiting == 0)
		__atomic_and_fetch(&l->state, ~RW_WAITERS, __ATOMIC_RELAXED);
	spin_unlock(&l->interlock);
	wake_all(l);
}
