/*
 * ksym.c: the kernel finds its own functions by address.
 */
#include <string.h>
#include <base/test.h>
#include <kernel/cmd.h>
#include <kernel/ksym.h>
#include <kernel/power.h>

extern char _start[], _text_end[];

static void
expect_name(uint64_t pc, const char *name, uint64_t offset)
{
	uint64_t off = ~0ul;
	const char *found = ksym_name(pc, &off);

	ASSERT_TRUE(found != NULL);
	if (strcmp(found, name) != 0) {
		test_fail(__FILE__, __LINE__, "0x%lx is in %s, not in %s", (unsigned long)pc, found, name);
		return;
	}
	ASSERT_EQ(off, offset);
}

TEST(ksym, names_functions_and_places_inside)
{
	expect_name((uint64_t)&ksym_name, "ksym_name", 0);
	expect_name((uint64_t)&ksym_name + 6, "ksym_name", 6);
	expect_name((uint64_t)&shell_line, "shell_line", 0);
	expect_name((uint64_t)&power_off + 2, "power_off", 2);
	expect_name((uint64_t)&strcmp, "strcmp", 0);
	expect_name((uint64_t)&expect_name, "expect_name", 0);
}

TEST(ksym, knows_first_and_last_and_nothing_beyond)
{
	ASSERT_TRUE(ksym_name((uint64_t)_start, NULL) != NULL);
	ASSERT_TRUE(ksym_name((uint64_t)_text_end - 1, NULL) != NULL);
	ASSERT_TRUE(ksym_name((uint64_t)_text_end, NULL) == NULL);
	ASSERT_TRUE(ksym_name((uint64_t)_start - 1, NULL) == NULL);
	ASSERT_TRUE(ksym_name(0, NULL) == NULL);
	ASSERT_TRUE(ksym_name(~0ul, NULL) == NULL);
}

/* Walking the text, the place in its function starts anew exactly where the name changes. */
TEST(ksym, offsets_and_names_change_together)
{
	const char *last = NULL;
	uint64_t last_offset = 0, functions = 0;

	for (uint64_t pc = (uint64_t)_start; pc < (uint64_t)_start + 16384; pc += 2) {
		uint64_t offset;
		const char *name = ksym_name(pc, &offset);

		if (name == last)
			ASSERT_EQ(offset, last_offset + 2);
		else
			ASSERT_EQ(offset, 0);
		functions += name != last;
		last = name;
		last_offset = offset;
	}
	ASSERT_GE(functions, 20);
}
