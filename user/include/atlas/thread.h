/*
 * atlas/thread.h: threads of a task, and what they wait on.
 *
 * Locks are words in the program's memory; the kernel is asked only to sleep
 * and to wake (futex_wait, futex_wake). All-zero objects are valid: unlocked,
 * nobody waits. They work between tasks too where the memory is shared and the
 * kernel's futex is by object; within one task always.
 */
#ifndef ATLAS_THREAD_H
#define ATLAS_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mach/kern_return.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct atlas_thread *atlas_thread_t;

/*
 * A thread that runs start(argument). stack: bytes, 0 for the usual 256 KiB.
 * KERN_RESOURCE_SHORTAGE or KERN_NO_SPACE: nothing was made.
 */
kern_return_t atlas_thread_create_stack(atlas_thread_t *thread, void *(*start)(void *),
    void *argument, size_t stack);
kern_return_t atlas_thread_create(atlas_thread_t *thread, void *(*start)(void *),
    void *argument);
/* Sleeps until it has ended and frees it; once per thread. */
void *atlas_thread_join(atlas_thread_t thread);
/* Nobody will join it: it is freed some time after it has ended. */
void atlas_thread_detach(atlas_thread_t thread);
void atlas_thread_exit(void *result) __attribute__((noreturn));
atlas_thread_t atlas_thread_self(void);

/* 0 free, 1 locked, 2 locked and somebody may sleep. */
typedef struct { uint32_t state; } atlas_mutex_t;
#define ATLAS_MUTEX_INITIALIZER { 0 }
void atlas_mutex_lock(atlas_mutex_t *m);
bool atlas_mutex_trylock(atlas_mutex_t *m);
void atlas_mutex_unlock(atlas_mutex_t *m);

typedef struct { uint32_t sequence; } atlas_cond_t;
#define ATLAS_COND_INITIALIZER { 0 }
/* May return without a signal: test the condition in a loop. */
void atlas_cond_wait(atlas_cond_t *c, atlas_mutex_t *m);
void atlas_cond_signal(atlas_cond_t *c);
void atlas_cond_broadcast(atlas_cond_t *c);

typedef struct { uint32_t need, arrived, round; } atlas_barrier_t;
void atlas_barrier_init(atlas_barrier_t *b, unsigned threads);
/* TRUE for exactly one thread of each round. */
bool atlas_barrier_wait(atlas_barrier_t *b);

/* Sleeps while *addr == expect (or shorter). */
void atlas_futex_wait(uint32_t *addr, uint32_t expect);
unsigned atlas_futex_wake(uint32_t *addr, unsigned n);

#ifdef __cplusplus
}
#endif

#endif
