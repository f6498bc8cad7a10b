/*
 * madvise_test: madvise, posix_madvise and minherit, each value and what it may
 * and may not do to contents.
 */
#include "posix.h"

static void
harmless(void)
{
	static const int advice[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_NOSYNC, MADV_AUTOSYNC,
		MADV_NOCORE, MADV_CORE, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DOFORK,
		MADV_DONTFORK, MADV_NORMAL,
	};
	char *p = filled(8 * P, 'h', PRIVATE), *s = filled(8 * P, 's', SHARED);

	for (unsigned i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		CHECK(madvise(p, 8 * P, advice[i]) == 0, "advice %d: errno %d", advice[i], errno);
		CHECK(madvise(s + P, 2 * P, advice[i]) == 0, "advice %d: errno %d", advice[i], errno);
		CHECK(all(p, 'h', 8 * P) && all(s, 's', 8 * P), "advice %d", advice[i]);
	}
	OK(munmap(p, 8 * P));
	OK(munmap(s, 8 * P));
}

static void
arguments(void)
{
	char *p = filled(4 * P, 'a', PRIVATE);
	int before;

	FAILS(EINVAL, madvise(p, P, 77));
	FAILS(EINVAL, madvise(p, P, -1));
	FAILS(EINVAL, madvise(p, -1ul, MADV_NORMAL));
	OK(madvise(p, 0, MADV_NORMAL));
	OK(munmap(p + P, P));
	FAILS(ENOMEM, madvise(p, 4 * P, MADV_RANDOM));
	FAILS(ENOMEM, madvise(p, 4 * P, MADV_WILLNEED));
	FAILS(ENOMEM, madvise(p + P, P, MADV_DONTNEED));
	FAILS(ENOMEM, madvise(p, 4 * P, MADV_DONTFORK));
	FAILS(ENOMEM, madvise(p, 4 * P, MADV_CORE));
	FAILS(ENOMEM, madvise(p, 4 * P, MADV_POPULATE_READ));
	errno = before = 4711;
	CHECK(posix_madvise(p, P, POSIX_MADV_WILLNEED) == 0);
	CHECK(posix_madvise(p, P, 99) == EINVAL && posix_madvise(p + P, P, POSIX_MADV_NORMAL) == ENOMEM);
	CHECK(errno == before);
	OK(mprotect(p, P, PROT_READ));
	FAILS(EINVAL, madvise(p, P, MADV_POPULATE_WRITE));
	OK(munmap(p, 4 * P));
}

/* After these the contents are zero, or (FREE) may be. */
static void
giving_up(void)
{
	char *p = filled(8 * P, 'g', PRIVATE);

	OK(madvise(p + P, 2 * P, MADV_REMOVE));
	CHECK(all(p, 'g', P) && all(p + P, 0, 2 * P) && all(p + 3 * P, 'g', 5 * P));
	OK(madvise(p, 8 * P, MADV_FREE));
	for (unsigned i = 0; i < 8; i++)
		CHECK(all(p + i * P, 0, P) || all(p + i * P, 'g', P), "page %u", i);
	p[0] = 'n';
	CHECK(p[0] == 'n');
	OK(munmap(p, 8 * P));
}

static int
child_frees(void *argument)
{
	char *p = argument;

	if (madvise(p, 4 * P, MADV_FREE) != 0 || madvise(p, P, MADV_REMOVE) != 0)
		return 1;
	return !all(p, 0, P);
}

static int
is_mapped(void *argument)
{
	return touch_read(argument) == 0;
}

static int
child_writes(void *argument)
{
	*(char *)argument = 'w';
	return 0;
}

static int
first_byte(void *argument)
{
	return *(char *)argument;
}

static void
forks(void)
{
	char *p = filled(4 * P, 'f', PRIVATE), *s = filled(P, 's', SHARED);

	CHECK(in_child(child_frees, p) == 0 && all(p, 'f', 4 * P));
	OK(madvise(p, P, MADV_WIPEONFORK));
	CHECK(in_child(first_byte, p) == 0 && in_child(first_byte, p + P) == 'f' && p[0] == 'f');
	OK(madvise(p, P, MADV_KEEPONFORK));
	CHECK(in_child(first_byte, p) == 'f');
	FAILS(EINVAL, madvise(s, P, MADV_WIPEONFORK));
	OK(madvise(p, P, MADV_DONTFORK));
	CHECK(in_child(is_mapped, p) == 0 && in_child(is_mapped, p + P) == 1);
	OK(madvise(p, P, MADV_DOFORK));
	CHECK(in_child(is_mapped, p) == 1);
	CHECK(in_child(child_writes, p) == 0 && p[0] == 'f');
	OK(minherit(p, P, INHERIT_SHARE));
	CHECK(in_child(child_writes, p) == 0 && p[0] == 'w');
	OK(minherit(p, P, INHERIT_COPY));
	p[0] = 'f';
	CHECK(in_child(child_writes, p) == 0 && p[0] == 'f');
	OK(minherit(s, P, INHERIT_NONE));
	CHECK(in_child(is_mapped, s) == 0);
	OK(minherit(s, P, INHERIT_SHARE));
	CHECK(in_child(child_writes, s) == 0 && s[0] == 'w');
	FAILS(EINVAL, minherit(p, P, 9));
	OK(munmap(p, 4 * P));
	OK(munmap(s, P));
}

static unsigned
resident(const char *p, unsigned pages)
{
	char vec[64];
	unsigned n = 0;

	OK(mincore(p, pages * P, vec));
	for (unsigned i = 0; i < pages; i++)
		n += (vec[i] & MINCORE_INCORE) != 0;
	return n;
}

/* By advice, and by mmap; as far as there is something, without a signal for what is not. */
static void
populating(void)
{
	char *p = mmap(NULL, 32 * P, RW, PRIVATE, -1, 0);
	int fd = memfd_create("populated", 0);

	OK(madvise(p, 32 * P, MADV_POPULATE_WRITE));
	CHECK(resident(p, 32) == 32, "%u", resident(p, 32));
	OK(munmap(p, 32 * P));
	for (unsigned i = 0; i < 4; i++) {
		p = mmap(NULL, 32 * P, i & 1 ? PROT_READ : RW, (i & 2 ? SHARED : PRIVATE) | MAP_POPULATE, -1, 0);
		CHECK(p != MAP_FAILED && resident(p, 32) == 32 && all(p, 0, 32 * P), "%u: %u", i, resident(p, 32));
		OK(munmap(p, 32 * P));
	}
	p = mmap(NULL, 32 * P, PROT_NONE, PRIVATE | MAP_POPULATE, -1, 0);
	CHECK(p != MAP_FAILED && resident(p, 32) == 0);
	OK(munmap(p, 32 * P));
	CHECK(ftruncate(fd, 2 * P) == 0 && pwrite(fd, "x", 1, P) == 1, "errno %d", errno);
	for (unsigned i = 0; i < 2; i++) {
		p = mmap(NULL, 4 * P, RW, (i ? MAP_SHARED : MAP_PRIVATE) | MAP_POPULATE, fd, 0);
		CHECK(p != MAP_FAILED && resident(p, 2) == 2 && p[P] == 'x' && p[P + 1] == 0, "errno %d", errno);
		OK(munmap(p, 4 * P));
	}
	OK(close(fd));
}

int
main(void)
{
	touch_init();
	harmless();
	arguments();
	giving_up();
	forks();
	populating();
	return check_result("madvise_test");
}
