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
 * Aligned places. A gap that is large enough may still hold no aligned range of
 * that size, and many such gaps would be looked at one by one. So a map may have
 * an index for one alignment (map->align, made when a search has missed often:
 * vm_map_store_index): max_aligned is to max_gap what the room from the first
 * aligned address of a gap on is to the gap. While there is one, changes take
 * the slow ways below, which keep both; other maps pay a test. One that no search
 * uses any more is given up.
 *
 * Invariants: M1 (list and tree), M2 (size; hint is an entry or the header).
 * Locks: the map's; lookups write the hint, a single word, under the read lock.
 * Nothing here fails but vm_map_entry_create.
 */
#include <mm/zone.h>
#include <base/tree_inline.h>
#include "vm_map_impl.h"

#define ALIGNED_MAX     UINT32_MAX
#define INDEX_UNUSED    1024u   /* changes, and an eighth of the entries, that an index is kept for without being used */

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
gap_summary(struct tree_node *n, const void *with)
{
	vm_map_entry_t e = entry_of(n);
	vm_size_t gap = gap_after(e);

	(void)with;
	if (n->left != NULL && entry_of(n->left)->max_gap > gap)
		gap = entry_of(n->left)->max_gap;
	if (n->right != NULL && entry_of(n->right)->max_gap > gap)
		gap = entry_of(n->right)->max_gap;
	if (gap == e->max_gap)
		return false;
	e->max_gap = gap;
	return true;
}

/* --- the index for an alignment --- */

/* Pages from the first aligned address of the gap after e to its end; what is more than the field holds counts as that. */
static uint32_t
aligned_after(const struct vm_map_entry *e, const struct vm_map_align *align)
{
	vm_size_t gap = gap_after(e);
	vm_offset_t at;

	if (!vm_map_align(e->vme_end, align, &at) || at - e->vme_end >= gap)
		return 0;
	gap = (gap - (at - e->vme_end)) >> PAGE_SHIFT;
	return gap < ALIGNED_MAX ? (uint32_t)gap : ALIGNED_MAX;
}

/* Of both. A gap has no more room than pages: mostly a child has more, and no alignment need be looked at. */
static bool
aligned_summary(struct tree_node *n, const void *with)
{
	vm_map_entry_t e = entry_of(n);
	vm_size_t own = gap_after(e), gap = own;
	uint32_t room = 0, at_e;

	if (n->left != NULL) {
		if (entry_of(n->left)->max_gap > gap)
			gap = entry_of(n->left)->max_gap;
		room = entry_of(n->left)->max_aligned;
	}
	if (n->right != NULL) {
		if (entry_of(n->right)->max_gap > gap)
			gap = entry_of(n->right)->max_gap;
		if (entry_of(n->right)->max_aligned > room)
			room = entry_of(n->right)->max_aligned;
	}
	if (own >> PAGE_SHIFT > room && (at_e = aligned_after(e, with)) > room)
		room = at_e;
	if (gap == e->max_gap && room == e->max_aligned)
		return false;
	e->max_gap = gap;
	e->max_aligned = room;
	return true;
}

/* The first in the order that visits children before parents. */
static struct tree_node *
deepest(struct tree_node *n)
{
	while (n->left != NULL || n->right != NULL)
		n = n->left != NULL ? n->left : n->right;
	return n;
}

void
vm_map_store_index(vm_map_t map, const struct vm_map_align *align)
{
	struct tree_node *n = map->tree.root, *p;

	map->align = *align;
	map->align_missed = map->align_unused = 0;
	if (n == NULL || align->mask == 0)
		return;
	for (n = deepest(n); n != NULL; n = p) {
		(void)aligned_summary(n, &map->align);
		p = tree_parent(n);
		if (p != NULL && p->left == n && p->right != NULL)
			p = deepest(p->right);
	}
}

static inline bool
has_index(const struct vm_map *map)
{
	return unlikely(map->align.mask != 0);
}

/* For one change more? Where nobody has used it for as many as a search passes over before there is one, it goes. */
static noinline bool
index_stays(vm_map_t map)
{
	if (++map->align_unused <= map->hdr.nentries / 8 + INDEX_UNUSED)
		return true;
	map->align.mask = 0;
	map->align_missed = 0;
	return false;
}

/* Before a change: must it keep an index? */
static inline bool
keeps_index(vm_map_t map)
{
	return has_index(map) && index_stays(map);
}

/* The tree's algorithms with both called, */
static noinline void
aligned_update(vm_map_t map, struct tree_node *n)
{
	tree_update_with(n, aligned_summary, &map->align);
}

static noinline void
aligned_insert(vm_map_t map, struct tree_node *n, struct tree_node *parent, bool left)
{
	tree_insert_with(&map->tree, n, parent, left, aligned_summary, &map->align);
}

static noinline void
aligned_remove(vm_map_t map, struct tree_node *n)
{
	tree_remove_with(&map->tree, n, aligned_summary, &map->align);
}

/* and with the gap inlined. */
static noinline void
gap_update(vm_map_t map, struct tree_node *n)
{
	if (keeps_index(map))
		aligned_update(map, n);
	else
		tree_update_with(n, gap_summary, NULL);
}

static noinline void
gap_remove(struct tree *t, struct tree_node *n)
{
	tree_remove_with(t, n, gap_summary, NULL);
}

static noinline void
gap_balance(struct tree *t, struct tree_node *n)
{
	tree_rebalance_after_insert(t, n, gap_summary, NULL);
}

static noinline void
gap_balance_removed(struct tree *t, struct tree_node *low, bool left)
{
	tree_rebalance_after_remove(t, low, left, gap_summary, NULL);
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

/* entry, listed after `after`, hangs below p in the tree from now on. */
static inline void
gap_link(vm_map_t map, vm_map_entry_t after, vm_map_entry_t entry, struct tree_node *p, bool left)
{
	tree_hang(&map->tree, &entry->node, p, left);
	entry->max_gap = gap_after(entry);
	/* The gap of `after`, which is above, shrank: nothing below it may stop the way up. */
	if (after != vm_map_to_entry(map))
		for (; p != &after->node; p = tree_parent(p))
			(void)gap_summary(p, NULL);
	tree_update_with(p, gap_summary, NULL);
	gap_balance(&map->tree, &entry->node);
}

/* Both: first what shrank, since rotations would hide that from those above. */
static noinline void
aligned_link(vm_map_t map, vm_map_entry_t after, vm_map_entry_t entry, struct tree_node *p, bool left)
{
	if (after != vm_map_to_entry(map))
		aligned_update(map, &after->node);
	aligned_insert(map, &entry->node, p, left);
}

void
vm_map_store_link(vm_map_t map, vm_map_entry_t after, vm_map_entry_t entry)
{
	vm_map_entry_t next = after->vme_next;
	vm_map_entry_t header = vm_map_to_entry(map);
	struct tree_node *p;
	bool left;

	DASSERT(after == header || after->vme_end <= entry->vme_start,
	    ("entry 0x%lx overlaps the one before", entry->vme_start));
	DASSERT(next == header || entry->vme_end <= next->vme_start,
	    ("entry 0x%lx overlaps the one after", entry->vme_start));
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
	if (keeps_index(map))
		aligned_link(map, after, entry, p, left);
	else
		gap_link(map, after, entry, p, left);
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
		tree_update_with(prev, gap_summary, NULL);
		gap_remove(t, n);
		return;
	}
	p = low = tree_unhang(t, n, &left);
	if (n->left != NULL)
		(void)gap_summary(n->left, NULL);
	else if (prev != NULL)
		for (; p != prev; p = tree_parent(p))
			(void)gap_summary(p, NULL);
	tree_update_with(p, gap_summary, NULL);
	gap_balance_removed(t, low, left);
}

static noinline void
aligned_unlink(vm_map_t map, vm_map_entry_t entry, vm_map_entry_t prev)
{
	if (prev != vm_map_to_entry(map))
		aligned_update(map, &prev->node);
	aligned_remove(map, &entry->node);
}

void
vm_map_store_unlink(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_t prev = entry->vme_prev, next = entry->vme_next;

	prev->vme_next = next;
	next->vme_prev = prev;
	if (keeps_index(map))
		aligned_unlink(map, entry, prev);
	else
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
	bool first = entry->node.right == NULL;         /* back may hang right below entry */
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
	if (keeps_index(map)) {
		aligned_update(map, &entry->node);
		aligned_insert(map, &back->node, first ? &entry->node : &back->vme_next->node, !first);
	} else if (first) {
		tree_hang(&map->tree, &back->node, &entry->node, false);
		gap_balance(&map->tree, &back->node);
	} else {
		tree_hang(&map->tree, &back->node, &back->vme_next->node, true);
		for (n = &back->vme_next->node; n != &entry->node && entry_of(n)->max_gap < gap; n = tree_parent(n))
			entry_of(n)->max_gap = gap;
		gap_balance(&map->tree, &back->node);
	}
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
	} else {
		dead = next;
		entry->vme_next = next->vme_next;
		next->vme_next->vme_prev = entry;
		entry->vme_end = next->vme_end;
	}
	if (keeps_index(map)) {
		aligned_update(map, dead == entry ? &next->node : &entry->node);
		aligned_remove(map, &dead->node);
	} else {
		low = tree_unhang(&map->tree, &dead->node, &left);
		/* What entry gets is next's gap: those between lose it. */
		if (dead == next)
			for (n = low; n != &entry->node && gap_summary(n, NULL); n = tree_parent(n))
				;
		gap_balance_removed(&map->tree, low, left);
	}
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
	gap_update(map, &entry->node);
	if (prev != vm_map_to_entry(map))
		gap_update(map, &prev->node);
}

void
vm_map_store_gap_changed(vm_map_t map, vm_map_entry_t entry)
{
	if (entry != vm_map_to_entry(map))
		gap_update(map, &entry->node);
}

/* --- searching --- */

/* Does the subtree have, or does the gap right after its top offer, what is wanted? align NULL: size bytes; else pages, aligned. */
static always_inline bool
subtree_has(const struct tree_node *n, vm_size_t size, const struct vm_map_align *align)
{
	const struct vm_map_entry *e = container_of(n, struct vm_map_entry, node);

	return align != NULL ? e->max_aligned >= size : e->max_gap >= size;
}

static always_inline bool
gap_has(struct tree_node *n, vm_size_t size, const struct vm_map_align *align)
{
	return align != NULL ? aligned_after(entry_of(n), align) >= size : gap_after(entry_of(n)) >= size;
}

/* The leftmost entry of a subtree that has such a gap. */
static always_inline vm_map_entry_t
leftmost(struct tree_node *n, vm_size_t size, const struct vm_map_align *align)
{
	for (;;) {
		if (n->left != NULL && subtree_has(n->left, size, align))
			n = n->left;
		else if (gap_has(n, size, align))
			return entry_of(n);
		else
			n = n->right;
	}
}

static always_inline vm_map_entry_t
next_with(vm_map_t map, vm_map_entry_t after, vm_size_t size, const struct vm_map_align *align)
{
	struct tree_node *n = map->tree.root, *p;

	if (n == NULL || !subtree_has(n, size, align))
		return NULL;
	if (after == vm_map_to_entry(map))
		return leftmost(n, size, align);
	n = &after->node;
	if (n->right != NULL && subtree_has(n->right, size, align))
		return leftmost(n->right, size, align);
	/* Up to each ancestor that follows `after`, and its right side. */
	for (p = tree_parent(n); p != NULL; n = p, p = tree_parent(p)) {
		if (p->left != n)
			continue;
		if (gap_has(p, size, align))
			return entry_of(p);
		if (p->right != NULL && subtree_has(p->right, size, align))
			return leftmost(p->right, size, align);
	}
	return NULL;
}

vm_map_entry_t
vm_map_store_next_gap(vm_map_t map, vm_map_entry_t after, vm_size_t size)
{
	return next_with(map, after, size, NULL);
}

vm_map_entry_t
vm_map_store_next_aligned(vm_map_t map, vm_map_entry_t after, vm_size_t size)
{
	size >>= PAGE_SHIFT;
	map->align_unused = 0;
	return next_with(map, after, size < ALIGNED_MAX ? size : ALIGNED_MAX, &map->align);
}

static bool
aligned_right(const struct vm_map_entry *e, const struct vm_map_align *align)
{
	uint32_t room = aligned_after(e, align);

	if (e->node.left != NULL && entry_of(e->node.left)->max_aligned > room)
		room = entry_of(e->node.left)->max_aligned;
	if (e->node.right != NULL && entry_of(e->node.right)->max_aligned > room)
		room = entry_of(e->node.right)->max_aligned;
	return e->max_aligned == room;
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
		if (e->max_gap != gap || (has_index(map) && !aligned_right(e, &map->align)))
			return false;
	}
	return n == NULL;
}
