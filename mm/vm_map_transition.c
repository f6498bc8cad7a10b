/*
 * vm_map_transition.c: entries that somebody works on without the map's lock.
 *
 * Whoever must drop the map's lock in the middle of an operation on a range
 * (to page it in for wiring, to copy it) first puts its entries in transition:
 *
 *   lock, check, cut ── begin ── unlock ── slow work ── lock ── end ── unlock
 *                         |                               |
 *               in_transition = 1                 in_transition = 0 on all
 *                                                 pieces; needs_wakeup: wake
 *
 * Until `end` nobody else removes, wires, unwires, protects or overwrites them,
 * nor puts them in transition again: such operations settle their range first,
 * that is, sleep until nothing in it is in transition, and then look
 * everything up afresh. Cutting goes on (the pieces inherit both bits), so
 * `end` goes by addresses and clears all pieces; joining does not.
 *
 * A waiter sets needs_wakeup under the write lock and takes s_lock before it
 * gives the write lock up; `end` needs the write lock to clear the bits, and
 * takes s_lock before it wakes: so it finds the waiter asleep.
 *
 * map->transitions counts operations between begin and end; while it is 0
 * nobody looks at entries for the bit. map->special, which stays once it is
 * set, keeps even that look off the paths of ordinary maps.
 *
 * Who waits for wirings of the kernel to go (vm_map_remove) sleeps in the same
 * place, but is counted by the map: vm_map_unwired wakes him.
 *
 * Invariant M4: at rest there is neither bit, and both counts are 0. Locks: the
 * map's write lock; s_lock around going to sleep. Failure: an interrupted wait.
 */
#include <base/wait.h>
#include "vm_map_impl.h"

void (*vm_relock_hook)(const char *where, vm_map_t map);

bool
vm_map_entry_wait(vm_map_t map, bool interruptible)
{
	spin_lock(&map->s_lock);
	vm_map_unlock(map);
	return wait_on(&map->hdr, &map->s_lock, interruptible);
}

void
vm_map_entry_wakeup(vm_map_t map)
{
	spin_lock(&map->s_lock);
	spin_unlock(&map->s_lock);
	wake_all(&map->hdr);
}

void
vm_map_transition_begin(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t e;

	map->transitions++;
	map->special = true;
	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end;
	    e = e->vme_next) {
		KASSERT(!e->in_transition && e->vme_start >= start && e->vme_end <= end,
		    ("map %lu: [0x%lx, 0x%lx) put in transition for [0x%lx, 0x%lx)", map->id,
		    e->vme_start, e->vme_end, start, end));
		e->in_transition = true;
	}
}

void
vm_map_transition_end(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	bool wake = false;
	vm_map_entry_t e;

	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end;
	    e = e->vme_next) {
		wake |= e->needs_wakeup;
		e->in_transition = e->needs_wakeup = false;
	}
	KASSERT(map->transitions != 0, ("map %lu: a transition ends that never began", map->id));
	map->transitions--;
	if (wake)
		vm_map_entry_wakeup(map);
}

/* Some entry of the range is in transition: those get needs_wakeup. */
static bool
ask_for_wakeup(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	bool any = false;
	vm_map_entry_t e;

	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end;
	    e = e->vme_next)
		if (e->in_transition) {
			e->needs_wakeup = true;
			any = true;
		}
	return any;
}

kern_return_t
vm_map_settle_slow(vm_map_t map, vm_offset_t start, vm_offset_t end, bool interruptible)
{
	while (ask_for_wakeup(map, start, end)) {
		bool woken = vm_map_entry_wait(map, interruptible);

		VM_RELOCK_POINT(map, "vm_map_transition.settle");
		vm_map_lock(map);
		if (!woken)
			return KERN_FAIL(KERN_ABORTED, "interrupted while [0x%lx, 0x%lx) was in transition", start, end);
	}
	return KERN_SUCCESS;
}
