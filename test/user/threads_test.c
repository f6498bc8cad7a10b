/*
 * threads_test: threads, their own data, and the things they wait on.
 */
#include "check.h"
#include <atlas/syscall.h>
#include <atlas/thread.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8

static __thread int own = 17;
static __thread char own_zero[300];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static unsigned counter, turn, serial;

/* Thread-local data starts as the program says, and belongs to the thread. */
static void *
local_data(void *argument)
{
	int bad = own != 17;

	for (unsigned i = 0; i < sizeof(own_zero); i++)
		bad |= own_zero[i] != 0;
	own = (int)(uintptr_t)argument;
	memset(own_zero, own, sizeof(own_zero));
	errno = own;
	for (int i = 0; i < 20; i++) {
		sched_yield();
		bad |= own != (int)(uintptr_t)argument || errno != own || own_zero[77] != (char)own;
	}
	return (void *)(uintptr_t)bad;
}

static void *
count_up(void *argument)
{
	(void)argument;
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *
take_turns(void *argument)
{
	unsigned me = (uintptr_t)argument;

	for (unsigned i = 0; i < 50; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % THREADS != me)
			pthread_cond_wait(&cond, &mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *
meet(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < 100; i++) {
		unsigned before = __atomic_load_n(&serial, __ATOMIC_RELAXED);

		if (before != i)
			return (void *)1;
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* malloc from all threads: blocks stay what their owner wrote. */
static void *
allocate(void *argument)
{
	char *block[32] = { 0 };
	unsigned x = (uintptr_t)argument * 7919 + 1;

	for (int i = 0; i < 2000; i++) {
		unsigned slot = (x = x * 1103515245 + 12345) >> 16 & 31;

		if (block[slot] != NULL) {
			if (block[slot][0] != (char)slot || block[slot][10 + slot] != (char)slot)
				return (void *)1;
			free(block[slot]);
			block[slot] = NULL;
		} else {
			block[slot] = malloc(11 + slot);
			if (block[slot] == NULL)
				return (void *)2;
			memset(block[slot], slot, 11 + slot);
		}
	}
	for (int i = 0; i < 32; i++)
		free(block[i]);
	return NULL;
}

static void
together(void *(*f)(void *), const char *what)
{
	pthread_t t[THREADS];
	void *result = NULL;

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, f, (void *)i) == 0, "%s", what);
	for (unsigned i = 0; i < THREADS; i++) {
		CHECK(pthread_join(t[i], &result) == 0);
		CHECK(result == NULL, "%s: thread %u: %p", what, i, result);
	}
}

static void *
exits_early(void *argument)
{
	pthread_exit((char *)argument + 1);
}

static void *
nothing(void *argument)
{
	return argument;
}

static void *
writes_stack(void *argument)
{
	volatile char big[200 << 10];

	(void)argument;
	for (size_t i = 0; i < sizeof(big); i += 1000)
		big[i] = i;
	return NULL;
}

/* Many short ones: their memory is given back. */
static void
many(void)
{
	vm_address_t before = 0, after = 0;
	atlas_thread_t t;

	EXPECT(KERN_SUCCESS, atlas_thread_create(&t, nothing, NULL));
	atlas_thread_join(t);
	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &before, P, VM_FLAGS_ANYWHERE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, before, P));
	for (uintptr_t i = 0; i < 500; i++) {
		EXPECT(KERN_SUCCESS, atlas_thread_create(&t, nothing, (void *)i));
		CHECK(atlas_thread_join(t) == (void *)i);
	}
	EXPECT(KERN_SUCCESS, vm_allocate(SELF, &after, P, VM_FLAGS_ANYWHERE));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, after, P));
	CHECK(before == after, "0x%lx, 0x%lx", before, after);
}

static void
futex(void)
{
	uint32_t word = 5;

	CHECK(atlas_syscall2(ATLAS_SYS_futex_wake, (uintptr_t)&word, 1) == 0);
	atlas_futex_wait(&word, 4);             /* differs: does not sleep */
	CHECK(atlas_syscall2(ATLAS_SYS_futex_wait, 8, 0) != KERN_SUCCESS);
	CHECK(word == 5);
}

static void
clocks(void)
{
	struct timespec a, b;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	CHECK(usleep(20000) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	CHECK((b.tv_sec - a.tv_sec) * 1000000000l + b.tv_nsec - a.tv_nsec >= 20000000);
	CHECK(nanosleep(&(struct timespec){ .tv_nsec = 1000000000 }, NULL) == -1 && errno == EINVAL);
}

/* A forked child has one thread, and can make new ones. */
static void
fork_of_threads(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;
		void *result = NULL;

		if (pthread_create(&t, NULL, nothing, (void *)5) != 0 ||
		    pthread_join(t, &result) != 0 || result != (void *)5)
			_exit(1);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
}

/* exit in a thread that is not the first ends all. */
static void *
exits(void *argument)
{
	(void)argument;
	exit(33);
}

static void
exit_of_all(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;

		pthread_create(&t, NULL, exits, NULL);
		for (;;)
			usleep(1000000);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 33, "0x%x", status);
}

int
main(void)
{
	pthread_t t;
	void *result;

	own = -1;
	together(local_data, "thread-local data");
	CHECK(own == -1);
	together(count_up, "mutex");
	CHECK(counter == THREADS * 5000, "%u", counter);
	together(take_turns, "condition");
	CHECK(turn == THREADS * 50, "%u", turn);
	pthread_barrier_init(&barrier, NULL, THREADS);
	together(meet, "barrier");
	CHECK(serial == 100, "%u", serial);
	together(allocate, "malloc");
	CHECK(pthread_create(&t, NULL, exits_early, (void *)41) == 0);
	CHECK(pthread_join(t, &result) == 0 && result == (void *)42);
	CHECK(pthread_create(&t, NULL, writes_stack, NULL) == 0 && pthread_join(t, NULL) == 0);
	many();
	futex();
	clocks();
	fork_of_threads();
	exit_of_all();
	return check_result("threads_test");
}
