/*
 * vm_map_residence.c: maps whose user is not to run for a while (Mach's task
 * swapper).
 *
 *   ref_count   who may use the map at all
 *   res_count   which of them want it resident; 0 <= res_count <= ref_count
 *   sw_in       whether it is; res_count = 0 <=> it is not, but for the moment
 *               in which somebody is about to make it so
 *
 * There is no disk. Swapping out gives up what can be made again: the leaves of
 * the pmap, but for wired ones, and the page tables with them. Each entry of a
 * resident map that is a window of a submap holds a residence reference on it:
 * the submaps lose those, and may follow. Swapping in takes them again; leaves
 * come back by fault. A map that is out works as ever, slower at first.
 *
 * The counts are changed under s_lock, the rest under the map's write lock. Who
 * brings res_count to 0, or away from it, drops s_lock, takes the write lock,
 * and looks again whether it is still so: a rival may have reversed it in
 * between, and then he or we have nothing to do. What is true when the last of
 * them lets the write lock go agrees with the count.
 *
 * Invariant M3. Failure: none.
 */
#include "vm_map_impl.h"

/* Others may change the counts as they like, within M3: what is there is given or taken. */
static void
window(vm_map_t sub, bool in)
{
	spin_lock(&sub->s_lock);
	if (in && sub->res_count < __atomic_load_n(&sub->ref_count, __ATOMIC_ACQUIRE))
		vm_map_res_reference(sub);
	else if (!in && sub->res_count != 0)
		vm_map_res_deallocate(sub);
	spin_unlock(&sub->s_lock);
}

void
vm_map_window_linked(vm_map_t map, vm_map_t sub, bool linked)
{
	if (map->sw_in)
		window(sub, linked);
}

/* The windows' references are taken or given up. Write lock held. */
static void
propagate(vm_map_t map, bool in)
{
	vm_map_entry_t e;

	for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
		if (e->is_sub_map)
			window(e->object.sub_map, in);
}

void
vm_map_swapin(vm_map_t map)
{
	bool turn;

	vm_map_lock(map);
	spin_lock(&map->s_lock);
	turn = map->res_count != 0 && !map->sw_in;
	if (turn)
		map->sw_in = true;
	spin_unlock(&map->s_lock);
	if (turn)
		propagate(map, true);
	vm_map_unlock(map);
}

void
vm_map_swapout(vm_map_t map)
{
	bool turn;

	vm_map_lock(map);
	spin_lock(&map->s_lock);
	turn = map->res_count == 0 && map->sw_in;
	if (turn)
		map->sw_in = false;
	spin_unlock(&map->s_lock);
	if (turn) {
		if (map->pmap != NULL)
			pmap_collect(map->pmap);
		propagate(map, false);
	}
	vm_map_unlock(map);
}

void
vm_map_res_reference(vm_map_t map)
{
	if (map->res_count++ != 0)
		return;
	spin_unlock(&map->s_lock);
	vm_map_swapin(map);
	spin_lock(&map->s_lock);
}

void
vm_map_res_deallocate(vm_map_t map)
{
	KASSERT(map->res_count != 0, ("map %lu: a residence reference too many is dropped", map->id));
	if (--map->res_count != 0)
		return;
	spin_unlock(&map->s_lock);
	vm_map_swapout(map);
	spin_lock(&map->s_lock);
}

void
vm_map_reference_swap(vm_map_t map)
{
	if (map == NULL)
		return;
	spin_lock(&map->s_lock);
	vm_map_reference(map);
	vm_map_res_reference(map);
	spin_unlock(&map->s_lock);
}
