/*
 * testing.c: the assertions of base/test.h on the host.
 */
#include <stdarg.h>
#include <stdio.h>
#include <host.h>

struct host_test_state host_test;

void test_count_assertion(void) { __atomic_fetch_add(&host_test.assertions, 1, __ATOMIC_RELAXED); }
bool test_failed(void) { return host_test.failed; }
void test_skip(const char *reason) { host_test.skipped = reason; }

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (host_test.failed)
		return;
	host_test.failed = true;
	n = snprintf(host_test.text, sizeof(host_test.text), "%s:%d: ", file, line);
	va_start(ap, fmt);
	vsnprintf(host_test.text + n, sizeof(host_test.text) - (size_t)n, fmt, ap);
	va_end(ap);
}
