/*
 * mmap_file_test: mappings of files: those of the initrd, read-only, and those
 * that a program makes; shared and private, read, write, seek and truncate.
 */
#include "posix.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A file of n pages, page i filled with 'a' + i; -1: none. */
static int
file(const char *name, unsigned n)
{
	static char page[4096];
	int fd = open(name, O_CREAT | O_RDWR | O_EXCL, 0600);

	CHECK(fd >= 3, "errno %d", errno);
	for (unsigned i = 0; i < n; i++) {
		memset(page, 'a' + i, sizeof(page));
		CHECK(write(fd, page, sizeof(page)) == (ssize_t)sizeof(page), "errno %d", errno);
	}
	return fd;
}

static void
reading(void)
{
	int fd = file("/tmp/reading", 3), ro;
	char buf[16];
	struct stat st;

	OK(fstat(fd, &st));
	CHECK(st.st_size == 3 * (off_t)P && S_ISREG(st.st_mode), "%ld", (long)st.st_size);
	CHECK(lseek(fd, 0, SEEK_CUR) == 3 * (off_t)P);
	CHECK(read(fd, buf, 16) == 0);
	CHECK(lseek(fd, P - 2, SEEK_SET) == (off_t)P - 2);
	CHECK(read(fd, buf, 4) == 4 && memcmp(buf, "aabb", 4) == 0);
	CHECK(lseek(fd, -1, SEEK_END) == 3 * (off_t)P - 1 && read(fd, buf, 16) == 1 && buf[0] == 'c');
	CHECK(pread(fd, buf, 2, P) == 2 && buf[0] == 'b' && lseek(fd, 0, SEEK_CUR) == 3 * (off_t)P);
	CHECK(pwrite(fd, "XY", 2, P) == 2 && pread(fd, buf, 2, P) == 2 && buf[1] == 'Y');
	FAILS(EINVAL, lseek(fd, -1, SEEK_SET));
	FAILS(EINVAL, lseek(fd, 0, 99));
	FAILS(EFAULT, pread(fd, (void *)8, 4, 0));
	FAILS(EFAULT, pwrite(fd, (void *)8, 4, 0));
	FAILS(EBADF, read(60, buf, 1));
	FAILS(EBADF, write(99, buf, 1));
	FAILS(EBADF, close(50));
	FAILS(ESPIPE, lseek(0, 0, SEEK_CUR));
	ro = open("/tmp/reading", O_RDONLY);
	CHECK(ro >= 3 && ro != fd);
	FAILS(EBADF, write(ro, "x", 1));
	CHECK(read(ro, buf, 1) == 1 && buf[0] == 'a');
	FAILS(EEXIST, open("/tmp/reading", O_CREAT | O_EXCL | O_RDWR, 0600));
	FAILS(ENOENT, open("/tmp/none", O_RDWR));
	OK(unlink("/tmp/reading"));
	FAILS(ENOENT, unlink("/tmp/reading"));
	FAILS(ENOENT, open("/tmp/reading", O_RDONLY));
	CHECK(pread(ro, buf, 1, 0) == 1);               /* open ones go on */
	OK(close(ro));
	OK(close(fd));
	FAILS(EBADF, close(fd));
}

static void
truncating(void)
{
	int fd = file("/tmp/t", 3);
	char buf[4] = "";
	struct stat st;

	OK(ftruncate(fd, P + 10));
	OK(fstat(fd, &st));
	CHECK(st.st_size == (off_t)P + 10);
	OK(ftruncate(fd, 3 * P));
	CHECK(pread(fd, buf, 1, P + 9) == 1 && buf[0] == 'b');
	CHECK(pread(fd, buf, 1, P + 10) == 1 && buf[0] == 0);
	CHECK(pread(fd, buf, 1, 2 * P + 5) == 1 && buf[0] == 0, "%d", buf[0]);
	FAILS(EINVAL, ftruncate(fd, -1));
	FAILS(EBADF, ftruncate(61, 1));
	OK(close(fd));
	fd = open("/tmp/t", O_RDWR | O_TRUNC);
	OK(fstat(fd, &st));
	CHECK(st.st_size == 0);
	OK(close(fd));
	fd = open("/tmp/t", O_WRONLY | O_APPEND);
	CHECK(write(fd, "12", 2) == 2 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "34", 2) == 2);
	FAILS(EBADF, read(fd, buf, 1));
	FAILS(EACCES, mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0));
	OK(close(fd));
	fd = open("/tmp/t", O_RDONLY);
	CHECK(read(fd, buf, 4) == 4 && memcmp(buf, "1234", 4) == 0);
	OK(close(fd));
	OK(unlink("/tmp/t"));
}

static void
shared(void)
{
	int fd = file("/tmp/s", 4), ro = open("/tmp/s", O_RDONLY);
	char *p = mmap(NULL, 4 * P, RW, MAP_SHARED, fd, 0), *q = mmap(NULL, 2 * P, RW, MAP_SHARED, fd, P), *r;
	char buf[2];

	CHECK(p != MAP_FAILED && q != MAP_FAILED && p != q, "errno %d", errno);
	CHECK(p[0] == 'a' && p[3 * P] == 'd' && q[0] == 'b' && q[2 * P - 1] == 'c');
	p[P] = '1';
	CHECK(q[0] == '1' && pread(fd, buf, 1, P) == 1 && buf[0] == '1');
	CHECK(pwrite(fd, "2", 1, 2 * P) == 1 && p[2 * P] == '2' && q[P] == '2');
	r = mmap(NULL, P, PROT_READ, MAP_SHARED, ro, 2 * P);
	CHECK(r != MAP_FAILED && r[0] == '2');
	CHECK(touch_write(r, 1) == SIGSEGV);
	FAILS(EACCES, mprotect(r, P, RW));
	FAILS(EACCES, mmap(NULL, P, RW, MAP_SHARED, ro, 0));
	OK(close(fd));
	OK(close(ro));
	OK(unlink("/tmp/s"));
	p[2 * P] = '3';                         /* mappings outlive the descriptors and the name */
	CHECK(q[P] == '3' && r[0] == '3');
	OK(msync(p, 4 * P, MS_SYNC));
	OK(munmap(p, 4 * P));
	CHECK(q[0] == '1');
	OK(munmap(q, 2 * P));
	OK(munmap(r, P));
}

static void
private(void)
{
	int fd = file("/tmp/p", 4);
	char *p = mmap(NULL, 4 * P, RW, MAP_PRIVATE, fd, 0), *s = mmap(NULL, 4 * P, RW, MAP_SHARED, fd, 0);
	char buf[2];

	CHECK(p != MAP_FAILED && s != MAP_FAILED);
	p[0] = '1';
	CHECK(s[0] == 'a' && pread(fd, buf, 1, 0) == 1 && buf[0] == 'a');
	s[0] = '2';
	CHECK(p[0] == '1');
	CHECK(p[P] == 'b' && s[P] == 'b');
	OK(munmap(p, 4 * P));
	OK(munmap(s, 4 * P));
	OK(close(fd));
	OK(unlink("/tmp/p"));
}

static void
arguments(void)
{
	int fd = file("/tmp/args", 2);
	char *hole = mmap(NULL, 8 * P, PROT_NONE, PRIVATE, -1, 0), *p;

	FAILS(EINVAL, mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 1));
	FAILS(EINVAL, mmap(NULL, P, PROT_READ, MAP_SHARED, fd, -(off_t)P));
	FAILS(EINVAL, mmap(NULL, P, PROT_READ, 0, fd, 0));
	FAILS(EINVAL, mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0));
	FAILS(EBADF, mmap(NULL, P, PROT_READ, MAP_SHARED, 63, 0));
	FAILS(EBADF, mmap(NULL, P, PROT_READ, MAP_SHARED, 1000, 0));
	FAILS(ENODEV, mmap(NULL, P, PROT_READ, MAP_SHARED, 1, 0));
	FAILS(EINVAL, mmap(NULL, P, PROT_READ, MAP_SHARED | MAP_ANON, fd, 0));
	p = mmap(hole + 2 * P, 2 * P, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	CHECK(p == hole + 2 * P && p[P] == 'b');
	FAILS(EINVAL, mmap(hole, P, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_EXCL, fd, 0));
	FAILS(EEXIST, mmap(hole, P, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0));
	CHECK(touch_read(hole) == SIGSEGV && touch_read(hole + 4 * P) == SIGSEGV);
	OK(munmap(hole, 8 * P));
	OK(close(fd));
	OK(unlink("/tmp/args"));
}

/* A child uses what was open and what is mapped, and its stores are seen. */
static int
child_uses(void *argument)
{
	int fd = *(int *)argument;
	char *p = mmap(NULL, 2 * P, RW, MAP_SHARED, fd, 0), buf[2];

	if (p == MAP_FAILED || p[0] != 'a' || pread(fd, buf, 1, P) != 1 || buf[0] != 'b')
		return 1;
	p[5] = 'C';
	return pwrite(fd, "W", 1, P + 1) != 1;
}

static void
forked(void)
{
	int fd = file("/tmp/f", 2), m = memfd_create("m", 0);
	char *p = mmap(NULL, 2 * P, RW, MAP_SHARED, fd, 0);

	CHECK(in_child(child_uses, &fd) == 0);
	CHECK(p[5] == 'C' && p[P + 1] == 'W');
	OK(munmap(p, 2 * P));
	OK(close(fd));
	OK(unlink("/tmp/f"));
	CHECK(m >= 3);
	OK(ftruncate(m, P));
	p = mmap(NULL, P, RW, MAP_SHARED, m, 0);
	CHECK(p != MAP_FAILED && p[0] == 0);
	OK(munmap(p, P));
	OK(close(m));
	m = shm_open("/shm", O_CREAT | O_RDWR, 0600);
	CHECK(m >= 3);
	OK(ftruncate(m, P));
	OK(shm_unlink("/shm"));
	OK(close(m));
}

/* A guard lets nobody in, ever. */
static void
guards(void)
{
	char *p = mmap(NULL, 4 * P, PROT_NONE, MAP_GUARD, -1, 0), *s;

	CHECK(p != MAP_FAILED, "errno %d", errno);
	CHECK(touch_read(p) == SIGSEGV && touch_write(p, 1) == SIGSEGV);
	FAILS(EACCES, mprotect(p, P, PROT_READ));
	FAILS(EINVAL, mmap(NULL, P, PROT_READ, MAP_GUARD, -1, 0));
	FAILS(EINVAL, mmap(NULL, P, PROT_NONE, MAP_GUARD | MAP_SHARED, -1, 0));
	FAILS(EINVAL, mmap(NULL, P, PROT_NONE, MAP_GUARD, 3, 0));
	FAILS(EINVAL, mmap(NULL, P, PROT_NONE, MAP_GUARD, -1, P));
	s = mmap(p + P, P, RW, PRIVATE | MAP_FIXED, -1, 0);
	CHECK(s == p + P && touch_write(s, 1) == 0);
	OK(munmap(p, 4 * P));
	s = mmap(NULL, 4 * P, RW, MAP_STACK, -1, 0);
	CHECK(s != MAP_FAILED && touch_write(s + 4 * P - 1, 1) == 0);
	FAILS(EINVAL, mmap(NULL, P, PROT_READ, MAP_STACK, -1, 0));
	OK(munmap(s, 4 * P));
}

/* What lies behind the end is SIGBUS, for as long as it does. */
static void
ends_that_move(void)
{
	int fd = file("/tmp/end", 2);
	char *p = mmap(NULL, 6 * P, RW, MAP_SHARED, fd, 0), *q = mmap(NULL, 6 * P, RW, MAP_PRIVATE, fd, P);
	char *r, c;

	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	CHECK(touch_read(p + 2 * P - 1) == 0 && touch_read(p + 2 * P) == SIGBUS && touch_write(p + 5 * P, 1) == SIGBUS);
	CHECK(touch_read(q + P - 1) == 0 && touch_read(q + P) == SIGBUS);
	OK(mprotect(p + 3 * P, P, PROT_READ));
	OK(ftruncate(fd, 4 * P + 1));           /* to five pages, with the rights that they have */
	CHECK(all(p + 2 * P, 0, 3 * P) && touch_read(p + 5 * P) == SIGBUS);
	CHECK(touch_write(p + 3 * P, 1) == SIGSEGV && touch_write(p + 4 * P, 'x') == 0);
	CHECK(pread(fd, &c, 1, 4 * P) == 1 && c == 'x');
	CHECK(touch_write(q + P, 'y') == 0 && p[2 * P] == 0 && touch_read(q + 4 * P) == SIGBUS);
	CHECK(pwrite(fd, "z", 1, 6 * P - 1) == 1 && p[6 * P - 1] == 'z' && q[5 * P - 1] == 'z');
	OK(ftruncate(fd, P));
	CHECK(all(p, 'a', P) && touch_read(p + P) == SIGBUS && touch_read(p + 5 * P) == SIGBUS);
	/* What was put into its place does not follow. */
	r = mmap(p + 2 * P, P, RW, PRIVATE | MAP_FIXED, -1, 0);
	CHECK(r == p + 2 * P);
	r[0] = 7;
	OK(munmap(p + 4 * P, P));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, (vm_address_t)p + 5 * P, P));
	r = mmap(p + 5 * P, P, RW, PRIVATE | MAP_FIXED | MAP_EXCL, -1, 0);
	CHECK(r == p + 5 * P);
	OK(ftruncate(fd, 6 * P));
	CHECK(p[2 * P] == 7 && touch_read(p + 4 * P) == SIGSEGV && touch_write(p + 3 * P, 1) == SIGSEGV);
	CHECK(p[P] == 0 && p[3 * P] == 0 && touch_write(p + P, 2) == 0);
	r[0] = 8;
	CHECK(pread(fd, &c, 1, 5 * P) == 1 && c == 0);
	OK(close(fd));
	fd = open("/tmp/end", O_RDWR | O_TRUNC);
	CHECK(touch_read(p) == SIGBUS && touch_read(p + P) == SIGBUS && p[2 * P] == 7 && r[0] == 8);
	OK(munmap(p, 6 * P));
	OK(munmap(q, 6 * P));
	OK(ftruncate(fd, P));
	p = mmap(NULL, P, RW, MAP_SHARED, fd, 0);
	CHECK(all(p, 0, P));
	OK(munmap(p, P));
	OK(close(fd));
	OK(unlink("/tmp/end"));
}

/* /dev/zero is memory: new for each mapping; it reads as zeros and swallows what is written. */
static void
zeros(void)
{
	int fd = open("/dev/zero", O_RDWR), ro = open("/dev/zero", O_RDONLY);
	char *p[3], *big = malloc(200000);
	struct stat st;

	CHECK(fd >= 3 && ro >= 3 && big != NULL, "errno %d", errno);
	for (unsigned shared = 0; shared < 2; shared++) {
		for (unsigned i = 0; i < 3; i++) {
			p[i] = mmap(NULL, 2 * P, RW, shared ? MAP_SHARED : MAP_PRIVATE, shared ? fd : ro, i * P);
			CHECK(p[i] != MAP_FAILED && all(p[i], 0, 2 * P), "errno %d", errno);
			p[i][0] = 1 + (char)i;
		}
		CHECK(p[0][0] == 1 && p[1][0] == 2);
		for (unsigned i = 0; i < 3; i++)
			OK(munmap(p[i], 2 * P));
	}
	FAILS(EACCES, mmap(NULL, P, RW, MAP_SHARED, ro, 0));
	FAILS(EINVAL, mmap(NULL, P, RW, 0, fd, 0));
	memset(big, 1, 200000);
	CHECK(read(ro, big, 199999) == 199999 && all(big, 0, 199999) && big[199999] == 1);
	FAILS(EFAULT, read(ro, (void *)8, 1));
	CHECK(write(fd, big, 100) == 100);
	FAILS(EBADF, write(ro, big, 100));
	FAILS(EINVAL, ftruncate(fd, P));
	OK(fstat(fd, &st));
	CHECK(S_ISCHR(st.st_mode) && st.st_size == 0);
	OK(chmod("/dev/zero", 0600));
	FAILS(ENOENT, chmod("/dev/none", 0600));
	/* Names made up: each another. */
	{
		char one[] = "/tmp/suite.XXXXXX", two[] = "/tmp/suite.XXXXXX", bad[] = "/tmp/suite.XXXXX";
		int a = mkstemp(one), b = mkstemp(two);

		CHECK(a >= 3 && b >= 3 && strcmp(one, two) != 0 && strncmp(one, "/tmp/suite.", 11) == 0, "%s %s", one, two);
		CHECK(write(a, "a", 1) == 1 && access(one, R_OK | W_OK) == 0);
		FAILS(EINVAL, mkstemp(bad));
		OK(unlink(one));
		OK(unlink(two));
		OK(close(a));
		OK(close(b));
	}
	/* A fixed address is looked at before the descriptor. */
	FAILS(EINVAL, mmap((void *)(P + 1), P, PROT_READ, MAP_PRIVATE | MAP_FIXED, -1, 0));
	FAILS(EBADF, mmap((void *)P, P, PROT_READ, MAP_PRIVATE | MAP_FIXED, -1, 0));
	free(big);
	OK(close(fd));
	OK(close(ro));
}

int
main(void)
{
	touch_init();
	zeros();
	reading();
	truncating();
	shared();
	private();
	arguments();
	forked();
	guards();
	ends_that_move();
	return check_result("mmap_file_test");
}
