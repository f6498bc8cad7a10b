/*
 * sched.c: threads on all harts: waiting, waking, sleeping, yielding, stealing.
 */
#include <arch/hart_start.h>
#include <arch/timer.h>
#include <arch/tlb.h>
#include <base/wait.h>
#include <mm/vm_kern.h>
#include "user.h"

#define WORKERS 8

static struct spinlock lock = SPINLOCK_INIT(TASK);
static unsigned        arrived, released, finished, go;

static void
reset(void)
{
	arrived = released = finished = go = 0;
}

static unsigned
online(void)
{
	return (unsigned)__builtin_popcountl(__atomic_load_n(&harts_online, __ATOMIC_ACQUIRE));
}

#define PATIENCE_US     120000000ul     /* a hang, however busy the machine under the emulator is */

/* Lets others run until *counter has the value. False: it hangs. */
static bool
reaches(const unsigned *counter, unsigned value)
{
	uint64_t end = timer_us() + PATIENCE_US;

	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < value) {
		if (timer_us() > end)
			return false;
		thread_sleep_us(500);
	}
	return true;
}

static void
waiter(void *arg)
{
	(void)arg;
	spin_lock(&lock);
	arrived++;
	while (!go) {
		wait_on(&go, &lock, false);
		spin_lock(&lock);
	}
	released++;
	spin_unlock(&lock);
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
}

TEST(sched, wake_all_wakes_every_waiter)
{
	reset();
	for (unsigned i = 0; i < WORKERS; i++)
		ASSERT_TRUE(kthread_create("waiter", waiter, NULL) != NULL);
	ASSERT_TRUE(reaches(&arrived, WORKERS));
	ASSERT_EQ(released, 0);
	wake_all(&lock);                /* another event: nobody's */
	wake_all(&go);                  /* spurious: they look, and sleep again */
	thread_sleep_us(1000);
	ASSERT_EQ(released, 0);
	spin_lock(&lock);
	go = 1;
	spin_unlock(&lock);
	wake_all(&go);
	ASSERT_TRUE(reaches(&finished, WORKERS));
	ASSERT_EQ(released, WORKERS);
}

static void
ping_pong(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < 1000; i++) {
		spin_lock(&lock);
		while (go % 2 != me) {
			wait_on(&go, &lock, false);
			spin_lock(&lock);
		}
		go++;
		spin_unlock(&lock);
		wake_all(&go);
	}
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
}

TEST(sched, no_wakeup_is_lost)
{
	reset();
	ASSERT_TRUE(kthread_create("ping", ping_pong, (void *)0) != NULL);
	ASSERT_TRUE(kthread_create("pong", ping_pong, (void *)1) != NULL);
	ASSERT_TRUE(reaches(&finished, 2));
	ASSERT_EQ(go, 2000);
}

TEST(sched, sleep_is_long_enough)
{
	uint64_t before, after;

	for (unsigned us = 0; us <= 20000; us = us * 4 + 1) {
		before = timer_us();
		ASSERT_TRUE(thread_sleep_us(us));
		after = timer_us();
		ASSERT_GE(after - before, us);
	}
}

#define LATE_US     60000u
#define EARLY_US    2000u
#define NEAR_US     20000u      /* deadlines nearer to each other say nothing: a sleep begins a little after it was asked for */

static uint64_t deadline[2], first_awake;

static void
sleeper(void *arg)
{
	unsigned which = (unsigned)(uintptr_t)arg;
	uint64_t us = which == 0 ? LATE_US : EARLY_US;

	deadline[which] = timer_us() + us;
	thread_sleep_us(us);
	if (__atomic_fetch_add(&finished, 1, __ATOMIC_ACQ_REL) == 0)
		__atomic_store_n(&first_awake, which, __ATOMIC_RELAXED);
}

/*
 * One hart wakes in the order of the deadlines, also where the machine stood still
 * before the second thread began; of several, any may stand still for longer.
 */
TEST(sched, sleepers_wake_in_time_order)
{
	reset();
	ASSERT_TRUE(kthread_create("late", sleeper, (void *)0) != NULL);
	ASSERT_TRUE(kthread_create("early", sleeper, (void *)1) != NULL);
	ASSERT_TRUE(reaches(&finished, 2));
	if (hart_count == 1 && deadline[1 - first_awake] + NEAR_US < deadline[first_awake])
		test_fail(__FILE__, __LINE__, "%lu us late, the other came first",
		    (unsigned long)(deadline[first_awake] - deadline[1 - first_awake]));
}

static void
yielder(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 100; i++)
		thread_yield();
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
}

TEST(sched, yielding_threads_all_end)
{
	reset();
	for (unsigned i = 0; i < WORKERS; i++)
		ASSERT_TRUE(kthread_create("yielder", yielder, NULL) != NULL);
	ASSERT_TRUE(reaches(&finished, WORKERS));
}

/* Waits, without giving way, until as many others do as there are harts. */
static void
together(void *arg)
{
	uint64_t end = timer_us() + PATIENCE_US;

	(void)arg;
	__atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < online() - 1 && timer_us() < end)
		hart_relax();
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
}

TEST(sched, idle_harts_take_ready_threads)
{
	if (online() < 2) {
		test_skip("one hart");
		return;
	}
	reset();
	for (unsigned i = 1; i < online(); i++)
		ASSERT_TRUE(kthread_create("together", together, NULL) != NULL);
	ASSERT_TRUE(reaches(&finished, online() - 1));
}

TEST(sched, pinned_thread_runs_where_it_must)
{
	uint64_t set = __atomic_load_n(&harts_online, __ATOMIC_ACQUIRE);

	for (unsigned round = 0; round < 20; round++)
		for (uint64_t s = set; s != 0; s &= s - 1) {
			thread_pin(s & -s);
			ASSERT_EQ(hart_index(), __builtin_ctzl(s));
			thread_yield();
			thread_sleep_us(10);
			ASSERT_EQ(hart_index(), __builtin_ctzl(s));
		}
	thread_pin(THREAD_ANY_HART);
}

/* On the hart of bit *arg: waits, and says whether it has heard of the new kernel pages. */
static void
listener(void *arg)
{
	uint64_t set = *(const uint64_t *)arg;

	thread_pin(set);
	spin_lock(&lock);
	arrived++;
	while (!go) {
		wait_on(&go, &lock, false);
		spin_lock(&lock);
	}
	if ((__atomic_load_n(&tlb_kernel_stale, __ATOMIC_RELAXED) & set) == 0)
		released++;
	spin_unlock(&lock);
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
}

/* Its stack may be such a page. */
TEST(sched, a_thread_runs_where_new_kernel_pages_are_known)
{
	uint64_t set = __atomic_load_n(&harts_online, __ATOMIC_ACQUIRE), self;
	vm_offset_t va;

	if (online() < 2) {
		test_skip("one hart");
		return;
	}
	self = 1ul << hart_index();
	thread_pin(self);
	set &= ~self;
	set &= -set;
	for (unsigned round = 0; round < 20; round++) {
		reset();
		ASSERT_TRUE(kthread_create("listener", listener, &set) != NULL);
		ASSERT_TRUE(reaches(&arrived, 1));
		ASSERT_EQ(kmem_alloc(&va, PAGE_SIZE, 0), KERN_SUCCESS);
		spin_lock(&lock);
		go = 1;
		spin_unlock(&lock);
		wake_all(&go);
		ASSERT_TRUE(reaches(&finished, 1));
		ASSERT_EQ(released, 1);
		kmem_free(va, PAGE_SIZE, 0);
	}
	thread_pin(THREAD_ANY_HART);
}

TEST(sched, spinning_programs_share_the_harts)
{
	USER_PROGRAM(user_spin);
	struct task *spin[6];
	unsigned n = 0;

	while (n < nitems(spin) && (spin[n] = user_start(user_spin, user_spin_end, 0)) != NULL)
		n++;
	thread_sleep_us(50000);         /* we run although they never give way */
	while (n-- > 0) {
		ASSERT_EQ(task_terminate(spin[n]), KERN_SUCCESS);
		ASSERT_EQ(spin[n]->end, TASK_KILLED);
		task_deallocate(spin[n]);
	}
}
