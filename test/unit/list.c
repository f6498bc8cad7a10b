/*
 * list: links in and out, in order.
 */
#include <base/list.h>
#include <base/test.h>

struct item {
	unsigned    value;
	struct list link;
};

static uint64_t
digits(struct list *h)
{
	struct list *l;
	uint64_t v = 0;

	list_foreach(l, h)
		v = v * 10 + list_entry(l, struct item, link)->value;
	return v;
}

TEST(list, order_of_insertion)
{
	struct item i[5] = { { .value = 1 }, { .value = 2 }, { .value = 3 }, { .value = 4 }, { .value = 5 } };
	struct list h;

	list_init(&h);
	ASSERT_TRUE(list_empty(&h));
	list_push_back(&h, &i[1].link);
	list_push_back(&h, &i[2].link);
	list_push_front(&h, &i[0].link);
	list_insert_after(&i[0].link, &i[4].link);
	ASSERT_EQ(digits(&h), 1523);
	ASSERT_TRUE(list_first(&h, struct item, link) == &i[0]);
	list_remove(&i[4].link);
	ASSERT_EQ(digits(&h), 123);
	list_remove(&i[0].link);
	list_remove(&i[2].link);
	ASSERT_EQ(digits(&h), 2);
	list_remove(&i[1].link);
	ASSERT_TRUE(list_empty(&h));
}

TEST(list, removal_while_walking)
{
	struct item i[6] = { { .value = 1 }, { .value = 2 }, { .value = 3 }, { .value = 4 }, { .value = 5 }, { .value = 6 } };
	struct list h, *l, *n;

	list_init(&h);
	for (unsigned k = 0; k < nitems(i); k++)
		list_push_back(&h, &i[k].link);
	list_foreach_safe(l, n, &h)
		if (list_entry(l, struct item, link)->value % 2 == 0)
			list_remove(l);
	ASSERT_EQ(digits(&h), 135);
}
