/*
 * semaphore.c: a count, and a futex on it.
 *
 * Whoever finds 0 counts itself among the sleepers first and then sleeps while
 * it is 0; a post changes the value first and then looks for sleepers. Nothing
 * but the two words is used, so it works where the memory is shared.
 */
#include <errno.h>
#include <semaphore.h>
#include <atlas/thread.h>

static int
fail(int code)
{
	errno = code;
	return -1;
}

int
sem_init(sem_t *sem, int shared, unsigned value)
{
	(void)shared;                   /* any may be */
	if (value > SEM_VALUE_MAX)
		return fail(EINVAL);
	*sem = (sem_t){ .value = value };
	return 0;
}

int
sem_destroy(sem_t *sem)
{
	(void)sem;
	return 0;
}

int
sem_trywait(sem_t *sem)
{
	uint32_t value = __atomic_load_n(&sem->value, __ATOMIC_RELAXED);

	while (value > 0)
		if (__atomic_compare_exchange_n(&sem->value, &value, value - 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return 0;
	return fail(EAGAIN);
}

int
sem_wait(sem_t *sem)
{
	int saved = errno;

	while (sem_trywait(sem) != 0) {
		__atomic_fetch_add(&sem->sleepers, 1, __ATOMIC_SEQ_CST);
		atlas_futex_wait(&sem->value, 0);
		__atomic_fetch_sub(&sem->sleepers, 1, __ATOMIC_SEQ_CST);
	}
	errno = saved;
	return 0;
}

int
sem_post(sem_t *sem)
{
	uint32_t value = __atomic_load_n(&sem->value, __ATOMIC_RELAXED);

	do {
		if (value == SEM_VALUE_MAX)
			return fail(EOVERFLOW);
	} while (!__atomic_compare_exchange_n(&sem->value, &value, value + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	if (__atomic_load_n(&sem->sleepers, __ATOMIC_SEQ_CST) > 0)
		atlas_futex_wake(&sem->value, 1);
	return 0;
}

int
sem_getvalue(sem_t *sem, int *value)
{
	*value = (int)__atomic_load_n(&sem->value, __ATOMIC_RELAXED);
	return 0;
}
