/*
 * thread.c: threads, mutexes, condition variables, barriers.
 *
 * A thread's memory is one stack of the kernel's (libatlas.h draws it), mapped as it grows. It cannot free
 * the stack it stands on, so the joiner does, after `done` is set by code that
 * no longer uses the stack (crt0.S); detached threads are freed by the next
 * thread_create that finds them done.
 *
 * Mutex: state 0 free, 1 locked, 2 locked and somebody may sleep. Whoever
 * slept takes it as 2, so that its unlock wakes the next one.
 */
#include "libatlas.h"
#include <vm/vm_map.h>

void __atlas_thread_start(void);
void __atlas_thread_main(struct atlas_thread *self) __attribute__((noreturn));
void __atlas_thread_leave(uint32_t *done) __attribute__((noreturn));

static atlas_mutex_t detached_lock;
static struct atlas_thread *detached;

void
atlas_futex_wait(uint32_t *addr, uint32_t expect)
{
	atlas_syscall2(ATLAS_SYS_futex_wait, (uintptr_t)addr, expect);
}

unsigned
atlas_futex_wake(uint32_t *addr, unsigned n)
{
	return atlas_syscall2(ATLAS_SYS_futex_wake, (uintptr_t)addr, n);
}

bool
atlas_mutex_trylock(atlas_mutex_t *m)
{
	uint32_t free = 0;

	return __atomic_compare_exchange_n(&m->state, &free, 1, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void
atlas_mutex_lock(atlas_mutex_t *m)
{
	if (atlas_mutex_trylock(m))
		return;
	while (__atomic_exchange_n(&m->state, 2, __ATOMIC_ACQUIRE) != 0)
		atlas_futex_wait(&m->state, 2);
}

void
atlas_mutex_unlock(atlas_mutex_t *m)
{
	if (__atomic_exchange_n(&m->state, 0, __ATOMIC_RELEASE) == 2)
		atlas_futex_wake(&m->state, 1);
}

void
atlas_cond_wait(atlas_cond_t *c, atlas_mutex_t *m)
{
	uint32_t seen = __atomic_load_n(&c->sequence, __ATOMIC_RELAXED);

	atlas_mutex_unlock(m);
	atlas_futex_wait(&c->sequence, seen);
	atlas_mutex_lock(m);
}

void
atlas_cond_signal(atlas_cond_t *c)
{
	__atomic_fetch_add(&c->sequence, 1, __ATOMIC_RELEASE);
	atlas_futex_wake(&c->sequence, 1);
}

void
atlas_cond_broadcast(atlas_cond_t *c)
{
	__atomic_fetch_add(&c->sequence, 1, __ATOMIC_RELEASE);
	atlas_futex_wake(&c->sequence, UINT32_MAX);
}

void
atlas_barrier_init(atlas_barrier_t *b, unsigned threads)
{
	b->need = threads;
	b->arrived = 0;
	b->round = 0;
}

bool
atlas_barrier_wait(atlas_barrier_t *b)
{
	uint32_t round = __atomic_load_n(&b->round, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL) == b->need) {
		b->arrived = 0;
		__atomic_fetch_add(&b->round, 1, __ATOMIC_RELEASE);
		atlas_futex_wake(&b->round, UINT32_MAX);
		return true;
	}
	while (__atomic_load_n(&b->round, __ATOMIC_ACQUIRE) == round)
		atlas_futex_wait(&b->round, round);
	return false;
}

atlas_thread_t
atlas_thread_self(void)
{
	return __atlas_self;
}

void
__atlas_thread_main(struct atlas_thread *self)
{
	__atlas_self = self;
	__atlas_signal_thread_init(self->exc_stack_top);
	atlas_thread_exit(self->start(self->argument));
}

void
atlas_thread_exit(void *result)
{
	__atlas_stdout_flush();
	__atlas_self->result = result;
	__atlas_thread_leave(&__atlas_self->done);
}

static void
thread_free(struct atlas_thread *t)
{
	vm_deallocate(mach_task_self(), t->base, t->size);
}

/* Frees the detached threads that have ended. */
static void
reap_detached(void)
{
	struct atlas_thread **link = &detached, *t;

	if (detached == NULL)
		return;
	atlas_mutex_lock(&detached_lock);
	while ((t = *link) != NULL) {
		if (__atomic_load_n(&t->done, __ATOMIC_ACQUIRE)) {
			*link = t->next;
			thread_free(t);
		} else {
			link = &t->next;
		}
	}
	atlas_mutex_unlock(&detached_lock);
}

kern_return_t
atlas_thread_create_stack(atlas_thread_t *thread, void *(*start)(void *), void *argument,
    size_t stack)
{
	size_t tls = ((size_t)__tls_size + 63) & ~63ul;
	size_t head = (sizeof(struct atlas_thread) + 63) & ~63ul;
	vm_address_t base = 0, top;
	struct atlas_thread *t;
	vm_size_t size;
	kern_return_t kr;

	reap_detached();
	if (stack == 0)
		stack = THREAD_STACK_DEFAULT;
	size = PAGE_SIZE + round_page(stack) + EXC_STACK_SIZE + round_page(head + tls);
	if (size < stack)
		return KERN_INVALID_ARGUMENT;
	kr = vm_map_find(mach_task_self(), VM_OBJECT_NULL, 0, &base, size, 0, VMFS_ANY_SPACE, VM_PROT_READ | VM_PROT_WRITE,
	    VM_PROT_ALL, MAP_STACK_GROWS_DOWN);
	if (kr != KERN_SUCCESS)
		return kr;
	top = base + PAGE_SIZE + round_page(stack) + EXC_STACK_SIZE;
	t = (struct atlas_thread *)top;
	t->tp = (void *)(top + head);
	t->start = start;
	t->argument = argument;
	t->base = base;
	t->size = size;
	t->exc_stack_top = (char *)top;
	__atlas_tls_init(t->tp);
	*thread = t;
	kr = atlas_syscall4(ATLAS_SYS_thread_create, (uintptr_t)__atlas_thread_start, top - EXC_STACK_SIZE, (uintptr_t)t,
	    (uintptr_t)&t->id);
	if (kr != KERN_SUCCESS)
		vm_deallocate(mach_task_self(), base, size);
	return kr;
}

kern_return_t
atlas_thread_create(atlas_thread_t *thread, void *(*start)(void *), void *argument)
{
	return atlas_thread_create_stack(thread, start, argument, 0);
}

void *
atlas_thread_join(atlas_thread_t t)
{
	void *result;

	while (!__atomic_load_n(&t->done, __ATOMIC_ACQUIRE))
		atlas_futex_wait(&t->done, 0);
	result = t->result;
	thread_free(t);
	return result;
}

void
atlas_thread_detach(atlas_thread_t t)
{
	atlas_mutex_lock(&detached_lock);
	t->next = detached;
	detached = t;
	atlas_mutex_unlock(&detached_lock);
}
