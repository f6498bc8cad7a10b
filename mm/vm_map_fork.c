/*
 * vm_map_fork.c: a new map that inherits from another.
 *
 *   NONE    a hole
 *   SHARE   both entries on one object, from now on for ever (vm_map_share.c)
 *   COPY    one object for both, needs_copy on both sides; for an object that
 *           is shared already, a copy made at once
 *
 * The old map is write-locked throughout. A child's entries have no wirings.
 * Failure half way throws the new map away. Entries of the old map that were
 * marked needs_copy by then stay so: they fault once more, and nobody can tell.
 * is_shared is what vm_region tells: it is set when nothing can fail any more.
 */
#include "vm_map_impl.h"

/* e as the child gets it: n is filled. *fresh: e is to become shared. FALSE: shortage. */
static bool
inherit_entry(vm_map_t old, vm_map_entry_t e, vm_map_entry_t n, bool *fresh)
{
	bool was_shared = e->is_shared;

	if (e->inheritance == VM_INHERIT_SHARE && !e->is_sub_map && !vm_map_entry_make_shared(old, e))
		return false;
	*n = *e;
	if (e->is_shared != was_shared) {
		e->is_shared = was_shared;
		*fresh = true;
	}
	n->in_transition = n->needs_wakeup = false;
	n->wired_count = n->user_wired_count = 0;
	if (e->is_sub_map)
		vm_map_reference(e->object.sub_map);
	else if (e->inheritance == VM_INHERIT_SHARE)
		vm_object_reference(e->object.vm_object);
	else {
		n->is_shared = false;
		if (e->object.vm_object != NULL)
			return vm_map_entry_copy(old, e, n) == KERN_SUCCESS;
	}
	return true;
}

static void
mark_shared(vm_map_t map)
{
	vm_map_entry_t e;

	for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
		if (e->inheritance == VM_INHERIT_SHARE && !e->is_sub_map)
			e->is_shared = true;
}

static vm_map_t
fork_once(vm_map_t old)
{
	vm_map_entry_t e, n;
	pmap_t pmap = pmap_create();
	vm_map_t new;
	bool ok = true, fresh = false;

	if (pmap == NULL)
		return NULL;
	new = vm_map_create(pmap, old->min_offset, old->max_offset, old->hdr.entries_pageable);
	if (new == NULL) {
		pmap_destroy(pmap);
		return NULL;
	}
	vm_map_lock(old);
	for (e = vm_map_first_entry(old); ok && e != vm_map_to_entry(old); e = e->vme_next) {
		/* A submap cannot be copied by needs_copy of one entry: only shared. */
		if (e->inheritance == VM_INHERIT_NONE ||
		    (e->is_sub_map && e->inheritance != VM_INHERIT_SHARE))
			continue;
		n = vm_map_entry_create();
		ok = n != NULL && inherit_entry(old, e, n, &fresh);
		if (ok)
			vm_map_store_link(new, vm_map_last_entry(new), n);
		else if (n != NULL)
			vm_map_entry_dispose(n);
	}
	if (ok && fresh)
		mark_shared(old);
	vm_map_unlock(old);
	if (ok)
		return new;
	vm_map_deallocate(new);
	return NULL;
}

/* Tables and entries may be lacking only because reservations hold what nobody uses. */
vm_map_t
vm_map_fork(vm_map_t old)
{
	vm_map_t new;

	do
		new = fork_once(old);
	while (new == NULL && vm_reserv_break(VM_CHUNK_PAGES / 8) != 0);
	return new;
}
