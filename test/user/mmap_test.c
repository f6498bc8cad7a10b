/*
 * mmap_test: the POSIX-like layer: mmap, munmap, mprotect, minherit, madvise.
 */
#include "check.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RW              (PROT_READ | PROT_WRITE)
#define PRIVATE         (MAP_PRIVATE | MAP_ANON)

/* The call must fail with this errno. */
#define FAILS(code, call) do { \
	errno = 0; \
	CHECK((long)(call) == -1 && errno == (code), "errno %d, not %d", errno, (code)); \
} while (0)

static void
arguments(void)
{
	char *p = mmap(NULL, 4 * P, RW, PRIVATE, -1, 0);
	char *top = (char *)check_limit();

	CHECK(p != MAP_FAILED);
	FAILS(EINVAL, mmap(NULL, 0, RW, PRIVATE, -1, 0));
	FAILS(EINVAL, mmap(NULL, P, 8, PRIVATE, -1, 0));
	FAILS(EINVAL, mmap(NULL, P, RW, PRIVATE | 0x8, -1, 0));
	FAILS(EINVAL, mmap(NULL, P, RW, PRIVATE | MAP_SHARED, -1, 0));
	FAILS(EINVAL, mmap(NULL, P, RW, PRIVATE, 0, 0));
	FAILS(EINVAL, mmap(NULL, P, RW, PRIVATE, -1, P));
	FAILS(EINVAL, mmap(NULL, P, RW, PRIVATE | MAP_EXCL, -1, 0));
	FAILS(EINVAL, mmap(NULL, P, RW, PRIVATE | MAP_ALIGNED(11), -1, 0));
	FAILS(EINVAL, mmap(NULL, P, RW, PRIVATE | MAP_ALIGNED(64), -1, 0));
	FAILS(EINVAL, mmap(p + 1, P, RW, PRIVATE | MAP_FIXED, -1, 0));
	FAILS(EINVAL, mmap(top, P, RW, PRIVATE | MAP_FIXED, -1, 0));
	FAILS(EINVAL, mmap(top - P, 2 * P, RW, PRIVATE | MAP_FIXED, -1, 0));
	FAILS(EINVAL, mmap(p, P, RW, PRIVATE | MAP_FIXED | MAP_EXCL, -1, 0));
	FAILS(ENOTSUP, mmap(NULL, P, RW | PROT_MAX(PROT_READ), PRIVATE, -1, 0));
	FAILS(ENOMEM, mmap(NULL, -1ul, RW, PRIVATE, -1, 0));
	FAILS(ENOMEM, mmap(NULL, (size_t)top, RW, PRIVATE, -1, 0));
	FAILS(EBADF, mmap(NULL, P, RW, MAP_PRIVATE, -1, 0));
	FAILS(EINVAL, munmap(p, 0));
	FAILS(EINVAL, munmap(p, -1ul));
	FAILS(EINVAL, munmap(top, P));
	FAILS(EINVAL, munmap(p + 1, P));
	FAILS(EINVAL, mprotect(p + 1, P, PROT_READ));
	FAILS(EINVAL, madvise(p + 1, P, MADV_NORMAL));
	FAILS(EINVAL, mprotect(p, P, 8));
	FAILS(EINVAL, mprotect(p, -(size_t)p, RW));
	FAILS(ENOTSUP, mprotect(p, P, RW | PROT_MAX(PROT_READ)));
	FAILS(EINVAL, minherit(p, P, 4));
	FAILS(EINVAL, minherit(p, -1ul, INHERIT_NONE));
	FAILS(EINVAL, madvise(p, P, 77));
	CHECK(madvise(p, P, MADV_WILLNEED) == 0);
	CHECK(munmap(p, 4 * P) == 0);
	CHECK(munmap(p, 4 * P) == 0);           /* holes are fine */
	FAILS(ENOMEM, mprotect(p, P, PROT_READ));
}

static void
placement(void)
{
	char *p = mmap(NULL, 4 * P, RW, PRIVATE, -1, 0), *q;

	CHECK(munmap(p, 4 * P) == 0);
	q = mmap(p, 2 * P, RW, PRIVATE, -1, 0);
	CHECK(q == p, "a free hint was not taken: %p, %p", q, p);
	q = mmap(p, 2 * P, RW, PRIVATE, -1, 0);
	CHECK(q == p + 2 * P, "the next place above the hint: %p, %p", q, p);
	CHECK(munmap(q, 2 * P) == 0);
	q = mmap((void *)(check_limit() - P), 2 * P, RW, PRIVATE, -1, 0);
	CHECK(q != MAP_FAILED && (uintptr_t)q < check_limit() - P, "nothing above the hint: %p", q);
	CHECK(munmap(q, 2 * P) == 0);
	q = mmap(p + P, P, RW, PRIVATE | MAP_ALIGNED_SUPER, -1, 0);
	CHECK(q == p + 2 * P, "too small for a superpage, anywhere: %p, %p", q, p);
	CHECK(munmap(q, P) == 0);
	q = mmap((void *)check_limit(), P, RW, PRIVATE, -1, 0);
	CHECK(q != MAP_FAILED);
	CHECK(munmap(q, P) == 0);
	p[0] = 1;
	p[P] = 2;
	q = mmap(p, P, RW, PRIVATE | MAP_FIXED, -1, 0); /* replaces one page */
	CHECK(q == p && p[0] == 0 && p[P] == 2, "%p %d %d", q, p[0], p[P]);
	CHECK(munmap(p, 2 * P) == 0);
	q = mmap(p, P, RW, PRIVATE | MAP_FIXED | MAP_EXCL, -1, 0);
	CHECK(q == p);
	CHECK(munmap(p, P) == 0);
	for (unsigned bits = 12; bits <= 30; bits += 6) {
		q = mmap(NULL, P, RW, PRIVATE | MAP_ALIGNED(bits), -1, 0);
		CHECK(q != MAP_FAILED && ((uintptr_t)q & ((1ul << bits) - 1)) == 0, "%p", q);
		CHECK(munmap(q, P) == 0);
	}
	q = mmap(NULL, 3 * MEGA, RW, PRIVATE | MAP_ALIGNED_SUPER, -1, 0);
	CHECK(q != MAP_FAILED && ((uintptr_t)q & (MEGA - 1)) == 0, "%p", q);
	memset(q, 0x77, 3 * MEGA);
	CHECK(q[0] == 0x77 && q[3 * MEGA - 1] == 0x77);
	CHECK(munmap(q + MEGA, MEGA) == 0);
	CHECK(q[MEGA - 1] == 0x77 && q[2 * MEGA] == 0x77);
	CHECK(munmap(q, 3 * MEGA) == 0);
}

static void
limits(void)
{
	char *p = mmap(NULL, 2 * P, PROT_READ | PROT_MAX(RW), PRIVATE, -1, 0);

	CHECK(p != MAP_FAILED && p[0] == 0);
	CHECK(mprotect(p, P, RW) == 0);
	p[0] = 1;
	FAILS(EACCES, mprotect(p, P, RW | PROT_EXEC));
	CHECK(mprotect(p, P, PROT_READ | PROT_MAX(PROT_READ)) == 0);
	FAILS(EACCES, mprotect(p, P, RW));
	CHECK(p[0] == 1);
	CHECK(mprotect(p + P, P, RW) == 0);
	CHECK(munmap(p, 2 * P) == 0);
}

static void
sharing(void)
{
	volatile int *shared = mmap(NULL, P, RW, MAP_SHARED | MAP_ANON, -1, 0);
	volatile int *private = mmap(NULL, P, RW, PRIVATE, -1, 0);
	volatile int *chosen = mmap(NULL, P, RW, PRIVATE, -1, 0);
	int status;
	pid_t pid;

	CHECK(minherit((void *)chosen, P, INHERIT_SHARE) == 0);
	*shared = *private = *chosen = 1;
	pid = fork();
	if (pid == 0) {
		int ok = *shared == 1 && *private == 1 && *chosen == 1;

		*shared = *private = *chosen = 2;
		_exit(!ok);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	CHECK(*shared == 2 && *private == 1 && *chosen == 2, "%d %d %d", *shared, *private,
	    *chosen);
	CHECK(munmap((void *)shared, P) == 0 && munmap((void *)private, P) == 0 &&
	    munmap((void *)chosen, P) == 0);
}

int
main(void)
{
	CHECK(sysconf(_SC_PAGESIZE) == (long)P && getpagesize() == (int)P);
	arguments();
	placement();
	limits();
	sharing();
	return check_result("mmap_test");
}
