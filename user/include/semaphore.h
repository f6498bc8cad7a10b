/*
 * semaphore.h: POSIX's unnamed semaphores (lib/semaphore.c).
 *
 * A semaphore in memory that processes share works between them.
 */
#ifndef _SEMAPHORE_H
#define _SEMAPHORE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEM_VALUE_MAX   INT32_MAX
typedef struct {
	uint32_t value, sleepers;
} sem_t;
#define SEM_FAILED      ((sem_t *)0)

int sem_init(sem_t *sem, int shared, unsigned value);
int sem_destroy(sem_t *sem);
int sem_wait(sem_t *sem);
int sem_trywait(sem_t *sem);
int sem_post(sem_t *sem);
int sem_getvalue(sem_t *sem, int *value);

#ifdef __cplusplus
}
#endif

#endif
