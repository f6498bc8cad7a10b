/*
 * vm_map_attribute.c: caches: whether memory is cached, and keeping
 * instruction fetches in step with stores (Mach: vm_machine_attribute).
 *
 *   MATTR_CACHE  CACHE_SYNC, ICACHE_FLUSH   fence.i on every hart that runs the map
 *                CACHE_FLUSH, DCACHE_FLUSH  nothing to do: data caches are coherent
 *                OFF, ON, GET               the objects' caching attribute (Svpbmt)
 *   MATTR_MIGRATE, MATTR_REPLICATE          this memory has one place only
 *
 * The attribute belongs to the object, so that all who map it agree, as the
 * architecture demands. A change drops the leaves; they come back by fault
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

bool
vm_object_set_cache(vm_object_t object, bool cached)
{
	bool ok;

	spin_lock(&object->lock);
	ok = object->uncached == !cached || object->wired_pages == 0;
	if (ok && object->uncached == cached) {
		object->uncached = !cached;
		forget_leaves(object);
	}
	spin_unlock(&object->lock);
	return ok;
}
