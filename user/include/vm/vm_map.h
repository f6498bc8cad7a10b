/*
 * vm/vm_map.h: FreeBSD's calls for address maps.
 *
 * The prototypes are those of vm_map_find(9) and its relatives; the map is the
 * handle of a task or of a submap, the object that of a named entry or memory
 * object, or VM_OBJECT_NULL for zero-fill. A handle stays the caller's, whatever
 * comes of the call. Everything is in whole pages; what is not is
 * KERN_INVALID_ARGUMENT. Codes are the kernel's (its mm/vm_map_find.h lists
 * them). Stacks: vm/vm_map_stack.h; what is done to ranges: vm/vm_map_range.h.
 */
#ifndef VM_VM_MAP_H
#define VM_VM_MAP_H

#include <mach/mach.h>
#include <vm/vm_map_range.h>
#include <vm/vm_map_stack.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef mem_entry_name_port_t vm_object_t;
typedef int64_t vm_ooffset_t;
#define VM_OBJECT_NULL  ((vm_object_t)0)

/* find_space */
#define VMFS_NO_SPACE           0       /* at *addr or nowhere */
#define VMFS_ANY_SPACE          1       /* first fit from *addr on */
#define VMFS_OPTIMAL_SPACE      2       /* for an object as SUPER, and if that fails, or without one, as ANY */
#define VMFS_SUPER_SPACE        3       /* first fit where superpages can be used */
#define VMFS_ALIGNED_SPACE(n)   ((n) << 8)      /* first fit at a multiple of 2^n; n from 12 to 63 */

/* cow */
#undef  MAP_INHERIT_SHARE               /* sys/mman.h has another one of NetBSD's */
#define MAP_INHERIT_SHARE       0x0001
#define MAP_COPY_ON_WRITE       0x0002
#define MAP_NOFAULT             0x0004
#define MAP_PREFAULT            0x0008
#define MAP_PREFAULT_PARTIAL    0x0010
#define MAP_DISABLE_SYNCER      0x0020
#define MAP_CHECK_EXCL          0x0040
#define MAP_CREATE_GUARD        0x0080
#define MAP_DISABLE_COREDUMP    0x0100
#define MAP_PREFAULT_MADVISE    0x0200
#define MAP_WRITECOUNT          0x0400
#define MAP_REMAP               0x0800
#define MAP_ACC_CHARGED         0x4000
#define MAP_ACC_NO_CHARGE       0x8000
#define MAP_CREATE_STACK_GAP_UP 0x10000
#define MAP_CREATE_STACK_GAP_DN 0x20000
#define MAP_VN_EXEC             0x40000
#define MAP_SPLIT_BOUNDARY_MASK 0x180000
#define MAP_SPLIT_BOUNDARY_SHIFT 19
#define MAP_NO_HINT             0x200000

/*
 * length bytes of object from offset on, at or above *addr as find_space says; the range ends at max_addr at most (0: at
 * the map's end). *addr: out, where; it may have changed although the call failed.
 */
kern_return_t vm_map_find(vm_map_t map, vm_object_t object, vm_ooffset_t offset, vm_offset_t *addr, vm_size_t length,
    vm_offset_t max_addr, int find_space, vm_prot_t prot, vm_prot_t max, int cow);
/* The same from *addr on and, failing that, from min_addr on; *addr 0: no wish. */
kern_return_t vm_map_find_min(vm_map_t map, vm_object_t object, vm_ooffset_t offset, vm_offset_t *addr, vm_size_t length,
    vm_offset_t min_addr, vm_offset_t max_addr, int find_space, vm_prot_t prot, vm_prot_t max, int cow);
/* Only looks: the lowest place at or above *addr at a multiple of alignment (a power of two; 0: none). */
kern_return_t vm_map_find_aligned(vm_map_t map, vm_offset_t *addr, vm_size_t length, vm_offset_t max_addr, vm_offset_t alignment);
/* At start, in place of what is there; MAP_CHECK_EXCL: only where nothing is (KERN_NO_SPACE). */
kern_return_t vm_map_fixed(vm_map_t map, vm_object_t object, vm_ooffset_t offset, vm_offset_t start, vm_size_t length,
    vm_prot_t prot, vm_prot_t max, int cow);
/* [start, end), which must be free. */
kern_return_t vm_map_insert(vm_map_t map, vm_object_t object, vm_ooffset_t offset, vm_offset_t start, vm_offset_t end,
    vm_prot_t prot, vm_prot_t max, int cow);
/*
 * Only looks: the lowest address at or above start where length bytes are free; if there is none, the map's maximum less
 * length, and 1 more. Arguments not in pages, or no map: 2^64 - 1.
 */
vm_offset_t vm_map_findspace(vm_map_t map, vm_offset_t start, vm_size_t length);

/* Options of a map, inherited by fork; none in a new one. */
#define VM_MAP_ASLR             0x08    /* places are chosen at random, from a generator of the map's own */
#define VM_MAP_ASLR_IGNSTART    0x10    /* ... from the map's minimum on, whatever *addr says */
#define VM_MAP_WXORX            0x40    /* memory that is writable and executable: KERN_PROTECTION_FAILURE */
#define VM_MAP_CLUSTER          0x100   /* zero-fill memory without a wish goes near that which is there */
#define VM_MAP_CLUSTER_ALWAYS   0x200   /* ... and with one */
kern_return_t vm_map_set_options(vm_map_t map, int options, uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif
