/*
 * vm_check_object.c: the invariants of copies between objects: M12 to M16 of
 * mm/README.md. vm_check.c says under which conditions checks run.
 *
 * M15 compares windows of entries on one object, each with each. To keep a check
 * linear, it looks at CLAIMS of the entries that claim an object's window for
 * themselves, and goes on with the next ones the next time.
 */
#include <stdio.h>
#include <mm/vm_check.h>
#include "vm_check_impl.h"
#include "vm_object_impl.h"

/* M12: a copy object and its source know each other, and the fault knows of it. Object locked. */
static bool
vm_check_M12(vm_object_t o, struct vm_check_failure *f)
{
	vm_object_t c = o->copy;
	bool special = o->special;

	if (c != NULL && (!c->alive || c->ref_count < 1 || c->shadow != o || c->shadow_offset != 0 ||
	    (o->internal && o->copy_strategy != MEMORY_OBJECT_COPY_DELAY)))
		return FAIL(f, "M12", "object %lu, strategy %u: its copy is %lu, which shadows %lu at 0x%lx", o->id,
		    o->copy_strategy, c->id, c->shadow != NULL ? c->shadow->id : 0,
		    c->shadow_offset);
	c = o->older;
	if (c != NULL && (!c->alive || c->ref_count < 1 || c->shadow != o || c->shadow_offset != 0))
		return FAIL(f, "M12", "object %lu: the older copy is %lu, which shadows %lu at 0x%lx", o->id,
		    c->id, c->shadow != NULL ? c->shadow->id : 0, c->shadow_offset);
	vm_object_classify(o);
	if (special != o->special) {
		o->special = special;
		return FAIL(f, "M12", "object %lu: special is %u, it has pager %u, copy %u, device %u, severed %u, junk %u",
		    o->id, special, o->pager != NULL, o->copy != NULL, o->phys_contiguous, o->shadow_severed, o->no_zero_fill);
	}
	return true;
}

/* M13: what a copy object got from pushes stays; an object that only pushes change has no writer. Object locked. */
static bool
vm_check_M13(vm_object_t o, struct vm_check_failure *f)
{
	if (!vm_object_is_copy(o) || !o->one_mapping)
		return true;
	return FAIL(f, "M13", "object %lu: a copy, yet pages that nobody can reach are given back", o->id);
}

bool
vm_check_entry_copies(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f)
{
	vm_object_t o = e->object.vm_object;

	if (e->is_sub_map || o == NULL || !o->pushed_only || e->needs_copy)
		return true;
	return FAIL(f, "M13", "map %lu entry 0x%lx: maps object %lu for writing, which only pushes may change", map->id,
	    e->vme_start, o->id);
}

/* M14: what is shared on purpose is not copied by needs_copy. (For entries that share: M6.) */
static bool
vm_check_M14(vm_object_t o, struct vm_check_failure *f)
{
	if (!o->true_share || o->copy_strategy != MEMORY_OBJECT_COPY_SYMMETRIC)
		return true;
	return FAIL(f, "M14", "object %lu: shared on purpose, but to be copied symmetrically", o->id);
}

bool
vm_check_object_copies(vm_object_t o, struct vm_check_failure *f)
{
	return vm_check_M12(o, f) && vm_check_M13(o, f) && vm_check_M14(o, f);
}

/* --- M15: a symmetric object that is written through an entry shows those pages to nobody else --- */

#define CLAIMS  32u

/* The window of an entry that writes a symmetric object in place. */
struct claim {
	vm_object_t        object;
	vm_object_offset_t start, end;
	vm_map_entry_t     entry;
	vm_map_t           map;
};

struct claims {
	struct claim       c[CLAIMS];
	unsigned           n;
	uint64_t           skip, seen;
	struct vm_check_failure *f;
	bool               ok;
};

static void
claim(struct claims *cs, vm_map_t map, vm_map_entry_t e)
{
	vm_object_t o = e->object.vm_object;

	if (e->is_sub_map || o == NULL || e->needs_copy || o->ref_count == 1 ||
	    o->copy_strategy != MEMORY_OBJECT_COPY_SYMMETRIC)
		return;
	if (cs->seen++ >= cs->skip && cs->n < CLAIMS)
		cs->c[cs->n++] = (struct claim){ o, e->offset, e->offset + (e->vme_end - e->vme_start), e, map };
}

/* [start, end) of o is shown by `entry`, or by something else if that is NULL. */
static void
compare(struct claims *cs, vm_object_t o, vm_object_offset_t start, vm_object_offset_t end, const struct vm_map_entry *entry)
{
	for (unsigned i = 0; i < cs->n; i++) {
		const struct claim *c = &cs->c[i];

		if (c->object == o && c->entry != entry && start < c->end && c->start < end)
			cs->ok = FAIL(cs->f, "M15", "object %lu: [0x%lx, 0x%lx) is written in place through map %lu, but shown elsewhere, too",
			    o->id, c->start, c->end, c->map->id);
	}
}

static void
compare_entry(struct claims *cs, const struct vm_map_entry *e)
{
	if (!e->is_sub_map && e->object.vm_object != NULL)
		compare(cs, e->object.vm_object, e->offset, e->offset + (e->vme_end - e->vme_start), e);
}

static bool
compare_copy(vm_map_copy_t copy, void *arg)
{
	vm_map_entry_t e;

	if (copy->type == VM_MAP_COPY_ENTRY_LIST)
		for (e = vm_map_copy_first_entry(copy); e != vm_map_copy_to_entry(copy); e = e->vme_next)
			compare_entry(arg, e);
	return true;
}

static bool
compare_shadow(vm_object_t o, void *arg)
{
	if (o->shadow != NULL)
		compare(arg, o->shadow, o->shadow_offset, o->shadow_offset + o->size, NULL);
	return true;
}

/* The claims of all maps' entries from the skip-th on. */
static void
collect(struct claims *cs, vm_map_t first)
{
	vm_map_entry_t e;

	cs->seen = 0;
	for (vm_map_t map = first; map != NULL; map = map->check_next) {
		vm_map_lock_read(map);
		for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
			claim(cs, map, e);
		vm_map_unlock_read(map);
	}
}

bool
vm_check_windows(vm_map_t first, struct vm_check_failure *f)
{
	static uint64_t next;           /* how many to pass over this time */
	struct claims cs = { .skip = __atomic_load_n(&next, __ATOMIC_RELAXED), .f = f, .ok = true };
	vm_map_entry_t e;

	collect(&cs, first);
	if (cs.n == 0 && cs.seen != 0) {
		cs.skip = 0;
		collect(&cs, first);
	}
	__atomic_store_n(&next, cs.skip + CLAIMS, __ATOMIC_RELAXED);
	if (cs.n == 0)
		return true;
	for (vm_map_t map = first; map != NULL; map = map->check_next) {
		vm_map_lock_read(map);
		for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
			compare_entry(&cs, e);
		vm_map_unlock_read(map);
	}
	vm_map_copy_foreach(compare_copy, &cs);
	vm_object_foreach(compare_shadow, &cs);
	return cs.ok;
}

/* --- M16: a statistic --- */

static bool
count_missed(vm_object_t o, void *arg)
{
	vm_object_t b = o->shadow;

	if (b != NULL && o->internal && b->internal && b->ref_count == 1 && b->wired_pages == 0 &&
	    (!vm_object_is_copy(b) || (o->shadow_offset == 0 && o->size <= b->size)))
		++*(uint64_t *)arg;
	return true;
}

uint64_t
vm_check_missed_collapses(void)
{
	uint64_t missed = 0;

	vm_object_foreach(count_missed, &missed);
	return missed;
}
