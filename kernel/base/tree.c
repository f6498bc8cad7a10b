/*
 * tree.c: AVL trees with a summary per subtree (base/tree.h).
 *
 * balance(n) = height(right) - height(left), -1..1, kept (plus one) in the low
 * two bits of the parent word. Insertion and removal walk up once to rebalance
 * and once, only as far as something changes, to bring summaries up to date.
 * A rotation keeps the set of nodes below the place it happens in, so only the
 * two or three nodes that turn need a new summary, lowest first.
 */
#include <base/tree.h>

static inline int
balance(const struct tree_node *n)
{
	return (int)(n->parent & 3) - 1;
}

static inline void
set_balance(struct tree_node *n, int b)
{
	n->parent = (n->parent & ~(uintptr_t)3) | (uintptr_t)(b + 1);
}

static inline void
set_parent(struct tree_node *n, struct tree_node *p)
{
	n->parent = (uintptr_t)p | (n->parent & 3);
}

/* Puts `to` where `from` hangs below p (or at the root). */
static inline void
replace_child(struct tree *t, struct tree_node *p, struct tree_node *from,
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
static struct tree_node *
rotate(struct tree *t, struct tree_node *x, bool right, tree_summary_fn summary)
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
		set_parent(b, x);
	replace_child(t, p, x, y);
	set_parent(y, p);
	set_parent(x, y);
	if (summary != NULL) {
		(void)summary(x);
		(void)summary(y);
	}
	return y;
}

/*
 * p is two higher on the left (or right) side: turn it. Returns the new top of
 * the subtree; *shrunk tells whether the subtree is lower than it was.
 */
static struct tree_node *
restore(struct tree *t, struct tree_node *p, bool left, bool *shrunk,
    tree_summary_fn summary)
{
	struct tree_node *c = left ? p->left : p->right;
	struct tree_node *g;
	int heavy = left ? -1 : 1;
	int bc = balance(c), bg;

	if (bc != -heavy) {
		(void)rotate(t, p, left, summary);
		*shrunk = bc != 0;
		set_balance(p, bc == 0 ? heavy : 0);
		set_balance(c, bc == 0 ? -heavy : 0);
		return c;
	}
	g = left ? c->right : c->left;
	bg = balance(g);
	(void)rotate(t, c, !left, summary);
	(void)rotate(t, p, left, summary);
	set_balance(p, bg == heavy ? -heavy : 0);
	set_balance(c, bg == -heavy ? heavy : 0);
	set_balance(g, 0);
	*shrunk = true;
	return g;
}

void
tree_update(struct tree_node *n, tree_summary_fn summary)
{
	while (n != NULL && summary(n))
		n = tree_parent(n);
}

void
tree_insert(struct tree *t, struct tree_node *n, struct tree_node *parent,
    bool left, tree_summary_fn summary)
{
	struct tree_node *c = n, *p = parent;
	bool shrunk;

	n->left = n->right = NULL;
	n->parent = (uintptr_t)parent;
	set_balance(n, 0);
	if (parent == NULL)
		t->root = n;
	else if (left)
		parent->left = n;
	else
		parent->right = n;
	if (summary != NULL) {
		(void)summary(n);
		tree_update(parent, summary);
	}
	for (; p != NULL; c = p, p = tree_parent(p)) {
		int b = balance(p) + (p->left == c ? -1 : 1);

		if (b == -2 || b == 2) {
			(void)restore(t, p, b < 0, &shrunk, summary);
			return;
		}
		set_balance(p, b);
		if (b == 0)
			return;
	}
}

/* The child on the left (or right) of p got one lower. */
static void
rebalance_after_remove(struct tree *t, struct tree_node *p, bool left,
    tree_summary_fn summary)
{
	while (p != NULL) {
		struct tree_node *up = tree_parent(p);
		bool p_left = up != NULL && up->left == p;
		int b = balance(p) + (left ? 1 : -1);

		if (b == -2 || b == 2) {
			bool shrunk;

			(void)restore(t, p, b < 0, &shrunk, summary);
			if (!shrunk)
				return;
		} else {
			set_balance(p, b);
			if (b != 0)
				return;
		}
		p = up;
		left = p_left;
	}
}

void
tree_remove(struct tree *t, struct tree_node *n, tree_summary_fn summary)
{
	struct tree_node *p = tree_parent(n), *low, *s, *c;
	bool left;

	if (n->left == NULL || n->right == NULL) {
		c = n->left != NULL ? n->left : n->right;
		low = p;
		left = p != NULL && p->left == n;
		replace_child(t, p, n, c);
		if (c != NULL)
			set_parent(c, p);
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
				set_parent(s->right, low);
			s->right = n->right;
			set_parent(s->right, s);
		}
		s->left = n->left;
		set_parent(s->left, s);
		s->parent = n->parent;
		replace_child(t, p, n, s);
	}
	if (summary != NULL) {
		/* Up to s nothing may be skipped: s brought its own share along. */
		struct tree_node *u = low;

		if (s != NULL) {
			for (; u != s; u = tree_parent(u))
				(void)summary(u);
			(void)summary(s);
			u = tree_parent(s);
		}
		for (; u != NULL && summary(u); u = tree_parent(u))
			;
	}
	rebalance_after_remove(t, low, left, summary);
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
	if (l < 0 || r < 0 || r - l != balance(n) || r - l < -1 || r - l > 1)
		return -1;
	return (l > r ? l : r) + 1;
}

int
tree_check(const struct tree *t)
{
	return check_subtree(t->root, NULL);
}
