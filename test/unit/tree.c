/*
 * tree: order, balance and summary against a sorted array, under random
 * insertion and removal.
 */
#include <base/test.h>
#include <base/tree_inline.h>

struct item {
	struct tree_node node;
	uint64_t key, weight, max;      /* max: largest weight in the subtree */
	bool in;
};

#define N 300
static struct item item[N];

static struct item *
item_of(struct tree_node *n)
{
	return container_of(n, struct item, node);
}

static bool
item_summary(struct tree_node *n)
{
	struct item *i = item_of(n);
	uint64_t m = i->weight;

	if (n->left != NULL && item_of(n->left)->max > m)
		m = item_of(n->left)->max;
	if (n->right != NULL && item_of(n->right)->max > m)
		m = item_of(n->right)->max;
	if (m == i->max)
		return false;
	i->max = m;
	return true;
}

static void
insert(struct tree *t, struct item *i)
{
	struct tree_node *p = NULL, *n = t->root;
	bool left = false;

	while (n != NULL) {
		p = n;
		left = i->key < item_of(n)->key;
		n = left ? n->left : n->right;
	}
	i->max = 0;
	i->in = true;
	tree_insert(t, &i->node, p, left, item_summary);
}

static bool
summaries_right(struct tree *t)
{
	struct tree_node *n;

	for (n = tree_first(t); n != NULL; n = tree_next(n)) {
		uint64_t m = item_of(n)->weight;

		if (n->left != NULL && item_of(n->left)->max > m)
			m = item_of(n->left)->max;
		if (n->right != NULL && item_of(n->right)->max > m)
			m = item_of(n->right)->max;
		if (m != item_of(n)->max)
			return false;
	}
	return true;
}

TEST(tree, random_insert_and_remove_keep_order_balance_and_summary)
{
	struct tree t;
	uint64_t x = 88172645463325252ull;

	tree_init(&t);
	for (unsigned i = 0; i < N; i++)
		item[i] = (struct item){ .key = i };
	for (unsigned round = 0; round < 6000; round++) {
		struct item *i;
		uint64_t count = 0, seen = 0;
		struct tree_node *n;

		x ^= x << 13; x ^= x >> 7; x ^= x << 17;
		i = &item[x % N];
		if (!i->in) {
			i->weight = (x >> 20) % 1000;
			insert(&t, i);
		} else if ((x >> 40) & 1) {
			tree_remove(&t, &i->node, item_summary);
			i->in = false;
		} else {
			i->weight = (x >> 20) % 1000;
			tree_update(&i->node, item_summary);
		}
		if (round % 16 != 0)
			continue;
		ASSERT_TRUE(tree_check(&t) >= 0);
		ASSERT_TRUE(summaries_right(&t));
		for (unsigned k = 0; k < N; k++)
			count += item[k].in;
		for (n = tree_first(&t); n != NULL; n = tree_next(n)) {
			struct tree_node *prev = tree_prev(n);

			ASSERT_TRUE(item_of(n)->in);
			ASSERT_TRUE(prev == NULL || item_of(prev)->key < item_of(n)->key);
			seen++;
		}
		ASSERT_EQ(seen, count);
	}
}

TEST(tree, append_to_any_tree_keeps_order_and_balance)
{
	uint64_t x = 2463534242ull, key = 0;
	struct tree t;

	tree_init(&t);
	for (unsigned i = 0; i < N; i++)
		item[i] = (struct item){ .key = 0 };
	for (unsigned round = 0; round < 6000; round++) {
		struct tree_node *n, *last = tree_last(&t);
		struct item *i;

		x ^= x << 13; x ^= x >> 7; x ^= x << 17;
		i = &item[x % N];
		if (i->in)
			tree_remove(&t, &i->node, NULL);
		else {
			i->key = ++key;
			if (last == NULL)
				tree_insert(&t, &i->node, NULL, false, NULL);
			else
				tree_append(&t, &i->node, last);
			ASSERT_TRUE(tree_last(&t) == &i->node);
		}
		i->in = !i->in;
		ASSERT_TRUE(tree_check(&t) >= 0);
		if (round % 64 == 0)
			for (n = tree_first(&t); n != NULL && tree_next(n) != NULL; n = tree_next(n))
				ASSERT_TRUE(item_of(n)->key < item_of(tree_next(n))->key);
	}
}

TEST(tree, check_notices_a_wrong_balance_and_a_wrong_parent)
{
	struct tree t;

	tree_init(&t);
	for (unsigned i = 0; i < 20; i++) {
		item[i] = (struct item){ .key = i };
		insert(&t, &item[i]);
	}
	ASSERT_EQ(tree_check(&t), 5);
	t.root->parent ^= 1;
	ASSERT_EQ((unsigned)tree_check(&t), (unsigned)-1);
	t.root->parent ^= 1;
	t.root->left->parent = (uintptr_t)t.root->right | (t.root->left->parent & 3);
	ASSERT_EQ((unsigned)tree_check(&t), (unsigned)-1);
}
