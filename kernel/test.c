/*
 * test.c: the boot-time test runner: `test list`, `test run`.
 *
 * Tests register themselves (base/test.h); the linker's order means nothing, so
 * they are sorted by suite.name first. The report is KTAP:
 *
 *	KTAP version 1
 *	1..3
 *	ok 1 map.enter_anywhere
 *	# mm/x.c:12: a == b: 0x1, 0x2
 *	not ok 2 map.remove
 *	ok 3 smp.shootdown # SKIP one hart
 *	# passed 1 failed 1 skipped 1
 *
 * A failed assertion prints its line at once (in front of the verdict) and ends
 * the function that holds it; the test goes on in its caller, which looks at
 * test_failed(). Assertions may come from several threads: the counters are
 * atomic, and a test ends when its run function returns. A test without a
 * single assertion that is not skipped fails: it shows nothing.
 */
#include <string.h>
#include <stdio.h>
#include <base/print.h>
#include <base/test.h>
#include <kernel/cmd.h>
#include <kernel/task.h>
#include <kernel/thread.h>
#include "shell/shell.h"

#define TESTS_MAX 2048

SET_DECLARE(tests, const struct test_case);

static const struct test_case *sorted[TESTS_MAX];
static unsigned                nsorted;

/* The test that runs now. */
static unsigned    assertions, failures;
static const char *skip_reason;

void
test_count_assertion(void)
{
	__atomic_add_fetch(&assertions, 1, __ATOMIC_RELAXED);
}

bool
test_failed(void)
{
	return __atomic_load_n(&failures, __ATOMIC_RELAXED) != 0;
}

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kprintf("# %s:%d: %s\n", file, line, text);
}

void
test_skip(const char *reason)
{
	skip_reason = reason;
}

static const char *
full_name(const struct test_case *t, char buf[96])
{
	snprintf(buf, 96, "%s.%s", t->suite, t->name);
	return buf;
}

/* Fits any of the patterns? None given: everything fits. */
static bool
selected(const struct cmd_ctx *c, const struct test_case *t)
{
	char name[96];
	int i;

	full_name(t, name);
	for (i = 0; i < c->argc; i++)
		if (shell_glob(c->argv[i], name))
			return true;
	return c->argc == 0;
}

static bool
before(const struct test_case *a, const struct test_case *b)
{
	int order = strcmp(a->suite, b->suite);

	return order != 0 ? order < 0 : strcmp(a->name, b->name) < 0;
}

static unsigned
collect(const struct cmd_ctx *c)
{
	const struct test_case *const *p;
	unsigned i;

	nsorted = 0;
	SET_FOREACH(p, tests) {
		if (!selected(c, *p))
			continue;
		KASSERT(nsorted < TESTS_MAX, ("more than %d tests", TESTS_MAX));
		for (i = nsorted++; i > 0 && before(*p, sorted[i - 1]); i--)
			sorted[i] = sorted[i - 1];
		sorted[i] = *p;
	}
	return nsorted;
}

/* A pattern that fits nothing is a mistake in it, not a success. */
static bool
all_patterns_fit(const struct cmd_ctx *c)
{
	char name[96];
	unsigned j;
	int i;

	for (i = 0; i < c->argc; i++) {
		for (j = 0; j < nsorted; j++)
			if (shell_glob(c->argv[i], full_name(sorted[j], name)))
				break;
		if (j == nsorted) {
			kprintf("test: no test fits '%s'\n", c->argv[i]);
			return false;
		}
	}
	return nsorted > 0;
}

struct tally {
	unsigned passed, failed, skipped;
};

static void
run_one(const struct test_case *t, unsigned number, struct tally *tally)
{
	char name[96];

	assertions = failures = 0;
	skip_reason = NULL;
	full_name(t, name);
	/* Tests compare memory before and after: what the last one ended is gone by now. */
	task_settle();
	thread_trim();
	t->run();
	if (failures == 0 && skip_reason != NULL) {
		kprintf("ok %u %s # SKIP %s\n", number, name, skip_reason);
		tally->skipped++;
		return;
	}
	if (failures == 0 && assertions == 0)
		test_fail(t->suite, 0, "nothing was asserted");
	kprintf("%s %u %s\n", failures == 0 ? "ok" : "not ok", number, name);
	if (failures == 0)
		tally->passed++;
	else
		tally->failed++;
}

static int
do_test_run(struct cmd_ctx *c)
{
	struct tally tally = { 0, 0, 0 };
	unsigned i, n = collect(c);

	if (!all_patterns_fit(c))
		return 1;
	kprintf("KTAP version 1\n1..%u\n", n);
	for (i = 0; i < n; i++) {
		if (cmd_interrupted()) {
			kprintf("# interrupted\n");
			return 1;
		}
		run_one(sorted[i], i + 1, &tally);
	}
	kprintf("# passed %u failed %u skipped %u\n", tally.passed, tally.failed, tally.skipped);
	cmd_set_num("passed", tally.passed);
	cmd_set_num("failed", tally.failed);
	cmd_set_num("skipped", tally.skipped);
	return tally.failed != 0;
}

COMMAND_NAMED(test_run, "test run", do_test_run, "test", "run the boot-time tests that fit a pattern",
    "Patterns with * and ? over suite.name; none: all. The report is KTAP. Fails when a test\n"
    "fails, or when a pattern fits nothing.\n"
    "  test run 'vm_map.*' smp.*",
    OPT(REST, "glob", ""));

static int
do_test_list(struct cmd_ctx *c)
{
	static const struct column columns[] = { { "test", "TEST", COL_TEXT, -1 } };
	struct listing l;
	char name[96];
	unsigned i, n;

	if (c->arg[0].given) {
		c->argc = 1;
		c->argv[0] = (char *)(uintptr_t)c->arg[0].word;
	}
	n = collect(c);
	list_begin(&l, c, columns, nitems(columns));
	for (i = 0; i < n; i++)
		list_text(&l, full_name(sorted[i], name));
	return 0;
}

COMMAND_NAMED(test_list, "test list", do_test_list, "test", "the boot-time tests, by name",
    "  test list 'pmap.*'",
    OPT(WORD, "glob", ""));
