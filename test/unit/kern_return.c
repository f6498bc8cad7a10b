/*
 * kern_return: names both ways, and reasons as text.
 */
#include <string.h>
#include <base/kern_return.h>
#include <base/test.h>

TEST(kern_return, names_and_numbers_agree)
{
	unsigned named = 0;

	for (int kr = 0; kr <= KERN_RETURN_MAX; kr++) {
		const char *name = kern_return_name(kr);

		if (strcmp(name, "KERN_?") != 0) {
			ASSERT_EQ(kern_return_value(name), kr);
			named++;
		}
	}
	ASSERT_EQ(named, 47);
	ASSERT_EQ(strcmp(kern_return_name(3), "KERN_NO_SPACE"), 0);
	ASSERT_EQ(strcmp(kern_return_name(-1), "KERN_?"), 0);
	ASSERT_EQ(kern_return_value("KERN_NONSENSE"), -1);
	ASSERT_EQ(kern_return_value("KERN_?"), -1);
}

static kern_return_t
refuse(uint64_t size, int n)
{
	return KERN_FAIL(KERN_NO_SPACE, "no gap of 0x%lx bytes for %s, try %d", size, "t1", n);
}

TEST(kern_return, reason_keeps_its_values)
{
	char buf[80];

	ASSERT_EQ(refuse(0xfedcba9876543210ul, -7), KERN_NO_SPACE);
	kern_reason_text(kern_reason(), buf, sizeof(buf));
	ASSERT_EQ(strcmp(buf, "no gap of 0xfedcba9876543210 bytes for t1, try -7"), 0);
}

TEST(kern_return, reason_text_is_cut_and_terminated)
{
	struct kern_reason none = { 0 };
	char buf[8] = "xxxxxxx";

	(void)refuse(1, 2);
	kern_reason_text(kern_reason(), buf, sizeof(buf));
	ASSERT_EQ(strcmp(buf, "no gap "), 0);
	kern_reason_text(kern_reason(), buf, 0);
	ASSERT_EQ(buf[0], 'n');
	kern_reason_text(&none, buf, sizeof(buf));
	ASSERT_EQ(buf[0], '\0');
}
