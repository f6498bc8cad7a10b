/*
 * err.c: messages of programs that fail, after BSD's err(3).
 *
 * A line is "what they said: the error's text"; programs have no name here.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* code 0: without an error's text. */
static void
say(int code, const char *format, va_list arguments)
{
	if (format != NULL)
		vfprintf(stderr, format, arguments);
	if (code != 0)
		fprintf(stderr, "%s%s", format != NULL ? ": " : "", strerror(code));
	fprintf(stderr, "\n");
}

#define SAY(code) do { \
	va_list arguments; \
	va_start(arguments, format); \
	say(code, format, arguments); \
	va_end(arguments); \
} while (0)

void
err(int status, const char *format, ...)
{
	SAY(errno);
	exit(status);
}

void
errx(int status, const char *format, ...)
{
	SAY(0);
	exit(status);
}

void
errc(int status, int code, const char *format, ...)
{
	SAY(code);
	exit(status);
}

void
warn(const char *format, ...)
{
	SAY(errno);
}

void
warnx(const char *format, ...)
{
	SAY(0);
}

void
warnc(int code, const char *format, ...)
{
	SAY(code);
}
