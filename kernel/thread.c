/*
 * thread.c: making threads, and their end.
 *
 *	thread_create_user ─┐             ┌─ sched_switch, for ever
 *	kthread_create ─────┴─> READY ... exit: leaves its task, DEAD
 *	                                        └─> task->dead ─> thread_free, by a
 *	                                            sibling or whoever frees the task
 *
 * A thread cannot free the stack that it stands on, so it leaves itself on its
 * task's list of the dead, and somebody else frees it once it is off its stack.
 *
 * Kernel stacks lie in kmem between guard pages; a few are kept ready, because
 * making one means page tables and fences. KSTACKS_KEPT are made at boot and
 * these very ones remain when all tasks are gone (thread_trim), so that free
 * memory before and after can be compared to the page.
 *
 * Failure: every shortage is KERN_RESOURCE_SHORTAGE, and nothing is left
 * behind. The number of threads is limited by the size of memory, so that
 * programs cannot use up what the kernel needs to go on.
 */
#include <kernel/thread.h>
#include <arch/hart_start.h>
#include <arch/switch.h>
#include <arch/trap.h>
#include <mm/vm_kern.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include <string.h>

#define KSTACK_SIZE     (KSTACK_PAGES * PAGE_SIZE)
#define KSTACKS_KEPT    8u
#define THREADS_MIN     64u
#define THREADS_MAX     16384u
#define PAGES_PER_THREAD 64u            /* of memory, for each thread that may exist */

_Static_assert(KSTACK_SIZE == TRAP_KSTACK_BYTES, "trap.S finds the bottom by it");
_Static_assert(offsetof(struct thread, ksp) == 0, "switch.S");

/* A free stack: the link lies at its bottom. */
struct kstack {
	struct kstack *next;
};

static struct zone      thread_zone;
static struct spinlock  kstack_lock = SPINLOCK_INIT(ZONE);
static struct kstack   *kstacks_standing, *kstacks_more;        /* free ones */
static vm_offset_t      standing_start, standing_end;           /* where the standing ones lie */
static unsigned         nthreads, threads_max;
static uint64_t         last_id;

static struct kern_reason boot_reason;  /* before there are threads */

struct kern_reason *
kern_reason(void)
{
	struct thread *th = current_thread();

	return likely(th != NULL) ? &th->reason : &boot_reason;
}

struct lock_trace *
lock_trace(void)
{
#if ATLAS_DEBUG
	struct thread *th = current_thread();

	return th != NULL ? &th->locks : NULL;
#else
	return NULL;
#endif
}

/* --- kernel stacks --- */

static kern_return_t
kstack_alloc(uint64_t *top)
{
	struct kstack **list;
	vm_offset_t base;
	kern_return_t kr;

	spin_lock(&kstack_lock);
	list = kstacks_standing != NULL ? &kstacks_standing : &kstacks_more;
	base = (vm_offset_t)*list;
	if (base != 0)
		*list = (*list)->next;
	spin_unlock(&kstack_lock);
	if (base == 0) {
		kr = kmem_alloc(&base, KSTACK_SIZE, KSTACK_GUARD_PAGES);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	*top = base + KSTACK_SIZE;
	return KERN_SUCCESS;
}

static void
kstack_free(uint64_t top)
{
	struct kstack *s = (struct kstack *)(top - KSTACK_SIZE);
	bool standing = (vm_offset_t)s - standing_start < standing_end - standing_start;
	struct kstack **list = standing ? &kstacks_standing : &kstacks_more;

	spin_lock(&kstack_lock);
	s->next = *list;
	*list = s;
	spin_unlock(&kstack_lock);
}

void
thread_trim(void)
{
	struct kstack *s, *next;

	spin_lock(&kstack_lock);
	s = kstacks_more;
	kstacks_more = NULL;
	spin_unlock(&kstack_lock);
	for (; s != NULL; s = next) {
		next = s->next;
		kmem_free((vm_offset_t)s, KSTACK_SIZE, KSTACK_GUARD_PAGES);
	}
}

/* Nothing has been taken from kmem yet, so the standing stacks lie side by side. */
static void
kstack_init(void)
{
	vm_offset_t base[KSTACKS_KEPT];

	for (unsigned i = 0; i < KSTACKS_KEPT; i++)
		if (kmem_alloc(&base[i], KSTACK_SIZE, KSTACK_GUARD_PAGES) != KERN_SUCCESS)
			panic("no memory for the first kernel stacks");
	standing_start = base[0];
	standing_end = base[KSTACKS_KEPT - 1] + KSTACK_SIZE;
	for (unsigned i = 0; i < KSTACKS_KEPT; i++)
		kstack_free(base[i] + KSTACK_SIZE);
}

/* --- making --- */

void
thread_init(void)
{
	struct vm_page_counts c;

	wait_init();
	sched_init();
	zone_init(&thread_zone, "thread", sizeof(struct thread));
	vm_page_counts(&c);
	threads_max = (unsigned)(c.total / PAGES_PER_THREAD);
	if (threads_max < THREADS_MIN)
		threads_max = THREADS_MIN;
	if (threads_max > THREADS_MAX)
		threads_max = THREADS_MAX;
	kstack_init();
	task_start_reaper();
}

unsigned
thread_count(void)
{
	return __atomic_load_n(&nthreads, __ATOMIC_RELAXED);
}

/* Everything but fp and the frame, which their first use fills. */
static void
thread_clear(struct thread *th)
{
	memset(th, 0, offsetof(struct thread, fp));
	th->agent = NULL;
#if ATLAS_DEBUG
	th->locks.n = 0;
#endif
	th->ticks = 0;
	th->name[0] = '\0';
	th->hart = hart_index();
	th->pinned = THREAD_ANY_HART;
	th->sleep_hart = THREAD_NO_HART;
	th->fp_hart = THREAD_NO_HART;
	th->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
}

static kern_return_t
thread_make(struct thread **thread)
{
	struct thread *th;
	uint64_t top;
	kern_return_t kr;

	if (__atomic_fetch_add(&nthreads, 1, __ATOMIC_RELAXED) >= threads_max) {
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "%u threads are all there may be", threads_max);
		goto fail;
	}
	th = zalloc(&thread_zone);
	if (th == NULL) {
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a thread");
		goto fail;
	}
	kr = kstack_alloc(&top);
	if (kr != KERN_SUCCESS) {
		zfree(&thread_zone, th);
		goto fail;
	}
	thread_clear(th);
	th->kstack_top = top;
	th->ksp = switch_prepare(top - TF_SIZE);
	*thread = th;
	return KERN_SUCCESS;
fail:
	__atomic_fetch_sub(&nthreads, 1, __ATOMIC_RELAXED);
	return kr;
}

struct thread *
thread_make_idle(uint64_t stack_top)
{
	extern char boot_stack_top[];
	struct thread *th = zalloc(&thread_zone);

	if (th == NULL)
		panic("hart %u: no memory for its idle thread", hart_index());
	thread_clear(th);
	th->kstack_top = stack_top != 0 ? stack_top : (uint64_t)boot_stack_top;
	th->task = kernel_task;
	strcpy(th->name, "idle");
	return th;
}

void
thread_free(struct thread *th)
{
	kstack_free(th->kstack_top);
	zfree(&thread_zone, th);
	__atomic_fetch_sub(&nthreads, 1, __ATOMIC_RELAXED);
}

bool
thread_is_off(const struct thread *th)
{
	return !__atomic_load_n(&th->on_hart, __ATOMIC_ACQUIRE) && th->state == THREAD_DEAD;
}

struct thread *
kthread_create(const char *name, void (*start)(void *), void *arg)
{
	struct thread *th;

	if (thread_make(&th) != KERN_SUCCESS)
		return NULL;
	th->start = start;
	th->start_arg = arg;
	strncpy(th->name, name, sizeof(th->name) - 1);
	th->name[sizeof(th->name) - 1] = '\0';
	if (task_add_thread(kernel_task, th, false) != KERN_SUCCESS) {
		thread_free(th);
		return NULL;
	}
	thread_start(th);
	return th;
}

/* First code of a U-mode thread: its frame is ready. */
static void
thread_enter_user(void *arg)
{
	trap_return_user(arg);
}

static kern_return_t
thread_make_user(struct task *t, struct agent *agent, struct thread **thread)
{
	struct thread *th;
	kern_return_t kr = thread_make(&th);

	if (kr != KERN_SUCCESS)
		return kr;
	th->user = true;
	th->map = t->map;
	th->start = thread_enter_user;
	th->start_arg = thread_frame(th);
	th->agent = agent;
	kr = task_add_thread(t, th, agent != NULL);
	if (kr != KERN_SUCCESS) {
		thread_free(th);
		return kr;
	}
	*thread = th;
	return KERN_SUCCESS;
}

kern_return_t
thread_create_agent(struct task *t, struct agent *agent, void (*start)(void *),
    struct thread **thread)
{
	kern_return_t kr = thread_make_user(t, agent, thread);

	if (kr != KERN_SUCCESS)
		return kr;
	(*thread)->start = start;
	strcpy((*thread)->name, "agent");
	return KERN_SUCCESS;
}

kern_return_t
thread_create_user(struct task *t, vm_offset_t pc, vm_offset_t sp, uint64_t a0,
    struct thread **thread)
{
	struct thread *th;
	kern_return_t kr = thread_make_user(t, NULL, &th);
	struct trapframe *tf;

	if (kr != KERN_SUCCESS)
		return kr;
	tf = thread_frame(th);
	memset(tf, 0, sizeof(*tf));
	tf->sepc = pc;
	tf->x[2] = sp;
	tf->x[10] = a0;
	*thread = th;
	return KERN_SUCCESS;
}

kern_return_t
thread_create_copy(struct task *t, const struct trapframe *tf, struct thread **thread)
{
	struct thread *th, *self = current_thread();
	kern_return_t kr = thread_make_user(t, NULL, &th);

	if (kr != KERN_SUCCESS)
		return kr;
	memcpy(thread_frame(th), tf, sizeof(*tf));
	th->exc_handler = self->exc_handler;
	th->exc_stack = self->exc_stack;
	th->in_handler = self->in_handler;
	if (self->fp_used) {
		thread_fp_sync(self);
		memcpy(th->fp, self->fp, sizeof(th->fp));
		th->fp_used = true;
	}
	*thread = th;
	return KERN_SUCCESS;
}

void
thread_start(struct thread *th)
{
	sched_enqueue(th);
}

void
thread_exit(void)
{
	struct thread *th = current_thread();

	if (th->agent != NULL)
		agent_exit(th->agent);
	task_remove_thread(th);
	th->state = THREAD_DEAD;
	sched_switch();
	panic("thread %lu: dead, and running", th->id);
}
