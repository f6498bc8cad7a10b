/*
 * task.c: tasks and their tree; how a task begins and ends.
 *
 *	task_create ──> alive ──(last thread exits | terminated with none)──> ended
 *	                  │ terminating: no new threads, all are interrupted     │
 *	                  │                                  corpse: status, empty map
 *	                  │                  parent waited, or there is none ────┤
 *	                  └───────────────── last reference ─────────────────> freed
 *
 * References: one for being in the tree (dropped when the parent has waited,
 * or at the end when there is no parent), one for each handle, and those of
 * callers. Threads need none: a task with threads is in the tree. A task that
 * has no threads yet and only the tree's reference is lost to everybody, and
 * ends (task_abandon).
 *
 * The last thread to leave empties the map, on its way out; a task without
 * threads is emptied by who terminates it. So exactly one does it: who finds
 * `terminating` set and no threads left, under the task's lock.
 *
 * Threads that have left lie on task->dead until they are off their stacks:
 * freed by siblings that exit or are made, at last by task_free. So a thread
 * that ends a task to which nobody else has a reference cannot free it: it
 * leaves that to the reaper, a kernel thread.
 *
 * Locks: task_tree_lock, then a task's lock (both rank TASK).
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <arch/tlb.h>
#include <base/wait.h>
#include <machine/vmparam.h>
#include <mm/vm_map_stack.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include <stdio.h>
#include <string.h>

#define SETTLE_US       1000
#define TASKS_MIN       64u
#define TASKS_MAX       16384u
#define PAGES_PER_TASK  64u             /* of memory, for each task that may exist */

struct task *kernel_task;

static struct zone     task_zone;
static struct spinlock task_tree_lock = SPINLOCK_INIT(TASK);
static struct list     tasks;           /* in the order they were made */
static unsigned        ntasks, tasks_max;
static uint64_t        last_id;

static void task_abandon(struct task *t);

/* --- life --- */

/* "task" and a number: each fork needs one, and printf takes ten times as long. */
static void
task_number(char name[TASK_NAME_MAX], uint64_t n)
{
	char digit[20];
	unsigned i = sizeof(digit), at = 4;

	_Static_assert(TASK_NAME_MAX > 4 + sizeof(digit), "any number has room");
	do
		digit[--i] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	memcpy(name, "task", 4);
	while (i < sizeof(digit))
		name[at++] = digit[i++];
}

static void
task_clear(struct task *t, const char *name)
{
	memset(t, 0, sizeof(*t));
	spin_init(&t->lock, LOCK_TASK);
	t->ref_count = 2;               /* the tree's and the caller's */
	list_init(&t->threads);
	list_init(&t->dead);
	list_init(&t->children);
	t->id = __atomic_fetch_add(&last_id, 1, __ATOMIC_RELAXED);
	if (name[0] == '\0') {
		task_number(t->name, t->id);
		return;
	}
	strncpy(t->name, name, sizeof(t->name) - 1);
}

static void
task_link(struct task *t, struct task *parent)
{
	spin_lock(&task_tree_lock);
	/* A parent that is ending may have let its children go already. */
	if (parent != NULL && !parent->terminating) {
		t->parent = parent;
		list_push_back(&parent->children, &t->sibling);
	}
	list_push_back(&tasks, &t->link);
	spin_unlock(&task_tree_lock);
}

void
task_init(void)
{
	struct vm_page_counts c;

	zone_init(&task_zone, "task", sizeof(struct task));
	list_init(&tasks);
	handle_init();
	futex_init();
	vm_page_counts(&c);
	tasks_max = (unsigned)(c.total / PAGES_PER_TASK);
	if (tasks_max < TASKS_MIN)
		tasks_max = TASKS_MIN;
	if (tasks_max > TASKS_MAX)
		tasks_max = TASKS_MAX;
	kernel_task = zalloc(&task_zone);
	if (kernel_task == NULL)
		panic("no memory for the kernel's task");
	task_clear(kernel_task, "kernel");
	agent_init();
}

/* Limited as the parent is, if there is one. */
static vm_map_t
task_empty_map(struct task *parent)
{
	pmap_t pmap = pmap_create();
	struct vm_map_limits l;
	vm_map_t map;

	if (pmap == PMAP_NULL)
		return VM_MAP_NULL;
	map = vm_map_create(pmap, VM_MIN_ADDRESS, vm_max_address, true);
	if (map == VM_MAP_NULL)
		pmap_destroy(pmap);
	else if (parent != NULL) {
		vm_map_get_limits(parent->map, &l);
		vm_map_set_limits(map, &l);
	}
	return map;
}

kern_return_t
task_create(struct task *parent, struct task *inherit, const char *name, struct task **task)
{
	struct task *t;
	vm_map_t map;

	if (__atomic_fetch_add(&ntasks, 1, __ATOMIC_RELAXED) >= tasks_max) {
		__atomic_fetch_sub(&ntasks, 1, __ATOMIC_RELAXED);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "%u tasks are all there may be", tasks_max);
	}
	t = zalloc(&task_zone);
	map = t == NULL ? VM_MAP_NULL : inherit != NULL ? vm_map_fork(inherit->map) : task_empty_map(parent);
	if (map == VM_MAP_NULL) {
		if (t != NULL)
			zfree(&task_zone, t);
		__atomic_fetch_sub(&ntasks, 1, __ATOMIC_RELAXED);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a task");
	}
	task_clear(t, name);
	t->map = map;
	task_link(t, parent);
	*task = t;
	return KERN_SUCCESS;
}

/* Frees the dead threads that are off their stacks; with wait, all of them. */
static void
task_reap_threads(struct task *t, bool wait)
{
	struct list *l, *next, done;

	list_init(&done);
	spin_lock(&t->lock);
	list_foreach_safe(l, next, &t->dead) {
		struct thread *th = list_entry(l, struct thread, task_link);

		while (wait && !thread_is_off(th))
			hart_relax();           /* it is a few instructions away */
		if (thread_is_off(th)) {
			list_remove(l);
			list_push_back(&done, l);
		}
	}
	spin_unlock(&t->lock);
	list_foreach_safe(l, next, &done)
		thread_free(list_entry(l, struct thread, task_link));
}

static void
task_free(struct task *t)
{
	DASSERT(t->ended && list_empty(&t->threads), ("task %lu is freed alive", t->id));
	task_reap_threads(t, true);
	if (t->agent != NULL)
		agent_free(t->agent);
	vm_map_deallocate(t->map);
	zfree(&task_zone, t);
	__atomic_fetch_sub(&ntasks, 1, __ATOMIC_RELAXED);
	thread_trim();
}

void
task_reference(struct task *t)
{
	__atomic_fetch_add(&t->ref_count, 1, __ATOMIC_RELAXED);
}

/*
 * Nobody could name a task without threads any more: it ends. Decided before
 * the reference goes, because afterwards t may be gone; and decided by who
 * takes the count from exactly 2 (the tree's and the caller's) to 1.
 */
void
task_deallocate(struct task *t)
{
	uint32_t n = __atomic_load_n(&t->ref_count, __ATOMIC_RELAXED);

	do {
		if (unlikely(n == 2 && !t->ended && t->nthreads == 0))
			task_abandon(t);
	} while (!__atomic_compare_exchange_n(&t->ref_count, &n, n - 1, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	if (n == 1)
		task_free(t);
}

/* --- the reaper --- */

static struct spinlock reaper_lock = SPINLOCK_INIT(TASK);
static struct list     reaper_tasks = { &reaper_tasks, &reaper_tasks };  /* by link; a reference each */
static unsigned        reaper_due;      /* tasks that it will free, counted before their `ended` shows */

/* Drops the running thread's reference to its own task, from elsewhere. */
static void
reaper_deallocate(struct task *t)
{
	spin_lock(&reaper_lock);
	list_push_back(&reaper_tasks, &t->link);
	spin_unlock(&reaper_lock);
	wake_all(&reaper_tasks);
}

static void
reaper_main(void *arg)
{
	struct task *t;

	(void)arg;
	for (;;) {
		spin_lock(&reaper_lock);
		while (list_empty(&reaper_tasks)) {
			wait_on(&reaper_tasks, &reaper_lock, false);
			spin_lock(&reaper_lock);
		}
		t = list_first(&reaper_tasks, struct task, link);
		list_remove(&t->link);
		spin_unlock(&reaper_lock);
		task_deallocate(t);
		__atomic_fetch_sub(&reaper_due, 1, __ATOMIC_RELEASE);
	}
}

bool
task_settling(void)
{
	return __atomic_load_n(&reaper_due, __ATOMIC_ACQUIRE) != 0;
}

void
task_settle(void)
{
	while (task_settling() && thread_sleep_us(SETTLE_US))
		continue;
	task_reap_threads(kernel_task, false);  /* else by the kernel's next thread only */
}

void
task_start_reaper(void)
{
	if (kthread_create("reaper", reaper_main, NULL) == NULL)
		panic("no memory for the reaper");
}

/* --- finding --- */

struct task *
current_task(void)
{
	return current_thread()->task;
}

struct task *
task_by_name(const char *name)
{
	struct task *found = NULL;
	struct list *l;

	spin_lock(&task_tree_lock);
	list_foreach(l, &tasks) {
		struct task *t = list_entry(l, struct task, link);

		if (strcmp(t->name, name) == 0) {
			task_reference(t);
			found = t;
			break;
		}
	}
	spin_unlock(&task_tree_lock);
	return found;
}

struct task *
task_nth(unsigned i)
{
	struct task *found = NULL;
	struct list *l;

	spin_lock(&task_tree_lock);
	list_foreach(l, &tasks)
		if (i-- == 0) {
			found = list_entry(l, struct task, link);
			task_reference(found);
			break;
		}
	spin_unlock(&task_tree_lock);
	return found;
}

unsigned
task_count(void)
{
	return __atomic_load_n(&ntasks, __ATOMIC_RELAXED);
}

uint64_t
task_parent_id(struct task *t)
{
	uint64_t id;

	spin_lock(&task_tree_lock);
	id = t->parent != NULL ? t->parent->id : 0;
	spin_unlock(&task_tree_lock);
	return id;
}

/* --- threads come and go --- */

kern_return_t
task_add_thread(struct task *t, struct thread *th, bool agent)
{
	kern_return_t kr = KERN_SUCCESS;

	if (!list_empty(&t->dead))
		task_reap_threads(t, false);
	th->task = t;
	spin_lock(&t->lock);
	if (t->terminating)
		kr = KERN_FAIL(KERN_TERMINATED, "task %lu is ending", t->id);
	else if (t->nthreads >= TASK_THREADS_MAX && t != kernel_task)
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "task %lu has %u threads, the most there may be",
		    t->id, t->nthreads);
	else {
		list_push_back(&t->threads, &th->task_link);
		t->nthreads++;
		t->nuser += !agent;
	}
	spin_unlock(&t->lock);
	return kr;
}

/* Task locked: the first reason to end wins; every thread learns. */
static void
task_begin_end(struct task *t, const struct task_how *how)
{
	struct list *l;

	if (t->terminating)
		return;
	t->terminating = true;
	t->end = how->end;
	t->status = how->status;
	t->end_addr = how->addr;
	t->end_pc = how->pc;
	t->end_access = how->access;
	list_foreach(l, &t->threads)
		thread_interrupt(list_entry(l, struct thread, task_link));
}

/* Takes t out of the tree; tree locked. Its reference is the caller's then. */
static void
task_unlink(struct task *t)
{
	list_remove(&t->link);
	if (t->parent != NULL)
		list_remove(&t->sibling);
	t->parent = NULL;
}

/* t's children have no parent any more; those that have ended leave the tree. */
static void
task_orphan_children(struct task *t)
{
	struct list *l, *next, gone;

	list_init(&gone);
	spin_lock(&task_tree_lock);
	list_foreach_safe(l, next, &t->children) {
		struct task *child = list_entry(l, struct task, sibling);

		list_remove(l);
		child->parent = NULL;
		if (child->ended) {
			list_remove(&child->link);
			list_push_back(&gone, &child->link);
		}
	}
	spin_unlock(&task_tree_lock);
	list_foreach_safe(l, next, &gone)
		task_deallocate(list_entry(l, struct task, link));
}

/*
 * No threads, and there will be none: the rest of the end. Once `ended` is set
 * somebody may wait in task_free for the running thread to be off its stack,
 * so nothing after that may sleep, or touch t when it is not ours any more.
 */
static void
task_finish(struct task *t)
{
	bool own = current_task() == t;
	struct task *parent;

	handle_remove_all(t);
	task_orphan_children(t);
	if (hart_self()->pmap == t->map->pmap)
		pmap_switch(pmap_kernel());
	vm_map_remove(t->map, vm_map_min(t->map), vm_map_max(t->map), VM_MAP_REMOVE_ALL);
	spin_lock(&task_tree_lock);
	parent = t->parent;
	if (parent == NULL)
		task_unlink(t);
	if (parent == NULL && own)
		__atomic_fetch_add(&reaper_due, 1, __ATOMIC_RELAXED);
	t->ended = true;
	wake_all(&t->ended);
	if (parent != NULL)
		wake_all(&parent->children);
	spin_unlock(&task_tree_lock);
	if (parent == NULL && own)
		reaper_deallocate(t);
	else if (parent == NULL)
		task_deallocate(t);
}

void
task_remove_thread(struct thread *th)
{
	static const struct task_how exited = { .end = TASK_EXITED };
	struct task *t = th->task;
	bool last;

	if (!list_empty(&t->dead))
		task_reap_threads(t, false);
	spin_lock(&t->lock);
	list_remove(&th->task_link);
	t->nthreads--;
	if (th->agent == NULL && --t->nuser == 0 && t != kernel_task)
		task_begin_end(t, &exited);     /* an agent alone does not live on */
	last = t->nthreads == 0 && t->terminating;
	list_push_back(&t->dead, &th->task_link);
	spin_unlock(&t->lock);
	if (last)
		task_finish(t);
}

void
task_exit(const struct task_how *how)
{
	struct task *t = current_task();

	spin_lock(&t->lock);
	task_begin_end(t, how);
	spin_unlock(&t->lock);
	thread_exit();
}

static const struct task_how killed = { .end = TASK_KILLED };

/* The end begins, unless it has; the caller completes it if there is no thread to do so. */
static void
task_kill(struct task *t)
{
	bool finish;

	spin_lock(&t->lock);
	finish = !t->terminating && t->nthreads == 0;
	task_begin_end(t, &killed);
	spin_unlock(&t->lock);
	if (finish)
		task_finish(t);
}

static void
task_abandon(struct task *t)
{
	if (t != kernel_task)
		task_kill(t);
}

kern_return_t
task_terminate(struct task *t)
{
	if (t == kernel_task)
		return KERN_FAIL(KERN_INVALID_TASK, "the kernel's task does not end");
	if (t == current_task())
		task_exit(&killed);
	task_kill(t);
	return task_wait(t);
}

/* --- waiting --- */

kern_return_t
task_wait(struct task *t)
{
	spin_lock(&task_tree_lock);
	while (!t->ended) {
		if (!wait_on(&t->ended, &task_tree_lock, true))
			return KERN_FAIL(KERN_ABORTED, "the thread that waits is ending itself");
		spin_lock(&task_tree_lock);
	}
	spin_unlock(&task_tree_lock);
	return KERN_SUCCESS;
}

/* Tree locked. The child that has ended, or NULL; *any: there is one to wait for. */
static struct task *
task_find_ended(struct task *parent, struct task *child, bool *any)
{
	struct list *l;

	*any = child != NULL ? child->parent == parent : !list_empty(&parent->children);
	if (child != NULL)
		return *any && child->ended ? child : NULL;
	list_foreach(l, &parent->children) {
		struct task *t = list_entry(l, struct task, sibling);

		if (t->ended)
			return t;
	}
	return NULL;
}

kern_return_t
task_wait_child(struct task *parent, struct task *child, bool sleep, struct task **ended)
{
	struct task *t;
	bool any;

	spin_lock(&task_tree_lock);
	for (;;) {
		t = task_find_ended(parent, child, &any);
		if (t != NULL)
			break;
		if (!any || !sleep) {
			spin_unlock(&task_tree_lock);
			return !any ? KERN_FAIL(KERN_FAILURE, "there is no such child to wait for") :
			    KERN_FAIL(KERN_NOT_WAITING, "no child has ended yet");
		}
		if (!wait_on(&parent->children, &task_tree_lock, true))
			return KERN_FAIL(KERN_ABORTED, "the thread that waits is ending itself");
		spin_lock(&task_tree_lock);
	}
	task_unlink(t);                 /* its reference is the caller's now */
	spin_unlock(&task_tree_lock);
	*ended = t;
	return KERN_SUCCESS;
}
