/*
 * vm_object_shadow.c: copy-on-write: shadows, collapse, bypass.
 *
 * Symmetric copy. Both sides keep pointing at one object with needs_copy set;
 * the first write through an entry puts a shadow in front of it:
 *
 *   entry A (needs_copy) ─┐                entry A ──> S (new, empty)
 *                         ├─> O    ==>                 │ shadow, offset
 *   entry B (needs_copy) ─┘                entry B ──> O
 *
 * S takes over A's reference on O. Pages are copied up from O one at a time as
 * they are written; what S lacks is found in O at offset + shadow_offset.
 *
 * Collapse. When S is the only one left that refers to O, O's pages move up
 * and O goes away. Bypass. When others still refer to O, but S has a page of
 * its own wherever O has one inside S's window, S may look past O:
 *
 *   S ──> O ──> P     ==>     S ──> P        (collapse: O is gone;
 *                                             bypass: O keeps its other users)
 *
 * So a loop of fork, write and exit keeps chains short: each fault that copies
 * up tries this for every link of its chain.
 *
 * Copy objects (vm_object_copy.c) in a chain. O is a copy of P: P pushes to O, so
 * nobody may look past O; when S alone is left and has O's offsets, it takes
 * O's place as the copy. S is a copy of O: when it takes O in, or looks past it,
 * it has what it is owed, and O forgets it.
 *
 * A leaf keeps no object alive; the chain through which it was made does. A
 * bypass gives up S's reference on O, and O may die with it: so no leaf that
 * was made through S may be left of a page of O that S hides. Whoever puts a
 * page into S therefore sees to it that the leaves of the page below are gone,
 * fence and record too, before S is unlocked or its chain is tried (vm_fault.c, C).
 *
 * Locks: object locks from the top of the chain downwards. Collapse needs
 * top and backing; a mapped page keeps its identity, so PTEs stay right.
 *
 * Failure: without memory for a chunk, a collapse stops half way: every page
 * is in one of the two objects and is found through the chain as before.
 */
#include <mm/vm_object.h>
#include <mm/pmap.h>
#include "vm_object_impl.h"
#include "vm_page_impl.h"

/*
 * The only reference: the object is kept, and written from now on. New
 * references come from entries of this map (locked) or from existing ones, and
 * there are none; only a copy object may gain one through its source, under
 * both locks, as long as it is pushed_only. (Its pages stay when part of it is
 * unmapped: else the source would owe them once more, having writable leaves.)
 */
static bool
keep(vm_object_t source)
{
	bool sole;

	spin_lock(&source->lock);
	sole = __atomic_load_n(&source->ref_count, __ATOMIC_ACQUIRE) == 1;
	if (sole) {
		source->shadowed = source->pushed_only = false;
		source->one_mapping = !source->true_share && !vm_object_is_copy(source);
	}
	spin_unlock(&source->lock);
	return sole;
}

bool
vm_object_shadow(vm_object_t *object, vm_object_offset_t *offset, vm_size_t length)
{
	vm_object_t source = *object, result;

	if (__atomic_load_n(&source->ref_count, __ATOMIC_ACQUIRE) == 1 && keep(source))
		return true;
	result = vm_object_allocate(length, source->color + *offset);
	if (result == NULL)
		return false;
	result->shadow = source;
	result->shadow_offset = *offset;
	*object = result;
	*offset = 0;
	return true;
}

/*
 * b is only ours: its pages move to o, b goes away, and what lies below b knows
 * o in its place. Both locked; b is gone on success.
 */
static bool
collapse_into(vm_object_t o, vm_object_t b)
{
	vm_object_t p = b->shadow;
	bool known = unlikely(p != NULL && vm_object_knows(p, b)), ok;

	if (known)
		spin_lock(&p->lock);
	ok = vm_chunk_move_all(o, b, o->shadow_offset);
	if (known) {
		if (ok)
			vm_object_replace_copy(p, b, o);
		else if (p->copy == b)  /* what has moved already is owed to b once more */
			vm_object_write_protect(p, 0, b->size);
		spin_unlock(&p->lock);
	}
	if (!ok)
		return false;
	o->shadow = p;
	o->shadow_offset += b->shadow_offset;
	b->shadow = NULL;
	b->ref_count = 0;
	/* What is left is hidden by o's pages or outside o's window: unmapped by the move. */
	vm_object_free_locked(b);
	return true;
}

/* o looks past b. Both locked; b is unlocked on return, perhaps gone. */
static void
bypass(vm_object_t o, vm_object_t b)
{
	if (unlikely(vm_object_knows(b, o)))
		vm_object_replace_copy(b, o, NULL);
	vm_object_reference(b->shadow);
	o->shadow = b->shadow;
	o->shadow_offset += b->shadow_offset;
	spin_unlock(&b->lock);
	vm_object_deallocate(b);
}

static inline bool
quiet(const struct vm_object *o)
{
	return o->internal && o->paging_in_progress == 0 && o->absent_count == 0;
}

/*
 * The usual case, a copy whose original b others still use and which has not
 * caught up with it, needs no locks to be left alone. o is locked, so b stays;
 * what is read of it may be old: then the next fault tries again.
 */
VM_PAGE_RACY static inline bool
is_behind(const struct vm_object *o, const struct vm_object *b)
{
	return b->shadow == NULL && __atomic_load_n(&b->ref_count, __ATOMIC_RELAXED) > 1 &&
	    o->resident_page_count < b->resident_page_count;
}

/*
 * Pushes go to the offset that they come from, and are remembered by pages of the copy alone. Wired pages lie in objects
 * that entries map, and stay there.
 */
static inline bool
may_collapse(const struct vm_object *o, const struct vm_object *b)
{
	if (unlikely(b->wired_pages != 0))
		return false;
	return likely(!vm_object_is_copy(b)) || (o->shadow_offset == 0 && o->size <= b->size);
}

/* A copy object b gets pushes that o must see; the copy of b other than o may be owed what o has. */
static inline bool
may_bypass(vm_object_t o, vm_object_t b)
{
	return o->resident_page_count >= b->resident_page_count && (b->copy == NULL || b->copy == o) &&
	    !vm_object_is_copy(b) && vm_chunk_covered(o, b, o->shadow_offset);
}

void
vm_object_collapse(vm_object_t object)
{
	vm_object_t o = object, b = o->shadow;

	if (b == NULL || is_behind(o, b))
		return;
	while ((b = o->shadow) != NULL) {
		spin_lock(&b->lock);
		if (quiet(o) && quiet(b)) {
			/* Others drop theirs without the lock: what they did before must be seen. */
			if (__atomic_load_n(&b->ref_count, __ATOMIC_ACQUIRE) == 1) {
				if (may_collapse(o, b) && collapse_into(o, b))
					continue;
			} else if (may_bypass(o, b)) {
				bypass(o, b);
				continue;
			}
		}
		if (o != object)
			spin_unlock(&o->lock);
		o = b;
	}
	if (o != object)
		spin_unlock(&o->lock);
}

bool
vm_object_copy_quickly(vm_object_t *object, vm_object_offset_t offset, vm_size_t size,
    bool *src_needs_copy, bool *dst_needs_copy)
{
	vm_object_t o = *object;

	(void)offset;
	(void)size;
	*src_needs_copy = *dst_needs_copy = false;
	if (o == NULL)
		return true;
	spin_lock(&o->lock);
	if (o->copy_strategy != MEMORY_OBJECT_COPY_SYMMETRIC) {
		spin_unlock(&o->lock);
		return false;
	}
	vm_object_reference(o);
	o->shadowed = true;
	o->one_mapping = false;
	spin_unlock(&o->lock);
	*src_needs_copy = *dst_needs_copy = true;
	return true;
}
