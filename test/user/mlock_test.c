/*
 * mlock_test: mlock, munlock, mlockall, munlockall, mincore.
 */
#include "posix.h"
#include <sys/resource.h>

/* How many of n pages at p are in core; 999: mincore fails. */
static unsigned
in_core(void *p, unsigned n)
{
	char vec[64];
	unsigned count = 0;

	if (mincore(p, n * P, vec) != 0)
		return 999;
	for (unsigned i = 0; i < n; i++)
		count += (vec[i] & MINCORE_INCORE) != 0;
	return count;
}

static unsigned
wirings(void *p)
{
	return check_region((vm_address_t)p).user_wired_count;
}

static void
core(void)
{
	char *p = mmap(NULL, 16 * P, RW, PRIVATE, -1, 0), vec[20];

	CHECK(in_core(p, 16) == 0, "%u", in_core(p, 16));
	p[3 * P] = 1;
	memset(vec, 0x55, sizeof(vec));
	OK(mincore(p, 16 * P, vec));
	CHECK((vec[3] & MINCORE_INCORE) && (vec[3] & MINCORE_MODIFIED) && (vec[3] & MINCORE_REFERENCED), "0x%x", vec[3]);
	CHECK(vec[15] == 0 && vec[16] == 0x55);
	memset(p, 1, 16 * P);
	CHECK(in_core(p, 16) == 16);
	OK(mincore(p, 3 * P + 1, vec));                 /* a part of a page is one */
	CHECK(vec[3] != 0);
	FAILS(EINVAL, mincore(p + 1, P, vec));
	FAILS(EFAULT, mincore(p, P, (char *)8));
	FAILS(EFAULT, mincore(p, P, NULL));
	FAILS(ENOMEM, mincore(p, -1ul, vec));
	OK(munmap(p + 4 * P, P));
	FAILS(ENOMEM, mincore(p, 16 * P, vec));
	OK(munmap(p, 16 * P));
	FAILS(ENOMEM, mincore(p, P, vec));
	OK(mincore(p, 0, vec));
}

static void
locking(void)
{
	char *p = mmap(NULL, 8 * P, RW, PRIVATE, -1, 0);

	OK(mlock(p + P, 2 * P));
	CHECK(in_core(p, 8) == 2 && wirings(p + P) == 1 && wirings(p) == 0, "%u", in_core(p, 8));
	OK(mlock(p + P + 1, P));                        /* does not add up */
	OK(munlock(p, 8 * P));
	CHECK(wirings(p + P) == 0 && wirings(p + 2 * P) == 0);
	OK(munlock(p, 8 * P));
	OK(mlock(p, 0));
	OK(munlock(p, 0));
	OK(munmap(p + 4 * P, P));
	FAILS(ENOMEM, mlock(p, 8 * P));
	CHECK(wirings(p) == 0 && wirings(p + 5 * P) == 0);
	FAILS(ENOMEM, munlock(p, 8 * P));
	FAILS(ENOMEM, mlock(p + 4 * P, P));
	FAILS(ENOMEM, munlock(p + 4 * P, P));
	FAILS(ENOMEM, mlock(p, -1ul));
	OK(mprotect(p, P, PROT_NONE));
	FAILS(ENOMEM, mlock(p, P));
	OK(mlock(p + 5 * P, 3 * P));
	OK(munmap(p, 8 * P));                           /* unlocks, too */
	FAILS(ENOMEM, mlock(p, P));
	p = mmap(NULL, 4 * P, RW, PRIVATE | MAP_LOCKED, -1, 0);
	CHECK(p != MAP_FAILED && in_core(p, 4) == 4 && wirings(p) == 1);
	FAILS(EBUSY, msync(p, P, MS_SYNC | MS_INVALIDATE));
	OK(munlock(p, 4 * P));
	OK(msync(p, P, MS_SYNC | MS_INVALIDATE));
	OK(munmap(p, 4 * P));
}

/* Read-only memory is locked, and written later it is still one's own. */
static void
locked_copies(void)
{
	char *p = filled(2 * P, 'l', PRIVATE);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		usleep(30000);
		_exit(!all(p, 'l', 2 * P));
	}
	OK(mprotect(p, 2 * P, PROT_READ));
	OK(mlock(p, 2 * P));
	OK(mprotect(p, 2 * P, RW));
	memset(p, 'm', 2 * P);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	CHECK(wirings(p) == 1 && all(p, 'm', 2 * P));
	OK(munmap(p, 2 * P));
}

static int
lock_everything(void *argument)
{
	char *p = mmap(NULL, 4 * P, RW, PRIVATE, -1, 0), *q;

	(void)argument;
	FAILS(EINVAL, mlockall(0));
	FAILS(EINVAL, mlockall(0x80));
	OK(mlockall(MCL_CURRENT));
	CHECK(in_core(p, 4) == 4 && wirings(p) == 1);
	q = mmap(NULL, 4 * P, RW, PRIVATE, -1, 0);
	CHECK(in_core(q, 4) == 0);
	OK(mlockall(MCL_FUTURE));
	q = mmap(NULL, 4 * P, RW, PRIVATE, -1, 0);
	CHECK(in_core(q, 4) == 4 && wirings(q) == 1);
	OK(munlockall());
	CHECK(wirings(p) == 0 && wirings(q) == 0);
	q = mmap(NULL, 4 * P, RW, PRIVATE, -1, 0);
	CHECK(in_core(q, 4) == 0);
	return check_failed != 0;
}

/* Nobody locks the library's windows on files; what has no rights is mapped unlocked. Within 64 MiB all the time. */
static int
lock_with_files(void *argument)
{
	const struct rlimit some = { .rlim_cur = 64ul << 20, .rlim_max = 64ul << 20 };
	int fd = memfd_create("locked", 0), later;
	char *p, *none, *end;

	(void)argument;
	OK(ftruncate(fd, 2 * P));
	p = mmap(NULL, 2 * P, RW, MAP_SHARED, fd, 0);
	end = mmap(NULL, 4 * P, RW, MAP_SHARED, fd, 0);         /* behind the end: what cannot be locked */
	OK(munmap(end, 4 * P));
	OK(setrlimit(RLIMIT_MEMLOCK, &some));
	OK(mlockall(MCL_CURRENT | MCL_FUTURE));
	CHECK(in_core(p, 2) == 2 && wirings(p) == 1);
	none = mmap(NULL, 4 * P, PROT_NONE, PRIVATE, -1, 0);
	CHECK(none != MAP_FAILED && in_core(none, 4) == 0, "errno %d", errno);
	OK(mprotect(none, 4 * P, RW));
	none[P] = 1;
	later = memfd_create("later", 0);
	CHECK(later >= 0 && ftruncate(later, P) == 0, "errno %d", errno);
	p = mmap(NULL, P, RW, MAP_SHARED, later, 0);
	CHECK(p != MAP_FAILED && in_core(p, 1) == 1, "errno %d", errno);
	OK(munlockall());
	none = mmap(NULL, P, PROT_NONE, PRIVATE | MAP_LOCKED, -1, 0);
	CHECK(none != MAP_FAILED && wirings(none) == 0, "errno %d", errno);
	return check_failed != 0;
}

static void
msync_errors(void)
{
	char *p = filled(4 * P, 'x', PRIVATE);

	OK(msync(p, 4 * P, MS_SYNC));
	OK(msync(p, 4 * P, MS_ASYNC));
	OK(msync(p, 4 * P, MS_SYNC | MS_INVALIDATE));
	OK(msync(p, 0, MS_SYNC));
	FAILS(EINVAL, msync(p, P, MS_SYNC | MS_ASYNC));
	FAILS(EINVAL, msync(p, P, MS_ASYNC | MS_INVALIDATE));
	FAILS(EINVAL, msync(p, P, 0x80));
	FAILS(EINVAL, msync(p + 1, P, MS_SYNC));
	CHECK(all(p, 'x', 4 * P));
	OK(munmap(p + P, P));
	FAILS(ENOMEM, msync(p, 4 * P, MS_SYNC));
	OK(munmap(p, 4 * P));
	FAILS(ENOMEM, msync(p, P, MS_ASYNC));
}

int
main(void)
{
	touch_init();
	core();
	locking();
	locked_copies();
	CHECK(in_child(lock_everything, NULL) == 0);
	CHECK(in_child(lock_with_files, NULL) == 0);
	msync_errors();
	return check_result("mlock_test");
}
