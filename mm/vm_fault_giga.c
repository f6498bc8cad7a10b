/*
 * vm_fault_giga.c: gigabytes of memory that are one leaf.
 *
 *   entry asked (VMFS_ALIGNED_SPACE(30)), nothing resident in the GiB around the fault
 *     fault: everything is let go ──> one run of 1 GiB, cleared ──> attached: 512 full reservations ──> fault again
 *                                       others who come: sleep ─────────────────────────────────────────┘
 *   a page of such a run is resident
 *     fault: all 512 there, congruent, covered ──> one gigapage leaf; else megapages as ever
 *
 * The object says who is at it (`filling`), so that the same gigabyte is not
 * cleared twice: that takes long, and is done with no lock held. The run becomes part
 * of the object in one step, its lock held. Whoever puts a page there by other ways
 * meanwhile (an entry that has not asked, a wiring) was first: then the run is
 * given back, and megapages it is. So too when there is no such run; both are counted.
 *
 * Chunks that came from a run carry a mark (vm_chunk.run), a hint that makes
 * faults look for the other 511. Where some of these have gone it is taken off
 * again, so that the search in vain is not repeated for each of them.
 *
 * Invariants: an object that is filled has a paging reference of the filler.
 * Locks: the object's; nothing while clearing and while waiting. Failure: none that
 * a fault would see but KERN_ABORTED, for a waiter that is to end.
 */
#include <base/wait.h>
#include <mm/vm_page_compact.h>
#include "vm_map_impl.h"
#include "vm_object_impl.h"

#define GIGA_CHUNKS (GIGAPAGE_SIZE >> VM_CHUNK_SHIFT)

/* Does the entry cover the GiB around va wholly, at a place of the page tables where one leaf can be? */
static bool
window_fits(const struct vm_map_lookup *l, vm_offset_t va)
{
	vm_offset_t window = va & ~GIGAPAGE_MASK;

	return window >= l->lo && l->hi - window >= GIGAPAGE_SIZE && (l->pmap_shift & GIGAPAGE_MASK) == 0;
}

/* Is nothing of o (locked) resident in the GiB, by its own grid, around `at`? */
static bool
is_empty(vm_object_t o, uint64_t at)
{
	uint64_t first = (at & ~GIGAPAGE_MASK) >> VM_CHUNK_SHIFT;
	struct vm_chunk *c = vm_chunk_at_or_after(o, first);

	return c == NULL || c->index >= first + GIGA_CHUNKS;
}

bool
vm_fault_giga_is_due(const struct vm_map_lookup *l, vm_offset_t va)
{
	vm_object_t o = l->object;
	uint64_t at = l->offset + o->color;

	if (o->shadow != NULL || o->special || l->wired || !window_fits(l, va) ||
	    ((at ^ va) & GIGAPAGE_MASK & ~PAGE_MASK) != 0)
		return false;
	at &= ~GIGAPAGE_MASK;
	return at >= o->color && at - o->color <= o->size && o->size - (at - o->color) >= GIGAPAGE_SIZE && is_empty(o, at);
}

kern_return_t
vm_fault_giga_fill(vm_object_t object, vm_object_offset_t offset, pmap_t pmap, bool *filled)
{
	kern_return_t kr;

	*filled = true;
	spin_lock(&object->lock);
	if (object->filling) {
		if (wait_on(&object->filling, &object->lock, true))
			return KERN_SUCCESS;
		return KERN_FAIL(KERN_ABORTED, "the thread was ended while it waited for a gigabyte of object %lu", object->id);
	}
	if (!is_empty(object, offset + object->color)) {        /* somebody has been here since the caller looked */
		spin_unlock(&object->lock);
		return KERN_SUCCESS;
	}
	object->filling = true;
	spin_unlock(&object->lock);
	kr = vm_object_populate_run(object, ((offset + object->color) & ~GIGAPAGE_MASK) - object->color, VM_PAGE_ORDER_GIGA);
	if (kr != KERN_SUCCESS)
		pmap_refuse_giga(pmap, kr == KERN_MEMORY_PRESENT ? PMAP_REFUSED_SCATTERED : PMAP_REFUSED_SHORTAGE);
	*filled = kr == KERN_SUCCESS;
	spin_lock(&object->lock);
	object->filling = false;
	spin_unlock(&object->lock);
	wake_all(&object->filling);
	return KERN_SUCCESS;
}

/* The first chunk of the full run that c, marked, is part of. NULL: it is so no more, and not marked any more. Object locked. */
static struct vm_chunk *
head_of_run(struct vm_chunk *c)
{
	uint64_t i = c->base / VM_CHUNK_PAGES % GIGA_CHUNKS, n = 0;
	struct vm_chunk *head = c->index >= i ? vm_chunk_find(c->object, c->index - i) : NULL, *at = head, *next;

	for (; at != NULL && at->run && vm_chunk_is_megapage(at) && at->index == head->index + n &&
	    at->base == head->base + n * VM_CHUNK_PAGES; at = next)
		if (++n == GIGA_CHUNKS || (next = vm_chunk_after(at)) == NULL)
			break;
	if (n == GIGA_CHUNKS && head->base % (GIGA_CHUNKS * VM_CHUNK_PAGES) == 0)
		return head;
	for (at = head; at != NULL && n > 0; n--, at = vm_chunk_after(at))
		at->run = false;
	c->run = false;
	return NULL;
}

/* Why no leaf over the whole run, whose first chunk is head, can be. PMAP_REFUSALS: it can. */
static enum pmap_refusal
why_no_gigapage(const struct vm_map_lookup *l, const struct vm_chunk *head, vm_object_t level, vm_offset_t va)
{
	if (!window_fits(l, va))
		return PMAP_REFUSED_ENTRY;
	if (l->wired)
		return PMAP_REFUSED_WIRED;
	if (level == l->object)
		return PMAP_REFUSALS;
	/* Nothing in front of it that would show through for some pages. */
	if (level != l->object->shadow || head->object != level || !is_empty(l->object, l->offset + l->object->color) ||
	    ((l->offset + l->object->color) ^ va) & GIGAPAGE_MASK & ~PAGE_MASK)
		return PMAP_REFUSED_COPY;
	return PMAP_REFUSALS;
}

bool
vm_fault_giga_enter(const struct vm_map_lookup *l, struct vm_page *m, vm_object_t level, vm_offset_t va, vm_prot_t prot,
    unsigned flags)
{
	struct vm_chunk *c = m->o.chunk, *head;
	enum pmap_refusal why;

	if (((va + l->pmap_shift) & GIGAPAGE_MASK & ~PAGE_MASK) != (vm_page_pa(m) & GIGAPAGE_MASK)) {
		pmap_refuse_giga(l->pmap, PMAP_REFUSED_PLACE);
		return false;
	}
	head = head_of_run(c);
	why = head == NULL ? PMAP_REFUSED_NOT_FULL : why_no_gigapage(l, head, level, va);
	if (why != PMAP_REFUSALS) {
		pmap_refuse_giga(l->pmap, why);
		return false;
	}
	return pmap_enter_giga(l->pmap, (va + l->pmap_shift) & ~GIGAPAGE_MASK, head, prot, flags) == KERN_SUCCESS;
}

void
vm_fault_giga_wired(const struct vm_wire_view *v, vm_offset_t start, vm_offset_t end)
{
	vm_offset_t window = (start + v->shift + GIGAPAGE_MASK) & ~GIGAPAGE_MASK;
	vm_map_entry_t e;

	if (v->top->pmap == NULL || start + v->shift > window)
		return;
	vm_map_lock_read(v->map);
	for (; end + v->shift > window && end + v->shift - window >= GIGAPAGE_SIZE; window += GIGAPAGE_SIZE) {
		vm_offset_t va = window - v->shift;
		vm_object_t o;
		struct vm_page *m;
		struct vm_chunk *head;

		if (!vm_map_lookup_entry(v->map, va, &e) || e->vme_end - va < GIGAPAGE_SIZE || e->is_sub_map)
			continue;
		o = e->object.vm_object;
		spin_lock(&o->lock);
		m = o->special ? NULL : vm_page_lookup(o, va - e->vme_start + e->offset);
		if (m != NULL && m->o.chunk->run && m->slot == 0 && (head = head_of_run(m->o.chunk)) == m->o.chunk)
			(void)pmap_enter_giga(v->top->pmap, window, head, e->protection & v->prot, PMAP_WIRED);
		spin_unlock(&o->lock);
	}
	vm_map_unlock_read(v->map);
}
