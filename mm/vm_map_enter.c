/*
 * vm_map_enter.c: new ranges.
 *
 * Find the place (vm_map_find.c), then either stretch a neighbour, when the
 * new memory is zero-fill and alike in everything, or link a new entry.
 *
 *   [ prev: NULL object or extensible object ) new )  ==>  [ prev         )
 *                               new )[ next: NULL )   ==>  [ next         )
 *
 * With VM_FLAGS_OVERWRITE what overlaps is removed first, under the same lock
 * hold; the new entry is allocated before that, so nothing can fail between.
 * Only memory that must be wired (wiring_required, superpages) can fail later:
 * then the new range goes and the old entries, not freed yet, are put back.
 *
 * A superpage range is zero-fill memory of whole aligned megapages or gigapages, resident
 * and wired for its user from the start; its entries say so, and operations
 * on them take whole superpages (vm_map_widen).
 *
 * Locks: the map's write lock, taken here; it is dropped to wait for space, for
 * transitions, and for the wiring. References: the object's goes to the entry
 * on KERN_SUCCESS only.
 */
#include <base/wait.h>
#include <mm/vm_map_find.h>
#include <mm/vm_page_compact.h>
#include "vm_map_impl.h"

/* --- waiting for space --- */

void
vm_map_space_wakeup(vm_map_t map)
{
	spin_lock(&map->s_lock);
	spin_unlock(&map->s_lock);
	wake_all(&map->wait_for_space);
}

bool
vm_map_wait_for_space(vm_map_t map, vm_size_t size)
{
	bool woken;

	if (!map->wait_for_space || size > map->max_offset - map->min_offset)
		return false;
	spin_lock(&map->s_lock);
	vm_map_unlock(map);
	woken = wait_on(&map->wait_for_space, &map->s_lock, true);
	VM_RELOCK_POINT(map, "vm_map_enter.space");
	vm_map_lock(map);
	return woken;
}

/* --- the place --- */

/*
 * May [start, end), which overlaps entries, be overwritten? A permanent entry
 * stays and loses its rights; a window of a submap that is mapped
 * copy-on-write stays untouched where the submap forbids to write.
 */
kern_return_t
vm_map_check_overwrite(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t first = vm_map_entry_at_or_after(map, start), e;
	kern_return_t kr;

	kr = vm_map_submap_check_overwrite(map, start, end);
	if (kr != KERN_SUCCESS || likely(!map->special))
		return kr;
	for (e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next)
		if (e->permanent) {
			vm_map_entry_t dead;

			/* Nothing is on `dead`: what is permanent is never removed. */
			(void)vm_map_delete(map, e->vme_start > start ? e->vme_start : start,
			    e->vme_end < end ? e->vme_end : end, &dead);
			kr = KERN_FAIL(KERN_NO_SPACE, "a permanent entry is in [0x%lx, 0x%lx)", start, end);
		}
	return kr;
}

/* *after: the entry before, or NULL when the range is to be overwritten. */
static kern_return_t
check_fixed(vm_map_t map, vm_offset_t start, const struct vm_map_enter_args *args,
    vm_map_entry_t *after)
{
	vm_offset_t end = start + args->size;
	vm_map_entry_t e;

	if (start & args->mask)
		return KERN_FAIL(KERN_NO_SPACE, "address 0x%lx has bits of the mask 0x%lx", start, args->mask);
	if (start < map->min_offset || end > map->max_offset || start >= end)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "[0x%lx, 0x%lx) is not within the map [0x%lx, 0x%lx)",
		    start, end, map->min_offset, map->max_offset);
	*after = NULL;
	if (vm_map_lookup_entry(map, start, &e) ||
	    (e->vme_next != vm_map_to_entry(map) && e->vme_next->vme_start < end)) {
		vm_map_entry_t hit = e == vm_map_to_entry(map) || e->vme_end <= start ? e->vme_next : e;

		if (args->flags & VM_FLAGS_OVERWRITE)
			return vm_map_check_overwrite(map, start, end);
		return KERN_FAIL(KERN_NO_SPACE, "[0x%lx, 0x%lx) overlaps the entry [0x%lx, 0x%lx)",
		    start, end, hit->vme_start, hit->vme_end);
	}
	*after = e;
	return KERN_SUCCESS;
}

static noinline kern_return_t
find_random(vm_map_t map, const struct vm_map_enter_args *args, vm_offset_t *addr, vm_map_entry_t *after)
{
	vm_size_t room = map->max_offset - map->min_offset;
	vm_offset_t from = map->min_offset;

	if (args->size < room)
		from += trunc_page(vm_map_random() % (room - args->size));
	if (vm_map_find_first_fit(map, from, args->size, args->mask, addr, after) == KERN_SUCCESS)
		return KERN_SUCCESS;
	return vm_map_find_first_fit(map, map->min_offset, args->size, args->mask, addr, after);
}

/* The map may want clusters, or randomness. */
static noinline kern_return_t
find_by_options(vm_map_t map, const struct vm_map_enter_args *args, vm_offset_t from, vm_offset_t *addr, vm_map_entry_t *after)
{
	struct vm_map_find_args a = {
		.what = { .object = args->object, .prot = args->cur, .cow = from == map->min_offset ? MAP_NO_HINT : 0 },
		.length = args->size, .find_space = VMFS_ANY_SPACE,
	};
	struct vm_map_search s;
	kern_return_t kr;

	kr = vm_map_choose_masked(map, &a, from, args->mask, &s);
	if (kr == KERN_SUCCESS) {
		*addr = s.at;
		*after = s.after;
		vm_map_note_cluster(map, &s);
	}
	return kr;
}

/* What the range adds to map->size. */
static inline vm_size_t
counted(const struct vm_map_enter_args *args)
{
	const struct vm_map_entry e = { .attributes = args->attributes };

	return e.guard ? 0 : args->size;
}

kern_return_t
vm_map_find_place(vm_map_t map, const struct vm_map_enter_args *args, vm_offset_t *addr, vm_map_entry_t *after)
{
	vm_offset_t from = *addr;
	kern_return_t kr;

	if (!(args->flags & VM_FLAGS_ANYWHERE)) {
		if (unlikely((args->flags & VM_FLAGS_OVERWRITE) && map->transitions != 0))
			(void)vm_map_settle_slow(map, from, from + args->size, false);
		kr = check_fixed(map, from, args, after);
		return kr != KERN_SUCCESS ? kr : vm_map_check_size(map, counted(args), from, from + args->size);
	}
	do {
		kr = vm_map_check_size(map, args->size, 0, 0);
		if (unlikely(kr != KERN_SUCCESS))
			return kr;
		if (unlikely(args->flags & VM_FLAGS_RANDOM_ADDR))
			kr = find_random(map, args, addr, after);
		else if (unlikely(map->options != 0))
			kr = find_by_options(map, args, from, addr, after);
		else
			kr = vm_map_find_first_fit(map, from, args->size, args->mask, addr, after);
	} while (unlikely(kr == KERN_NO_SPACE) && vm_map_wait_for_space(map, args->size));
	return kr;
}

/* --- the entry --- */

/* Those of new zero-fill memory. */
static inline uint64_t
attributes(const struct vm_map_enter_args *args)
{
	struct vm_map_entry e;

	e.attributes = args->attributes;
	e.protection = args->cur & VM_PROT_ALL;
	e.max_protection = args->max & VM_PROT_ALL;
	e.inheritance = args->inheritance & 3;
	e.alias = VM_GET_TAG(args->flags) & 0xff;
	if (unlikely(args->flags & (VM_FLAGS_PERMANENT | VM_FLAGS_SUPERPAGE_MASK))) {
		e.permanent = (args->flags & VM_FLAGS_PERMANENT) != 0;
		e.superpage = (args->flags & VM_FLAGS_SUPERPAGE_MASK) != 0;
		e.gigapages |= (args->flags & VM_FLAGS_SUPERPAGE_MASK) == VM_FLAGS_SUPERPAGE_SIZE_1GB;
	}
	return e.attributes;
}

static inline void
fill_entry(vm_map_entry_t e, vm_offset_t start, const struct vm_map_enter_args *args, uint64_t want)
{
	e->vme_start = start;
	e->vme_end = start + args->size;
	e->object.vm_object = args->object;
	e->offset = 0;
	e->stack = 0;
	e->attributes = want;
	e->wired_count = e->user_wired_count = 0;
	if (args->object == NULL && args->submap == NULL)
		return;
	e->offset = args->offset;
	e->needs_copy = args->needs_copy;
	e->is_shared = args->is_shared;
	if (unlikely(args->submap != NULL)) {
		e->object.sub_map = args->submap;
		e->is_sub_map = true;
	}
}

/* No state, and nothing out of the ordinary: may the entry grow by what is asked for? */
static inline bool
alike(const struct vm_map_entry *e, uint64_t want)
{
	return e->attributes == want && e->wired_count == 0;
}

/*
 * May a neighbour simply become longer? (Spec 5.2, step 3.) The one below, its
 * object too; or the one above. Then both may have become one.
 */
static bool
extend_neighbour(vm_map_t map, vm_map_entry_t prev, vm_offset_t start, const struct vm_map_enter_args *args, uint64_t want)
{
	vm_map_entry_t header = vm_map_to_entry(map), next = prev->vme_next;
	vm_offset_t end = start + args->size;
	bool same;                      /* neighbours on both sides show one object: perhaps a hole in it */

	if (args->object != NULL || args->submap != NULL || map->wiring_required ||
	    (args->flags & (VM_FLAGS_PERMANENT | VM_FLAGS_SUPERPAGE_MASK | VM_FLAGS_ALONE)))
		return false;
	same = prev != header && next != header && next->vme_start == end && next->object.vm_object == prev->object.vm_object &&
	    next->offset - prev->offset == end - prev->vme_start;
	if (prev != header && prev->vme_end == start && alike(prev, want) &&
	    vm_object_coalesce(prev->object.vm_object, prev->offset, prev->vme_end - prev->vme_start, args->size, 1u + same)) {
		vm_map_store_resize(map, prev, prev->vme_start, end);
		if (next != header && next->vme_start == end)
			(void)vm_map_merge_prev(map, next);
		return true;
	}
	if (next == header || next->vme_start != end || !alike(next, want) ||
	    !vm_object_coalesce_below(next->object.vm_object, next->offset, args->size))
		return false;
	if (next->object.vm_object != NULL)
		next->offset -= args->size;
	vm_map_store_resize(map, next, start, next->vme_end);
	return true;
}

/* The place is start. after: the entry before it; NULL: the range is to be overwritten, and may be. */
static always_inline kern_return_t
enter_placed(vm_map_t map, vm_offset_t start, vm_map_entry_t after, const struct vm_map_enter_args *args, vm_map_entry_t *dead)
{
	uint64_t want = attributes(args);
	vm_map_entry_t e;
	kern_return_t kr;

	if (after != NULL && extend_neighbour(map, after, start, args, want))
		return KERN_SUCCESS;
	if (unlikely(args->submap != NULL) &&
	    __atomic_load_n(&args->submap->submap_level, __ATOMIC_RELAXED) <= map->submap_level)
		return KERN_MEMORY_RESTART_COPY;
	e = vm_map_entry_create();
	if (e == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map entry");
	if (after == NULL) {
		kr = vm_map_delete(map, start, start + args->size, dead);
		if (kr != KERN_SUCCESS) {
			vm_map_entry_dispose(e);
			return kr;
		}
		(void)vm_map_lookup_entry(map, start, &after);
	}
	fill_entry(e, start, args, want);
	vm_map_store_link(map, after, e);
	map->hint = e;
	if (unlikely(args->flags & (VM_FLAGS_PERMANENT | VM_FLAGS_SUPERPAGE_MASK)))
		map->special = true;
	return KERN_SUCCESS;
}

static kern_return_t
enter_locked(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *args,
    vm_map_entry_t *dead)
{
	vm_offset_t start = *addr;
	vm_map_entry_t after;
	kern_return_t kr;

	if (likely((args->flags & (VM_FLAGS_ANYWHERE | VM_FLAGS_RANDOM_ADDR)) == VM_FLAGS_ANYWHERE &&
	    !map->wait_for_space && map->options == 0 && map->size + args->size <= map->limit.size))
		kr = vm_map_find_first_fit(map, start, args->size, args->mask, &start, &after);
	else
		kr = vm_map_find_place(map, args, &start, &after);
	if (kr == KERN_SUCCESS)
		kr = enter_placed(map, start, after, args, dead);
	if (kr == KERN_SUCCESS)
		*addr = start;
	return kr;
}

/* --- memory that is wired from the start, and other rarities --- */

/* Is every megapage of the range, wired, one block of memory? Write lock held. */
static bool
is_superpages(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	bool ok = true;

	for (; ok && start < end; start += MEGAPAGE_SIZE) {
		vm_map_entry_t e;
		vm_object_t object;
		struct vm_page *m;

		(void)vm_map_lookup_entry(map, start, &e);
		object = e->object.vm_object;
		spin_lock(&object->lock);
		m = vm_page_lookup(object, start - e->vme_start + e->offset);
		ok = m->slot == 0 && vm_chunk_is_megapage(m->o.chunk);
		spin_unlock(&object->lock);
	}
	return ok;
}

/*
 * The range was entered and is to be wired: by address, since the lock was
 * dropped; in transition meanwhile, so it is still ours when that fails.
 */
static noinline kern_return_t
wire_new(vm_map_t map, vm_offset_t start, const struct vm_map_enter_args *args, vm_map_entry_t *dead)
{
	vm_offset_t end = start + args->size;
	vm_map_entry_t new = NULL;
	kern_return_t kr;

	kr = vm_map_wire_locked(map, start, end, args->cur);
	if (kr == KERN_SUCCESS && (args->flags & VM_FLAGS_SUPERPAGE_MASK) && !is_superpages(map, start, end))
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no contiguous memory for the superpages at 0x%lx", start);
	if (kr == KERN_SUCCESS)
		return kr;
	/* The caller's reference stays with him. */
	vm_object_reference(args->object);
	vm_map_reference(args->submap);
	(void)vm_map_delete_with(map, start, end, VM_MAP_REMOVE_ALL, &new);
	vm_map_undelete(map, *dead);
	*dead = new;
	return kr;
}

/*
 * A guard, and what has no faults, has no pages. A copied window shows what is not its own; its copies come later, one by
 * one.
 */
static kern_return_t
wire_if_required(vm_map_t map, vm_offset_t start, const struct vm_map_enter_args *args, vm_map_entry_t *dead)
{
	struct vm_map_entry e;

	e.attributes = args->attributes;
	if ((args->flags & VM_FLAGS_SUPERPAGE_MASK) ||
	    (map->wiring_required && !e.guard && !e.nofault && !(args->submap != NULL && args->needs_copy)))
		return wire_new(map, start, args, dead);
	return KERN_SUCCESS;
}

/* --- for vm_map_insert.c: the place has been chosen --- */

noinline kern_return_t
vm_map_enter_placed(vm_map_t map, vm_offset_t start, vm_map_entry_t after, const struct vm_map_enter_args *args,
    vm_map_entry_t *dead)
{
	return enter_placed(map, start, after, args, dead);
}

kern_return_t
vm_map_enter_fixed(vm_map_t map, vm_offset_t start, const struct vm_map_enter_args *args, vm_map_entry_t *dead)
{
	vm_map_entry_t after;
	kern_return_t kr = vm_map_find_place(map, args, &start, &after);

	return kr == KERN_SUCCESS ? enter_placed(map, start, after, args, dead) : kr;
}

kern_return_t
vm_map_enter_wired(vm_map_t map, vm_offset_t start, const struct vm_map_enter_args *args, vm_map_entry_t *dead)
{
	return wire_if_required(map, start, args, dead);
}

/* Flags that change what is asked for; checked and turned into plain arguments. */
static noinline kern_return_t
prepare_special(vm_offset_t addr, struct vm_map_enter_args *args)
{
	uint32_t super = args->flags & VM_FLAGS_SUPERPAGE_MASK;
	vm_offset_t mask = super == VM_FLAGS_SUPERPAGE_SIZE_1GB ? GIGAPAGE_MASK : MEGAPAGE_MASK;

	if ((args->flags & VM_FLAGS_RANDOM_ADDR) && !(args->flags & VM_FLAGS_ANYWHERE))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a random address, but at 0x%lx", addr);
	if (args->flags & VM_FLAGS_NO_CACHE) {
		if (!pmap_has_cache_attributes())
			return KERN_FAIL(KERN_NOT_SUPPORTED, "no hart here can map memory uncached (Svpbmt)");
		if (super != 0 || args->submap != NULL)
			return KERN_FAIL(KERN_INVALID_ARGUMENT, "superpages and submaps are cached as they are");
	}
	if (super == 0)
		return KERN_SUCCESS;
	if (super > VM_FLAGS_SUPERPAGE_SIZE_1GB)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "superpage size %u is not any (1), 2M (2) or 1G (3)", super >> 16);
	if (args->object != NULL || args->submap != NULL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "superpages are new memory: no object");
	if (super == VM_FLAGS_SUPERPAGE_SIZE_ANY)
		args->size = (args->size + MEGAPAGE_MASK) & ~MEGAPAGE_MASK;
	if (args->size == 0 || (args->size & mask))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx is no multiple of a superpage", args->size);
	if (!(args->flags & VM_FLAGS_ANYWHERE) && (addr & mask))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "address 0x%lx is not that of a superpage", addr);
	args->mask |= mask;
	args->inheritance = VM_INHERIT_NONE;
	return KERN_SUCCESS;
}

/* NO_CACHE: an object whose leaves are uncached; new memory gets one now. */
static kern_return_t
make_uncached(struct vm_map_enter_args *args, vm_offset_t addr, bool *made)
{
	if (args->object == NULL) {
		args->object = vm_object_allocate(args->size, addr);
		if (args->object == NULL)
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an uncached object");
		args->offset = 0;
		*made = true;
	}
	if (vm_object_set_cache(args->object, false))
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_FAILURE, "object %lu is cached, and wired so", args->object->id);
}

/*
 * Superpages of 1 GiB: an object of such runs, made before the map is locked, for it takes long; but not before there is
 * a place for them. KERN_RESOURCE_SHORTAGE; the codes of vm_map_find_place.
 */
static kern_return_t
make_gigapages(vm_map_t map, struct vm_map_enter_args *args, vm_offset_t addr, bool *made)
{
	vm_map_entry_t after;
	kern_return_t kr;

	vm_map_lock(map);
	kr = vm_map_find_place(map, args, &addr, &after);
	vm_map_unlock(map);
	if (kr != KERN_SUCCESS)
		return kr;
	args->object = vm_object_allocate(args->size, 0);
	if (args->object == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an object of superpages");
	args->offset = 0;
	for (vm_size_t at = 0; kr == KERN_SUCCESS && at < args->size; at += GIGAPAGE_SIZE)
		kr = vm_object_populate_run(args->object, at, VM_PAGE_ORDER_GIGA);
	if (kr == KERN_SUCCESS)
		*made = true;
	else
		vm_object_deallocate(args->object);
	return kr;
}

static noinline kern_return_t
enter_special(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *asked)
{
	struct vm_map_enter_args args = *asked;
	vm_map_entry_t dead = NULL;
	vm_offset_t at = *addr;
	bool made = false;
	kern_return_t kr;

	kr = prepare_special(at, &args);
	if (kr == KERN_SUCCESS && (args.flags & VM_FLAGS_NO_CACHE))
		kr = make_uncached(&args, at, &made);
	else if (kr == KERN_SUCCESS && (args.flags & VM_FLAGS_SUPERPAGE_MASK) == VM_FLAGS_SUPERPAGE_SIZE_1GB)
		kr = make_gigapages(map, &args, at, &made);
	if (kr != KERN_SUCCESS)
		return kr;
	vm_map_lock(map);
	kr = vm_map_check_wxorx(map, args.cur);
	if (kr == KERN_SUCCESS)
		kr = enter_locked(map, &at, &args, &dead);
	if (kr == KERN_SUCCESS)
		kr = wire_if_required(map, at, &args, &dead);
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	if (kr == KERN_SUCCESS)
		*addr = at;
	else if (made)
		vm_object_deallocate(args.object);
	return kr;
}

#define SPECIAL_FLAGS   (VM_FLAGS_RANDOM_ADDR | VM_FLAGS_NO_CACHE | VM_FLAGS_SUPERPAGE_MASK)

kern_return_t
vm_map_enter(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *args)
{
	vm_map_entry_t dead = NULL;
	kern_return_t kr;

	if (args->size == 0 || !page_aligned(args->size) || !page_aligned(args->offset) ||
	    !page_aligned(*addr))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx, offset 0x%lx or address 0x%lx is not in pages",
		    args->size, args->offset, *addr);
	/* Whoever hands in an object has, or may get, other ways to its pages. */
	if (args->object != NULL) {
		spin_lock(&args->object->lock);
		args->object->one_mapping = false;
		spin_unlock(&args->object->lock);
	}
	if (unlikely((args->flags & SPECIAL_FLAGS) || map->wiring_required || map->options != 0))
		return enter_special(map, addr, args);
	vm_map_lock(map);
	kr = enter_locked(map, addr, args, &dead);
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	return kr;
}

/* --- the kernel's use --- */

vm_map_entry_t
vm_map_entry_insert(vm_map_t map, vm_map_entry_t after, const struct vm_map_entry *e)
{
	vm_map_entry_t n = vm_map_entry_create();

	if (n == NULL)
		return NULL;
	*n = *e;
	n->in_transition = n->needs_wakeup = n->use_pmap = false;
	n->alias = 0;
	n->user_wired_count = 0;
	vm_map_store_link(map, after, n);
	map->hint = n;
	if (n->wired_count != 0 || n->permanent)
		map->special = true;
	return n;
}

kern_return_t
vm_map_find_space(vm_map_t map, vm_offset_t *addr, vm_size_t size, vm_offset_t mask, vm_map_entry_t *entry)
{
	struct vm_map_enter_args args = {
		.size = size, .mask = mask, .flags = VM_FLAGS_ANYWHERE,
		.cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT,
	};
	vm_offset_t start = map->min_offset;
	vm_map_entry_t after;
	kern_return_t kr;

	if (size == 0 || !page_aligned(size))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx is not in pages", size);
	vm_map_lock(map);
	kr = vm_map_find_place(map, &args, &start, &after);
	if (kr == KERN_SUCCESS) {
		struct vm_map_entry e;

		fill_entry(&e, start, &args, attributes(&args));
		*entry = vm_map_entry_insert(map, after, &e);
		if (*entry == NULL)
			kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map entry");
	}
	if (kr == KERN_SUCCESS)
		*addr = start;
	else
		vm_map_unlock(map);
	return kr;
}
