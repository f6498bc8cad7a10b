/*
 * futex.c: threads of programs sleep on a word of memory, and wake each other.
 *
 * A waiter is known by task and address, and by the physical address behind
 * it: the first finds it after a copy-on-write moved the page, the second from
 * other tasks that share the memory. Waiters are hashed by the offset in the
 * page, which both have in common. A false match is a spurious wake-up, which
 * callers must expect anyway.
 *
 * No wake-up is lost: the waiter is on the list before it looks at the word,
 * and a waker has changed the word before it looks at the list.
 *
 * Locks: a bucket's (rank TASK: it is an interlock, and nothing is taken in it
 * but the scheduler's). The word is read without it, for that may fault.
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <base/wait.h>
#include <machine/copy.h>
#include "syscall.h"

#define FUTEX_BUCKETS   64u

struct futex_waiter {
	struct list  link;
	struct task *task;
	vm_offset_t  va;
	paddr_t      pa;
	bool         woken;             /* and off the list */
};

struct futex_bucket {
	struct spinlock lock;
	struct list     waiters;
};

static struct futex_bucket futex_buckets[FUTEX_BUCKETS];

void
futex_init(void)
{
	for (unsigned i = 0; i < FUTEX_BUCKETS; i++) {
		spin_init(&futex_buckets[i].lock, LOCK_TASK);
		list_init(&futex_buckets[i].waiters);
	}
}

/* The bucket of va, locked. */
static struct futex_bucket *
futex_bucket(vm_offset_t va)
{
	struct futex_bucket *b = &futex_buckets[va / sizeof(uint32_t) % FUTEX_BUCKETS];

	spin_lock(&b->lock);
	return b;
}

static void
futex_remove(struct futex_bucket *b, struct futex_waiter *w)
{
	spin_lock(&b->lock);
	if (!w->woken)
		list_remove(&w->link);
	spin_unlock(&b->lock);
}

kern_return_t
sys_futex_wait(uint64_t addr, uint64_t expect)
{
	struct futex_waiter w = { .task = current_task(), .va = addr };
	struct futex_bucket *b;
	uint32_t value;
	kern_return_t kr;

	if (addr % sizeof(value) != 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx is not a multiple of 4", addr);
	kr = copyin(addr, &value, sizeof(value));       /* makes it resident */
	if (kr != KERN_SUCCESS)
		return kr;
	if (!pmap_extract(w.task->map->pmap, addr, &w.pa))
		w.pa = ~(paddr_t)0;
	b = futex_bucket(addr);
	list_push_back(&b->waiters, &w.link);
	spin_unlock(&b->lock);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	kr = copyin(addr, &value, sizeof(value));
	if (kr != KERN_SUCCESS || value != (uint32_t)expect) {
		futex_remove(b, &w);
		return kr;
	}
	spin_lock(&b->lock);
	while (!w.woken) {
		if (!wait_on(&w, &b->lock, true)) {
			futex_remove(b, &w);
			return KERN_FAIL(KERN_ABORTED, "the thread that waits is ending");
		}
		spin_lock(&b->lock);
	}
	spin_unlock(&b->lock);
	return KERN_SUCCESS;
}

uint64_t
sys_futex_wake(uint64_t addr, uint64_t n)
{
	struct task *self = current_task();
	struct futex_bucket *b;
	struct list *l, *next;
	uint64_t woken = 0;
	paddr_t pa;

	if (!pmap_extract(self->map->pmap, addr, &pa))
		pa = ~(paddr_t)0 - 1;           /* equal to nobody's */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	b = futex_bucket(addr);
	list_foreach_safe(l, next, &b->waiters) {
		struct futex_waiter *w = list_entry(l, struct futex_waiter, link);

		if (woken == (uint32_t)n)
			break;
		if (w->pa != pa && (w->task != self || w->va != addr))
			continue;
		list_remove(l);
		w->woken = true;
		woken++;
		wake_all(w);
	}
	spin_unlock(&b->lock);
	return woken;
}
