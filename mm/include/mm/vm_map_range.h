/*
 * mm/vm_map_range.h: operations on ranges of a map, as FreeBSD has them.
 *
 * Semantics: FreeBSD's vm_map_protect(9), vm_map_inherit(9), vm_map_madvise(9),
 * vm_map_sync(9), vm_map_wire(9), vm_map_lookup(9), of today. Values are those of
 * its sys/vm/vm_map.h and sys/mman.h. They work on the same entries as Mach's calls,
 * by the same code; where a call of that name is Mach's already (mm/vm_map.h),
 * FreeBSD's has `bsd` in it. What tells the two apart:
 *
 *                    Mach                             FreeBSD
 *   holes            KERN_INVALID_ADDRESS             passed over (wire: if HOLESOK)
 *   protect          protection, or maximum           one of them, or both at once
 *   submap window    as other memory                  protect refuses it, madvise passes over it
 *   guard            has no right to give             protect passes over it
 *   user's wirings   as many unwirings as wirings     one unwiring undoes them all
 *   inherit          the same call (vm_map_inherit), but that Mach's users cannot say ZERO
 *   submap           the same call (vm_map_submap): what FreeBSD refuses with KERN_INVALID_ARGUMENT, it does
 *
 * Ranges [start, end) are in pages, and are cut to the map; an empty one (end
 * below start, too) is KERN_SUCCESS unless said otherwise. No lock is held
 * before or after, unless said otherwise. On failure nothing has changed.
 */
#ifndef MM_VM_MAP_RANGE_H
#define MM_VM_MAP_RANGE_H

#include <mm/vm_map.h>

/* --- protection (vm_map_protect.c) --- */

#define VM_MAP_PROTECT_SET_PROT     1u  /* prot is to be the protection */
#define VM_MAP_PROTECT_SET_MAXPROT  2u  /* max is to be the maximum, and protection is cut to it */
#define VM_MAP_PROTECT_GROWSDOWN    4u  /* a range that begins in a stack begins at the stack's lowest address, its gap included */
#define VM_MAP_PROTECT_FLAGS        7u

struct vm_map_rights {
	vm_prot_t prot, max;            /* within VM_PROT_ALL; looked at as flags say */
	unsigned  flags;                /* VM_MAP_PROTECT_* */
};
/*
 * Holes and guards are passed over; the gap of a stack counts as the stack.
 *   KERN_OUT_OF_BOUNDS       both are to be set, and prot is beyond max
 *   KERN_PROTECTION_FAILURE  what is to be set is beyond the maximum of an entry; or writable and executable in a
 *                            VM_MAP_WXORX map
 *   KERN_INVALID_ARGUMENT    a submap window in the range; an unknown flag or right
 *   KERN_RESOURCE_SHORTAGE   no memory to cut an entry, or to map wired pages again
 */
kern_return_t vm_map_bsd_protect(vm_map_t map, vm_offset_t start, vm_offset_t end, const struct vm_map_rights *r);

/* --- advice (vm_map_behavior.c) --- */

#define MADV_NORMAL     0
#define MADV_RANDOM     1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED   3               /* what is resident is mapped, what a pager has is fetched; not where memory is wired */
#define MADV_DONTNEED   4               /* not referenced any more; contents stay */
#define MADV_FREE       5               /* contents may go, where nobody else sees them, and nothing older would show instead */
#define MADV_NOSYNC     6               /* entries are no_sync, */
#define MADV_AUTOSYNC   7               /* or not; */
#define MADV_NOCORE     8               /* entries are no_core, */
#define MADV_CORE       9               /* or not */
/*
 * Holes and submap windows are passed over, a range that is all hole included.
 * KERN_INVALID_ARGUMENT: another advice; KERN_RESOURCE_SHORTAGE: no memory to cut an entry.
 */
kern_return_t vm_map_madvise(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned advice);

/* --- writing back (vm_map_msync.c) --- */

/*
 * Changed pages go to their pagers, submaps included; syncio: waits for that; invalidate: the pages are dropped then.
 * start == end: the whole entry that holds start.
 *   KERN_INVALID_ADDRESS     start is not mapped, or there is a hole
 *   KERN_INVALID_ARGUMENT    invalidate, and an entry is wired by the user
 *   KERN_FAILURE             a pager has failed
 *   KERN_RESOURCE_SHORTAGE   no memory for copies of what is to be dropped; KERN_ABORTED: the wait was interrupted
 * The last three may come half way: what lies before is done.
 */
kern_return_t vm_map_sync(vm_map_t map, vm_offset_t start, vm_offset_t end, bool syncio, bool invalidate);

/* --- wiring (vm_map_wire.c) --- */

#define VM_MAP_WIRE_SYSTEM  0u          /* wirings count */
#define VM_MAP_WIRE_USER    1u          /* an entry has one, or none; limits count */
#define VM_MAP_WIRE_NOHOLES 0u
#define VM_MAP_WIRE_HOLESOK 2u          /* holes, and what cannot be accessed, are passed over */
#define VM_MAP_WIRE_WRITE   4u          /* what cannot be written counts as inaccessible */
#define VM_MAP_WIRE_FLAGS   7u
/*
 * KERN_INVALID_ADDRESS: a hole, or an entry that is neither readable nor executable (WRITE: not writable), without
 * HOLESOK. KERN_INVALID_ARGUMENT: an unknown flag. Else the codes of vm_map_wire.
 */
kern_return_t vm_map_bsd_wire(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags);
/*
 * USER: all of the user's wirings go, and it is no failure if there are none; SYSTEM: one of the kernel's.
 * KERN_INVALID_ADDRESS: a hole, without HOLESOK; superpages, which stay wired. KERN_INVALID_ARGUMENT: SYSTEM, and an entry
 * has no such wiring; WRITE or an unknown flag. KERN_RESOURCE_SHORTAGE.
 */
kern_return_t vm_map_bsd_unwire(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags);

/* --- looking (vm_map_lookup.c) --- */

/*
 * What is behind va, for an access of type: rights, and VM_PROT_COPY: a debugger's write, which makes a private copy;
 * VM_PROT_FAULT_LOOKUP: a stack grows for it, where it may. On KERN_SUCCESS locks are held until vm_map_lookup_done.
 *   KERN_INVALID_ADDRESS     nothing is mapped there
 *   KERN_PROTECTION_FAILURE  type is beyond the protection, which may be none at all; COPY, and neither is the maximum
 *                            writable, nor the entry a private copy
 *   KERN_FAILURE             COPY through a submap window
 *   KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR   as vm_map_lookup_locked
 */
kern_return_t vm_map_lookup(vm_map_t map, vm_offset_t va, vm_prot_t type, struct vm_map_lookup *l);
/*
 * The same with the map locked by the caller, who keeps the lock in any case: KERN_FAILURE where the above would
 * allocate, copy, wait or enter a submap.
 */
kern_return_t vm_map_bsd_lookup_locked(vm_map_t map, vm_offset_t va, vm_prot_t type, struct vm_map_lookup *l);

/* Is [start, end), not empty, within the map's addresses? Mapped or not; any lock, or none. */
static inline bool
vm_map_range_valid(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	return start >= vm_map_min(map) && end <= vm_map_max(map) && start < end;
}
/* The older name. */
static inline bool
vm_map_check_boundary(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	return vm_map_range_valid(map, start, end);
}

/* The range, cut to the map; FALSE: nothing is left. */
static inline bool
vm_map_range_check(vm_map_t map, vm_offset_t *start, vm_offset_t *end)
{
	if (*start < vm_map_min(map))
		*start = vm_map_min(map);
	if (*end > vm_map_max(map))
		*end = vm_map_max(map);
	return *start < *end;
}

#endif
