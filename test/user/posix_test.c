/*
 * posix_test: what programs for other systems use around the memory calls:
 * limits, semaphores and files between processes, clocks, names.
 */
#include "posix.h"
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <time.h>

static void
limit(int which, rlim_t bytes)
{
	struct rlimit r = { bytes, bytes };

	OK(setrlimit(which, &r));
}

/* In a child: the limits are its own. */
static int
limited(void *nothing)
{
	char *m;

	(void)nothing;
	limit(RLIMIT_AS, 16ul << 20);
	m = mmap(NULL, 1ul << 20, RW, PRIVATE, -1, 0);
	CHECK(m != MAP_FAILED);
	FAILS(ENOMEM, mmap(NULL, 16ul << 20, RW, PRIVATE, -1, 0));
	CHECK(mmap(m, 1ul << 20, RW, PRIVATE | MAP_FIXED, -1, 0) == m); /* instead of what is there */
	FAILS(ENOMEM, mremap(m, 1ul << 20, 20ul << 20, MREMAP_MAYMOVE));
	OK(munmap(m, 1ul << 20));
	limit(RLIMIT_MEMLOCK, 3 * P);
	m = filled(8 * P, 1, PRIVATE);
	OK(mlock(m, 2 * P));
	OK(mlock(m, 2 * P));                    /* counts once */
	OK(mlock(m + P, 2 * P));
	FAILS(ENOMEM, mlock(m + 3 * P, P));
	OK(munlock(m, P));
	OK(mlock(m + 4 * P, P));
	FAILS(ENOMEM, mlock(m, 8 * P));
	FAILS(ENOMEM, mmap(NULL, P, RW, PRIVATE | MAP_LOCKED, -1, 0));
	FAILS(ENOMEM, mlockall(MCL_CURRENT));
	return check_failed != 0;
}

static void
limits(void)
{
	struct rlimit r;

	OK(getrlimit(RLIMIT_MEMLOCK, &r));
	CHECK(r.rlim_cur == RLIM_INFINITY && r.rlim_max == RLIM_INFINITY);
	FAILS(EINVAL, getrlimit(99, &r));
	OK(getrlimit(RLIMIT_CORE, &r));
	OK(setrlimit(RLIMIT_CORE, &r));
	r = (struct rlimit){ 5, 4 };
	FAILS(EINVAL, setrlimit(RLIMIT_AS, &r));
	r = (struct rlimit){ 1, 1 };
	FAILS(EINVAL, setrlimit(RLIMIT_CPU, &r));       /* nobody would keep it */
	CHECK(in_child(limited, NULL) == 0);
}

static int
echo(void *argument)
{
	sem_t *s = argument;

	for (int i = 0; i < 100; i++) {
		sem_wait(&s[0]);
		sem_post(&s[1]);
	}
	return 0;
}

static void
semaphores(void)
{
	sem_t *s = mmap(NULL, P, RW, SHARED, -1, 0);
	int value, status;
	pid_t pid;

	CHECK(s != MAP_FAILED);
	OK(sem_init(&s[0], 1, 0));
	OK(sem_init(&s[1], 1, 1));
	OK(sem_trywait(&s[1]));
	FAILS(EAGAIN, sem_trywait(&s[1]));
	FAILS(EINVAL, sem_init(&s[2], 0, 1u << 31));
	pid = fork();
	if (pid == 0)
		_exit(echo(s));
	for (int i = 0; i < 100; i++) {
		OK(sem_post(&s[0]));
		OK(sem_wait(&s[1]));
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0 && !WCOREDUMP(status));
	OK(sem_getvalue(&s[0], &value));
	CHECK(value == 0);
	OK(munmap(s, P));
}

static void
files(void)
{
	char a[3] = "", b[5] = "";
	struct iovec in[] = { { a, 2 }, { b, 4 } }, out[] = { { "abc", 3 }, { "defgh", 5 } };
	int fd = shm_open(SHM_ANON, O_RDWR, 0600);
	struct stat st;

	CHECK(writev(fd, out, 2) == 8 && lseek(fd, 1, SEEK_SET) == 1);
	CHECK(readv(fd, in, 2) == 6 && strcmp(a, "bc") == 0 && strcmp(b, "defg") == 0);
	FAILS(EINVAL, readv(fd, in, -1));
	OK(fdatasync(fd));
	OK(close(fd));
	fd = open("./posix", O_CREAT | O_RDWR, 0600);
	OK(access("posix", R_OK | W_OK));
	OK(truncate("posix", 10));
	OK(fstat(fd, &st));
	CHECK(st.st_size == 10);
	OK(close(fd));
	OK(unlink(".//posix"));
	FAILS(ENOENT, access("posix", F_OK));
	FAILS(ENOENT, truncate("posix", 1));
}

static void
clocks(void)
{
	struct timeval v;
	struct timespec t;

	OK(gettimeofday(&v, NULL));
	OK(clock_gettime(CLOCK_REALTIME, &t));
	CHECK(t.tv_sec >= v.tv_sec && time(NULL) >= t.tv_sec && v.tv_usec < 1000000);
}

static void
names(void)
{
	char *m = filled(P, 1, PRIVATE);

	CHECK(signal(SIGCHLD, SIG_DFL) == SIG_DFL && getuid() == 0 && EX_OK == 0);
	CHECK(PROT_MAX_EXTRACT(PROT_MAX(5) | 1) == 5 && PROT_EXTRACT(PROT_MAX(5) | 1) == 1);
	CHECK(roundup(5, 4) == 8 && rounddown(5, 4) == 4 && nitems("abc") == 4 && powerof2(64));
	OK(madvise(m, P, MADV_HUGEPAGE));
	CHECK(all(m, 1, P));
	OK(msync(m, P, MS_DEACTIVATE));
	CHECK(all(m, 1, P));
	OK(msync(m, P, MS_KILLPAGES));
	CHECK(all(m, 0, P));
	FAILS(EINVAL, msync(m, P, MS_KILLPAGES | MS_SYNC));
	FAILS(ENOMEM, mlock(NULL, P));
	OK(munmap(m, P));
}

int
main(void)
{
	limits();
	semaphores();
	files();
	clocks();
	names();
	return check_result("posix_test");
}
