/*
 * vm/vm_map_range.h: FreeBSD's operations on ranges of an address map.
 *
 * The prototypes are those of vm_map_protect(9), vm_map_inherit(9),
 * vm_map_madvise(9), vm_map_sync(9), vm_map_wire(9); the map is the handle of a
 * task or of a submap. [start, end) is in whole pages (else KERN_INVALID_ARGUMENT)
 * and cut to the map. Codes are the kernel's (its mm/vm_map_range.h lists them).
 */
#ifndef VM_VM_MAP_RANGE_H
#define VM_VM_MAP_RANGE_H

#include <mach/mach.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VM_INHERIT_ZERO             3   /* children have zero-fill memory there */

#define VM_MAP_PROTECT_SET_PROT     1   /* new_prot is the protection */
#define VM_MAP_PROTECT_SET_MAXPROT  2   /* new_maxprot is the maximum, which cuts the protection */
#define VM_MAP_PROTECT_GROWSDOWN    4   /* from the bottom of the stack on that start lies in */
/* Holes and guards are passed over. KERN_OUT_OF_BOUNDS: both are set, and new_prot is beyond new_maxprot. */
kern_return_t vm_map_protect(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t new_prot, vm_prot_t new_maxprot, int flags);
/* SHARE, COPY, NONE, ZERO. */
kern_return_t vm_map_inherit(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_inherit_t new_inheritance);
/* behav: MADV_NORMAL to MADV_CORE of <sys/mman.h>. Holes are passed over. */
kern_return_t vm_map_madvise(vm_map_t map, vm_offset_t start, vm_offset_t end, int behav);
/* start == end: the whole entry there. */
kern_return_t vm_map_sync(vm_map_t map, vm_offset_t start, vm_offset_t end, boolean_t syncio, boolean_t invalidate);

#define VM_MAP_WIRE_SYSTEM      0       /* the kernel's: KERN_NO_ACCESS for programs */
#define VM_MAP_WIRE_USER        1
#define VM_MAP_WIRE_NOHOLES     0
#define VM_MAP_WIRE_HOLESOK     2       /* holes, and what has no rights, are passed over */
#define VM_MAP_WIRE_WRITE       4       /* what cannot be written, too */
/* Wirings for the user do not nest: vm_map_unwire undoes all of them. */
kern_return_t vm_map_wire(vm_map_t map, vm_offset_t start, vm_offset_t end, int flags);
kern_return_t vm_map_unwire(vm_map_t map, vm_offset_t start, vm_offset_t end, int flags);

/* Does all of the range allow prot? A hole allows nothing. */
boolean_t vm_map_check_protection(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot);
/* Is the range, which is not empty, within the map's addresses? */
boolean_t vm_map_range_valid(vm_map_t map, vm_offset_t start, vm_offset_t end);
#define vm_map_check_boundary(map, start, end) vm_map_range_valid(map, start, end)

#ifdef __cplusplus
}
#endif

#endif
