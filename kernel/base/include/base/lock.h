/*
 * base/lock.h: spinlocks, sleepable reader/writer locks, and their order.
 *
 * Kernel code runs with interrupts off, so a spinlock needs no interrupt
 * bookkeeping. Every lock has a rank; a thread may only take a lock whose rank
 * is higher than those it holds (the same rank where LOCK_RANK says "chain":
 * object locks are taken from the top of a shadow chain downwards, map locks
 * from parent to submap). Debug builds (ATLAS_DEBUG) check that on every
 * acquisition and print both locks when it is broken.
 *
 * The table is the documentation: name, rank, whether equal ranks may nest.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <base/types.h>
#include <base/print.h>
#include <machine/hart.h>

#define LOCK_RANKS(X) \
	X(TASK,    10, 1)       /* a task's threads and handles; parent before child */ \
	X(SUBMAP,  16, 0)       /* sleepable: no two threads make submap windows at once */ \
	X(MAP,     20, 1)       /* sleepable; several in ascending address, submap after parent */ \
	X(MAPREF,  30, 0)       /* a map's reference count and residence (s_lock) */ \
	X(NAMED,   34, 0)       /* a named entry or shared region */ \
	X(NAMELST, 36, 0)       /* the lists of named entries, memory objects, copies */ \
	X(OBJECT,  40, 1)       /* top of the shadow chain first */ \
	X(PAGER,   45, 0)       /* what a memory object is asked for */ \
	X(RESERV,  50, 0)       /* queue of reservations that can be broken */ \
	X(OBJLIST, 52, 0)       /* the list of all objects */ \
	X(PMAP,    60, 1)       /* a pmap's tables; two only in pmap_copy, by address */ \
	X(PV,      65, 0)       /* reverse mappings of a chunk */ \
	X(ASID,    68, 0)       /* ASID generations */ \
	X(TABLE,   69, 0)       /* page tables kept for splits */ \
	X(ZONE,    70, 1)       /* per-hart cache, then the zone's slabs */ \
	X(KMEM,    74, 0)       /* the kernel address allocator */ \
	X(PAGE,    80, 1)       /* per-hart page cache, then the free lists */ \
	X(RWLOCK,  84, 0)       /* interlock of a sleeping lock */ \
	X(SCHED,   88, 1)       /* run queues and wait buckets */ \
	X(CONSOLE, 95, 0)

enum lock_rank {
#define X(name, rank, chain) LOCK_##name = rank,
	LOCK_RANKS(X)
#undef X
};

struct spinlock {
	uint32_t v;             /* 0 free, 1 held */
	uint16_t rank;
	uint16_t owner;         /* debug: hart index + 1 */
};

#define SPINLOCK_INIT(r) { 0, LOCK_##r, 0 }

static inline void
spin_init(struct spinlock *l, enum lock_rank rank)
{
	l->v = 0;
	l->rank = (uint16_t)rank;
	l->owner = 0;
}

/*
 * Debug bookkeeping (lock.c): the locks that one thread of execution holds, in
 * the order of acquisition. Per thread and not per hart, because a thread may
 * sleep with sleepable locks held and go on elsewhere.
 */
#define LOCK_TRACE_MAX  24
#define LOCK_SLEEPS     0x8000u         /* with a rank: its holder may sleep */
#define LOCK_ANY_ORDER  0u              /* instead of a rank: taken by a try, which cannot deadlock */

struct lock_trace {
	unsigned n;
	struct {
		const void *lock;
		unsigned    rank;
	} held[LOCK_TRACE_MAX];
};

/* The running thread's, or NULL where there is none yet; supplied by kernel/ and by the host rig. */
struct lock_trace *lock_trace(void);

/* Panics when the order forbids to take `lock` now, or when it is held already. */
void lock_order_acquire(const void *lock, unsigned rank);
/* Any order of release will do. Panics when the lock is not held. */
void lock_order_release(const void *lock, unsigned rank);
/* Panics unless this thread of execution holds no lock (return to U-mode). */
void lock_order_none(void);
/* Panics when a lock is held whose holder may not sleep (wait_on, once the interlock is released). */
void lock_order_sleep(void);
const char *lock_rank_name(unsigned rank);
void spin_lock_slow(struct spinlock *l);

/* Read by waiters without the lock: for their report only. */
static inline void
lock_set_owner(struct spinlock *l, unsigned owner)
{
	__atomic_store_n(&l->owner, (uint16_t)owner, __ATOMIC_RELAXED);
}

static inline bool
spin_trylock(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->v, 1, __ATOMIC_ACQUIRE) != 0)
		return false;
	if (ATLAS_DEBUG) {
		lock_set_owner(l, hart_index() + 1);
		lock_order_acquire(l, LOCK_ANY_ORDER);
	}
	return true;
}

static inline void
spin_lock(struct spinlock *l)
{
	if (ATLAS_DEBUG)
		lock_order_acquire(l, l->rank);
	if (unlikely(__atomic_exchange_n(&l->v, 1, __ATOMIC_ACQUIRE) != 0))
		spin_lock_slow(l);
	if (ATLAS_DEBUG)
		lock_set_owner(l, hart_index() + 1);
}

static inline void
spin_unlock(struct spinlock *l)
{
	if (ATLAS_DEBUG) {
		lock_set_owner(l, 0);
		lock_order_release(l, l->rank);
	}
	hart_store_release(&l->v, 0);
}

static inline bool spin_held(const struct spinlock *l) { return __atomic_load_n(&l->v, __ATOMIC_RELAXED) != 0; }

/*
 * A sleepable lock: many readers or one writer; a waiting writer keeps new
 * readers out. state = readers * RW_READER + RW_WRITER + RW_WAITERS. The fast
 * paths are one atomic; rwlock.c does the rest and says why it is right.
 *
 * Unlocking may still look at the lock after another thread has got it: who
 * unlocks must own a reference on whatever the lock lies in.
 */
#define RW_WRITER   1u
#define RW_WAITERS  2u
#define RW_READER   4u

struct rwlock {
	uint32_t        state;
	uint16_t        rank;
	struct spinlock interlock;      /* for sleeping and for RW_WAITERS */
	uint32_t        writers_waiting;
};

void rw_init(struct rwlock *l, enum lock_rank rank);
void rw_read_slow(struct rwlock *l);
void rw_write_slow(struct rwlock *l);
void rw_wake(struct rwlock *l);

static inline void
rw_read_lock(struct rwlock *l)
{
	if (ATLAS_DEBUG)
		lock_order_acquire(l, l->rank | LOCK_SLEEPS);
	if (unlikely(__atomic_fetch_add(&l->state, RW_READER, __ATOMIC_ACQUIRE) &
	    (RW_WRITER | RW_WAITERS)))
		rw_read_slow(l);
}

static inline void
rw_read_unlock(struct rwlock *l)
{
	if (ATLAS_DEBUG)
		lock_order_release(l, l->rank);
	if (unlikely(__atomic_sub_fetch(&l->state, RW_READER, __ATOMIC_RELEASE) ==
	    RW_WAITERS))
		rw_wake(l);
}

static inline void
rw_write_lock(struct rwlock *l)
{
	uint32_t free = 0;

	if (ATLAS_DEBUG)
		lock_order_acquire(l, l->rank | LOCK_SLEEPS);
	if (unlikely(!__atomic_compare_exchange_n(&l->state, &free, RW_WRITER,
	    false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		rw_write_slow(l);
}

static inline bool
rw_write_trylock(struct rwlock *l)
{
	uint32_t free = 0;

	if (!__atomic_compare_exchange_n(&l->state, &free, RW_WRITER, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	if (ATLAS_DEBUG)
		lock_order_acquire(l, LOCK_ANY_ORDER | LOCK_SLEEPS);
	return true;
}

static inline void
rw_write_unlock(struct rwlock *l)
{
	if (ATLAS_DEBUG)
		lock_order_release(l, l->rank);
	if (unlikely(__atomic_sub_fetch(&l->state, RW_WRITER, __ATOMIC_RELEASE) &
	    RW_WAITERS))
		rw_wake(l);
}

/* Sole reader to writer. FALSE: not possible; the read lock is STILL held. */
static inline bool
rw_try_upgrade(struct rwlock *l)
{
	uint32_t one = RW_READER;

	return __atomic_compare_exchange_n(&l->state, &one, RW_WRITER, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void
rw_downgrade(struct rwlock *l)
{
	if (unlikely(__atomic_add_fetch(&l->state, RW_READER - RW_WRITER, __ATOMIC_RELEASE) &
	    RW_WAITERS))
		rw_wake(l);     /* readers may come in now */
}

static inline bool rw_write_held(const struct rwlock *l) { return (__atomic_load_n(&l->state, __ATOMIC_RELAXED) & RW_WRITER) != 0; }
static inline bool rw_held(const struct rwlock *l) { return (__atomic_load_n(&l->state, __ATOMIC_RELAXED) & ~RW_WAITERS) != 0; }

#endif
