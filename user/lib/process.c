/*
 * process.c: fork, wait and identity over tasks.
 *
 * A process is a task, its pid is the task's id. The kernel names children by
 * handles; a list here says which handle has which pid. fork holds the libc
 * lock and the list's lock over the call, so that the child, which has only
 * the calling thread, finds them usable.
 */
#include "libatlas.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "file.h"

struct child {
	struct child *next;
	pid_t         pid;
	uint32_t      handle;
};

enum { ENDED_EXIT = 1, ENDED_KILLED, ENDED_EXCEPTION };

static atlas_mutex_t children_lock;
static struct child *children;

/* The child returns here with its own memory and a1 = 1. */
static long
task_fork(uint32_t *handle, long *in_child)
{
	register uint64_t a0 __asm__("a0") = (uintptr_t)handle;
	register uint64_t a1 __asm__("a1");
	register long a7 __asm__("a7") = ATLAS_SYS_task_fork;

	__asm__ volatile("ecall" : "+r"(a0), "=r"(a1), "+r"(a7)
	    :: "a2", "a3", "a4", "a5", ATLAS_CLOBBERS);
	*in_child = a1 == 1;
	return (long)a0;
}

/* The kernel gave the child copies of our lists; they are not its children. */
static void
forget_children(void)
{
	struct child *c;

	while ((c = children) != NULL) {
		children = c->next;
		free(c);
	}
}

pid_t
fork(void)
{
	struct child *c = malloc(sizeof(*c));
	kern_return_t kr;
	long in_child;

	if (c == NULL) {
		errno = ENOMEM;
		return -1;
	}
	atlas_mutex_lock(&children_lock);
	__atlas_files_fork();
	__atlas_libc_lock();
	kr = task_fork(&c->handle, &in_child);
	__atlas_libc_unlock();
	__atlas_files_forked(kr == KERN_SUCCESS);
	if (kr == KERN_SUCCESS && !in_child) {
		c->pid = atlas_syscall1(ATLAS_SYS_task_id, c->handle);
		c->next = children;
		children = c;
	}
	if (kr == KERN_SUCCESS && in_child)
		forget_children();
	atlas_mutex_unlock(&children_lock);
	if (kr != KERN_SUCCESS || in_child)
		free(c);
	if (kr != KERN_SUCCESS) {
		errno = EAGAIN;
		return -1;
	}
	return in_child ? 0 : c->pid;
}

static uint32_t
child_handle(pid_t pid)
{
	uint32_t handle = 0;

	atlas_mutex_lock(&children_lock);
	for (struct child *c = children; c != NULL; c = c->next) {
		if (c->pid == pid)
			handle = c->handle;
	}
	atlas_mutex_unlock(&children_lock);
	return handle;
}

/* It has been waited for: its handle goes. */
static void
child_forget(pid_t pid)
{
	struct child **link, *c;

	atlas_mutex_lock(&children_lock);
	for (link = &children; (c = *link) != NULL; link = &c->next) {
		if (c->pid == pid) {
			*link = c->next;
			break;
		}
	}
	atlas_mutex_unlock(&children_lock);
	if (c != NULL) {
		atlas_syscall1(ATLAS_SYS_handle_deallocate, c->handle);
		free(c);
	}
}

/* The status word of sys/wait.h for how a task ended. */
static int
wait_status(const struct atlas_task_status *s)
{
	switch (s->how) {
	case ENDED_EXIT:
		return s->status < 0 ? -s->status & 0x7f : (s->status & 0xff) << 8;
	case ENDED_EXCEPTION:
		if (s->access == 0)     /* no access was refused: the instruction was */
			return s->status == KERN_INVALID_ARGUMENT ? SIGBUS : SIGILL;
		if (s->status == KERN_INVALID_ADDRESS || s->status == KERN_PROTECTION_FAILURE)
			return SIGSEGV;
		return SIGBUS;
	default:
		return SIGKILL;
	}
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
	struct atlas_task_status s;
	uint32_t handle = 0;
	kern_return_t kr;

	if (pid > 0 && (handle = child_handle(pid)) == 0) {
		errno = ECHILD;
		return -1;
	}
	__atlas_stdout_flush();         /* in the order a reader expects */
	kr = atlas_syscall3(ATLAS_SYS_task_wait, handle, (uintptr_t)&s,
	    (options & WNOHANG) != 0);
	if (kr == KERN_NOT_WAITING)
		return 0;
	if (kr != KERN_SUCCESS) {
		errno = kr == KERN_ABORTED ? EINTR : ECHILD;
		return -1;
	}
	child_forget(s.id);
	if (status != NULL)
		*status = wait_status(&s);
	return s.id;
}

pid_t
wait(int *status)
{
	return waitpid(-1, status, 0);
}

pid_t
getpid(void)
{
	return atlas_syscall1(ATLAS_SYS_task_id, ATLAS_TASK_SELF);
}

pid_t
getppid(void)
{
	return atlas_syscall0(ATLAS_SYS_task_parent_id);
}

int
kill(pid_t pid, int sig)
{
	uint32_t handle;

	if (sig < 0 || sig >= NSIG) {
		errno = EINVAL;
		return -1;
	}
	if (pid == getpid()) {
		if (sig == SIGKILL)
			__atlas_die(sig);
		return sig == 0 ? 0 : raise(sig);
	}
	handle = child_handle(pid);
	if (handle == 0 || (sig != SIGKILL && sig != 0)) {
		errno = handle == 0 ? ESRCH : EPERM;
		return -1;
	}
	if (sig == SIGKILL)
		task_terminate(handle);
	return 0;
}

/* Everybody is root. */
uid_t
getuid(void)
{
	return 0;
}

uid_t
geteuid(void)
{
	return 0;
}

gid_t
getgid(void)
{
	return 0;
}

gid_t
getegid(void)
{
	return 0;
}

/* Only a fault of its own, or SIGKILL, could end the wait. */
int
pause(void)
{
	for (;;)
		sleep(1000);
}

int
getpagesize(void)
{
	return PAGE_SIZE;
}

long
sysconf(int name)
{
	if (name == _SC_PAGESIZE)
		return PAGE_SIZE;
	errno = EINVAL;
	return -1;
}

int
sched_yield(void)
{
	atlas_syscall0(ATLAS_SYS_thread_yield);
	return 0;
}

int
usleep(useconds_t us)
{
	atlas_syscall1(ATLAS_SYS_thread_sleep, us);
	return 0;
}

unsigned
sleep(unsigned seconds)
{
	atlas_syscall1(ATLAS_SYS_thread_sleep, seconds * 1000000ull);
	return 0;
}

int
nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= 1000000000) {
		errno = EINVAL;
		return -1;
	}
	atlas_syscall1(ATLAS_SYS_thread_sleep,
	    t->tv_sec * 1000000ull + (t->tv_nsec + 999) / 1000);
	return 0;
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	uint64_t us;

	if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) {
		errno = EINVAL;
		return -1;
	}
	us = atlas_syscall0(ATLAS_SYS_clock_us);
	t->tv_sec = us / 1000000;
	t->tv_nsec = us % 1000000 * 1000;
	return 0;
}

int
gettimeofday(struct timeval *t, void *zone)
{
	uint64_t us = atlas_syscall0(ATLAS_SYS_clock_us);

	(void)zone;
	t->tv_sec = us / 1000000;
	t->tv_usec = us % 1000000;
	return 0;
}

time_t
time(time_t *t)
{
	time_t now = atlas_syscall0(ATLAS_SYS_clock_us) / 1000000;

	if (t != NULL)
		*t = now;
	return now;
}

int
clock_getres(clockid_t clock, struct timespec *t)
{
	if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) {
		errno = EINVAL;
		return -1;
	}
	if (t != NULL)
		*t = (struct timespec){ .tv_nsec = 1000 };
	return 0;
}
