/*
 * tree.c: AVL trees with a summary per subtree (base/tree.h).
 */
#include <base/tree_inline.h>

/* with: the function of those who do not inline theirs. */
static bool
summarize(struct tree_node *n, const void *with)
{
	return (*(const tree_summary_fn *)with)(n);
}

void
tree_update(struct tree_node *n, tree_summary_fn summary)
{
	tree_update_with(n, summarize, &summary);
}

void
tree_insert(struct tree *t, struct tree_node *n, struct tree_node *parent,
    bool left, tree_summary_fn summary)
{
	tree_insert_with(t, n, parent, left, summary != NULL ? summarize : NULL, &summary);
}

void
tree_remove(struct tree *t, struct tree_node *n, tree_summary_fn summary)
{
	tree_remove_with(t, n, summary != NULL ? summarize : NULL, &summary);
}

struct tree_node *
tree_first(const struct tree *t)
{
	struct tree_node *n = t->root;

	while (n != NULL && n->left != NULL)
		n = n->left;
	return n;
}

struct tree_node *
tree_last(const struct tree *t)
{
	struct tree_node *n = t->root;

	while (n != NULL && n->right != NULL)
		n = n->right;
	return n;
}

struct tree_node *
tree_next(const struct tree_node *n)
{
	struct tree_node *p;

	if (n->right != NULL) {
		for (p = n->right; p->left != NULL; p = p->left)
			;
		return p;
	}
	for (p = tree_parent(n); p != NULL && p->right == n; p = tree_parent(p))
		n = p;
	return p;
}

struct tree_node *
tree_prev(const struct tree_node *n)
{
	struct tree_node *p;

	if (n->left != NULL) {
		for (p = n->left; p->right != NULL; p = p->right)
			;
		return p;
	}
	for (p = tree_parent(n); p != NULL && p->left == n; p = tree_parent(p))
		n = p;
	return p;
}

/* Depth is at most 1.45 log2(n), so the recursion is bounded by about 60. */
static int
check_subtree(const struct tree_node *n, const struct tree_node *parent)
{
	int l, r;

	if (n == NULL)
		return 0;
	if (tree_parent(n) != parent)
		return -1;
	l = check_subtree(n->left, n);
	r = check_subtree(n->right, n);
	if (l < 0 || r < 0 || r - l != tree_balance(n) || r - l < -1 || r - l > 1)
		return -1;
	return (l > r ? l : r) + 1;
}

int
tree_check(const struct tree *t)
{
	return check_subtree(t->root, NULL);
}
