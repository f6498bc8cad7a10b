/*
 * print.c: kprintf, and panic.
 *
 * picolibc formats; its characters are gathered in a small buffer on the stack
 * and go to the console under the console's lock, which is held from the first
 * character to the last, so that lines of different harts do not mix. The lock
 * has the highest rank: printing is allowed with any other lock held.
 */
#include <stdio.h>
#include <arch/crash.h>
#include <base/print.h>
#include <kernel/console.h>

#define PRINT_CHUNK 128

struct print_file {
	FILE   file;            /* must stay first: print_put gets a pointer to it */
	size_t n;
	char   buf[PRINT_CHUNK];
};

static int
print_put(char c, FILE *file)
{
	struct print_file *p = (struct print_file *)(void *)file;

	p->buf[p->n++] = c;
	if (p->n == PRINT_CHUNK) {
		console_write_locked(p->buf, p->n);
		p->n = 0;
	}
	return 0;
}

int
kvprintf(const char *fmt, va_list ap)
{
	struct print_file p;
	int n;

	p.file = (FILE)FDEV_SETUP_STREAM(print_put, NULL, NULL, _FDEV_SETUP_WRITE);
	p.n = 0;
	console_lock();
	n = vfprintf(&p.file, fmt, ap);
	console_write_locked(p.buf, p.n);
	console_unlock();
	return n;
}

int
kprintf(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvprintf(fmt, ap);
	va_end(ap);
	return n;
}

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	crash_panic(fmt, ap);
}
