/*
 * lock: states of spinlocks, and what the order bookkeeping keeps.
 */
#include <string.h>
#include <base/lock.h>
#include <base/test.h>

TEST(lock, spinlock_is_held_between_lock_and_unlock)
{
	struct spinlock l;

	spin_init(&l, LOCK_ZONE);
	ASSERT_FALSE(spin_held(&l));
	spin_lock(&l);
	ASSERT_TRUE(spin_held(&l));
	ASSERT_FALSE(spin_trylock(&l));
	spin_unlock(&l);
	ASSERT_FALSE(spin_held(&l));
	ASSERT_TRUE(spin_trylock(&l));
	spin_unlock(&l);
	ASSERT_FALSE(spin_held(&l));
}

TEST(lock, ranks_have_names)
{
	ASSERT_EQ(strcmp(lock_rank_name(LOCK_OBJECT), "OBJECT"), 0);
	ASSERT_EQ(strcmp(lock_rank_name(LOCK_MAP | LOCK_SLEEPS), "MAP"), 0);
	ASSERT_EQ(strcmp(lock_rank_name(3), "?"), 0);
}

TEST(lock, rising_ranks_and_chains_are_allowed_and_release_is_free)
{
	struct spinlock map, top, below, page;

	spin_init(&map, LOCK_MAPREF);
	spin_init(&top, LOCK_OBJECT);
	spin_init(&below, LOCK_OBJECT);
	spin_init(&page, LOCK_PAGE);
	spin_lock(&map);
	spin_lock(&top);
	spin_lock(&below);
	spin_lock(&page);
	spin_unlock(&top);
	spin_unlock(&map);
	spin_unlock(&page);
	spin_unlock(&below);
	lock_order_none();
	ASSERT_FALSE(spin_held(&below));
}

TEST(lock, a_try_may_go_downwards)
{
	struct spinlock page, object;

	spin_init(&page, LOCK_PAGE);
	spin_init(&object, LOCK_OBJECT);
	spin_lock(&page);
	ASSERT_TRUE(spin_trylock(&object));
	spin_unlock(&page);
	spin_unlock(&object);
	lock_order_none();
}
