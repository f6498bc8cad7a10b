/*
 * vm_print.c: what people want to see of maps, entries and objects.
 *
 * Facts, not text: the shell formats them, the host tests compare them. Each
 * call takes the map's read lock, copies one entry's facts out and lets go, so
 * a listing is true entry by entry, not as a whole. Nothing is changed, nothing
 * is allocated; object locks are taken from the top of the chain downwards, two
 * at a time at most.
 */
#include <mm/vm_print.h>

/* Larger maps are not searched for other references to an entry's object. */
#define ALIAS_SEARCH_MAX 4096

const char *
vm_prot_text(vm_prot_t prot, char buf[4])
{
	buf[0] = prot & VM_PROT_READ ? 'r' : '-';
	buf[1] = prot & VM_PROT_WRITE ? 'w' : '-';
	buf[2] = prot & VM_PROT_EXECUTE ? 'x' : '-';
	buf[3] = '\0';
	return buf;
}

const char *
vm_prot_name(vm_prot_t prot)
{
	static const char names[8][4] = { "---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx" };

	return names[prot & VM_PROT_ALL];
}

const char *
vm_inherit_name(vm_inherit_t inheritance)
{
	static const char *const names[] = { "share", "copy", "none", "zero" };

	return inheritance <= VM_INHERIT_ZERO ? names[inheritance] : "?";
}

const char *
vm_share_mode_name(int mode)
{
	static const char *const names[] = {
		[SM_COW] = "cow", [SM_PRIVATE] = "private", [SM_EMPTY] = "empty", [SM_SHARED] = "shared",
		[SM_TRUESHARED] = "tshared", [SM_PRIVATE_ALIASED] = "p-alias", [SM_SHARED_ALIASED] = "s-alias",
	};

	return mode >= SM_COW && mode <= SM_SHARED_ALIASED ? names[mode] : "?";
}

/* The chunk with the smallest index >= index. */
static struct vm_chunk *
chunk_at_or_above(vm_object_t object, uint64_t index)
{
	struct tree_node *n = object->chunks.root;
	struct vm_chunk *best = NULL, *c;

	while (n != NULL) {
		c = container_of(n, struct vm_chunk, node);
		if (c->index >= index) {
			best = c;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

/* Populated slots of c in [from, to). */
static unsigned
chunk_count(const struct vm_chunk *c, unsigned from, unsigned to)
{
	unsigned n = 0, word;
	uint64_t bits;

	if (from == 0 && to == VM_CHUNK_PAGES)
		return c->resident;
	for (word = from / 64; word * 64 < to; word++) {
		bits = c->popmap[word];
		if (word == from / 64)
			bits &= ~0ull << (from % 64);
		if (to - word * 64 < 64)
			bits &= (1ull << (to % 64)) - 1;
		n += (unsigned)__builtin_popcountll(bits);
	}
	return n;
}

/* Resident pages of the object (locked) with offsets in [offset, offset + size). */
static uint64_t
object_resident(vm_object_t object, vm_object_offset_t offset, vm_size_t size)
{
	uint64_t from = (offset + object->color) >> PAGE_SHIFT, to = from + (size >> PAGE_SHIFT), n = 0, base;
	struct tree_node *node;
	struct vm_chunk *c = chunk_at_or_above(object, from / VM_CHUNK_PAGES);

	while (c != NULL) {
		base = c->index * VM_CHUNK_PAGES;
		if (base >= to)
			break;
		n += chunk_count(c, from > base ? (unsigned)(from - base) : 0,
		    to - base < VM_CHUNK_PAGES ? (unsigned)(to - base) : VM_CHUNK_PAGES);
		node = tree_next(&c->node);
		c = node != NULL ? container_of(node, struct vm_chunk, node) : NULL;
	}
	return n;
}

static unsigned
shadow_depth(vm_object_t object)
{
	vm_object_t next;
	unsigned depth = 0;

	spin_lock(&object->lock);
	while ((next = object->shadow) != NULL) {
		spin_lock(&next->lock);
		spin_unlock(&object->lock);
		object = next;
		depth++;
	}
	spin_unlock(&object->lock);
	return depth;
}

/* Do entries of this map hold all `refs` references to the object? */
static bool
all_refs_here(vm_map_t map, vm_object_t object, uint32_t refs)
{
	vm_map_entry_t e;
	uint32_t n = 0;

	if (map->hdr.nentries > ALIAS_SEARCH_MAX)
		return false;
	for (e = vm_map_first_entry(map); e != vm_map_to_entry(map) && n < refs; e = e->vme_next)
		n += !e->is_sub_map && e->object.vm_object == object;
	return n == refs;
}

static int
share_mode(vm_map_t map, vm_map_entry_t e)
{
	vm_object_t object = e->object.vm_object;
	uint32_t refs;

	if (e->is_sub_map)
		return e->use_pmap ? SM_TRUESHARED : SM_PRIVATE;
	if (object == NULL)
		return SM_EMPTY;
	if (e->needs_copy || object->shadow != NULL)
		return SM_COW;
	refs = __atomic_load_n(&object->ref_count, __ATOMIC_RELAXED);
	if (refs == 1)
		return SM_PRIVATE;
	if (all_refs_here(map, object, refs))
		return e->is_shared ? SM_SHARED_ALIASED : SM_PRIVATE_ALIASED;
	return object->true_share ? SM_TRUESHARED : SM_SHARED;
}

/* Of [start, end): whole windows of 2 MiB that one leaf maps, and gigapage leaves. */
static void
count_large_leaves(pmap_t pmap, vm_offset_t start, vm_offset_t end, struct vm_entry_info *info)
{
	struct pmap_walk w;
	vm_offset_t at = start, from, to;

	while (at < end && pmap_next_leaf(pmap, &at, end, &w)) {
		/* A gigapage leaf may begin before the range, and end after it. */
		to = w.size > PAGE_SIZE ? at + w.size : (at & ~MEGAPAGE_MASK) + MEGAPAGE_SIZE;
		from = at < start ? (start + MEGAPAGE_MASK) & ~MEGAPAGE_MASK : at;
		info->gigapages += w.size == GIGAPAGE_SIZE && at >= start && to - 1 < end;
		at = to;
		if (to > (end & ~MEGAPAGE_MASK))
			to = end & ~MEGAPAGE_MASK;
		if (w.size > PAGE_SIZE && from < to)
			info->megapages += (to - from) >> MEGAPAGE_SHIFT;
		if (at == 0)
			break;
	}
}

/* Groups of leaves of 64 KiB that begin in [start, end). */
static uint64_t
groups_of_leaves(pmap_t pmap, vm_offset_t start, vm_offset_t end)
{
	vm_offset_t at = start, next;
	struct pmap_walk w;
	uint64_t n = 0;

	if (!pmap_has_groups())
		return 0;
	for (; at < end && pmap_next_leaf(pmap, &at, end, &w); at = next) {
		next = w.size > PAGE_SIZE ? at + w.size : (at | (PMAP_GROUP_SIZE - 1)) + 1;
		n += w.group && (at & ~(PMAP_GROUP_SIZE - 1)) >= start;
	}
	return n;
}

/* Whole 2 MiB windows of the entry that one leaf each could map. */
static uint64_t
megapages_possible(vm_map_entry_t e)
{
	vm_offset_t first = (e->vme_start + MEGAPAGE_MASK) & ~MEGAPAGE_MASK, last = e->vme_end & ~MEGAPAGE_MASK;
	vm_object_t object = e->object.vm_object;

	if (e->is_sub_map || first >= last)
		return 0;
	if (object != NULL && ((e->vme_start - e->offset - object->color) & MEGAPAGE_MASK) != 0)
		return 0;       /* addresses and chunks disagree modulo 2 MiB */
	return (last - first) >> MEGAPAGE_SHIFT;
}

static void
fill_object(vm_map_entry_t e, struct vm_entry_info *info)
{
	vm_object_t object = e->object.vm_object;

	if (e->is_sub_map || object == NULL)
		return;
	spin_lock(&object->lock);
	info->resident = object_resident(object, e->offset, e->vme_end - e->vme_start);
	info->object_id = object->id;
	info->object_refs = object->ref_count;
	spin_unlock(&object->lock);
	info->shadow_depth = shadow_depth(object);
}

static void
fill(vm_map_t map, vm_map_entry_t e, struct vm_entry_info *info)
{
	*info = (struct vm_entry_info){
		.start = e->vme_start,
		.end = e->vme_end,
		.cur = e->protection,
		.max = e->max_protection,
		.inheritance = e->inheritance,
		.share_mode = share_mode(map, e),
		.needs_copy = e->needs_copy,
		.is_sub_map = e->is_sub_map,
		.is_shared = e->is_shared,
		.in_transition = e->in_transition,
		.permanent = e->permanent,
		.use_pmap = e->use_pmap,
		.guard = e->guard,
		.stack_gap = e->stack_gap,
		.grows_down = e->grows_down,
		.grows_up = e->grows_up,
		.nofault = e->nofault,
		.no_sync = e->no_sync,
		.no_core = e->no_core,
		.stack_cur = e->stack_prot,
		.stack_max = e->stack_max,
		.split = e->split,
		.submap_id = e->is_sub_map ? e->object.sub_map->id : 0,
		.alias = e->alias,
		.behavior = e->behavior,
		.wired_count = e->wired_count,
		.user_wired_count = e->user_wired_count,
		.megapages_possible = megapages_possible(e),
		.offset = e->offset,
	};
	if (map->pmap != PMAP_NULL) {
		count_large_leaves(map->pmap, e->vme_start, e->vme_end, info);
		info->groups = groups_of_leaves(map->pmap, e->vme_start, e->vme_end);
	}
	fill_object(e, info);
}

bool
vm_entry_info(vm_map_t map, vm_offset_t *addr, struct vm_entry_info *info)
{
	vm_map_entry_t e;

	vm_map_lock_read(map);
	if (!vm_map_lookup_entry(map, *addr, &e))
		e = e->vme_next;
	if (e == vm_map_to_entry(map)) {
		vm_map_unlock_read(map);
		return false;
	}
	fill(map, e, info);
	*addr = e->vme_end;
	vm_map_unlock_read(map);
	return true;
}

vm_map_t
vm_entry_submap(vm_map_t map, vm_offset_t addr)
{
	vm_map_t submap = VM_MAP_NULL;
	vm_map_entry_t e;

	vm_map_lock_read(map);
	if (vm_map_lookup_entry(map, addr, &e) && e->is_sub_map) {
		submap = e->object.sub_map;
		vm_map_reference(submap);
	}
	vm_map_unlock_read(map);
	return submap;
}

/* --- objects --- */

const char *
vm_object_strategy_name(int strategy)
{
	static const char *const names[] = {
		[MEMORY_OBJECT_COPY_NONE] = "none", [MEMORY_OBJECT_COPY_CALL] = "call",
		[MEMORY_OBJECT_COPY_DELAY] = "delay", [MEMORY_OBJECT_COPY_TEMPORARY] = "temporary",
		[MEMORY_OBJECT_COPY_SYMMETRIC] = "symmetric", [MEMORY_OBJECT_COPY_INVALID] = "invalid",
	};

	return strategy >= 0 && strategy < (int)nitems(names) ? names[strategy] : "?";
}

struct object_search {
	uint64_t               after, below;
	struct vm_object_info *info;
	unsigned               n, room;
};

/*
 * Under the lock of the list: an object that is on it is not freed, and neither
 * are those that it points to, whose references it holds.
 */
static bool
take_object(vm_object_t object, void *arg)
{
	vm_object_t shadow = __atomic_load_n(&object->shadow, __ATOMIC_RELAXED);
	vm_object_t copy = __atomic_load_n(&object->copy, __ATOMIC_RELAXED);
	struct object_search *s = arg;
	unsigned i;

	if (object->id <= s->after || (s->n == s->room && object->id > s->info[s->n - 1].id))
		return true;
	if (s->below != 0 && (shadow == NULL || shadow->id != s->below))
		return true;
	if (s->n < s->room)
		s->n++;
	for (i = s->n - 1; i > 0 && s->info[i - 1].id > object->id; i--)
		s->info[i] = s->info[i - 1];
	s->info[i] = (struct vm_object_info){
		.id = object->id,
		.size = object->size,
		.resident = object->resident_page_count,
		.shadow = shadow != NULL ? shadow->id : 0,
		.copy = copy != NULL ? copy->id : 0,
		.shadow_offset = object->shadow_offset,
		.object = object,
		.refs = object->ref_count,
		.paging = object->paging_in_progress,
		.wired = object->wired_pages,
		.locked = object->locked_pages,
		.strategy = object->copy_strategy,
		.internal = object->internal,
		.pager = object->pager != NULL,
		.true_share = object->true_share,
		.shadowed = object->shadowed,
		.named = object->named,
		.severed = object->shadow_severed,
		.phys = object->phys_contiguous,
	};
	return true;
}

unsigned
vm_object_list(uint64_t after, uint64_t below, struct vm_object_info *info, unsigned n)
{
	struct object_search s = { after, below, info, 0, n };

	vm_object_foreach(take_object, &s);
	return s.n;
}
