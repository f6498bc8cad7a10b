/*
 * vm_map_attribute.c: caches: whether memory is cached, and keeping
 * instruction fetches in step with stores (Mach: vm_machine_attribute).
 *
 *   MATTR_CACHE  CACHE_SYNC, ICACHE_FLUSH   fence.i on every hart that runs the map
 *                CACHE_FLUSH, DCACHE_FLUSH  nothing to do: data caches are coherent
 *                OFF, ON, GET               the objects' caching attribute (Svpbmt)
 *   MATTR_MIGRATE, MATTR_REPLICATE          this memory has one place only
 *
 * The attribute belongs to the object, so that all tasks who map it agree. (The
 * kernel's own mapping of all memory stays cached: harts with Svpbmt keep the
 * two in step, or the memory is a device's, which the kernel does not map.) A change drops the leaves; they come back by fault
 * with the new attribute. Wired memory cannot be changed: its leaves stay.
 *
 * Locks: the map's read lock; objects one at a time. Failure: checks first,
 * then all objects of the range are changed.
 */
#include "vm_map_impl.h"

/* Drops every leaf of a chunk's pages, so that new ones are made. Object locked. */
static void
forget_leaves(vm_object_t object)
{
	for (struct tree_node *n = tree_first(&object->chunks); n != NULL; n = tree_next(n))
		pmap_chunk_protect(container_of(n, struct vm_chunk, node), VM_PROT_NONE);
}

/* Sets the attribute of every object in the range, whole objects. Map read-locked. */
static kern_return_t
set_cache(vm_map_t map, vm_map_entry_t first, vm_offset_t end, bool cached)
{
	vm_map_entry_t e;

	if (!cached && !pmap_has_cache_attributes())
		return KERN_FAIL(KERN_NOT_SUPPORTED, "no hart here can map memory uncached (Svpbmt)");
	for (e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		if (e->is_sub_map || e->object.vm_object == NULL)
			return KERN_FAIL(KERN_FAILURE, "the entry at 0x%lx has no object of its own", e->vme_start);
		if (e->wired_count != 0 && e->object.vm_object->uncached == cached)
			return KERN_FAIL(KERN_FAILURE, "the entry at 0x%lx is wired", e->vme_start);
	}
	for (e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next)
		if (!vm_object_set_cache(e->object.vm_object, cached))
			return KERN_FAIL(KERN_FAILURE, "pages of object %lu are wired", e->object.vm_object->id);
	return KERN_SUCCESS;
}

/* 1: all of the range is cached; 0: nothing of it, or only a part. */
static int
get_cache(vm_map_t map, vm_map_entry_t first, vm_offset_t end)
{
	for (vm_map_entry_t e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next)
		if (!e->is_sub_map && e->object.vm_object != NULL && e->object.vm_object->uncached)
			return MATTR_VAL_OFF;
	return MATTR_VAL_ON;
}

static kern_return_t
cache_attribute(vm_map_t map, vm_offset_t start, vm_offset_t end, int *value)
{
	vm_map_entry_t first, last;
	kern_return_t kr;

	kr = vm_map_check_range(map, start, end, VM_PROT_NONE, false, &first, &last);
	if (kr != KERN_SUCCESS)
		return KERN_FAIL(KERN_FAILURE, "hole in [0x%lx, 0x%lx)", start, end);
	switch (*value) {
	case MATTR_VAL_CACHE_FLUSH:
	case MATTR_VAL_DCACHE_FLUSH:
		return KERN_SUCCESS;
	case MATTR_VAL_ICACHE_FLUSH:
	case MATTR_VAL_CACHE_SYNC:
		if (map->pmap != NULL)
			pmap_sync_icache(map->pmap);
		return KERN_SUCCESS;
	case MATTR_VAL_OFF:
	case MATTR_VAL_ON:
		return set_cache(map, first, end, *value == MATTR_VAL_ON);
	case MATTR_VAL_GET:
		*value = get_cache(map, first, end);
		return KERN_SUCCESS;
	default:
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the caches know no value %d", *value);
	}
}

kern_return_t
vm_map_machine_attribute(vm_map_t map, vm_offset_t addr, vm_size_t size, uint32_t attribute, int *value)
{
	kern_return_t kr;

	if (addr < map->min_offset || addr > map->max_offset || size > map->max_offset - addr)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx are not within the map [0x%lx, 0x%lx)",
		    size, addr, map->min_offset, map->max_offset);
	if (size == 0)
		return KERN_SUCCESS;
	if (attribute != MATTR_CACHE)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "attribute %u is not the cache's (%u)", attribute, MATTR_CACHE);
	vm_map_lock_read(map);
	kr = cache_attribute(map, trunc_page(addr), round_page(addr + size), value);
	vm_map_unlock_read(map);
	return kr;
}

bool
vm_object_set_cache(vm_object_t object, bool cached)
{
	bool ok;

	spin_lock(&object->lock);
	ok = object->uncached == !cached || object->wired_pages == 0;
	if (ok && object->uncached == cached) {
		object->uncached = !cached;
		vm_object_classify(object);
		forget_leaves(object);
	}
	spin_unlock(&object->lock);
	return ok;
}
