/*
 * base/tree_inline.h: the algorithms of base/tree.h, to be instantiated.
 *
 * A tree whose summary is hot (vm_map_store) makes its own copies of these
 * with its summary function inlined; everybody else calls tree.c's. Include in
 * a .c file only.
 *
 * tree_balance(n) = height(right) - height(left), -1..1, kept (plus one) in the
 * low two bits of the parent word. Insertion and removal walk up once to
 * rebalance and once, only as far as something changes, to bring summaries up
 * to date. A rotation keeps the set of nodes below the place it happens in, so
 * only the two or three nodes that turn need a new summary, lowest first. All
 * other summaries must be right when insertion or removal begins.
 */
#ifndef BASE_TREE_INLINE_H
#define BASE_TREE_INLINE_H

#include <base/tree.h>

typedef bool (*tree_summary_with_fn)(struct tree_node *n, const void *with);

static inline int
tree_balance(const struct tree_node *n)
{
	return (int)(n->parent & 3) - 1;
}

static inline void
tree_set_balance(struct tree_node *n, int b)
{
	n->parent = (n->parent & ~(uintptr_t)3) | (uintptr_t)(b + 1);
}

static inline void
tree_set_parent(struct tree_node *n, struct tree_node *p)
{
	n->parent = (uintptr_t)p | (n->parent & 3);
}

/* Puts `to` where `from` hangs below p (or at the root). */
static inline void
tree_replace_child(struct tree *t, struct tree_node *p, struct tree_node *from,
    struct tree_node *to)
{
	if (p == NULL)
		t->root = to;
	else if (p->left == from)
		p->left = to;
	else
		p->right = to;
}

/*
 *      x             y
 *     / \           / \
 *    a   y   -->   x   c      (left = false; mirrored for left = true)
 *       / \       / \
 *      b   c     a   b
 */
static always_inline struct tree_node *
tree_rotate(struct tree *t, struct tree_node *x, bool right, tree_summary_with_fn summary, const void *with)
{
	struct tree_node *y = right ? x->left : x->right;
	struct tree_node *b = right ? y->right : y->left;
	struct tree_node *p = tree_parent(x);

	if (right) {
		x->left = b;
		y->right = x;
	} else {
		x->right = b;
		y->left = x;
	}
	if (b != NULL)
		tree_set_parent(b, x);
	tree_replace_child(t, p, x, y);
	tree_set_parent(y, p);
	tree_set_parent(x, y);
	if (summary != NULL) {
		(void)summary(x, with);
		(void)summary(y, with);
	}
	return y;
}

/*
 * p is two higher on the left (or right) side: turn it. Returns the new top of
 * the subtree; *shrunk tells whether the subtree is lower than it was.
 */
static always_inline struct tree_node *
tree_restore(struct tree *t, struct tree_node *p, bool left, bool *shrunk,
    tree_summary_with_fn summary, const void *with)
{
	struct tree_node *c = left ? p->left : p->right;
	struct tree_node *g;
	int heavy = left ? -1 : 1;
	int bc = tree_balance(c), bg;

	if (bc != -heavy) {
		(void)tree_rotate(t, p, left, summary, with);
		*shrunk = bc != 0;
		tree_set_balance(p, bc == 0 ? heavy : 0);
		tree_set_balance(c, bc == 0 ? -heavy : 0);
		return c;
	}
	g = left ? c->right : c->left;
	bg = tree_balance(g);
	(void)tree_rotate(t, c, !left, summary, with);
	(void)tree_rotate(t, p, left, summary, with);
	tree_set_balance(p, bg == heavy ? -heavy : 0);
	tree_set_balance(c, bg == -heavy ? heavy : 0);
	tree_set_balance(g, 0);
	*shrunk = true;
	return g;
}

static always_inline void
tree_update_with(struct tree_node *n, tree_summary_with_fn summary, const void *with)
{
	while (n != NULL && summary(n, with))
		n = tree_parent(n);
}

/*
 * The halves of insertion, for those who know better how summaries change in
 * between: n becomes a leaf below parent; then the tree is balanced, for which
 * all summaries, n's included, must be right.
 */
static always_inline void
tree_hang(struct tree *t, struct tree_node *n, struct tree_node *parent, bool left)
{
	n->left = n->right = NULL;
	n->parent = (uintptr_t)parent;
	tree_set_balance(n, 0);
	if (parent == NULL)
		t->root = n;
	else if (left)
		parent->left = n;
	else
		parent->right = n;
}

static always_inline void
tree_rebalance_after_insert(struct tree *t, struct tree_node *n, tree_summary_with_fn summary, const void *with)
{
	struct tree_node *c = n, *p = tree_parent(n);
	bool shrunk;

	for (; p != NULL; c = p, p = tree_parent(p)) {
		int b = tree_balance(p) + (p->left == c ? -1 : 1);

		if (b == -2 || b == 2) {
			(void)tree_restore(t, p, b < 0, &shrunk, summary, with);
			return;
		}
		tree_set_balance(p, b);
		if (b == 0)
			return;
	}
}

static always_inline void
tree_insert_with(struct tree *t, struct tree_node *n, struct tree_node *parent,
    bool left, tree_summary_with_fn summary, const void *with)
{
	tree_hang(t, n, parent, left);
	if (summary != NULL) {
		(void)summary(n, with);
		tree_update_with(parent, summary, with);
	}
	tree_rebalance_after_insert(t, n, summary, with);
}

/*
 * n comes after `last`, the last of all, in a tree without summaries. The way up is the right spine, where a side that
 * has become two higher is the right one, and leans to the right itself: one simple rotation.
 */
static always_inline void
tree_append(struct tree *t, struct tree_node *n, struct tree_node *last)
{
	struct tree_node *p, *c, *b, *up;

	tree_hang(t, n, last, false);
	for (p = last; p != NULL; p = up) {
		up = tree_parent(p);
		if (tree_balance(p) < 0) {
			tree_set_balance(p, 0);
			return;
		}
		if (tree_balance(p) == 0) {
			tree_set_balance(p, 1);
			continue;
		}
		c = p->right;
		b = c->left;
		p->right = b;
		if (b != NULL)
			tree_set_parent(b, p);
		c->left = p;
		c->parent = (uintptr_t)up | 1;  /* both in balance */
		p->parent = (uintptr_t)c | 1;
		if (up == NULL)
			t->root = c;
		else
			up->right = c;
		return;
	}
}

/* The child on the left (or right) of p got one lower. */
static always_inline void
tree_rebalance_after_remove(struct tree *t, struct tree_node *p, bool left,
    tree_summary_with_fn summary, const void *with)
{
	while (p != NULL) {
		struct tree_node *up = tree_parent(p);
		bool p_left = up != NULL && up->left == p;
		int b = tree_balance(p) + (left ? 1 : -1);

		if (b == -2 || b == 2) {
			bool shrunk;

			(void)tree_restore(t, p, b < 0, &shrunk, summary, with);
			if (!shrunk)
				return;
		} else {
			tree_set_balance(p, b);
			if (b != 0)
				return;
		}
		p = up;
		left = p_left;
	}
}

/*
 * Takes n, which lacks a child, out; *left: it was its parent's left one. The
 * caller brings summaries up to date, from that parent on, and then balances
 * (tree_rebalance_after_remove).
 */
static always_inline struct tree_node *
tree_unhang(struct tree *t, struct tree_node *n, bool *left)
{
	struct tree_node *p = tree_parent(n), *c = n->left != NULL ? n->left : n->right;

	*left = p != NULL && p->left == n;
	tree_replace_child(t, p, n, c);
	if (c != NULL)
		tree_set_parent(c, p);
	return p;
}

static always_inline void
tree_remove_with(struct tree *t, struct tree_node *n, tree_summary_with_fn summary, const void *with)
{
	struct tree_node *p = tree_parent(n), *low, *s;
	bool left;

	if (n->left == NULL || n->right == NULL) {
		low = tree_unhang(t, n, &left);
		s = NULL;
	} else {
		/* The successor, which has no left child, takes n's place. */
		for (s = n->right; s->left != NULL; s = s->left)
			;
		low = tree_parent(s);
		if (low == n) {
			low = s;
			left = false;
		} else {
			left = true;
			low->left = s->right;
			if (s->right != NULL)
				tree_set_parent(s->right, low);
			s->right = n->right;
			tree_set_parent(s->right, s);
		}
		s->left = n->left;
		tree_set_parent(s->left, s);
		s->parent = n->parent;
		tree_replace_child(t, p, n, s);
	}
	if (summary != NULL) {
		/* Up to s nothing may be skipped: s brought its own share along. */
		struct tree_node *u = low;

		if (s != NULL) {
			for (; u != s; u = tree_parent(u))
				(void)summary(u, with);
			(void)summary(s, with);
			u = tree_parent(s);
		}
		for (; u != NULL && summary(u, with); u = tree_parent(u))
			;
	}
	tree_rebalance_after_remove(t, low, left, summary, with);
}

#endif
