/*
 * vm_map.c: life of address maps, and their lock.
 *
 * A map is referenced by tasks, by submap entries of other maps, and by
 * whoever works on it. The last reference removes all entries, destroys the
 * pmap and frees the structure.
 *
 * The lock is a sleepable reader/writer lock. `timestamp` counts acquisitions
 * for writing (upgrades included); whoever dropped the lock compares
 * (vm_map_verify) and, when the map has moved on, looks up and checks
 * everything again. It has 64 bits and cannot wrap.
 */
#include <mm/memory_object.h>
#include <mm/zone.h>
#include <mm/vm_named_entry.h>
#include "vm_map_impl.h"

static struct zone vm_map_zone;
static uint64_t vm_map_next_id = 1;

void
vm_map_init(void)
{
	zone_init(&vm_map_zone, "vm_map", sizeof(struct vm_map));
	vm_map_store_bootstrap();
	vm_map_copy_bootstrap();
	vm_map_submap_bootstrap();
	memory_object_bootstrap();
	vm_named_entry_bootstrap();
	vm_shared_region_bootstrap();
}

vm_map_t
vm_map_create(pmap_t pmap, vm_offset_t min, vm_offset_t max, bool pageable)
{
	vm_map_t map = zalloc(&vm_map_zone);

	if (map == NULL)
		return NULL;
	*map = (struct vm_map){ .pmap = pmap, .ref_count = 1, .res_count = 1, .sw_in = true,
	    .limit = { VM_LIMIT_NONE, VM_LIMIT_NONE, VM_LIMIT_NONE } };
	rw_init(&map->lock, LOCK_MAP);
	spin_init(&map->s_lock, LOCK_MAPREF);
	map->min_offset = min;
	map->max_offset = max;
	map->hdr.entries_pageable = pageable;
	map->id = __atomic_fetch_add(&vm_map_next_id, 1, __ATOMIC_RELAXED);
	vm_map_store_init(map);
	return map;
}

void
vm_map_reference(vm_map_t map)
{
	if (map != NULL)
		__atomic_add_fetch(&map->ref_count, 1, __ATOMIC_RELAXED);
}

void
vm_map_destroy(vm_map_t map)
{
	vm_map_entry_t dead = NULL;
	kern_return_t kr;

	vm_map_lock(map);
	/* The whole map: no entry is cut, so no memory is needed. */
	kr = vm_map_delete_with(map, map->min_offset, map->max_offset, VM_MAP_REMOVE_ALL, &dead);
	KASSERT(kr == KERN_SUCCESS && map->hdr.nentries == 0,
	    ("map %lu: emptying it gave %d, %lu entries left", map->id, kr,
	    map->hdr.nentries));
	vm_map_unlock(map);
	vm_map_free_dead(map, dead);
	if (map->pmap != NULL)
		pmap_destroy(map->pmap);
	zfree(&vm_map_zone, map);
}

void
vm_map_deallocate(vm_map_t map)
{
	uint32_t refs;

	if (map == NULL)
		return;
	/* Drops happen under s_lock, so that residence never exceeds what is left. */
	spin_lock(&map->s_lock);
	refs = __atomic_load_n(&map->ref_count, __ATOMIC_RELAXED);
	if (unlikely(map->res_count >= refs && refs > 1))
		vm_map_res_deallocate(map);
	refs = __atomic_sub_fetch(&map->ref_count, 1, __ATOMIC_ACQ_REL);
	spin_unlock(&map->s_lock);
	if (refs == 0)
		vm_map_destroy(map);
}

bool
vm_map_lock_read_to_write(vm_map_t map)
{
	if (rw_try_upgrade(&map->lock)) {
		map->timestamp++;
		return false;
	}
	vm_map_unlock_read(map);
	return true;
}

bool
vm_map_verify(vm_map_t map, const vm_map_version_t *v)
{
	vm_map_lock_read(map);
	if (map->timestamp == v->main_timestamp)
		return true;
	vm_map_unlock_read(map);
	return false;
}
