/*
 * memory.c: sbrk for malloc, and the locks picolibc asks for.
 *
 * The heap lies at a fixed place far above what first-fit placement reaches,
 * so that it can grow in place; it grows by at least HEAP_STEP. Memory given
 * back (negative increments) is kept: malloc hardly ever does that.
 *
 * picolibc has one recursive mutex for all its shared state (malloc, atexit).
 */
#include "libatlas.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/lock.h>
#include <unistd.h>

#define HEAP_BASE   (64ull << 30)
#define HEAP_STEP   (256ull << 10)

static uint64_t heap_break = HEAP_BASE, heap_end = HEAP_BASE;

/* Called under the libc lock, by malloc. */
void *
sbrk(ptrdiff_t increment)
{
	uint64_t old = heap_break, want = old + increment;

	if ((increment > 0 && want < old) || want < HEAP_BASE) {
		errno = ENOMEM;
		return (void *)-1;
	}
	if (want > heap_end) {
		vm_address_t addr = heap_end;
		vm_size_t size = want - heap_end;

		size = size < HEAP_STEP ? HEAP_STEP : round_page(size);
		if (vm_allocate(mach_task_self(), &addr, size, VM_FLAGS_FIXED) != KERN_SUCCESS) {
			errno = ENOMEM;
			return (void *)-1;
		}
		heap_end += size;
	}
	heap_break = want;
	return (void *)old;
}

struct __lock {
	atlas_mutex_t        mutex;
	struct atlas_thread *owner;
	unsigned             depth;
};

struct __lock __lock___libc_recursive_mutex;

/* Declared by <sys/lock.h> of some versions only. */
int __retarget_lock_try_acquire_recursive(_LOCK_T lock);
int __retarget_lock_try_acquire(_LOCK_T lock);

void
__retarget_lock_acquire_recursive(_LOCK_T lock)
{
	if (lock->owner != __atlas_self) {
		atlas_mutex_lock(&lock->mutex);
		lock->owner = __atlas_self;
	}
	lock->depth++;
}

int
__retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	if (lock->owner != __atlas_self) {
		if (!atlas_mutex_trylock(&lock->mutex))
			return 0;
		lock->owner = __atlas_self;
	}
	lock->depth++;
	return 1;
}

void
__retarget_lock_release_recursive(_LOCK_T lock)
{
	if (--lock->depth == 0) {
		lock->owner = NULL;
		atlas_mutex_unlock(&lock->mutex);
	}
}

/* A recursive lock serves where a plain one is asked for. */
void
__retarget_lock_acquire(_LOCK_T lock)
{
	__retarget_lock_acquire_recursive(lock);
}

int
__retarget_lock_try_acquire(_LOCK_T lock)
{
	return __retarget_lock_try_acquire_recursive(lock);
}

void
__retarget_lock_release(_LOCK_T lock)
{
	__retarget_lock_release_recursive(lock);
}

/* Locks made at run time (only iconv and the like want them) share the one. */
void
__retarget_lock_init(_LOCK_T *lock)
{
	*lock = &__lock___libc_recursive_mutex;
}

void
__retarget_lock_init_recursive(_LOCK_T *lock)
{
	*lock = &__lock___libc_recursive_mutex;
}

void
__retarget_lock_close(_LOCK_T lock)
{
	(void)lock;
}

void
__retarget_lock_close_recursive(_LOCK_T lock)
{
	(void)lock;
}

void
__atlas_libc_lock(void)
{
	__retarget_lock_acquire_recursive(&__lock___libc_recursive_mutex);
}

void
__atlas_libc_unlock(void)
{
	__retarget_lock_release_recursive(&__lock___libc_recursive_mutex);
}
