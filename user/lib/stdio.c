/*
 * stdio.c: standard input, output and error on the console.
 *
 * Each thread collects its own line and writes it whole, at the newline, when
 * it is full, at fflush, or when the thread or the program ends. So lines of
 * several threads never mix and printing takes no lock. Standard error shares
 * the line: the order is the order of printing.
 */
#include "libatlas.h"
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 200

static __thread struct {
	unsigned char n;
	char          text[LINE_MAX_BYTES];
} line;

void
__atlas_stdout_flush(void)
{
	size_t n = line.n;

	line.n = 0;
	if (n > 0)
		write(STDOUT_FILENO, line.text, n);
}

static int
console_put(char c, FILE *file)
{
	(void)file;
	line.text[line.n++] = c;
	if (c == '\n' || line.n == LINE_MAX_BYTES)
		__atlas_stdout_flush();
	return (unsigned char)c;
}

static int
console_get(FILE *file)
{
	unsigned char c;

	(void)file;
	__atlas_stdout_flush();         /* a prompt must be seen */
	return read(STDIN_FILENO, &c, 1) == 1 ? c : EOF;
}

static int
console_flush(FILE *file)
{
	(void)file;
	__atlas_stdout_flush();
	return 0;
}

static FILE console = FDEV_SETUP_STREAM(console_put, console_get, console_flush,
    _FDEV_SETUP_RW);
FILE *const stdin = &console;
FILE *const stdout = &console;
FILE *const stderr = &console;

/* The kernel's answer to a transfer: bytes, or -kern_return_t. */
static ssize_t
transferred(long r)
{
	if (r >= 0)
		return r;
	errno = -r == KERN_INVALID_ADDRESS ? EFAULT : -r == KERN_ABORTED ? EINTR : EIO;
	return -1;
}

ssize_t
write(int fd, const void *buf, size_t n)
{
	size_t done = 0;
	ssize_t r;

	if (fd != STDOUT_FILENO && fd != STDERR_FILENO)
		return __atlas_file_write(fd, buf, n);
	do {
		r = transferred(atlas_syscall2(ATLAS_SYS_console_write,
		    (uintptr_t)buf + done, n - done));
		if (r > 0)
			done += r;
	} while (r > 0 && done < n);
	return done > 0 ? (ssize_t)done : r;
}

ssize_t
read(int fd, void *buf, size_t n)
{
	if (fd != STDIN_FILENO)
		return __atlas_file_read(fd, buf, n);
	return transferred(atlas_syscall2(ATLAS_SYS_console_read, (uintptr_t)buf, n));
}

int
isatty(int fd)
{
	if (fd >= STDIN_FILENO && fd <= STDERR_FILENO)
		return 1;
	if (fcntl(fd, F_GETFL) >= 0)    /* else EBADF is said */
		errno = ENOTTY;
	return 0;
}
