/*
 * base/print.h: words to the console, and the end of the world.
 */
#ifndef BASE_PRINT_H
#define BASE_PRINT_H

#include <stdarg.h>
#include <base/types.h>

/* Formats as C's printf does. May be called anywhere, with any lock held. */
int kprintf(const char *fmt, ...) printf_like(1, 2);
int kvprintf(const char *fmt, va_list ap);

/*
 * Stops the machine with a crash report (kernel) or aborts (host). For what
 * only we can cause; a user's mistake is a kern_return_t.
 */
void panic(const char *fmt, ...) printf_like(1, 2) noreturn_fn;

/* KASSERT(cond, ("format", values...)); kept in every build: it is cheap. */
#define KASSERT(cond, msg) \
	do { \
		if (unlikely(!(cond))) \
			panic msg; \
	} while (0)

/* As KASSERT, but only in debug builds: for checks on hot paths. */
#ifndef ATLAS_DEBUG
#define ATLAS_DEBUG 0
#endif
#define DASSERT(cond, msg) \
	do { \
		if (ATLAS_DEBUG && unlikely(!(cond))) \
			panic msg; \
	} while (0)

#endif
