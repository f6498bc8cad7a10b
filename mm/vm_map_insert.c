/*
 * vm_map_insert.c: new ranges, as FreeBSD's calls make them.
 *
 *   vm_map_find   ─ place (vm_map_find.c) ─┐
 *   vm_map_fixed  ─ what is there goes ────┼─> the entry (vm_map_enter.c) ─> joined with neighbours ─> prefault
 *   vm_map_insert ─ free, or refused ──────┘
 *
 * The entry itself is made where Mach's calls make theirs, so both kinds join,
 * wire and fail alike. What is FreeBSD's own is here: its flags, the order of
 * its checks, its way with references.
 *
 * MAP_COPY_ON_WRITE. An object that is the caller's alone is mapped needs_copy as
 * it is. One that others refer to gets a copy by its strategy, made before the
 * map is locked because a pager may be asked: so a private mapping shows the
 * object as it was at the call. The caller's reference is given up for that
 * of the copy.
 *
 * Sharing. An object with other users is never copied symmetrically from then on,
 * for they could not be told (vm_map_share.c); one that was copied so before
 * cannot be mapped once more.
 *
 * Locks: the map's write lock, taken here but in vm_map_insert. Failure: all checks come
 * first; what vm_map_fixed and MAP_REMAP replace is removed when nothing can fail
 * any more but the wiring that the map may ask for, and that undoes it.
 */
#include <mm/vm_kern.h>
#include <mm/vm_map_find.h>
#include <mm/vm_map_stack.h>
#include <mm/vm_print.h>
#include "vm_map_impl.h"
#include "vm_object_impl.h"

#define MAP_STACK_BITS  (MAP_STACK_GROWS_DOWN | MAP_STACK_GROWS_UP)
#define MAP_GAP_BITS    (MAP_CREATE_STACK_GAP_DN | MAP_CREATE_STACK_GAP_UP)

/* --- checks --- */

/* What needs no map. */
static kern_return_t
check_new(const struct vm_map_new *w, vm_size_t length)
{
	if (length == 0 || !page_aligned(length) || !page_aligned(w->offset))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "length 0x%lx or offset 0x%lx is not in pages", length, w->offset);
	if (w->offset + length < length)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from offset 0x%lx wrap", length, w->offset);
	if (w->cow & ~MAP_COW_KNOWN)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "cow 0x%x: unknown bits 0x%x", w->cow, w->cow & ~MAP_COW_KNOWN);
	if ((w->max & ~VM_PROT_ALL) || (w->prot & ~w->max))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protection 0x%x is not within the maximum 0x%x, or that not within rwx",
		    w->prot, w->max);
	if ((w->cow & MAP_NOFAULT) && w->object != NULL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "pages of an object come by faults: not with MAP_NOFAULT");
	if ((w->cow & MAP_GAP_BITS) && !(w->cow & MAP_CREATE_GUARD))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the gap of a stack is a guard");
	if ((w->cow & MAP_STACK_BITS) && (w->cow & MAP_CREATE_GUARD))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a guard does not grow");
	return KERN_SUCCESS;
}

static kern_return_t
check_range(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	if (!page_aligned(start | end))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "[0x%lx, 0x%lx) is not in pages", start, end);
	if (start >= end || start < map->min_offset || end > map->max_offset)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "[0x%lx, 0x%lx) is not within the map [0x%lx, 0x%lx)", start, end,
		    map->min_offset, map->max_offset);
	return KERN_SUCCESS;
}

/* *after: the entry before the range. */
static kern_return_t
check_free(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_entry_t *after)
{
	vm_map_entry_t hit;

	if (vm_map_lookup_entry(map, start, after))
		hit = *after;
	else {
		hit = (*after)->vme_next;
		if (hit == vm_map_to_entry(map) || hit->vme_start >= end)
			return KERN_SUCCESS;
	}
	return KERN_FAIL(KERN_NO_SPACE, "[0x%lx, 0x%lx) overlaps the entry [0x%lx, 0x%lx)", start, end, hit->vme_start,
	    hit->vme_end);
}

/* Guards, and borders. */
static kern_return_t
check_kind(const struct vm_map_new *w, vm_offset_t start, vm_offset_t end)
{
	unsigned split = (w->cow & MAP_SPLIT_BOUNDARY_MASK) >> MAP_SPLIT_BOUNDARY_SHIFT;
	vm_size_t unit = split == 2 ? GIGAPAGE_SIZE : MEGAPAGE_SIZE;

	if ((w->cow & MAP_CREATE_GUARD) && (w->object != NULL || w->max != VM_PROT_NONE))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a guard has no object, and maximum none, not %s", vm_prot_name(w->max));
	if (split == 3)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "split boundary 3: there are 1 (2 MiB) and 2 (1 GiB)");
	if (split != 0 && ((start | end) & (unit - 1)) != 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "[0x%lx, 0x%lx) is not in units of the split boundary 0x%lx", start, end, unit);
	return KERN_SUCCESS;
}

/* The kernel's map has page tables for what is entered from then on (pmap_growkernel(9)). */
static inline kern_return_t
grow_kernel(vm_map_t map, vm_offset_t end)
{
	return likely(map != kernel_map) ? KERN_SUCCESS : pmap_growkernel(end);
}

/* --- what is entered --- */

/* The attributes that only FreeBSD's flags give. */
static uint64_t
attributes_of(uint32_t cow)
{
	struct vm_map_entry e;

	e.attributes = 0;
	e.guard = (cow & MAP_CREATE_GUARD) != 0;
	e.stack_gap = (cow & MAP_GAP_BITS) != 0;
	e.grows_down = (cow & MAP_STACK_GROWS_DOWN) != 0;
	e.grows_up = (cow & (MAP_STACK_GROWS_UP | MAP_CREATE_STACK_GAP_UP)) != 0;
	e.nofault = (cow & MAP_NOFAULT) != 0;
	e.no_sync = (cow & MAP_DISABLE_SYNCER) != 0;
	e.no_core = (cow & MAP_DISABLE_COREDUMP) != 0;
	e.split = ((cow & MAP_SPLIT_BOUNDARY_MASK) >> MAP_SPLIT_BOUNDARY_SHIFT) & 3;
	return e.attributes;
}

/* A place at a multiple of 1 GiB or more was asked for: memory there comes by gigabytes, or at least by megapages. */
static uint64_t
attributes_of_place(vm_map_t map, const struct vm_map_find_args *a)
{
	struct vm_map_entry e;

	e.attributes = 0;
	e.gigapages = e.megapages = a->find_space >= VMFS_ALIGNED_SPACE(GIGAPAGE_SHIFT) && !map->wiring_required &&
	    !(a->what.cow & (MAP_CREATE_GUARD | MAP_NOFAULT));
	return e.attributes;
}

static void
fill_args(struct vm_map_enter_args *args, const struct vm_map_new *w, vm_size_t length)
{
	*args = (struct vm_map_enter_args){
		.size = length, .object = w->object, .offset = w->offset, .cur = w->prot, .max = w->max,
		.flags = w->cow & (MAP_STACK_BITS | MAP_GAP_BITS) ? VM_FLAGS_ALONE : 0,
		.inheritance = w->cow & MAP_INHERIT_SHARE ? VM_INHERIT_SHARE : VM_INHERIT_COPY,
		.attributes = attributes_of(w->cow),
	};
}

/* Nobody else has, or may get, a way to the object's pages: a needs_copy entry may show it as it is. */
static inline bool
is_private(vm_object_t object)
{
	return object->internal && object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC && object->ref_count == 1;
}

/*
 * The object is going to be mapped in place, or needs_copy. KERN_INVALID_ARGUMENT: it may not, as others use it (copies
 * of it have been made, or are to be).
 */
static kern_return_t
use_object(struct vm_map_enter_args *args, bool copy)
{
	vm_object_t object = args->object;
	kern_return_t kr = KERN_SUCCESS;

	if (object == NULL) {
		args->offset = 0;
		return kr;
	}
	spin_lock(&object->lock);
	if (copy && is_private(object))
		args->needs_copy = true;
	else if (copy || (object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC && object->shadowed))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "object %lu is %s: not to be mapped so", object->id,
		    copy ? "not the caller's alone" : "copied");
	else if (object->copy_strategy != MEMORY_OBJECT_COPY_SYMMETRIC)
		args->is_shared = true;
	else if (object->ref_count > 1) {
		object->copy_strategy = MEMORY_OBJECT_COPY_DELAY;
		args->is_shared = true;
	}
	if (kr == KERN_SUCCESS)
		object->one_mapping = false;
	spin_unlock(&object->lock);
	return kr;
}

/*
 * With no lock held: args from w, with an object that can be mapped: w's, or a copy of it, for which the caller has a
 * reference from now on in either case. KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR, KERN_ABORTED, KERN_NOT_SUPPORTED.
 */
static kern_return_t
prepare(struct vm_map_enter_args *args, const struct vm_map_new *w, vm_size_t length)
{
	kern_return_t kr;

	fill_args(args, w, length);
	if (w->object == NULL || !(w->cow & MAP_COPY_ON_WRITE) || is_private(w->object))
		return use_object(args, (w->cow & MAP_COPY_ON_WRITE) != 0);
	kr = vm_object_copy_strategically(w->object, w->offset, length, &args->object, &args->offset, &args->needs_copy);
	if (kr == KERN_MEMORY_RESTART_COPY) {
		args->offset = 0;
		args->needs_copy = false;
		kr = vm_object_copy_slowly(w->object, w->offset, length, true, &args->object);
	}
	return kr;
}

/* Of w's reference and that of the copy one is left over. No lock held. */
static void
settle_references(const struct vm_map_enter_args *args, const struct vm_map_new *w, kern_return_t kr)
{
	if (args->object != w->object)
		vm_object_deallocate(kr == KERN_SUCCESS ? w->object : args->object);
}

/* --- prefault --- */

struct prefault {
	vm_map_t       map;
	vm_map_entry_t entry;
	vm_prot_t      prot;
	unsigned       left;            /* mappings */
};

static bool
prefault_chunk(struct vm_chunk *c, unsigned first, unsigned last, void *arg)
{
	struct prefault *p = arg;
	vm_offset_t base = p->entry->vme_start + (vm_chunk_offset(c, 0) - p->entry->offset), va;
	unsigned slot, n;

	if (first == 0 && last == VM_CHUNK_PAGES && vm_chunk_is_megapage(c) && (base & MEGAPAGE_MASK) == 0 &&
	    pmap_enter_mega(p->map->pmap, base, c, p->prot, 0) == KERN_SUCCESS)
		return --p->left != 0;
	for (slot = vm_chunk_next(c, first); slot < last && p->left != 0; slot = vm_chunk_next(c, slot + n)) {
		struct vm_page *m = vm_chunk_page(c, slot);

		/* The first page of a table by itself, which makes the table; then what else goes there. */
		va = base + ((vm_offset_t)slot << PAGE_SHIFT);
		n = 1;
		if ((m->flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR)) != 0)
			continue;
		if (pmap_enter(p->map->pmap, va, m, p->prot, 0) != KERN_SUCCESS)
			return false;
		p->left--;
		n = (unsigned)((MEGAPAGE_SIZE - (va & MEGAPAGE_MASK)) >> PAGE_SHIFT);
		if (n > last - slot)
			n = last - slot;
		if (n > p->left + 1)
			n = p->left + 1;
		p->left -= pmap_enter_run(p->map->pmap, va + PAGE_SIZE, c, slot + 1, n - 1, p->prot);
	}
	return p->left != 0;
}

/* Best effort: what is resident in the entry's own object is mapped, for reading. Write lock. */
static noinline void
prefault(vm_map_t map, vm_offset_t start, vm_size_t length, uint32_t cow)
{
	struct prefault p = { .map = map, .left = cow & MAP_PREFAULT_PARTIAL ? VM_MAP_PREFAULT_MAX : ~0u };
	struct vm_page_counts counts;
	vm_object_t object;

	if (map->pmap == NULL || map->own_tables || !vm_map_lookup_entry(map, start, &p.entry) || p.entry->is_sub_map)
		return;
	object = p.entry->object.vm_object;
	p.prot = p.entry->protection & ~VM_PROT_WRITE;
	if (object == NULL || p.prot == VM_PROT_NONE || p.entry->wired_count != 0)
		return;
	if (cow & MAP_PREFAULT_MADVISE) {
		vm_page_counts(&counts);
		if (counts.free < counts.total / 16)
			return;
	}
	spin_lock(&object->lock);
	if (!object->phys_contiguous && !object->uncached && object->locked_pages == 0)
		(void)vm_chunk_visit(object, p.entry->offset + (start - p.entry->vme_start),
		    p.entry->offset + (start - p.entry->vme_start) + length, prefault_chunk, &p);
	spin_unlock(&object->lock);
}

/* --- the calls --- */

/* After an entry was made: it may be one with its neighbours. */
static void
join(vm_map_t map, vm_offset_t start)
{
	vm_map_entry_t e;

	(void)vm_map_lookup_entry(map, start, &e);
	e = vm_map_merge_prev(map, e);
	(void)vm_map_merge_prev(map, e->vme_next);
}

/* Placed or to be placed at start (after NULL): by args, the rest by w. Write lock, dropped for wiring only. */
static kern_return_t
insert_locked(vm_map_t map, vm_offset_t start, vm_map_entry_t after, const struct vm_map_enter_args *args,
    const struct vm_map_new *w, vm_map_entry_t *dead)
{
	kern_return_t kr = vm_map_check_wxorx(map, w->prot);

	if (kr == KERN_SUCCESS)
		kr = check_kind(w, start, start + args->size);
	if (kr == KERN_SUCCESS && after != NULL && !(w->cow & MAP_CREATE_GUARD))
		kr = vm_map_check_size(map, args->size, 0, 0);
	if (kr == KERN_SUCCESS)
		kr = grow_kernel(map, start + args->size);
	if (kr == KERN_SUCCESS)
		kr = after != NULL ? vm_map_enter_placed(map, start, after, args, dead) :
		    vm_map_enter_fixed(map, start, args, dead);
	if (kr != KERN_SUCCESS)
		return kr;
	if (unlikely(w->cow & MAP_SPLIT_BOUNDARY_MASK))
		map->special = map->splits = true;
	/* FreeBSD wires what can be accessed. */
	if (w->prot != VM_PROT_NONE)
		kr = vm_map_enter_wired(map, start, args, dead);
	if (kr != KERN_SUCCESS)
		return kr;
	if (!(args->flags & VM_FLAGS_ALONE))
		join(map, start);
	if (w->cow & (MAP_PREFAULT | MAP_PREFAULT_PARTIAL | MAP_PREFAULT_MADVISE))
		prefault(map, start, args->size, w->cow);
	return kr;
}

kern_return_t
vm_map_insert(vm_map_t map, vm_offset_t start, vm_offset_t end, const struct vm_map_new *w)
{
	struct vm_map_enter_args args;
	vm_map_entry_t after, dead = NULL;
	kern_return_t kr;

	kr = check_range(map, start, end);
	if (kr == KERN_SUCCESS)
		kr = check_new(w, end - start);
	if (kr == KERN_SUCCESS)
		kr = vm_map_check_wxorx(map, w->prot);
	if (kr == KERN_SUCCESS)
		kr = check_free(map, start, end, &after);
	if (kr == KERN_SUCCESS)
		kr = check_kind(w, start, end);
	if (kr == KERN_SUCCESS && !(w->cow & MAP_CREATE_GUARD))
		kr = vm_map_check_size(map, end - start, 0, 0);
	if (kr == KERN_SUCCESS)
		kr = grow_kernel(map, end);
	if (kr != KERN_SUCCESS)
		return kr;
	fill_args(&args, w, end - start);
	kr = use_object(&args, (w->cow & MAP_COPY_ON_WRITE) != 0);
	if (kr == KERN_SUCCESS)
		kr = vm_map_enter_placed(map, start, after, &args, &dead);
	if (kr != KERN_SUCCESS)
		return kr;
	if (w->cow & MAP_SPLIT_BOUNDARY_MASK)
		map->special = map->splits = true;
	if (!(args.flags & VM_FLAGS_ALONE))
		join(map, start);
	if (w->cow & (MAP_PREFAULT | MAP_PREFAULT_PARTIAL | MAP_PREFAULT_MADVISE))
		prefault(map, start, end - start, w->cow);
	return KERN_SUCCESS;
}

/* A stack in place of what is there (but with MAP_CHECK_EXCL); nothing is lost if that fails. */
static noinline kern_return_t
fixed_stack(vm_map_t map, vm_offset_t start, vm_size_t length, const struct vm_map_new *w)
{
	vm_offset_t end = start + length;
	vm_map_entry_t dead = NULL;
	struct vm_map_new what = *w;
	kern_return_t kr = KERN_SUCCESS;

	what.cow &= ~MAP_CHECK_EXCL;
	vm_map_lock(map);
	if (!(w->cow & MAP_CHECK_EXCL)) {
		(void)vm_map_settle(map, start, end, false);
		kr = vm_map_check_overwrite(map, start, end);
		if (kr == KERN_SUCCESS)
			kr = vm_map_delete(map, start, end, &dead);
	}
	if (kr == KERN_SUCCESS)
		kr = vm_map_stack_locked(map, start, length, &what);
	if (kr != KERN_SUCCESS) {
		vm_map_undelete(map, dead);
		vm_map_merge_range(map, start, end);
		dead = NULL;
	}
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	return kr;
}

kern_return_t
vm_map_fixed(vm_map_t map, vm_offset_t start, vm_size_t length, const struct vm_map_new *w)
{
	struct vm_map_enter_args args;
	vm_map_entry_t dead = NULL;
	kern_return_t kr = check_new(w, length);

	if (kr == KERN_SUCCESS)
		kr = check_range(map, start, start + length);
	if (kr == KERN_SUCCESS && (w->cow & MAP_STACK_BITS))
		return fixed_stack(map, start, length, w);
	if (kr == KERN_SUCCESS)
		kr = prepare(&args, w, length);
	if (kr != KERN_SUCCESS)
		return kr;
	if (!(w->cow & MAP_CHECK_EXCL))
		args.flags |= VM_FLAGS_OVERWRITE;
	vm_map_lock(map);
	kr = insert_locked(map, start, NULL, &args, w, &dead);
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	settle_references(&args, w, kr);
	return kr;
}

/* The place for a, and the entry there. Write lock; dropped to wait for space, if the map wants that, and for wiring. */
static kern_return_t
find_locked(vm_map_t map, vm_offset_t *addr, const struct vm_map_find_args *a, struct vm_map_enter_args *args,
    vm_map_entry_t *dead)
{
	struct vm_map_search s = { .after = NULL };
	vm_offset_t from = *addr;
	kern_return_t kr;

	if (a->find_space == VMFS_NO_SPACE) {
		kr = check_range(map, from, from + a->length);
		if (kr != KERN_SUCCESS)
			return kr;
		if (a->what.cow & MAP_REMAP)
			args->flags |= VM_FLAGS_OVERWRITE;
	} else {
		do
			kr = vm_map_choose(map, a, from, &s);
		while (unlikely(kr == KERN_NO_SPACE) && vm_map_wait_for_space(map, a->length));
		if (kr != KERN_SUCCESS)
			return kr;
		*addr = s.at;
	}
	kr = insert_locked(map, *addr, s.after, args, &a->what, dead);
	if (kr == KERN_SUCCESS && unlikely(s.clustered))
		vm_map_note_cluster(map, &s);
	return kr;
}

/* A stack is placed as any memory is; then it is vm_map_stack's. */
static kern_return_t
find_stack(vm_map_t map, vm_offset_t *addr, const struct vm_map_find_args *a)
{
	struct vm_map_search s = { .at = *addr };
	kern_return_t kr = KERN_SUCCESS;

	vm_map_lock(map);
	if (a->find_space != VMFS_NO_SPACE)
		kr = vm_map_choose(map, a, *addr, &s);
	if (kr == KERN_SUCCESS) {
		*addr = s.at;
		kr = vm_map_stack_locked(map, s.at, a->length, &a->what);
	}
	vm_map_unlock(map);
	return kr;
}

kern_return_t
vm_map_find(vm_map_t map, vm_offset_t *addr, const struct vm_map_find_args *a)
{
	struct vm_map_enter_args args;
	vm_map_entry_t dead = NULL;
	kern_return_t kr = check_new(&a->what, a->length);

	if (kr == KERN_SUCCESS && (!page_aligned(*addr) || !vm_map_strategy_known(a->find_space)))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "address 0x%lx is not in pages, or strategy 0x%x unknown", *addr, a->find_space);
	if (kr == KERN_SUCCESS && (a->what.cow & MAP_STACK_BITS))
		return find_stack(map, addr, a);
	if (kr == KERN_SUCCESS)
		kr = prepare(&args, &a->what, a->length);
	if (kr != KERN_SUCCESS)
		return kr;
	args.attributes |= attributes_of_place(map, a);
	vm_map_lock(map);
	kr = find_locked(map, addr, a, &args, &dead);
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	settle_references(&args, &a->what, kr);
	return kr;
}

kern_return_t
vm_map_find_min(vm_map_t map, vm_offset_t *addr, const struct vm_map_find_args *asked)
{
	struct vm_map_find_args a = *asked;
	vm_offset_t hint = *addr;
	kern_return_t kr;

	if (hint == 0) {
		a.what.cow |= MAP_NO_HINT;
		hint = *addr = a.min_addr;
	}
	for (;;) {
		kr = vm_map_find(map, addr, &a);
		if (kr != KERN_NO_SPACE || a.min_addr >= hint)
			return kr;
		hint = *addr = a.min_addr;
	}
}
