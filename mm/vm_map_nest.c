/*
 * vm_map_nest.c: windows that share page tables with their submap.
 *
 *   pmap of map 1 ──upper entry──┐
 *   pmap of map 2 ──upper entry──┼──> leaf tables of the submap's own pmap
 *   pmap of map 3 ──upper entry──┘
 *
 * A leaf that one task's fault makes, at the submap's address, is there for all:
 * the n-th mapping of a large region costs no table and no fault on what is
 * resident, and what is done to the submap's entries reaches everybody at once.
 *
 * What the tables say must be right for all windows: so all have one and the
 * same protection (nest_prot), none is needs_copy, and windows lie 2 MiB
 * aligned both in the map and in the submap. The submap's pmap is made when the
 * first window wants it, and no hart ever runs it (a task's map cannot nest).
 * Tables are nested one deep only: a map that nests others is not nested.
 *
 * As soon as something differs for one task, and only there, the window goes
 * back to tables of its own: a change of protection, a cut inside 2 MiB (that
 * piece alone), a removal. Un-nesting needs no memory but for cutting entries,
 * and the new tables fill by fault.
 *
 * Locks: write lock of the map; the submap's after it, to nest.
 */
#include <mm/vm_print.h>
#include "vm_map_impl.h"

/* Can sub, write-locked, serve window e of map with its tables? It has a pmap then. */
static kern_return_t
check_nest(vm_map_t map, vm_map_entry_t e, vm_map_t sub)
{
	vm_size_t size = e->vme_end - e->vme_start;

	if (map->pmap == NULL || map->own_tables || sub->nests || e->needs_copy)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the window at 0x%lx: copy-on-write, nested twice, or a map without tables", e->vme_start);
	if ((e->vme_start | e->offset | size) & MEGAPAGE_MASK)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx and 0x%lx of the submap: not in units of 2M", size,
		    e->vme_start, e->offset);
	if (e->offset + size > vm_max_address)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx is beyond what page tables reach", e->offset + size);
	if (sub->pmap != NULL && !sub->own_tables)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "map %lu is a task's: its page tables are its own", sub->id);
	if (sub->own_tables && sub->nest_prot != e->protection)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the submap's page tables serve windows with %s, not %s",
		    vm_prot_name(sub->nest_prot), vm_prot_name(e->protection));
	if (sub->pmap == NULL) {
		sub->pmap = pmap_create();
		if (sub->pmap == NULL)
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for page tables of the submap");
		sub->own_tables = true;
		sub->nest_prot = e->protection;
	}
	return KERN_SUCCESS;
}

kern_return_t
vm_map_nest_entry(vm_map_t map, vm_map_entry_t e)
{
	vm_map_t sub = e->object.sub_map;
	kern_return_t kr;

	vm_map_lock(sub);
	kr = check_nest(map, e, sub);
	if (kr == KERN_SUCCESS)
		kr = pmap_nest(map->pmap, sub->pmap, e->vme_start, e->offset, e->vme_end - e->vme_start);
	vm_map_unlock(sub);
	if (kr == KERN_SUCCESS) {
		map->nests = map->special = true;
		e->use_pmap = true;
	}
	return kr;
}

void
vm_map_unnest_entry(vm_map_t map, vm_map_entry_t e)
{
	if (!e->use_pmap)
		return;
	pmap_unnest(map->pmap, e->vme_start, e->vme_end - e->vme_start);
	e->use_pmap = false;
}

/* A cut at `at`: the 2 MiB around it. */
static kern_return_t
unnest_cut(vm_map_t map, vm_offset_t at)
{
	vm_offset_t lo = at & ~MEGAPAGE_MASK, hi = lo + MEGAPAGE_SIZE;
	vm_map_entry_t e, last;

	if (lo == at || !vm_map_lookup_entry(map, at, &e) || !e->use_pmap)
		return KERN_SUCCESS;
	last = e;
	if (!vm_map_cut(map, &e, &last, lo, hi))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut the window at 0x%lx", e->vme_start);
	vm_map_unnest_entry(map, e);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_unnest_borders(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	kern_return_t kr = vm_map_check_split(map, start, end);

	if (kr != KERN_SUCCESS || likely(!map->nests))
		return kr;
	kr = unnest_cut(map, start);
	return kr == KERN_SUCCESS ? unnest_cut(map, end) : kr;
}

kern_return_t
vm_map_unnest_range(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t e;
	kern_return_t kr;

	if (!map->nests || start >= end)
		return KERN_SUCCESS;
	kr = vm_map_cut_range(map, start, end, &e);
	if (kr != KERN_SUCCESS)
		return kr;
	for (; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next)
		if (e->is_sub_map)
			vm_map_unnest_entry(map, e);
	return KERN_SUCCESS;
}
