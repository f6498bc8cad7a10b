/*
 * mremap_test: Linux's mremap: shrink, grow in place, move, fixed, refusals.
 */
#include "posix.h"

static void
shrink(void)
{
	char *p = filled(4 * P, 's', PRIVATE);

	CHECK(mremap(p, 4 * P, 2 * P, 0) == p);
	CHECK(all(p, 's', 2 * P) && touch_read(p + 2 * P) == SIGSEGV);
	CHECK(mremap(p, 2 * P, 2 * P, 0) == p);
	CHECK(mremap(p, 2 * P - 100, P - 1, MREMAP_MAYMOVE) == p && touch_read(p + P) == SIGSEGV && p[0] == 's');
	OK(munmap(p, P));
}

static void
grow(void)
{
	char *p = filled(4 * P, 'g', PRIVATE), *q;

	OK(munmap(p + 2 * P, 2 * P));
	CHECK(mremap(p, 2 * P, 4 * P, 0) == p, "errno %d", errno);
	CHECK(all(p, 'g', 2 * P) && all(p + 2 * P, 0, 2 * P));
	p[4 * P - 1] = 1;
	/* Something is in the way. */
	OK(munmap(p + 2 * P, P));
	FAILS(ENOMEM, mremap(p, 2 * P, 4 * P, 0));
	CHECK(all(p, 'g', 2 * P) && p[4 * P - 1] == 1);
	q = mremap(p, 2 * P, 8 * P, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p, "errno %d", errno);
	CHECK(all(q, 'g', 2 * P) && all(q + 2 * P, 0, 6 * P));
	CHECK(touch_read(p) == SIGSEGV && touch_read(p + P) == SIGSEGV && p[4 * P - 1] == 1);
	q[0] = 'h';
	OK(munmap(q, 8 * P));
	OK(munmap(p, 4 * P));
}

static void
fixed(void)
{
	char *p = filled(4 * P, 'f', PRIVATE), *t = filled(8 * P, 't', PRIVATE);

	OK(munmap(p + 2 * P, 2 * P));
	CHECK(mremap(p, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, t + 2 * P) == t + 2 * P, "errno %d", errno);
	CHECK(all(t, 't', 2 * P) && all(t + 2 * P, 'f', 2 * P) && all(t + 4 * P, 't', 4 * P));
	CHECK(touch_read(p) == SIGSEGV);
	CHECK(mremap(t + 2 * P, 2 * P, 3 * P, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
	CHECK(all(p, 'f', 2 * P) && all(p + 2 * P, 0, P) && touch_read(t + 2 * P) == SIGSEGV);
	CHECK(mremap(p, 3 * P, P, MREMAP_MAYMOVE | MREMAP_FIXED, t + 2 * P) == t + 2 * P);
	CHECK(all(t + 2 * P, 'f', P) && touch_read(p) == SIGSEGV && touch_read(p + 2 * P) == SIGSEGV);
	FAILS(EINVAL, mremap(t, 2 * P, 2 * P, MREMAP_FIXED, p));
	FAILS(EINVAL, mremap(t, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1));
	FAILS(EINVAL, mremap(t, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, t + P));
	FAILS(EINVAL, mremap(t, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)check_limit()));
	OK(munmap(t, 8 * P));
}

static void
arguments(void)
{
	char *p = filled(4 * P, 'a', PRIVATE);

	FAILS(EINVAL, mremap(p + 1, P, P, MREMAP_MAYMOVE));
	FAILS(EINVAL, mremap(p, P, 0, MREMAP_MAYMOVE));
	FAILS(EINVAL, mremap(p, P, P, 0x100));
	FAILS(EINVAL, mremap(p, 0, P, MREMAP_MAYMOVE));         /* private memory is not mapped twice */
	FAILS(EINVAL, mremap(p, P, -1ul, MREMAP_MAYMOVE));
	OK(munmap(p + 2 * P, P));
	FAILS(EFAULT, mremap(p, 4 * P, 5 * P, MREMAP_MAYMOVE));
	FAILS(EFAULT, mremap(p + 2 * P, P, P, MREMAP_MAYMOVE));
	CHECK(all(p, 'a', 2 * P) && all(p + 3 * P, 'a', P));
	OK(munmap(p, 4 * P));
}

static int
child_writes(void *argument)
{
	memset(argument, 'c', P);
	return 0;
}

/* Shared memory stays shared where it goes; an old length of 0 maps it twice. */
static void
shared(void)
{
	char *p = filled(2 * P, 's', SHARED), *q, *d;

	q = mremap(p, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, p + 64 * P);
	CHECK(q == p + 64 * P, "errno %d", errno);
	CHECK(in_child(child_writes, q) == 0 && all(q, 'c', P) && all(q + P, 's', P));
	d = mremap(q, 0, 2 * P, MREMAP_MAYMOVE);
	CHECK(d != MAP_FAILED && d != q, "errno %d", errno);
	if (d != MAP_FAILED) {
		d[0] = 'd';
		CHECK(q[0] == 'd');
		OK(munmap(d, 2 * P));
	}
	OK(munmap(q, 2 * P));
}

static void
rights_and_copies(void)
{
	char *p = filled(2 * P, 'r', PRIVATE), *q;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		usleep(30000);
		_exit(!all(p, 'r', 2 * P));
	}
	OK(mprotect(p, P, PROT_READ));
	q = mremap(p, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, p + 32 * P);
	CHECK(q == p + 32 * P);
	CHECK(touch_write(q, 1) == SIGSEGV && touch_write(q + P, 1) == 0 && q[0] == 'r');
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	OK(munmap(q, 2 * P));
}

/* Large, written, moved: contents stay, page by page. */
static void
large(void)
{
	size_t n = 6 * MEGA;
	char *p = filled(n, 'l', PRIVATE), *q;
	uint64_t *w;

	for (size_t i = 0; i < n; i += P)
		*(uint64_t *)(p + i) = i;
	q = mremap(p, n, 2 * n, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	for (size_t i = 0; i < n; i += P) {
		w = (uint64_t *)(q + i);
		if (*w != i || q[i + 8] != 'l') {
			CHECK(0, "page %lu", i / P);
			break;
		}
	}
	CHECK(q[2 * n - 1] == 0);
	q = mremap(q, 2 * n, MEGA, 0);
	CHECK(q != MAP_FAILED && *(uint64_t *)(q + 5 * P) == 5 * P);
	OK(munmap(q, MEGA));
}

static void
dont_unmap(void)
{
	char *p = filled(2 * P, 'u', PRIVATE);
	char *q = mremap(p, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);

	CHECK(q != MAP_FAILED && q != p && all(q, 'u', 2 * P) && all(p, 0, 2 * P), "errno %d", errno);
	FAILS(EINVAL, mremap(q, 2 * P, 3 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
	FAILS(EINVAL, mremap(q, 2 * P, 2 * P, MREMAP_DONTUNMAP));
	OK(munmap(p, 2 * P));
	OK(munmap(q, 2 * P));
}

int
main(void)
{
	touch_init();
	shrink();
	grow();
	fixed();
	arguments();
	shared();
	rights_and_copies();
	large();
	dont_unmap();
	return check_result("mremap_test");
}
