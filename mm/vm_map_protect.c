/*
 * vm_map_protect.c: protection and inheritance of ranges.
 *
 * Two passes. The first reads: every address of the range must be mapped and
 * allow what is asked; it also takes the entries that clipping will need. The
 * second changes and cannot fail. So a refused call leaves no trace.
 *
 * PTEs: rights that go are taken away (and fenced) before the call returns.
 * Rights that come touch no PTE: the next access faults and the fault path
 * weighs copy-on-write again. VM_PROT_WRITE without VM_PROT_READ removes the
 * PTEs, since a RISC-V leaf with W is readable.
 *
 * Wired entries stay wired, with their pages. Leaves that go because nothing of
 * what they grant is allowed any more are made again, wired, before other rights
 * come: that may fail, so it belongs to the first pass.
 *
 * A guard has no rights and gets none. The gap of a stack counts as the stack:
 * its maximum is what the stack may have there, and its protection what the stack
 * will have when it has grown.
 *
 * VM_PROT_COPY asks for a private copy of the range that may be written,
 * whatever the maximum was: each piece is replaced by a copy-on-write copy of
 * itself, all or nothing, as if it had been read and mapped over itself.
 *
 * FreeBSD's form differs in what it checks: holes and guards are passed over,
 * windows refused, and both protection and maximum may be given. It may be said
 * to begin at the bottom of a stack.
 *
 * Locks: the map's write lock, taken here.
 */
#include <mm/vm_map_range.h>
#include <mm/vm_print.h>
#include "vm_map_copy_impl.h"

kern_return_t
vm_map_check_range(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot, bool maximum,
    vm_map_entry_t *first, vm_map_entry_t *last)
{
	vm_map_entry_t e;
	vm_offset_t at = start;

	if (!vm_map_lookup_entry(map, start, &e))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", start);
	for (*first = e;; e = e->vme_next) {
		if (e == vm_map_to_entry(map) || e->vme_start > at)
			return KERN_FAIL(KERN_INVALID_ADDRESS, "hole at 0x%lx in [0x%lx, 0x%lx)", at, start, end);
		if (maximum && (prot & ~vm_map_entry_max(e)))
			return KERN_FAIL(KERN_PROTECTION_FAILURE, "%s exceeds the maximum %s of the entry at 0x%lx",
			    vm_prot_name(prot), vm_prot_name(vm_map_entry_max(e)), e->vme_start);
		if (!maximum && (prot & ~e->protection))
			return KERN_FAIL(KERN_PROTECTION_FAILURE, "the entry at 0x%lx allows %s, not %s",
			    e->vme_start, vm_prot_name(e->protection), vm_prot_name(prot));
		*last = e;
		at = e->vme_end;
		if (at >= end)
			return KERN_SUCCESS;
	}
}

/* A guard stays what it is; the gap of a stack notes what the stack will have there. */
static noinline void
apply_guard(vm_map_entry_t e, vm_prot_t prot, bool set_max)
{
	if (!e->stack_gap)
		return;
	if (set_max) {
		e->stack_max = prot & VM_PROT_ALL;
		e->stack_prot &= prot;
	} else
		e->stack_prot = prot & VM_PROT_ALL;
}

/* Second pass for one entry: what its PTEs may keep. */
static void
apply(vm_map_t map, vm_map_entry_t e, vm_prot_t prot, bool set_max)
{
	vm_prot_t old = e->protection, keep;

	if (unlikely(old == VM_PROT_NONE) && e->guard) {
		apply_guard(e, prot, set_max);
		return;
	}
	if (set_max) {
		e->max_protection = prot & VM_PROT_ALL;
		e->protection &= prot;
	} else
		e->protection = prot & VM_PROT_ALL;
	keep = e->protection;
	if ((keep & VM_PROT_WRITE) && !(keep & VM_PROT_READ))
		keep = VM_PROT_NONE;
	if ((old & ~keep) && e->object.vm_object != NULL) {
		/* READ may have come with WRITE alone, where a map above or below allows no more. */
		if (unlikely(e->is_sub_map || map->submap_level != 0) && (old & ~keep & VM_PROT_WRITE))
			keep = VM_PROT_NONE;
		vm_map_protect_leaves(map, e, keep);
	}
}

/*
 * The copies, which all allow `access`, take the place of [start, end), the map still locked; whatever fails, nothing
 * has changed.
 */
static kern_return_t
put_in_place(vm_map_t map, vm_offset_t start, vm_offset_t end, struct vm_map_header *pieces, vm_prot_t access,
    vm_map_entry_t *dead)
{
	vm_map_entry_t after, e, first;
	kern_return_t kr;

	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next)
		if (e->permanent)
			return KERN_FAIL(KERN_NO_SPACE, "the entry at 0x%lx is permanent", e->vme_start);
		else if (e->guard)
			return KERN_FAIL(KERN_PROTECTION_FAILURE, "the entry at 0x%lx is a guard", e->vme_start);
	kr = vm_map_delete(map, start, end, dead);
	if (kr != KERN_SUCCESS)
		return kr;
	(void)vm_map_lookup_entry(map, start, &after);
	first = vm_map_header_link(map, after, pieces, start);
	if (unlikely(map->wiring_required) && access != VM_PROT_NONE) {
		/* The lock is dropped meanwhile: what is in transition is still ours afterwards. */
		kr = vm_map_wire_locked(map, start, end, access);
		if (kr != KERN_SUCCESS) {
			vm_map_header_detach(map, start, end, pieces);
			vm_map_undelete(map, *dead);
			*dead = NULL;
		}
		return kr;
	}
	vm_map_merge_from(map, first, end);
	return KERN_SUCCESS;
}

/* A copy that lies over what it is a copy of, at addr, is a part of the same stack, if that was one. Map locked. */
static void
keep_kind(vm_map_t map, vm_offset_t addr, vm_map_entry_t copy)
{
	vm_map_entry_t e;

	if (!vm_map_lookup_entry(map, addr, &e) || e->is_sub_map)
		return;
	copy->grows_down = e->grows_down;
	copy->grows_up = e->grows_up;
	copy->stack = e->stack;
	copy->no_sync = e->no_sync;
	copy->no_core = e->no_core;
}

/*
 * VM_PROT_COPY: the range is gathered as copies, which may wait for a pager, and
 * laid over itself under the same hold of the lock. Superpages are taken whole.
 */
static noinline kern_return_t
protect_copy(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot, bool set_max)
{
	vm_offset_t from = start, to = end;
	vm_map_entry_t dead = NULL, e;
	vm_prot_t access = VM_PROT_ALL;
	struct vm_map_gather g;
	kern_return_t kr = set_max ? KERN_SUCCESS : vm_map_check_wxorx(map, prot);

	if (kr != KERN_SUCCESS)
		return kr;
	for (;;) {
		vm_map_gather_init(&g, map, start, end, false);
		g.need_max = prot & ~VM_PROT_WRITE;
		kr = vm_map_gather(&g);
		if (kr != KERN_SUCCESS)
			return kr;
		vm_map_widen(map, &from, &to);
		if (from == start && to == end)
			break;
		vm_map_gather_unlock(&g);
		vm_map_header_free(&g.hdr);
		start = from;
		end = to;
	}
	for (e = g.hdr.links.next; e != vm_map_header_entry(&g.hdr); e = e->vme_next) {
		keep_kind(map, start + e->vme_start, e);
		e->max_protection = set_max ? prot : e->max_protection | VM_PROT_WRITE;
		e->protection = set_max ? e->protection & prot : prot;
		access &= e->protection;
	}
	kr = put_in_place(map, start, end, &g.hdr, access, &dead);
	vm_map_gather_unlock(&g);
	vm_map_free_dead(map, dead);
	if (kr != KERN_SUCCESS)
		vm_map_header_free(&g.hdr);
	return kr;
}

/* The leaves of a wired entry that had none while nothing was allowed, for its part of [start, end). */
static kern_return_t
wired_leaves(vm_map_t map, const struct vm_map_entry *e, vm_offset_t start, vm_offset_t end, vm_prot_t prot)
{
	struct vm_wire_view v = { .map = map, .top = map, .prot = vm_map_tables_prot(map) };
	struct vm_map_entry as = *e;
	vm_offset_t from = e->vme_start > start ? e->vme_start : start, to = e->vme_end < end ? e->vme_end : end;

	as.protection = prot & VM_PROT_ALL;
	if (vm_fault_wire_leaves(&v, &as, from, to))
		return KERN_SUCCESS;
	pmap_remove(map->pmap, from, to);
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to map the wired pages at 0x%lx", from);
}

/* What the protection of e will be. */
static inline vm_prot_t
new_protection(const struct vm_map_entry *e, const struct vm_map_rights *r)
{
	vm_prot_t prot = r->flags & VM_MAP_PROTECT_SET_MAXPROT ? e->protection & r->max : e->protection;

	return r->flags & VM_MAP_PROTECT_SET_PROT ? r->prot & VM_PROT_ALL : prot;
}

/* Is e wired, without a leaf that anything uses now, and will need some? */
static inline bool
needs_leaves(const struct vm_map_entry *e, const struct vm_map_rights *r)
{
	const vm_prot_t leaf = VM_PROT_READ | VM_PROT_EXECUTE;
	vm_prot_t new = new_protection(e, r);

	return e->wired_count != 0 && !e->is_sub_map && !(e->protection & new & leaf) && (new & leaf);
}

#define FOREACH(map, e, start, end) \
	for ((e) = vm_map_entry_at_or_after(map, start); (e) != vm_map_to_entry(map) && (e)->vme_start < (end); (e) = (e)->vme_next)

/* The leaves of all wired entries of [start, end) that need some, or of none. */
static kern_return_t
ready_wired(vm_map_t map, vm_offset_t start, vm_offset_t end, const struct vm_map_rights *r)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_map_entry_t e, done;

	FOREACH(map, e, start, end) {
		if (needs_leaves(e, r))
			kr = wired_leaves(map, e, start, end, new_protection(e, r));
		if (kr != KERN_SUCCESS)
			break;
	}
	if (kr != KERN_SUCCESS)
		FOREACH(map, done, start, e->vme_start)
			if (needs_leaves(done, r))
				pmap_remove(map->pmap, done->vme_start > start ? done->vme_start : start, done->vme_end);
	return kr;
}

/*
 * First pass over what only some maps have: entries in transition, superpages
 * (the range grows), nested windows, wired entries. Write lock held; it may be
 * dropped to wait. KERN_RESOURCE_SHORTAGE: no rights have changed.
 */
static noinline kern_return_t
protect_special(vm_map_t map, vm_offset_t *start, vm_offset_t *end, vm_prot_t prot, bool set_max)
{
	const struct vm_map_rights r = {
		.prot = prot, .max = prot, .flags = set_max ? VM_MAP_PROTECT_SET_MAXPROT : VM_MAP_PROTECT_SET_PROT,
	};
	vm_map_entry_t first, last, e;
	bool nested = false;
	kern_return_t kr = set_max ? KERN_SUCCESS : vm_map_check_wxorx(map, prot);

	if (kr != KERN_SUCCESS)
		return kr;
	(void)vm_map_settle(map, *start, *end, false);
	vm_map_widen(map, start, end);
	kr = vm_map_check_range(map, *start, *end, prot, true, &first, &last);
	if (kr != KERN_SUCCESS)
		return kr;
	FOREACH(map, e, *start, *end)
		nested |= e->use_pmap && new_protection(e, &r) != e->protection;
	if (nested)
		kr = vm_map_unnest_range(map, *start, *end);
	if (kr == KERN_SUCCESS)
		kr = vm_map_cut_range(map, *start, *end, &first);
	/* Last, so that nothing can fail once there are leaves for what is not allowed yet. */
	if (kr == KERN_SUCCESS && (kr = ready_wired(map, *start, *end, &r)) != KERN_SUCCESS)
		vm_map_merge_range(map, *start, *end);
	return kr;
}

/* Several entries, or what only some maps have. Write lock held. */
static noinline kern_return_t
protect_range(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot, bool set_max)
{
	vm_map_entry_t first, last, e;
	kern_return_t kr = KERN_SUCCESS;

	if (map->special)
		kr = protect_special(map, &start, &end, prot, set_max);
	if (kr == KERN_SUCCESS)
		kr = vm_map_check_range(map, start, end, prot, true, &first, &last);
	if (kr != KERN_SUCCESS)
		return kr;
	if (!vm_map_cut(map, &first, &last, start, end))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", start, end);
	for (e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next)
		apply(map, e, prot, set_max);
	vm_map_merge_from(map, first, end);
	return KERN_SUCCESS;
}

/* Within one entry, which allows it: cuts, changes, and joins where it did not cut. */
static kern_return_t
protect_one(vm_map_t map, vm_map_entry_t e, vm_offset_t start, vm_offset_t end, vm_prot_t prot, bool set_max)
{
	bool low = e->vme_start == start, high = e->vme_end == end;
	vm_map_entry_t last = e;

	if (!(low && high) && unlikely(!vm_map_cut_slow(map, &e, &last, start, end)))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut the entry at 0x%lx", e->vme_start);
	apply(map, e, prot, set_max);
	if (low)
		e = vm_map_merge_prev(map, e);
	if (high)
		(void)vm_map_merge_prev(map, e->vme_next);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_protect(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot, bool set_max)
{
	vm_map_entry_t e;
	kern_return_t kr;

	if (start == end)
		return KERN_SUCCESS;
	if (unlikely(prot & VM_PROT_COPY))
		return protect_copy(map, start, end, prot & VM_PROT_ALL, set_max);
	vm_map_lock(map);
	/* Nearly always one entry holds it all, and allows it. */
	if (likely(vm_map_lookup_entry(map, start, &e) && end <= e->vme_end &&
	    !(prot & ~(vm_prot_t)e->max_protection) && !map->special))
		kr = protect_one(map, e, start, end, prot, set_max);
	else
		kr = protect_range(map, start, end, prot, set_max);
	vm_map_unlock(map);
	return kr;
}

/* --- FreeBSD's form --- */

/* May every entry of [start, end) have what r asks for? */
static kern_return_t
check_rights(vm_map_t map, vm_offset_t start, vm_offset_t end, const struct vm_map_rights *r)
{
	vm_prot_t asked = (r->flags & VM_MAP_PROTECT_SET_PROT ? r->prot : 0) | (r->flags & VM_MAP_PROTECT_SET_MAXPROT ? r->max : 0);
	vm_map_entry_t e;

	FOREACH(map, e, start, end) {
		if (e->is_sub_map)
			return KERN_FAIL(KERN_INVALID_ARGUMENT, "the entry at 0x%lx is a submap", e->vme_start);
		if ((asked & ~vm_map_entry_max(e)) && (!e->guard || e->stack_gap))
			return KERN_FAIL(KERN_PROTECTION_FAILURE, "%s exceeds the maximum %s of the entry at 0x%lx",
			    vm_prot_name(asked), vm_prot_name(vm_map_entry_max(e)), e->vme_start);
	}
	return KERN_SUCCESS;
}

/* Where the stack that has a part at or above start begins, its gap included; else start. */
static vm_offset_t
stack_bottom(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t e = vm_map_entry_at_or_after(map, start);

	if (e == vm_map_to_entry(map) || e->vme_start >= end || !e->grows_down)
		return start;
	/* The header ends where no entry begins. */
	while (e->vme_prev->vme_end == e->vme_start && e->vme_prev->grows_down)
		e = e->vme_prev;
	if (e->vme_prev->vme_end == e->vme_start && e->vme_prev->stack_gap && !e->vme_prev->grows_up)
		e = e->vme_prev;
	return e->vme_start < start ? e->vme_start : start;
}

/* Second pass for one entry. */
static void
apply_rights(vm_map_t map, vm_map_entry_t e, const struct vm_map_rights *r)
{
	bool max = (r->flags & VM_MAP_PROTECT_SET_MAXPROT) != 0;

	if (e->guard) {
		if (max)
			apply_guard(e, r->max, true);
		if (r->flags & VM_MAP_PROTECT_SET_PROT)
			apply_guard(e, r->prot, false);
	} else if (r->flags & VM_MAP_PROTECT_SET_PROT) {
		if (max)
			e->max_protection = r->max & VM_PROT_ALL;
		apply(map, e, r->prot, false);
	} else
		apply(map, e, r->max, true);
}

/* Write lock held. */
static kern_return_t
protect_rights(vm_map_t map, vm_offset_t start, vm_offset_t end, const struct vm_map_rights *r)
{
	vm_offset_t from = start, to = end;
	vm_map_entry_t e, first;
	kern_return_t kr;

	do {
		if (r->flags & VM_MAP_PROTECT_GROWSDOWN)
			from = stack_bottom(map, start, end);
		(void)vm_map_settle(map, from, to, false);
	} while ((r->flags & VM_MAP_PROTECT_GROWSDOWN) && stack_bottom(map, start, end) != from);
	vm_map_widen(map, &from, &to);
	kr = check_rights(map, from, to, r);
	if (kr == KERN_SUCCESS)
		kr = vm_map_cut_range(map, from, to, &first);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = ready_wired(map, from, to, r);
	if (kr == KERN_SUCCESS)
		FOREACH(map, e, from, to)
			apply_rights(map, e, r);
	vm_map_merge_range(map, from, to);
	return kr;
}

kern_return_t
vm_map_bsd_protect(vm_map_t map, vm_offset_t start, vm_offset_t end, const struct vm_map_rights *r)
{
	const unsigned both = VM_MAP_PROTECT_SET_PROT | VM_MAP_PROTECT_SET_MAXPROT;
	kern_return_t kr = KERN_SUCCESS;

	if ((r->flags & ~VM_MAP_PROTECT_FLAGS) || ((r->prot | r->max) & ~VM_PROT_ALL))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x, rights 0x%x and 0x%x: some are unknown", r->flags, r->prot, r->max);
	if ((r->flags & both) == both && (r->prot & ~r->max))
		return KERN_FAIL(KERN_OUT_OF_BOUNDS, "%s is beyond the new maximum %s", vm_prot_name(r->prot), vm_prot_name(r->max));
	if (!vm_map_range_check(map, &start, &end) || !(r->flags & both))
		return KERN_SUCCESS;
	vm_map_lock(map);
	if (r->flags & VM_MAP_PROTECT_SET_PROT)
		kr = vm_map_check_wxorx(map, r->prot);
	if (kr == KERN_SUCCESS)
		kr = protect_rights(map, start, end, r);
	vm_map_unlock(map);
	return kr;
}

bool
vm_map_check_protection(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot)
{
	vm_map_entry_t first, last;
	kern_return_t kr;

	if (start >= end)
		return true;
	vm_map_lock_read(map);
	kr = vm_map_check_range(map, start, end, prot, false, &first, &last);
	vm_map_unlock_read(map);
	return kr == KERN_SUCCESS;
}

/*
 * Clamped to the map; holes are fine. What is never cut finer than superpages
 * cannot be a copy, nor a submap a copy or zero-fill memory:
 * KERN_INVALID_ARGUMENT, and nothing changes. A guard stays one in the child, too.
 */
kern_return_t
vm_map_inherit(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_inherit_t inheritance)
{
	vm_map_entry_t header = vm_map_to_entry(map), first, e;
	kern_return_t kr = KERN_SUCCESS;

	if (!vm_map_range_check(map, &start, &end))
		return KERN_SUCCESS;
	vm_map_lock(map);
	FOREACH(map, e, start, end)
		if ((e->is_sub_map && (inheritance == VM_INHERIT_COPY || inheritance == VM_INHERIT_ZERO)) ||
		    (e->split != 0 && inheritance == VM_INHERIT_COPY))
			kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "the entry at 0x%lx is a submap, or of superpages: it cannot be inherited so", e->vme_start);
	if (kr == KERN_SUCCESS)
		kr = vm_map_cut_range(map, start, end, &first);
	if (kr == KERN_SUCCESS) {
		for (e = first; e != header && e->vme_start < end; e = e->vme_next)
			if (!e->guard || inheritance != VM_INHERIT_ZERO)
				e->inheritance = inheritance & 3;
		vm_map_merge_from(map, first, end);
	}
	vm_map_unlock(map);
	return kr;
}
