/*
 * vm_map_wire.c: wiring and unwiring ranges.
 *
 *   wired_count        wirings: each by the kernel, and one for all users'
 *   user_wired_count   nested calls by users; the first of them and the last
 *                      change wired_count
 *   > 0                the pages are resident, mapped and kept (vm_fault_wire.c)
 *
 * Wiring, decode then commit. Under the write lock: the range is settled; every
 * entry must be there, allow the access and have room in its counts; users must
 * stay below the limits. Then entries are cut, and each gets the object that
 * its pages will stay in: a NULL object is allocated, a deferred copy is made
 * now, even for reading. Only then the counts go up and the range goes into
 * transition; the lock is dropped and the pages of those entries that had no
 * wiring are brought in. If that fails, counts and pages of this very call are
 * given back: entries in transition cannot have been wired or unwired by others.
 *
 * A part of a larger symmetric object needs no object of its own: wired entries
 * are copied at once and never marked needs_copy, so a lazy copy of the
 * neighbours, whose windows do not overlap ours, shadows theirs and not ours.
 *
 * Submap windows: the window's entry counts like any other. Its first wiring
 * wires the submap's entries below it once, as the kernel does, and its last
 * unwires them; the leaves go into the pmap that the window's faults use. A
 * copy-on-write window is un-nested first, or a later write would leave the
 * submap's wiring behind.
 *
 * FreeBSD's wiring may pass over holes and over what cannot be accessed, and
 * does not touch what the user has wired already. So it goes by runs: adjacent
 * entries that all are to be wired for the same access. All runs are counted and
 * put in transition under one hold of the lock, then brought in one after
 * the other; if one fails, all are given back.
 *
 *   [ run 1  )   hole   [ no access )[ run 2 )[ wired )[ run 3   )
 *
 * Limits count pages of entries with user wirings, of one map and of all.
 *
 * Locks: map, parent before submap. Failure: as said; unwiring fails only for
 * what the caller asks wrongly, or for want of the entries to cut others with.
 */
#include <mm/vm_map_range.h>
#include <mm/vm_print.h>
#include "vm_map_impl.h"

uint64_t vm_map_wire_limit, vm_map_wire_limit_all, vm_map_user_wired_all;

struct wiring {
	struct vm_wire_view view;
	vm_offset_t start, end;         /* in view.map */
	vm_prot_t   access;
	bool        user;
};

#define FOREACH_IN(e, w) \
	for ((e) = vm_map_entry_at_or_after((w)->view.map, (w)->start); \
	    (e) != vm_map_to_entry((w)->view.map) && (e)->vme_start < (w)->end; (e) = (e)->vme_next)

static kern_return_t wire_locked(const struct wiring *w);

/* --- counts --- */

static void
count_down(vm_map_t map, vm_map_entry_t e, bool user)
{
	if (user) {
		if (e->user_wired_count > 1) {
			e->user_wired_count--;
			return;
		}
		vm_map_count_user_wired(map, e, -1);
		e->user_wired_count = 0;
	}
	e->wired_count--;
}

/* After a wiring was counted in e, which is in transition: was it the first? */
static inline bool
first_wiring(const struct vm_map_entry *e)
{
	return e->wired_count == 1 && e->user_wired_count <= 1;
}

/* --- giving pages back --- */

/*
 * The submap's entries of [start, end), wired once by a window that covers them, lose that wiring. They may reach
 * beyond: the window was cut, or they were merged with those of another. What cannot be cut because not even the kernel
 * has memory left stays wired.
 */
static void
unwire_submap(vm_map_t sub, vm_offset_t start, vm_offset_t end)
{
	struct wiring w = { .view.map = sub, .start = start, .end = end };
	vm_map_entry_t e;
	bool cut;

	vm_map_lock(sub);
	cut = vm_map_cut_range(sub, start, end, &e) == KERN_SUCCESS;
	FOREACH_IN(e, &w) {
		struct vm_map_entry part = *e;

		if (!cut && (part.vme_start < start || part.vme_end > end))
			continue;
		KASSERT(e->wired_count > (e->user_wired_count != 0), ("map %lu: the entry at 0x%lx is not wired by a window",
		    sub->id, e->vme_start));
		if (--e->wired_count != 0)
			continue;
		if (sub->pmap != NULL)
			(void)pmap_wire_range(sub->pmap, part.vme_start, part.vme_end, false);
		vm_map_unwire_pages(&part);
	}
	vm_map_merge_range(sub, start, end);
	vm_map_unwired(sub);
	vm_map_unlock(sub);
}

void
vm_map_unwire_pages(const struct vm_map_entry *e)
{
	if (e->is_sub_map)
		unwire_submap(e->object.sub_map, e->offset, e->offset + (e->vme_end - e->vme_start));
	else if (e->object.vm_object != NULL)
		vm_fault_unwire_pages(e);
}

/* What e's last wiring held: the marks of its leaves, and its pages. Write lock. */
static void
release_pages(vm_map_t map, const struct vm_map_entry *e)
{
	if (map->pmap != NULL)
		(void)pmap_wire_range(map->pmap, e->vme_start, e->vme_end, false);
	vm_map_unwire_pages(e);
}

/* --- wiring: checks --- */

/* Is there room for one more wiring in e? */
static kern_return_t
check_counts(const struct vm_map_entry *e, bool user)
{
	if (user ? e->user_wired_count == MAX_WIRE_COUNT ||
	    (e->user_wired_count == 0 && e->wired_count == MAX_WIRE_COUNT) : e->wired_count == MAX_WIRE_COUNT)
		return KERN_FAIL(KERN_FAILURE, "the entry at 0x%lx is wired %u times already", e->vme_start, MAX_WIRE_COUNT);
	return KERN_SUCCESS;
}

/* May the user wire `pages` more? Then the total of all maps has them. */
static kern_return_t
reserve_limits(vm_map_t map, uint64_t pages)
{
	uint64_t limit = vm_map_wire_limit, all = vm_map_wire_limit_all, own = map->limit.wired >> PAGE_SHIFT;

	if (limit == 0 || own < limit)
		limit = own;

	if (pages > limit - (map->user_wired_pages < limit ? map->user_wired_pages : limit))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "%lu more pages: %lu are wired, %lu may be in one map",
		    pages, map->user_wired_pages, limit);
	if (__atomic_add_fetch(&vm_map_user_wired_all, pages, __ATOMIC_RELAXED) <= all || all == 0)
		return KERN_SUCCESS;
	__atomic_fetch_sub(&vm_map_user_wired_all, pages, __ATOMIC_RELAXED);
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "%lu more pages: %lu may be wired in all maps", pages, all);
}

/* First half: changes nothing. *pages: those that the user's limits will count. */
static kern_return_t
check_range(const struct wiring *w, uint64_t *pages)
{
	vm_map_entry_t first, last, e;
	kern_return_t kr = vm_map_check_range(w->view.map, w->start, w->end, w->access, false, &first, &last);

	*pages = 0;
	for (e = first; kr == KERN_SUCCESS; e = e->vme_next) {
		vm_offset_t from = e->vme_start > w->start ? e->vme_start : w->start;
		vm_offset_t to = e->vme_end < w->end ? e->vme_end : w->end;

		kr = e->guard ? KERN_FAIL(KERN_PROTECTION_FAILURE, "the entry at 0x%lx is a guard", e->vme_start) :
		    e->nofault ? KERN_FAIL(KERN_FAILURE, "the entry at 0x%lx has no faults", e->vme_start) :
		    check_counts(e, w->user);
		if (w->user && e->user_wired_count == 0)
			*pages += (to - from) >> PAGE_SHIFT;
		if (e == last)
			break;
	}
	return kr;
}

/* Cuts the range, and readies every object. Failure leaves only what no user can tell. */
static kern_return_t
prepare(const struct wiring *w)
{
	vm_map_t map = w->view.map;
	vm_map_entry_t e;
	kern_return_t kr = vm_map_cut_range(map, w->start, w->end, &e);

	if (kr != KERN_SUCCESS)
		return kr;
	FOREACH_IN(e, w) {
		if (!e->is_sub_map)
			kr = vm_map_entry_settle(map, e, VM_PROT_WRITE);       /* the pages stay in the object */
		if (kr != KERN_SUCCESS)
			break;
	}
	if (kr != KERN_SUCCESS)
		vm_map_merge_range(map, w->start, w->end);
	return kr;
}

/* --- wiring: pages --- */

/*
 * Copy-on-write windows in the range become entries of their own. Write lock
 * held. KERN_ABORTED: it was dropped; start over.
 */
static kern_return_t
unnest_windows(const struct wiring *w)
{
	vm_map_entry_t e;
	kern_return_t kr;

	FOREACH_IN(e, w)
		if (unlikely(e->is_sub_map && e->needs_copy)) {
			kr = vm_map_unnest_copy(w->view.map, e, e->vme_start > w->start ? e->vme_start : w->start, w->access);
			return kr == KERN_SUCCESS ? KERN_ABORTED : kr;
		}
	return KERN_SUCCESS;
}

/* The submap's entries below [at, end) of the window e, once. No lock held; e, a copy, is in transition in its map. */
static kern_return_t
wire_submap(const struct wiring *w, const struct vm_map_entry *e, vm_offset_t at, vm_offset_t end)
{
	vm_map_t sub = e->object.sub_map;
	struct wiring s = {
		.view = { .map = sub, .top = sub, .prot = vm_map_tables_prot(sub) },
		.start = at - e->vme_start + e->offset, .end = end - e->vme_start + e->offset,
		.access = w->access, .user = false,
	};
	kern_return_t kr;

	if (!e->use_pmap) {
		s.view.top = w->view.top;
		s.view.shift = at + w->view.shift - s.start;
		s.view.prot = w->view.prot & e->protection;
	}
	vm_map_lock(sub);
	do {
		(void)vm_map_settle(sub, s.start, s.end, false);
		kr = unnest_windows(&s);
	} while (kr == KERN_ABORTED);
	if (kr == KERN_SUCCESS)
		kr = wire_locked(&s);
	vm_map_unlock(sub);
	return kr;
}

/* The pages of all entries that this call wired first. No lock held. *done: up to where. */
static kern_return_t
wire_pages(const struct wiring *w, vm_offset_t *done)
{
	vm_map_t map = w->view.map;
	kern_return_t kr = KERN_SUCCESS;

	for (*done = w->start; kr == KERN_SUCCESS && *done < w->end; ) {
		struct vm_map_entry e, *found;
		vm_offset_t end;

		vm_map_lock_read(map);
		if (!vm_map_lookup_entry(map, *done, &found))
			panic("map %lu: 0x%lx vanished in transition", map->id, *done);
		e = *found;
		end = e.vme_end < w->end ? e.vme_end : w->end;
		if (!first_wiring(&e) && !e.is_sub_map && w->view.top != map &&
		    !vm_fault_wire_leaves(&w->view, found, *done, end))
			kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to map the wired pages at 0x%lx", *done);
		vm_map_unlock_read(map);
		if (first_wiring(&e) && !e.is_sub_map) {
			kr = vm_fault_wire(&w->view, *done, end, w->access, done);
			continue;
		}
		if (kr == KERN_SUCCESS && first_wiring(&e))
			kr = wire_submap(w, &e, *done, end);
		if (kr == KERN_SUCCESS)
			*done = end;
	}
	return kr;
}

/* The call failed at `done`: its counts go, and the pages it brought. Write lock held. */
static void
undo(const struct wiring *w, vm_offset_t done)
{
	vm_map_entry_t e;

	FOREACH_IN(e, w) {
		if (first_wiring(e) && e->vme_start < done) {
			struct vm_map_entry part = *e;

			if (part.vme_end > done)
				part.vme_end = done;
			vm_map_unwire_pages(&part);
		}
		count_down(w->view.map, e, w->user);
		if (e->wired_count == 0 && w->view.top->pmap != NULL)
			(void)pmap_wire_range(w->view.top->pmap, e->vme_start + w->view.shift, e->vme_end + w->view.shift, false);
	}
}

/* Write lock held, range settled, start < end: counted, and in transition. On failure nothing has changed. */
static kern_return_t
wire_begin(const struct wiring *w)
{
	vm_map_t map = w->view.map;
	vm_map_entry_t e;
	uint64_t pages;
	kern_return_t kr;

	kr = check_range(w, &pages);
	if (kr == KERN_SUCCESS)
		kr = prepare(w);
	if (kr == KERN_SUCCESS)
		kr = reserve_limits(map, pages);
	if (kr != KERN_SUCCESS)
		return kr;
	map->user_wired_pages += pages;
	FOREACH_IN(e, w)
		if (!w->user || e->user_wired_count++ == 0)
			e->wired_count++;
	vm_map_transition_begin(map, w->start, w->end);
	return KERN_SUCCESS;
}

/* At rest again, wired if kr is KERN_SUCCESS; else the pages up to `done` are given back. Write lock held. */
static void
wire_end(const struct wiring *w, kern_return_t kr, vm_offset_t done)
{
	if (kr != KERN_SUCCESS)
		undo(w, done);
	vm_map_transition_end(w->view.map, w->start, w->end);
	vm_map_merge_range(w->view.map, w->start, w->end);
}

/* Write lock held, range settled, start < end; the lock is dropped in between and held on return. */
static kern_return_t
wire_locked(const struct wiring *w)
{
	vm_map_t map = w->view.map;
	vm_offset_t done;
	kern_return_t kr = wire_begin(w);

	if (kr != KERN_SUCCESS)
		return kr;
	vm_map_unlock(map);
	kr = wire_pages(w, &done);
	VM_RELOCK_POINT(map, "vm_map_wire.pages");
	vm_map_lock(map);
	wire_end(w, kr, done);
	return kr;
}

kern_return_t
vm_map_wire(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t access, bool user_wire)
{
	struct wiring w;
	kern_return_t kr;

	if (!vm_map_range_check(map, &start, &end))
		return KERN_SUCCESS;
	w = (struct wiring){
		.view = { .map = map, .top = map, .prot = vm_map_tables_prot(map) },
		.start = start, .end = end, .access = access, .user = user_wire,
	};
	vm_map_lock(map);
	do {
		if (vm_map_settle(map, start, end, user_wire) != KERN_SUCCESS) {
			vm_map_unlock(map);
			return KERN_FAIL(KERN_FAILURE, "interrupted before [0x%lx, 0x%lx) was wired", start, end);
		}
		kr = unnest_windows(&w);
	} while (kr == KERN_ABORTED);
	if (kr == KERN_SUCCESS)
		kr = wire_locked(&w);
	vm_map_unlock(map);
	return kr;
}

kern_return_t
vm_map_wire_locked(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t access)
{
	struct wiring w = {
		.view = { .map = map, .top = map, .prot = vm_map_tables_prot(map) },
		.start = start, .end = end, .access = access, .user = true,
	};

	return wire_locked(&w);
}

/* --- FreeBSD's wiring --- */

/* What FreeBSD's flags make of a range. Runs are entries that are in no map: their range, and as protection the access. */
struct runs {
	vm_map_t       map;
	vm_offset_t    start, end;
	unsigned       flags;           /* VM_MAP_WIRE_* */
	vm_map_entry_t first;           /* linked by vme_next */
};

static void
runs_free(struct runs *r)
{
	vm_map_entry_t run;

	while ((run = r->first) != NULL) {
		r->first = run->vme_next;
		vm_map_entry_dispose(run);
	}
}

static struct wiring
run_wiring(const struct runs *r, const struct vm_map_entry *run)
{
	return (struct wiring){
		.view = { .map = r->map, .top = r->map, .prot = vm_map_tables_prot(r->map) },
		.start = run->vme_start, .end = run->vme_end, .access = run->protection,
		.user = (r->flags & VM_MAP_WIRE_USER) != 0,
	};
}

/* The access that e is wired for; NONE: it cannot be. */
static vm_prot_t
run_access(const struct runs *r, const struct vm_map_entry *e)
{
	vm_prot_t access = e->protection & VM_PROT_READ ? VM_PROT_READ : e->protection & VM_PROT_EXECUTE;

	if (!(r->flags & VM_MAP_WIRE_WRITE))
		return access;
	return access != VM_PROT_NONE && (e->protection & VM_PROT_WRITE) ? access | VM_PROT_WRITE : VM_PROT_NONE;
}

/* [start, end), part of an entry, becomes part of run *last, or a run after it. FALSE: shortage. */
static bool
runs_add(struct runs *r, vm_map_entry_t *last, vm_offset_t start, vm_offset_t end, vm_prot_t access)
{
	vm_map_entry_t run;

	if (*last != NULL && (*last)->vme_end == start && (*last)->protection == access) {
		(*last)->vme_end = end;
		return true;
	}
	run = vm_map_entry_create();
	if (run == NULL)
		return false;
	*run = (struct vm_map_entry){ .links = { .start = start, .end = end }, .protection = access & VM_PROT_ALL };
	if (*last != NULL)
		(*last)->vme_next = run;
	else
		r->first = run;
	*last = run;
	return true;
}

/* Changes nothing but r->first, which the caller frees. Map locked. */
static kern_return_t
runs_find(struct runs *r)
{
	vm_map_entry_t header = vm_map_to_entry(r->map), last = NULL, e;
	bool holes = (r->flags & VM_MAP_WIRE_HOLESOK) != 0;
	vm_offset_t at = r->start;

	for (e = vm_map_entry_at_or_after(r->map, r->start); at < r->end; e = e->vme_next) {
		vm_offset_t from = e == header || e->vme_start > r->end ? r->end : e->vme_start > at ? e->vme_start : at;
		vm_prot_t access;

		if (from > at && !holes)
			return KERN_FAIL(KERN_INVALID_ADDRESS, "hole at 0x%lx in [0x%lx, 0x%lx)", at, r->start, r->end);
		if (from == r->end)
			break;
		access = run_access(r, e);
		if (access == VM_PROT_NONE && !holes)
			return KERN_FAIL(KERN_INVALID_ADDRESS, "the entry at 0x%lx allows %s only", e->vme_start, vm_prot_name(e->protection));
		at = e->vme_end < r->end ? e->vme_end : r->end;
		if (access == VM_PROT_NONE || ((r->flags & VM_MAP_WIRE_USER) && e->user_wired_count != 0))
			continue;
		if (!runs_add(r, &last, from, at, access))
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to note what is to be wired at 0x%lx", from);
	}
	return KERN_SUCCESS;
}

/* The runs, at rest and without copy-on-write windows. Write lock held, dropped where that has to be waited for. */
static kern_return_t
runs_settle(struct runs *r)
{
	kern_return_t kr;

	do {
		runs_free(r);
		if (vm_map_settle(r->map, r->start, r->end, r->flags & VM_MAP_WIRE_USER) != KERN_SUCCESS)
			return KERN_FAIL(KERN_FAILURE, "interrupted before [0x%lx, 0x%lx) was wired", r->start, r->end);
		kr = runs_find(r);
		for (vm_map_entry_t run = r->first; kr == KERN_SUCCESS && run != NULL; run = run->vme_next) {
			struct wiring w = run_wiring(r, run);

			kr = unnest_windows(&w);
		}
	} while (kr == KERN_ABORTED);
	return kr;
}

/* Runs before `stop` have been brought in, that one up to `done`, those after it not. Write lock held. */
static void
runs_end(const struct runs *r, vm_map_entry_t last, kern_return_t kr, const struct vm_map_entry *stop, vm_offset_t done)
{
	bool before = true;

	for (vm_map_entry_t run = r->first; run != last; run = run->vme_next) {
		struct wiring w = run_wiring(r, run);

		if (run == stop)
			before = false;
		wire_end(&w, kr, run == stop ? done : before ? w.end : w.start);
	}
}

/* Write lock held, dropped in between. */
static kern_return_t
runs_wire(const struct runs *r)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_offset_t done = 0;
	vm_map_entry_t run;

	for (run = r->first; run != NULL; run = run->vme_next) {
		struct wiring w = run_wiring(r, run);

		kr = wire_begin(&w);
		if (kr != KERN_SUCCESS) {
			runs_end(r, run, kr, r->first, r->first->vme_start);
			return kr;
		}
	}
	if (r->first == NULL)
		return KERN_SUCCESS;
	vm_map_unlock(r->map);
	for (run = r->first; run != NULL; run = run->vme_next) {
		struct wiring w = run_wiring(r, run);

		kr = wire_pages(&w, &done);
		if (kr != KERN_SUCCESS)
			break;
	}
	VM_RELOCK_POINT(r->map, "vm_map_wire.runs");
	vm_map_lock(r->map);
	runs_end(r, NULL, kr, run, done);
	return kr;
}

kern_return_t
vm_map_bsd_wire(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags)
{
	struct runs r = { .map = map, .flags = flags };
	kern_return_t kr;

	if (flags & ~VM_MAP_WIRE_FLAGS)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x are not of user (1), holesok (2), write (4)", flags);
	if (!vm_map_range_check(map, &start, &end))
		return KERN_SUCCESS;
	r.start = start;
	r.end = end;
	vm_map_lock(map);
	kr = runs_settle(&r);
	if (kr == KERN_SUCCESS)
		kr = runs_wire(&r);
	vm_map_unlock(map);
	runs_free(&r);
	return kr;
}

/* --- unwiring --- */

/* First half: may [start, end) be unwired? */
static kern_return_t
check_unwire(vm_map_t map, vm_offset_t start, vm_offset_t end, bool user)
{
	vm_map_entry_t e, first, last;
	kern_return_t kr;

	if (!vm_map_lookup_entry(map, start, &e))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", start);
	if (!user) {
		kr = vm_map_check_range(map, start, end, VM_PROT_NONE, false, &first, &last);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	for (; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		if (user && e->superpage)
			return KERN_FAIL(KERN_INVALID_ADDRESS, "the superpages at 0x%lx stay wired", e->vme_start);
		if (!user && e->wired_count <= (e->user_wired_count != 0))
			return KERN_FAIL(KERN_FAILURE, "the kernel has not wired the entry at 0x%lx", e->vme_start);
	}
	return KERN_SUCCESS;
}

/* all: of the user's wirings, not one only. */
static void
unwire_entry(vm_map_t map, vm_map_entry_t e, bool user, bool all)
{
	if (user && e->user_wired_count == 0)
		return;
	if (all && user)
		e->user_wired_count = 1;
	count_down(map, e, user);
	if (e->wired_count == 0)
		release_pages(map, e);
}

static kern_return_t
unwire_range(vm_map_t map, vm_offset_t start, vm_offset_t end, bool user, bool all)
{
	vm_map_entry_t e;
	kern_return_t kr = vm_map_cut_range(map, start, end, &e);

	if (kr != KERN_SUCCESS)
		return kr;
	for (; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next)
		unwire_entry(map, e, user, all);
	vm_map_merge_range(map, start, end);
	vm_map_unwired(map);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_unwire(vm_map_t map, vm_offset_t start, vm_offset_t end, bool user_wire)
{
	kern_return_t kr;

	if (!vm_map_range_check(map, &start, &end))
		return KERN_SUCCESS;
	vm_map_lock(map);
	kr = vm_map_settle(map, start, end, user_wire);
	if (kr == KERN_SUCCESS)
		kr = check_unwire(map, start, end, user_wire);
	if (kr == KERN_SUCCESS)
		kr = unwire_range(map, start, end, user_wire, false);
	vm_map_unlock(map);
	return kr;
}

/* First half of FreeBSD's form. */
static kern_return_t
check_bsd_unwire(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags)
{
	vm_map_entry_t e, first, last;
	kern_return_t kr = KERN_SUCCESS;

	if (!(flags & VM_MAP_WIRE_HOLESOK))
		kr = vm_map_check_range(map, start, end, VM_PROT_NONE, false, &first, &last);
	for (e = vm_map_entry_at_or_after(map, start); kr == KERN_SUCCESS && e != vm_map_to_entry(map) && e->vme_start < end;
	    e = e->vme_next)
		if ((flags & VM_MAP_WIRE_USER) && e->superpage)
			kr = KERN_FAIL(KERN_INVALID_ADDRESS, "the superpages at 0x%lx stay wired", e->vme_start);
		else if (!(flags & VM_MAP_WIRE_USER) && e->wired_count <= (e->user_wired_count != 0))
			kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "the kernel has not wired the entry at 0x%lx", e->vme_start);
	return kr;
}

kern_return_t
vm_map_bsd_unwire(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags)
{
	bool user = (flags & VM_MAP_WIRE_USER) != 0;
	kern_return_t kr;

	if (flags & ~(VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x are not of user (1), holesok (2)", flags);
	if (!vm_map_range_check(map, &start, &end))
		return KERN_SUCCESS;
	vm_map_lock(map);
	kr = vm_map_settle(map, start, end, user);
	if (kr == KERN_SUCCESS)
		kr = check_bsd_unwire(map, start, end, flags);
	if (kr == KERN_SUCCESS)
		kr = unwire_range(map, start, end, user, true);
	vm_map_unlock(map);
	return kr;
}
