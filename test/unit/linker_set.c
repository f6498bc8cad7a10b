/*
 * linker_set: members arrive whole, whatever their number, and an empty set is empty.
 */
#include <base/linker_set.h>
#include <base/test.h>

static const int one = 1, two = 2, three = 3;
SET_ADD(test_numbers, &one);
SET_ADD(test_numbers, &two);
SET_ADD(test_numbers, &three);
SET_DECLARE(test_numbers, const int);
SET_DECLARE(test_nothing, const int);

TEST(linker_set, holds_every_member_once)
{
	const int *const *p;
	unsigned seen = 0;

	ASSERT_EQ(SET_COUNT(test_numbers), 3);
	SET_FOREACH(p, test_numbers)
		seen += 1u << (4 * **p);
	ASSERT_EQ(seen, 0x1110);
}

TEST(linker_set, empty_set_has_no_members)
{
	const int *const *p;
	unsigned n = 0;

	SET_FOREACH(p, test_nothing)
		n++;
	ASSERT_EQ(n, 0);
}
