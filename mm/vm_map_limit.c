/*
 * vm_map_limit.c: what a map may come to (FreeBSD: RLIMIT_VMEM, RLIMIT_MEMLOCK,
 * RLIMIT_STACK).
 *
 *   limit.size    vm_map_find_place and its like, before a range is entered; guards cost nothing
 *   limit.wired   vm_map_wire, for users' wirings
 *   limit.stack   vm_map_growstack, for the main stack
 *
 * A limit is a word that is read under the map's write lock, and may be set at
 * any time: what exceeds it by then stays. What overwrites memory is charged
 * for the difference only.
 *
 * Nothing here fails but the checks, whose answer is KERN_NO_SPACE.
 */
#include <mm/vm_map_stack.h>
#include "vm_map_impl.h"

void
vm_map_set_limits(vm_map_t map, const struct vm_map_limits *limits)
{
	vm_map_lock(map);
	map->limit = *limits;
	vm_map_unlock(map);
}

void
vm_map_get_limits(vm_map_t map, struct vm_map_limits *limits)
{
	vm_map_lock_read(map);
	*limits = map->limit;
	vm_map_unlock_read(map);
}

/* Bytes of [start, end) that are mapped and counted. */
static vm_size_t
mapped_within(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_size_t sum = 0;

	for (vm_map_entry_t e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end;
	    e = e->vme_next) {
		vm_offset_t from = e->vme_start > start ? e->vme_start : start;
		vm_offset_t to = e->vme_end < end ? e->vme_end : end;

		sum += e->guard ? 0 : to - from;
	}
	return sum;
}

kern_return_t
vm_map_over_size(vm_map_t map, vm_size_t size, vm_offset_t start, vm_offset_t end)
{
	vm_size_t now = map->size - (start < end ? mapped_within(map, start, end) : 0);

	if (now + size <= map->limit.size)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_NO_SPACE, "0x%lx bytes more: 0x%lx are mapped, 0x%lx may be", size, now, map->limit.size);
}
