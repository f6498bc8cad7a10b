/*
 * touch.h: accesses that may fault, for the U-mode test programs.
 *
 * touch_read(p) and touch_write(p, v) return 0, or the signal that the access
 * raised (SIGSEGV, SIGBUS). touch_init first. One thread at a time.
 */
#ifndef TOUCH_H
#define TOUCH_H

#include <setjmp.h>
#include <signal.h>
#include <string.h>

static sigjmp_buf touch_back;

static void
touch_fault(int sig)
{
	siglongjmp(touch_back, sig);
}

static inline void __attribute__((unused))
touch_init(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = touch_fault;
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

static inline int __attribute__((unused))
touch_read(volatile const void *p)
{
	int sig = sigsetjmp(touch_back, 1);

	if (sig == 0)
		(void)*(volatile const char *)p;
	return sig;
}

static inline int __attribute__((unused))
touch_write(volatile void *p, int v)
{
	int sig = sigsetjmp(touch_back, 1);

	if (sig == 0)
		*(volatile char *)p = (char)v;
	return sig;
}

#endif
