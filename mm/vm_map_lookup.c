/*
 * vm_map_lookup.c: from an address and an access to an object and an offset.
 *
 * The read lock is enough for most lookups. Two states must be changed before
 * a fault can go on, and need the write lock for a moment: a NULL object is
 * allocated, and for a write to a needs_copy entry the object is shadowed. The
 * lock is upgraded in place where we are the only reader; else it is dropped,
 * taken for writing, and everything is looked up and checked again.
 *
 *   read lock -> entry -> rights -> needs_copy? NULL object? -> (write lock, change) -> read lock
 *
 * An address in a submap window goes down, map by map (lookup_submap):
 *
 *   top  [  window  )               rights: what all levels allow
 *          |                        needs_copy anywhere: no WRITE is granted,
 *   sub  [   window 2  )            and for a write that window is replaced by
 *             |                     a private copy first (vm_map_unnest_copy)
 *   sub2   [ entry ) -> object
 *
 * All maps on the way stay read-locked until vm_map_lookup_done: the leaf goes
 * to the top map's pmap (or, through a window with nested tables, to that
 * submap's), and whoever takes the window, or the entry behind it, away
 * afterwards must find that leaf. So no reference on a submap is needed: the
 * entries that hold them cannot go.
 *
 * Locks: parents before submaps. To give a window its private copy all locks
 * are dropped but a reference on the map that holds it, and the lookup starts
 * over. Failure: nothing changed, no lock held.
 */
#include <mm/vm_map_range.h>
#include <mm/vm_map_stack.h>
#include <mm/vm_print.h>
#include "vm_map_impl.h"

/* What must change before `e` can serve this access? */
static inline bool
must_change(vm_map_entry_t e, vm_prot_t access)
{
	return e->object.vm_object == NULL || (e->needs_copy && (access & VM_PROT_WRITE));
}

kern_return_t
vm_map_entry_settle(vm_map_t map, vm_map_entry_t e, vm_prot_t access)
{
	vm_object_t object;
	vm_object_offset_t offset = e->offset;

	if (e->guard)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the entry at 0x%lx is a guard", e->vme_start);
	if (e->nofault)
		return KERN_FAIL(KERN_FAILURE, "the entry at 0x%lx has no faults", e->vme_start);
	if (e->object.vm_object == NULL) {
		if (!vm_map_entry_allocate_object(e))
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for the object of the entry at 0x%lx", e->vme_start);
		if (unlikely(map->no_zero_fill)) {
			e->object.vm_object->no_zero_fill = true;
			vm_object_classify(e->object.vm_object);
		}
	}
	if (e->needs_copy && (access & VM_PROT_WRITE)) {
		object = e->object.vm_object;
		if (!vm_object_shadow(&object, &offset, e->vme_end - e->vme_start))
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to shadow the object of the entry at 0x%lx", e->vme_start);
		e->object.vm_object = object;
		e->offset = offset;
		e->needs_copy = false;
	}
	return KERN_SUCCESS;
}

/*
 * The entry of map (locked) for va, with its rights cut by `prot`. Returns the
 * result code; the lock stays as it is.
 */
static inline kern_return_t
find_entry(vm_map_t map, vm_offset_t va, vm_prot_t access, vm_prot_t *prot, vm_map_entry_t *e)
{
	if (unlikely(!vm_map_lookup_entry(map, va, e)))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", va);
	*prot &= (*e)->protection;
	if (unlikely((access & ~*prot) != 0))
		return KERN_FAIL(KERN_PROTECTION_FAILURE,
		    "access %s to 0x%lx: the entry at 0x%lx allows %s",
		    vm_prot_name(access), va, (*e)->vme_start, vm_prot_name(*prot));
	return KERN_SUCCESS;
}

/*
 * find_entry said that e, of map (read-locked, and again on return), must change. *same: the lock was never given up, so
 * e is still the entry; if not, look again.
 */
static kern_return_t
change_entry(vm_map_t map, vm_map_entry_t e, vm_offset_t at, vm_prot_t access, bool *same)
{
	vm_prot_t prot = VM_PROT_ALL;
	kern_return_t kr;

	*same = !vm_map_lock_read_to_write(map);
	if (unlikely(!*same)) {
		vm_map_lock(map);
		kr = find_entry(map, at, access, &prot, &e);
		if (kr == KERN_SUCCESS && !e->is_sub_map && must_change(e, access))
			kr = vm_map_entry_settle(map, e, access);
	} else
		kr = vm_map_entry_settle(map, e, access);
	vm_map_lock_write_to_read(map);
	return kr;
}

void
vm_map_lookup_unlock_above(struct vm_map_lookup *l)
{
	while (l->depth > 0)
		vm_map_unlock_read(l->above[--l->depth]);
}

/* What a lookup carries down from map to map. */
struct descent {
	vm_offset_t at;                 /* the address in l->map */
	uint64_t    shift;              /* top address = address in l->map + shift */
	vm_prot_t   prot;               /* what the windows passed so far allow */
	bool        needs_copy;         /* one of them is */
	bool        unwired;            /* one of those since the pmap that the leaf goes to is not wired */
};

/* lo and hi, cut to what e of l->map holds. Compared there: seen from the top, e may begin below address 0. */
static void
clip_to_entry(struct vm_map_lookup *l, vm_map_entry_t e, uint64_t shift)
{
	if (e->vme_start > l->lo - shift)
		l->lo = e->vme_start + shift;
	if (e->vme_end < l->hi - shift)
		l->hi = e->vme_end + shift;
}

/* Through window e of l->map into its submap, read-locked on return. */
static void
descend(struct vm_map_lookup *l, vm_map_entry_t e, struct descent *d)
{
	vm_map_t sub = e->object.sub_map;

	clip_to_entry(l, e, d->shift);
	d->shift += e->vme_start - e->offset;
	d->at += e->offset - e->vme_start;
	d->needs_copy |= e->needs_copy;
	d->unwired |= e->wired_count == 0;
	/* Only the tables of the map that has the window lead to the submap's. */
	if (e->use_pmap && l->pmap == l->map->pmap) {
		l->pmap = sub->pmap;
		l->pmap_shift = -d->shift;
		d->unwired = false;
	}
	l->above[l->depth++] = l->map;
	l->map = sub;
	vm_map_lock_read(sub);
}

static void
unlock_all(struct vm_map_lookup *l)
{
	vm_map_unlock_read(l->map);
	vm_map_lookup_unlock_above(l);
}

/* A write meets a needs_copy window at `at` of l->map. All locks are given up; on KERN_SUCCESS look again. */
static kern_return_t
copy_window(struct vm_map_lookup *l, vm_offset_t at)
{
	vm_map_t map = l->map;
	vm_map_entry_t e;
	kern_return_t kr = KERN_SUCCESS;

	vm_map_reference(map);
	unlock_all(l);
	VM_RELOCK_POINT(map, "vm_map_lookup.copy_window");
	vm_map_lock(map);
	if (vm_map_lookup_entry(map, at, &e) && e->is_sub_map && e->needs_copy)
		kr = vm_map_unnest_copy(map, e, at, VM_PROT_WRITE);
	vm_map_unlock(map);
	vm_map_deallocate(map);
	return kr == KERN_ABORTED ? KERN_SUCCESS : kr;
}

/* Once down from top, read-locked. KERN_ABORTED: no lock is held any more, start over. */
static kern_return_t
lookup_down(vm_map_t top, vm_offset_t va, vm_prot_t access, struct vm_map_lookup *l, struct descent *d)
{
	vm_map_entry_t e;
	kern_return_t kr;
	bool same;

	*d = (struct descent){ .at = trunc_page(va), .prot = VM_PROT_ALL };
	l->map = top;
	l->pmap = top->pmap;
	l->pmap_shift = 0;
	l->depth = 0;
	l->lo = 0;
	l->hi = ~0ul;
	for (;;) {
		vm_prot_t granted = d->prot;

		kr = find_entry(l->map, d->at, access, &granted, &e);
		if (kr != KERN_SUCCESS)
			break;
		if (e->is_sub_map) {
			if (e->needs_copy && (access & VM_PROT_WRITE)) {
				kr = copy_window(l, d->at);
				return kr == KERN_SUCCESS ? KERN_ABORTED : kr;
			}
			KASSERT(l->depth < VM_SUBMAP_DEPTH_MAX, ("0x%lx lies more than %d submaps deep", va, VM_SUBMAP_DEPTH_MAX));
			d->prot = granted;
			descend(l, e, d);
			continue;
		}
		if (must_change(e, access)) {
			kr = change_entry(l->map, e, d->at, access, &same);
			if (kr != KERN_SUCCESS)
				break;
			continue;
		}
		if (l->depth > 0 && e->object.vm_object->phys_contiguous) {
			/* Its leaves have no reverse mapping: what is done to the submap could not reach them. */
			kr = KERN_FAIL(KERN_MEMORY_ERROR, "0x%lx: device memory cannot be used through a submap", va);
			break;
		}
		d->prot = granted;
		l->entry = e;
		return KERN_SUCCESS;
	}
	unlock_all(l);
	return kr;
}

/* Fills in what depends on the entry alone. */
static inline void
found(struct vm_map_lookup *l, vm_map_entry_t e, vm_offset_t at, vm_prot_t granted)
{
	l->entry = e;
	l->object = e->object.vm_object;
	l->offset = at - e->vme_start + e->offset;
	l->prot = e->needs_copy ? granted & ~VM_PROT_WRITE : granted;
	l->wired = e->wired_count != 0;
	l->version.main_timestamp = l->map->timestamp;
}

/* top, read-locked, has a submap window at va. */
static noinline kern_return_t
lookup_submap(vm_map_t top, vm_offset_t va, vm_prot_t access, struct vm_map_lookup *l)
{
	struct descent d;
	kern_return_t kr;
	vm_map_entry_t e;

	while ((kr = lookup_down(top, va, access, l, &d)) == KERN_ABORTED) {
		VM_RELOCK_POINT(top, "vm_map_lookup.again");
		vm_map_lock_read(top);
	}
	l->may_grow = false;            /* through windows nobody's stack grows */
	if (kr != KERN_SUCCESS)
		return kr;
	e = l->entry;
	found(l, e, d.at, d.needs_copy ? d.prot & ~VM_PROT_WRITE : d.prot);
	l->wired = l->wired && !d.unwired;
	clip_to_entry(l, e, d.shift);
	return KERN_SUCCESS;
}

static inline kern_return_t
found_in(vm_map_t map, vm_map_entry_t e, vm_offset_t at, vm_prot_t granted, struct vm_map_lookup *l)
{
	l->map = map;
	l->pmap = map->pmap;
	l->pmap_shift = 0;
	l->lo = e->vme_start;
	l->hi = e->vme_end;
	found(l, e, at, granted);
	return KERN_SUCCESS;
}

/* vm_map_lookup_locked where the hint is not the answer. */
static noinline kern_return_t
lookup_far(vm_map_t map, vm_offset_t va, vm_prot_t access, struct vm_map_lookup *l)
{
	vm_offset_t at = trunc_page(va);
	vm_map_entry_t e;
	kern_return_t kr;

	for (;;) {
		vm_prot_t granted = VM_PROT_ALL;
		bool same = true;

		kr = find_entry(map, at, access, &granted, &e);
		if (unlikely(kr != KERN_SUCCESS))
			break;
		if (unlikely(e->is_sub_map))
			return lookup_submap(map, va, access, l);
		if (unlikely(must_change(e, access)) &&
		    (kr = change_entry(map, e, at, access, &same)) != KERN_SUCCESS)
			break;
		if (likely(same))
			return found_in(map, e, at, granted, l);
	}
	l->may_grow = (kr == KERN_PROTECTION_FAILURE && e->stack_gap) ||
	    (kr == KERN_INVALID_ADDRESS && map->stack_rules == VM_STACK_CLASSIC);
	vm_map_unlock_read(map);
	return kr;
}

/* The same where the entry, e, allows the access, and must change first. */
static noinline kern_return_t
lookup_and_change(vm_map_t map, vm_map_entry_t e, vm_offset_t at, vm_prot_t access, struct vm_map_lookup *l)
{
	kern_return_t kr;

	if (unlikely(vm_map_lock_read_to_write(map))) {         /* let go of: look again */
		vm_map_lock_read(map);
		return lookup_far(map, at, access, l);
	}
	kr = vm_map_entry_settle(map, e, access);
	vm_map_lock_write_to_read(map);
	if (likely(kr == KERN_SUCCESS))
		return found_in(map, e, at, e->protection, l);
	l->may_grow = false;
	vm_map_unlock_read(map);
	return kr;
}

/* The entry found last serves most faults, as it is: no call is made on that way, so no register is saved. */
kern_return_t
vm_map_lookup_locked(vm_map_t map, vm_offset_t va, vm_prot_t access, struct vm_map_lookup *l)
{
	vm_map_entry_t e = __atomic_load_n(&map->hint, __ATOMIC_RELAXED);

	if (unlikely(e == vm_map_to_entry(map) || va - e->vme_start >= e->vme_end - e->vme_start ||
	    e->is_sub_map || (access & ~e->protection) != 0))
		return lookup_far(map, va, access, l);
	if (unlikely(must_change(e, access)))
		return lookup_and_change(map, e, trunc_page(va), access, l);
	return found_in(map, e, trunc_page(va), e->protection, l);
}

/* --- FreeBSD's form --- */

/* What FreeBSD asks of e (the lookup's rights beside VM_PROT_ALL included) before it looks any further. */
static kern_return_t
check_bsd(const struct vm_map_entry *e, vm_offset_t va, vm_prot_t type)
{
	vm_object_t o = e->object.vm_object;
	bool cow;

	if (e->protection == VM_PROT_NONE || (type & VM_PROT_ALL & ~e->protection))
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "access %s to 0x%lx: the entry at 0x%lx allows %s",
		    vm_prot_name(type), va, e->vme_start, vm_prot_name(e->protection));
	if (!(type & VM_PROT_COPY))
		return KERN_SUCCESS;
	if (e->is_sub_map)
		return KERN_FAIL(KERN_FAILURE, "0x%lx lies in a submap: no private copy is made there", va);
	cow = e->needs_copy || (o != NULL && o->shadow != NULL && !e->is_shared);
	if (!cow && !(e->max_protection & VM_PROT_WRITE))
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the entry at 0x%lx can never be written, and is no private copy", e->vme_start);
	return KERN_SUCCESS;
}

/* Read-locks map, whose entry for va, if there is one, passes check_bsd, and has been made a copy where that is asked. */
static kern_return_t
lock_checked(vm_map_t map, vm_offset_t va, vm_prot_t type)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_map_entry_t e;

	if (type & VM_PROT_COPY)
		vm_map_lock(map);
	else
		vm_map_lock_read(map);
	if (vm_map_lookup_entry(map, va, &e)) {
		kr = check_bsd(e, va, type);
		if (kr == KERN_SUCCESS && (type & VM_PROT_COPY))
			kr = vm_map_entry_settle(map, e, VM_PROT_WRITE);
	}
	if (type & VM_PROT_COPY)
		vm_map_lock_write_to_read(map);
	if (kr != KERN_SUCCESS)
		vm_map_unlock_read(map);
	return kr;
}

kern_return_t
vm_map_lookup(vm_map_t map, vm_offset_t va, vm_prot_t type, struct vm_map_lookup *l)
{
	vm_offset_t at = trunc_page(va);
	kern_return_t kr;

	/* Once more if a stack has grown; then it is there, or somebody has taken it away. */
	for (unsigned tries = 0;; tries++) {
		kr = lock_checked(map, at, type);
		if (kr == KERN_SUCCESS)
			kr = vm_map_lookup_locked(map, va, type & VM_PROT_ALL, l);
		if ((kr != KERN_PROTECTION_FAILURE && kr != KERN_INVALID_ADDRESS) || !(type & VM_PROT_FAULT_LOOKUP) || tries != 0)
			return kr;
		kr = vm_map_fault_growstack(map, at, type & VM_PROT_ALL, kr);
		if (kr != KERN_SUCCESS)
			return kr;
		VM_RELOCK_POINT(map, "vm_map_lookup.grown");
	}
}

kern_return_t
vm_map_bsd_lookup_locked(vm_map_t map, vm_offset_t va, vm_prot_t type, struct vm_map_lookup *l)
{
	vm_prot_t granted = VM_PROT_ALL, wanted;
	vm_offset_t at = trunc_page(va);
	vm_map_entry_t e;
	kern_return_t kr = find_entry(map, at, type & VM_PROT_ALL, &granted, &e);

	if (kr == KERN_SUCCESS)
		kr = check_bsd(e, va, type);
	if (kr != KERN_SUCCESS)
		return kr;
	if (e->is_sub_map)
		return KERN_FAIL(KERN_FAILURE, "0x%lx lies in a submap", va);
	wanted = e->wired_count != 0 || (type & VM_PROT_COPY) ? VM_PROT_WRITE : type;
	if (must_change(e, wanted))
		return KERN_FAIL(KERN_FAILURE, "the entry at 0x%lx has no object of its own for this access yet", e->vme_start);
	l->depth = 0;
	l->may_grow = false;
	return found_in(map, e, at, granted, l);
}
