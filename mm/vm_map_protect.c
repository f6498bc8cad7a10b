/*
 * vm_map_protect.c: protection and inheritance of ranges.
 *
 * Two passes. The first reads: every address of the range must be mapped and
 * allow what is asked; it also takes the entries that clipping will need. The
 * second changes and cannot fail. So a refused call leaves no trace.
 *
 * PTEs: rights that go are taken away (and fenced) before the call returns.
 * Rights that come touch no PTE: the next access faults and the fault path
 * weighs copy-on-write again. VM_PROT_WRITE without VM_PROT_READ removes the
 * PTEs, since a RISC-V leaf with W is readable.
 *
 * Locks: the map's write lock, taken here.
 */
#include <mm/vm_print.h>
#include "vm_map_impl.h"

/* The sentence of a refusal. */
static noinline void
say_beyond_maximum(vm_map_entry_t e, vm_prot_t prot)
{
	char asked[4], max[4];

	(void)KERN_FAIL(KERN_PROTECTION_FAILURE, "%s exceeds the maximum %s of the entry at 0x%lx",
	    vm_prot_text(prot, asked), vm_prot_text(e->max_protection, max), e->vme_start);
}

/* First pass: no hole in [start, end), and prot within each maximum. */
static kern_return_t
check_range(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot,
    vm_map_entry_t *first, vm_map_entry_t *last)
{
	vm_map_entry_t e;
	vm_offset_t at = start;

	if (!vm_map_lookup_entry(map, start, &e))
		return KERN_FAIL(KERN_INVALID_ADDRESS, "nothing is mapped at 0x%lx", start);
	*first = e;
	for (;;) {
		if (e == vm_map_to_entry(map) || e->vme_start > at)
			return KERN_FAIL(KERN_INVALID_ADDRESS, "hole at 0x%lx in [0x%lx, 0x%lx)", at, start, end);
		if (prot & ~e->max_protection) {
			say_beyond_maximum(e, prot);
			return KERN_PROTECTION_FAILURE;
		}
		*last = e;
		at = e->vme_end;
		if (at >= end)
			return KERN_SUCCESS;
		e = e->vme_next;
	}
}

/* Second pass for one entry: what its PTEs may keep. */
static void
apply(vm_map_t map, vm_map_entry_t e, vm_prot_t prot, bool set_max)
{
	vm_prot_t old = e->protection, keep;

	if (set_max) {
		e->max_protection = prot & VM_PROT_ALL;
		e->protection &= prot;
	} else
		e->protection = prot & VM_PROT_ALL;
	keep = e->protection;
	if ((keep & VM_PROT_WRITE) && !(keep & VM_PROT_READ))
		keep = VM_PROT_NONE;
	if ((old & ~keep) && e->object.vm_object != NULL && map->pmap != NULL)
		pmap_protect(map->pmap, e->vme_start, e->vme_end, keep);
}

kern_return_t
vm_map_protect(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot, bool set_max)
{
	vm_map_entry_t first, last, e;
	struct vm_map_spare spare;
	kern_return_t kr;

	if (start == end)
		return KERN_SUCCESS;
	vm_map_lock(map);
	kr = check_range(map, start, end, prot, &first, &last);
	if (kr == KERN_SUCCESS && !vm_map_spare_take(&spare, map, first, last, start, end))
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", start, end);
	if (kr != KERN_SUCCESS) {
		vm_map_unlock(map);
		return kr;
	}
	if (first == last)
		first = last = vm_map_clip_start(map, first, start, &spare);
	else
		first = vm_map_clip_start(map, first, start, &spare);
	vm_map_clip_end(map, last, end, &spare);
	for (e = first; e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next)
		apply(map, e, prot, set_max);
	vm_map_merge_range(map, start, end);
	vm_map_unlock(map);
	return KERN_SUCCESS;
}

bool
vm_map_check_protection(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot)
{
	vm_map_entry_t e;
	bool ok = true;

	if (start >= end)
		return true;
	vm_map_lock_read(map);
	ok = vm_map_lookup_entry(map, start, &e);
	while (ok) {
		ok = (prot & ~e->protection) == 0;
		if (!ok || e->vme_end >= end)
			break;
		ok = e->vme_next != vm_map_to_entry(map) && e->vme_next->vme_start == e->vme_end;
		e = e->vme_next;
	}
	vm_map_unlock_read(map);
	return ok;
}

/*
 * Clamped to the map; holes are fine. A submap cannot be copied: INHERIT_COPY
 * over one is KERN_INVALID_ARGUMENT, and nothing changes.
 */
kern_return_t
vm_map_inherit(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_inherit_t inheritance)
{
	vm_map_entry_t header = vm_map_to_entry(map), first, last, e;
	struct vm_map_spare spare;
	kern_return_t kr = KERN_SUCCESS;

	if (start < map->min_offset)
		start = map->min_offset;
	if (end > map->max_offset)
		end = map->max_offset;
	if (start >= end)
		return KERN_SUCCESS;
	vm_map_lock(map);
	first = vm_map_entry_at_or_after(map, start);
	for (e = first; e != header && e->vme_start < end; e = e->vme_next)
		if (e->is_sub_map && inheritance == VM_INHERIT_COPY)
			kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "the entry at 0x%lx is a submap: it cannot be inherited as a copy", e->vme_start);
	(void)vm_map_lookup_entry(map, end - 1, &last);
	if (kr == KERN_SUCCESS && !vm_map_spare_take(&spare, map, first, last, start, end))
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", start, end);
	if (kr == KERN_SUCCESS && first != header && first->vme_start < end) {
		first = vm_map_clip_start(map, first, start, &spare);
		(void)vm_map_lookup_entry(map, end - 1, &last);
		if (last != header)
			vm_map_clip_end(map, last, end, &spare);
		for (e = first; e != header && e->vme_start < end; e = e->vme_next)
			e->inheritance = inheritance & 3;
		vm_map_merge_range(map, start, end);
	}
	vm_map_unlock(map);
	return kr;
}
