/*
 * vm_map_msync.c: what lies in a range is written back, dropped or aged.
 *
 *   for each piece of an entry in [start, end), in order:
 *     submap window ........... the same in the submap, at its addresses
 *     object with a pager ..... changed pages go to it (memory_object_sync)
 *     other objects ........... KILLPAGES frees the pages, where nobody else has
 *                               a claim on them; else there is nowhere to write them to
 *     DEACTIVATE .............. all pages look as if not used for long
 *
 * The map's read lock is held for one piece at a time, and never while a pager
 * works: each next piece is found by its address, whatever the map has become
 * meanwhile. A memory error of one piece ends the walk; what comes before it is done.
 *
 * Holes are passed over; with CONTIGUOUS the range is done all the same, and
 * the result is KERN_INVALID_ADDRESS; KILLPAGES stops at the first one.
 *
 * FreeBSD's vm_map_sync looks at the whole range first, and refuses holes and
 * what users have wired; the rest is the same walk.
 */
#include <mm/memory_object.h>
#include <mm/vm_map_range.h>
#include "vm_map_impl.h"
#include "vm_object_impl.h"

#define MSYNC_DEPTH_MAX 8

struct msync {
	unsigned flags;
	unsigned depth;         /* submaps above */
	bool     hole;
};

/* A piece of an entry: what vm_map_msync needs of it when the map is unlocked. */
struct msync_piece {
	vm_object_t        object;      /* or NULL; with a paging reference if `sync` */
	vm_map_t           sub_map;     /* or NULL; with a reference */
	vm_object_offset_t offset;
	vm_size_t          size;
	bool               sync;        /* its pager is to hear of it */
};

static bool
age_slots(struct vm_chunk *c, unsigned first, unsigned last, void *arg)
{
	(void)arg;
	for (unsigned slot = vm_chunk_next(c, first); slot < last; slot = vm_chunk_next(c, slot + 1)) {
		struct vm_page *m = vm_chunk_page(c, slot);

		pmap_clear_reference(m);
		m->flags &= (uint8_t)~VM_PAGE_REFERENCED;
	}
	return true;
}

static bool
unmap_slots(struct vm_chunk *c, unsigned first, unsigned last, void *arg)
{
	(void)arg;
	for (unsigned slot = vm_chunk_next(c, first); slot < last; slot = vm_chunk_next(c, slot + 1))
		if (vm_chunk_page(c, slot)->wire_count == 0)
			pmap_page_protect(vm_chunk_page(c, slot), VM_PROT_NONE);
	return true;
}

/* The unwired pages of [start, end) are freed; object locked. */
static void
kill_pages(vm_object_t object, vm_object_offset_t start, vm_object_offset_t end)
{
	(void)vm_chunk_visit(object, start, end, unmap_slots, NULL);
	vm_map_free_pages(object, start, end);
}

/* What needs no pager, under the map's lock; p->sync says whether the rest does. */
static void
msync_object(const struct msync *s, struct msync_piece *p)
{
	const unsigned local = VM_SYNC_KILLPAGES | VM_SYNC_DEACTIVATE;
	const unsigned pager = VM_SYNC_ASYNCHRONOUS | VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE;
	vm_object_t object = p->object;

	spin_lock(&object->lock);
	if ((s->flags & VM_SYNC_KILLPAGES) && object->internal && object->shadow == NULL && object->copy == NULL &&
	    __atomic_load_n(&object->ref_count, __ATOMIC_ACQUIRE) == 1)
		kill_pages(object, p->offset, p->offset + p->size);
	else if ((s->flags & VM_SYNC_DEACTIVATE) && !object->phys_contiguous)
		(void)vm_chunk_visit(object, p->offset, p->offset + p->size, age_slots, NULL);
	p->sync = object->pager != NULL && !object->phys_contiguous && ((s->flags & pager) || !(s->flags & local));
	if (p->sync) {
		vm_object_reference(object);
		object->paging_in_progress++;
	}
	spin_unlock(&object->lock);
}

/* The piece at *at; *at moves behind it. FALSE: there is nothing more to do. */
static bool
msync_next(vm_map_t map, vm_offset_t *at, vm_offset_t end, struct msync *s, struct msync_piece *p)
{
	vm_map_entry_t e;
	vm_offset_t to;

	*p = (struct msync_piece){ .object = NULL };
	vm_map_lock_read(map);
	e = vm_map_entry_at_or_after(map, *at);
	if (e == vm_map_to_entry(map) || e->vme_start >= end || e->vme_start > *at) {
		s->hole = true;
		if (e == vm_map_to_entry(map) || e->vme_start >= end || (s->flags & VM_SYNC_KILLPAGES)) {
			vm_map_unlock_read(map);
			return false;
		}
		*at = e->vme_start;
	}
	to = e->vme_end < end ? e->vme_end : end;
	p->offset = *at - e->vme_start + e->offset;
	p->size = to - *at;
	*at = to;
	if (e->is_sub_map) {
		p->sub_map = e->object.sub_map;
		vm_map_reference(p->sub_map);
	} else if (e->object.vm_object != NULL) {
		p->object = e->object.vm_object;
		msync_object(s, p);
	}
	vm_map_unlock_read(map);
	return true;
}

static kern_return_t
msync_range(vm_map_t map, vm_offset_t start, vm_offset_t end, struct msync *s)
{
	kern_return_t kr = KERN_SUCCESS;
	struct msync_piece p;

	while (kr == KERN_SUCCESS && start < end && msync_next(map, &start, end, s, &p)) {
		if (p.sync) {
			kr = memory_object_sync(p.object, p.offset, p.size, s->flags);
			vm_object_paging_end(p.object);
			VM_RELOCK_POINT(map, "vm_map_msync.pager");
		} else if (p.sub_map != NULL) {
			if (++s->depth <= MSYNC_DEPTH_MAX)
				kr = msync_range(p.sub_map, p.offset, p.offset + p.size, s);
			s->depth--;
			vm_map_deallocate(p.sub_map);
			VM_RELOCK_POINT(map, "vm_map_msync.submap");
		}
		if (s->hole && (s->flags & VM_SYNC_KILLPAGES))
			break;
	}
	return kr;
}

kern_return_t
vm_map_msync(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags)
{
	struct msync s = { .flags = flags };
	kern_return_t kr = msync_range(map, start, end, &s);

	if (kr == KERN_SUCCESS && s.hole && (flags & VM_SYNC_CONTIGUOUS))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "not all of [0x%lx, 0x%lx) is mapped", start, end);
	return kr;
}

/* vm_map_sync's first look, which may also take the whole entry for the range. Map locked. */
static kern_return_t
check_sync(vm_map_t map, vm_offset_t *start, vm_offset_t *end, bool invalidate)
{
	vm_map_entry_t first, last, e;
	kern_return_t kr;

	if (*start >= *end) {
		if (!vm_map_lookup_entry(map, *start, &e))
			return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", *start);
		*start = e->vme_start;
		*end = e->vme_end;
	}
	kr = vm_map_check_range(map, *start, *end, VM_PROT_NONE, false, &first, &last);
	for (e = first; invalidate && kr == KERN_SUCCESS; e = e->vme_next) {
		if (e->user_wired_count != 0)
			return KERN_FAIL(KERN_INVALID_ARGUMENT, "the entry at 0x%lx is wired: it cannot be invalidated", e->vme_start);
		if (e == last)
			break;
	}
	return kr;
}

kern_return_t
vm_map_sync(vm_map_t map, vm_offset_t start, vm_offset_t end, bool syncio, bool invalidate)
{
	unsigned flags = (syncio ? VM_SYNC_SYNCHRONOUS : VM_SYNC_ASYNCHRONOUS) | (invalidate ? VM_SYNC_INVALIDATE : 0);
	kern_return_t kr;

	(void)vm_map_range_check(map, &start, &end);
	vm_map_lock_read(map);
	kr = check_sync(map, &start, &end, invalidate);
	vm_map_unlock_read(map);
	if (kr == KERN_SUCCESS)
		kr = vm_map_msync(map, start, end, flags);
	return kr == KERN_MEMORY_ERROR ? KERN_FAILURE : kr;
}
