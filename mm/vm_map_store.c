/*
 * vm_map_store.c: the ordered list of entries and the tree over it.
 *
 *   list:  header <-> e1 <-> e2 <-> ... <-> header      by address, circular
 *   tree:  the same entries by start, each with max_gap, the largest free gap
 *          that directly follows an entry of its subtree
 *
 *             [e2 | gap 3]  max_gap 9
 *             /           \
 *     [e1 | gap 9]    [e3 | gap 0]
 *
 * The gap that follows an entry ends at the next entry or at the map's max, so
 * the largest gap of the whole map is the root's max_gap or the one below the
 * first entry, and a search that must fail is told so at the root. The list is
 * the truth for checkers.
 *
 * Invariants: M1 (list and tree), M2 (size; hint is an entry or the header).
 * Locks: the map's; lookups write the hint, a single word, under the read lock.
 * Nothing here fails but vm_map_entry_create.
 */
#include <mm/zone.h>
#include <base/tree_inline.h>
#include "vm_map_impl.h"

static struct zone vm_map_entry_zone;

void
vm_map_store_bootstrap(void)
{
	zone_init(&vm_map_entry_zone, "vm_map_entry", sizeof(struct vm_map_entry));
}

vm_map_entry_t
vm_map_entry_create(void)
{
	return zalloc(&vm_map_entry_zone);
}

void
vm_map_entry_dispose(vm_map_entry_t entry)
{
	zfree(&vm_map_entry_zone, entry);
}

static inline vm_map_entry_t
entry_of(struct tree_node *n)
{
	return container_of(n, struct vm_map_entry, node);
}

/*
 * The gap after an entry, without knowing the map: only the header starts
 * below an entry that precedes it, and there `end` is the map's max.
 */
static inline vm_size_t
gap_after(const struct vm_map_entry *e)
{
	const struct vm_map_entry *next = e->vme_next;

	return (next->vme_start < e->vme_end ? next->vme_end : next->vme_start) - e->vme_end;
}

static always_inline bool
gap_summary(struct tree_node *n)
{
	vm_map_entry_t e = entry_of(n);
	vm_size_t gap = gap_after(e);

	if (n->left != NULL && entry_of(n->left)->max_gap > gap)
		gap = entry_of(n->left)->max_gap;
	if (n->right != NULL && entry_of(n->right)->max_gap > gap)
		gap = entry_of(n->right)->max_gap;
	if (gap == e->max_gap)
		return false;
	e->max_gap = gap;
	return true;
}

/* The tree's algorithms with the gap inlined. */
static noinline void
gap_update(struct tree_node *n)
{
	tree_update_with(n, gap_summary);
}

static noinline void
gap_remove(struct tree *t, struct tree_node *n)
{
	tree_remove_with(t, n, gap_summary);
}

static noinline void
gap_balance(struct tree *t, struct tree_node *n)
{
	tree_rebalance_after_insert(t, n, gap_summary);
}

static noinline void
gap_balance_removed(struct tree *t, struct tree_node *low, bool left)
{
	tree_rebalance_after_remove(t, low, left, gap_summary);
}

void
vm_map_store_init(vm_map_t map)
{
	map->hdr.links.prev = map->hdr.links.next = vm_map_to_entry(map);
	map->hdr.nentries = 0;
	tree_init(&map->tree);
	map->hint = vm_map_to_entry(map);
	map->size = 0;
}

bool
vm_map_lookup_entry(vm_map_t map, vm_offset_t addr, vm_map_entry_t *entry)
{
	vm_map_entry_t e = __atomic_load_n(&map->hint, __ATOMIC_RELAXED);
	vm_map_entry_t below = vm_map_to_entry(map);
	struct tree_node *n;

	if (likely(e != below && addr - e->vme_start < e->vme_end - e->vme_start)) {
		*entry = e;
		return true;
	}
	for (n = map->tree.root; n != NULL; ) {
		e = entry_of(n);
		if (addr < e->vme_start)
			n = n->left;
		else {
			below = e;
			if (addr < e->vme_end)
				break;
			n = n->right;
		}
	}
	*entry = below;
	if (n == NULL)
		return false;
	__atomic_store_n(&map->hint, below, __ATOMIC_RELAXED);
	return true;
}

/* Of a guard's size nothing is counted; a window is resident when its map is. */
static noinline void
uncommon_linked(vm_map_t map, vm_map_entry_t entry, bool linked)
{
	vm_size_t size = entry->vme_end - entry->vme_start;

	if (entry->guard)
		map->size += linked ? -size : size;
	else
		vm_map_window_linked(map, entry->object.sub_map, linked);
}

void
vm_map_store_link(vm_map_t map, vm_map_entry_t after, vm_map_entry_t entry)
{
	vm_map_entry_t next = after->vme_next;
	vm_map_entry_t header = vm_map_to_entry(map);
	struct tree_node *p;
	bool left;

	DASSERT(after == header || after->vme_end <= entry->vme_start,
	    ("entry 0x%lx overlaps the one before", (unsigned long)entry->vme_start));
	DASSERT(next == header || entry->vme_end <= next->vme_start,
	    ("entry 0x%lx overlaps the one after", (unsigned long)entry->vme_start));
	entry->vme_prev = after;
	entry->vme_next = next;
	after->vme_next = entry;
	next->vme_prev = entry;
	/* The place in the tree: right below the neighbour that has room there. */
	left = after == header || after->node.right != NULL;
	if (!left)
		p = &after->node;
	else if (next != header)
		p = &next->node;
	else
		p = NULL;
	tree_hang(&map->tree, &entry->node, p, left);
	entry->max_gap = gap_after(entry);
	/* The gap of `after`, which is above, shrank: nothing below it may stop the way up. */
	if (after != header)
		for (; p != &after->node; p = tree_parent(p))
			(void)gap_summary(p);
	tree_update_with(p, gap_summary);
	gap_balance(&map->tree, &entry->node);
	map->hdr.nentries++;
	map->size += entry->vme_end - entry->vme_start;
	if (unlikely(entry->is_sub_map || entry->guard))
		uncommon_linked(map, entry, true);
}

/*
 * Out of the tree; prev (NULL: none), the entry before, has its gap already. An
 * entry that lacks a child has prev above it, or as its only child.
 */
static inline void
gap_unlink(struct tree *t, struct tree_node *n, struct tree_node *prev)
{
	struct tree_node *low, *p;
	bool left;

	if (n->left != NULL && n->right != NULL) {
		tree_update_with(prev, gap_summary);
		gap_remove(t, n);
		return;
	}
	p = low = tree_unhang(t, n, &left);
	if (n->left != NULL)
		(void)gap_summary(n->left);
	else if (prev != NULL)
		for (; p != prev; p = tree_parent(p))
			(void)gap_summary(p);
	tree_update_with(p, gap_summary);
	gap_balance_removed(t, low, left);
}

void
vm_map_store_unlink(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_t prev = entry->vme_prev, next = entry->vme_next;

	prev->vme_next = next;
	next->vme_prev = prev;
	gap_unlink(&map->tree, &entry->node, prev != vm_map_to_entry(map) ? &prev->node : NULL);
	map->hdr.nentries--;
	map->size -= entry->vme_end - entry->vme_start;
	if (map->hint == entry)
		map->hint = prev;
	if (unlikely(entry->is_sub_map || entry->guard))
		uncommon_linked(map, entry, false);
}

/* The entry's place in the list, without looking at the tree. */
static inline void
list_link(vm_map_entry_t after, vm_map_entry_t entry)
{
	vm_map_entry_t next = after->vme_next;

	entry->vme_prev = after;
	entry->vme_next = next;
	after->vme_next = entry;
	next->vme_prev = entry;
}

void
vm_map_store_split(vm_map_t map, vm_map_entry_t entry, vm_offset_t at, vm_map_entry_t back)
{
	struct tree_node *n;
	vm_size_t gap;

	list_link(entry, back);
	back->vme_start = at;
	entry->vme_end = at;
	back->max_gap = gap = gap_after(back);
	/*
	 * The gap moves from entry to back, which is below it: what lies between
	 * the two has one more gap, entry and all above have the same ones.
	 */
	if (entry->node.right == NULL)
		tree_hang(&map->tree, &back->node, &entry->node, false);
	else {
		tree_hang(&map->tree, &back->node, &back->vme_next->node, true);
		for (n = &back->vme_next->node; n != &entry->node && entry_of(n)->max_gap < gap; n = tree_parent(n))
			entry_of(n)->max_gap = gap;
	}
	gap_balance(&map->tree, &back->node);
	map->hdr.nentries++;
	if (unlikely(entry->is_sub_map))
		vm_map_window_linked(map, entry->object.sub_map, true);
}

/*
 * Of two neighbours in the list one is below the other in the tree, and lacks a
 * child on the side where the other is: that one goes.
 */
vm_map_entry_t
vm_map_store_join(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_t next = entry->vme_next, dead;
	struct tree_node *low, *n;
	bool left;

	if (entry->node.right == NULL) {
		/* entry is below next, and had no gap: no subtree loses one. */
		dead = entry;
		next->vme_prev = entry->vme_prev;
		entry->vme_prev->vme_next = next;
		next->vme_start = entry->vme_start;
		next->offset = entry->offset;
		low = tree_unhang(&map->tree, &entry->node, &left);
	} else {
		/* next is below entry, which gets its gap: those between lose it. */
		dead = next;
		entry->vme_next = next->vme_next;
		next->vme_next->vme_prev = entry;
		entry->vme_end = next->vme_end;
		low = tree_unhang(&map->tree, &next->node, &left);
		for (n = low; n != &entry->node && gap_summary(n); n = tree_parent(n))
			;
	}
	gap_balance_removed(&map->tree, low, left);
	map->hdr.nentries--;
	if (map->hint == dead)
		map->hint = dead == entry ? next : entry;
	return dead;
}

void
vm_map_store_resize(vm_map_t map, vm_map_entry_t entry, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t prev = entry->vme_prev;

	if (likely(!entry->guard))
		map->size += (end - start) - (entry->vme_end - entry->vme_start);
	entry->vme_start = start;
	entry->vme_end = end;
	gap_update(&entry->node);
	if (prev != vm_map_to_entry(map))
		gap_update(&prev->node);
}

/* The leftmost entry of the subtree with a gap of size; the subtree has one. */
static vm_map_entry_t
leftmost_gap(struct tree_node *n, vm_size_t size)
{
	for (;;) {
		if (n->left != NULL && entry_of(n->left)->max_gap >= size)
			n = n->left;
		else if (gap_after(entry_of(n)) >= size)
			return entry_of(n);
		else
			n = n->right;
	}
}

vm_map_entry_t
vm_map_store_next_gap(vm_map_t map, vm_map_entry_t after, vm_size_t size)
{
	struct tree_node *n = map->tree.root, *p;

	if (n == NULL || entry_of(n)->max_gap < size)
		return NULL;
	if (after == vm_map_to_entry(map))
		return leftmost_gap(n, size);
	n = &after->node;
	if (n->right != NULL && entry_of(n->right)->max_gap >= size)
		return leftmost_gap(n->right, size);
	/* Up to each ancestor that follows `after`, and its right side. */
	for (p = tree_parent(n); p != NULL; n = p, p = tree_parent(p)) {
		if (p->left != n)
			continue;
		if (gap_after(entry_of(p)) >= size)
			return entry_of(p);
		if (p->right != NULL && entry_of(p->right)->max_gap >= size)
			return leftmost_gap(p->right, size);
	}
	return NULL;
}

bool
vm_map_store_check(vm_map_t map)
{
	vm_map_entry_t header = vm_map_to_entry(map), e;
	struct tree_node *n;

	if (tree_check(&map->tree) < 0)
		return false;
	n = tree_first(&map->tree);
	for (e = vm_map_first_entry(map); e != header; e = e->vme_next, n = tree_next(n)) {
		vm_size_t gap = vm_map_gap_after(map, e);

		if (n == NULL || entry_of(n) != e)
			return false;
		if (n->left != NULL && entry_of(n->left)->max_gap > gap)
			gap = entry_of(n->left)->max_gap;
		if (n->right != NULL && entry_of(n->right)->max_gap > gap)
			gap = entry_of(n->right)->max_gap;
		if (e->max_gap != gap)
			return false;
	}
	return n == NULL;
}
