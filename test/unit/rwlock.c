/*
 * rwlock: the state word through every transition that one thread can make.
 * With several threads: test/host/test_harts.c.
 */
#include <base/lock.h>
#include <base/test.h>

TEST(rwlock, readers_share_and_writers_do_not)
{
	struct rwlock l;

	rw_init(&l, LOCK_MAP);
	ASSERT_FALSE(rw_held(&l));
	rw_read_lock(&l);
	ASSERT_TRUE(rw_held(&l));
	ASSERT_FALSE(rw_write_held(&l));
	ASSERT_FALSE(rw_write_trylock(&l));
	ASSERT_EQ(l.state, RW_READER);
	rw_read_unlock(&l);
	ASSERT_EQ(l.state, 0);
	rw_write_lock(&l);
	ASSERT_TRUE(rw_write_held(&l));
	ASSERT_FALSE(rw_write_trylock(&l));
	rw_write_unlock(&l);
	ASSERT_EQ(l.state, 0);
	ASSERT_TRUE(rw_write_trylock(&l));
	rw_write_unlock(&l);
	ASSERT_EQ(l.state, 0);
}

TEST(rwlock, sole_reader_upgrades_and_downgrades)
{
	struct rwlock l;

	rw_init(&l, LOCK_MAP);
	rw_read_lock(&l);
	ASSERT_TRUE(rw_try_upgrade(&l));
	ASSERT_EQ(l.state, RW_WRITER);
	rw_downgrade(&l);
	ASSERT_EQ(l.state, RW_READER);
	/* A second reader, as another thread would be. */
	__atomic_fetch_add(&l.state, RW_READER, __ATOMIC_RELAXED);
	ASSERT_FALSE(rw_try_upgrade(&l));
	ASSERT_EQ(l.state, 2 * RW_READER);
	__atomic_fetch_sub(&l.state, RW_READER, __ATOMIC_RELAXED);
	rw_read_unlock(&l);
	ASSERT_EQ(l.state, 0);
}

/* WAITERS without a sleeper is harmless: it goes at the next wake. */
TEST(rwlock, stale_waiters_bit_is_cleared)
{
	struct rwlock l;

	rw_init(&l, LOCK_MAP);
	l.state = RW_WAITERS;
	rw_read_lock(&l);
	ASSERT_EQ(l.state, RW_READER);          /* taking itself out it left just WAITERS, and woke */
	rw_read_unlock(&l);
	ASSERT_EQ(l.state, 0);
	l.state = RW_WAITERS;
	rw_write_lock(&l);
	ASSERT_TRUE(rw_write_held(&l));
	rw_write_unlock(&l);
	ASSERT_EQ(l.state, 0);
}

/* As long as a writer waits, new readers must take the slow path. */
TEST(rwlock, wake_keeps_waiters_for_a_waiting_writer)
{
	struct rwlock l;

	rw_init(&l, LOCK_MAP);
	l.state = RW_WAITERS;
	l.writers_waiting = 1;
	rw_wake(&l);
	ASSERT_EQ(l.state, RW_WAITERS);
	l.writers_waiting = 0;
	rw_wake(&l);
	ASSERT_EQ(l.state, 0);
}
