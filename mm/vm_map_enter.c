/*
 * vm_map_enter.c: new ranges.
 *
 * Find the place (vm_map_find.c), then either stretch the entry below it, when
 * the new memory is zero-fill and alike in everything, or link a new entry.
 *
 *   ... [ prev: NULL object or extensible object ) new )  ==>  [ prev         )
 *
 * With VM_FLAGS_OVERWRITE what overlaps is removed first, under the same lock
 * hold; the new entry is allocated before that, so nothing can fail between.
 *
 * Locks: the map's write lock, taken here. References: the object's goes to
 * the entry on KERN_SUCCESS only.
 */
#include "vm_map_impl.h"

static kern_return_t
check_fixed(vm_map_t map, vm_offset_t start, const struct vm_map_enter_args *args,
    vm_map_entry_t *after)
{
	vm_offset_t end = start + args->size;
	vm_map_entry_t e;

	if (start & args->mask)
		return KERN_FAIL(KERN_NO_SPACE, "address 0x%lx has bits of the mask 0x%lx", start, args->mask);
	if (start < map->min_offset || end > map->max_offset || start >= end)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "[0x%lx, 0x%lx) is not within the map [0x%lx, 0x%lx)",
		    start, end, map->min_offset, map->max_offset);
	*after = NULL;
	if (vm_map_lookup_entry(map, start, &e) ||
	    (e->vme_next != vm_map_to_entry(map) && e->vme_next->vme_start < end)) {
		vm_map_entry_t hit = e == vm_map_to_entry(map) || e->vme_end <= start ? e->vme_next : e;

		if (args->flags & VM_FLAGS_OVERWRITE)
			return KERN_SUCCESS;
		return KERN_FAIL(KERN_NO_SPACE, "[0x%lx, 0x%lx) overlaps the entry [0x%lx, 0x%lx)",
		    start, end, hit->vme_start, hit->vme_end);
	}
	*after = e;
	return KERN_SUCCESS;
}

/* May the entry below simply become longer? (Spec 5.2, step 3.) */
static bool
extend_prev(vm_map_t map, vm_map_entry_t prev, vm_offset_t start, const struct vm_map_enter_args *args)
{
	if (prev == vm_map_to_entry(map) || args->object != NULL || prev->vme_end != start ||
	    prev->is_shared || prev->is_sub_map || prev->in_transition || prev->permanent ||
	    prev->alias != VM_GET_TAG(args->flags) || prev->inheritance != args->inheritance ||
	    prev->protection != args->cur || prev->max_protection != args->max ||
	    prev->behavior != VM_BEHAVIOR_DEFAULT || prev->wired_count != 0 ||
	    prev->needs_copy || map->wiring_required)
		return false;
	if (!vm_object_coalesce(prev->object.vm_object, prev->offset,
	    prev->vme_end - prev->vme_start, args->size))
		return false;
	vm_map_store_resize(map, prev, prev->vme_start, start + args->size);
	return true;
}

static void
fill_entry(vm_map_entry_t e, vm_offset_t start, const struct vm_map_enter_args *args)
{
	*e = (struct vm_map_entry){
		.vme_start = start,
		.vme_end = start + args->size,
		.object.vm_object = args->object,
		.offset = args->object != NULL ? args->offset : 0,
		.needs_copy = args->needs_copy,
		.protection = args->cur & VM_PROT_ALL,
		.max_protection = args->max & VM_PROT_ALL,
		.inheritance = args->inheritance & 3,
		.alias = VM_GET_TAG(args->flags) & 0xff,
	};
}

static kern_return_t
enter_locked(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *args,
    vm_map_entry_t *dead)
{
	vm_offset_t start = *addr;
	vm_map_entry_t after, e;
	kern_return_t kr;

	if (args->flags & VM_FLAGS_ANYWHERE)
		kr = vm_map_find_first_fit(map, start, args->size, args->mask, &start, &after);
	else
		kr = check_fixed(map, start, args, &after);
	if (kr != KERN_SUCCESS)
		return kr;
	if (after != NULL && extend_prev(map, after, start, args)) {
		*addr = start;
		return KERN_SUCCESS;
	}
	e = vm_map_entry_create();
	if (e == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map entry");
	if (after == NULL) {
		kr = vm_map_delete(map, start, start + args->size, dead);
		if (kr != KERN_SUCCESS) {
			vm_map_entry_dispose(e);
			return kr;
		}
		(void)vm_map_lookup_entry(map, start, &after);
	}
	fill_entry(e, start, args);
	vm_map_store_link(map, after, e);
	map->hint = e;
	*addr = start;
	return KERN_SUCCESS;
}

kern_return_t
vm_map_enter(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *args)
{
	vm_map_entry_t dead = NULL;
	kern_return_t kr;

	if (args->size == 0 || !page_aligned(args->size) || !page_aligned(args->offset) ||
	    !page_aligned(*addr))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx, offset 0x%lx or address 0x%lx is not in pages",
		    args->size, args->offset, *addr);
	/* Whoever hands in an object has, or may get, other ways to its pages. */
	if (args->object != NULL) {
		spin_lock(&args->object->lock);
		args->object->one_mapping = false;
		spin_unlock(&args->object->lock);
	}
	vm_map_lock(map);
	kr = enter_locked(map, addr, args, &dead);
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	return kr;
}
