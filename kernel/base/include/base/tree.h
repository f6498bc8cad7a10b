/*
 * base/tree.h: intrusive balanced (AVL) trees with an optional summary.
 *
 * A node sits in the structure it orders. The caller finds the place (its own
 * comparison, inlined where it matters), then tree_insert links and rebalances.
 * A tree with a summary (vm_map_store's largest gap) gives a function that
 * recomputes a node's summary from the node and its two children; it is called
 * bottom-up for every node whose subtree changed, and stops early where it
 * reports no change. No lock of its own. O(log n) worst case per operation;
 * height <= 1.45 log2(n).
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <base/types.h>

struct tree_node {
	struct tree_node *left, *right;
	uintptr_t         parent;       /* low two bits: balance + 1 */
};

struct tree {
	struct tree_node *root;
};

/* Recomputes n's summary; TRUE when it changed. */
typedef bool (*tree_summary_fn)(struct tree_node *n);

static inline struct tree_node *
tree_parent(const struct tree_node *n)
{
	return (struct tree_node *)(n->parent & ~(uintptr_t)3);
}

static inline void tree_init(struct tree *t) { t->root = NULL; }

/*
 * Links n as the left (or right) child of parent, which must have no such
 * child; parent NULL makes it the root of an empty tree. summary may be NULL.
 */
void tree_insert(struct tree *t, struct tree_node *n, struct tree_node *parent,
    bool left, tree_summary_fn summary);
void tree_remove(struct tree *t, struct tree_node *n, tree_summary_fn summary);
/* n's own contribution changed: recompute it and its ancestors. */
void tree_update(struct tree_node *n, tree_summary_fn summary);

struct tree_node *tree_first(const struct tree *t);
struct tree_node *tree_last(const struct tree *t);
struct tree_node *tree_next(const struct tree_node *n);
struct tree_node *tree_prev(const struct tree_node *n);

/* For checkers: height, or -1 when balance or parent links are wrong. */
int tree_check(const struct tree *t);

#endif
