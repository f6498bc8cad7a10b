/*
 * vm_map_fork.c: a new map that inherits from another.
 *
 *   NONE    a hole
 *   ZERO    zero-fill memory with the same rights (FreeBSD)
 *   SHARE   both entries on one object, from now on for ever (vm_map_share.c)
 *   COPY    one object for both, needs_copy on both sides; a copy object in
 *           front of one that is shared; wired pages are copied at once
 *
 *   a submap window   SHARE: the child has the window, too. COPY: it has it
 *                     needs_copy: what it writes there is its own
 *
 * The old map is write-locked throughout, but for two waits: for entries in
 * transition, and for a pager that must supply the pages of a copy. Then what
 * the old map holds above `at` is looked up again; what lies below is done, so the
 * child's entries never overlap.
 *
 *   old  [ done )[ done )    [ e      )[ ...
 *                            ^at
 *
 * What cannot be copied is a hole in the child: device memory; entries that can
 * never be read, if they are wired or their pager's memory is always copied at
 * once; what is copied at once and its pager fails.
 *
 * Failure half way throws the new map away. Entries of the old map that were
 * marked needs_copy by then stay so: they fault once more, and nobody can tell.
 * is_shared is what vm_region tells: it is set when nothing can fail any more,
 * or before the lock is dropped.
 */
#include <mm/vm_map_find.h>
#include <mm/vm_reserv.h>
#include "vm_map_impl.h"

/* Internal: the child gets a hole. */
#define FORK_HOLE   KERN_NOT_IN_SET

struct fork {
	vm_map_t    old, new;
	vm_offset_t at;                 /* what lies below is done */
	vm_offset_t since;              /* `at` when the lock was taken last */
	bool        fresh;              /* an entry in [since, at) has become shared, and does not say so yet */
	/* A copy made with the map unlocked, or to be made: */
	vm_object_t object;             /* NULL: none; referenced */
	vm_object_offset_t offset;
	vm_size_t   size;
	bool        wired;              /* so it is copied at once, whatever its strategy */
	vm_object_t copy;
	vm_object_offset_t copy_offset;
	bool        needs_copy;
	vm_object_t stale[2];           /* references to give up when the map is unlocked: the last one tells a pager */
};

static void
mark_shared(struct fork *f)
{
	vm_map_entry_t e;

	if (!f->fresh)
		return;
	for (e = vm_map_entry_at_or_after(f->old, f->since);
	    e != vm_map_to_entry(f->old) && e->vme_start < f->at; e = e->vme_next)
		if (e->inheritance == VM_INHERIT_SHARE && !e->is_sub_map && !e->guard && !e->nofault)
			e->is_shared = true;
	f->fresh = false;
}

/* --- one entry: n is a structure copy of e, cut to what is not done yet --- */

static kern_return_t
inherit_submap(struct fork *f, vm_map_entry_t e, vm_map_entry_t n)
{
	vm_map_reference(e->object.sub_map);
	f->new->has_submaps = true;
	n->use_pmap = false;
	if (e->inheritance == VM_INHERIT_COPY)
		n->needs_copy = true;
	if (e->use_pmap)
		(void)vm_map_nest_entry(f->new, n);     /* else its own tables fill by fault */
	return KERN_SUCCESS;
}

static kern_return_t
inherit_share(struct fork *f, vm_map_entry_t e, vm_map_entry_t n)
{
	bool was_shared = e->is_shared;

	if (unlikely(e->guard || e->nofault))
		return KERN_SUCCESS;
	if (!vm_map_entry_make_shared(f->old, e))
		return KERN_RESOURCE_SHORTAGE;
	n->object = e->object;
	n->offset = e->offset;
	n->needs_copy = false;
	n->is_shared = true;
	e->is_shared = was_shared;
	f->fresh |= !was_shared;
	vm_object_reference(n->object.vm_object);
	return KERN_SUCCESS;
}

/* The copy made without the lock is of what e shows from n's start on: n takes it, perhaps for less than n wanted. */
static noinline bool
take_slow_copy(struct fork *f, vm_map_entry_t e, vm_map_entry_t n)
{
	bool fits = f->copy != NULL && e->object.vm_object == f->object &&
	    e->offset + (n->vme_start - e->vme_start) == f->offset;

	if (fits) {
		n->object.vm_object = f->copy;
		n->offset = f->copy_offset;
		n->needs_copy = f->needs_copy;
		if (n->vme_end - n->vme_start > f->size)
			n->vme_end = n->vme_start + f->size;
		vm_object_deallocate(f->object);        /* e has one, too */
	} else {
		f->stale[0] = f->object;
		f->stale[1] = f->copy;
	}
	f->object = f->copy = NULL;
	return fits;
}

/* With the old map unlocked: what was copied in vain goes, and its pager perhaps hears of it. */
static void
drop_stale(struct fork *f)
{
	for (unsigned i = 0; i < nitems(f->stale); i++) {
		vm_object_deallocate(f->stale[i]);
		f->stale[i] = NULL;
	}
}

static kern_return_t
inherit_copy(struct fork *f, vm_map_entry_t e, vm_map_entry_t n)
{
	kern_return_t kr;

	n->is_shared = false;
	if (e->object.vm_object == NULL)
		return KERN_SUCCESS;
	if (unlikely(f->object != NULL) && take_slow_copy(f, e, n))
		return KERN_SUCCESS;
	if (e->wired_count != 0 && !(e->max_protection & VM_PROT_READ))
		return FORK_HOLE;
	kr = vm_map_entry_copy(f->old, e, n);
	if (likely(kr == KERN_SUCCESS)) {
		n->offset += n->vme_start - e->vme_start;
		return KERN_SUCCESS;
	}
	if (kr == KERN_MEMORY_RESTART_COPY) {
		/* What copies are objects of is inherited also where a page that somebody else wired forbids one just now. */
		if (!(e->max_protection & VM_PROT_READ) && e->object.vm_object->copy_strategy != MEMORY_OBJECT_COPY_DELAY)
			return FORK_HOLE;
		f->object = e->object.vm_object;
		f->offset = e->offset + (n->vme_start - e->vme_start);
		f->size = n->vme_end - n->vme_start;
		f->wired = e->wired_count != 0;
		vm_object_reference(f->object);
	}
	return kr == KERN_NOT_SUPPORTED ? FORK_HOLE : kr;
}

/* NONE, and ZERO: memory that has nothing of what e is but its place, rights and attributes. */
static noinline kern_return_t
inherit_nothing(struct fork *f, vm_map_entry_t e)
{
	vm_offset_t start = e->vme_start > f->at ? e->vme_start : f->at;
	vm_map_entry_t n;

	if (e->inheritance == VM_INHERIT_ZERO) {
		n = vm_map_entry_create();
		if (n == NULL)
			return KERN_RESOURCE_SHORTAGE;
		*n = *e;
		n->vme_start = start;
		n->object.vm_object = NULL;
		n->offset = 0;
		n->wired_count = n->user_wired_count = 0;
		n->superpage = n->needs_copy = n->is_shared = false;
		n->split = 0;
		f->new->special |= n->permanent;
		vm_map_store_link(f->new, vm_map_last_entry(f->new), n);
	}
	f->at = e->vme_end;
	return KERN_SUCCESS;
}

/* The old map is locked. KERN_MEMORY_RESTART_COPY: a copy must be made first (copy_unlocked). */
static kern_return_t
inherit_entry(struct fork *f, vm_map_entry_t e)
{
	vm_map_entry_t n;
	kern_return_t kr;

	if (unlikely(e->inheritance >= VM_INHERIT_NONE))
		return inherit_nothing(f, e);
	n = vm_map_entry_create();
	if (n == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*n = *e;
	n->wired_count = n->user_wired_count = 0;
	n->superpage = false;           /* that is, wired */
	if (unlikely(n->vme_start < f->at)) {
		n->vme_start = f->at;
		n->offset += f->at - e->vme_start;
	}
	if (e->is_sub_map)
		kr = inherit_submap(f, e, n);
	else if (e->inheritance == VM_INHERIT_SHARE) {
		kr = inherit_share(f, e, n);
		n->offset += n->vme_start - e->vme_start;
	} else
		kr = inherit_copy(f, e, n);
	if (kr == KERN_SUCCESS) {
		f->at = n->vme_end;
		f->new->special |= n->permanent;
		vm_map_store_link(f->new, vm_map_last_entry(f->new), n);
		return KERN_SUCCESS;
	}
	vm_map_entry_dispose(n);
	if (kr == FORK_HOLE) {
		f->at = e->vme_end;
		kr = KERN_SUCCESS;
	}
	return kr;
}

/* --- the waits --- */

/* With the old map unlocked: the copy that inherit_copy asked for. What cannot be had becomes a hole. */
static noinline kern_return_t
copy_unlocked(struct fork *f)
{
	kern_return_t kr;

	mark_shared(f);
	vm_map_unlock(f->old);
	drop_stale(f);
	kr = vm_object_copy_strategically(f->object, f->offset, f->size, &f->copy, &f->copy_offset, &f->needs_copy);
	if (kr == KERN_MEMORY_RESTART_COPY && f->wired) {
		f->copy_offset = 0;
		f->needs_copy = false;
		kr = vm_object_copy_slowly(f->object, f->offset, f->size, true, &f->copy);
	}
	if (kr != KERN_SUCCESS) {
		vm_object_deallocate(f->object);
		f->object = NULL;
	}
	VM_RELOCK_POINT(f->old, "vm_map_fork.copy");
	vm_map_lock(f->old);
	f->since = f->at;
	if (kr == KERN_MEMORY_RESTART_COPY)     /* symmetric by now: the quick way */
		return KERN_SUCCESS;
	if (kr == KERN_MEMORY_ERROR || kr == KERN_NOT_SUPPORTED) {
		f->at += f->size;
		return KERN_SUCCESS;
	}
	return kr;
}

static noinline kern_return_t
wait_for_entry(struct fork *f, vm_map_entry_t e)
{
	kern_return_t kr;

	mark_shared(f);
	kr = vm_map_settle(f->old, e->vme_start, e->vme_end, true);
	f->since = f->at;
	return kr;
}

static kern_return_t
inherit_all(struct fork *f)
{
	vm_map_entry_t e = vm_map_first_entry(f->old), next;
	kern_return_t kr = KERN_SUCCESS;

	while (kr == KERN_SUCCESS && e != vm_map_to_entry(f->old)) {
		next = e->vme_next;
		if (unlikely(e->in_transition))
			kr = wait_for_entry(f, e);
		else if (unlikely((kr = inherit_entry(f, e)) == KERN_MEMORY_RESTART_COPY)) {
			f->at = e->vme_start > f->at ? e->vme_start : f->at;
			kr = copy_unlocked(f);
		} else if (likely(f->at == e->vme_end)) {
			e = next;
			continue;
		}
		e = vm_map_entry_at_or_after(f->old, f->at);
	}
	if (kr == KERN_SUCCESS)
		mark_shared(f);
	return kr;
}

static kern_return_t
fork_once(vm_map_t old, vm_map_t *new)
{
	struct fork f = { .old = old };
	pmap_t pmap = pmap_create();
	kern_return_t kr;

	if (pmap == NULL)
		return KERN_RESOURCE_SHORTAGE;
	f.new = vm_map_create(pmap, old->min_offset, old->max_offset, old->hdr.entries_pageable);
	if (f.new == NULL) {
		pmap_destroy(pmap);
		return KERN_RESOURCE_SHORTAGE;
	}
	f.new->limit = old->limit;
	f.new->main_stack = old->main_stack;
	f.new->main_stack_end = old->main_stack_end;
	f.new->stack_rules = old->stack_rules;
	f.new->stack_open = old->stack_open;
	vm_map_lock(old);
	f.new->options = old->options;
	f.new->anon_loc = old->anon_loc;
	f.new->random = old->random;
	f.new->splits = old->splits;
	f.new->special = old->splits || (old->options & (VM_MAP_CLUSTER | VM_MAP_CLUSTER_ALWAYS | VM_MAP_WXORX)) != 0;
	f.at = f.since = old->min_offset;
	kr = inherit_all(&f);
	vm_map_unlock(old);
	vm_object_deallocate(f.copy);           /* likewise in vain, because the old map changed */
	vm_object_deallocate(f.object);
	drop_stale(&f);
	if (kr == KERN_SUCCESS)
		*new = f.new;
	else
		vm_map_deallocate(f.new);
	return kr;
}

/* Tables and entries may be lacking only because reservations hold what nobody uses. */
vm_map_t
vm_map_fork(vm_map_t old)
{
	vm_map_t new = NULL;
	kern_return_t kr;

	do
		kr = fork_once(old, &new);
	while (kr == KERN_RESOURCE_SHORTAGE && vm_reserv_break(VM_CHUNK_PAGES / 8) != 0);
	return new;
}
