/*
 * vm_map_share.c: one object in several entries: on purpose (sharing), or for
 * the time being (copies).
 *
 * Sharing a symmetric object is only right if nobody holds a claim on its
 * present contents through needs_copy. Three cases need a shadow first
 * (Mach: fork_share):
 *   1. the entry itself is needs_copy (whatever has become of the object since);
 *   2. the object is `shadowed`: a copy may exist although this entry, split
 *      off before, does not say so;
 *   3. the object is larger than the entry: other entries on it must stay
 *      symmetric.
 * In 2 and 3 the PTEs made so far may be writable: WRITE is taken from them, or
 * stores would go to the page that the other side still reads.
 * A wired entry keeps its object, in which its pages are: nobody has a lazy copy
 * of them (they are copied at once), and those of its neighbours on the
 * object are of other pages.
 *
 * A shared object is never copied by needs_copy (its users could not all be
 * told): it gets a copy object in front of it (vm_object_copy.c), or where that
 * cannot be its pages are copied at once (vm_object_strategy.c).
 */
#include "vm_map_impl.h"

/* A NULL object becomes a real one, in step with the address. FALSE: shortage. */
bool
vm_map_entry_allocate_object(vm_map_entry_t e)
{
	/* What a stack grows by later lies below it in the object, too. */
	vm_size_t below = unlikely(e->grows_down) ? vm_map_stack_room(e) : 0;
	vm_object_t object = vm_object_allocate(below + (e->vme_end - e->vme_start), e->vme_start - below);

	if (object == NULL)
		return false;
	e->object.vm_object = object;
	e->offset = below;
	return true;
}

bool
vm_map_entry_make_shared(vm_map_t map, vm_map_entry_t e)
{
	vm_size_t len = e->vme_end - e->vme_start;
	vm_object_t object = e->object.vm_object;
	vm_object_offset_t offset;

	if (object == NULL) {
		if (!vm_map_entry_allocate_object(e))
			return false;
		object = e->object.vm_object;
	} else if (e->needs_copy || (object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC &&
	    e->wired_count == 0 && (object->shadowed || object->size > len))) {
		offset = e->offset;
		if (!vm_object_shadow(&object, &offset, len))
			return false;
		if (!e->needs_copy && (e->protection & VM_PROT_WRITE) && object != e->object.vm_object)
			vm_map_write_protect_leaves(map, e);
		e->object.vm_object = object;
		e->offset = offset;
		e->needs_copy = false;
	}
	spin_lock(&object->lock);
	object->one_mapping = false;
	if (object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC)
		object->copy_strategy = MEMORY_OBJECT_COPY_DELAY;
	spin_unlock(&object->lock);
	e->is_shared = true;
	return true;
}

/* Once needs_copy, no writable leaf can exist: nothing to protect again. */
static void
mark_needs_copy(vm_map_t map, vm_map_entry_t e)
{
	if (e->needs_copy)
		return;
	if (e->protection & VM_PROT_WRITE)
		vm_map_write_protect_leaves(map, e);
	e->needs_copy = true;
}

kern_return_t
vm_map_entry_copy(vm_map_t map, vm_map_entry_t e, vm_map_entry_t copy)
{
	vm_size_t size = e->vme_end - e->vme_start;
	vm_object_t object = e->object.vm_object, delayed;
	bool src_needs_copy, dst_needs_copy;

	/* A wired page stays where it is for the source, which may write it: no needs_copy there. */
	if (e->wired_count == 0 &&
	    vm_object_copy_quickly(&object, e->offset, size, &src_needs_copy, &dst_needs_copy)) {
		if (src_needs_copy)
			mark_needs_copy(map, e);
		copy->object.vm_object = object;
		copy->offset = e->offset;
		copy->needs_copy = dst_needs_copy;
		return KERN_SUCCESS;
	}
	delayed = vm_object_copy_delayed(object, e->offset, size);
	if (delayed != NULL) {
		copy->object.vm_object = delayed;
		copy->offset = e->offset;
		copy->needs_copy = true;
		return KERN_SUCCESS;
	}
	copy->offset = 0;
	copy->needs_copy = false;
	return vm_object_copy_slowly(object, e->offset, size, false, &copy->object.vm_object);
}
