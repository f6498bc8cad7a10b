/*
 * pthread.h: the common part of POSIX threads, over atlas/thread.h.
 *
 * Everything is inline. Attributes carry a stack size and nothing else; locks
 * are plain (not recursive, not robust). Functions return error numbers.
 */
#ifndef ATLAS_PTHREAD_H
#define ATLAS_PTHREAD_H

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/types.h>
#include <atlas/thread.h>

typedef atlas_thread_t __atlas_pthread_t;
typedef atlas_mutex_t __atlas_pthread_mutex_t;
/* picolibc's sys/types.h has its own idea of these names. */
#define pthread_t         __atlas_pthread_t
#define pthread_mutex_t   __atlas_pthread_mutex_t
#define pthread_cond_t    atlas_cond_t
#define pthread_barrier_t atlas_barrier_t
struct __atlas_thread_attr {
	size_t stack;
};
#define pthread_attr_t        struct __atlas_thread_attr
#define pthread_mutexattr_t   int
#define pthread_condattr_t    int
#define pthread_barrierattr_t int

#define PTHREAD_MUTEX_INITIALIZER { 0 }
#define PTHREAD_COND_INITIALIZER  { 0 }
#define PTHREAD_BARRIER_SERIAL_THREAD (-1)
#define PTHREAD_STACK_MIN         8192

static inline int
pthread_attr_init(pthread_attr_t *a)
{
	a->stack = 0;
	return 0;
}

static inline int
pthread_attr_destroy(pthread_attr_t *a)
{
	(void)a;
	return 0;
}

static inline int
pthread_attr_setstacksize(pthread_attr_t *a, size_t size)
{
	if (size < PTHREAD_STACK_MIN)
		return EINVAL;
	a->stack = size;
	return 0;
}

static inline int
pthread_create(pthread_t *thread, const pthread_attr_t *a, void *(*start)(void *),
    void *argument)
{
	kern_return_t kr;

	kr = atlas_thread_create_stack(thread, start, argument, a != NULL ? a->stack : 0);
	return kr == KERN_SUCCESS ? 0 : kr == KERN_INVALID_ARGUMENT ? EINVAL : EAGAIN;
}

static inline int
pthread_join(pthread_t thread, void **result)
{
	void *r;

	if (thread == atlas_thread_self())
		return EDEADLK;
	r = atlas_thread_join(thread);
	if (result != NULL)
		*result = r;
	return 0;
}

static inline int
pthread_detach(pthread_t thread)
{
	atlas_thread_detach(thread);
	return 0;
}

static inline void __attribute__((noreturn))
pthread_exit(void *result)
{
	atlas_thread_exit(result);
}

static inline pthread_t
pthread_self(void)
{
	return atlas_thread_self();
}

static inline int
pthread_equal(pthread_t a, pthread_t b)
{
	return a == b;
}

static inline int
pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a)
{
	(void)a;
	m->state = 0;
	return 0;
}

static inline int
pthread_mutex_destroy(pthread_mutex_t *m)
{
	return m->state == 0 ? 0 : EBUSY;
}

static inline int
pthread_mutex_lock(pthread_mutex_t *m)
{
	atlas_mutex_lock(m);
	return 0;
}

static inline int
pthread_mutex_trylock(pthread_mutex_t *m)
{
	return atlas_mutex_trylock(m) ? 0 : EBUSY;
}

static inline int
pthread_mutex_unlock(pthread_mutex_t *m)
{
	atlas_mutex_unlock(m);
	return 0;
}

static inline int
pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *a)
{
	(void)a;
	c->sequence = 0;
	return 0;
}

static inline int
pthread_cond_destroy(pthread_cond_t *c)
{
	(void)c;
	return 0;
}

static inline int
pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	atlas_cond_wait(c, m);
	return 0;
}

static inline int
pthread_cond_signal(pthread_cond_t *c)
{
	atlas_cond_signal(c);
	return 0;
}

static inline int
pthread_cond_broadcast(pthread_cond_t *c)
{
	atlas_cond_broadcast(c);
	return 0;
}

static inline int
pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *a, unsigned n)
{
	(void)a;
	if (n == 0)
		return EINVAL;
	atlas_barrier_init(b, n);
	return 0;
}

static inline int
pthread_barrier_destroy(pthread_barrier_t *b)
{
	(void)b;
	return 0;
}

static inline int
pthread_barrier_wait(pthread_barrier_t *b)
{
	return atlas_barrier_wait(b) ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

#endif
