/*
 * vm_map_copy_overwrite.c: a copy replaces what is mapped, all or nothing.
 *
 *   copy          [ c1   )[ c2         )
 *   destination  [  d1     )[ d2 shared )[ d3   )      first byte somewhere in a page
 *                   |--------------------------|
 *                   bytes|pages  | bytes |pages |bytes
 *
 * Where source and destination lie alike in their pages, whole pages of a
 * private destination are replaced by reference: new entries with the
 * destination's attributes and the copy's objects (the plan) take the place of
 * the old ones. The rest, that is edges of pages, other alignment, and memory
 * that others are to see change (shared, wired, permanent, a pager's, behind a
 * submap), is copied physically, through the destination's objects.
 *
 *   1 check     every address mapped and writable, through submaps; needs_copy windows of submaps are un-nested
 *   2 prepare   what is to be copied physically: each destination page is made resident and writable now,
 *               and what must be fetched for the source is fetched: from here on no memory is needed
 *   3 plan      the new entries are made; the map is still as it was. Anybody at work on it since 1: from 1 again
 *   4 commit    old entries out, new ones in, under the same hold of the lock
 *   5 copy      the physical parts, page by page, without the map's lock between some pages
 *
 * So a shortage is found before anything has changed. Only who takes the
 * destination's memory away between 2 and 5 (unmapping, forking) can make 5
 * fail half way, as it could have come half way through.
 *
 * Copies are as of copyin: source and destination may overlap. 2 and 5 are in vm_map_copy_write.c.
 *
 * Locks: the destination's, for writing in 1, 3 and 4; none while memory is
 * fetched; for reading in 5, and there the object's.
 */
#include <mm/vm_print.h>
#include "vm_map_copy_impl.h"

#define RETRIES     16          /* plans that others' work on the map may spoil; then all goes by bytes */

/* What is to be done, and how far it is. */
struct overwrite {
	vm_map_t       map;
	vm_offset_t    addr;            /* of the copy's first byte */
	vm_size_t      size;
	vm_map_copy_t  copy;
	bool           interruptible;
	bool           by_bytes;        /* nothing by reference */
	/* The plan: entries to link, and, in transition, ranges to copy physically; by vme_next. */
	vm_map_entry_t plan, *plan_end;
	bool           physical;        /* some of it is physical */
};

/* --- 2: preparing --- */

/* Everything that the plan copies physically. No lock held. */
static kern_return_t
prepare(const struct overwrite *o)
{
	kern_return_t kr = KERN_SUCCESS;

	for (vm_map_entry_t p = o->plan; p != NULL && kr == KERN_SUCCESS; p = p->vme_next)
		if (p->in_transition)
			kr = vm_map_copy_prepare(o->map, o->addr, o->copy, p->vme_start, p->vme_end);
	return kr;
}

/* --- 1: checking --- */

static kern_return_t check_range(const struct overwrite *o, vm_map_t map, vm_offset_t start, vm_offset_t end,
    vm_prot_t above);

/* One entry's part [start, end); `above`: what the windows above allow. */
static kern_return_t
check_entry(const struct overwrite *o, vm_map_entry_t e, vm_offset_t start, vm_offset_t end, vm_prot_t above)
{
	vm_prot_t prot = e->protection & above;
	kern_return_t kr;

	if (!(prot & VM_PROT_WRITE))
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the entry at 0x%lx allows %s, not %s",
		    e->vme_start, vm_prot_name(prot), vm_prot_name(VM_PROT_WRITE));
	if (e->is_sub_map) {
		start = start - e->vme_start + e->offset;
		end = end - e->vme_start + e->offset;
		vm_map_lock_read(e->object.sub_map);
		kr = check_range(o, e->object.sub_map, start, end, prot);
		vm_map_unlock_read(e->object.sub_map);
		return kr;
	}
	if (o->interruptible && e->object.vm_object != NULL && !e->object.vm_object->internal)
		return KERN_FAIL(KERN_FAILURE, "the entry at 0x%lx has a pager, which could be waited for", e->vme_start);
	return KERN_SUCCESS;
}

/* Any lock. */
static kern_return_t
check_range(const struct overwrite *o, vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t above)
{
	vm_offset_t at = start, stop;
	kern_return_t kr;
	vm_map_entry_t e;

	if (!vm_map_lookup_entry(map, start, &e))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", start);
	for (;; e = e->vme_next, at = stop) {
		if (e == vm_map_to_entry(map) || e->vme_start > at)
			return KERN_FAIL(KERN_INVALID_ADDRESS, "hole at 0x%lx in [0x%lx, 0x%lx)", at, start, end);
		stop = e->vme_end < end ? e->vme_end : end;
		kr = check_entry(o, e, at, stop, above);
		if (kr != KERN_SUCCESS || stop == end)
			return kr;
	}
}

/* needs_copy windows of submaps in the range become entries of the map. Write lock held, perhaps dropped between. */
static kern_return_t
unnest(const struct overwrite *o, vm_offset_t start, vm_offset_t end)
{
	kern_return_t kr;
	vm_map_entry_t e;

	for (e = vm_map_entry_at_or_after(o->map, start); e != vm_map_to_entry(o->map) && e->vme_start < end; ) {
		vm_offset_t at = e->vme_start > start ? e->vme_start : start;

		if (!e->is_sub_map || !e->needs_copy) {
			e = e->vme_next;
			continue;
		}
		kr = vm_map_unnest_copy(o->map, e, at, VM_PROT_WRITE);
		if (kr != KERN_SUCCESS)
			return kr;
		e = vm_map_entry_at_or_after(o->map, at);
	}
	return KERN_SUCCESS;
}

/* The destination, write-locked: KERN_ABORTED with *again: the lock was dropped, look again. */
static kern_return_t
check_destination(const struct overwrite *o, bool *again)
{
	vm_offset_t start = trunc_page(o->addr), end = round_page(o->addr + o->size);
	kern_return_t kr = vm_map_settle(o->map, start, end, true);

	*again = false;
	if (kr == KERN_SUCCESS)
		kr = check_range(o, o->map, start, end, VM_PROT_ALL);
	if (kr == KERN_SUCCESS) {
		kr = unnest(o, start, end);
		*again = kr == KERN_ABORTED;
	}
	return kr;
}

/* --- 3: the plan --- */

static void
plan_free(struct overwrite *o)
{
	vm_map_entry_t next;

	for (; o->plan != NULL; o->plan = next) {
		next = o->plan->vme_next;
		vm_object_deallocate(o->plan->object.vm_object);
		vm_map_entry_dispose(o->plan);
	}
	o->plan_end = &o->plan;
	o->physical = false;
}

static kern_return_t
plan_append(struct overwrite *o, const struct vm_map_entry *e)
{
	vm_map_entry_t n = vm_map_entry_create();

	if (n == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map entry");
	*n = *e;
	n->vme_next = NULL;
	vm_object_reference(n->object.vm_object);
	*o->plan_end = n;
	o->plan_end = &n->links.next;
	return KERN_SUCCESS;
}

/* [start, end), bytes, goes physically: as part of the piece before, or a new one. */
static kern_return_t
plan_physical(struct overwrite *o, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t last = o->plan == NULL ? NULL : container_of(o->plan_end, struct vm_map_entry, links.next);

	if (start == end)
		return KERN_SUCCESS;
	o->physical = true;
	if (last != NULL && last->in_transition && last->vme_end == start) {
		last->vme_end = end;
		return KERN_SUCCESS;
	}
	return plan_append(o, &(struct vm_map_entry){ .vme_start = start, .vme_end = end, .in_transition = true });
}

/* May other memory simply take the place of what d maps? */
static bool
replaceable(vm_map_entry_t d)
{
	vm_object_t object = d->object.vm_object;

	if (d->is_shared || d->is_sub_map || d->wired_count != 0 || d->in_transition || d->permanent)
		return false;
	return object == NULL || d->needs_copy ||
	    (object->internal && !object->true_share &&
	    (object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC || object->ref_count == 1));
}

/* The part [at, end) of destination entry d by reference: an entry for each entry of the copy. */
static kern_return_t
plan_reference(struct overwrite *o, vm_map_entry_t d, vm_offset_t at, vm_offset_t end, vm_map_entry_t *source)
{
	vm_offset_t base = trunc_page(o->addr);         /* copy address 0 */
	vm_map_entry_t c = *source;
	kern_return_t kr = KERN_SUCCESS;

	while (at < end && kr == KERN_SUCCESS) {
		struct vm_map_entry n = *d;

		while (at - base >= c->vme_end)
			c = c->vme_next;
		n.vme_start = at;
		n.vme_end = c->vme_end < end - base ? base + c->vme_end : end;
		n.object = c->object;
		n.offset = c->offset + (at - base - c->vme_start);
		n.needs_copy = c->needs_copy;
		kr = plan_append(o, &n);
		at = n.vme_end;
	}
	*source = c;
	return kr;
}

/* Makes the plan; map write-locked and checked. */
static kern_return_t
make_plan(struct overwrite *o)
{
	vm_offset_t end = o->addr + o->size, first = round_page(o->addr), last = trunc_page(end), stop;
	kern_return_t kr = KERN_SUCCESS;
	vm_map_entry_t d, c;

	if (o->copy->type != VM_MAP_COPY_ENTRY_LIST || (o->copy->offset & PAGE_MASK) != (o->addr & PAGE_MASK) ||
	    first >= last || o->by_bytes)
		return plan_physical(o, o->addr, end);
	kr = plan_physical(o, o->addr, first);
	(void)vm_map_lookup_entry(o->map, first, &d);
	c = vm_map_copy_first_entry(o->copy);
	for (vm_offset_t at = first; at < last && kr == KERN_SUCCESS; at = stop, d = d->vme_next) {
		stop = d->vme_end < last ? d->vme_end : last;
		kr = replaceable(d) ? plan_reference(o, d, at, stop, &c) : plan_physical(o, at, stop);
	}
	return kr == KERN_SUCCESS ? plan_physical(o, last, end) : kr;
}

/* --- 4: committing --- */

/* The end of the run of planned entries that begins with e: [e's start, *end) is replaced; returns the first after it. */
static vm_map_entry_t
run_end(vm_map_entry_t e, vm_offset_t *end)
{
	do {
		*end = e->vme_end;
		e = e->vme_next;
	} while (e != NULL && !e->in_transition);
	return e;
}

/* Links the planned entries from e up to `stop` where a hole is for them now. */
static void
link_run(vm_map_t map, vm_map_entry_t e, vm_map_entry_t stop)
{
	vm_map_entry_t after, next;

	(void)vm_map_lookup_entry(map, e->vme_start, &after);
	for (; e != stop; e = next) {
		next = e->vme_next;
		vm_map_store_link(map, after, e);
		after = e;
	}
}

/* From where to where the plan replaces entries; there are such. */
static void
replaced_range(const struct overwrite *o, vm_offset_t *first, vm_offset_t *last)
{
	vm_map_entry_t e = o->plan;

	while (e->in_transition)
		e = e->vme_next;
	*first = e->vme_start;
	*last = e->vme_end;
	while ((e = e->vme_next) != NULL)
		if (!e->in_transition)
			*last = e->vme_end;
}

/*
 * The planned entries take the place of what is there. Cuts first, at the two
 * places that may need memory: all other borders of runs are those of entries.
 * What is written in place is not cut: it may be a nested window.
 * Then nothing can fail. What was replaced hangs on *dead; the plan keeps its
 * physical pieces. Write lock held.
 */
static kern_return_t
commit(struct overwrite *o, vm_map_entry_t *dead)
{
	vm_map_entry_t d, e, next, *keep = &o->plan;
	vm_offset_t first, last, end;
	kern_return_t kr;

	replaced_range(o, &first, &last);
	kr = vm_map_check_split(o->map, first, last);
	if (kr != KERN_SUCCESS)
		return kr;
	(void)vm_map_lookup_entry(o->map, first, &d);
	(void)vm_map_lookup_entry(o->map, last - 1, &e);
	if (!vm_map_cut(o->map, &d, &e, first, last))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", first, last);
	while ((e = *keep) != NULL) {
		if (e->in_transition) {
			keep = &e->links.next;
			continue;
		}
		next = run_end(e, &end);
		kr = vm_map_delete(o->map, e->vme_start, end, dead);
		KASSERT(kr == KERN_SUCCESS, ("replacing [0x%lx, 0x%lx): %d", e->vme_start,
		    end, kr));
		while (*dead != NULL)
			dead = &(*dead)->links.next;
		*keep = next;
		link_run(o->map, e, next);
	}
	vm_map_merge_range(o->map, first, last);
	return KERN_SUCCESS;
}

/* --- the whole --- */

/*
 * Steps 1 to 4. On KERN_SUCCESS the plan holds what is to be copied physically,
 * and that cannot fail for want of memory.
 */
static kern_return_t
replace(struct overwrite *o, vm_map_entry_t *dead)
{
	kern_return_t kr;

	for (unsigned tries = 0;; tries++) {
		uint64_t timestamp;
		bool again, references;

		vm_map_lock(o->map);
		kr = check_destination(o, &again);
		if (kr == KERN_SUCCESS)
			kr = make_plan(o);
		timestamp = o->map->timestamp;
		references = kr == KERN_SUCCESS && (!o->plan->in_transition || o->plan->vme_next != NULL);
		if (kr == KERN_SUCCESS && !o->physical)
			kr = commit(o, dead);
		vm_map_unlock(o->map);
		if (again) {
			VM_RELOCK_POINT(o->map, "vm_map_copy_overwrite.unnest");
			continue;
		}
		if (kr != KERN_SUCCESS || !o->physical)
			return kr;
		kr = prepare(o);
		if (kr != KERN_SUCCESS || !references)
			return kr;
		VM_RELOCK_POINT(o->map, "vm_map_copy_overwrite.prepared");
		vm_map_lock(o->map);
		again = o->map->timestamp != timestamp + 1;
		if (!again)
			kr = commit(o, dead);
		vm_map_unlock(o->map);
		if (!again)
			return kr;
		plan_free(o);
		o->by_bytes = tries >= RETRIES;
	}
}

static kern_return_t
overwrite(struct overwrite *o)
{
	vm_map_entry_t dead = NULL, p;
	kern_return_t kr = replace(o, &dead);

	for (p = o->plan; p != NULL && kr == KERN_SUCCESS; p = p->vme_next)
		kr = vm_map_copy_write(o->map, o->addr, o->copy, p->vme_start, p->vme_end - p->vme_start);
	plan_free(o);
	vm_map_free_dead(o->map, dead);
	return kr;
}

kern_return_t
vm_map_copy_overwrite(vm_map_t map, vm_offset_t addr, vm_map_copy_t copy, bool interruptible)
{
	struct overwrite o = { .map = map, .addr = addr, .copy = copy, .interruptible = interruptible, .plan_end = &o.plan };
	kern_return_t kr;

	if (copy == NULL)
		return KERN_SUCCESS;
	if (copy->size == 0) {
		vm_map_copy_discard(copy);
		return KERN_SUCCESS;
	}
	o.size = copy->size;
	if (addr + o.size < addr || round_page(addr + o.size) <= trunc_page(addr))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx wrap", o.size, addr);
	vm_map_copy_withdraw(copy);
	kr = vm_map_copy_to_entries(copy);
	if (kr == KERN_SUCCESS)
		kr = overwrite(&o);
	vm_map_copy_publish(copy);
	if (kr == KERN_SUCCESS)
		vm_map_copy_discard(copy);
	return kr;
}
