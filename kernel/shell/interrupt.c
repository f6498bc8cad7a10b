/*
 * interrupt.c: Ctrl-C while a command runs.
 *
 *	console_input ──> interrupt_key: flag ──wake──> "interrupt" thread: task_terminate(target)
 *
 * The key arrives in an interrupt, where nothing may sleep, and the shell's
 * thread is asleep in a wait for the very task that shall end; so a thread of
 * its own does it. Commands that run long in the kernel look at the flag by
 * cmd_interrupted.
 *
 * `lock` protects flag and target. The target is referenced by whoever set it;
 * the thread takes its own reference before it lets the lock go.
 */
#include <base/lock.h>
#include <base/print.h>
#include <base/wait.h>
#include <kernel/console.h>
#include <kernel/thread.h>
#include "shell.h"

static struct spinlock lock = SPINLOCK_INIT(RWLOCK);
static bool            interrupted;
static struct task    *target;

static void
interrupt_key(void)
{
	spin_lock(&lock);
	interrupted = true;
	spin_unlock(&lock);
	wake_all(&interrupted);
}

void
interrupt_target(struct task *t)
{
	spin_lock(&lock);
	target = t;
	spin_unlock(&lock);
	wake_all(&interrupted);
}

void
interrupt_enable(bool on)
{
	if (on) {
		spin_lock(&lock);
		interrupted = false;
		spin_unlock(&lock);
	}
	console_set_interrupt(on ? interrupt_key : NULL);
}

bool
cmd_interrupted(void)
{
	thread_checkpoint();
	return __atomic_load_n(&interrupted, __ATOMIC_RELAXED);
}

static void
interrupt_thread(void *arg)
{
	struct task *t;

	(void)arg;
	for (;;) {
		spin_lock(&lock);
		if (!interrupted || target == NULL) {
			if (!wait_on(&interrupted, &lock, true))
				thread_exit();
			continue;
		}
		t = target;
		task_reference(t);
		target = NULL;
		spin_unlock(&lock);
		task_terminate(t);
		task_deallocate(t);
	}
}

void
interrupt_init(void)
{
	if (kthread_create("interrupt", interrupt_thread, NULL) == NULL)
		kprintf("shell: no memory for the Ctrl-C thread\n");
}
