/*
 * pipe_test: pipes between processes: order, end of file, waiting, refusals.
 */
#include "posix.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#define MANY (1ul << 20)

/* How tests of other systems keep parent and child in step. */
static void
in_step(void)
{
	volatile char *shared = filled(P, 0, SHARED), *private = filled(P, 0, PRIVATE);
	int down[2], up[2], status;
	char c;
	pid_t pid;

	OK(pipe(down));
	OK(pipe(up));
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 50; i++) {
			if (read(down[0], &c, 1) != 1 || c != i || shared[0] != i || private[0] != 0)
				_exit(1);
			shared[1] = i;
			if (write(up[1], &c, 1) != 1)
				_exit(2);
		}
		_exit(0);
	}
	for (int i = 0; i < 50; i++) {
		c = i;
		shared[0] = i;
		private[0] = i + 1;
		CHECK(write(down[1], &c, 1) == 1);
		CHECK(read(up[0], &c, 1) == 1 && c == i && shared[1] == i);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	for (int i = 0; i < 2; i++) {
		OK(close(down[i]));
		OK(close(up[i]));
	}
}

/* More than fits, one way; the end is seen when the last writer is gone. */
static void
streams(void)
{
	unsigned char *m = (unsigned char *)filled(MANY, 0, PRIVATE);
	size_t done = 0;
	ssize_t r;
	int p[2], status;
	pid_t pid;

	OK(pipe(p));
	pid = fork();
	if (pid == 0) {
		OK(close(p[0]));
		for (size_t i = 0; i < MANY; i++)
			m[i] = i * 7 >> 3;
		_exit(write(p[1], m, MANY) != MANY);
	}
	OK(close(p[1]));
	while ((r = read(p[0], m + done, MANY - done > 9999 ? 9999 : MANY - done)) > 0)
		done += r;
	CHECK(r == 0 && done == MANY, "%zd %zu", r, done);
	for (size_t i = 0; i < MANY; i++)
		if (m[i] != (unsigned char)(i * 7 >> 3)) {
			CHECK(m[i] == (unsigned char)(i * 7 >> 3), "at %zu", i);
			break;
		}
	CHECK(read(p[0], m, 1) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	OK(close(p[0]));
	OK(munmap(m, MANY));
}

/* A writer that dies of a fault, or of a signal, has closed its end. */
static void
writers_die(void)
{
	int p[2], status;
	char c;

	for (int how = 0; how < 3; how++) {
		pid_t pid;

		OK(pipe(p));
		pid = fork();
		if (pid == 0) {
			write(p[1], "x", 1);
			if (how == 0)
				*(volatile char *)0x10 = 1;
			if (how == 1)
				raise(SIGTERM);
			_exit(3);
		}
		OK(close(p[1]));
		CHECK(read(p[0], &c, 1) == 1 && c == 'x');
		CHECK(read(p[0], &c, 1) == 0);
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(how == 2 ? WIFEXITED(status) : WTERMSIG(status) == (how == 0 ? SIGSEGV : SIGTERM), "0x%x", status);
		OK(close(p[0]));
	}
}

static void
refusals(void)
{
	char buf[5000] = "", c;
	struct stat st;
	int p[2], d;

	OK(pipe(p));
	OK(fstat(p[0], &st));
	CHECK(S_ISFIFO(st.st_mode));
	FAILS(EBADF, write(p[0], "x", 1));
	FAILS(EBADF, read(p[1], &c, 1));
	FAILS(ESPIPE, lseek(p[0], 0, SEEK_SET));
	FAILS(ESPIPE, pread(p[0], &c, 1, 0));
	FAILS(ENODEV, mmap(NULL, P, PROT_READ, MAP_SHARED, p[0], 0));
	FAILS(EFAULT, write(p[1], (void *)8, 1));
	CHECK(fcntl(p[0], F_GETFL) == O_RDONLY && fcntl(p[1], F_GETFL) == O_WRONLY);
	OK(fcntl(p[0], F_SETFL, O_NONBLOCK));
	OK(fcntl(p[1], F_SETFL, O_NONBLOCK));
	FAILS(EAGAIN, read(p[0], &c, 1));
	while (write(p[1], buf, sizeof(buf)) > 0)
		;
	CHECK(errno == EAGAIN);
	CHECK(read(p[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	d = dup(p[1]);
	CHECK(d > p[1] && dup2(p[1], 40) == 40 && fcntl(p[1], F_DUPFD, 50) == 50);
	OK(close(p[1]));
	OK(close(d));
	OK(close(40));
	OK(fcntl(p[0], F_SETFL, 0));
	while (read(p[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		;
	CHECK(write(50, "y", 1) == 1 && read(p[0], &c, 1) == 1 && c == 'y');    /* still one writer */
	OK(close(50));
	CHECK(read(p[0], &c, 1) == 0);
	OK(close(p[0]));
	OK(pipe(p));
	OK(close(p[0]));
	signal(SIGPIPE, SIG_IGN);
	FAILS(EPIPE, write(p[1], "x", 1));
	OK(close(p[1]));
	FAILS(EBADF, dup2(60, 5));
	FAILS(EBADF, fcntl(60, F_GETFL));
}

int
main(void)
{
	in_step();
	streams();
	writers_die();
	refusals();
	return check_result("pipe_test");
}
