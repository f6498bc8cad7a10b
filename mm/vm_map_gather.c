/*
 * vm_map_gather.c: a range of a map as a list of detached entries: the common
 * part of copyin and remap.
 *
 *   map      [ e1 )[  submap    )[ e2  )
 *               |----------------------|         rebased, in order, without holes:
 *   submap         [ s1 )[ s2 )                   [ e1')[ s1')[ s2')[ e2' )
 *
 * Submaps are entered, parents stay locked; a piece's rights are what all
 * levels allow. For each piece, by copy:
 *
 *   no object                     none either: zero-fill
 *   symmetric                     one more reference, both sides needs_copy; the source is cut to
 *                                 the range first, and loses its writable leaves
 *   shared (DELAY)                a copy object in front of it, made under the lock
 *   wired, refused, or a pager's  with all locks given up; then the source is looked up again: the
 *                                 same object and offset, and the copy is the piece; else it is
 *                                 thrown away and that piece begun anew
 *
 * and by sharing, another reference on the object, made fit for that first
 * (vm_map_share.c); through a needs_copy window a copy all the same. A copy is
 * as of one moment for each piece, not for the range, when locks were given up.
 *
 * Failure leaves nothing that a user could see: at most entries of the source
 * are cut, or needs_copy. is_shared, which vm_region tells, is set here only
 * when the caller says so (mark); else vm_map_gather's caller does it at its end.
 *
 * Locks: the map's write lock, its submaps' within it. References: each piece
 * holds one on its object.
 */
#include <mm/vm_print.h>
#include "vm_map_copy_impl.h"

/* One map on the way down. */
struct level {
	vm_map_t    map;                /* write-locked */
	uint64_t    shift;              /* added to its addresses: addresses from the start of the range */
	vm_prot_t   cur, max;           /* what the windows above allow */
	bool        as_copy;            /* a window above is needs_copy */
	bool        changed;            /* entries were cut, or became needs_copy: neighbours may be alike now */
};

/* The part of an entry that lies in the range, in the level's addresses. */
struct window {
	vm_map_entry_t entry;
	vm_offset_t    start, end;
};

static inline vm_object_offset_t
window_offset(const struct window *w)
{
	return w->entry->offset + (w->start - w->entry->vme_start);
}

/* Cuts the window's entry at both ends. FALSE: shortage. */
static bool
clip_window(struct level *l, struct window *w)
{
	vm_map_entry_t last = w->entry;

	if (w->start == w->entry->vme_start && w->end == w->entry->vme_end)
		return true;
	if (!vm_map_cut_slow(l->map, &w->entry, &last, w->start, w->end))
		return false;
	l->changed = true;
	return true;
}

static kern_return_t
shortage(const struct window *w)
{
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to take the entry at 0x%lx along", w->start);
}

/* --- copies --- */

/* What cannot be done under the lock: the object, referenced, for copy_slowly. */
static kern_return_t
put_off(struct vm_map_gather *g, const struct window *w)
{
	if (g->slow.object != NULL)
		return KERN_MEMORY_RESTART_COPY;        /* of something else: to be forgotten first */
	g->slow.object = w->entry->object.vm_object;
	g->slow.offset = window_offset(w);
	g->slow.size = w->end - w->start;
	g->slow.wired = w->entry->wired_count != 0;
	g->slow.done = false;
	vm_object_reference(g->slow.object);
	return KERN_MEMORY_RESTART_COPY;
}

/* Gives up what was put off or copied. */
static void
slow_forget(struct vm_map_gather *g)
{
	if (g->slow.done)
		vm_object_deallocate(g->slow.copy);
	vm_object_deallocate(g->slow.object);   /* NULL: nothing was put off */
	g->slow.object = NULL;
	g->slow.done = false;
}

/* The copy that was made without the lock, if it is of what the window shows. */
static bool
take_slow_copy(struct vm_map_gather *g, const struct window *w, vm_map_entry_t n)
{
	if (!g->slow.done || g->slow.object != w->entry->object.vm_object ||
	    g->slow.offset != window_offset(w) || g->slow.size < w->end - w->start)
		return false;
	n->object.vm_object = g->slow.copy;
	n->offset = g->slow.copy_offset;
	n->needs_copy = g->slow.needs_copy;
	/* w's entry and n hold theirs: this is never the last reference. */
	vm_object_deallocate(g->slow.object);
	g->slow.object = NULL;
	g->slow.done = false;
	return true;
}

static kern_return_t
copy_piece(struct vm_map_gather *g, struct level *l, struct window *w, vm_map_entry_t n)
{
	vm_object_t object = w->entry->object.vm_object;
	bool src_needs_copy, dst_needs_copy;

	if (object == NULL)
		return KERN_SUCCESS;
	if (take_slow_copy(g, w, n))
		return KERN_SUCCESS;
	if (w->entry->wired_count != 0)
		return put_off(g, w);
	if (object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC && !w->entry->needs_copy && !clip_window(l, w))
		return shortage(w);
	n->offset = window_offset(w);
	if (vm_object_copy_quickly(&object, n->offset, w->end - w->start, &src_needs_copy, &dst_needs_copy)) {
		/* Once needs_copy, no writable leaf can exist: nothing to protect again. */
		if (src_needs_copy && !w->entry->needs_copy) {
			if (w->entry->protection & VM_PROT_WRITE)
				vm_map_write_protect_leaves(l->map, w->entry);
			w->entry->needs_copy = l->changed = true;
		}
		n->object.vm_object = object;
		n->needs_copy = dst_needs_copy;
		return KERN_SUCCESS;
	}
	if (object->copy_strategy == MEMORY_OBJECT_COPY_DELAY)
		n->object.vm_object = vm_object_copy_delayed(object, n->offset, w->end - w->start);
	if (n->object.vm_object == NULL)
		return put_off(g, w);
	n->needs_copy = true;
	return KERN_SUCCESS;
}

/* --- sharing --- */

static kern_return_t
share_piece(struct vm_map_gather *g, struct level *l, struct window *w, vm_map_entry_t n)
{
	vm_object_t object = w->entry->object.vm_object;
	bool was_shared = w->entry->is_shared;

	/* Memory that can never be accessed is a reservation: there is nothing to share. */
	if (object == NULL && w->entry->max_protection == VM_PROT_NONE)
		return KERN_SUCCESS;
	/* The rest of the entry must stay as it is: only what is shared changes its ways. */
	if ((object == NULL || w->entry->needs_copy || object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC) &&
	    !clip_window(l, w))
		return shortage(w);
	if (!vm_map_entry_make_shared(l->map, w->entry))
		return shortage(w);
	n->object.vm_object = w->entry->object.vm_object;
	n->offset = window_offset(w);
	n->is_shared = true;
	vm_object_reference(n->object.vm_object);
	w->entry->is_shared = was_shared || g->mark;
	return KERN_SUCCESS;
}

/* --- the walk --- */

/* One piece of an object entry: made, and appended to the result. w->entry may become another, for the same window. */
static kern_return_t
gather_piece(struct vm_map_gather *g, struct level *l, struct window *w)
{
	vm_map_entry_t n = vm_map_entry_create();
	kern_return_t kr;

	if (n == NULL)
		return shortage(w);
	*n = (struct vm_map_entry){
		.vme_start = w->start + l->shift,
		.vme_end = w->end + l->shift,
		.behavior = w->entry->behavior,
		.protection = w->entry->protection & l->cur,
		.max_protection = w->entry->max_protection & l->max,
		.inheritance = w->entry->inheritance,
		.alias = w->entry->alias,
	};
	if (g->share && !l->as_copy)
		kr = share_piece(g, l, w, n);
	else
		kr = copy_piece(g, l, w, n);
	if (kr != KERN_SUCCESS) {
		vm_map_entry_dispose(n);
		return kr;
	}
	g->cur &= n->protection;
	g->max &= n->max_protection;
	vm_map_header_append(&g->hdr, n);
	g->at = g->start + n->vme_end;
	return KERN_SUCCESS;
}

static kern_return_t
check_rights(const struct vm_map_gather *g, const struct level *l, vm_map_entry_t e)
{
	vm_prot_t cur = e->protection & l->cur, max = e->max_protection & l->max;

	if (g->need & ~cur)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the entry at 0x%lx allows %s, not %s",
		    e->vme_start, vm_prot_name(cur), vm_prot_name(g->need));
	if (g->need_max & ~max)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the entry at 0x%lx allows at most %s, not %s",
		    e->vme_start, vm_prot_name(max), vm_prot_name(g->need_max));
	return KERN_SUCCESS;
}

static kern_return_t gather_range(struct vm_map_gather *g, struct level *l, vm_offset_t start, vm_offset_t end);

/* The pieces behind a submap's window. Depth is bounded where submaps are made. */
static kern_return_t
gather_submap(struct vm_map_gather *g, struct level *l, const struct window *w)
{
	vm_map_t sub = w->entry->object.sub_map;
	vm_offset_t start = window_offset(w);
	struct level below = {
		.map = sub,
		.shift = l->shift + w->start - start,
		.cur = l->cur & w->entry->protection,
		.max = l->max & w->entry->max_protection,
		.as_copy = l->as_copy || w->entry->needs_copy,
	};
	kern_return_t kr = KERN_SUCCESS;

	vm_map_lock(sub);
	if (unlikely(sub->transitions != 0)) {
		/* To wait for it here, with the parents locked, could be for ever. */
		vm_map_reference(sub);
		g->slow.busy = sub;
		g->slow.busy_start = start;
		g->slow.busy_end = start + (w->end - w->start);
		kr = KERN_MEMORY_RESTART_COPY;
	}
	if (kr == KERN_SUCCESS)
		kr = gather_range(g, &below, start, start + (w->end - w->start));
	vm_map_unlock(sub);
	return kr;
}

static kern_return_t
gather_range(struct vm_map_gather *g, struct level *l, vm_offset_t start, vm_offset_t end)
{
	vm_offset_t at = start;
	struct window w;
	kern_return_t kr;

	if (!vm_map_lookup_entry(l->map, at, &w.entry))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", at);
	for (;; w.entry = w.entry->vme_next) {
		if (w.entry == vm_map_to_entry(l->map) || w.entry->vme_start > at) {
			kr = KERN_FAIL(KERN_INVALID_ADDRESS, "hole at 0x%lx in [0x%lx, 0x%lx)", at, start, end);
			break;
		}
		w.start = at;
		w.end = w.entry->vme_end < end ? w.entry->vme_end : end;
		kr = check_rights(g, l, w.entry);
		if (kr == KERN_SUCCESS)
			kr = w.entry->is_sub_map ? gather_submap(g, l, &w) : gather_piece(g, l, &w);
		at = w.end;
		if (kr != KERN_SUCCESS || at >= end)
			break;
	}
	if (l->changed)
		vm_map_merge_range(l->map, start, end);
	return kr;
}

/* --- without locks --- */

/* Makes the copy that was put off, or forgets the one that did not fit. */
static kern_return_t
copy_slowly(struct vm_map_gather *g)
{
	kern_return_t kr;

	if (g->slow.done) {
		slow_forget(g);
		return KERN_SUCCESS;
	}
	if (g->slow.wired && g->slow.object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC) {
		g->slow.copy_offset = 0;
		g->slow.needs_copy = false;
		kr = vm_object_copy_slowly(g->slow.object, g->slow.offset, g->slow.size, true, &g->slow.copy);
	} else
		kr = vm_object_copy_strategically(g->slow.object, g->slow.offset, g->slow.size,
		    &g->slow.copy, &g->slow.copy_offset, &g->slow.needs_copy);
	g->slow.done = kr == KERN_SUCCESS;
	if (kr == KERN_MEMORY_RESTART_COPY) {   /* symmetric by now: the quick way */
		slow_forget(g);
		kr = KERN_SUCCESS;
	}
	return kr;
}

/* Waits until the submap's entries are at rest. */
static kern_return_t
wait_for_submap(struct vm_map_gather *g)
{
	vm_map_t sub = g->slow.busy;
	kern_return_t kr;

	g->slow.busy = NULL;
	vm_map_lock(sub);
	kr = vm_map_settle(sub, g->slow.busy_start, g->slow.busy_end, true);
	vm_map_unlock(sub);
	vm_map_deallocate(sub);
	return kr;
}

kern_return_t
vm_map_gather(struct vm_map_gather *g)
{
	struct level top = { .map = g->map, .shift = -g->start, .cur = VM_PROT_ALL, .max = VM_PROT_ALL };
	kern_return_t kr;

	vm_map_header_init(&g->hdr);
	g->cur = g->max = VM_PROT_ALL;
	g->at = g->start;
	g->slow.object = NULL;
	g->slow.busy = NULL;
	g->slow.done = false;
	vm_map_lock(g->map);
	for (;;) {
		kr = vm_map_settle(g->map, g->at, g->end, true);
		if (kr == KERN_SUCCESS) {
			top.changed = false;
			kr = gather_range(g, &top, g->at, g->end);
		}
		if (likely(kr == KERN_SUCCESS))
			break;
		vm_map_unlock(g->map);
		if (kr == KERN_MEMORY_RESTART_COPY && g->slow.busy != NULL)
			kr = wait_for_submap(g);
		else if (kr == KERN_MEMORY_RESTART_COPY)
			kr = copy_slowly(g);
		if (kr != KERN_SUCCESS) {
			slow_forget(g);
			vm_map_header_free(&g->hdr);
			return kr;
		}
		VM_RELOCK_POINT(g->map, "vm_map_gather.slow");
		vm_map_lock(g->map);
	}
	return KERN_SUCCESS;
}

void
vm_map_gather_unlock(struct vm_map_gather *g)
{
	vm_map_unlock(g->map);
	slow_forget(g);         /* copied for nothing: the source was another by then */
}
