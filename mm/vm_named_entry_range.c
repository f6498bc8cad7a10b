/*
 * vm_named_entry_range.c: named entries for what is mapped in a range.
 *
 * By object (the usual form): the handle stands for the object behind the first
 * page, as far as the range shows that object without a break:
 *
 *   map     [ e1   )[ e2  )[ e3 )        e1, e2: the same object, offsets in step
 *              |---------------|         asked
 *              |-----------|             what the handle covers
 *
 * The object is from now on mapped in several places on purpose, so the entries
 * are made fit for that as by vm_map_entry_make_shared, but all of those on the
 * one object together: one shadow serves them all, and the extent stays whole
 * although they have been cut apart (by a change of protection, say).
 *
 * By entries (MAP_MEM_VM_SHARE, MAP_MEM_VM_COPY): the whole range, whatever is
 * mapped there, is remapped into a small map of the handle's own, without page
 * tables. Mapping the handle is to remap that map once more: shared, all get the
 * same objects; copied, each gets copies. A snapshot is copied in.
 *
 * Rights: the maximum protection of the range (of all levels, where submaps are
 * passed) bounds the handle's. A needs_copy window whose memory is to be written
 * gets its private copy first.
 *
 * Locks: the map's write lock, submaps' within it; all given up for a window's
 * copy or to wait for a transition, and then everything is looked up again.
 * Failure: the structure is allocated first; entries may have been un-nested,
 * which nobody can tell.
 */
#include <mm/vm_print.h>
#include "vm_named_entry_impl.h"

/* Internal: the locks are to be given up first. */
#define RANGE_UNNEST    KERN_MEMORY_RESTART_COPY
#define RANGE_BUSY      KERN_MEMORY_DATA_MOVED

struct range {
	vm_map_t       map[VM_SUBMAP_DEPTH_MAX + 1];    /* write-locked, from the top down */
	unsigned       levels;
	vm_offset_t    at;              /* the range in the lowest map */
	vm_size_t      size;
	vm_map_entry_t first, last;     /* of that map, on one object */
	vm_prot_t      max;             /* of all levels */
	vm_prot_t      prot;            /* what the handle will permit */
};

static vm_map_t
lowest(const struct range *r)
{
	return r->map[r->levels - 1];
}

static void
unlock(struct range *r)
{
	while (r->levels > 0)
		vm_map_unlock(r->map[--r->levels]);
}

/* Down to the entry that holds r->at, with all its maps locked. The maps stay locked on failure, too. */
static kern_return_t
descend(struct range *r, vm_map_t top, vm_prot_t wanted)
{
	vm_map_t map = top;

	r->levels = 0;
	r->max = VM_PROT_ALL;
	for (;;) {
		vm_map_entry_t e;

		vm_map_lock(map);
		r->map[r->levels++] = map;
		if (!vm_map_lookup_entry(map, r->at, &e))
			return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", r->at);
		r->max &= e->max_protection;
		r->first = r->last = e;
		if (e->in_transition)
			return RANGE_BUSY;
		if (!e->is_sub_map)
			return KERN_SUCCESS;
		if (e->needs_copy && (wanted & r->max & VM_PROT_WRITE))
			return RANGE_UNNEST;
		if (e->vme_end - r->at < r->size)
			r->size = e->vme_end - r->at;
		r->at = r->at - e->vme_start + e->offset;
		map = e->object.sub_map;
	}
}

/* What descend gave up at is cured without locks. */
static kern_return_t
cure(struct range *r, kern_return_t why)
{
	vm_map_t map = lowest(r);
	vm_map_entry_t e;
	kern_return_t kr = KERN_SUCCESS;

	vm_map_reference(map);
	unlock(r);
	VM_RELOCK_POINT(map, "vm_named_entry_range.cure");
	vm_map_lock(map);
	if (why == RANGE_BUSY)
		kr = vm_map_settle(map, r->at, r->at + PAGE_SIZE, true);
	else if (vm_map_lookup_entry(map, r->at, &e) && e->is_sub_map && e->needs_copy)
		kr = vm_map_unnest_copy(map, e, r->at, VM_PROT_WRITE | VM_PROT_COPY);
	vm_map_unlock(map);
	vm_map_deallocate(map);
	return kr == KERN_ABORTED && why == RANGE_UNNEST ? KERN_SUCCESS : kr;
}

/* Stretches [first, last] over what continues the object and permits as much, up to the range's end. */
static void
extend(struct range *r)
{
	vm_map_entry_t header = vm_map_to_entry(lowest(r)), e = r->first, n;

	while (e->vme_end - r->at < r->size) {
		n = e->vme_next;
		if (n == header || n->vme_start != e->vme_end || n->is_sub_map || n->in_transition ||
		    n->object.vm_object != e->object.vm_object || n->object.vm_object == NULL ||
		    n->offset != e->offset + (e->vme_end - e->vme_start) || (r->prot & ~n->max_protection)) {
			r->size = e->vme_end - r->at;
			break;
		}
		r->last = e = n;
	}
}

/* Several entries on one object: one shadow for all of them, if the object is not theirs alone to share. FALSE: shortage. */
static bool
shadow_together(struct range *r)
{
	vm_object_t old = r->first->object.vm_object, object = old;
	vm_object_offset_t offset = r->first->offset;
	vm_size_t total = r->last->vme_end - r->first->vme_start;
	bool needed = old->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC && (old->shadowed || old->size > total);
	vm_map_entry_t e;

	for (e = r->first;; e = e->vme_next) {
		needed |= e->needs_copy;
		if (e->wired_count != 0)
			return true;            /* wired memory is shared as it is */
		if (e == r->last)
			break;
	}
	if (!needed)
		return true;
	if (!vm_object_shadow(&object, &offset, total))
		return false;
	KASSERT(object != old, ("object %lu has several entries and one reference", old->id));
	for (e = r->first;; e = e->vme_next) {
		if (!e->needs_copy && (e->protection & VM_PROT_WRITE))
			vm_map_write_protect_leaves(lowest(r), e);
		if (e != r->first) {            /* whose reference is the shadow's now */
			vm_object_reference(object);
			vm_object_deallocate(old);
		}
		e->object.vm_object = object;
		e->offset = offset + (e->vme_start - r->first->vme_start);
		e->needs_copy = false;
		if (e == r->last)
			return true;
	}
}

/* The entries become shared on purpose. FALSE: shortage, nothing changed. */
static bool
share(struct range *r)
{
	vm_map_entry_t e;
	vm_object_t object;

	if (r->first == r->last) {
		if (!vm_map_entry_make_shared(lowest(r), r->first))
			return false;
		object = r->first->object.vm_object;
	} else {
		if (!shadow_together(r))
			return false;
		object = r->first->object.vm_object;
		for (e = r->first;; e = e->vme_next) {
			e->is_shared = true;
			if (e == r->last)
				break;
		}
	}
	spin_lock(&object->lock);
	object->one_mapping = false;
	if (object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC)
		object->copy_strategy = MEMORY_OBJECT_COPY_DELAY;
	object->true_share = object->named = true;
	spin_unlock(&object->lock);
	return true;
}

/* MAP_MEM_NAMED_REUSE: is what was found just what the parent stands for? */
static bool
is_parents(const struct range *r, const struct vm_named_entry_args *a)
{
	vm_named_entry_t p = a->parent;
	vm_object_t object = r->first->object.vm_object;
	vm_object_offset_t offset = r->first->offset + (r->at - r->first->vme_start);
	vm_offset_t data = a->permission & MAP_MEM_USE_DATA_ADDR ? a->offset & PAGE_MASK : 0;

	if (p == NULL || object == NULL || r->first->needs_copy)
		return false;
	return ((p->type == NAMED_OBJECT && p->backing.object == object) ||
	    (p->type == NAMED_PAGER && p->backing.pager == object->pager)) &&
	    p->offset == offset && p->size == r->size && p->protection == r->prot && p->data_offset == data;
}

/* The lowest map is locked; ne is to become the handle. */
static kern_return_t
fill(struct range *r, const struct vm_named_entry_args *a, vm_named_entry_t *ne)
{
	vm_object_t object;

	if (r->first->object.vm_object == vm_submap_object)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx is a place for a submap, not memory", a->offset);
	r->prot = a->permission & VM_PROT_ALL;
	if (a->permission & VM_PROT_IS_MASK)
		r->prot &= r->max;
	if (r->prot & ~r->max)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the memory at 0x%lx permits %s at most, not %s", a->offset,
		    vm_prot_name(r->max), vm_prot_name(r->prot));
	extend(r);
	if (is_parents(r, a)) {
		vm_named_entry_discard(*ne);
		*ne = a->parent;
		vm_named_entry_reference(*ne);
		return KERN_SUCCESS;
	}
	if (!share(r))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to share what is at 0x%lx", a->offset);
	object = r->first->object.vm_object;
	vm_object_reference(object);
	(*ne)->type = NAMED_OBJECT;
	(*ne)->backing.object = object;
	(*ne)->offset = r->first->offset + (r->at - r->first->vme_start);
	(*ne)->size = r->size;
	(*ne)->protection = r->prot;
	(*ne)->internal = object->internal;
	(*ne)->data_offset = a->permission & MAP_MEM_USE_DATA_ADDR ? a->offset & PAGE_MASK : 0;
	return KERN_SUCCESS;
}

kern_return_t
vm_named_entry_of_range(const struct vm_named_entry_args *a, vm_offset_t start, vm_offset_t end, vm_named_entry_t *result)
{
	vm_named_entry_t ne = vm_named_entry_allocate(0, VM_PROT_NONE);
	struct range r;
	kern_return_t kr;

	if (ne == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a named entry");
	do {
		r.at = start;
		r.size = end - start;
		kr = descend(&r, a->map, a->permission);
		if (kr == RANGE_UNNEST || kr == RANGE_BUSY) {
			kr = cure(&r, kr);
			continue;
		}
		if (kr == KERN_SUCCESS)
			kr = fill(&r, a, &ne);
		unlock(&r);
		if (kr == KERN_SUCCESS) {
			*result = ne;
			return kr;
		}
	} while (kr == KERN_SUCCESS);
	vm_named_entry_discard(ne);
	return kr;
}

kern_return_t
vm_named_entry_of_entries(const struct vm_named_entry_args *a, vm_offset_t start, vm_offset_t end, vm_named_entry_t *result)
{
	bool copy = (a->permission & MAP_MEM_VM_COPY) != 0;
	vm_prot_t prot = a->permission & VM_PROT_ALL, cur, max;
	struct vm_map_remap_args remap = {
		.size = end - start, .src = a->map, .src_addr = start, .copy = copy,
		/* A mask takes what there is; else the least that every piece must permit is said beforehand. */
		.bounded = !(a->permission & VM_PROT_IS_MASK) || copy, .inheritance = VM_INHERIT_SHARE,
	};
	vm_named_entry_t ne = vm_named_entry_allocate(end - start, prot);
	vm_map_t map = ne != NULL ? vm_map_create(PMAP_NULL, 0, end - start, true) : NULL;
	vm_offset_t at = 0;
	kern_return_t kr;

	if (map == NULL) {
		vm_named_entry_discard(ne);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a named entry");
	}
	cur = copy ? VM_PROT_READ : VM_PROT_NONE;
	max = copy ? VM_PROT_READ : prot;
	kr = copy && (a->permission & MAP_MEM_VM_SHARE) ?
	    KERN_FAIL(KERN_INVALID_ARGUMENT, "permission 0x%x: both a copy and shared", a->permission) :
	    vm_map_remap(map, &at, &remap, &cur, &max);
	if (kr != KERN_SUCCESS) {
		vm_map_deallocate(map);
		vm_named_entry_discard(ne);
		return kr;
	}
	if (!remap.bounded)
		ne->protection &= max;
	/* The handle's protection bounds its mappings, not the pieces'. Nobody else knows the map. */
	for (vm_map_entry_t e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
		e->protection = e->max_protection = VM_PROT_ALL;
	ne->type = NAMED_ENTRIES;
	ne->backing.map = map;
	ne->is_copy = copy;
	ne->internal = true;
	ne->data_offset = a->permission & MAP_MEM_USE_DATA_ADDR ? a->offset & PAGE_MASK : 0;
	*result = ne;
	return KERN_SUCCESS;
}
