/*
 * runner.c: runs the unit tests on the host and reports in KTAP.
 *
 *	unit [-l] [--svnapot] [GLOB...]     tests whose suite.name matches one of the globs
 *
 * --svnapot: on machines with Svnapot, where the same tests see leaves of 64 KiB.
 *
 * A test passes when it asserted something, nothing failed, no lock is held
 * afterwards, every physical page is free again and the page allocator's census
 * agrees. A panic, or a test that takes over five minutes, ends the run: "not ok",
 * then "Bail out!". A test that booted memory of its own size gets the next one
 * a fresh boot; suites *_giga get memory with a gigabyte in one run.
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <base/lock.h>
#include <mm/vm_page.h>
#include <host.h>
#include <tlb_sim.h>

#define TEST_SECONDS    300     /* a hang, however busy the machine is */

SET_DECLARE(tests, const struct test_case);

static const struct test_case **test;
static unsigned ntests, at;

static int
by_name(const void *a, const void *b)
{
	const struct test_case *x = *(const struct test_case *const *)a;
	const struct test_case *y = *(const struct test_case *const *)b;
	int c = strcmp(x->suite, y->suite);

	return c != 0 ? c : strcmp(x->name, y->name);
}

static bool
wanted(const struct test_case *t, int n, char **glob)
{
	char name[256];

	snprintf(name, sizeof(name), "%s.%s", t->suite, t->name);
	for (int i = 0; i < n; i++)
		if (fnmatch(glob[i], name, 0) == 0)
			return true;
	return n == 0;
}

static void
collect(int n, char **glob)
{
	const struct test_case *const *p;

	test = malloc((SET_COUNT(tests) + 1) * sizeof(*test));
	SET_FOREACH(p, tests)
		if (wanted(*p, n, glob))
			test[ntests++] = *p;
	qsort(test, ntests, sizeof(*test), by_name);
}

static void
line(bool ok, const char *directive)
{
	printf("%s %u %s.%s%s%s\n", ok ? "ok" : "not ok", at + 1, test[at]->suite, test[at]->name,
	    directive != NULL ? " # SKIP " : "", directive != NULL ? directive : "");
}

static void
bail(const char *text)
{
	printf("# panic: %s\n", text);
	line(false, NULL);
	printf("Bail out! panic\n");
	fflush(stdout);
}

static void
too_long(int sig)
{
	static const char text[] = "Bail out! hang\n";

	(void)sig;
	printf("# took over %u seconds\nnot ok %u %s.%s\n", TEST_SECONDS, at + 1, test[at]->suite, test[at]->name);
	fflush(stdout);
	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

/* What must hold after every test; "" when it does. */
static void
check_after(uint64_t free_before, unsigned generation, char *text, size_t size)
{
	struct vm_page_counts c;
	struct vm_page *bad;
	uint64_t now;

	text[0] = '\0';
	lock_order_none();
	bad = vm_page_census(&c);
	if (bad != NULL) {
		snprintf(text, size, "census: page 0x%lx, kind %u, order %u", vm_page_pa(bad),
		    bad->kind, bad->order);
		return;
	}
	now = host_free_pages();
	if (host_test.skipped == NULL && host_test.assertions == 0)
		snprintf(text, size, "nothing was asserted");
	else if (generation == host_generation && now != free_before)
		snprintf(text, size, "%ld pages leaked", (long)(free_before - now));
}

static bool
run_one(void)
{
	static char text[256];
	static bool stale;      /* memory is not as boot makes it */
	bool giga = fnmatch("*_giga", test[at]->suite, 0) == 0;
	unsigned generation;
	uint64_t before;

	if (giga || stale)
		host_boot(giga ? HOST_MEM_GIGA : HOST_MEM_DEFAULT);
	before = host_free_pages();
	generation = host_generation;

	host_test = (struct host_test_state){ 0 };
	alarm(TEST_SECONDS);
	test[at]->run();
	alarm(0);
	host_panic_armed = false;
	vm_alloc_fail_at(0, false);
	if (giga && host_test.skipped != NULL)
		test_fail(test[at]->suite, 0, "skipped, where a gigabyte is free: %s", host_test.skipped);
	if (!host_test.failed) {
		check_after(before, generation, text, sizeof(text));
		if (text[0] != '\0')
			test_fail(test[at]->suite, 0, "%s", text);
	}
	if (host_test.failed)
		printf("# %s\n", host_test.text);
	line(!host_test.failed, host_test.failed ? NULL : host_test.skipped);
	fflush(stdout);
	stale = giga || generation != host_generation || host_test.failed;
	return !host_test.failed;
}

int
main(int argc, char **argv)
{
	bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
	unsigned failed = 0;

	argc -= list;
	argv += list;
	tlb_sim_napot = argc > 1 && strcmp(argv[1], "--svnapot") == 0;
	argc -= tlb_sim_napot;
	argv += tlb_sim_napot;
	collect(argc - 1, argv + 1);
	if (list) {
		for (at = 0; at < ntests; at++)
			printf("%s.%s\n", test[at]->suite, test[at]->name);
		return 0;
	}
	printf("KTAP version 1\n1..%u\n", ntests);
	host_panic_hook = bail;
	signal(SIGALRM, too_long);
	host_boot(HOST_MEM_DEFAULT);
	for (at = 0; at < ntests; at++)
		failed += !run_one();
	return failed != 0 || ntests == 0;
}
