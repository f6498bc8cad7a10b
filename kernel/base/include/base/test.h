/*
 * base/test.h: tests that register themselves.
 *
 *	TEST(vm_map, clip_start_keeps_the_tail)
 *	{
 *		ASSERT_EQ(entry->offset, PAGE_SIZE);
 *	}
 *
 * The same source runs on the host (test/host/runner.c) and at boot
 * (kernel/test.c, command `test`). A failed assertion prints file, line and
 * both values and ends the test by returning from the function that holds it;
 * use it only in void functions, and check test_failed() after calling a
 * helper. A test with nothing asserted fails: the runner counts assertions.
 */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <base/types.h>
#include <base/linker_set.h>

struct test_case {
	const char *suite;
	const char *name;
	void      (*run)(void);
};

#define TEST(suite_, name_) \
	static void test_##suite_##_##name_(void); \
	static const struct test_case test_case_##suite_##_##name_ = \
	    { #suite_, #name_, test_##suite_##_##name_ }; \
	SET_ADD(tests, &test_case_##suite_##_##name_); \
	static void test_##suite_##_##name_(void)

/* Supplied by the runner. */
void test_count_assertion(void);
bool test_failed(void);
void test_fail(const char *file, int line, const char *fmt, ...) printf_like(3, 4);
void test_skip(const char *reason);     /* constant string; then return */

#define ASSERT_TRUE(c) \
	do { \
		test_count_assertion(); \
		if (!(c)) { \
			test_fail(__FILE__, __LINE__, "%s", #c); \
			return; \
		} \
	} while (0)
#define ASSERT_FALSE(c) ASSERT_TRUE(!(c))
#define ASSERT_OP(a, op, b) \
	do { \
		uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b); \
		test_count_assertion(); \
		if (!(a_ op b_)) { \
			test_fail(__FILE__, __LINE__, "%s " #op " %s: 0x%lx, 0x%lx", \
			    #a, #b, (unsigned long)a_, (unsigned long)b_); \
			return; \
		} \
	} while (0)
#define ASSERT_EQ(a, b) ASSERT_OP(a, ==, b)
#define ASSERT_NE(a, b) ASSERT_OP(a, !=, b)
#define ASSERT_LE(a, b) ASSERT_OP(a, <=, b)
#define ASSERT_GE(a, b) ASSERT_OP(a, >=, b)

#endif
