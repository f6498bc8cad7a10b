/*
 * pager_clock.c: lets test pagers answer later.
 *
 * One kernel thread, made when the first answer is to come later, sleeps until
 * the next one is due (pager_test_run). Without memory for it, nothing is
 * answered in time, and who waits runs into the kernel's patience.
 *
 * Lock: clock_lock, for going to sleep; `kicks` counts what came meanwhile.
 */
#include <base/wait.h>
#include <kernel/pager.h>
#include <kernel/thread.h>

static struct spinlock clock_lock = SPINLOCK_INIT(PAGER);
static bool            clock_made;
static uint64_t        kicks;

static void
clock_main(void *arg)
{
	uint64_t seen, next;

	(void)arg;
	for (;;) {
		spin_lock(&clock_lock);
		seen = kicks;
		spin_unlock(&clock_lock);
		next = pager_test_run(wait_clock_us());
		spin_lock(&clock_lock);
		if (seen == kicks)
			(void)wait_on_until(&kicks, &clock_lock, false, next);
		else
			spin_unlock(&clock_lock);
	}
}

void
pager_test_clock(void)
{
	bool make;

	spin_lock(&clock_lock);
	kicks++;
	make = !clock_made;
	clock_made = true;
	wake_all(&kicks);
	spin_unlock(&clock_lock);
	if (make && kthread_create("pagers", clock_main, NULL) == NULL) {
		spin_lock(&clock_lock);
		clock_made = false;
		spin_unlock(&clock_lock);
	}
}
