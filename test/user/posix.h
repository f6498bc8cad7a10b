/*
 * posix.h: what the tests of the POSIX-like layer share.
 */
#ifndef POSIX_H
#define POSIX_H

#include "check.h"
#include "touch.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RW              (PROT_READ | PROT_WRITE)
#define PRIVATE         (MAP_PRIVATE | MAP_ANON)
#define SHARED          (MAP_SHARED | MAP_ANON)

/* The call must fail with this errno. */
#define FAILS(code, call) do { \
	errno = 0; \
	CHECK((long)(call) == -1 && errno == (code), "errno %d, not %d", errno, (code)); \
} while (0)

/* The call must give 0. */
#define OK(call) do { \
	errno = 0; \
	CHECK((long)(call) == 0, "errno %d", errno); \
} while (0)

/* Fresh memory, filled with c. */
static inline char * __attribute__((unused))
filled(size_t n, int c, int flags)
{
	char *p = mmap(NULL, n, RW, flags, -1, 0);

	CHECK(p != MAP_FAILED, "errno %d", errno);
	memset(p, c, n);
	return p;
}

/* The exit status of a child that runs fn, or -1 when it ended otherwise. */
static inline int __attribute__((unused))
in_child(int (*fn)(void *), void *argument)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(argument));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* Are all n bytes at p equal to c? */
static inline bool __attribute__((unused))
all(const char *p, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != (char)c)
			return false;
	return true;
}

#endif
